package devices_test

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/paper"
	"github.com/okienko/okienko/protocol"
)

// scripted is a printer whose results are given beforehand; after them everything prints.
type scripted struct {
	mu      sync.Mutex
	results []drivers.Result
	printed []string
	health  drivers.Health
	changed chan struct{}
}

func newScripted(results ...drivers.Result) *scripted {
	return &scripted{results: results, health: drivers.Health{State: drivers.Ready}, changed: make(chan struct{})}
}

func (p *scripted) String() string { return "scripted" }
func (p *scripted) Halt() error    { return nil }

func (p *scripted) Health() drivers.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health
}

func (p *scripted) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

func (p *scripted) set(s drivers.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health.State = s
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *scripted) Print(_ context.Context, doc paper.Document) drivers.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	var text strings.Builder
	for _, e := range doc.Elements {
		text.WriteString(e.(paper.Text).Value)
	}
	p.printed = append(p.printed, text.String())
	if len(p.results) == 0 {
		return drivers.Result{Outcome: drivers.Printed, Grade: drivers.GradeProcess}
	}
	r := p.results[0]
	p.results = p.results[1:]
	return r
}

func (p *scripted) papers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.printed)
}

// memory is a journal that never fails.
type memory struct {
	mu      sync.Mutex
	records []journal.Record
}

