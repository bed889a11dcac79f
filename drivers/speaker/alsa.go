package speaker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers"
)

const (
	// pollStep is how soon an announcement ends after its context; the contract allows 300 ms.
	pollStep = 50 * time.Millisecond
	// stallSlack is how much longer than its buffer lasts a card may take nothing.
	stallSlack = time.Second
	// What is asked of a card's buffer, in microseconds: a Pi that writes to its SD card may be away for
	// 200 ms, and a period is how exactly the end of the sound is known.
	periodMinUS, periodMaxUS = 40_000, 100_000
	bufferMinUS, bufferMaxUS = 300_000, 500_000
)

var (
	// ErrUnderrun is the cause when the card ran out of sound, so that the announcement had gaps.
	ErrUnderrun = errors.New("the sound card ran out of sound; there were gaps")
	// ErrFormat is the cause when a card takes no format that this program can make.
	ErrFormat = errors.New("the sound card takes no format that this program can make")
	errStall  = errors.New("the sound card takes no sound")
)

// ALSA plays on a sound card of the kernel, without any program or library. The card is open only during
// an announcement, so that others may use it between, and one that comes back under the same name is
// used again. It implements drivers.Speaker.
type ALSA struct {
	vitals
	device   string
	dir      string
	language string // whose pack must be there
	kernel   kernel
	one      sync.Mutex // one announcement at a time
}

// NewALSA makes the speaker. device is a path such as /dev/snd/pcmC1D0p, the id of a card as in
// /proc/asound/cards, or empty for the first card; dir and language are as for NewCommand. It does not
// matter whether card and pack are there.
func NewALSA(device, dir, language string, log *slog.Logger) *ALSA {
	return newALSA(linux{devices: "/dev/snd", cards: "/proc/asound"}, device, dir, language, log)
}

func newALSA(k kernel, device, dir, language string, log *slog.Logger) *ALSA {
	name := device
	if name == "" {
		name = "the first sound card"
	}
	a := &ALSA{vitals: newVitals("speaker on "+name, log), device: device, dir: dir, language: language, kernel: k}
	a.look()
	return a
}

// Run looks at card and pack until ctx ends, so that a missing one is told before a call.
func (a *ALSA) Run(ctx context.Context) error {
	watch(ctx, &a.one, a.look)
	return a.Halt()
}

// Halt has nothing to let go of: between announcements the card is closed.
func (a *ALSA) Halt() error {
	a.Report(drivers.Absent, drivers.ReasonHalted, "")
	return nil
}

// look finds out what is missing. A fault of the last announcement stays until the next.
func (a *ALSA) look() {
	before := a.Health()
	_, noCard := a.kernel.find(a.device)
	_, noPack := ReadManifest(a.dir, a.language)
	switch {
	case noCard != nil:
		a.tell(drivers.Absent, drivers.ReasonUnplugged, noCard.Error())
	case noPack != nil:
		a.tell(drivers.Absent, ReasonNoPack, noPack.Error())
	case before.State == drivers.Absent:
		a.tell(drivers.Ready, "", "")
	}
}

// Play plays the clips; see drivers.Speaker. After an underrun it plays on, and tells it at the end.
func (a *ALSA) Play(ctx context.Context, clips []drivers.Clip) error {
	a.one.Lock()
	defer a.one.Unlock()
	sound, err := openClips(a.dir, clips)
	if err != nil {
		a.tell(drivers.Failed, ReasonNoPack, err.Error())
		return fmt.Errorf("announce: %w", err)
	}
	defer func() { _ = sound.Close() }()
	if err := a.play(ctx, sound); err != nil {
		if ctx.Err() == nil {
			state, reason := alsaFault(err)
			a.tell(state, reason, err.Error())
		}
		return fmt.Errorf("announce on %s: %w", a.name, err)
	}
	a.tell(drivers.Ready, "", "")
	return nil
}

// alsaFault is what an error says of the card.
func alsaFault(err error) (drivers.State, string) {
	switch {
	case errors.Is(err, ErrUnderrun):
		return drivers.Degraded, ReasonUnderrun
	case errors.Is(err, errStall):
		return drivers.Failed, drivers.ReasonStalled
	case errors.Is(err, unix.EBUSY):
		return drivers.Failed, ReasonBusy
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return drivers.Absent, drivers.ReasonUnplugged
	}
	return drivers.Failed, drivers.ReasonError
}

