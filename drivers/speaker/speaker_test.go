package speaker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/drivertest"
	"github.com/okienko/okienko/drivers/speaker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tone is a sine of a level in dBFS.
func tone(rate int, seconds, hertz, level float64) speaker.Sound {
	s := speaker.Sound{Rate: rate, Samples: make([]float64, int(seconds*float64(rate)))}
	for i := range s.Samples {
		s.Samples[i] = math.Pow(10, level/20) * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate))
	}
	return s
}

// TestLoudness holds the meter against what BS.1770-4 and EBU Tech 3341 say of sines: 997 Hz at full
// scale in one channel reads -3.01 LKFS at every rate, and silence between parts is gated out.
func TestLoudness(t *testing.T) {
	for _, rate := range []int{16000, 22050, 44100, 48000} {
		for _, level := range []float64{0, -20, -33} {
			if got := speaker.Loudness(tone(rate, 2, 997, level)); math.Abs(got-(-3.01+level)) > 0.1 {
				t.Errorf("%d Hz, %v dBFS: %.2f LUFS", rate, level, got)
			}
		}
	}
	gated := tone(48000, 2, 997, -20)
	gated.Samples = append(gated.Samples, make([]float64, 10*48000)...)
	if got := speaker.Loudness(gated); math.Abs(got+23.01) > 0.5 {
		t.Errorf("with silence after it: %.2f LUFS", got)
	}
	if got := speaker.Loudness(speaker.Sound{Rate: 48000, Samples: make([]float64, 48000)}); !math.IsInf(got, -1) {
		t.Errorf("silence has %.2f LUFS", got)
	}
}

// TestTruePeak: a sine at a quarter of the rate whose samples miss its tops by 3 dB.
func TestTruePeak(t *testing.T) {
	s := speaker.Sound{Rate: 48000, Samples: make([]float64, 4800)}
	for i := range s.Samples {
		s.Samples[i] = math.Sin(math.Pi/2*float64(i) + math.Pi/4)
	}
	if got := speaker.TruePeak(s); math.Abs(got) > 0.4 {
		t.Errorf("%.2f dBTP, not 0", got)
	}
}

func TestLevel(t *testing.T) {
	loud := tone(22050, 0.3, 300, -40)
	for i := range loud.Samples {
		if i%400 < 4 {
			loud.Samples[i] *= 30 // peaks that a mere gain would push over full scale
		}
	}
	for name, s := range map[string]speaker.Sound{"quiet": tone(22050, 0.5, 300, -40), "loud": tone(22050, 0.5, 300, -1), "peaks": loud} {
		got, err := speaker.Level(s, speaker.SpeechLUFS)
		if err != nil {
			t.Fatal(err)
		}
		if l := speaker.Loudness(got); math.Abs(l-speaker.SpeechLUFS) > 0.5 {
			t.Errorf("%s: %.2f LUFS", name, l)
		}
		if peak := speaker.TruePeak(got); peak > speaker.PeakDBTP {
			t.Errorf("%s peaks at %.2f dBTP", name, peak)
		}
	}
	if _, err := speaker.Level(speaker.Sound{Rate: 22050, Samples: make([]float64, 100)}, -16); !errors.Is(err, speaker.ErrSilent) {
		t.Errorf("silence: %v", err)
	}
}

func TestWAV(t *testing.T) {
	s := tone(22050, 0.1, 440, -6)
	got, err := speaker.DecodeWAV(speaker.EncodeWAV(s))
	if err != nil || got.Rate != s.Rate || len(got.Samples) != len(s.Samples) {
		t.Fatalf("%d samples at %d: %v", len(got.Samples), got.Rate, err)
	}
	for i := range s.Samples {
		if math.Abs(got.Samples[i]-s.Samples[i]) > 1.0/16384 {
			t.Fatalf("sample %d is %v, not %v", i, got.Samples[i], s.Samples[i])
		}
	}
	stereo := speaker.EncodeWAV(s)
	stereo[22] = 2
	for name, b := range map[string][]byte{"empty": nil, "text": []byte("RIFFxxxxWAVEno"), "stereo": stereo, "head": stereo[:20]} {
		if _, err := speaker.DecodeWAV(b); !errors.Is(err, speaker.ErrWAV) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzWAV: any bytes give an error or a sound that is written and read again as it was.
func FuzzWAV(f *testing.F) {
	f.Add(speaker.EncodeWAV(tone(8000, 0.01, 440, -6)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := speaker.DecodeWAV(data)
		if err != nil {
			return
		}
		again, err := speaker.DecodeWAV(speaker.EncodeWAV(s))
		if err != nil || again.Rate != s.Rate || len(again.Samples) != len(s.Samples) {
			t.Errorf("%d samples at %d became %d at %d: %v", len(s.Samples), s.Rate, len(again.Samples), again.Rate, err)
		}
	})
}

// FuzzManifest: any text gives an error or a manifest whose recordings stay in their folder.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("version: 1\nlanguage: pl\nrate: 22050\nvoice: x\nlicence: y\nrecordings:\n  - numer\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := speaker.ParseManifest("pack.yaml", data)
		if err != nil {
			return
		}
		for _, id := range m.Recordings {
			if filepath.Base(id) != id || strings.HasPrefix(id, ".") {
				t.Errorf("recording %q", id)
			}
		}
	})
}

