package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// memory is a journal in memory whose next commit can be made to fail in every way.
type memory struct {
	mu      sync.Mutex
	records []journal.Record
	commits []int // records of each successful commit

	fail    error         // what Append returns next
	stored  bool          // whether it stores all the same
	blind   error         // what Recover returns
	gate    chan struct{} // when not nil, Append waits for it
	entered chan struct{} // receives when Append waits

	saved   uint64 // where the checkpoint stands, 0 for none
	data    []byte
	saves   int
	resumed int // how often the checkpoint was asked for and there
}

func (m *memory) Append(_ context.Context, records []journal.Record) error {
	m.mu.Lock()
	gate, entered := m.gate, m.entered
	m.mu.Unlock()
	if gate != nil {
		entered <- struct{}{}
		<-gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil || m.stored {
		if records[0].Seq != uint64(len(m.records))+1 {
			return fmt.Errorf("record %d after %d", records[0].Seq, len(m.records))
		}
		m.records = append(m.records, records...)
		m.commits = append(m.commits, len(records))
	}
	return m.fail
}

func (m *memory) Read(from uint64) iter.Seq2[journal.Record, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	records := slices.Clone(m.records)
	return func(yield func(journal.Record, error) bool) {
		for _, r := range records {
			if r.Seq >= from && !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memory) Last() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.records))
}

func (m *memory) Recover(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.records)), m.blind
}

func (m *memory) SetCheckpoint(seq uint64, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq == 0 || seq > uint64(len(m.records)) {
		return fmt.Errorf("checkpoint at %d of %d records", seq, len(m.records))
	}
	m.saved, m.data = seq, data
	m.saves++
	return nil
}

func (m *memory) Checkpoint() (seq uint64, data []byte, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saved > 0 {
		m.resumed++
	}
	return m.saved, m.data, nil
}

func (m *memory) set(f func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

func settings() protocol.Settings {
	week := protocol.Week{}
	for d := range 7 {
		week[d] = []protocol.Period{{Opens: 0, Closes: 1440}}
	}
	return protocol.Settings{
		Branch: "test", Name: "Urząd", Zone: "Europe/Warsaw", Hours: week, Rules: protocol.DefaultRules(),
		Services: []protocol.Service{{
			ID: "A", Letter: "A", Names: map[protocol.Language]string{protocol.Polish: "Dowody"},
			WalkIn: protocol.NumberRange{First: 1, Last: 599}, Booked: protocol.NumberRange{First: 601, Last: 999},
			MeanSeconds: 300,
		}},
		Counters: []protocol.Counter{
			{ID: 1, Skills: map[protocol.ServiceID]int{"A": 0}},
			{ID: 2, Skills: map[protocol.ServiceID]int{"A": 0}},
		},
	}
}

// start runs an engine on j until the test ends or stop is called.
func start(t *testing.T, j engine.Journal) (e *engine.Engine, stop func()) {
	t.Helper()
	return startWith(t, j, officeClock{})
}

// startWith is start with a clock of the test's own.
func startWith(t *testing.T, j engine.Journal, c clock.Clock) (e *engine.Engine, stop func()) {
	t.Helper()
	return startOptions(t, engine.Options{
		Journal: j, Clock: c, Logger: slog.New(slog.DiscardHandler),
		Zones: time.LoadLocation, Start: queue.Start{Clean: true}, Settings: settings(), Check: true,
	})
}

// startOptions is start with all options of the test's own.
func startOptions(t *testing.T, o engine.Options) (e *engine.Engine, stop func()) {
	t.Helper()
	e = engine.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-e.Ready():
	case err := <-done:
		done <- err
		t.Fatalf("engine did not start: %v", err)
	}
	return e, stop
}

func take(key string, id string) engine.Request {
	return engine.Request{Key: key, Actor: "kiosk", Command: queue.Take{
		ID: protocol.TicketID(id), Service: "A", Language: "pl",
	}}
}

func number(t *testing.T, a engine.Answer) string {
	t.Helper()
	for _, event := range a.Events {
		if b, ok := event.Body.(queue.TicketTaken); ok {
			return b.Number.String()
		}
	}
	t.Fatalf("no ticket among %v", a.Events)
	return ""
}

