package gpio

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// MaxLines is how many lines one request may hold (GPIO_V2_LINES_MAX of linux/gpio.h).
const MaxLines = 64

// Request names the lines of one set.
type Request struct {
	// Chip is the label, such as pinctrl-bcm2711; empty takes the first chip.
	Chip string
	// In are lines with a pull-up, which a button connects to ground, and whose edges wake Wait.
	In []string
	// Out are lines that are driven; all begin low.
	Out []string
}

// Lines is a set of lines of one chip under one descriptor. Wait and Close belong to one goroutine;
// Levels and Set may be called beside them.
type Lines struct {
	in, out int
	place   map[int]int // of each input by its number on the chip

	mu  sync.Mutex
	set *gpioioctl.LineSet // nil after Close: periph would go on with descriptor 0
}

// open gives the set while it is open.
func (l *Lines) open() (*gpioioctl.LineSet, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.set == nil {
		return nil, fmt.Errorf("%w: the lines are closed", ErrGone)
	}
	return l.set, nil
}

// Open asks the kernel for the lines.
func (c *Chips) Open(r Request) (*Lines, error) {
	if n := len(r.In) + len(r.Out); n == 0 || n > MaxLines {
		return nil, fmt.Errorf("%d GPIO lines: a set has 1 to %d", n, MaxLines)
	}
	chip, err := c.find(r.Chip)
	if err != nil {
		return nil, err
	}
	conf := gpioioctl.LineSetConfig{
		DefaultDirection: gpioioctl.LineInput, DefaultEdge: gpio.BothEdges, DefaultPull: gpio.PullUp,
	}
	if conf.Lines, err = names(chip, r.In); err != nil {
		return nil, err
	}
	driven, err := names(chip, r.Out)
	if err != nil {
		return nil, err
	}
	if len(driven) > 0 {
		if err := conf.AddOverrides(gpioioctl.LineOutput, gpio.NoEdge, gpio.PullNoChange, driven...); err != nil {
			return nil, fmt.Errorf("describe the GPIO lines: %w", err)
		}
	}
	set, err := chip.LineSetFromConfig(&conf)
	if err != nil {
		return nil, fmt.Errorf("take the GPIO lines %v: %w", append(r.In, r.Out...), wrap(err))
	}
	l := &Lines{set: set, in: len(r.In), out: len(r.Out), place: map[int]int{}}
	for i, one := range set.Lines()[:l.in] {
		l.place[one.Number()] = i
	}
	return l, nil
}

func names(chip *gpioioctl.GPIOChip, list []string) ([]string, error) {
	var found []string
	for _, name := range list {
		l, err := line(chip, name)
		if err != nil {
			return nil, err
		}
		found = append(found, l.Name())
	}
	return found, nil
}

// Wait returns which input had an edge, as its place in In, os.ErrDeadlineExceeded after limit, or
// another error. The kernel keeps 16 edges a line and drops the oldest, so an edge says only that it
// is time to look at the Levels. Wait cannot be woken otherwise; callers keep limit short.
func (l *Lines) Wait(limit time.Duration) (int, error) {
	// For periph a limit of 0 is none, and a negative one returns at once.
	set, err := l.open()
	if err != nil {
		return 0, err
	}
	number, _, err := set.WaitForEdge(max(limit, time.Millisecond))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, err
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrGone, err)
	}
	return l.place[number], nil
}

// Levels reads the inputs: bit n is set when In[n] is high. On a chip that is gone it fails with
// ErrGone; such a chip must not read as low, for low is a pressed button.
func (l *Lines) Levels() (uint64, error) {
	if l.in == 0 {
		return 0, nil
	}
	set, err := l.open()
	if err != nil {
		return 0, err
	}
	mask := uint64(1)<<l.in - 1
	levels, err := set.Read(gpio.GPIOValue(mask))
	if err != nil {
		return 0, fmt.Errorf("read the GPIO lines: %w", wrap(err))
	}
	return uint64(levels) & mask, nil
}

// Set drives the outputs: bit n is for Out[n].
func (l *Lines) Set(levels uint64) error {
	if l.out == 0 {
		return nil
	}
	set, err := l.open()
	if err != nil {
		return err
	}
	mask := (uint64(1)<<l.out - 1) << l.in
	if err := set.Out(gpio.GPIOValue(levels<<l.in&mask), gpio.GPIOValue(mask)); err != nil {
		return fmt.Errorf("set the GPIO lines: %w", wrap(err))
	}
	return nil
}

// Close sets the outputs low, for the kernel leaves them as they are, and gives the lines back.
func (l *Lines) Close() error {
	err := l.Set(0)
	if errors.Is(err, ErrGone) {
		err = nil
	}
	l.mu.Lock()
	set := l.set
	l.set = nil
	l.mu.Unlock()
	if set == nil {
		return nil
	}
	return errors.Join(err, set.Close())
}
