// Package panel is the row of buttons at a ticket machine, with a lamp in each.
//
// It debounces by itself, since periph's gpioutil.Debounce ignores its arguments and the kernel's is
// never asked for (reference/hardware.md section 1.1). A press is told once, at most one in 2 s per
// button; a button that is held for 10 s is stuck and alone goes out of use; and a chip that vanishes,
// which reads as if every button were pressed, tells nothing.
package panel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/gpio"
)

// The reasons in Health besides those of all devices.
const (
	// ReasonStuck: a button is held down; Detail says which. The others work.
	ReasonStuck = "stuck"
	// ReasonDenied: the agent's user may not open the chip.
	ReasonDenied = "permission-denied"
	// ReasonNoLine: the chip has no line of a configured name.
	ReasonNoLine = "no-such-line"
	// ReasonTaken: another program holds a line.
	ReasonTaken = "in-use"
	// ReasonLate: a press was dropped, since nobody took the ones before.
	ReasonLate = "presses-dropped"
)

const (
	// glance is how often lamps, and a chip that may be gone, are looked after between the edges.
	glance = 100 * time.Millisecond
	// retryFirst and retryLast bound the pause before the chip is opened again.
	retryFirst = 200 * time.Millisecond
	retryLast  = 5 * time.Second
	// slowHalf and quickHalf are half of a blink. 2.5 Hz is below the 3 Hz that WCAG 2.3.1 forbids.
	slowHalf  = 500 * time.Millisecond
	quickHalf = 200 * time.Millisecond
	// waiting is how many presses are kept (drivers.Panel).
	waiting = 16
)

// Button is one button of a panel.
type Button struct {
	// Name is how Press and Light call it; it is unique.
	Name string
	// Line is the GPIO line that it connects to ground.
	Line string
	// Lamp is the line that lights it, high for on; empty is a button without a lamp.
	Lamp string
	// Hold is when a press is a long one; 0 is never.
	Hold time.Duration
	// OnRelease tells a short press when the button is let go, so that a long one is not also short.
	OnRelease bool
}

// Lines are the lines of a panel as the driver uses them.
type Lines = gpio.Port

// Panel is a row of buttons. New makes one; it implements drivers.Panel.
type Panel struct {
	*drivers.Vitals
	name    string
	buttons []Button
	open    func(ctx context.Context) (Lines, error)
	presses chan drivers.Press

	mu      sync.Mutex
	lamps   map[string]drivers.Lamp
	dropped time.Time     // when a press was dropped last
	done    chan struct{} // closed when Run has ended; nil before it began
}

// New makes a panel of the buttons. open takes their lines: the buttons' own, then the lamps' in the
// order of those buttons that have one, as Request lists them.
func New(name string, buttons []Button, open func(ctx context.Context) (Lines, error)) *Panel {
	return &Panel{
		Vitals: drivers.NewVitals(), name: name, buttons: buttons, open: open,
		presses: make(chan drivers.Press, waiting), lamps: map[string]drivers.Lamp{},
	}
}

// Request is what to ask a chip for, for these buttons.
func Request(chip string, buttons []Button) gpio.Request {
	r := gpio.Request{Chip: chip}
	for _, b := range buttons {
		r.In = append(r.In, b.Line)
		if b.Lamp != "" {
			r.Out = append(r.Out, b.Lamp)
		}
	}
	return r
}

// String names the panel for logs.
func (p *Panel) String() string { return p.name }

// Presses delivers the presses; see drivers.Panel.
func (p *Panel) Presses() <-chan drivers.Press { return p.presses }

// Light sets a lamp; see drivers.Panel. It shows within 0.1 s.
func (p *Panel) Light(name string, lamp drivers.Lamp) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lamps[name] = lamp
}

// Halt waits until Run, whose ctx the caller has ended, has put the lamps out, at most 2 s.
func (p *Panel) Halt() error {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	if done == nil {
		p.Report(drivers.Absent, drivers.ReasonHalted, "")
		return nil
	}
	limit := time.NewTimer(2 * time.Second)
	defer limit.Stop()
	select {
	case <-done:
		return nil
	case <-limit.C:
		return fmt.Errorf("halt %s: %w", p, os.ErrDeadlineExceeded)
	}
}

