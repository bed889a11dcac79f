package speaker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/drivertest"
)

// relay keeps when it was switched.
type relay struct {
	mu     sync.Mutex
	begun  time.Time
	on     bool
	broken error
	moves  []time.Duration // on, off, on, off ... since the beginning
}

func (r *relay) Set(on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	if on != r.on {
		r.on = on
		r.moves = append(r.moves, time.Since(r.begun))
	}
	return nil
}

func (r *relay) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = err
}

func (r *relay) isOn() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.on
}

func (r *relay) switched() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.moves)
}

func (r *relay) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moves = nil
}

// bell is a speaker that plays for a second, if the amplifier is on.
type bell struct {
	*drivers.Vitals
	relay *relay
	one   chan struct{} // a mutex would stop the bubble's clock
	fault error
	heard []time.Duration
}

var errBell = errors.New("the bell is broken")

func (*bell) String() string { return "bell" }

func (b *bell) Run(ctx context.Context) error {
	b.Report(drivers.Ready, "", "")
	<-ctx.Done()
	return b.Halt()
}

func (b *bell) Halt() error {
	b.Report(drivers.Absent, drivers.ReasonHalted, "")
	return nil
}

func (b *bell) Play(ctx context.Context, _ []drivers.Clip) error {
	b.one <- struct{}{}
	defer func() { <-b.one }()
	if !b.relay.isOn() {
		return errors.New("nobody hears it")
	}
	b.heard = append(b.heard, time.Since(b.relay.begun))
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	return b.fault
}

// amplified runs a test with a bell behind a relay, in a bubble, and checks that the relay is off at the end.
func amplified(t *testing.T, f func(t *testing.T, a *Amplified, b *bell, r *relay)) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{begun: time.Now(), on: true} // left on by a crash
		b := &bell{Vitals: drivers.NewVitals(), relay: r, one: make(chan struct{}, 1)}
		a := WithAmplifier(b, r, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.Run(ctx) }()
		synctest.Wait()
		if h := a.Health(); h.State != drivers.Ready || r.isOn() {
			t.Errorf("at first: %+v, on %v", h, r.isOn())
		}
		r.forget()
		f(t, a, b, r)
		r.fail(nil)
		cancel()
		if err := <-done; err != nil || r.isOn() {
			t.Errorf("at the end: %v, on %v", err, r.isOn())
		}
		if h := a.Health(); h.State != drivers.Absent || h.Reason != drivers.ReasonHalted {
			t.Errorf("at the end: %+v", h)
		}
		if err := a.Play(t.Context(), nil); err == nil || r.isOn() {
			t.Errorf("after the end: %v, on %v", err, r.isOn())
		}
	})
}

func wants(t *testing.T, what string, got []time.Duration, milliseconds ...int) {
	t.Helper()
	var want []time.Duration
	for _, ms := range milliseconds {
		want = append(want, time.Duration(ms)*time.Millisecond)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

// TestAmplifier: on 300 ms before the first sound, off 2 s after the last, and not between two calls.
func TestAmplifier(t *testing.T) {
	amplified(t, func(t *testing.T, a *Amplified, b *bell, r *relay) {
		for _, pause := range []time.Duration{time.Second, 5 * time.Second} {
			if err := a.Play(t.Context(), nil); err != nil {
				t.Error(err)
			}
			time.Sleep(pause)
		}
		wants(t, "heard", b.heard, 300, 2300)
		wants(t, "switched", r.switched(), 0, 5300)
		if a.String() != "bell behind an amplifier" {
			t.Error(a.String())
		}
	})
}

// TestAmplifierTwoCalls at once: both wait until it is warm, and the first end switches nothing off.
func TestAmplifierTwoCalls(t *testing.T) {
	amplified(t, func(t *testing.T, a *Amplified, b *bell, r *relay) {
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := a.Play(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		time.Sleep(3 * time.Second)
		wants(t, "heard", b.heard, 300, 1300)
		wants(t, "switched", r.switched(), 0, 4300)
	})
}

// TestAmplifierErrors: after an error and the end of a context it is off at once, also before the sound.
func TestAmplifierErrors(t *testing.T) {
	for after, off := range map[time.Duration]int{100 * time.Millisecond: 100, 700 * time.Millisecond: 700, time.Minute: 1300} {
		amplified(t, func(t *testing.T, a *Amplified, b *bell, r *relay) {
			b.fault = errBell
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			if err := a.Play(ctx, nil); err == nil {
				t.Error("no error")
			}
			wants(t, "switched", r.switched(), 0, off)
		})
	}
}

// TestAmplifierHalt while it plays: off at once, and the end of the call does not matter.
func TestAmplifierHalt(t *testing.T) {
	amplified(t, func(t *testing.T, a *Amplified, _ *bell, r *relay) {
		played := make(chan error)
		go func() { played <- a.Play(t.Context(), nil) }()
		time.Sleep(500 * time.Millisecond)
		if err := a.Halt(); err != nil || r.isOn() {
			t.Errorf("%v, on %v", err, r.isOn())
		}
		if err := <-played; err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		wants(t, "switched", r.switched(), 0, 500)
	})
}

// TestAmplifierLine: a line that cannot be switched is told, and switched off as soon as it can.
func TestAmplifierLine(t *testing.T) {
	amplified(t, func(t *testing.T, a *Amplified, b *bell, r *relay) {
		r.fail(errBell)
		if err := a.Play(t.Context(), nil); !errors.Is(err, errBell) || len(b.heard) > 0 {
			t.Errorf("%v, heard %v", err, b.heard)
		}
		if h := a.Health(); h.State != drivers.Failed || h.Reason != ReasonAmplifier {
			t.Errorf("%+v", h)
		}
		r.fail(nil)
		if err := a.Play(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if h := a.Health(); h.State != drivers.Ready {
			t.Errorf("%+v", h)
		}
		r.fail(errBell)
		time.Sleep(5 * time.Second)
		if h := a.Health(); h.State != drivers.Failed || !r.isOn() {
			t.Errorf("stuck on: %+v", h)
		}
		r.fail(nil)
		time.Sleep(5 * time.Second)
		if r.isOn() {
			t.Error("it is left on")
		}
	})
}

// TestAmplifierMirrors the health of the speaker.
func TestAmplifierMirrors(t *testing.T) {
	amplified(t, func(t *testing.T, a *Amplified, b *bell, _ *relay) {
		changed := a.Changed()
		b.Report(drivers.Absent, drivers.ReasonUnplugged, "pulled")
		<-changed
		if h := a.Health(); h.State != drivers.Absent || h.Reason != drivers.ReasonUnplugged || h.Detail != "pulled" {
			t.Errorf("%+v", h)
		}
		b.Report(drivers.Ready, "", "")
	})
}

// TestAmplified: a speaker behind an amplifier is still a speaker.
func TestAmplified(t *testing.T) {
	drivertest.Speaker(t, func(t *testing.T) drivertest.SpeakerEnv {
		k := usualSound(10)
		k.patient = true
		s := newALSA(k, "", packOfTones(t), "pl", slog.New(slog.DiscardHandler))
		a := WithAmplifier(s, &relay{}, slog.New(slog.DiscardHandler))
		t.Cleanup(func() { _ = a.Halt() })
		return drivertest.SpeakerEnv{
			Speaker: a, Clips: announcementClips(), Missing: "pl/nobody",
			Heard: func() int { k.mu.Lock(); defer k.mu.Unlock(); return k.heard },
			Fault: k.set,
		}
	})
}
