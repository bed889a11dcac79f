package web

import (
	"context"
	"sync"
	"time"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// pictureLife is how long a picture holds while nothing happens: waits and opening hours change by
// time alone.
const pictureLife = time.Second

// snapshotCache keeps the last picture until the engine has changed or pictureLife has passed.
type snapshotCache struct {
	mu      sync.Mutex
	taken   time.Time
	changed <-chan struct{}
	last    *picture
	flight  *flight
	flights sync.WaitGroup
}

// flight is one look at the engine on its way, shared by all who want it. picture and err are there
// once done is closed; waiters is guarded by the cache.
type flight struct {
	changed <-chan struct{}
	cancel  context.CancelFunc
	done    chan struct{}
	picture *picture
	err     error
	waiters int
}

// look gives the present picture. Many callers at once cause one look at the engine, and each
// waits no longer than its own ctx.
func (s *Server) look(ctx context.Context) (*picture, error) {
	p, f := s.board(ctx)
	if f == nil {
		return p, nil
	}
	select {
	case <-f.done:
		return f.picture, f.err
	case <-ctx.Done():
		s.snapshot.leave(f)
		return nil, ctx.Err()
	}
}

// board finds the picture if it is fresh, else a flight that will bring it. A flight that began
// before the last change may bring an older picture, so another one follows it.
func (s *Server) board(ctx context.Context) (*picture, *flight) {
	c := &s.snapshot
	c.mu.Lock()
	defer c.mu.Unlock()
	_, changed := s.Engine.Committed()
	if c.last != nil && c.changed == changed && time.Since(c.taken) < pictureLife {
		return c.last, nil
	}
	if c.flight == nil || c.flight.changed != changed {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		before := c.flight
		f := &flight{changed: changed, cancel: cancel, done: make(chan struct{})}
		c.flight = f
		c.flights.Go(func() { s.fly(shared, f, before) })
	}
	c.flight.waiters++
	return nil, c.flight
}

// leave lets a waiter go. The last one ends the flight.
func (c *snapshotCache) leave(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.waiters--
	if f.waiters == 0 {
		f.cancel()
		c.forget(f)
	}
}

func (c *snapshotCache) forget(f *flight) {
	if c.flight == f {
		c.flight = nil
	}
}

// land waits until no flight is on its way, or until ctx ends.
func (c *snapshotCache) land(ctx context.Context) {
	landed := make(chan struct{})
	go func() { c.flights.Wait(); close(landed) }()
	select {
	case <-landed:
	case <-ctx.Done():
	}
}

// fly looks at the engine once, after the flight before has landed.
func (s *Server) fly(ctx context.Context, f, before *flight) {
	defer f.cancel()
	if before != nil {
		<-before.done
	}
	p := &picture{}
	err := s.view(ctx, func(q *queue.State, now protocol.Instant) { p.draw(s.drawing(q, now)) })
	p.clerkJSON = sync.OnceValue(func() []byte { return encode(p.clerk) })
	p.publicJSON = sync.OnceValue(func() []byte { return encode(p.clerk.public()) })
	c := &s.snapshot
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.err = err; err == nil {
		f.picture = p
		c.last, c.changed, c.taken = p, f.changed, time.Now()
	}
	c.forget(f)
	close(f.done)
}

// view bounds how long a look may wait for the engine.
func (s *Server) view(ctx context.Context, f func(q *queue.State, now protocol.Instant)) error {
	ctx, cancel := context.WithTimeout(ctx, viewLimit)
	defer cancel()
	return s.Engine.View(ctx, f)
}
