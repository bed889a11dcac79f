package speaker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/drivertest"
	"github.com/okienko/okienko/drivers/emulator/dfplayer"
	"github.com/okienko/okienko/drivers/serialport"
	"github.com/okienko/okienko/drivers/speaker"
)

const trackLength = 150 * time.Millisecond

func dfClips() []drivers.Clip { return []drivers.Clip{"pl/gong", "pl/ticket", "pl/n5.end"} }

// indexOfCard writes an index with three short tracks, 01/001 to 01/003.
func indexOfCard(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString("version: 1\nclips:\n")
	for i, clip := range dfClips() {
		fmt.Fprintf(&text, "  - {clip: %s, folder: 1, file: %d, ms: %d}\n", clip, i+1, trackLength.Milliseconds())
	}
	if err := os.Mkdir(speaker.CardFolder(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(speaker.CardFolder(dir), "index.yaml"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// hall is an emulated module with its driver, both running.
type hall struct {
	line   *paced
	module *dfplayer.Module
	player *speaker.DFPlayer
}

// newHall starts both and waits until the driver says that it is ready.
func newHall(t *testing.T, wired bool, fault string) hall {
	t.Helper()
	link := filepath.Join(t.TempDir(), "dfplayer")
	h := hall{module: dfplayer.New(link, func(folder, file int) (time.Duration, bool) {
		return trackLength, folder == 1 && file <= 3
	})}
	if err := h.module.Set(fault); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	port := serialport.New(serialport.Config{Path: link, Baud: 9600}, log)
	var busy speaker.Busy
	if wired {
		busy = h.module
	}
	h.line = &paced{Serial: port}
	h.player = speaker.NewDFPlayer(h.line, busy, indexOfCard(t), "pl", 20, log)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{h.module.Run, h.player.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	return h
}

// paced takes the time between the commands.
type paced struct {
	speaker.Serial
	mu    sync.Mutex
	ended time.Time // the last write
	least time.Duration
}

func (p *paced) Write(ctx context.Context, b []byte) (int, error) {
	p.mu.Lock()
	if gap := time.Since(p.ended); !p.ended.IsZero() && (p.least == 0 || gap < p.least) {
		p.least = gap
	}
	p.mu.Unlock()
	n, err := p.Serial.Write(ctx, b)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = time.Now()
	return n, err
}

// shortest is the least time from the end of a command to the next.
func (p *paced) shortest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.least
}

// becomes waits until the driver says so.
func (h hall) becomes(t *testing.T, state drivers.State, reason string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		changed := h.player.Changed()
		if got := h.player.Health(); got.State == state && got.Reason == reason {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("it is %+v, not %s %s", h.player.Health(), state, reason)
		}
	}
}

// heard counts the announcements that were heard whole.
func (h hall) heard() int {
	whole := 0
	for i, track := range h.module.Played() {
		if track.Whole && track.File == 1+i%len(dfClips()) {
			whole++
		}
	}
	return whole / len(dfClips())
}

func TestDFPlayer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wired bool
		fault string
	}{"line": {true, dfplayer.FaultNone}, "messages": {false, dfplayer.FaultNone}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drivertest.Speaker(t, func(t *testing.T) drivertest.SpeakerEnv {
				h := newHall(t, c.wired, c.fault)
				h.becomes(t, drivers.Ready, "")
				before := len(h.module.Played())
				return drivertest.SpeakerEnv{
					Speaker: h.player, Clips: dfClips(), Missing: "pl/nobody", Heard: func() int { return h.heard() - before },
					Fault: func(fault string) error {
						if err := h.module.Set(fault); err != nil {
							return err
						}
						if fault == dfplayer.FaultNone {
							h.becomes(t, drivers.Ready, "")
						}
						return nil
					},
				}
			})
		})
	}
}

// TestDFPlayerClones: modules that are not as the manual says are played all the same, and none is given a
// command too soon.
func TestDFPlayerClones(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{dfplayer.FaultNone, dfplayer.FaultNoAck, dfplayer.FaultGarbage, dfplayer.FaultDeaf, dfplayer.FaultLies} {
		for _, wired := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s-%v", fault, wired), func(t *testing.T) {
				t.Parallel()
				h := newHall(t, wired, fault)
				h.becomes(t, drivers.Ready, "")
				for range 2 {
					if err := h.player.Play(t.Context(), dfClips()); err != nil {
						t.Error(err)
					}
				}
				if h.heard() != 2 || h.module.Volume() != 20 {
					t.Errorf("%d were heard at %d: %+v", h.heard(), h.module.Volume(), h.module.Played())
				}
				if w := h.module.Warnings(); len(w) > 0 {
					t.Errorf("%q", w)
				}
				if gap := h.line.shortest(); gap < 100*time.Millisecond {
					t.Errorf("two commands lay %v apart", gap)
				}
			})
		}
	}
}

