package board

import (
	"context"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers"
)

// The reasons in Health besides those of all devices.
const (
	// ReasonWrongChecksum: what the board answers is damaged on the line.
	ReasonWrongChecksum = "wrong-checksum"
	// ReasonWrongUnit: another board answers to this one's address.
	ReasonWrongUnit = "wrong-unit"
	// ReasonRefused: the board does not take the text.
	ReasonRefused = "refused"
)

const (
	// refreshEvery is how often set-up and content are sent again (reference/hardware.md section 2).
	refreshEvery = 2 * time.Second
	// blinkHalf is half of a blink: 1 Hz is seen and far from the 3 Hz that WCAG 2.3.1 forbids.
	blinkHalf = 500 * time.Millisecond
	// tries is how often a face is sent to a board that does not answer before it counts as failed.
	tries = 3
	// retrySoon and retryLast bound the pause between attempts.
	retrySoon = 50 * time.Millisecond
	retryLast = 5 * time.Second
	// haltLimit is how long Halt waits for the board to be dark.
	haltLimit = 2 * time.Second
)

// Board is one display. It implements drivers.Board.
type Board struct {
	*drivers.Vitals
	spec Spec
	wake chan<- struct{} // of its bus

	mu    sync.Mutex
	face  drivers.Face
	asked uint64 // counts the faces
	since time.Time
	sent  uint64        // the newest of them that is on the board
	moved chan struct{} // closed when sent changes

	// Owned by the bus.
	text     string // that the board was given last
	done     uint64 // the face that text belongs to
	due      time.Time
	failures int
}

func newBoard(s Spec, wake chan<- struct{}) *Board {
	return &Board{Vitals: drivers.NewVitals(), spec: s, wake: wake, asked: 1, moved: make(chan struct{})}
}

// String names the board for logs.
func (b *Board) String() string {
	return b.spec.Name + " (" + string(b.spec.Kind) + " at " + b.spec.Address + ")"
}

// Show replaces the face; see drivers.Board.
func (b *Board) Show(f drivers.Face) {
	b.mu.Lock()
	if f != b.face {
		b.face, b.since = f, time.Now()
		b.asked++
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // the bus has not looked since the last one
	}
}

// Halt blanks the board and waits until it is dark, or 2 s.
func (b *Board) Halt() error {
	b.Show(drivers.Face{})
	limit := time.NewTimer(haltLimit)
	defer limit.Stop()
	for {
		b.mu.Lock()
		dark, moved := b.sent == b.asked, b.moved
		b.mu.Unlock()
		if dark || b.Health().Reason == drivers.ReasonHalted {
			return nil
		}
		select {
		case <-moved:
		case <-b.Changed():
		case <-limit.C:
			return nil // it cannot be reached, which Health has told
		}
	}
}

// wanted is what the board shall show at a moment, of which face, and when that changes by itself.
func (b *Board) wanted(now time.Time) (text string, face uint64, next time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.face.Blink {
		return b.face.Text, b.asked, time.Time{}
	}
	gone := now.Sub(b.since)
	if gone/blinkHalf%2 == 0 {
		text = b.face.Text
	}
	return text, b.asked, now.Add(blinkHalf - gone%blinkHalf)
}

// task is one sending that is due.
type task struct {
	board *Board
	text  string
	face  uint64
	next  time.Time // when the blinking turns
}

// pending says whether something is to be sent now and, if not, when.
func (b *Board) pending(now time.Time) (t task, due bool, at time.Time) {
	text, face, next := b.wanted(now)
	t = task{b, text, face, next}
	fresh := face != b.done || text != b.text
	if fresh && b.failures == 0 || !now.Before(b.due) {
		return t, true, now
	}
	at = b.due
	if b.failures == 0 && !next.IsZero() && next.Before(at) {
		at = next
	}
	return t, false, at
}

// settle notes how a sending ended.
func (b *Board) settle(t task, now time.Time, err error) {
	if err != nil {
		if b.failures++; b.failures < tries {
			b.due = now.Add(retrySoon)
			return
		}
		b.due = now.Add(min(retrySoon<<min(b.failures, 7), retryLast))
		b.Report(drivers.Failed, reasonOf(err), err.Error())
		return
	}
	b.text, b.done, b.failures, b.due = t.text, t.face, 0, now.Add(refreshEvery)
	b.Report(drivers.Ready, "", "")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent != t.face {
		b.sent = t.face
		close(b.moved)
		b.moved = make(chan struct{})
	}
}

// forget makes the next sending due at once, after the line was lost.
func (b *Board) forget() { b.failures, b.due, b.done = 0, time.Time{}, 0 }

var _ drivers.Board = (*Board)(nil)

// wire is a line with one or more boards, as a bus uses it.
type wire interface {
	// ready opens the line if it is closed. The generation grows with each opening.
	ready(ctx context.Context) (generation uint64, err error)
	// changed is closed when the line opens or closes by itself; nil where that is not told.
	changed() <-chan struct{}
	// send shows a text on one of its boards.
	send(ctx context.Context, s Spec, text string) error
	close() error
}
