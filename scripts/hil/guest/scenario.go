package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/okienko/okienko/drivers/emulator"
	"github.com/okienko/okienko/drivers/emulator/board"
	hil "github.com/okienko/okienko/scripts/hil"
)

const (
	// stepLimit bounds each step, and pressesLimit the one that is long.
	stepLimit    = 30 * time.Second
	pressesLimit = 90 * time.Second
	// presses are timed from the edge to the first byte.
	presses = 100
	// pace is how long visitors let pass between two of these: each button counts once in 2 s, and two
	// within 50 ms are one visitor's. jitter keeps them out of step with what the agent does regularly.
	pace, jitter = 200 * time.Millisecond, 60
	// replugs is how often printer and boards are pulled out and put back for the count of descriptors.
	replugs = 5
)

// world is everything around the agent.
type world struct {
	out     io.Writer
	agent   *agent
	panel   *chip
	printer *ticketPrinter
	first   *board.Cascade // at counter 1
	second  *rs485         // at counter 2
	devices *hotplug
	pressed int
	calls   int
	last    map[int]string // by counter, the number called last
}

// step runs one part of the scenario and reports it. What comes after a step that failed is run as well.
func (w *world) step(name string, limit time.Duration, run func(ctx context.Context, r *hil.Record) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r, begun := hil.NewRecord(name), time.Now()
	if err := run(ctx, r); err != nil {
		r.Fault = err.Error()
		r.Texts["log"] = tail(agentLog)
	}
	r.Took("step", time.Since(begun))
	line, err := r.Line()
	if err != nil {
		return err
	}
	_, err = w.out.Write(line)
	return err
}

