// Package blueprint is a complete small driver to copy: that of the Halina 4, a board with four
// characters on a serial line, which does not exist.
//
// docs/drivers/README.md leads through it in seven steps. Run owns the only goroutine; all other
// methods may be called from any goroutine and never wait for the device, except Halt.
package blueprint

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/serialport"
)

// Port is what the driver needs of a line (step 4). serialport.Port is one; a test may give another.
type Port interface {
	Write(ctx context.Context, b []byte) (n int, err error)
	Read(ctx context.Context, b []byte) (n int, err error)
	Flush()
	Opened() (generation uint64, changed <-chan struct{})
	Err() error
}

const (
	// refreshEvery sends the content again, since boards forget when their supply dips.
	refreshEvery = 2 * time.Second
	// blinkHalf is half of a blink: 1 Hz is seen, and far from the 3 Hz that WCAG 2.3.1 forbids.
	blinkHalf = 500 * time.Millisecond
	// answerLimit is how long the board may take to answer.
	answerLimit = 150 * time.Millisecond
	// tries is how often a frame is sent before a board that is silent counts as failed.
	tries = 3
	// retrySoon and retryLast bound the growing pause between attempts.
	retrySoon, retryLast = 50 * time.Millisecond, 2 * time.Second
	// haltLimit is how long Halt and the end of Run wait for the board to be dark.
	haltLimit = 2 * time.Second
)

// Board is one Halina 4. It implements drivers.Board.
type Board struct {
	*drivers.Vitals // step 6: the health, told in the words that all devices share
	name            string
	port            Port
	wake            chan struct{}

	mu    sync.Mutex
	face  drivers.Face
	since time.Time     // when face was given
	sent  drivers.Face  // the newest face that is on the board
	moved chan struct{} // closed when sent changes
}

// New makes the driver; Run drives the board. name is for logs.
func New(name string, port Port) *Board {
	return &Board{
		Vitals: drivers.NewVitals(), name: name, port: port,
		wake: make(chan struct{}, 1), moved: make(chan struct{}),
	}
}

// String names the board for logs.
func (b *Board) String() string { return b.name + " (Halina 4)" }

// Show replaces the face; see drivers.Board.
func (b *Board) Show(f drivers.Face) {
	b.mu.Lock()
	if f != b.face {
		b.face, b.since = f, time.Now()
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // Run has not looked since the last one
	}
}

// Halt blanks the board and waits until it is dark, or 2 s.
func (b *Board) Halt() error {
	b.Show(drivers.Face{})
	limit := time.NewTimer(haltLimit)
	defer limit.Stop()
	for {
		b.mu.Lock()
		dark, moved := b.sent == drivers.Face{}, b.moved
		b.mu.Unlock()
		if dark {
			return nil
		}
		select {
		case <-moved:
		case <-limit.C:
			return nil // it cannot be reached, which Health has told
		}
	}
}

// Run drives the board until ctx ends and leaves it dark (step 5).
func (b *Board) Run(ctx context.Context) error {
	failures := 0
	for ctx.Err() == nil {
		generation, changed := b.port.Opened()
		face, text, pause := b.wanted(time.Now())
		err := errors.Join(serialport.ErrAbsent, b.port.Err())
		if generation > 0 {
			err = b.send(ctx, text)
		}
		switch {
		case ctx.Err() != nil:
			continue
		case err == nil:
			failures = 0
			b.settle(face)
		default:
			failures++
			pause = min(retrySoon<<min(failures, 6), retryLast)
			b.tell(err, failures)
		}
		timer := time.NewTimer(pause)
		select {
		case <-b.wake:
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return b.end(ctx)
}

// wanted is what the board shall show at a moment, of which face, and how long that holds.
func (b *Board) wanted(now time.Time) (face drivers.Face, text string, holds time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.face.Blink {
		return b.face, b.face.Text, refreshEvery
	}
	gone := now.Sub(b.since)
	if gone/blinkHalf%2 == 0 {
		text = b.face.Text
	}
	return b.face, text, blinkHalf - gone%blinkHalf
}

// send shows a text and waits for the board's answer.
func (b *Board) send(ctx context.Context, text string) error {
	frame, err := encode(text)
	if err != nil {
		return err
	}
	b.port.Flush() // an answer to an earlier frame is none to this one
	if _, err := b.port.Write(ctx, frame); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	var got []byte
	for buffer := make([]byte, 64); ; {
		n, err := b.port.Read(limit, buffer)
		got = append(got, buffer[:n]...)
		if done, verdict := verdict(got); done {
			return verdict
		}
		switch {
		case limit.Err() != nil:
			return errNoAnswer
		case err != nil:
			return err
		}
	}
}

// settle notes that a face is on the board.
func (b *Board) settle(face drivers.Face) {
	b.Report(drivers.Ready, "", "")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent != face {
		b.sent = face
		close(b.moved)
		b.moved = make(chan struct{})
	}
}

// tell reports why the board cannot be used. A line that is gone is told at once, a board that does
// not answer only when it was asked again.
func (b *Board) tell(err error, failures int) {
	switch {
	case errors.Is(err, serialport.ErrAbsent), errors.Is(err, serialport.ErrHungUp):
		b.Report(drivers.Absent, drivers.ReasonUnplugged, err.Error())
	case errors.Is(err, serialport.ErrStalled):
		b.Report(drivers.Failed, drivers.ReasonStalled, err.Error())
	case failures < tries:
	case errors.Is(err, errNoAnswer):
		b.Report(drivers.Failed, drivers.ReasonNoAnswer, err.Error())
	default:
		b.Report(drivers.Failed, drivers.ReasonError, err.Error())
	}
}

// end leaves the board dark, since a number that nobody keeps up to date is worse than none.
func (b *Board) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), haltLimit)
	defer cancel()
	if b.Health().State == drivers.Ready && b.send(ctx, "") == nil {
		b.settle(drivers.Face{})
	}
	b.Report(drivers.Absent, drivers.ReasonHalted, "")
	return nil
}

var _ drivers.Board = (*Board)(nil)
