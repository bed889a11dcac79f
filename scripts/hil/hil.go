// Package hil is hardware in the loop without hardware: make hil boots Debian's kernel in QEMU, where the
// printer, the boards and the buttons are real kernel interfaces with nothing but a program behind them,
// and runs the real okienko-agent on these.
//
// The test of this package (build tag hil) makes the machine and judges; the command guest is the
// machine's first program, plays the world around the agent and reports what came out. This package is
// what the two share.
package hil

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Record is what the guest tells of one step of the scenario, as one line on the serial console.
type Record struct {
	// Step names it; each is told once, in the order of the scenario.
	Step string `json:"step"`
	// Fault says why the step ended early; empty after a step that went to its end.
	Fault string `json:"fault,omitempty"`
	// Texts are what was read: on paper, on boards, in answers.
	Texts map[string]string `json:"texts,omitempty"`
	// Counts are what was counted.
	Counts map[string]int `json:"counts,omitempty"`
	// Millis are durations by the guest's monotonic clock, in milliseconds, oldest first.
	Millis map[string][]float64 `json:"millis,omitempty"`
}

// NewRecord returns an empty record of a step.
func NewRecord(step string) *Record {
	return &Record{Step: step, Texts: map[string]string{}, Counts: map[string]int{}, Millis: map[string][]float64{}}
}

// Took adds a duration.
func (r *Record) Took(what string, d time.Duration) {
	r.Millis[what] = append(r.Millis[what], float64(d.Microseconds())/1000)
}

// Quantile is the smallest of the durations that the share q of them does not exceed; 0 without any.
func (r *Record) Quantile(what string, q float64) float64 {
	sorted := slices.Sorted(slices.Values(r.Millis[what]))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// mark begins each line of the guest's; the console has other lines as well.
const mark = "hil: "

// Line is the record as one line of the console.
func (r *Record) Line() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the record of %s: %w", r.Step, err)
	}
	return append(append([]byte("\n"+mark), data...), '\n'), nil
}

// Parse reads a line of the console; false for one that is no record.
func Parse(line []byte) (Record, bool) {
	data, ours := bytes.CutPrefix(bytes.TrimSpace(line), []byte(mark))
	var r Record
	return r, ours && json.Unmarshal(data, &r) == nil
}
