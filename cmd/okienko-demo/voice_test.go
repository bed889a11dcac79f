package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/okienko/okienko/drivers/speaker"
)

// toneWAV is a WAV file with a sine.
func toneWAV(seconds, hertz float64) []byte {
	const rate = 8000
	s := speaker.Sound{Rate: rate, Samples: make([]float64, int(seconds*rate))}
	for i := range s.Samples {
		s.Samples[i] = math.Sin(2*math.Pi*hertz*float64(i)/rate) / 2
	}
	return speaker.EncodeWAV(s)
}

// smallVoice is a pack that holds what one call needs, each recording another tone.
func smallVoice(t *testing.T, h *hub) (v *voice, call []byte) {
	t.Helper()
	v = &voice{dir: t.TempDir(), hub: h, first: voiceView{State: voiceReady}}
	if err := os.Mkdir(filepath.Join(v.dir, "pl"), 0o700); err != nil {
		t.Fatal(err)
	}
	var pcm []byte
	for i, id := range []string{"gong", "ticket", "letter-A", "n1", "pause", "to-stanowisko", "n3.end"} {
		wav := toneWAV(0.02, float64(200+100*i))
		if err := os.WriteFile(filepath.Join(v.dir, "pl", id+".wav"), wav, 0o600); err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, wav[44:]...)
	}
	return v, append(slices.Clone(toneWAV(0, 0)), pcm...)
}

// TestLoudspeaker: a call is heard and read from its samples; a pulled cable breaks it off.
func TestLoudspeaker(t *testing.T) {
	h := newHub()
	v, call := smallVoice(t, h)
	l, err := newLoudspeaker("b", t.TempDir(), v, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	page := h.subscribe()
	wg.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	await := func(text string) {
		t.Helper()
		for {
			select {
			case m := <-page.next:
				if strings.Contains(string(m.data), text) {
					return
				}
			case <-ctx.Done():
				t.Fatalf("no message holds %s", text)
			}
		}
	}
	playUntilHeard := func(wav []byte) {
		t.Helper()
		for play(ctx, l.path, bytes.NewReader(wav)) != nil {
			if ctx.Err() != nil {
				t.Fatal("the loudspeaker was never there")
			}
		}
	}
	playUntilHeard(call)
	await(`"playing":true,"sound":{"n":1,"text":"Numer a jeden, proszę do stanowiska trzy.","language":"pl"`)
	await(`"playing":false`)
	playUntilHeard(toneWAV(0.01, 50))
	await(`"n":2,"text":"","language":""`)

	broken := make(chan error, 1)
	go func() { broken <- play(ctx, l.path, bytes.NewReader(toneWAV(600, 50))) }()
	await(`"playing":true,"sound":{"n":3`)
	if err := l.set(speakerUnplug); err != nil {
		t.Fatal(err)
	}
	if err := <-broken; !errors.Is(err, errNotHeard) {
		t.Errorf("a sound that broke off: %v", err)
	}
	if err := play(ctx, l.path, bytes.NewReader(call)); err == nil {
		t.Error("a call was heard without a loudspeaker")
	}
	if err := l.set(speakerNone); err != nil {
		t.Fatal(err)
	}
	playUntilHeard(call)
	if err := play(ctx, l.path, strings.NewReader("no sound")); !errors.Is(err, errNotHeard) {
		t.Errorf("what is no sound: %v", err)
	}
	if got := len(l.last()); got != 4 {
		t.Errorf("%d sounds are kept", got)
	}
}

// TestVoiceIsOptional: without the synthesizer, with --voice off or with one that fails the town goes on and says so.
func TestVoiceIsOptional(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	is := func(choice, program string, want voiceView) {
		t.Helper()
		h := newHub()
		v, err := newVoice(choice, t.TempDir(), program, h)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		page := h.subscribe()
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		wg.Go(func() {
			if err := v.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		for {
			select {
			case m := <-page.next:
				got := decode[voiceView](t, string(m.data))
				if got.State == want.State && got.Reason == want.Reason && strings.Contains(got.Detail, want.Detail) {
					return
				}
			case <-ctx.Done():
				t.Fatalf("the town never said %+v", want)
			}
		}
	}
	is("", "", voiceView{State: voiceNone, Reason: "no-synthesizer"})
	is(voiceOff, "", voiceView{State: voiceNone, Reason: "off"})
	script := []byte("#!/bin/sh\necho it is hoarse >&2\nexit 1\n")
	if err := os.WriteFile(filepath.Join(bin, synthesizer), script, 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	is("", filepath.Join(bin, synthesizer), voiceView{State: voiceFailed, Detail: "it is hoarse"})
	is("", "/bin/true", voiceView{State: voiceReady})
}

// TestReadWAV: what is no WAV file of the kind that players get is refused, however short.
func TestReadWAV(t *testing.T) {
	good := toneWAV(0.1, 440)
	if rate, pcm, err := readWAV(good); rate != 8000 || len(pcm) != 1600 || err != nil {
		t.Errorf("%d samples a second, %d bytes: %v", rate, len(pcm), err)
	}
	stereo := slices.Clone(good)
	stereo[22] = 2
	for name, b := range map[string][]byte{"empty": nil, "short": good[:43], "stereo": stereo, "text": bytes.Repeat([]byte("x"), 99)} {
		if _, _, err := readWAV(b); !errors.Is(err, errSound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
