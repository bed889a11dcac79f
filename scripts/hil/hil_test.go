//go:build hil

package hil_test

import (
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"

	hil "github.com/okienko/okienko/scripts/hil"
)

// The figures of the project, in milliseconds and kB (reference/hardware.md section 6).
const (
	firstByteGoal = 150.0
	callGoal      = 150.0
	toldGoal      = 5000.0
	memoryGoal    = 40 << 10
	stopGoal      = 10000.0
)

// judge holds one step against what is right.
type judge struct {
	step  string
	judge func(t *testing.T, r hil.Record)
}

// TestHIL boots the machine once and judges what came out of each step.
func TestHIL(t *testing.T) {
	records, sound := boot(t)
	told := map[string]hil.Record{}
	for _, r := range records {
		told[r.Step] = r
	}
	for _, j := range []judge{
		{"ready", func(*testing.T, hil.Record) {}},
		{"ticket", func(t *testing.T, r hil.Record) { paper(t, r, "A1") }},
		{"presses", judgePresses},
		{"announce", func(t *testing.T, r hil.Record) { figure(t, r, "first-sample", 1, callGoal) }},
		{"call", judgeCall},
		{"paper-out", func(t *testing.T, r hil.Record) { judgePrinter(t, r, "failed paper-out", "A102") }},
		{"printer-unplugged", func(t *testing.T, r hil.Record) { judgePrinter(t, r, "absent unplugged", "A103") }},
		{"board-unplugged", judgeBoard},
		{"replugs", judgeReplugs},
		{"stop", judgeStop},
		{"again", judgeAgain},
	} {
		t.Run(j.step, func(t *testing.T) {
			r, ok := told[j.step]
			switch {
			case !ok:
				t.Fatal("the machine did not get so far")
			case r.Fault != "":
				t.Fatalf("%s\n%v\n%s", r.Fault, r.Millis, r.Texts["log"])
			}
			j.judge(t, r)
		})
	}
	t.Run("sound", func(t *testing.T) { judgeSound(t, sound) })
	t.Run("hang", func(t *testing.T) { judgeHang(t, told) })
}

// figure prints a quantile of some durations and holds it against its goal.
func figure(t *testing.T, r hil.Record, what string, quantile, goal float64) {
	t.Helper()
	value := r.Quantile(what, quantile)
	t.Logf("%s: n=%d p50=%.1f p99=%.1f max=%.1f ms, goal p%.0f <= %.0f ms", what, len(r.Millis[what]),
		r.Quantile(what, 0.5), r.Quantile(what, 0.99), r.Quantile(what, 1), 100*quantile, goal)
	if len(r.Millis[what]) == 0 || value > goal {
		t.Errorf("%s: p%.0f of %d is %.1f ms; the goal is %.0f ms", what, 100*quantile, len(r.Millis[what]), value, goal)
	}
}

// paper checks what a ticket says, as the printer understood it.
func paper(t *testing.T, r hil.Record, number string) {
	t.Helper()
	lines := strings.Split(r.Texts["lines"], "\n")
	for _, want := range []string{"Urząd Gminy Łąck", "Zażółć gęślą jaźń", number, "Zeskanuj kod i śledź kolejkę"} {
		found := false
		for _, line := range lines {
			found = found || line == want
		}
		if !found {
			t.Errorf("no line says %q:\n%s", want, r.Texts["lines"])
		}
	}
	if token, ok := strings.CutPrefix(r.Texts["qr"], "https://kolejka.example.pl/t/"); !ok || len(token) < 20 {
		t.Errorf("the QR code says %q", r.Texts["qr"])
	}
	if r.Texts["cut"] != "full" && r.Texts["cut"] != "partial" || r.Texts["warnings"] != "" {
		t.Errorf("cut %q, warnings %q", r.Texts["cut"], r.Texts["warnings"])
	}
}

func judgePresses(t *testing.T, r hil.Record) {
	if r.Counts["tickets"] != 100 || len(r.Millis["first-byte"]) != 100 {
		t.Errorf("%d tickets for %d presses, want 100", r.Counts["tickets"], len(r.Millis["first-byte"]))
	}
	figure(t, r, "first-byte", 0.99, firstByteGoal)
}

func judgeCall(t *testing.T, r hil.Record) {
	figure(t, r, "board-1", 1, callGoal)
	figure(t, r, "board-2", 1, callGoal)
}

