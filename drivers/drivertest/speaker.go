package drivertest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers"
)

// SpeakerEnv is a speaker driver and a hand on its device.
type SpeakerEnv struct {
	Speaker drivers.Speaker
	// Clips are some that it can play, Missing one that it cannot.
	Clips   []drivers.Clip
	Missing drivers.Clip
	// Heard counts the announcements that were played to their end; overlapping ones do not count.
	Heard func() int
	// Fault makes the device fail: stall (it plays for ever), unplug; none puts all right.
	Fault func(name string) error
}

const (
	speakerStops = 300 * time.Millisecond // of design/2-architecture.md's Play, plus a busy machine's
	speakerSlack = 2 * time.Second
)

// Speaker checks that a driver keeps the contract of drivers.Speaker. start is called once for every
// check and returns a fresh device that is ready; it registers its own clean-up with t.
func Speaker(t *testing.T, start func(t *testing.T) SpeakerEnv) {
	t.Helper()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, check := range []struct {
		name string
		run  func(*testing.T, SpeakerEnv)
	}{
		{"plays", checkSpeakerPlays},
		{"one-at-a-time", checkSpeakerOneAtATime},
		{"missing-clip", checkSpeakerMissing},
		{"stops", checkSpeakerStops},
		{"unplug", checkSpeakerUnplug},
		{"halt", checkSpeakerHalt},
	} {
		wg.Go(func() {
			t.Run(check.name, func(t *testing.T) {
				e := start(t)
				if e.Speaker.String() == "" {
					t.Error("the speaker has no name")
				}
				if h := e.Speaker.Health(); h.State != drivers.Ready {
					t.Fatalf("the speaker is not ready: %+v", h)
				}
				check.run(t, e)
			})
		})
	}
}

func checkSpeakerPlays(t *testing.T, e SpeakerEnv) {
	for n := range 3 {
		if err := e.Speaker.Play(t.Context(), e.Clips); err != nil {
			t.Fatal(err)
		}
		if heard := e.Heard(); heard != n+1 {
			t.Errorf("%d announcements were heard after %d", heard, n+1)
		}
	}
}

func checkSpeakerOneAtATime(t *testing.T, e SpeakerEnv) {
	const many = 8
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			if err := e.Speaker.Play(t.Context(), e.Clips); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if heard := e.Heard(); heard != many {
		t.Errorf("%d announcements were heard, not %d", heard, many)
	}
}

func checkSpeakerMissing(t *testing.T, e SpeakerEnv) {
	if err := e.Speaker.Play(t.Context(), append([]drivers.Clip{e.Missing}, e.Clips...)); err == nil {
		t.Error("a missing recording is no error")
	}
	if e.Heard() != 0 {
		t.Error("half an announcement was played")
	}
	if h := e.Speaker.Health(); h.State == drivers.Ready || h.Reason == "" {
		t.Errorf("nobody is told of the missing recording: %+v", h)
	}
	if err := e.Speaker.Play(t.Context(), e.Clips); err != nil {
		t.Error(err)
	}
	if h := e.Speaker.Health(); h.State != drivers.Ready {
		t.Errorf("after a good announcement it is %+v", h)
	}
}

func checkSpeakerStops(t *testing.T, e SpeakerEnv) {
	if err := e.Fault("stall"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), speakerStops)
	defer cancel()
	begun := time.Now()
	if err := e.Speaker.Play(ctx, e.Clips); err == nil {
		t.Error("an announcement that was cut short is no error")
	}
	if took := time.Since(begun); took > 2*speakerStops+speakerSlack {
		t.Errorf("it stopped after %v", took)
	}
	if err := e.Fault("none"); err != nil {
		t.Fatal(err)
	}
	if err := e.Speaker.Play(t.Context(), e.Clips); err != nil {
		t.Errorf("after a stall: %v", err)
	}
}

func checkSpeakerUnplug(t *testing.T, e SpeakerEnv) {
	if err := e.Fault("unplug"); err != nil {
		t.Fatal(err)
	}
	if err := e.Speaker.Play(t.Context(), e.Clips); err == nil {
		t.Error("an announcement that nobody heard is no error")
	}
	if h := e.Speaker.Health(); h.State == drivers.Ready || h.Reason == "" {
		t.Errorf("an unplugged speaker says %+v", h)
	}
	if err := e.Fault("none"); err != nil {
		t.Fatal(err)
	}
	if err := e.Speaker.Play(t.Context(), e.Clips); err != nil {
		t.Error(err)
	}
	if h := e.Speaker.Health(); h.State != drivers.Ready {
		t.Errorf("after its return it says %+v", h)
	}
}

func checkSpeakerHalt(t *testing.T, e SpeakerEnv) {
	changed := e.Speaker.Changed()
	if err := e.Speaker.Halt(); err != nil {
		t.Error(err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told of the end")
	}
	if h := e.Speaker.Health(); h.State != drivers.Absent || h.Reason != drivers.ReasonHalted {
		t.Errorf("a halted speaker says %+v", h)
	}
}
