package devices_test

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

// keys is a panel that tests press, and that remembers its lamps.
type keys struct {
	*drivers.Vitals
	presses chan drivers.Press
	mu      sync.Mutex
	lamps   map[string]drivers.Lamp
}

func (*keys) String() string                  { return "keys" }
func (*keys) Halt() error                     { return nil }
func (k *keys) Presses() <-chan drivers.Press { return k.presses }
func (k *keys) Light(name string, l drivers.Lamp) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lamps[name] = l
}

func (k *keys) press(long bool) {
	k.presses <- drivers.Press{Button: "A", At: time.Now(), Long: long}
	time.Sleep(100 * time.Millisecond)
}

func (k *keys) wants(t *testing.T, lamp drivers.Lamp) {
	t.Helper()
	time.Sleep(1100 * time.Millisecond)
	k.mu.Lock()
	defer k.mu.Unlock()
	if want := map[string]drivers.Lamp{"A": lamp}; !maps.Equal(k.lamps, want) {
		t.Errorf("lamps %v, want %v", k.lamps, want)
	}
}

// connect connects a panel with the button A.
func (b *branch) connect(long func(context.Context)) (k *keys, stop func()) {
	b.t.Helper()
	k = &keys{Vitals: drivers.NewVitals(), presses: make(chan drivers.Press), lamps: map[string]drivers.Lamp{}}
	ctx, cancel := context.WithCancel(b.t.Context())
	reader := devices.NewPressing(b.engine, k, devices.PanelRules{
		Services: map[string]protocol.ServiceID{"A": "A"}, Long: map[string]func(context.Context){"A": long},
		Language: protocol.Polish, Printer: b.printer,
		NewTicket: func() (protocol.TicketID, protocol.TokenHash) {
			id := secret.TicketID()
			return id, secret.Hash(string(id))
		},
	}, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := reader.Run(ctx); err != nil {
			b.t.Errorf("pressing: %v", err)
		}
	})
	synctest.Wait()
	return k, sync.OnceFunc(func() { cancel(); wg.Wait() })
}

// waiting counts the tickets of the queue.
func (b *branch) waiting() (n int) {
	b.t.Helper()
	if err := b.engine.View(b.t.Context(), func(s *queue.State, _ protocol.Instant) { n = len(s.Waiting()) }); err != nil {
		b.t.Error(err)
	}
	return n
}

func TestPressGivesATicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		k, stop := b.connect(nil)
		defer stop()
		k.wants(t, drivers.LampReady)
		k.press(false)
		k.press(false)
		if n := b.waiting(); n != 2 {
			t.Errorf("%d tickets after two presses", n)
		}
		k.presses <- drivers.Press{Button: "A", At: time.Now().Add(-time.Minute)}
		k.presses <- drivers.Press{Button: "of-nobody", At: time.Now()}
		k.wants(t, drivers.LampReady)
		if n := b.waiting(); n != 2 {
			t.Errorf("%d tickets after an old press and an unknown button", n)
		}
	})
}

// TestNoPressWithoutPaper: a panel has no screen on which a number without paper could be shown.
func TestNoPressWithoutPaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newScripted()
		b := start(t, &memory{}, p)
		k, stop := b.connect(nil)
		defer stop()
		p.set(drivers.Failed)
		k.wants(t, drivers.LampFault)
		k.press(false)
		if n := b.waiting(); n != 0 {
			t.Errorf("%d tickets without paper", n)
		}
		p.set(drivers.Degraded)
		k.wants(t, drivers.LampReady)
		k.press(false)
		if n := b.waiting(); n != 1 {
			t.Errorf("%d tickets after the paper came", n)
		}
	})
}

func TestLampOfAServiceThatIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		k, stop := b.connect(nil)
		defer stop()
		b.do(queue.SetIssuing{Service: "A", Mode: queue.IssuingStopped})
		k.wants(t, drivers.LampClosed)
		k.press(false)
		if n := b.waiting(); n != 0 {
			t.Errorf("%d tickets of a service that issues none", n)
		}
		b.do(queue.SetIssuing{Service: "A", Mode: queue.IssuingOn})
		time.Sleep(5 * time.Second)
		k.wants(t, drivers.LampReady)
	})
}

// TestLongPress: what it does may take a while, and presses are served meanwhile; held again, it is not
// done twice at once.
func TestLongPress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		var acted atomic.Int32
		k, stop := b.connect(func(ctx context.Context) { acted.Add(1); <-ctx.Done() })
		k.press(true)
		k.press(true)
		k.press(false)
		if n := b.waiting(); acted.Load() != 1 || n != 1 {
			t.Errorf("two long presses and a short one acted %d times and gave %d tickets", acted.Load(), n)
		}
		stop()
	})
}
