// Package engine is the one owner of a branch: a single goroutine that decides commands, commits
// the events to the journal and lets others know.
//
// Commands that arrive together share one commit. A command is answered only when its events are
// durable, and the same idempotency key gets the same answer, also after a restart. A commit
// error is treated as unknown: the journal is opened again and asked, never guessed
// (design/6-failures.md rows 3–5). While the disk fails no ticket is issued, but counters go on
// in memory, marked as degraded, and what they did is written down as soon as that is possible.
//
// Run owns the goroutine and the state. All methods may be called from any goroutine.
package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// The errors of Do besides *queue.Refusal.
var (
	// ErrDegraded: the disk cannot store the command and it was not carried out.
	ErrDegraded = errors.New("the journal cannot be written")
	// ErrUnknown: whether the command was carried out is not known yet; ask again with its key.
	ErrUnknown = errors.New("the outcome of the commit is unknown")
	// ErrKeyReused: the idempotency key was used before for another command.
	ErrKeyReused = errors.New("the idempotency key belongs to another command")
	// ErrStopped: the engine is not running.
	ErrStopped = errors.New("the engine has stopped")
)

// The bounds of the engine's queues.
const (
	// maxBatch is the most commands that share a commit; more wait for the next.
	maxBatch = 256
	// patience is how many turns in vain the others get while fewer have come than shared the last
	// commit: some 50 µs, a small part of a commit on any disk.
	patience = 400
	// maxWaiting is how many requests may wait; further callers block until their ctx ends.
	maxWaiting = 1024
	// maxNotes is how many notes may wait; further callers block.
	maxNotes = 256
	// maxTail is how many events memory holds while the disk fails; then counters are refused.
	maxTail = 10_000
	// noteDelay is how long a note may wait for a commit to ride on.
	noteDelay = time.Second
	// retryFirst and retryLast bound the growing pause between attempts to use a failing disk.
	retryFirst = 2 * time.Second
	retryLast  = time.Minute
)

// Journal is what the engine needs of agent/journal.
type Journal interface {
	// Append makes the records durable in one commit. After any error the outcome is unknown.
	Append(ctx context.Context, records []journal.Record) error
	// Read yields the durable records from seq on, to the present end.
	Read(from uint64) iter.Seq2[journal.Record, error]
	// Last is the sequence number of the newest durable record.
	Last() uint64
	// Recover opens the file again after an error and says what the newest durable record is.
	Recover(ctx context.Context) (uint64, error)
	// SetCheckpoint keeps data as a cache of what the records up to seq, all durable, fold to.
	SetCheckpoint(seq uint64, data []byte) error
	// Checkpoint returns the newest of this history that is left; 0 when there is none.
	Checkpoint() (seq uint64, data []byte, err error)
}

// Options are what an Engine is made of.
type Options struct {
	Journal Journal
	Clock   clock.Clock
	Logger  *slog.Logger
	// Zones finds a time zone by name; time.LoadLocation in production.
	Zones func(name string) (*time.Location, error)
	// Start is journalled first; Settings next, when they differ from the journal's.
	Start    queue.Start
	Settings protocol.Settings
	// Check runs the queue's invariants after every commit and stops the engine when one is
	// broken; for tests.
	Check bool
}

// Engine owns the queue of a branch. Make it with New and start Run once.
type Engine struct {
	opts     Options
	log      *slog.Logger
	requests chan *call
	notes    chan *call
	views    chan *view
	ready    chan struct{}
	done     chan struct{}

	// Owned by Run's goroutine.
	state   *queue.State
	keeper  *clock.Keeper
	keys    *keyring
	saved   saved     // where the last checkpoint stands
	pending []*call   // notes that wait for a commit to ride on
	due     time.Time // when the oldest of them must be written
	retryAt time.Time // when a failing disk is tried again
	pause   time.Duration
	doubted bool // the state has a clock doubt
	crowd   int  // how many requests shared the last commit
	// day is the office day of the newest durable event, which picks the ledger file.
	day protocol.Day

	mu      sync.Mutex
	seq     uint64 // newest event that is applied
	durable uint64 // newest event that is in the journal
	tail    []queue.Event
	changed chan struct{}
	health  Health
}

// call is a request on its way through the engine.
type call struct {
	request Request
	reply   chan<- reply // nil for a note; buffered
	answer  Answer
	err     error
	fresh   bool // decided in this batch, so its answer waits for the commit
	repeat  bool // its key is that of an earlier call in this batch
}

type reply struct {
	answer Answer
	err    error
}

type view struct {
	f    func(*queue.State, protocol.Instant)
	done chan struct{}
}

// New makes an engine; it does nothing until Run.
func New(o Options) *Engine {
	return &Engine{
		opts: o, log: o.Logger,
		requests: make(chan *call, maxWaiting), notes: make(chan *call, maxNotes),
		views: make(chan *view), ready: make(chan struct{}), done: make(chan struct{}),
		keys: newKeyring(), changed: make(chan struct{}),
		health: Health{State: Starting},
	}
}

