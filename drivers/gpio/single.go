package gpio

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"
)

// Port is a set of lines, of the kernel (*Lines) or of another program (*Tap).
type Port interface {
	// Wait returns which input had an edge, os.ErrDeadlineExceeded after limit, or another error.
	Wait(limit time.Duration) (int, error)
	// Levels are the inputs, bit n for the nth; it fails when the chip is gone.
	Levels() (uint64, error)
	// Set drives the outputs, bit n for the nth.
	Set(levels uint64) error
	// Close sets the outputs low and gives the lines back.
	Close() error
}

// Connect takes lines of the kernel's chip or, where its name begins with TapPrefix, of a tap.
func (c *Chips) Connect(ctx context.Context, r Request) (Port, error) {
	if path, tap := strings.CutPrefix(r.Chip, TapPrefix); tap {
		t, err := OpenTap(ctx, path, r)
		if err != nil {
			return nil, err
		}
		return t, nil
	}
	l, err := c.Open(r)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Single is one line of a chip, an output or an input with a pull-up. It is taken at the first use, and
// again after an error, so that it does not matter when its chip comes. Its methods may be called from
// any goroutine.
type Single struct {
	chips   *Chips
	request Request

	mu   sync.Mutex
	port Port // nil while the line is not taken
}

// Output makes a line that is driven; it begins low.
func (c *Chips) Output(chip, line string) *Single {
	return &Single{chips: c, request: Request{Chip: chip, Out: []string{line}}}
}

// Input makes a line that is read.
func (c *Chips) Input(chip, line string) *Single {
	return &Single{chips: c, request: Request{Chip: chip, In: []string{line}}}
}

// Set drives an output.
func (s *Single) Set(on bool) error {
	levels := uint64(0)
	if on {
		levels = 1
	}
	return s.use(func(p Port) error { return p.Set(levels) })
}

// Low reads an input.
func (s *Single) Low() (low bool, err error) {
	err = s.use(func(p Port) error {
		for err := error(nil); err == nil; { // edges of before, which a tap needs to know its levels
			if _, err = p.Wait(time.Millisecond); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return err
			}
		}
		levels, err := p.Levels()
		low = levels&1 == 0
		return err
	})
	return low && err == nil, err
}

// use takes the line if need be, and lets go of it after an error.
func (s *Single) use(f func(Port) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port == nil {
		port, err := s.chips.Connect(context.Background(), s.request)
		if err != nil {
			return err
		}
		s.port = port
	}
	err := f(s.port)
	if err != nil {
		err = errors.Join(err, s.port.Close())
		s.port = nil
	}
	return err
}

// Close gives the line back; an output goes low.
func (s *Single) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port == nil {
		return nil
	}
	err := s.port.Close()
	s.port = nil
	return err
}
