package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// start folds the journal and journals the start itself.
func (e *Engine) start(ctx context.Context) error {
	if err := e.fold(); err != nil {
		return err
	}
	_, last := e.state.Last()
	e.keeper = clock.NewKeeper(last, e.state.Office().Doubt, e.opts.Clock.Read())
	begin := e.opts.Start
	if _, doubt := e.now(); doubt != "" {
		begin.Doubt, e.doubted = doubt, true
	}
	first := []*call{own(begin)}
	if !sameSettings(e.state.Settings(), e.opts.Settings) {
		first = append(first, own(queue.Configure{Settings: e.opts.Settings}))
	}
	if err := e.write(ctx, first, e.decide(first)); err != nil {
		return err
	}
	for _, c := range first {
		if _, refused := errors.AsType[*queue.Refusal](c.err); refused {
			return fmt.Errorf("start the queue: %w", c.err)
		}
	}
	// What was due while the agent was off, such as the new office day, happens before it is ready.
	if err := e.commit(ctx, nil); err != nil {
		return err
	}
	if e.Health().State == Starting {
		e.setHealth(OK, "")
	}
	return nil
}

// own wraps a command of the engine itself.
func own(c queue.Command) *call { return &call{request: Request{Actor: "engine", Command: c}} }

// fold builds the state and the keys from the journal, in bounded memory.
func (e *Engine) fold() error {
	b, err := e.load()
	if err != nil {
		return err
	}
	state, keys := b.state, b.keys
	seq, _ := state.Last()
	e.state, e.keys = state, keys
	e.doubted, e.day = state.Office().Doubt != "", state.Office().Day
	e.publish(nil, seq, seq)
	return nil
}

// commit decides a batch, makes its events durable and answers. Commands that are due by time
// come first, so that a booking whose hour has come is in the queue before the next call.
func (e *Engine) commit(ctx context.Context, batch []*call) error {
	events := e.decide(e.timely())
	return e.write(ctx, batch, append(events, e.decide(batch)...))
}

// write makes events durable and answers the batch that they belong to.
func (e *Engine) write(ctx context.Context, batch []*call, events []queue.Event) error {
	if e.opts.Check {
		if err := e.state.Check(); err != nil {
			return fmt.Errorf("check the state: %w", err)
		}
	}
	if len(events) == 0 {
		e.answer(batch)
		return nil
	}
	if len(e.tailLocked()) > 0 {
		e.hold(batch, events)
		return nil
	}
	err := e.append(ctx, events)
	if err == nil {
		e.publish(nil, events[len(events)-1].Seq, events[len(events)-1].Seq)
		e.answer(batch)
		e.checkpoint() // after the answers: nobody waits for it
		return nil
	}
	e.log.Error("commit failed", "error", err, "events", len(events))
	return e.settle(ctx, batch, events, err)
}

// timely lists the engine's own commands for this moment: news of the clock, and Tick.
func (e *Engine) timely() []*call {
	now, doubt := e.now()
	var calls []*call
	if doubt != "" && !e.doubted {
		calls = append(calls, own(queue.DoubtClock{Reason: doubt}))
	}
	if doubt == "" && e.doubted {
		calls = append(calls, own(queue.TrustClock{}))
	}
	e.doubted = doubt != ""
	if at, ok := e.state.NextWake(); ok && at <= now {
		calls = append(calls, own(queue.Tick{}))
	}
	return calls
}

// decide turns calls into events and applies them, in order and at one moment.
func (e *Engine) decide(calls []*call) []queue.Event {
	var events []queue.Event
	now, _ := e.now()
	for _, c := range calls {
		if e.known(c) {
			continue
		}
		if c.err = e.admit(c); c.err != nil {
			continue
		}
		if _, ok := c.request.Command.(queue.TrustClock); ok {
			now = e.trust() // the day turns by the time that is believed from now on
		}
		cause := queue.Cause{Key: c.request.Key, Actor: c.request.Actor}
		if cause.Key != "" {
			seal := fingerprint(c.request)
			cause.Print = hex.EncodeToString(seal[:])
		}
		c.answer.Events, c.err = e.state.Decide(c.request.Command, now, cause)
		c.fresh = true
		e.keys.remember(c)
		for _, event := range c.answer.Events {
			e.state.Apply(event)
			e.keys.note(event)
		}
		events = append(events, c.answer.Events...)
	}
	return events
}

// trust believes the wall clock, by sync or by an administrator's word.
func (e *Engine) trust() protocol.Instant {
	e.keeper.Trust(e.opts.Clock.Read())
	e.doubted = false
	now, _ := e.now()
	return now
}

// admit refuses what must not happen while the disk fails.
func (e *Engine) admit(c *call) error {
	tail := len(e.tailLocked())
	switch c.request.Command.(type) {
	case queue.Take, queue.CheckIn, queue.SetBooking, queue.Configure, queue.Reprint:
		if e.Health().State == Degraded {
			return ErrDegraded
		}
	default:
		if tail >= maxTail {
			return ErrDegraded
		}
	}
	return nil
}

