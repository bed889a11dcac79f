package printer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/drivertest"
	"github.com/okienko/okienko/drivers/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// conformEnv shows a bench to the conformance suite.
func conformEnv(b *bench) drivertest.PrinterEnv {
	return drivertest.PrinterEnv{
		Printer: b.printer,
		Fault:   b.device.Fault,
		Tickets: func() []string {
			var texts []string
			for _, piece := range b.device.Tickets() {
				if text := strings.Join(piece.Lines, "\n"); text != "" {
					texts = append(texts, text) // blank strips are cut after an aborted job
				}
			}
			return texts
		},
	}
}

func TestConformanceOverPTY(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	drivertest.Printer(t, func(t *testing.T) drivertest.PrinterEnv {
		t.Helper()
		return conformEnv(startPTY(t, profile, emulator.Options{}, quickOptions()))
	})
}

func TestConformanceOverTCP(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	drivertest.Printer(t, func(t *testing.T) drivertest.PrinterEnv {
		t.Helper()
		return conformEnv(startTCP(t, profile, emulator.Options{}, quickOptions()))
	})
}

// TestConformanceWithoutProofs runs the suite with a clone that gives no proof of printing.
func TestConformanceWithoutProofs(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	device := emulator.Options{Missing: []emulator.Feature{
		emulator.FeatureProcessID, emulator.FeaturePaperGSr, emulator.FeatureASB,
	}}
	drivertest.Printer(t, func(t *testing.T) drivertest.PrinterEnv {
		t.Helper()
		return conformEnv(startPTY(t, profile, device, quickOptions()))
	})
}

// TestFaultsOnRealLines repeats the fault matrix, thinner, with real descriptors.
func TestFaultsOnRealLines(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	starts := map[string]func(*testing.T) *bench{
		"pty": func(t *testing.T) *bench {
			t.Helper()
			return startPTY(t, profile, emulator.Options{}, quickOptions())
		},
		"tcp": func(t *testing.T) *bench {
			t.Helper()
			return startTCP(t, profile, emulator.Options{}, quickOptions())
		},
	}
	var wg sync.WaitGroup             // the runs wait more than they work, so they are not held to -parallel
	places := make(chan struct{}, 24) // the emulator's inotify instances are few
	for name, start := range starts {
		size := jobSize(t, start)
		for _, fault := range matrixFaults() {
			for n := 1; n <= size; n += realStep {
				wg.Go(func() {
					places <- struct{}{}
					defer func() { <-places }()
					t.Run(fmt.Sprintf("%s/%s/byte-%d", name, fault.name, n), func(t *testing.T) {
						survive(t, start(t), fault, n)
					})
				})
			}
		}
	}
	wg.Wait()
}

// descriptors counts this process's open files.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestNothingLeaksOverReplugs is row 16 a hundred times: every unplug is noticed, every replug found
// under the same link, and neither goroutines nor descriptors grow. It runs before the parallel
// tests, whose descriptors would be counted too.
func TestNothingLeaksOverReplugs(t *testing.T) { //nolint:paralleltest // it counts the process's descriptors
	profile := loadProfile(t, "epson-tm-t20iii")
	o := quickOptions()
	o.BackoffMin, o.BackoffMax, o.Settle = 2*time.Millisecond, 10*time.Millisecond, 2*time.Millisecond
	b := startPTY(t, profile, emulator.Options{}, o)
	cycle := func() {
		b.await(t, wait, ready)
		b.device.Unplug()
		b.await(t, wait, because(printerUnplugged))
		b.device.Replug()
		b.await(t, wait, ready)
	}
	cycle() // the poller's own descriptors exist from here on
	files, routines := descriptors(t), runtime.NumGoroutine()
	for range 100 {
		cycle()
	}
	if r := b.printer.Print(t.Context(), ticket("Q7")); r.Outcome != drivers.Printed {
		t.Errorf("print after all: %+v", r)
	}
	if now := descriptors(t); now > files {
		t.Errorf("descriptors grew from %d to %d", files, now)
	}
	if now := runtime.NumGoroutine(); now > routines+2 { // a replug may be under way in the emulator
		t.Errorf("goroutines grew from %d to %d", routines, now)
	}
}

const printerUnplugged = "unplugged"

// TestMovedLink is row 16: the link leads to another tty while the old one stays open and silent.
func TestMovedLink(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	link := filepath.Join(t.TempDir(), "by-id")
	first, second := emulator.New(emulator.Options{}), emulator.New(emulator.Options{})
	for _, em := range []*emulator.Printer{first, second} {
		tty, err := em.OpenPTY("")
		if err != nil {
			t.Fatal(err)
		}
		serve(t, tty.Run)
		if em == first {
			if err := os.Symlink(tty.Path(), link); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b := open(t, first, "serial:"+link, profile, quickOptions())
		b.await(t, wait, ready)
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
		b.await(t, 5*time.Second, because(printerUnplugged))
		if err := os.Symlink(tty.Path(), link); err != nil {
			t.Fatal(err)
		}
		b.device = second
		b.await(t, wait, ready)
		if r := b.printer.Print(t.Context(), ticket("Q7")); r.Outcome != drivers.Printed {
			t.Fatalf("print: %+v", r)
		}
		checkJudgement(t, b, "Q7", b.printer.Print(t.Context(), ticket("Q8")))
		if first.State().Tickets != 0 {
			t.Error("the old tty got a ticket")
		}
	}
}

// TestAbsentAndAppearing opens an address where there is nothing yet.
func TestAbsentAndAppearing(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "by-id")
	em := emulator.New(emulator.Options{})
	b := open(t, em, "serial:"+link, loadProfile(t, "epson-tm-t20iii"), quickOptions())
	r := b.printer.Print(t.Context(), ticket("Q7"))
	if r.Outcome != drivers.NotStarted || r.Reason != printerUnplugged {
		t.Errorf("print on nothing: %+v", r)
	}
	tty, err := em.OpenPTY(link)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, tty.Run)
	b.await(t, wait, ready)
}

// TestStalledWriteReturns is row 17: a document larger than every buffer, to a device that does not
// read, gives control back in time.
func TestStalledWriteReturns(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	o := quickOptions()
	o.Stall = 0 // the real limit
	for name, start := range map[string]func() *bench{
		"pty": func() *bench { return startPTY(t, profile, emulator.Options{BufferSize: 512}, o) },
		"tcp": func() *bench { return startTCP(t, profile, emulator.Options{BufferSize: 512}, o) },
	} {
		b := start()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b.await(t, wait, ready)
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			b.device.StallAfter(100)
			begun := time.Now()
			r := b.printer.Print(ctx, ticket("Q7"))
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("print returned after %v", took)
			}
			if r.Outcome != drivers.Unknown {
				t.Errorf("print: %+v", r)
			}
		})
	}
}
