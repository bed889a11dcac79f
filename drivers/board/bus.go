package board

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/serialport"
)

// absentRetry is the pause before a line that cannot be opened is tried again.
const absentRetry = time.Second

// bus is a line and its boards. One goroutine owns it.
type bus struct {
	wire   wire
	boards []*Board
	wake   chan struct{}
	log    *slog.Logger
}

// run sends what is due until ctx ends, then blanks the boards.
func (u *bus) run(ctx context.Context) error {
	var opened uint64
	begun := time.Now()
	for ctx.Err() == nil {
		changed := u.wire.changed()
		generation, err := u.wire.ready(ctx)
		next := time.Now().Add(absentRetry)
		if err == nil {
			if generation != opened {
				opened = generation
				for _, b := range u.boards {
					b.forget()
				}
			}
			next = u.round(ctx)
		} else if opened > 0 || time.Since(begun) >= absentRetry { // a line takes a moment to open
			opened = 0
			for _, b := range u.boards {
				u.tell(b, b.Report(drivers.Absent, drivers.ReasonUnplugged, err.Error()))
			}
		}
		pause := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-u.wake:
		case <-changed:
		case <-pause.C:
		}
		pause.Stop()
	}
	return u.end(ctx)
}

// round sends what is due, to boards that answer first, and says when something is due again.
func (u *bus) round(ctx context.Context) time.Time {
	now := time.Now()
	next := now.Add(refreshEvery)
	var tasks []task
	for _, b := range u.boards {
		t, due, at := b.pending(now)
		if due {
			tasks = append(tasks, t)
		} else if at.Before(next) {
			next = at
		}
	}
	slices.SortStableFunc(tasks, func(a, b task) int { return a.board.failures - b.board.failures })
	for _, t := range tasks {
		before := t.board.Health()
		err := u.wire.send(ctx, t.board.spec, t.text)
		if ctx.Err() != nil {
			return now
		}
		if lost(err) {
			return now // ready tells all boards at once
		}
		t.board.settle(t, time.Now(), err)
		u.tell(t.board, t.board.Health().Since != before.Since)
		if t.board.failures > 0 {
			return time.Now() // a face for another board may have come meanwhile
		}
		if _, _, at := t.board.pending(time.Now()); at.Before(next) {
			next = at
		}
	}
	return next
}

// tell logs a change of health once.
func (u *bus) tell(b *Board, changed bool) {
	if !changed {
		return
	}
	h := b.Health()
	if h.State == drivers.Ready {
		u.log.Info("board is ready", "board", b.String())
		return
	}
	u.log.Warn("board is not ready", "board", b.String(), "reason", h.Reason, "detail", h.Detail)
}

// end leaves every board dark, since a number that nobody keeps up to date is worse than none.
func (u *bus) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), haltLimit)
	defer cancel()
	for _, b := range u.boards {
		if h := b.Health(); h.State == drivers.Ready {
			if err := u.wire.send(ctx, b.spec, ""); err != nil {
				u.log.Warn("board was not blanked", "board", b.String(), "error", err)
			}
		}
		b.Report(drivers.Absent, drivers.ReasonHalted, "")
	}
	return u.wire.close()
}

// errLine marks what concerns the whole line and not one board.
var errLine = errors.New("the line failed")

func lost(err error) bool {
	return errors.Is(err, errLine) || errors.Is(err, serialport.ErrAbsent) ||
		errors.Is(err, serialport.ErrHungUp) || errors.Is(err, serialport.ErrStalled)
}

// reasonOf is the stable word for an error.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, errNoAnswer):
		return drivers.ReasonNoAnswer
	case errors.Is(err, errWrongChecksum):
		return ReasonWrongChecksum
	case errors.Is(err, errWrongUnit):
		return ReasonWrongUnit
	case errors.Is(err, errRefused):
		return ReasonRefused
	}
	return drivers.ReasonError
}
