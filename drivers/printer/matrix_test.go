package printer_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/emulator"
	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/printer"
)

// matrixFault is one way to fail after n bytes of a job.
type matrixFault struct {
	name string
	arm  func(p *emulator.Printer, n int)
	heal func(p *emulator.Printer)
}

func matrixFaults() []matrixFault {
	none := func(p *emulator.Printer) { _ = p.Fault("none") }
	return []matrixFault{
		{"paper-out", (*emulator.Printer).PaperOutAfter, none},
		{"cover-open", (*emulator.Printer).OpenCoverAfter, none},
		{"stall", (*emulator.Printer).StallAfter, none},
		{"unplug", (*emulator.Printer).UnplugAfter, none},
		{"power", (*emulator.Printer).CutPowerAfter, none},
	}
}

// jobSize is how many bytes a printer receives for one ticket, preflight and fences included.
func jobSize(t *testing.T, start func(*testing.T) *bench) int {
	t.Helper()
	b := start(t)
	b.settle(t)
	before := b.device.State().Received
	if r := b.printer.Print(t.Context(), b.ticket("Q7")); r.Outcome != drivers.Printed {
		t.Fatalf("dry run: %+v", r)
	}
	return int(b.device.State().Received - before)
}

// checkJudgement compares what the driver says of the ticket with mark with what is on paper.
func checkJudgement(t *testing.T, b *bench, mark string, r drivers.Result) {
	t.Helper()
	complete, seen := b.paperWith(mark)
	switch {
	case r.Outcome == drivers.Printed && complete != 1:
		t.Errorf("%s: printed with grade %s, but %d complete tickets were cut", mark, r.Grade, complete)
	case r.Outcome == drivers.NotStarted && seen:
		t.Errorf("%s: not started (%s), but bytes of it reached the printer", mark, r.Reason)
	case complete > 1:
		t.Errorf("%s: %d complete tickets for one job", mark, complete)
	case r.Outcome != drivers.Printed && (r.Reason == "" || r.Err == nil):
		t.Errorf("%s: no reason given: %+v", mark, r)
	}
}

// survive prints a ticket that fails after n bytes, puts the device right and prints another.
func survive(t *testing.T, b *bench, fault matrixFault, n int) drivers.Result {
	t.Helper()
	b.settle(t)
	fault.arm(b.device, n)
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	r := b.printer.Print(ctx, b.ticket("Q7"))
	checkJudgement(t, b, "Q7", r)
	fault.heal(b.device)
	time.Sleep(b.notice) // a fault that struck after the job is noticed, too
	b.await(t, time.Minute, ready)
	checkJudgement(t, b, "Q7", r)
	again := b.printer.Print(t.Context(), b.ticket("Z8"))
	if again.Outcome != drivers.Printed {
		t.Errorf("the next ticket: %+v", again)
	}
	checkJudgement(t, b, "Z8", again)
	checkJudgement(t, b, "Q7", r)
	return r
}

// sweep strikes with every fault at every step-th byte, or at so many places if step is 0, each time
// on a fresh bench, in virtual time with the default time-outs.
func sweep(t *testing.T, step, places int, start func(*testing.T) *bench) {
	t.Helper()
	var size int
	synctest.Test(t, func(t *testing.T) { size = jobSize(t, start) })
	if step == 0 {
		step = size/places + 1
	}
	for _, fault := range matrixFaults() {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			outcomes := map[drivers.Outcome]int{}
			for n := 1; n <= size; n += step {
				t.Run(fmt.Sprintf("byte-%d", n), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						outcomes[survive(t, start(t), fault, n).Outcome]++
					})
				})
			}
			if outcomes[drivers.Unknown] == 0 {
				t.Errorf("the fault never hit the ticket: %v", outcomes)
			}
			t.Logf("%d bytes: %v", size, outcomes)
		})
	}
}

// TestFaultAtEveryTenthByte is the print rule of 6-failures, rows 14 to 17.
func TestFaultAtEveryTenthByte(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	sweep(t, matrixStep, 0, func(t *testing.T) *bench {
		t.Helper()
		return startPipe(t, profile, emulator.Options{})
	})
}

// TestStartAfterCrash: an earlier process died after n bytes of a job. A new one knows nothing of it
// and must not print its first ticket into the open command.
func TestStartAfterCrash(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"epson-tm-t20iii", "generic-80", "xprinter-n160ii"} {
		profile := loadProfile(t, name)
		encoder, err := escpos.NewEncoder(profile)
		if err != nil {
			t.Fatal(err)
		}
		body, _, err := encoder.EncodeParts(ticket("Q7"))
		if err != nil {
			t.Fatal(err)
		}
		for _, interrupted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s-%v", name, interrupted), func(t *testing.T) {
				t.Parallel()
				for n := 1; n <= len(body); n += crashStep + len(body)/40 {
					synctest.Test(t, func(t *testing.T) {
						em := emulator.New(emulator.Options{})
						leave(t, em, body[:n])
						b := startPipeOn(t, printer.Config{Profile: profile, Interrupted: interrupted}, em)
						b.await(t, time.Minute, ready)
						r := b.printer.Print(t.Context(), ticket("Z8"))
						if r.Outcome != drivers.Printed {
							t.Errorf("after %d bytes: %+v", n, r)
						}
						checkJudgement(t, b, "Z8", r)
						if _, joined := b.paperWith("Q7"); joined && interrupted {
							checkApart(t, b, n)
						}
					})
				}
			})
		}
	}
}

// leave sends bytes as a process that dies after them.
func leave(t *testing.T, em *emulator.Printer, data []byte) {
	t.Helper()
	host, device := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- em.Serve(t.Context(), device) }()
	if _, err := host.Write(data); err != nil {
		t.Fatal(err)
	}
	_ = host.Close()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}

// checkApart looks that no piece of paper shows both tickets.
func checkApart(t *testing.T, b *bench, n int) {
	t.Helper()
	for _, piece := range b.device.Tickets() {
		text := strings.Join(piece.Lines, "\n")
		if strings.Contains(text, "Q7") && strings.Contains(text, "Z8") {
			t.Errorf("after %d bytes: the stub was not cut off: %q", n, piece.Lines)
		}
	}
}

// TestFaultsOfOtherPrinters is the same, thinner, for printers with lesser proofs and for a ticket
// with a logo that is larger than the printer's buffer and takes its time on paper.
func TestFaultsOfOtherPrinters(t *testing.T) {
	t.Parallel()
	lacks := func(f ...emulator.Feature) emulator.Options { return emulator.Options{Missing: f} }
	tests := []struct {
		name, profile string
		device        emulator.Options
		logo          bool
	}{
		{"clone-with-process-id", "xprinter-n160ii", emulator.Options{KanjiOnInit: true}, false},
		{"clone-with-queued-status", "generic-80", lacks(emulator.FeatureProcessID), false},
		{
			"clone-without-proof", "generic-80",
			lacks(emulator.FeatureProcessID, emulator.FeaturePaperGSr, emulator.FeatureASB), false,
		},
		{"star", "star-tsp650ii", emulator.Options{}, false},
		{
			"presenter", "custom-vkp80iii",
			emulator.Options{Dialect: emulator.DialectCustom, Presenter: true},
			false,
		},
		{
			"logo-and-small-buffer", "epson-tm-t20iii",
			emulator.Options{BufferSize: 1024, Speed: 150},
			true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			profile := loadProfile(t, tt.profile)
			sweep(t, 0, otherPlaces, func(t *testing.T) *bench {
				t.Helper()
				b := startPipe(t, profile, tt.device)
				b.logo = tt.logo
				return b
			})
		})
	}
}
