package speaker

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/drivertest"
)

// packOfTones makes a pack of a gong, a pause and two words.
func packOfTones(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := Build(t.Context(), Plan{
		Dir: dir, Language: "pl", Prompts: []Prompt{{ID: "ticket", Text: "numer,"}, {ID: "n5.end", Text: "pięć."}},
		Say: func(_ context.Context, p Prompt) (Sound, error) {
			s := Sound{Rate: 22050, Samples: make([]float64, 400*len(p.Text))}
			for i := range s.Samples {
				s.Samples[i] = math.Sin(float64(i) / 20)
			}
			return s, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// fakeSound answers as the kernel's sound system does, from its source (sound/core/pcm_native.c and
// pcm_lib.c of Linux 6.12).
type fakeSound struct {
	mu       sync.Mutex
	formats  []uint
	channels interval
	rates    []uint32
	timed    bool // refuses long buffers
	speed    int  // how many times as fast as a real card
	patient  bool // waits for a test that this machine is too busy to run in time
	fault    string
	heard    int
	card     *fakeCard
}

// fakeCard is an open device; its sound's lock guards it.
type fakeCard struct {
	of       *fakeSound
	state    string
	rate     int
	size     int // of a frame
	period   int
	buffer   int
	written  int
	begun    time.Time
	ran      bool // it has run empty
	sound    []byte
	complete bool
	closed   bool
}

func (k *fakeSound) find(string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fault == "unplug" {
		return "", fs.ErrNotExist
	}
	return "/dev/snd/pcmC0D0p", nil
}

func (k *fakeSound) open(string) (pcm, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fault == "busy" || k.card != nil && !k.card.closed {
		return nil, unix.EBUSY
	}
	k.card = &fakeCard{of: k, state: "open"}
	return k.card, nil
}

func (k *fakeSound) set(fault string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault = fault
	return nil
}

// locked runs a call, unless the card was pulled out: then every one fails.
func (c *fakeCard) locked(call func() error) error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.of.fault == "unplug" {
		return unix.ENODEV
	}
	c.step()
	return call()
}

// step moves the hardware's pointer.
func (c *fakeCard) step() {
	if c.state != "running" && c.state != "draining" || c.of.fault == "stall" {
		return
	}
	if c.left() > 0 {
		return
	}
	if c.state == "draining" {
		c.state = "setup"
		if !c.ran {
			c.complete = true
			c.of.heard++
		}
		return
	}
	if c.of.patient {
		c.written, c.begun = 0, time.Now()
		return
	}
	c.state, c.ran = "xrun", true
}

// left is how many frames wait in the buffer.
func (c *fakeCard) left() int {
	if c.of.fault == "stall" {
		return c.written
	}
	return max(0, c.written-int(time.Since(c.begun)*time.Duration(c.of.speed*c.rate)/time.Second))
}

func (c *fakeCard) refine(p *hwParams) error {
	return c.locked(func() error {
		p.masks[maskFormat] = mask{}
		for _, f := range c.of.formats {
			p.masks[maskFormat][f/32] |= 1 << (f % 32)
		}
		p.intervals[rangeChannels] = c.of.channels
		p.intervals[rangeRate] = interval{min: slices.Min(c.of.rates), max: slices.Max(c.of.rates)}
		return nil
	})
}

func (c *fakeCard) setup(p *hwParams) error {
	return c.locked(func() error {
		channels, rate := p.intervals[rangeChannels].min, p.intervals[rangeRate].min
		known := slices.ContainsFunc(c.of.formats, func(f uint) bool { return p.masks[maskFormat].has(f) })
		if !known || !c.of.channels.holds(channels) || !slices.Contains(c.of.rates, rate) ||
			!p.masks[maskAccess].has(accessRW) || c.of.timed && p.intervals[rangeBufferUS].min > 0 {
			return unix.EINVAL
		}
		c.rate, c.size = int(rate), int(channels)*2
		if p.masks[maskFormat].has(formatS32) {
			c.size *= 2
		}
		c.period, c.buffer = c.rate/20, c.rate/20*8
		p.intervals[rangePeriod].exactly(uint32(c.period))
		p.intervals[rangeBuffer].exactly(uint32(c.buffer))
		c.state = "setup"
		return nil
	})
}

func (c *fakeCard) prepare() error {
	return c.locked(func() error {
		if c.state == "open" || c.state == "running" {
			return unix.EBADFD
		}
		c.state, c.written = "prepared", 0
		return nil
	})
}

func (c *fakeCard) write(frames []byte, frameBytes int) (n int, err error) {
	err = c.locked(func() error {
		switch {
		case c.state == "xrun":
			return unix.EPIPE
		case c.state != "prepared" && c.state != "running":
			return unix.EBADFD
		case frameBytes != c.size:
			return unix.EFAULT
		}
		room := c.buffer - c.left()
		if room == 0 {
			return unix.EAGAIN
		}
		n = min(room, len(frames)/c.size)
		c.sound = append(c.sound, frames[:n*c.size]...)
		c.written += n
		if c.state == "prepared" {
			c.state, c.begun = "running", time.Now()
		}
		if c.of.fault == "slow" { // the program was not run for a second
			c.begun = c.begun.Add(-time.Second)
			c.of.fault = "none"
		}
		return nil
	})
	return n, err
}

func (c *fakeCard) drain() error {
	return c.locked(func() error {
		if c.state == "running" {
			c.state = "draining"
			return unix.EAGAIN
		}
		c.state = "setup"
		return nil
	})
}

func (c *fakeCard) delay() error {
	return c.locked(func() error {
		if c.state != "draining" && c.state != "running" {
			return unix.EBADFD
		}
		return nil
	})
}

func (c *fakeCard) drop() error {
	return c.locked(func() error { c.state = "setup"; return nil })
}

func (c *fakeCard) free() error {
	return c.locked(func() error {
		if c.state != "setup" {
			return unix.EBADFD
		}
		return nil
	})
}

func (c *fakeCard) wait(limit time.Duration) error {
	c.of.mu.Lock()
	period := time.Duration(c.period) * time.Second / time.Duration(c.rate*c.of.speed)
	c.of.mu.Unlock()
	<-time.After(min(limit, period))
	return nil
}

func (c *fakeCard) close() error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.closed = true
	return nil
}

func usualSound(speed int) *fakeSound {
	return &fakeSound{
		formats: []uint{formatS16}, channels: interval{min: 1, max: 2}, rates: []uint32{22050, 44100, 48000}, speed: speed,
	}
}

func announcementClips() []drivers.Clip { return []drivers.Clip{"pl/gong", "pl/ticket", "pl/n5.end"} }

func TestALSA(t *testing.T) {
	drivertest.Speaker(t, func(t *testing.T) drivertest.SpeakerEnv {
		k := usualSound(10)
		k.patient = true
		return drivertest.SpeakerEnv{
			Speaker: newALSA(k, "", packOfTones(t), "pl", slog.New(slog.DiscardHandler)),
			Clips:   announcementClips(), Missing: "pl/nobody",
			Heard: func() int { k.mu.Lock(); defer k.mu.Unlock(); return k.heard },
			Fault: k.set,
		}
	})
}

// TestALSASamples: what a card gets is the announcement, sample by sample, and then silence.
func TestALSASamples(t *testing.T) {
	dir := packOfTones(t)
	synctest.Test(t, func(t *testing.T) {
		k := usualSound(1)
		a := newALSA(k, "", dir, "pl", slog.New(slog.DiscardHandler))
		var want bytes.Buffer
		if err := Mix(&want, dir, announcementClips()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := a.Play(t.Context(), announcementClips()); err != nil {
			t.Fatal(err)
		}
		whole := want.Bytes()[wavHead:]
		if lasts := time.Duration(len(whole)/2) * time.Second / 22050; time.Since(begun) < lasts {
			t.Errorf("%v of sound were over after %v", lasts, time.Since(begun))
		}
		got := k.card.sound
		if !bytes.HasPrefix(got, whole) || len(bytes.Trim(got[len(whole):], "\x00")) > 0 || len(got)%(2*k.card.period) != 0 {
			t.Errorf("%d bytes were played, not the %d of the announcement and silence", len(got), len(whole))
		}
	})
}

// TestALSACards: the nearest that a card can do, and words for the administrator if it can nothing.
func TestALSACards(t *testing.T) {
	dir := packOfTones(t)
	for name, c := range map[string]struct {
		sound *fakeSound
		size  int
		rate  int
	}{
		"stereo":   {&fakeSound{formats: []uint{formatS16}, channels: interval{min: 2, max: 2}, rates: []uint32{22050}}, 4, 22050},
		"48000":    {&fakeSound{formats: []uint{formatS16}, channels: interval{min: 2, max: 8}, rates: []uint32{48000}}, 4, 48000},
		"wide":     {&fakeSound{formats: []uint{formatS32}, channels: interval{min: 2, max: 2}, rates: []uint32{48000}}, 8, 48000},
		"surround": {&fakeSound{formats: []uint{formatS16, formatS32}, channels: interval{min: 6, max: 6}, rates: []uint32{44100}}, 12, 44100},
		"short":    {&fakeSound{formats: []uint{formatS16}, channels: interval{min: 1, max: 1}, rates: []uint32{22050}, timed: true}, 2, 22050},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := c.sound
				k.speed = 1
				a := newALSA(k, "", dir, "pl", slog.New(slog.DiscardHandler))
				if err := a.Play(t.Context(), announcementClips()); err != nil {
					t.Fatal(err)
				}
				if k.card.size != c.size || k.card.rate != c.rate || !k.card.complete {
					t.Errorf("frames of %d bytes at %d", k.card.size, k.card.rate)
				}
			})
		})
	}
	k := &fakeSound{formats: []uint{18}, channels: interval{min: 2, max: 8}, rates: []uint32{32000, 192000}, speed: 1}
	a := newALSA(k, "", dir, "pl", slog.New(slog.DiscardHandler))
	err := a.Play(t.Context(), announcementClips())
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "IEC958_SUBFRAME_LE, 2 to 8 channels, 32000 to 192000") {
		t.Errorf("a card for another sound: %v", err)
	}
}