// smallPack makes a pack of three words, each another tone at another level.
func smallPack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := speaker.Build(t.Context(), speaker.Plan{
		Dir: dir, Language: "pl", Voice: "sines", Licence: "none", Prompts: prompts(),
		Say: func(_ context.Context, p speaker.Prompt) (speaker.Sound, error) {
			return tone(22050, 0.2+float64(len(p.Text))/20, 300, float64(-5*len(p.ID))), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func prompts() []speaker.Prompt {
	return []speaker.Prompt{{ID: "ticket", Text: "numer,"}, {ID: "n5", Text: "pięć,"}, {ID: "n5.end", Text: "pięć."}}
}

func TestPack(t *testing.T) {
	dir := smallPack(t)
	if err := speaker.Lint(dir, "pl", prompts()); err != nil {
		t.Error(err)
	}
	m, err := speaker.ReadManifest(dir, "pl")
	if err != nil || strings.Join(m.Recordings, " ") != "ticket n5 n5.end gong pause" || m.Rate != 22050 {
		t.Errorf("%+v: %v", m, err)
	}
	if err := os.Remove(filepath.Join(dir, "pl", "n5.wav")); err != nil {
		t.Fatal(err)
	}
	if err := speaker.Lint(dir, "pl", prompts()); !errors.Is(err, speaker.ErrPack) || !strings.Contains(err.Error(), "pl/n5 is missing") {
		t.Errorf("a missing recording: %v", err)
	}
	if err := speaker.Lint(dir, "en", prompts()); !errors.Is(err, speaker.ErrPack) {
		t.Errorf("a missing language: %v", err)
	}
}

// TestMix: the clips follow each other, each whole.
func TestMix(t *testing.T) {
	dir := smallPack(t)
	want := 0
	clips := []drivers.Clip{"pl/gong", "pl/ticket", "pl/n5.end"}
	for _, clip := range clips {
		data, err := os.ReadFile(filepath.Join(dir, string(clip)+".wav"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := speaker.DecodeWAV(data)
		if err != nil {
			t.Fatal(err)
		}
		want += len(s.Samples)
	}
	var out bytes.Buffer
	if err := speaker.Mix(&out, dir, clips); err != nil {
		t.Fatal(err)
	}
	if s, err := speaker.DecodeWAV(out.Bytes()); err != nil || len(s.Samples) != want {
		t.Errorf("%d samples, not %d: %v", len(s.Samples), want, err)
	}
	for _, clip := range []drivers.Clip{"pl/nobody", "ticket", "../pl/ticket", "pl/../../x"} {
		if err := speaker.Mix(&out, dir, []drivers.Clip{clip}); !errors.Is(err, speaker.ErrPack) {
			t.Errorf("%s: %v", clip, err)
		}
	}
}

// player stands for aplay: it refuses to play while another plays, as a sound card does, and keeps
// what it has played.
const player = `fault=$(cat "$1/fault" 2>/dev/null)
[ "$fault" = unplug ] && { echo "no such device" >&2; exit 1; }
[ "$fault" = stall ] && exec sleep 60
mkdir "$1/playing" || { echo "device busy" >&2; exit 1; }
trap 'rmdir "$1/playing"' EXIT
cat > "$1/sound" && echo >> "$1/heard"`

func TestCommand(t *testing.T) {
	drivertest.Speaker(t, func(t *testing.T) drivertest.SpeakerEnv {
		dir, hall := smallPack(t), t.TempDir()
		s, err := speaker.NewCommand([]string{"sh", "-c", player, "player", hall}, dir, "pl", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return drivertest.SpeakerEnv{
			Speaker: s, Clips: []drivers.Clip{"pl/gong", "pl/ticket", "pl/n5.end"}, Missing: "pl/nobody",
			Heard: func() int {
				heard, _ := os.ReadFile(filepath.Join(hall, "heard"))
				return bytes.Count(heard, []byte("\n"))
			},
			Fault: func(name string) error { return os.WriteFile(filepath.Join(hall, "fault"), []byte(name), 0o600) },
		}
	})
}

// TestCommandTellsWhatIsMissing before anybody is called.
func TestCommandTellsWhatIsMissing(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := speaker.NewCommand([]string{"okienko-no-such-program"}, smallPack(t), "pl", log)
	if err != nil {
		t.Fatal(err)
	}
	if h := s.Health(); h.State != drivers.Absent || h.Reason != speaker.ReasonNoProgram {
		t.Errorf("without the program: %+v", h)
	}
	if s, err = speaker.NewCommand([]string{"cat"}, t.TempDir(), "pl", log); err != nil {
		t.Fatal(err)
	}
	if h := s.Health(); h.State != drivers.Absent || h.Reason != speaker.ReasonNoPack {
		t.Errorf("without the pack: %+v", h)
	}
	if _, err := speaker.NewCommand(nil, "", "pl", log); err == nil {
		t.Error("no program is no error")
	}
}