func TestSameKeySameAnswer(t *testing.T) {
	j := &memory{}
	e, stop := start(t, j)
	first, err := e.Do(t.Context(), take("k1", "t1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Do(t.Context(), take("k1", "t2"))
	if err != nil || !again.Replayed || number(t, again) != number(t, first) {
		t.Errorf("asked again: %v, %v; want ticket %s replayed", again, err, number(t, first))
	}
	stop()
	e, _ = start(t, j)
	after, err := e.Do(t.Context(), take("k1", "t3"))
	if err != nil || !after.Replayed || number(t, after) != number(t, first) {
		t.Errorf("asked after a restart: %v, %v; want ticket %s replayed", after, err, number(t, first))
	}
	other, err := e.Do(t.Context(), take("k2", "t4"))
	if err != nil || number(t, other) != "A2" {
		t.Errorf("another press: %v, %v; want A2", other, err)
	}
}

func TestKeyOfAnotherCommandIsRefused(t *testing.T) {
	e, _ := start(t, &memory{})
	if _, err := e.Do(t.Context(), take("k1", "t1")); err != nil {
		t.Fatal(err)
	}
	other := engine.Request{Key: "k1", Actor: "clerk:anna", Command: queue.OpenCounter{Counter: 1}}
	if _, err := e.Do(t.Context(), other); !errors.Is(err, engine.ErrKeyReused) {
		t.Errorf("error %v; want %v", err, engine.ErrKeyReused)
	}
}

func TestRefusalIsRemembered(t *testing.T) {
	e, _ := start(t, &memory{})
	next := engine.Request{Key: "n1", Actor: "clerk:anna", Command: queue.Next{Counter: 1}}
	_, err := e.Do(t.Context(), next)
	first, ok := errors.AsType[*queue.Refusal](err)
	if !ok || first.Code != queue.CounterNotOpen {
		t.Fatalf("next at a closed counter: %v; want %s", err, queue.CounterNotOpen)
	}
	open := engine.Request{Key: "o1", Actor: "clerk:anna", Command: queue.OpenCounter{Counter: 1}}
	if _, err := e.Do(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	_, err = e.Do(t.Context(), next)
	if again, ok := errors.AsType[*queue.Refusal](err); !ok || again.Code != first.Code {
		t.Errorf("the same key after the counter opened: %v; want the first answer", err)
	}
}

// TestSharedCommit holds the first commit back until many presses wait: they share the second.
func TestSharedCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		e, _ := start(t, j)
		gate, entered := make(chan struct{}), make(chan struct{})
		j.set(func(m *memory) { m.gate, m.entered = gate, entered })
		before := len(j.commits)
		const presses = 64
		numbers := make([]string, presses+1)
		var wg sync.WaitGroup
		press := func(i int) {
			a, err := e.Do(t.Context(), take(fmt.Sprint("k", i), fmt.Sprint("t", i)))
			if err != nil {
				t.Error(err)
				return
			}
			numbers[i] = number(t, a)
		}
		wg.Go(func() { press(0) })
		<-entered
		for i := 1; i <= presses; i++ {
			wg.Go(func() { press(i) })
		}
		synctest.Wait()
		j.set(func(m *memory) { m.gate = nil })
		close(gate)
		wg.Wait()
		if got := len(j.commits) - before; got != 2 {
			t.Errorf("%d presses took %d commits; want 2", presses+1, got)
		}
		slices.Sort(numbers)
		if len(slices.Compact(numbers)) != presses+1 {
			t.Errorf("numbers are not distinct: %v", numbers)
		}
	})
}

// TestDoublePressInOneBatch sends one key twice into the same commit.
func TestDoublePressInOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		e, _ := start(t, j)
		gate, entered := make(chan struct{}), make(chan struct{})
		j.set(func(m *memory) { m.gate, m.entered = gate, entered })
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = e.Do(t.Context(), take("first", "t0")) })
		<-entered
		answers := make([]engine.Answer, 2)
		for i := range answers {
			wg.Go(func() {
				a, err := e.Do(t.Context(), take("twice", fmt.Sprint("t", i+1)))
				if err != nil {
					t.Error(err)
				}
				answers[i] = a
			})
		}
		synctest.Wait()
		j.set(func(m *memory) { m.gate = nil })
		close(gate)
		wg.Wait()
		if a, b := number(t, answers[0]), number(t, answers[1]); a != b {
			t.Errorf("one key got %s and %s", a, b)
		}
	})
}

