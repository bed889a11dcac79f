// Package chip is a GPIO chip with buttons and lamps on it, as a driver meets it behind the kernel's
// character device, with the kernel's ways: 16 edges a line are kept and the oldest are dropped in
// silence, a wait on a chip that was pulled out ends only at its limit, and reading it fails
// (reference/hardware.md section 1.1).
package chip

import (
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// kept is how many edges of a line the kernel keeps (drivers/gpio/gpiolib-cdev.c).
const kept = 16

// Chip is a chip with lines for buttons, pulled up, and for lamps. Its methods may be called from any
// goroutine.
type Chip struct {
	mu      sync.Mutex
	down    uint64 // buttons
	lamps   uint64
	opened  []*Lines
	gone    bool
	denied  bool
	changed chan struct{}
}

// New makes a chip on which no button is pressed and no lamp is lit.
func New() *Chip { return &Chip{changed: make(chan struct{})} }

// change does f and wakes those who wait.
func (c *Chip) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// Push connects a button to ground.
func (c *Chip) Push(button int) { c.set(button, true) }

// LetGo is the end of a Push.
func (c *Chip) LetGo(button int) { c.set(button, false) }

func (c *Chip) set(button int, down bool) {
	c.change(func() {
		before := c.down
		c.down &^= 1 << button
		if down {
			c.down |= 1 << button
		}
		for _, l := range c.opened {
			if before != c.down {
				l.edges[button] = min(l.edges[button]+1, kept)
			}
		}
	})
}

// Unplug takes the chip away.
func (c *Chip) Unplug() { c.change(func() { c.gone = true }) }

// Replug brings it back; it knows nothing of before.
func (c *Chip) Replug() { c.change(func() { c.gone, c.opened, c.lamps = false, nil, 0 }) }

// Deny takes away the right to open the chip, or gives it back.
func (c *Chip) Deny(denied bool) { c.change(func() { c.denied = denied }) }

// Lit says whether a lamp is lit.
func (c *Chip) Lit(lamp int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lamps>>lamp&1 == 1
}

// Changed is closed at the next change of a button, a lamp or the chip.
func (c *Chip) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Open takes the lines. It fails as the kernel does when the chip is not there or not allowed.
func (c *Chip) Open() (*Lines, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gone:
		return nil, &os.PathError{Op: "open", Path: "/dev/gpiochip0", Err: syscall.ENOENT}
	case c.denied:
		return nil, &os.PathError{Op: "open", Path: "/dev/gpiochip0", Err: syscall.EACCES}
	}
	l := &Lines{chip: c}
	c.opened = append(c.opened, l)
	return l, nil
}

// Lines are the lines of a chip in the hands of a driver. They are lost with the chip: one that comes
// back must be opened again.
type Lines struct {
	chip  *Chip
	edges [64]int // under chip.mu
	mu    sync.Mutex
	lost  bool
}

// dead says whether the chip has been away since Open; the caller holds chip.mu.
func (l *Lines) dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = l.lost || l.chip.gone
	return l.lost
}

// Wait returns the next line that had an edge, or os.ErrDeadlineExceeded after limit, also when the
// chip goes while it waits.
func (l *Lines) Wait(limit time.Duration) (int, error) {
	t := time.NewTimer(limit)
	defer t.Stop()
	began := true
	for {
		line, changed, err := l.next(began)
		if err != nil || line >= 0 {
			return line, err
		}
		began = false
		select {
		case <-changed:
		case <-t.C:
			return -1, os.ErrDeadlineExceeded
		}
	}
}

func (l *Lines) next(began bool) (int, <-chan struct{}, error) {
	l.chip.mu.Lock()
	defer l.chip.mu.Unlock()
	if l.dead() {
		if began {
			return -1, nil, syscall.ENODEV
		}
		return -1, l.chip.changed, nil
	}
	for line := range l.edges {
		if l.edges[line] > 0 {
			l.edges[line]--
			return line, nil, nil
		}
	}
	return -1, l.chip.changed, nil
}

// Levels are the buttons' lines, low while pressed.
func (l *Lines) Levels() (uint64, error) {
	l.chip.mu.Lock()
	defer l.chip.mu.Unlock()
	if l.dead() {
		return 0, syscall.ENODEV
	}
	return ^l.chip.down, nil
}

// Set drives the lamps.
func (l *Lines) Set(levels uint64) error {
	l.chip.mu.Lock()
	dead := l.dead()
	l.chip.mu.Unlock()
	if dead {
		return syscall.ENODEV
	}
	l.chip.change(func() { l.chip.lamps = levels })
	return nil
}

// Close puts the lamps out and gives the lines back.
func (l *Lines) Close() error {
	l.chip.mu.Lock()
	l.chip.opened = slices.DeleteFunc(l.chip.opened, func(other *Lines) bool { return other == l })
	l.chip.mu.Unlock()
	err := l.Set(0)
	if errors.Is(err, syscall.ENODEV) {
		return nil
	}
	return err
}