// Run opens the lines, and again after a pause that grows from 0.2 to 5 s whenever that fails or they
// are lost, until ctx ends. It then leaves the lamps dark.
func (p *Panel) Run(ctx context.Context) error {
	done := make(chan struct{})
	p.mu.Lock()
	p.done = done
	p.mu.Unlock()
	defer close(done)
	defer p.Report(drivers.Absent, drivers.ReasonHalted, "")
	for pause := retryFirst; ; pause = min(2*pause, retryLast) {
		begun := time.Now()
		lines, err := p.open(ctx)
		if err == nil {
			err = errors.Join(p.serve(ctx, lines), lines.Close())
		}
		if time.Since(begun) > retryLast {
			pause = retryFirst
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to stop
		}
		state, reason := account(err)
		p.Report(state, reason, err.Error())
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// account tells what a person has to do about an error.
func account(err error) (drivers.State, string) {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return drivers.Failed, ReasonDenied
	case errors.Is(err, gpio.ErrNoLine):
		return drivers.Failed, ReasonNoLine
	case errors.Is(err, gpio.ErrTaken):
		return drivers.Failed, ReasonTaken
	case errors.Is(err, gpio.ErrNoChip), errors.Is(err, gpio.ErrGone),
		errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENODEV):
		return drivers.Absent, drivers.ReasonUnplugged
	}
	return drivers.Failed, drivers.ReasonError
}

// serve watches the lines until ctx ends or they are lost.
func (p *Panel) serve(ctx context.Context, lines Lines) error {
	var list []rules
	for _, b := range p.buttons {
		list = append(list, rules{hold: b.Hold, onRelease: b.OnRelease})
	}
	d := newDebouncer(list)
	begun := time.Now()
	lit := ^uint64(0) // what the lamps show; not known yet
	edges := uint64(0)
	for ctx.Err() == nil {
		levels, err := lines.Levels()
		if err != nil {
			return err
		}
		now := time.Since(begun)
		presses, next := d.look(now, ^levels, edges)
		for _, t := range presses {
			p.tell(t, begun)
		}
		p.report(d.stuck())
		if want := p.light(now, d.stuck()); want != lit {
			if err := lines.Set(want); err != nil {
				return err
			}
			lit = want
		}
		limit := glance
		if next > 0 {
			limit = min(limit, max(next-time.Since(begun), time.Millisecond))
		}
		edges = 0
		switch line, err := lines.Wait(limit); {
		case err == nil:
			edges = 1 << line
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
	}
	return nil
}

// tell delivers a press, or drops it when nobody took the ones before.
func (p *Panel) tell(t told, begun time.Time) {
	press := drivers.Press{Button: p.buttons[t.button].Name, Long: t.long, At: begun.Add(t.at)}
	select {
	case p.presses <- press:
	default:
		p.mu.Lock()
		p.dropped = time.Now()
		p.mu.Unlock()
	}
}

// lateFor is how long Health tells of a dropped press.
const lateFor = time.Minute

// report accounts for buttons that are stuck and presses that were dropped.
func (p *Panel) report(stuck []int) {
	p.mu.Lock()
	late := !p.dropped.IsZero() && time.Since(p.dropped) < lateFor
	p.mu.Unlock()
	switch {
	case len(stuck) > 0:
		var names []string
		for _, i := range stuck {
			names = append(names, p.buttons[i].Name)
		}
		p.Report(drivers.Degraded, ReasonStuck, "held down: "+strings.Join(names, ", "))
	case late:
		p.Report(drivers.Degraded, ReasonLate, "the branch did not take the presses in time")
	default:
		p.Report(drivers.Ready, "", "")
	}
}

// light is what the lamps show at a moment.
func (p *Panel) light(now time.Duration, stuck []int) (levels uint64) {
	out := map[string]bool{}
	for _, i := range stuck {
		out[p.buttons[i].Name] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	lamp := 0
	for _, b := range p.buttons {
		if b.Lamp == "" {
			continue
		}
		on := false
		switch p.lamps[b.Name] {
		case drivers.LampReady:
			on = true
		case drivers.LampBusy:
			on = now/slowHalf%2 == 0
		case drivers.LampFault:
			on = now/quickHalf%2 == 0
		case drivers.LampClosed:
		}
		if on && !out[b.Name] {
			levels |= 1 << lamp
		}
		lamp++
	}
	return levels
}

var _ drivers.Panel = (*Panel)(nil)
