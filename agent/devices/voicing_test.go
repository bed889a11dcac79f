package devices_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

// hallSpeaker takes five seconds for each announcement and remembers it.
type hallSpeaker struct {
	*drivers.Vitals
	mu      sync.Mutex
	heard   []string
	playing bool
	broken  bool
	takes   time.Duration
}

func newHallSpeaker() *hallSpeaker {
	return &hallSpeaker{Vitals: drivers.NewVitals(), takes: 5 * time.Second}
}

func (*hallSpeaker) String() string { return "hall" }
func (*hallSpeaker) Halt() error    { return nil }

func (h *hallSpeaker) Play(ctx context.Context, clips []drivers.Clip) error {
	h.mu.Lock()
	if h.broken {
		h.mu.Unlock()
		return errors.New("no sound card")
	}
	if h.playing {
		h.heard = append(h.heard, "OVERLAP")
	}
	h.playing = true
	h.mu.Unlock()
	pause := time.NewTimer(h.takes)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.playing = false
	var words []string
	for _, c := range clips {
		words = append(words, string(c))
	}
	h.heard = append(h.heard, strings.Join(words, " "))
	return ctx.Err()
}

func (h *hallSpeaker) wants(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.heard, want) {
		t.Errorf("heard\n%s\nnot\n%s", strings.Join(h.heard, "\n"), strings.Join(want, "\n"))
	}
	h.heard = nil
}

// announced starts the reader and returns what stops it.
func (b *branch) announced(h *hallSpeaker, change func(*devices.VoiceRules)) (stop func()) {
	b.t.Helper()
	rules := devices.VoiceRules{Language: protocol.Polish, Place: announce.Counter}
	if change != nil {
		change(&rules)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	var wg sync.WaitGroup
	reader := devices.NewVoicing(b.engine, h, rules, slog.New(slog.DiscardHandler))
	wg.Go(func() {
		if err := reader.Run(ctx); err != nil {
			b.t.Errorf("voice: %v", err)
		}
	})
	synctest.Wait()
	return sync.OnceFunc(func() { cancel(); wg.Wait() })
}

const (
	a1      = "pl/ticket pl/letter-A pl/n1 pl/pause pl/to-stanowisko pl/n1.end"
	a1Again = "pl/again " + a1
	a2      = "pl/ticket pl/letter-A pl/n2 pl/pause pl/to-stanowisko pl/n1.end"
)

func voiced(t *testing.T, f func(b *branch, h *hallSpeaker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		for _, id := range []protocol.TicketID{"a", "b", "c"} {
			b.take(id, true)
		}
		b.do(queue.OpenCounter{Counter: 1, Clerk: "anna"})
		f(b, newHallSpeaker())
	})
}

func TestVoiceAnnouncesCalls(t *testing.T) {
	voiced(t, func(b *branch, h *hallSpeaker) {
		defer b.announced(h, nil)()
		b.do(queue.Next{Counter: 1})
		time.Sleep(6 * time.Second)
		h.wants(t, a1)
		b.do(queue.Recall{Counter: 1})
		time.Sleep(time.Second)
		b.do(queue.Next{Counter: 1}) // while A1 is still announced: they follow each other
		time.Sleep(20 * time.Second)
		h.wants(t, a1Again, a2)
	})
}

func TestVoiceNewerCallReplacesAndMissWithdraws(t *testing.T) {
	voiced(t, func(b *branch, h *hallSpeaker) {
		defer b.announced(h, nil)()
		b.do(queue.Next{Counter: 1})
		time.Sleep(time.Second)
		b.do(queue.Next{Counter: 1})
		b.do(queue.Recall{Counter: 1})
		b.do(queue.Recall{Counter: 1})
		time.Sleep(30 * time.Second)
		h.wants(t, a1, "pl/again "+a2)
		b.do(queue.Recall{Counter: 1})
		time.Sleep(time.Second)
		b.do(queue.Next{Counter: 1})
		b.do(queue.NoShow{Counter: 1}) // before it was announced
		time.Sleep(30 * time.Second)
		h.wants(t, "pl/again "+a2)
	})
}

// TestVoiceDropsOldCalls: row 20. A slow loudspeaker announces no burst of old calls later.
func TestVoiceDropsOldCalls(t *testing.T) {
	voiced(t, func(b *branch, h *hallSpeaker) {
		h.takes = 25 * time.Second
		defer b.announced(h, nil)()
		b.do(queue.Next{Counter: 1})
		time.Sleep(time.Second)
		b.do(queue.Next{Counter: 1})
		time.Sleep(time.Minute)
		h.wants(t, a1)
	})
}

// TestVoiceBroken: row 20. A missing loudspeaker delays no call, and later calls are announced.
func TestVoiceBroken(t *testing.T) {
	voiced(t, func(b *branch, h *hallSpeaker) {
		h.broken = true
		defer b.announced(h, nil)()
		begun := time.Now()
		b.do(queue.Next{Counter: 1})
		if took := time.Since(begun); took > 0 {
			t.Errorf("the call took %v", took)
		}
		time.Sleep(time.Minute)
		h.mu.Lock()
		h.broken = false
		h.mu.Unlock()
		b.do(queue.Next{Counter: 1})
		time.Sleep(10 * time.Second)
		h.wants(t, a2)
	})
}

func TestVoiceAfterRestart(t *testing.T) {
	voiced(t, func(b *branch, h *hallSpeaker) {
		b.do(queue.Next{Counter: 1})
		defer b.announced(h, nil)()
		time.Sleep(time.Minute)
		h.wants(t)
	})
}

func TestVoiceOff(t *testing.T) {
	for name, change := range map[string]func(*devices.VoiceRules){
		"service": func(r *devices.VoiceRules) { r.Silent = []protocol.ServiceID{"A"} },
		"hour":    func(r *devices.VoiceRules) { r.Hours = protocol.Week{0: {{Opens: 0, Closes: 1}}} },
	} {
		t.Run(name, func(t *testing.T) {
			voiced(t, func(b *branch, h *hallSpeaker) {
				time.Sleep(2 * time.Minute)
				defer b.announced(h, change)()
				b.do(queue.Next{Counter: 1})
				time.Sleep(time.Minute)
				h.wants(t)
			})
		})
	}
}

// TestVoiceSecondLanguage: who took the ticket in another language hears that as well.
func TestVoiceSecondLanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &memory{}, newScripted())
		_, err := b.engine.Do(t.Context(), engine.Request{
			Key: "a", Actor: "kiosk", Command: queue.Take{ID: "a", Service: "A", Language: "uk", NoPaper: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.do(queue.OpenCounter{Counter: 1, Clerk: "anna"})
		h := newHallSpeaker()
		defer b.announced(h, func(r *devices.VoiceRules) { r.Gong = true })()
		b.do(queue.Next{Counter: 1})
		time.Sleep(time.Minute)
		h.wants(t, "pl/gong "+a1, strings.ReplaceAll(a1, "pl/", "uk/"))
	})
}