// append encodes the events and makes them durable.
func (e *Engine) append(ctx context.Context, events []queue.Event) error {
	records := make([]journal.Record, len(events))
	day := e.day
	for i, event := range events {
		if opened, ok := event.Body.(queue.DayOpened); ok {
			day = opened.Day
		}
		data, err := queue.EncodeEvent(event)
		if err != nil {
			return fmt.Errorf("encode event %d: %w", event.Seq, err)
		}
		records[i] = journal.Record{Seq: event.Seq, At: int64(event.At), Day: string(day), Data: data}
	}
	begun := time.Now()
	err := e.opts.Journal.Append(context.WithoutCancel(ctx), records)
	e.observe(time.Since(begun))
	if err != nil {
		return fmt.Errorf("append events %d to %d: %w", events[0].Seq, events[len(events)-1].Seq, err)
	}
	e.pause, e.day = 0, day
	return nil
}

// settle finds out what became of a failed commit. Durable: as if it had succeeded. Not durable:
// the state is folded anew and what may go on in memory is decided again. Cannot be told: the
// events stay in memory and are written until the journal confirms them.
func (e *Engine) settle(ctx context.Context, batch []*call, events []queue.Event, cause error) error {
	e.setHealth(Degraded, cause.Error())
	e.backOff()
	last, err := e.opts.Journal.Recover(ctx)
	switch {
	case err != nil:
		e.log.Error("journal cannot be recovered", "error", err)
		e.hold(batch, events)
		return nil
	case last >= events[len(events)-1].Seq:
		e.setHealth(OK, "")
		e.day = e.state.Office().Day
		e.publish(nil, last, last)
		e.answer(batch)
		return nil
	case last >= events[0].Seq:
		return fmt.Errorf("journal ends at %d inside a commit of %d to %d", last, events[0].Seq, events[len(events)-1].Seq)
	}
	if err := e.fold(); err != nil {
		return err
	}
	return e.again(batch)
}

// again decides a batch whose events are certainly not on disk once more: in memory only.
func (e *Engine) again(batch []*call) error {
	for _, c := range batch {
		c.answer, c.err, c.fresh, c.repeat = Answer{}, nil, false, false
	}
	events := e.decide(batch)
	if len(events) == 0 {
		e.answer(batch)
		return nil
	}
	e.hold(batch, events)
	return nil
}

// hold keeps events that are applied but not durable and answers what may be answered: counters
// go on, but nobody is told that he has a ticket while that is not certain.
func (e *Engine) hold(batch []*call, events []queue.Event) {
	_, durable := e.position()
	tail := append(slices.Clone(e.tailLocked()), events...)
	e.publish(tail, events[len(events)-1].Seq, durable)
	for _, c := range batch {
		if c.fresh && c.err == nil && issues(c.answer.Events) {
			c.err = ErrUnknown
		}
	}
	e.answer(batch)
}

func issues(events []queue.Event) bool {
	for _, event := range events {
		if _, ok := event.Body.(queue.TicketTaken); ok {
			return true
		}
	}
	return false
}

// backOff makes the pause before the next attempt longer; a commit that goes well ends it.
func (e *Engine) backOff() {
	e.pause = min(max(2*e.pause, retryFirst), retryLast)
	e.retryAt = time.Now().Add(e.pause)
}

// flush tries to write what memory holds. It also finds out whether an empty tail may be taken
// as healthy again, by recovering the journal.
func (e *Engine) flush(ctx context.Context) error {
	e.backOff()
	last, err := e.opts.Journal.Recover(ctx)
	if err != nil {
		e.log.Warn("journal still fails", "error", err)
		return nil
	}
	tail := e.tailLocked()
	for len(tail) > 0 && tail[0].Seq <= last {
		tail = tail[1:]
	}
	if len(tail) > 0 {
		if err := e.append(ctx, tail); err != nil {
			e.log.Warn("journal still fails", "error", err, "events", len(tail))
			return nil
		}
	}
	seq, _ := e.state.Last()
	e.log.Info("journal works again", "events", len(tail))
	e.day = e.state.Office().Day
	e.publish(nil, seq, seq)
	e.setHealth(OK, "")
	if sameSettings(e.state.Settings(), e.opts.Settings) {
		return nil
	}
	// The disk failed at the start, before new settings could be stored.
	return e.commit(ctx, []*call{own(queue.Configure{Settings: e.opts.Settings})})
}

// answer tells the callers.
func (e *Engine) answer(batch []*call) {
	for _, c := range batch {
		if c.repeat {
			e.known(c)
		}
		if c.reply != nil {
			c.reply <- reply{c.answer, c.err}
			continue
		}
		if c.err != nil {
			e.log.Warn("command refused", "actor", c.request.Actor, "error", c.err)
		}
	}
}