// tail is the end of a log.
func tail(path string) string {
	const most = 3000
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// play is the scenario.
func (w *world) play() error {
	return errors.Join(
		w.step("ready", stepLimit, w.begin),
		w.step("ticket", stepLimit, w.ticket),
		w.step("presses", pressesLimit, w.hurry),
		w.step("announce", stepLimit, w.announce),
		w.step("call", stepLimit, w.call),
		w.step("paper-out", stepLimit, w.paperOut),
		w.step("printer-unplugged", stepLimit, w.printerUnplugged),
		w.step("board-unplugged", stepLimit, w.boardUnplugged),
		w.step("replugs", pressesLimit, w.replugs),
		w.step("stop", stepLimit, w.end),
		w.step("again", stepLimit, w.again),
		w.hang(),
	)
}

// begin starts the agent and waits for every device.
func (w *world) begin(ctx context.Context, r *hil.Record) error {
	begun := time.Now()
	if err := w.agent.start(); err != nil {
		return err
	}
	if err := w.allReady(ctx); err != nil {
		return err
	}
	r.Took("ready", time.Since(begun))
	for counter := 1; counter <= 2; counter++ {
		path := fmt.Sprintf("/api/v1/counters/%d/open", counter)
		if _, err := w.agent.call(ctx, "POST", path, "clerk", struct{}{}); err != nil {
			return err
		}
	}
	if err := await(ctx, "the lamps", func() bool { return w.panel.lit() == buttons }); err != nil {
		return fmt.Errorf("%d lamps are lit: %w", w.panel.lit(), err)
	}
	return nil
}

// allReady waits for every device.
func (w *world) allReady(ctx context.Context) error {
	for _, name := range []string{"printer", "panel", "board-1", "board-2", "speaker"} {
		if _, _, err := w.agent.awaitDevice(ctx, name, ready); err != nil {
			return err
		}
	}
	return nil
}

// press presses the next button until its ticket is cut, and returns the ticket and the time from the
// edge to the first byte of it.
func (w *world) press(ctx context.Context) (emulator.Ticket, time.Duration, error) {
	button := w.pressed % buttons
	w.pressed++
	before := w.printer.State().Tickets
	w.printer.expectJob()
	begun := time.Now()
	if err := w.panel.press(button, true); err != nil {
		return emulator.Ticket{}, 0, err
	}
	err := w.printer.WaitTickets(ctx, before+1)
	started := w.printer.jobStarted()
	if err = errors.Join(err, w.panel.press(button, false)); err != nil {
		return emulator.Ticket{}, 0, err
	}
	tickets := w.printer.Tickets()
	if started.IsZero() {
		return tickets[len(tickets)-1], 0, errors.New("a ticket came without ESC @")
	}
	return tickets[len(tickets)-1], started.Sub(begun), nil
}

// describe notes a ticket as it came out.
func describe(r *hil.Record, t emulator.Ticket) {
	r.Texts["lines"] = strings.Join(t.Lines, "\n")
	r.Texts["qr"] = strings.Join(t.QR, "\n")
	r.Texts["cut"] = string(t.Cut)
	r.Texts["warnings"] = strings.Join(t.Warnings, "\n")
}

func (w *world) ticket(ctx context.Context, r *hil.Record) error {
	ticket, _, err := w.press(ctx)
	describe(r, ticket)
	return err
}

// hurry presses one button after the other.
func (w *world) hurry(ctx context.Context, r *hil.Record) error {
	before := w.printer.State().Tickets
	for n := range presses {
		select {
		case <-time.After(pace + time.Duration(n*17%jitter)*time.Millisecond):
		case <-ctx.Done():
		}
		_, took, err := w.press(ctx)
		if err != nil {
			return err
		}
		r.Took("first-byte", took)
	}
	r.Counts["tickets"] = w.printer.State().Tickets - before
	return nil
}

// soundCard is where the kernel says what the first sound card does.
const soundCard = "/proc/asound/card0/pcm0p/sub0/status"

// soundEvery is how often that is looked at; the kernel tells nobody that a card begins.
const soundEvery = 2 * time.Millisecond

// playing waits until the card plays, or is closed, and returns when that was.
func playing(ctx context.Context, want bool) (time.Time, error) {
	begins := regexp.MustCompile(`(?m)^hw_ptr\s+: [1-9]`)
	tick := time.NewTicker(soundEvery)
	defer tick.Stop()
	for {
		status, err := os.ReadFile(soundCard)
		if err != nil {
			return time.Time{}, fmt.Errorf("look at the sound card: %w", err)
		}
		if want && begins.Match(status) || !want && strings.HasPrefix(string(status), "closed") {
			return time.Now(), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("wait for the sound card, playing %v: %w\n%s", want, ctx.Err(), status)
		}
	}
}

// announce calls into a silent hall and listens until it is silent again.
func (w *world) announce(ctx context.Context, r *hil.Record) error {
	begun := time.Now()
	if _, _, err := w.callAt(ctx, 1, w.first); err != nil {
		return err
	}
	heard, err := playing(ctx, true)
	if err != nil {
		return err
	}
	ended, err := playing(ctx, false)
	if err != nil {
		return err
	}
	r.Took("first-sample", heard.Sub(begun))
	r.Took("sound", ended.Sub(heard))
	return nil
}

// call lets the clerks of both counters call, and looks at the boards.
func (w *world) call(ctx context.Context, r *hil.Record) error {
	for counter, d := range []display{w.first, w.second} {
		for range 5 {
			number, took, err := w.callAt(ctx, counter+1, d)
			if err != nil {
				return err
			}
			r.Took(fmt.Sprint("board-", counter+1), took)
			r.Texts[fmt.Sprint("board-", counter+1)] = number
		}
	}
	return nil
}

// callAt calls the next visitor and returns the number, and the time from the key to the whole number on
// the counter's board.
func (w *world) callAt(ctx context.Context, counter int, d display) (string, time.Duration, error) {
	type sight struct {
		when time.Time
		err  error
	}
	w.calls++
	number, seen := fmt.Sprint("A", w.calls), make(chan sight, 1) // people are called in the order of their tickets
	watch, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		when, err := awaitShown(watch, d, number)
		seen <- sight{when, err}
	}()
	begun := time.Now()
	called, err := w.agent.next(ctx, counter)
	if err != nil {
		return "", 0, err
	}
	if called != number {
		return called, 0, fmt.Errorf("counter %d called %s and not %s", counter, called, number)
	}
	w.last[counter] = number
	at := <-seen
	return number, at.when.Sub(begun), at.err
}
