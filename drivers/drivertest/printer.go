package drivertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/paper"
)

// PrinterEnv is a printer driver that runs and a hand on its device.
type PrinterEnv struct {
	Printer drivers.Printer
	// Fault makes the device fail: paper-out, cover-open, stall or unplug; none puts all right.
	Fault func(name string) error
	// Tickets returns the text of every piece of paper that the device has cut, oldest first.
	Tickets func() []string
	// NoStatus is set for a device that never says how it is, NoStall for one that cannot stall.
	NoStatus, NoStall bool
}

// The times that 6-failures promises of every printer (rows 14, 16, 17), with a margin for a busy
// machine.
const (
	noticeLimit = 3 * time.Second
	unplugLimit = 5 * time.Second
	returnLimit = 15 * time.Second
	printLimit  = 15 * time.Second
	haltLimit   = 5 * time.Second
)

// Printer checks that a driver keeps the contract of drivers.Printer. start is called once for
// every check and returns a fresh device with paper, whose driver already runs; it registers its
// own clean-up with t.
func Printer(t *testing.T, start func(t *testing.T) PrinterEnv) {
	t.Helper()
	var wg sync.WaitGroup // the checks wait more than they work, so they are not held to -parallel
	defer wg.Wait()
	for _, check := range []struct {
		name string
		run  func(*testing.T, PrinterEnv)
	}{
		{"prints", checkPrints},
		{"one-at-a-time", checkOneAtATime},
		{"cancelled-before", checkCancelled},
		{"paper-out", func(t *testing.T, e PrinterEnv) { checkStatusFault(t, e, "paper-out") }},
		{"cover-open", func(t *testing.T, e PrinterEnv) { checkStatusFault(t, e, "cover-open") }},
		{"unplug", checkUnplug},
		{"stall", checkStall},
		{"halt", checkHalt},
	} {
		wg.Go(func() {
			t.Run(check.name, func(t *testing.T) {
				e := start(t)
				if e.Printer.String() == "" {
					t.Error("the printer has no name")
				}
				awaitHealth(t, e, returnLimit, usable, "ready")
				check.run(t, e)
			})
		})
	}
}

// slip is a small document whose text holds mark.
func slip(mark string) paper.Document {
	return paper.Document{Elements: []paper.Element{
		paper.Text{Value: "drivertest"},
		paper.Text{Value: mark, Width: 2, Height: 2, Align: paper.Center},
		paper.Feed{Lines: 2},
	}}
}

// copies counts the tickets that hold mark.
func copies(e PrinterEnv, mark string) int {
	n := 0
	for _, text := range e.Tickets() {
		n += strings.Count(text, mark)
	}
	return n
}

func usable(h drivers.Health) bool {
	return h.State == drivers.Ready || h.State == drivers.Degraded
}

// awaitHealth waits until ok holds for the printer's health.
func awaitHealth(t *testing.T, e PrinterEnv, limit time.Duration, ok func(drivers.Health) bool, what string) {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		changed := e.Printer.Changed()
		h := e.Printer.Health()
		if ok(h) {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			t.Fatalf("not %s within %v: %+v", what, limit, h)
		}
	}
}

func fault(t *testing.T, e PrinterEnv, name string) {
	t.Helper()
	if err := e.Fault(name); err != nil {
		t.Fatalf("set fault: %v", err)
	}
}

func printSlip(t *testing.T, e PrinterEnv, mark string) drivers.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), printLimit)
	defer cancel()
	return e.Printer.Print(ctx, slip(mark))
}

func wantPrinted(t *testing.T, e PrinterEnv, mark string) {
	t.Helper()
	if r := printSlip(t, e, mark); r.Outcome != drivers.Printed || r.Grade == "" || r.Err != nil {
		t.Fatalf("print %s: %+v, want it printed", mark, r)
	}
	if n := copies(e, mark); n != 1 {
		t.Errorf("%s was cut %d times, want once", mark, n)
	}
}