// TestALSAFaults: each fault becomes an error and a health, and none a hang.
func TestALSAFaults(t *testing.T) {
	dir := packOfTones(t)
	for fault, want := range map[string]struct {
		state  drivers.State
		reason string
		err    error
	}{
		"busy":   {drivers.Failed, ReasonBusy, unix.EBUSY},
		"slow":   {drivers.Degraded, ReasonUnderrun, ErrUnderrun},
		"stall":  {drivers.Failed, drivers.ReasonStalled, errStall},
		"unplug": {drivers.Absent, drivers.ReasonUnplugged, fs.ErrNotExist},
	} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := usualSound(1)
				a := newALSA(k, "", dir, "pl", slog.New(slog.DiscardHandler))
				if err := k.set(fault); err != nil {
					t.Fatal(err)
				}
				if err := a.Play(t.Context(), announcementClips()); !errors.Is(err, want.err) {
					t.Errorf("%v", err)
				}
				if h := a.Health(); h.State != want.state || h.Reason != want.reason {
					t.Errorf("%+v", h)
				}
			})
		})
	}
}

// TestALSAUnplugWhilePlaying at many moments: ENODEV of whatever call comes next is told.
func TestALSAUnplugWhilePlaying(t *testing.T) {
	dir := packOfTones(t)
	for after := time.Duration(0); after < 2*time.Second; after += 90 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			k := usualSound(1)
			a := newALSA(k, "", dir, "pl", slog.New(slog.DiscardHandler))
			begun := time.Now()
			pull := time.AfterFunc(after, func() { _ = k.set("unplug") })
			defer pull.Stop()
			err := a.Play(t.Context(), announcementClips())
			if k.card != nil && k.card.complete {
				return // it was over before
			}
			if h := a.Health(); err == nil || h.State != drivers.Absent || h.Reason != drivers.ReasonUnplugged {
				t.Errorf("after %v: %v, %+v", after, err, h)
			}
			if took := time.Since(begun); took > after+500*time.Millisecond {
				t.Errorf("it took %v, not %v", took, after)
			}
		})
	}
}