func (m *memory) Append(_ context.Context, records []journal.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = append(m.records, records...)
	return nil
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

func (m *memory) Recover(context.Context) (uint64, error) { return m.Last(), nil }

// This journal keeps no checkpoint.
func (m *memory) SetCheckpoint(uint64, []byte) error { return nil }

func (m *memory) Checkpoint() (seq uint64, data []byte, err error) { return 0, nil, nil }

// bubbleClock is the bubble's time moved from the year 2000 to one that is believed.
type bubbleClock struct{}

func (bubbleClock) Read() clock.Reading {
	now := time.Now()
	return clock.Reading{Wall: now.AddDate(27, 0, 0), Steady: now.Sub(time.Unix(0, 0)), Set: true}
}

func (bubbleClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// branch is an engine with a printing reader.
type branch struct {
	t       *testing.T
	engine  *engine.Engine
	printer *scripted
	stop    func()
}

func start(t *testing.T, m *memory, p *scripted) *branch {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	week := protocol.Week{}
	for d := range 7 {
		week[d] = []protocol.Period{{Opens: 0, Closes: 1440}}
	}
	e := engine.New(engine.Options{
		Journal: m, Clock: bubbleClock{}, Logger: log, Zones: time.LoadLocation, Check: true,
		Settings: protocol.Settings{
			Branch: "test", Name: "Urząd", Zone: "UTC", Hours: week, Rules: protocol.DefaultRules(),
			Services: []protocol.Service{{
				ID: "A", Letter: "A", Names: map[protocol.Language]string{"pl": "Dowody"}, MeanSeconds: 300,
				WalkIn: protocol.NumberRange{First: 1, Last: 599}, Booked: protocol.NumberRange{First: 601, Last: 999},
			}},
			Counters: []protocol.Counter{{ID: 1, Skills: map[protocol.ServiceID]int{"A": 0}}},
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	reader := devices.NewPrinting(e, p, func(t queue.Ticket, _ protocol.Settings, mark queue.Mark) paper.Document {
		return paper.Document{Elements: []paper.Element{paper.Text{Value: t.Number.String() + string(mark)}}}
	}, log)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	<-e.Ready()
	wg.Go(func() {
		if err := reader.Run(ctx); err != nil {
			t.Errorf("reader: %v", err)
		}
	})
	<-reader.Ready()
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return &branch{t, e, p, stop}
}

func (b *branch) take(id protocol.TicketID, noPaper bool) {
	b.t.Helper()
	_, err := b.engine.Do(b.t.Context(), engine.Request{
		Key: string(id), Actor: "kiosk", Command: queue.Take{ID: id, Service: "A", Language: "pl", NoPaper: noPaper},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// settled lets a few seconds pass and returns what the journal says of the ticket's paper.
func (b *branch) settled(id protocol.TicketID, wait time.Duration) queue.PrintResult {
	b.t.Helper()
	time.Sleep(wait)
	var got queue.PrintResult
	err := b.engine.View(b.t.Context(), func(s *queue.State, _ protocol.Instant) {
		t, _ := s.Ticket(id)
		got = t.Print
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func (b *branch) wantPapers(want ...string) {
	b.t.Helper()
	if got := b.printer.papers(); !slices.Equal(got, want) {
		b.t.Errorf("printed %q; want %q", got, want)
	}
}

func TestPrintRule(t *testing.T) {
	unknown := drivers.Result{Outcome: drivers.Unknown, Reason: "stalled"}
	failed := drivers.Result{Outcome: drivers.NotStarted, Reason: "paper-out"}
	printed := drivers.Result{Outcome: drivers.Printed, Grade: drivers.GradeStatus}
	tests := []struct {
		name    string
		results []drivers.Result
		papers  []string
		state   queue.PrintState
		grade   string
	}{
		{"printed", []drivers.Result{printed}, []string{"A1"}, queue.PrintPrinted, "B"},
		{"failed-before-the-first-byte", []drivers.Result{failed, failed, printed}, []string{"A1", "A1", "A1"}, queue.PrintPrinted, "B"},
		{"unknown-is-reprinted-once", []drivers.Result{unknown, printed}, []string{"A1", "A1reprint"}, queue.PrintPrinted, "B"},
		{"unknown-twice-waits-for-the-clerk", []drivers.Result{unknown, unknown}, []string{"A1", "A1reprint"}, queue.PrintUnknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, &memory{}, newScripted(tt.results...))
				b.take("t1", false)
				got := b.settled("t1", 5*time.Second)
				if got.State != tt.state || got.Grade != tt.grade {
					t.Errorf("print is %+v; want %s %s", got, tt.state, tt.grade)
				}
				b.wantPapers(tt.papers...)
				b.stop()
			})
		})
	}
}

func TestNothingIsPrintedWithoutPaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		b.take("t1", true)
		if got := b.settled("t1", 5*time.Second); got.State != queue.PrintNone {
			t.Errorf("print is %+v; want none", got)
		}
		b.wantPapers()
		b.stop()
	})
}

// TestUnknownWaitsForTheCover: the marked second print comes when the printer is ready again, but
// only while the press is less than a minute old.
func TestUnknownWaitsForTheCover(t *testing.T) {
	for _, tt := range []struct {
		name   string
		closed time.Duration
		papers []string
	}{
		{"closed-in-time", 40 * time.Second, []string{"A1", "A1reprint"}},
		{"closed-too-late", 70 * time.Second, []string{"A1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newScripted(drivers.Result{Outcome: drivers.Unknown, Reason: "cover-open"})
				p.set(drivers.Failed)
				b := start(t, &memory{}, p)
				b.take("t1", false)
				time.Sleep(tt.closed)
				p.set(drivers.Ready)
				b.settled("t1", 5*time.Second)
				b.wantPapers(tt.papers...)
				b.stop()
			})
		})
	}
}

// TestOldJobIsNotRetried: a printer that is away for long prints no stale ticket afterwards.
func TestOldJobIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := drivers.Result{Outcome: drivers.NotStarted, Reason: "unplugged"}
		p := newScripted(slices.Repeat([]drivers.Result{failed}, 1000)...)
		b := start(t, &memory{}, p)
		b.take("t1", false)
		if got := b.settled("t1", 2*time.Minute); got.State != queue.PrintFailed {
			t.Errorf("print is %+v; want failed", got)
		}
		tries := len(p.papers())
		b.settled("t1", time.Minute)
		if now := len(p.papers()); now != tries {
			t.Errorf("tried %d times more after the job was given up", now-tries)
		}
		b.stop()
	})
}

