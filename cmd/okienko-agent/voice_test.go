//go:build slow

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers/emulator/chip"
	"github.com/okienko/okienko/drivers/speaker"
)

// hallPlayer stands for aplay: it keeps what it has played, and fails while it is told to.
const hallPlayer = `[ -e "$1/broken" ] && { echo "no sound card" >&2; exit 1; }
cat > "$1/sound.new" && mv "$1/sound.new" "$1/sound" && echo >> "$1/heard"`

// TestRow20Voice builds a pack with the real synthesizer and lets a real agent announce with it. A
// missing loudspeaker delays no call, is told to the office, and is used again when it is back.
func TestRow20Voice(t *testing.T) {
	b := newBranch(t, withoutPrinter)
	withBoards(t, b) // for the administrator's token
	pack, hall := filepath.Join(b.dir, "voice"), t.TempDir()
	b.okay("voice", "build", "--language", "pl", "--out", pack)
	b.okay("voice", "lint", "--language", "pl", pack)
	config, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	relay, socket, switched := chip.New(), filepath.Join(b.dir, "relay"), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	wg.Go(func() {
		if err := relay.Serve(ctx, socket); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		for changed := relay.Changed(); !relay.Lit(0); changed = relay.Changed() {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
		close(switched)
	})
	config = fmt.Appendf(config, "voice:\n  output: command\n  command: [sh, -c, %q, player, %q]\n  pack: %q\n"+
		"  chip: %q\n  amplifier: AMP\n", hallPlayer, hall, pack, "tap:"+socket)
	if err := os.WriteFile(b.config, config, 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	heard := func() int {
		data, _ := os.ReadFile(filepath.Join(hall, "heard"))
		return bytes.Count(data, []byte("\n"))
	}
	b.await("the speaker", func() bool { return b.device("speaker") == "ready" })
	for n := range 3 {
		b.take(fmt.Sprint("press-", n))
	}
	b.clerk("1/open", "open")
	b.clerk("1/next", "next-1")
	b.await("the first announcement", func() bool { return heard() == 1 })
	select {
	case <-switched:
	default:
		t.Error("the amplifier was never on")
	}
	b.await("the amplifier's rest", func() bool { return !relay.Lit(0) })
	played, err := os.ReadFile(filepath.Join(hall, "sound"))
	if err != nil {
		t.Fatal(err)
	}
	wav := filepath.Join(b.dir, "say.wav")
	if text := b.okay("say", "--number", "A1", "--counter", "1", "--pack", pack, "--wav", wav); text != "Numer a jeden, proszę do stanowiska jeden.\n" {
		t.Errorf("say: %q", text)
	}
	if said, err := os.ReadFile(wav); err != nil || !bytes.Equal(said, played) {
		t.Errorf("%d bytes were announced, say --wav wrote %d: %v", len(played), len(said), err)
	}
	sound, err := speaker.DecodeWAV(played)
	if err != nil {
		t.Fatal(err)
	}
	if l := speaker.Loudness(sound); math.Abs(l-speaker.SpeechLUFS) > 2 {
		t.Errorf("an announcement has %.1f LUFS", l)
	}
	if seconds := float64(len(sound.Samples)) / float64(sound.Rate); seconds < 3 || seconds > 8 {
		t.Errorf("an announcement lasts %.1f s", seconds)
	}

	broken := filepath.Join(hall, "broken")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	b.clerk("1/next", "next-2")
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("a call without a loudspeaker took %v", took)
	}
	b.await("the broken loudspeaker", func() bool { return b.device("speaker") == "failed error" })
	if page := b.get("/status?lang=pl"); !strings.Contains(page, "Głośnik w sali nie działa") {
		t.Error("/status does not say that the loudspeaker is broken")
	}
	if page := b.get("/metrics"); !strings.Contains(page, `okienko_device_ready{device="speaker",kind="speaker"} 0`) {
		t.Error("/metrics does not say that the loudspeaker is broken")
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	b.clerk("1/next", "next-3")
	b.await("the third call, and not the second", func() bool { return heard() == 2 })
	b.await("the loudspeaker's return", func() bool { return b.device("speaker") == "ready" })
	if text := b.okay("test", "speaker", "--config", b.config); !strings.HasPrefix(text, "The loudspeaker has played: Numer a ") {
		t.Errorf("test speaker: %q", text)
	}
	b.restart()
	if n := heard(); n != 3 {
		t.Errorf("%d announcements after a restart, not 3", n)
	}
}

// TestVoiceOfASpeaker: a pack is made of a speaker's own recordings, by the names that the script tells.
func TestVoiceOfASpeaker(t *testing.T) {
	b := newBranch(t, withoutPrinter)
	studio, pack := t.TempDir(), filepath.Join(t.TempDir(), "voice")
	tone := make([]float64, 6000)
	for i := range tone {
		tone[i] = math.Sin(float64(i)/10) / 3
	}
	wav := speaker.EncodeWAV(speaker.Sound{Rate: 22050, Samples: tone})
	files := 0
	for line := range strings.Lines(b.okay("voice", "script", "--language", "pl")) {
		name, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || text == "" {
			t.Fatalf("the script says %q", line)
		}
		path := filepath.Join(studio, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, wav, 0o600)); err != nil {
			t.Fatal(err)
		}
		files++
	}
	if files < 100 {
		t.Errorf("the script has %d lines", files)
	}
	b.okay("voice", "build", "--language", "pl", "--from", studio, "--command", "false", "--out", pack)
	b.okay("voice", "lint", "--language", "pl", pack)
}
