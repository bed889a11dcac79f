package engine

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// Condition is how well the engine can do its work.
type Condition string

// The conditions.
const (
	Starting Condition = "starting"
	OK       Condition = "ok"
	// Degraded: the disk fails; no tickets, and counters go on in memory.
	Degraded Condition = "degraded"
)

// Health is the engine's account of itself.
type Health struct {
	State  Condition `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
	// InMemory is the number of events that are not on disk yet.
	InMemory int `json:"in_memory,omitempty"`
	// Commits, CommitTotal and CommitMax describe the commits since the start.
	Commits     int           `json:"commits"`
	CommitTotal time.Duration `json:"commit_total"`
	CommitMax   time.Duration `json:"commit_max"`
}

// Health says how the engine is.
func (e *Engine) Health() Health {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.health
	h.InMemory = len(e.tail)
	return h
}

func (e *Engine) setHealth(c Condition, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.health.State != c {
		e.health.Since = time.Now()
	}
	e.health.State, e.health.Reason = c, reason
	e.wakeLocked()
}

func (e *Engine) observe(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.health.Commits++
	e.health.CommitTotal += d
	e.health.CommitMax = max(e.health.CommitMax, d)
}

// publish lets readers see the present end and wakes them.
func (e *Engine) publish(tail []queue.Event, seq, durable uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tail, e.seq, e.durable = tail, seq, durable
	e.wakeLocked()
}

func (e *Engine) wakeLocked() {
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *Engine) tailLocked() []queue.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tail
}

// position returns the newest event that readers may see and the newest that is durable.
func (e *Engine) position() (seq, durable uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seq, e.durable
}

// Committed returns the number of the newest durable event and a channel that is closed at the
// next change of the state or of the health.
func (e *Engine) Committed() (seq uint64, changed <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.durable, e.changed
}

// Events yields the events from seq on to the present end: the durable ones, then those that
// only memory holds while the disk fails (their numbers are above Committed).
func (e *Engine) Events(ctx context.Context, from uint64) iter.Seq2[queue.Event, error] {
	return func(yield func(queue.Event, error) bool) {
		e.mu.Lock()
		durable, tail := e.durable, e.tail
		e.mu.Unlock()
		next := max(from, 1)
		for event, err := range e.stored(ctx, next, durable) {
			if !yield(event, err) || err != nil {
				return
			}
			next = event.Seq + 1
		}
		for _, event := range tail {
			if event.Seq >= next && !yield(event, nil) {
				return
			}
		}
	}
}

// stored yields the journal's events from first to last.
func (e *Engine) stored(ctx context.Context, first, last uint64) iter.Seq2[queue.Event, error] {
	return func(yield func(queue.Event, error) bool) {
		if first > last {
			return
		}
		for record, err := range e.opts.Journal.Read(first) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(queue.Event{}, fmt.Errorf("read events from %d: %w", first, err))
				return
			}
			event, err := queue.DecodeEvent(record.Data)
			if record.Seq > last || !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// collect reads the events of an earlier answer.
func (e *Engine) collect(s span) ([]queue.Event, error) {
	events := make([]queue.Event, 0, s.n)
	for event, err := range e.Events(context.Background(), s.first) {
		if err != nil {
			return nil, err
		}
		events = append(events, event)
		if len(events) == int(s.n) {
			break
		}
	}
	return events, nil
}

func sameSettings(a, b protocol.Settings) bool { return reflect.DeepEqual(a, b) }
