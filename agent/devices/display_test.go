package devices_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

// slate is a board that remembers its faces, each once.
type slate struct {
	*drivers.Vitals
	mu    sync.Mutex
	last  drivers.Face
	faces []drivers.Face
}

func (*slate) String() string { return "slate" }
func (*slate) Halt() error    { return nil }

func (s *slate) Show(f drivers.Face) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != f {
		s.faces = append(s.faces, f)
	}
	s.last = f
}

func (s *slate) wants(t *testing.T, faces ...drivers.Face) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.faces, faces) {
		t.Errorf("the board showed %v, not %v", s.faces, faces)
	}
	s.faces = nil
}

// hang connects a slate to counter 1 and returns what takes it away.
func (b *branch) hang(s *slate) (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := devices.NewDisplay(b.engine, 1, s).Run(ctx); err != nil {
			b.t.Errorf("display: %v", err)
		}
	})
	synctest.Wait()
	return sync.OnceFunc(func() { cancel(); wg.Wait() })
}

func (b *branch) do(c queue.Command) {
	b.t.Helper()
	if _, err := b.engine.Do(b.t.Context(), engine.Request{Actor: "clerk", Command: c}); err != nil {
		b.t.Fatalf("%T: %v", c, err)
	}
}

func TestDisplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		s := &slate{Vitals: drivers.NewVitals()}
		stop := b.hang(s)
		dark, lit := drivers.Face{}, func(text string) drivers.Face { return drivers.Face{Text: text} }
		flash := func(text string) drivers.Face { return drivers.Face{Text: text, Blink: true} }
		b.take("a", true)
		b.take("b", true)
		b.do(queue.OpenCounter{Counter: 1, Clerk: "anna"})
		s.wants(t)
		b.do(queue.Next{Counter: 1})
		s.wants(t, flash("A1"))
		time.Sleep(6 * time.Second)
		s.wants(t, lit("A1"))
		b.do(queue.Recall{Counter: 1})
		s.wants(t, flash("A1"))
		b.do(queue.Next{Counter: 1}) // the newest call wins, and flashes for its own five seconds
		s.wants(t, flash("A2"))
		time.Sleep(4 * time.Second)
		s.wants(t)
		time.Sleep(2 * time.Second)
		s.wants(t, lit("A2"))
		b.do(queue.StartService{Counter: 1})
		s.wants(t)
		b.do(queue.Finish{Counter: 1})
		s.wants(t, dark)
		b.do(queue.CloseCounter{Counter: 1})
		stop()
		s.wants(t)
	})
}

// TestDisplayAfterRestart: the number is there again, and nothing flashes for a call of before.
func TestDisplayAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		b.take("a", true)
		b.do(queue.OpenCounter{Counter: 1, Clerk: "anna"})
		b.do(queue.Next{Counter: 1})
		s := &slate{Vitals: drivers.NewVitals()}
		stop := b.hang(s)
		s.wants(t, drivers.Face{Text: "A1"})
		stop()
		s.wants(t, drivers.Face{})
	})
}

// silent is an engine that does not answer for a while.
type silent struct {
	devices.Engine
	mu      sync.Mutex
	blocked chan struct{}
}

func (s *silent) View(ctx context.Context, f func(*queue.State, protocol.Instant)) error {
	s.mu.Lock()
	blocked := s.blocked
	s.mu.Unlock()
	select {
	case <-blocked:
		return s.Engine.View(ctx, f)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestDisplayGoesDarkWhenStale: a number that nobody vouches for is taken off after 5 s.
func TestDisplayGoesDarkWhenStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		b.take("a", true)
		b.do(queue.OpenCounter{Counter: 1, Clerk: "anna"})
		b.do(queue.Next{Counter: 1})
		open := make(chan struct{})
		close(open)
		e := &silent{Engine: b.engine, blocked: open}
		s := &slate{Vitals: drivers.NewVitals()}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- devices.NewDisplay(e, 1, s).Run(ctx) }()
		s.wants(t, drivers.Face{Text: "A1"})
		gate := make(chan struct{})
		e.mu.Lock()
		e.blocked = gate
		e.mu.Unlock()
		b.take("b", true) // wakes the display, which then waits for the engine
		s.wants(t)
		time.Sleep(6 * time.Second)
		s.wants(t, drivers.Face{})
		close(gate)
		s.wants(t, drivers.Face{Text: "A1"})
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