// TestALSAStops: the card is silent within 300 ms of the end of the context.
func TestALSAStops(t *testing.T) {
	dir := packOfTones(t)
	synctest.Test(t, func(t *testing.T) {
		k := usualSound(1)
		a := newALSA(k, "", dir, "pl", slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if err := a.Play(ctx, announcementClips()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(begun); took > time.Second || !k.card.closed || k.card.state != "setup" {
			t.Errorf("after %v the card is %s", took, k.card.state)
		}
		if h := a.Health(); h.State != drivers.Ready {
			t.Errorf("an announcement that was taken back is no fault: %+v", h)
		}
	})
}

// TestALSALooks: a card and a pack that come and go are told between announcements.
func TestALSALooks(t *testing.T) {
	dir := packOfTones(t)
	synctest.Test(t, func(t *testing.T) {
		k := usualSound(1)
		a := newALSA(k, "", dir, "pl", slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.Run(ctx) }()
		expect := func(state drivers.State, reason string) {
			t.Helper()
			time.Sleep(lookAgain + time.Second)
			if h := a.Health(); h.State != state || h.Reason != reason {
				t.Errorf("%+v, not %s %s", h, state, reason)
			}
		}
		expect(drivers.Ready, "")
		_ = k.set("unplug")
		expect(drivers.Absent, drivers.ReasonUnplugged)
		_ = k.set("none")
		expect(drivers.Ready, "")
		if err := os.Remove(filepath.Join(dir, "pl", manifestName)); err != nil {
			t.Fatal(err)
		}
		expect(drivers.Absent, ReasonNoPack)
		cancel()
		if err := <-done; err != nil || a.Health().Reason != drivers.ReasonHalted {
			t.Errorf("%v, %+v", err, a.Health())
		}
	})
}
