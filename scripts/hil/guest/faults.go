package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/okienko/okienko/drivers/emulator"
	hil "github.com/okienko/okienko/scripts/hil"
)

// tell waits until a device has a fault, notes how it is told, and looks whether clerks can call
// meanwhile.
func (w *world) tell(ctx context.Context, r *hil.Record, name string) error {
	state, took, err := w.agent.awaitDevice(ctx, name, notReady)
	if err != nil {
		return err
	}
	r.Texts["state"] = state
	r.Took("told", took)
	number, _, err := w.callAt(ctx, 1, w.first)
	r.Texts["called"] = number
	return err
}

// healed waits until a device works again.
func (w *world) healed(ctx context.Context, r *hil.Record, name string) error {
	_, took, err := w.agent.awaitDevice(ctx, name, ready)
	r.Took("healed", took)
	return err
}

// paperOut takes the paper away and puts it back.
func (w *world) paperOut(ctx context.Context, r *hil.Record) error {
	if err := w.printer.setPaper(emulator.PaperOut); err != nil {
		return err
	}
	if err := w.tell(ctx, r, "printer"); err != nil {
		return err
	}
	if err := w.printer.setPaper(emulator.PaperOK); err != nil {
		return err
	}
	return w.printsAgain(ctx, r)
}

// printerUnplugged pulls the printer's cable and puts it back.
func (w *world) printerUnplugged(ctx context.Context, r *hil.Record) error {
	if err := w.printer.unplug(); err != nil {
		return err
	}
	if err := w.tell(ctx, r, "printer"); err != nil {
		return err
	}
	if err := w.printer.plug(); err != nil {
		return err
	}
	return w.printsAgain(ctx, r)
}

// printsAgain waits for the printer and takes one ticket.
func (w *world) printsAgain(ctx context.Context, r *hil.Record) error {
	if err := w.healed(ctx, r, "printer"); err != nil {
		return err
	}
	ticket, _, err := w.press(ctx)
	describe(r, ticket)
	if err != nil {
		return err
	}
	return await(ctx, "the proof of the print", func() bool { return w.agent.allPrinted(ctx) })
}

// boardUnplugged pulls the adapter of the boards and puts it back. A call during that is shown after.
func (w *world) boardUnplugged(ctx context.Context, r *hil.Record) error {
	if err := w.second.cable.unplug(); err != nil {
		return err
	}
	if err := w.tell(ctx, r, "board-2"); err != nil {
		return err
	}
	number, err := w.agent.next(ctx, 2)
	if err != nil {
		return err
	}
	w.calls++
	w.last[2] = number
	w.second.PowerCut()
	if err := w.second.cable.plug(); err != nil {
		return err
	}
	if err := w.healed(ctx, r, "board-2"); err != nil {
		return err
	}
	begun := time.Now()
	_, err = awaitShown(ctx, w.second, number)
	r.Took("shown", time.Since(begun))
	r.Texts["number"] = number
	return err
}

// replugs pulls out and puts back, and counts what the agent has open.
func (w *world) replugs(ctx context.Context, r *hil.Record) error {
	before, beforeRoutines := w.agent.descriptors(), w.agent.goroutines(ctx)
	r.Counts["before"], r.Counts["goroutines-before"] = before, beforeRoutines
	for range replugs {
		for _, cable := range []struct {
			name         string
			unplug, plug func() error
		}{
			{"printer", w.printer.unplug, w.printer.plug},
			{"board-2", w.second.cable.unplug, w.second.cable.plug},
		} {
			if err := cable.unplug(); err != nil {
				return err
			}
			if _, _, err := w.agent.awaitDevice(ctx, cable.name, notReady); err != nil {
				return err
			}
			if err := cable.plug(); err != nil {
				return err
			}
			_, took, err := w.agent.awaitDevice(ctx, cable.name, ready)
			if err != nil {
				return err
			}
			r.Took("ready-"+cable.name, took)
		}
	}
	// A request that has just ended may still be counted.
	settled, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = await(settled, "what is open", func() bool {
		r.Counts["after"], r.Counts["goroutines-after"] = w.agent.descriptors(), w.agent.goroutines(ctx)
		return r.Counts["after"] <= before && r.Counts["goroutines-after"] <= beforeRoutines
	})
	var err error
	r.Counts["memory-kB"], err = w.agent.memory()
	return err
}

// end stops the agent and looks at what it leaves behind.
func (w *world) end(ctx context.Context, r *hil.Record) error {
	r.Texts["before-1"], r.Texts["before-2"] = w.last[1], w.last[2]
	begun := time.Now()
	code, err := w.agent.stop(ctx)
	if err != nil {
		return err
	}
	r.Took("stopped", time.Since(begun))
	r.Counts["exit"] = code
	for _, d := range []struct {
		name string
		display
	}{{"board-1", w.first}, {"board-2", w.second}} {
		if _, err := awaitShown(ctx, d, ""); err != nil {
			return fmt.Errorf("%s after the stop: %w", d.name, err)
		}
	}
	r.Counts["lamps"] = w.panel.lit()
	r.Texts["watchdog"] = watchdogState()
	return nil
}

// watchdogState is what the kernel says of its watchdog: active or inactive.
func watchdogState() string {
	state, err := os.ReadFile("/sys/class/watchdog/watchdog0/state")
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(state))
}

// again starts the agent once more: the boards show what they showed before.
func (w *world) again(ctx context.Context, r *hil.Record) error {
	if err := w.agent.start(); err != nil {
		return err
	}
	if err := w.allReady(ctx); err != nil {
		return err
	}
	for _, d := range []struct {
		number string
		display
	}{{w.last[1], w.first}, {w.last[2], w.second}} {
		if _, err := awaitShown(ctx, d, d.number); err != nil {
			return err
		}
	}
	r.Texts["watchdog"] = watchdogState()
	return nil
}

// hangLimit is well above what the agent gives itself on a watchdog of the kernel, 14 s.
const hangLimit = 40 * time.Second

// hang stops the agent where it is. The watchdog restarts the machine, so that this does not return
// unless it does not work.
func (w *world) hang() error {
	if err := w.agent.process.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("let the agent hang: %w", err)
	}
	time.Sleep(hangLimit)
	return fmt.Errorf("no restart after the agent hung for %v; the watchdog is %s", hangLimit, watchdogState())
}