// TestQueueBehindAFaultIsNotPrintedLate: when the printer is back after minutes, those who pressed
// meanwhile have gone with the numbers they saw.
func TestQueueBehindAFaultIsNotPrintedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := drivers.Result{Outcome: drivers.NotStarted, Reason: "paper-out"}
		b := start(t, &memory{}, newScripted(slices.Repeat([]drivers.Result{failed}, 121)...))
		for _, id := range []protocol.TicketID{"t1", "t2", "t3"} {
			b.take(id, false)
		}
		time.Sleep(3 * time.Minute)
		for _, id := range []protocol.TicketID{"t1", "t2", "t3"} {
			if got := b.settled(id, 0); got.State != queue.PrintFailed {
				t.Errorf("print of %s is %+v; want failed", id, got)
			}
		}
		b.take("t4", false)
		if got := b.settled("t4", 5*time.Second); got.State != queue.PrintPrinted {
			t.Errorf("print of a fresh press is %+v; want printed", got)
		}
		b.stop()
	})
}

// TestCrashDuringReprint: a reprint that a crash leaves unknown is not followed by another, nor is
// a clerk's copy.
func TestCrashDuringReprint(t *testing.T) {
	for _, mark := range []queue.Mark{queue.MarkReprint, queue.MarkCopy} {
		t.Run(string(mark), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				start(t, m, newScripted()).stop()
				withoutReader(t, m, queue.Reprint{Ticket: "t1", Mark: mark})
				b := start(t, m, newScripted())
				if got := b.settled("t1", 5*time.Second); got.State != queue.PrintUnknown {
					t.Errorf("print is %+v; want unknown", got)
				}
				b.wantPapers()
				b.stop()
			})
		})
	}
}

// TestUnknownCopyIsNotReprinted: only a press that is less than a minute old is printed again.
func TestUnknownCopyIsNotReprinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		printed := drivers.Result{Outcome: drivers.Printed, Grade: drivers.GradeProcess}
		b := start(t, &memory{}, newScripted(printed, drivers.Result{Outcome: drivers.Unknown, Reason: "stalled"}))
		b.take("t1", false)
		time.Sleep(30 * time.Minute)
		_, err := b.engine.Do(t.Context(), engine.Request{
			Key: "copy", Actor: "clerk:anna", Command: queue.Reprint{Ticket: "t1", Mark: queue.MarkCopy},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.settled("t1", 5*time.Second)
		b.wantPapers("A1", "A1copy")
		b.stop()
	})
}

// TestRestartLeavesNoTicketUntold: after a crash a ticket without a result is unknown; a fresh one
// is printed again with the mark, an old one waits for the clerk.
func TestRestartLeavesNoTicketUntold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		away   time.Duration
		papers []string
	}{
		{"back-at-once", time.Second, []string{"A1reprint"}},
		{"back-after-a-while", 2 * time.Minute, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				start(t, m, newScripted()).stop() // writes the settings
				// The crash: the ticket is durable and the process is gone before it prints.
				withoutReader(t, m, nil)
				time.Sleep(tt.away)
				b := start(t, m, newScripted())
				state := b.settled("t1", 5*time.Second).State
				if tt.papers == nil && state != queue.PrintUnknown {
					t.Errorf("print is %s; want unknown", state)
				}
				b.wantPapers(tt.papers...)
				b.stop()
			})
		})
	}
}

// withoutReader takes ticket t1, and does then more, with an engine that has no printer's reader.
func withoutReader(t *testing.T, m *memory, then queue.Command) {
	t.Helper()
	e := engine.New(engine.Options{
		Journal: m, Clock: bubbleClock{}, Logger: slog.New(slog.DiscardHandler),
		Zones: time.LoadLocation, Settings: settingsOf(t, m),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	<-e.Ready()
	_, err := e.Do(ctx, engine.Request{Key: "t1", Actor: "kiosk", Command: queue.Take{ID: "t1", Service: "A", Language: "pl"}})
	if err != nil {
		t.Fatal(err)
	}
	if then != nil {
		if _, err := e.Do(ctx, engine.Request{Key: "then", Actor: "printer", Command: then}); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// settingsOf reads the settings back from the journal.
func settingsOf(t *testing.T, m *memory) protocol.Settings {
	t.Helper()
	state := queue.New(time.LoadLocation)
	for record, err := range m.Read(1) {
		if err != nil {
			t.Fatal(err)
		}
		event, err := queue.DecodeEvent(record.Data)
		if err != nil {
			t.Fatal(err)
		}
		state.Apply(event)
	}
	return state.Settings()
}