func (a *ALSA) play(ctx context.Context, sound *stream) (err error) {
	path, err := a.kernel.find(a.device)
	if err != nil {
		return err
	}
	p, err := a.kernel.open(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer func() {
		// Closing drops as well, but only Drop silences a card at once on every kernel.
		if err != nil {
			_ = p.drop()
		}
		if closed := p.close(); closed != nil && err == nil {
			err = fmt.Errorf("close %s: %w", path, closed)
		}
	}()
	to, err := negotiate(p, sound.rate)
	if err != nil {
		return fmt.Errorf("set up %s: %w", path, err)
	}
	if err := p.prepare(); err != nil {
		return fmt.Errorf("prepare %s: %w", path, err)
	}
	s := sink{pcm: p, format: to}
	if err := s.send(ctx, newConverter(sound.samples(), sound.rate, to)); err != nil {
		return err
	}
	if err := s.drain(ctx); err != nil {
		return err
	}
	if s.gaps {
		return ErrUnderrun
	}
	return nil
}

// negotiate sets the card up for the sound's own rate in mono if it can, else for what comes nearest:
// several channels first, then another rate, then 32 bits.
func negotiate(p pcm, rate int) (format, error) {
	offer := anyParams()
	if err := p.refine(&offer); err != nil {
		return format{}, err
	}
	for _, sample := range []struct {
		format uint
		bits   int
	}{{formatS16, s16}, {formatS32, s32}} {
		if !offer.masks[maskFormat].has(sample.format) {
			continue
		}
		for _, r := range []int{rate, 2 * rate, 48000, 44100, 96000, 32000, 16000} {
			if !offer.intervals[rangeRate].holds(uint32(r)) { //nolint:gosec // a rate of a pack is small
				continue
			}
			for _, channels := range []uint32{1, 2, offer.intervals[rangeChannels].min} {
				to := format{rate: r, channels: int(channels), bits: sample.bits}
				if !offer.intervals[rangeChannels].holds(channels) {
					continue
				}
				switch err := to.setUp(p, sample.format); {
				case err == nil:
					return to, nil
				case !errors.Is(err, unix.EINVAL):
					return format{}, err
				}
			}
		}
	}
	return format{}, fmt.Errorf("%w; it offers %s", ErrFormat, offer.offers())
}

// setUp asks for the format with a buffer of some hundred milliseconds, or else with any.
func (f *format) setUp(p pcm, sample uint) error {
	try := func(timed bool) error {
		h := anyParams()
		h.masks[maskAccess].only(accessRW)
		h.masks[maskFormat].only(sample)
		h.intervals[rangeChannels].exactly(uint32(f.channels)) //nolint:gosec // checked by the caller
		h.intervals[rangeRate].exactly(uint32(f.rate))         //nolint:gosec // checked by the caller
		if timed {
			h.intervals[rangePeriodUS] = interval{min: periodMinUS, max: periodMaxUS}
			h.intervals[rangeBufferUS] = interval{min: bufferMinUS, max: bufferMaxUS}
		}
		if err := p.setup(&h); err != nil {
			return err
		}
		f.period, f.buffer = int(h.intervals[rangePeriod].min), int(h.intervals[rangeBuffer].min)
		if f.period < 1 || f.buffer < f.period {
			return fmt.Errorf("%w: a period of %d frames in a buffer of %d", unix.EINVAL, f.period, f.buffer)
		}
		return nil
	}
	err := try(true)
	if errors.Is(err, unix.EINVAL) {
		err = try(false)
	}
	return err
}

// sink is a card that has been set up.
type sink struct {
	pcm
	format
	gaps bool
}

// lasts is how long a full buffer sounds.
func (s *sink) lasts() time.Duration {
	return time.Duration(s.buffer) * time.Second / time.Duration(s.rate)
}

// send writes the sound, padded to whole periods, for the card plays only those. It returns when the card
// has it all in its buffer.
func (s *sink) send(ctx context.Context, from *converter) error {
	// Half a buffer at a time: the first sound does not wait for the whole file.
	chunk := make([]byte, max(s.buffer/s.period/2, 1)*s.period*s.frameBytes())
	for {
		n, err := from.fill(chunk)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return fmt.Errorf("read the recordings: %w", err)
		}
		if last {
			clear(chunk[n:])
			period := s.period * s.frameBytes()
			n = (n + period - 1) / period * period
		}
		if err := s.write(ctx, chunk[:n]); err != nil || last {
			return err
		}
	}
}

func (s *sink) write(ctx context.Context, rest []byte) error {
	moved := time.Now()
	for len(rest) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.pcm.write(rest, s.frameBytes())
		switch {
		case err == nil && n > 0:
			rest = rest[min(n*s.frameBytes(), len(rest)):]
			moved = time.Now()
		case err == nil, errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			if time.Since(moved) > s.lasts()+stallSlack {
				return errStall
			}
			if err := s.wait(pollStep); err != nil {
				return fmt.Errorf("wait for the sound card: %w", err)
			}
		case errors.Is(err, unix.EPIPE):
			s.gaps = true
			if err := s.prepare(); err != nil {
				return fmt.Errorf("prepare after an underrun: %w", err)
			}
		default:
			return fmt.Errorf("write to the sound card: %w", err)
		}
	}
	return nil
}

// drain returns when the last sound has left the card.
func (s *sink) drain(ctx context.Context) error {
	if err := s.pcm.drain(); err != nil && !errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("play to the end: %w", err)
	}
	for begun := time.Now(); ; {
		// The kernel has no other word for the end than that there is nothing to measure any more.
		err := s.delay()
		if errors.Is(err, unix.EBADFD) || errors.Is(err, unix.EPIPE) {
			break
		}
		if err != nil {
			return fmt.Errorf("play to the end: %w", err)
		}
		if time.Since(begun) > s.lasts()+stallSlack {
			return errStall
		}
		if err := s.wait(pollStep); err != nil {
			return fmt.Errorf("wait for the end: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	// A card that was pulled out has nothing to measure either, but nothing to free.
	if err := s.free(); err != nil {
		return fmt.Errorf("free the sound card after the end: %w", err)
	}
	return nil
}

var _ drivers.Speaker = (*ALSA)(nil)
