package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers/emulator/dfplayer"
	"github.com/okienko/okienko/drivers/speaker"
)

// TestSpeakerByDFPlayer builds a pack with the folders of a card, and plays a call on a module that has this
// card.
func TestSpeakerByDFPlayer(t *testing.T) {
	dir := t.TempDir()
	word, pack, link := filepath.Join(dir, "word.wav"), filepath.Join(dir, "voice"), filepath.Join(dir, "dfplayer")
	sound := speaker.Sound{Rate: 8000, Samples: make([]float64, 800)}
	for i := range sound.Samples {
		sound.Samples[i] = float64(i%20)/20 - 0.5
	}
	if err := os.WriteFile(word, speaker.EncodeWAV(sound), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, "", "voice", "build", "--language", "pl", "--out", pack, "--dfplayer", "--command", "cat", "--command", word)
	if code != 0 || !strings.Contains(out, "Copy what is in "+speaker.CardFolder(pack)) {
		t.Fatalf("exit %d: %s %s", code, out, errs)
	}
	module := dfplayer.New(link, func(folder, file int) (time.Duration, bool) {
		data, err := os.ReadFile(filepath.Join(speaker.CardFolder(pack), fmt.Sprintf("%02d", folder), fmt.Sprintf("%03d.wav", file)))
		if err != nil {
			return 0, false
		}
		s, err := speaker.DecodeWAV(data)
		return time.Duration(len(s.Samples)) * time.Second / 8000, err == nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := module.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer func() { cancel(); wg.Wait() }()
	config := filepath.Join(dir, "agent.yaml")
	text := fmt.Sprintf("version: 1\nvoice:\n  output: dfplayer\n  address: serial:%s\n  volume: 17\n  pack: %s\n", link, pack)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = call(t, "", "test", "speaker", "--config", config)
	if code != 0 || !strings.HasPrefix(out, "The loudspeaker has played: Numer a ") {
		t.Fatalf("exit %d: %s %s", code, out, errs)
	}
	played := module.Played()
	for _, track := range played {
		if !track.Whole {
			t.Errorf("%+v was cut", track)
		}
	}
	if len(played) < 5 || module.Volume() != 17 || len(module.Warnings()) > 0 {
		t.Errorf("%d tracks at %d; %q", len(played), module.Volume(), module.Warnings())
	}
}

// TestVoiceAddress: check-config tells what is no serial line.
func TestVoiceAddress(t *testing.T) {
	config := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(config, []byte("version: 1\nvoice:\n  output: dfplayer\n  address: /dev/ttyUSB0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := call(t, "", "check-config", config); code != exitUse || !strings.Contains(errs, "serial:/dev/serial/by-id/NAME") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
