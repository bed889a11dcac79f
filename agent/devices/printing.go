// Package devices connects the branch's devices to its journal: one reader per device, each with
// its own goroutine, and their health in one place.
//
// A dead device never stops the queue. A reader sees an event only after it is durable, so paper,
// light and sound never show what the journal does not know.
package devices

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/paper"
	"github.com/okienko/okienko/protocol"
)

// Fresh is how old a press may be for its ticket to be printed after a delay, or printed again after
// an unknown outcome, without a clerk: the visitor still stands there (design/6-failures.md).
const Fresh = 60 * time.Second

// retryPause lies between attempts at a job that failed before its first byte.
const retryPause = 500 * time.Millisecond

// Engine is what the readers need of the engine.
type Engine interface {
	Do(ctx context.Context, r engine.Request) (engine.Answer, error)
	Note(ctx context.Context, r engine.Request) error
	View(ctx context.Context, f func(s *queue.State, now protocol.Instant)) error
	Committed() (seq uint64, changed <-chan struct{})
	Events(ctx context.Context, from uint64) iter.Seq2[queue.Event, error]
}

// Layout makes the document of a ticket as it stands now, with a mark.
type Layout func(t queue.Ticket, s protocol.Settings, mark queue.Mark) paper.Document

// Printing is the printer's reader of the journal: it prints each ticket once and notes what
// became of it.
//
// The rule (design/6-failures.md): only a job that failed before its first byte is tried again
// in silence, while the press is fresh. An unknown outcome is printed once more, marked, while
// the press is fresh; an older one waits for the clerk. After a crash a ticket without a result
// is unknown. One job is in flight.
type Printing struct {
	engine   Engine
	printer  drivers.Printer
	layout   Layout
	log      *slog.Logger
	ready    chan struct{}
	settings protocol.Settings // owned by Run
	behind   bool              // a job was held up and the reader has not caught up since
}

// NewPrinting makes the reader; Run starts it.
func NewPrinting(e Engine, p drivers.Printer, l Layout, log *slog.Logger) *Printing {
	return &Printing{engine: e, printer: p, layout: l, log: log, ready: make(chan struct{})}
}

// Ready is closed when every later ticket will be printed. Until then no press may be taken, for
// its ticket would count as left over from the last run.
func (p *Printing) Ready() <-chan struct{} { return p.ready }

// job is one document to print.
type job struct {
	ticket queue.Ticket
	seq    uint64 // of the event that asked for it
	mark   queue.Mark
	asked  protocol.Instant
}

// Run prints until ctx ends.
func (p *Printing) Run(ctx context.Context) error {
	next, err := p.resume(ctx)
	for err == nil {
		next, err = p.follow(ctx, next)
	}
	if ctx.Err() != nil || errors.Is(err, engine.ErrStopped) {
		return nil //nolint:nilerr // asked to stop
	}
	return fmt.Errorf("follow the journal for the printer: %w", err)
}

// resume notes as unknown what the last run of the agent left without a result, and returns the
// number of the first event to follow.
func (p *Printing) resume(ctx context.Context) (uint64, error) {
	var open []job
	var next uint64
	err := p.engine.View(ctx, func(s *queue.State, _ protocol.Instant) {
		p.settings = s.Settings()
		seq, _ := s.Last()
		next = seq + 1
		for t := range s.Tickets() {
			if t.Print.State == queue.PrintQueued {
				open = append(open, job{ticket: t, seq: t.Job, mark: t.Mark, asked: t.Issued})
			}
		}
	})
	if err == nil {
		close(p.ready)
	}
	for _, j := range open {
		if err == nil {
			err = p.settle(ctx, j, drivers.Result{Outcome: drivers.Unknown, Reason: "restart"})
		}
	}
	return next, err
}

// follow handles the durable events from next on, or waits until there are some.
func (p *Printing) follow(ctx context.Context, next uint64) (uint64, error) {
	durable, changed := p.engine.Committed()
	if durable < next {
		p.behind = false
		select {
		case <-changed:
			return next, nil
		case <-ctx.Done():
			return next, ctx.Err()
		}
	}
	for event, err := range p.engine.Events(ctx, next) {
		if err != nil {
			return next, err
		}
		if event.Seq > durable {
			break
		}
		next = event.Seq + 1
		if err := p.handle(ctx, event); err != nil {
			return next, err
		}
	}
	return next, nil
}

func (p *Printing) handle(ctx context.Context, event queue.Event) error {
	switch b := event.Body.(type) {
	case queue.Configured:
		p.settings = b.Settings
	case queue.TicketTaken:
		if b.NoPaper {
			return nil
		}
		return p.print(ctx, job{ticket: taken(b, event), seq: event.Seq, asked: event.At})
	case queue.ReprintAsked:
		j := job{seq: event.Seq, mark: b.Mark, asked: event.At}
		found := false
		err := p.engine.View(ctx, func(s *queue.State, _ protocol.Instant) {
			j.ticket, found = s.Ticket(b.Ticket)
		})
		if err != nil || !found {
			return err
		}
		return p.print(ctx, j)
	}
	return nil
}