func TestCommitErrorIsResolved(t *testing.T) {
	broken := errors.New("input/output error")
	tests := []struct {
		name   string
		stored bool  // what the disk did
		blind  error // whether it can be told
		want   error // of the press
	}{
		{"stored-after-all", true, nil, nil},
		{"not-stored", false, nil, engine.ErrDegraded},
		{"cannot-be-told-and-stored", true, broken, engine.ErrUnknown},
		{"cannot-be-told-and-not-stored", false, broken, engine.ErrUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &memory{}
				e, _ := start(t, j)
				j.set(func(m *memory) { m.fail, m.stored, m.blind = broken, tt.stored, tt.blind })
				_, err := e.Do(t.Context(), take("k1", "t1"))
				if !errors.Is(err, tt.want) {
					t.Fatalf("press: %v; want %v", err, tt.want)
				}
				j.set(func(m *memory) { m.fail, m.stored, m.blind = nil, false, nil })
				time.Sleep(5 * time.Second)
				a, err := e.Do(t.Context(), take("k1", "t2"))
				if err != nil || number(t, a) != "A1" {
					t.Errorf("on the healthy disk: %v, %v; want A1", a, err)
				}
				if h := e.Health(); h.State != engine.OK || h.InMemory != 0 {
					t.Errorf("health %+v; want ok", h)
				}
			})
		})
	}
}

// TestCountersGoOnWithoutDisk is row 4 of the failure catalogue: no ticket is issued, calling goes
// on in memory, and everything is written in order when the disk is back.
func TestCountersGoOnWithoutDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		e, _ := start(t, j)
		do := func(key string, c queue.Command) (engine.Answer, error) {
			return e.Do(t.Context(), engine.Request{Key: key, Actor: "clerk:anna", Command: c})
		}
		if _, err := e.Do(t.Context(), take("k1", "t1")); err != nil {
			t.Fatal(err)
		}
		if _, err := do("o1", queue.OpenCounter{Counter: 1, Clerk: "anna"}); err != nil {
			t.Fatal(err)
		}
		durable := j.Last()
		readOnly := errors.New("read-only file system")
		j.set(func(m *memory) { m.fail, m.blind = readOnly, readOnly })
		if _, err := do("n1", queue.Next{Counter: 1}); err != nil {
			t.Fatalf("next on a dead disk: %v", err)
		}
		if _, err := e.Do(t.Context(), take("k2", "t2")); !errors.Is(err, engine.ErrDegraded) {
			t.Errorf("press on a dead disk: %v; want %v", err, engine.ErrDegraded)
		}
		if _, err := do("f1", queue.Finish{Counter: 1}); err != nil {
			t.Errorf("finish on a dead disk: %v", err)
		}
		if h := e.Health(); h.State != engine.Degraded || h.InMemory != 2 || j.Last() != durable {
			t.Errorf("health %+v with %d durable; want degraded with 2 in memory", h, j.Last())
		}
		seen := 0
		for event, err := range e.Events(t.Context(), durable+1) {
			if err != nil {
				t.Fatal(err)
			}
			seen++
			if event.Seq != durable+uint64(seen) {
				t.Errorf("event %d at place %d", event.Seq, seen)
			}
		}
		if seen != 2 {
			t.Errorf("readers see %d events of memory; want 2", seen)
		}
		j.set(func(m *memory) { m.fail, m.blind = nil, nil })
		time.Sleep(5 * time.Second)
		if h := e.Health(); h.State != engine.OK || j.Last() != durable+2 {
			t.Errorf("health %+v with %d durable; want ok with %d", h, j.Last(), durable+2)
		}
		if a, err := e.Do(t.Context(), take("k3", "t3")); err != nil || number(t, a) != "A2" {
			t.Errorf("press on the healthy disk: %v, %v; want A2", a, err)
		}
	})
}

// TestNoteRidesAlong: a note waits for a commit that happens anyway, for at most a second.
func TestNoteRidesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		e, stop := start(t, j)
		a, err := e.Do(t.Context(), take("k1", "t1"))
		if err != nil {
			t.Fatal(err)
		}
		commits := len(j.commits)
		note := engine.Request{Actor: "printer", Command: queue.RecordPrint{
			Ticket: "t1", Job: a.Events[len(a.Events)-1].Seq,
			Result: queue.PrintResult{State: queue.PrintPrinted, Grade: "A"},
		}}
		if err := e.Note(t.Context(), note); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := len(j.commits) - commits; got != 0 {
			t.Errorf("the note was committed at once")
		}
		if _, err := e.Do(t.Context(), take("k2", "t2")); err != nil {
			t.Fatal(err)
		}
		if got := len(j.commits) - commits; got != 1 || j.commits[len(j.commits)-1] != 2 {
			t.Errorf("commits %v; want one with the ticket and the note", j.commits[commits:])
		}
		note.Command = queue.RecordPrint{Ticket: "t2", Job: j.Last() - 1, Result: queue.PrintResult{State: queue.PrintUnknown}}
		if err := e.Note(t.Context(), note); err != nil {
			t.Fatal(err)
		}
		for range 20 { // a busy screen must not put the note off
			time.Sleep(100 * time.Millisecond)
			if err := e.View(t.Context(), func(*queue.State, protocol.Instant) {}); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(j.commits) - commits; got != 2 {
			t.Errorf("%d commits two seconds after the second note; want 2", got)
		}
		if err := e.Note(t.Context(), engine.Request{Actor: "printer", Command: queue.Reprint{Ticket: "t2", Mark: queue.MarkCopy}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		if got := len(j.commits) - commits; got != 3 {
			t.Errorf("the note that waited at the stop was lost")
		}
	})
}