// judgePrinter: the fault is told in time and by its name, calling goes on, and the next press gives the
// next number.
func judgePrinter(t *testing.T, r hil.Record, state, number string) {
	t.Helper()
	if r.Texts["state"] != state {
		t.Errorf("the printer was said to be %q, want %q", r.Texts["state"], state)
	}
	if r.Texts["called"] == "" {
		t.Error("nobody could be called meanwhile")
	}
	figure(t, r, "told", 1, toldGoal)
	figure(t, r, "healed", 1, toldGoal)
	paper(t, r, number)
}

func judgeBoard(t *testing.T, r hil.Record) {
	if r.Texts["state"] != "absent unplugged" {
		t.Errorf("the board was said to be %q", r.Texts["state"])
	}
	if r.Texts["called"] == "" || r.Texts["number"] == "" {
		t.Errorf("called %q at the other counter and %q at its own", r.Texts["called"], r.Texts["number"])
	}
	figure(t, r, "told", 1, toldGoal)
	figure(t, r, "healed", 1, toldGoal)
	figure(t, r, "shown", 1, toldGoal)
}

// judgeReplugs: after plugging often, nothing more is open or running than before.
func judgeReplugs(t *testing.T, r hil.Record) {
	t.Logf("descriptors %d, then %d; goroutines %d, then %d; resident memory %d kB", r.Counts["before"], r.Counts["after"],
		r.Counts["goroutines-before"], r.Counts["goroutines-after"], r.Counts["memory-kB"])
	for _, pair := range [][2]string{{"before", "after"}, {"goroutines-before", "goroutines-after"}} {
		if before, after := r.Counts[pair[0]], r.Counts[pair[1]]; before <= 0 || after <= 0 || after > before {
			t.Errorf("%s: %d, %s: %d", pair[0], before, pair[1], after)
		}
	}
	if kB := r.Counts["memory-kB"]; kB <= 0 || kB >= memoryGoal {
		t.Errorf("the agent holds %d kB; the goal is below %d", kB, memoryGoal)
	}
	figure(t, r, "ready-printer", 1, toldGoal)
	figure(t, r, "ready-board-2", 1, toldGoal)
}

func judgeStop(t *testing.T, r hil.Record) {
	if r.Counts["exit"] != 0 {
		t.Errorf("the agent ended with code %d", r.Counts["exit"])
	}
	if r.Counts["lamps"] != 0 {
		t.Errorf("%d lamps are lit after the end", r.Counts["lamps"])
	}
	if r.Texts["before-1"] == "" || r.Texts["before-2"] == "" {
		t.Errorf("before the end the boards showed %q and %q: that they are dark now proves nothing",
			r.Texts["before-1"], r.Texts["before-2"])
	}
	if r.Texts["watchdog"] != "inactive" {
		t.Errorf("the watchdog is %q after an orderly end: it would restart the machine", r.Texts["watchdog"])
	}
	figure(t, r, "stopped", 1, stopGoal)
}

func judgeAgain(t *testing.T, r hil.Record) {
	if r.Texts["watchdog"] != "active" {
		t.Errorf("the watchdog of a running agent is %q", r.Texts["watchdog"])
	}
}

// judgeHang: the last that was heard of the machine is that it worked. Had the watchdog not restarted it
// when the agent hung, it would have told so.
func judgeHang(t *testing.T, told map[string]hil.Record) {
	t.Helper()
	if r, ok := told["again"]; !ok || r.Fault != "" {
		t.Error("the agent did not come to the point where it was to hang")
	}
	if r, broken := told["guest"]; broken {
		t.Errorf("the machine: %s", r.Fault)
	}
}

// judgeSound looks whether the hall heard something, and silence between.
func judgeSound(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const head, rate, frame = 44, 44100, 4 // what QEMU writes: 16 bits, two channels
	if len(data) < head+frame*rate {
		t.Fatalf("%d bytes of sound", len(data))
	}
	const window = rate / 10
	loud, quiet, loudest := 0, 0, 0.0
	for samples := data[head:]; len(samples) >= window*frame; samples = samples[window*frame:] {
		sum := 0.0
		for i := 0; i < window*frame; i += 2 {
			v := float64(int16(binary.LittleEndian.Uint16(samples[i:]))) //nolint:gosec // a sample is signed
			sum += v * v
		}
		rms := math.Sqrt(sum / (2 * window))
		loudest = max(loudest, rms)
		if rms > 500 {
			loud++
		}
		if rms < 5 {
			quiet++
		}
	}
	t.Logf("%d tenths of a second are loud, %d silent; the loudest has an RMS of %.0f of 32768", loud, quiet, loudest)
	if loud < 20 || loudest < 1500 {
		t.Error("no announcement was heard")
	}
}