func wantNotStarted(t *testing.T, e PrinterEnv, mark string, r drivers.Result) {
	t.Helper()
	if r.Outcome != drivers.NotStarted || r.Reason == "" || r.Err == nil || r.Grade != "" {
		t.Errorf("print %s: %+v, want it not started, with reason and error", mark, r)
	}
	if n := copies(e, mark); n != 0 {
		t.Errorf("%s was cut %d times although it had not been started", mark, n)
	}
}

func checkPrints(t *testing.T, e PrinterEnv) {
	t.Helper()
	wantPrinted(t, e, "PRINT1")
	wantPrinted(t, e, "PRINT2")
}

func checkOneAtATime(t *testing.T, e PrinterEnv) {
	t.Helper()
	const jobs = 4
	var wg sync.WaitGroup
	for i := range jobs {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), printLimit)
			defer cancel()
			if r := e.Printer.Print(ctx, slip(fmt.Sprintf("JOB%d", i))); r.Outcome != drivers.Printed {
				t.Errorf("job %d: %+v", i, r)
			}
		})
	}
	wg.Wait()
	for i := range jobs {
		if n := copies(e, fmt.Sprintf("JOB%d", i)); n != 1 {
			t.Errorf("job %d was cut %d times, want once", i, n)
		}
	}
	if got := len(e.Tickets()); got != jobs {
		t.Errorf("%d pieces of paper for %d jobs", got, jobs)
	}
}

func checkCancelled(t *testing.T, e PrinterEnv) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantNotStarted(t, e, "CANCEL", e.Printer.Print(ctx, slip("CANCEL")))
	wantPrinted(t, e, "AFTER")
}

func checkStatusFault(t *testing.T, e PrinterEnv, name string) {
	t.Helper()
	if e.NoStatus {
		return
	}
	fault(t, e, name)
	awaitHealth(t, e, noticeLimit, func(h drivers.Health) bool {
		return h.State == drivers.Failed && h.Reason == name
	}, name)
	r := printSlip(t, e, "EARLY")
	wantNotStarted(t, e, "EARLY", r)
	if r.Reason != name {
		t.Errorf("reason %q, want %q", r.Reason, name)
	}
	fault(t, e, "none")
	awaitHealth(t, e, noticeLimit, usable, "ready again")
	wantPrinted(t, e, "LATER")
}

func checkUnplug(t *testing.T, e PrinterEnv) {
	t.Helper()
	fault(t, e, "unplug")
	awaitHealth(t, e, unplugLimit, func(h drivers.Health) bool { return !usable(h) }, "absent")
	wantNotStarted(t, e, "EARLY", printSlip(t, e, "EARLY"))
	fault(t, e, "none")
	awaitHealth(t, e, returnLimit, usable, "back")
	wantPrinted(t, e, "LATER")
}

func checkStall(t *testing.T, e PrinterEnv) {
	t.Helper()
	if e.NoStall {
		return
	}
	fault(t, e, "stall")
	r := printSlip(t, e, "STALL")
	if r.Outcome == drivers.Printed || r.Err == nil || r.Reason == "" {
		t.Errorf("print on a stalled device: %+v", r)
	}
	awaitHealth(t, e, unplugLimit, func(h drivers.Health) bool { return !usable(h) }, "failed")
	fault(t, e, "none")
	awaitHealth(t, e, returnLimit, usable, "ready again")
	wantPrinted(t, e, "LATER")
	if n := copies(e, "STALL"); n > 1 {
		t.Errorf("the stalled job was cut %d times", n)
	}
}

func checkHalt(t *testing.T, e PrinterEnv) {
	t.Helper()
	wantPrinted(t, e, "BEFORE")
	begun := time.Now()
	for range 2 {
		if err := e.Printer.Halt(); err != nil {
			t.Errorf("halt: %v", err)
		}
	}
	if took := time.Since(begun); took > haltLimit {
		t.Errorf("halt took %v", took)
	}
	wantNotStarted(t, e, "AFTER", printSlip(t, e, "AFTER"))
}
