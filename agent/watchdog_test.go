package agent

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// dog counts its meals.
type dog struct {
	mu             sync.Mutex
	meals, stopped int
}

func (*dog) Every() time.Duration { return time.Second }

func (d *dog) Feed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meals++
	return nil
}

func (d *dog) Stop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped++
	return nil
}

// had is how many meals there were.
func (d *dog) had() int {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.meals
}

// stuck is an engine whose goroutine hangs while busy is locked.
type stuck struct{ busy chan struct{} }

func (s stuck) View(ctx context.Context, f func(*queue.State, protocol.Instant)) error {
	select {
	case s.busy <- struct{}{}:
		f(nil, 0)
		<-s.busy
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestWatchdogStarvesWithTheEngine is row 46: an engine that hangs is not covered up.
func TestWatchdogStarvesWithTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, e := &dog{}, stuck{make(chan struct{}, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- feed(d, e, discard())(ctx) }()
		time.Sleep(10*time.Second + time.Millisecond)
		if n := d.had(); n != 11 {
			t.Errorf("%d meals in ten seconds", n)
		}
		e.busy <- struct{}{}
		time.Sleep(time.Minute)
		if n := d.had(); n > 12 {
			t.Errorf("%d meals while the engine hung", n-11)
		}
		<-e.busy
		time.Sleep(5 * time.Second)
		if n := d.had(); n < 15 {
			t.Errorf("%d meals after it went on", n)
		}
		cancel()
		if err := <-done; err != nil || d.stopped != 1 {
			t.Errorf("stopped %d times: %v", d.stopped, err)
		}
	})
}