// Ready is closed when the state is folded and commands are taken.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Run folds the journal and serves until ctx ends. It returns an error only when the branch must
// not go on: the journal cannot be read, or an invariant is broken.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.done)
	if err := e.start(ctx); err != nil {
		return err
	}
	close(e.ready)
	for {
		if err := e.turn(ctx); err != nil {
			if ctx.Err() != nil {
				return e.stop()
			}
			return err
		}
	}
}

// turn waits for one cause to act and acts on it.
func (e *Engine) turn(ctx context.Context) error {
	wake, stopWake := e.timer()
	defer stopWake()
	note, stopNote := e.noteTimer()
	defer stopNote()
	retry, stopRetry := e.retryTimer()
	defer stopRetry()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case v := <-e.views:
		now, _ := e.now()
		v.f(e.state, now)
		close(v.done)
	case c := <-e.requests:
		return e.commit(ctx, e.gather(c))
	case c := <-e.notes:
		if len(e.pending) == 0 {
			e.due = time.Now().Add(noteDelay)
		}
		e.pending = append(e.pending, c)
		if len(e.pending) >= maxBatch {
			return e.commit(ctx, e.gather(nil))
		}
	case <-note:
		return e.commit(ctx, e.gather(nil))
	case <-wake:
		return e.commit(ctx, e.gather(nil))
	case <-retry:
		return e.flush(ctx)
	}
	return nil
}

// gather collects what shares the next commit: first, all that waits, and the notes.
func (e *Engine) gather(first *call) []*call {
	batch := make([]*call, 0, 8)
	if first != nil {
		batch = append(batch, first)
	}
	// A commit costs as much for one as for all, so those who are about to ask get their turn to do
	// so, again and again as long as somebody comes. Those whom the last commit answered may be on
	// another processor, so they are given a little longer.
	for idle := 0; idle < patience && len(batch) < maxBatch; idle++ {
		if idle > 0 && len(batch) >= e.crowd {
			break
		}
		came := len(batch)
		runtime.Gosched()
		if batch = e.drain(batch); len(batch) > came {
			idle = -1
		}
	}
	e.crowd = len(batch)
	batch = append(batch, e.pending...)
	e.pending = e.pending[:0]
	return batch
}

// drain adds the requests that wait to batch, up to its limit.
func (e *Engine) drain(batch []*call) []*call {
	for len(batch) < maxBatch {
		select {
		case c := <-e.requests:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// stop writes the notes that still wait, so that an orderly end loses no print result.
func (e *Engine) stop() error {
	for len(e.notes) > 0 {
		e.pending = append(e.pending, <-e.notes)
	}
	if len(e.pending) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return e.commit(ctx, e.gather(nil))
}

// now reads the clock.
func (e *Engine) now() (protocol.Instant, string) { return e.keeper.Now(e.opts.Clock.Read()) }

// lookAgain is the longest time between two looks at the clock: time sync, a jump, or an
// administrator's hand may change it while nobody asks for anything.
const lookAgain = time.Minute

// timer fires when the queue wants a Tick, or a look at the clock is due.
func (e *Engine) timer() (<-chan time.Time, func()) {
	wait := lookAgain
	if at, ok := e.state.NextWake(); ok && len(e.tailLocked()) < maxTail {
		now, _ := e.now()
		wait = min(wait, max(at.Sub(now), 0))
	}
	return e.opts.Clock.After(wait)
}

// noteTimer bounds how long notes wait.
func (e *Engine) noteTimer() (<-chan time.Time, func()) {
	if len(e.pending) == 0 {
		return nil, func() {}
	}
	t := time.NewTimer(time.Until(e.due))
	return t.C, func() { t.Stop() }
}

func (e *Engine) retryTimer() (<-chan time.Time, func()) {
	if e.Health().State != Degraded {
		return nil, func() {}
	}
	t := time.NewTimer(time.Until(e.retryAt))
	return t.C, func() { t.Stop() }
}

// Do carries a command out and returns when its events are durable. The error is a
// *queue.Refusal when the rules refuse it, one of the errors of this package, or ctx's.
func (e *Engine) Do(ctx context.Context, r Request) (Answer, error) {
	done := make(chan reply, 1)
	if err := e.send(ctx, e.requests, &call{request: r, reply: done}); err != nil {
		return Answer{}, err
	}
	select {
	case got := <-done:
		return got.answer, got.err
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	case <-e.done:
	}
	select {
	case got := <-done: // answered in the engine's last moment
		return got.answer, got.err
	default:
		return Answer{}, ErrStopped
	}
}

// Note carries a command out within a second, with a commit that happens anyway if there is one.
// It does not wait for it; a refusal is logged. It blocks only while 256 notes wait.
func (e *Engine) Note(ctx context.Context, r Request) error {
	return e.send(ctx, e.notes, &call{request: r})
}

func (e *Engine) send(ctx context.Context, to chan<- *call, c *call) error {
	select {
	case to <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return ErrStopped
	}
}

// View runs f on the owner's goroutine between two commands. f must be quick and keep nothing
// of the state.
func (e *Engine) View(ctx context.Context, f func(s *queue.State, now protocol.Instant)) error {
	v := &view{f: f, done: make(chan struct{})}
	select {
	case e.views <- v:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return ErrStopped
	}
	<-v.done
	return nil
}