// TestDFPlayerFaults while an announcement plays: each is an error in time and a health, and the next
// announcement is heard once all is right again.
func TestDFPlayerFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]struct {
		state  drivers.State
		reason string
	}{
		dfplayer.FaultUnplug: {drivers.Absent, drivers.ReasonUnplugged},
		dfplayer.FaultReset:  {drivers.Failed, drivers.ReasonError},
		dfplayer.FaultNoCard: {drivers.Failed, speaker.ReasonNoCard},
		dfplayer.FaultSilent: {drivers.Failed, drivers.ReasonNoAnswer},
		dfplayer.FaultStall:  {drivers.Failed, drivers.ReasonStalled},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			h := newHall(t, false, dfplayer.FaultNone)
			h.becomes(t, drivers.Ready, "")
			played := make(chan error)
			go func() { played <- h.player.Play(t.Context(), dfClips()) }()
			for len(h.module.Played()) < 2 {
				<-h.module.Changed()
			}
			if err := h.module.Set(fault); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-played:
				if err == nil {
					t.Error("an announcement that was cut is no error")
				}
			case <-time.After(10 * time.Second):
				t.Fatal("the announcement hangs")
			}
			if got := h.player.Health(); fault != dfplayer.FaultReset && (got.State != want.state || got.Reason != want.reason) {
				t.Errorf("%+v", got)
			}
			if err := h.module.Set(dfplayer.FaultNone); err != nil {
				t.Fatal(err)
			}
			if fault == dfplayer.FaultStall {
				if err := h.player.Play(t.Context(), dfClips()); err != nil {
					t.Error(err)
				}
			}
			h.becomes(t, drivers.Ready, "")
			if err := h.player.Play(t.Context(), dfClips()); err != nil || h.module.Volume() != 20 {
				t.Errorf("after it: %v, volume %d", err, h.module.Volume())
			}
		})
	}
}

// TestDFPlayerStops: what plays is stopped within 300 ms.
func TestDFPlayerStops(t *testing.T) {
	h := newHall(t, false, dfplayer.FaultStall)
	h.becomes(t, drivers.Ready, "")
	ctx, cancel := context.WithCancel(t.Context())
	played := make(chan error)
	go func() { played <- h.player.Play(ctx, dfClips()) }()
	for len(h.module.Played()) < 1 {
		<-h.module.Changed()
	}
	changed := h.module.Changed()
	cancel()
	begun := time.Now()
	if err := <-played; !errors.Is(err, context.Canceled) || time.Since(begun) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	for busy := true; busy; busy, _ = h.module.Busy() {
		<-changed
		changed = h.module.Changed()
	}
}

// TestDFPlayerTellsWhatIsMissing before anybody is called.
func TestDFPlayerTellsWhatIsMissing(t *testing.T) {
	h := newHall(t, false, dfplayer.FaultSilent)
	h.becomes(t, drivers.Failed, drivers.ReasonNoAnswer)
	log := slog.New(slog.DiscardHandler)
	port := serialport.New(serialport.Config{Path: "/dev/okienko-no-such-line"}, log)
	for dir, reason := range map[string]string{indexOfCard(t): drivers.ReasonUnplugged, t.TempDir(): speaker.ReasonNoPack} {
		player := speaker.NewDFPlayer(port, nil, dir, "pl", 20, log)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = player.Run(ctx) })
		hall{player: player}.becomes(t, drivers.Absent, reason)
		cancel()
		wg.Wait()
	}
}

// TestCard: the folders for the card hold the very recordings, each at the number that the index says.
func TestCard(t *testing.T) {
	dir := smallPack(t)
	for range 2 { // the second replaces the first
		if err := speaker.BuildCard(dir, []string{"pl", "pl"}); err != nil {
			t.Fatal(err)
		}
	}
	index, err := os.ReadFile(filepath.Join(speaker.CardFolder(dir), "index.yaml"))
	if err != nil || !strings.Contains(string(index), "{clip: pl/gong, folder: 2, file: 4, ms: ") {
		t.Errorf("%v\n%s", err, index)
	}
	want, err := os.ReadFile(filepath.Join(dir, "pl", "n5.wav"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(speaker.CardFolder(dir), "02", "002.wav")); err != nil || string(got) != string(want) {
		t.Errorf("%d bytes instead of %d: %v", len(got), len(want), err)
	}
	if err := speaker.BuildCard(dir, []string{"en"}); !errors.Is(err, speaker.ErrPack) {
		t.Errorf("a language that is not there: %v", err)
	}
}