// taken rebuilds the ticket from its event, so that printing waits for nobody.
func taken(b queue.TicketTaken, event queue.Event) queue.Ticket {
	return queue.Ticket{
		ID: b.Ticket, Number: b.Number, Service: b.Service, Class: b.Class, Priority: b.Priority,
		Language: b.Language, TokenHash: b.TokenHash, Booking: b.Booking, Base: b.Base,
		Seq: event.Seq, Issued: event.At, Ahead: b.Ahead, Wait: b.Wait,
	}
}

// print carries one job to its end.
func (p *Printing) print(ctx context.Context, j job) error {
	if p.behind && !p.fresh(ctx, j) {
		return p.settle(ctx, j, drivers.Result{Outcome: drivers.NotStarted, Reason: "too-late"})
	}
	doc := p.layout(j.ticket, p.settings, j.mark)
	for first := true; ; first = false {
		changed := p.printer.Changed()
		result := p.printer.Print(ctx, doc)
		if result.Outcome != drivers.NotStarted || !p.fresh(ctx, j) {
			return p.settle(ctx, j, result)
		}
		if first {
			p.log.Warn("ticket not printed yet; it is tried again",
				"number", j.ticket.Number.String(), "reason", result.Reason, "error", result.Err)
		}
		p.behind = true
		if err := p.pause(ctx, changed); err != nil {
			return p.settle(ctx, j, result)
		}
	}
}

// pause waits until the printer's health changes or a moment has passed.
func (p *Printing) pause(ctx context.Context, changed <-chan struct{}) error {
	t := time.NewTimer(retryPause)
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// settle notes a job's end and, where the rule says so, asks for the marked second print.
func (p *Printing) settle(ctx context.Context, j job, r drivers.Result) error {
	log := p.log.With("number", j.ticket.Number.String(), "job", j.seq)
	if r.Outcome == drivers.Printed {
		log.Debug("ticket printed", "grade", string(r.Grade))
	} else {
		log.Warn("ticket not printed", "outcome", string(r.Outcome), "reason", r.Reason, "error", r.Err)
	}
	// The note must reach the engine even while the agent stops, else a print that is known
	// would count as unknown at the next start.
	if err := p.engine.Note(context.WithoutCancel(ctx), engine.Request{
		Actor: "printer",
		Command: queue.RecordPrint{
			Ticket: j.ticket.ID, Job: j.seq, Result: recorded(r),
		},
	}); err != nil {
		return err
	}
	if r.Outcome != drivers.Unknown || j.mark != queue.MarkNone {
		return nil // a copy or a reprint is never followed by another without a clerk
	}
	return p.reprint(ctx, j)
}

// reprint asks once for a marked ticket, when the printer is ready while the press is fresh.
func (p *Printing) reprint(ctx context.Context, j job) error {
	for p.fresh(ctx, j) {
		changed := p.printer.Changed()
		state := p.printer.Health().State
		if state == drivers.Ready || state == drivers.Degraded {
			_, err := p.engine.Do(ctx, engine.Request{
				Key:     fmt.Sprintf("reprint-%s-%d", j.ticket.ID, j.seq),
				Actor:   "printer",
				Command: queue.Reprint{Ticket: j.ticket.ID, Mark: queue.MarkReprint},
			})
			_, refused := errors.AsType[*queue.Refusal](err)
			if refused || errors.Is(err, engine.ErrDegraded) || errors.Is(err, engine.ErrUnknown) {
				p.log.Warn("reprint refused", "number", j.ticket.Number.String(), "error", err)
				return ctx.Err()
			}
			return err
		}
		p.behind = true
		if err := p.pause(ctx, changed); err != nil {
			return err
		}
	}
	return nil
}

// fresh says whether the visitor who pressed may still stand at the kiosk, or the clerk who asked
// for a copy still waits for it. It asks the engine for the time, since the wall clock may be in
// doubt.
func (p *Printing) fresh(ctx context.Context, j job) bool {
	age := Fresh
	err := p.engine.View(ctx, func(_ *queue.State, now protocol.Instant) { age = now.Sub(j.asked) })
	return err == nil && age < Fresh
}

func recorded(r drivers.Result) queue.PrintResult {
	switch r.Outcome {
	case drivers.Printed:
		return queue.PrintResult{State: queue.PrintPrinted, Grade: string(r.Grade)}
	case drivers.Unknown:
		return queue.PrintResult{State: queue.PrintUnknown, Reason: r.Reason}
	case drivers.NotStarted:
		return queue.PrintResult{State: queue.PrintFailed, Reason: r.Reason}
	}
	return queue.PrintResult{State: queue.PrintUnknown, Reason: "bad-outcome"}
}