// TestReadersWake: a reader that follows Committed and Events sees every event once, in order.
func TestReadersWake(t *testing.T) {
	e, stop := start(t, &memory{})
	const presses = 50
	got := make(chan uint64, 1024)
	go func() {
		defer close(got)
		next := uint64(1)
		for taken := 0; taken < presses; {
			durable, changed := e.Committed()
			if durable < next {
				<-changed
				continue
			}
			for event, err := range e.Events(context.WithoutCancel(t.Context()), next) {
				if err != nil {
					t.Error(err)
					return
				}
				got <- event.Seq
				next = event.Seq + 1
				if _, ok := event.Body.(queue.TicketTaken); ok {
					taken++
				}
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range presses {
		wg.Go(func() {
			if _, err := e.Do(t.Context(), take(fmt.Sprint("k", i), fmt.Sprint("t", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := uint64(1)
	for seq := range got {
		if seq != want {
			t.Fatalf("reader saw event %d; want %d", seq, want)
		}
		want++
	}
	stop()
}

// bubbleClock is the bubble's time moved from the year 2000 to one that is believed, wrong by skew.
type bubbleClock struct {
	mu     sync.Mutex
	skew   time.Duration
	synced bool
}

func (c *bubbleClock) Read() clock.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return clock.Reading{
		Wall: now.AddDate(27, 0, 0).Add(c.skew), Steady: now.Sub(time.Unix(0, 0)), Set: true, Synced: c.synced,
	}
}

func (c *bubbleClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

func (c *bubbleClock) set(skew time.Duration, synced bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew, c.synced = skew, synced
}

// TestSyncIsNoticedWhenNobodyAsks: a doubt begins and ends within a minute in an empty branch.
func TestSyncIsNoticedWhenNobodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &bubbleClock{}
		e, stop := startWith(t, &memory{}, c)
		doubt := func() (reason string) {
			if err := e.View(t.Context(), func(s *queue.State, _ protocol.Instant) { reason = s.Office().Doubt }); err != nil {
				t.Fatal(err)
			}
			return reason
		}
		c.set(26*time.Hour, false)
		time.Sleep(61 * time.Second)
		if got := doubt(); got != clock.DoubtForward {
			t.Errorf("doubt %q a minute after a jump", got)
		}
		c.set(0, true)
		time.Sleep(61 * time.Second)
		if got := doubt(); got != "" {
			t.Errorf("doubt %q a minute after sync", got)
		}
		stop()
	})
}

// TestNewSettingsSurviveABadStart: settings that could not be stored at the start are stored when
// the disk is back.
func TestNewSettingsSurviveABadStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		readOnly := errors.New("read-only file system")
		j := &memory{fail: readOnly}
		e, stop := start(t, j)
		j.set(func(m *memory) { m.fail = nil })
		time.Sleep(5 * time.Second)
		if a, err := e.Do(t.Context(), take("k1", "t1")); err != nil || number(t, a) != "A1" {
			t.Errorf("press after the disk is back: %v, %v; want A1", a, err)
		}
		stop()
	})
}

// TestFullMemoryDoesNotSpin: when memory holds all that it may, counters are refused and the engine
// waits for the disk.
func TestFullMemoryDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		e, stop := start(t, j)
		readOnly := errors.New("read-only file system")
		j.set(func(m *memory) { m.fail, m.blind = readOnly, readOnly })
		for n := range 20_000 {
			command := queue.Command(queue.OpenCounter{Counter: 1, Clerk: "anna"})
			if n%2 == 1 {
				command = queue.CloseCounter{Counter: 1}
			}
			_, err := e.Do(t.Context(), engine.Request{Key: fmt.Sprint("c", n), Actor: "clerk:anna", Command: command})
			if errors.Is(err, engine.ErrDegraded) {
				time.Sleep(48 * time.Hour) // day ends and begins are due; a spin would never get here
				stop()
				return
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Error("memory never filled")
	})
}
