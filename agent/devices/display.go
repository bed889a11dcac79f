package devices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

const (
	// blinkFor is how long the board flashes for a call, as long as the row on the hall screen.
	blinkFor = 5 * time.Second
	// staleAfter is when a number that nobody vouches for any more is taken off the board.
	staleAfter = 5 * time.Second
)

// Display is a board's reader of the journal: it shows the number that its counter has called or
// serves, and nothing else. A new call flashes; a free, paused or closed counter is dark.
//
// After a restart the number is shown again and does not flash. When the disk fails the counters
// go on in memory, and so does the board.
type Display struct {
	engine  Engine
	board   drivers.Board
	counter protocol.CounterID
	// stale is how long the engine may be silent.
	stale time.Duration
}

// NewDisplay makes the reader of the board at a counter; Run starts it.
func NewDisplay(e Engine, counter protocol.CounterID, b drivers.Board) *Display {
	return &Display{engine: e, board: b, counter: counter, stale: staleAfter}
}

// Run keeps the board right until ctx ends, and leaves it dark.
func (d *Display) Run(ctx context.Context) error {
	defer d.board.Show(drivers.Face{})
	var seen uint64 // the newest event that was looked at; 0 before the first look
	var blinkUntil time.Time
	for {
		_, changed := d.engine.Committed()
		look, err := d.look(ctx, seen)
		switch {
		case ctx.Err() != nil || errors.Is(err, engine.ErrStopped):
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			d.board.Show(drivers.Face{}) // a number that may be wrong is worse than none
			continue
		case err != nil:
			return fmt.Errorf("follow the calls of counter %d: %w", d.counter, err)
		}
		if look.called && seen > 0 {
			blinkUntil = time.Now().Add(blinkFor)
		}
		seen = look.seq
		left := time.Until(blinkUntil)
		d.board.Show(drivers.Face{Text: look.number, Blink: look.number != "" && left > 0})
		if err := wait(ctx, changed, left); err != nil {
			return nil //nolint:nilerr // asked to stop
		}
	}
}

// wait returns at a change or after a time, if that is not over yet.
func wait(ctx context.Context, changed <-chan struct{}, left time.Duration) error {
	var over <-chan time.Time
	if left > 0 {
		t := time.NewTimer(left)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-changed:
	case <-over:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// look is what a board needs to know.
type look struct {
	seq    uint64
	number string
	called bool // its counter called, or announced again, after the last look
}

func (d *Display) look(ctx context.Context, seen uint64) (look, error) {
	ctx, cancel := context.WithTimeout(ctx, d.stale)
	defer cancel()
	var now look
	if err := d.engine.View(ctx, func(s *queue.State, _ protocol.Instant) {
		now.seq, _ = s.Last()
		if c, ok := s.Counter(d.counter); ok && c.Ticket != "" {
			t, _ := s.Ticket(c.Ticket)
			now.number = t.Number.String()
		}
	}); err != nil {
		return look{}, err
	}
	if seen == 0 || seen >= now.seq {
		return now, nil
	}
	for event, err := range d.engine.Events(ctx, seen+1) {
		if err != nil {
			return look{}, err
		}
		if event.Seq > now.seq {
			break
		}
		switch b := event.Body.(type) {
		case queue.TicketCalled:
			now.called = now.called || b.Counter == d.counter
		case queue.CallRepeated:
			now.called = now.called || b.Counter == d.counter
		}
	}
	return now, nil
}
