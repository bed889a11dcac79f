package speaker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers"
)

// The times of an amplifier's relay (reference/hardware.md section 2).
const (
	// amplifierWarm is how long an amplifier is on before the first sound, or the first word is lost.
	amplifierWarm = 300 * time.Millisecond
	// amplifierRest is how long it stays on after the last sound: calls often come in groups, and relays
	// are heard and wear out.
	amplifierRest = 2 * time.Second
)

// ReasonAmplifier says that the relay of the amplifier cannot be switched.
const ReasonAmplifier = "amplifier"

var errHalted = errors.New("the speaker is halted")

// Line is an output that switches the relay of an amplifier, whatever its level.
type Line interface {
	Set(on bool) error
}

// Served is a speaker together with the goroutine that looks after it.
type Served interface {
	drivers.Speaker
	Run(ctx context.Context) error
}

// Amplified is a speaker behind an amplifier that is on only while it is needed: from 300 ms before the
// first sound until 2 s after the last. After an error, at the end of a context and at Halt it is switched
// off at once, and a line that does not take that is tried again until it does, or until Halt.
type Amplified struct {
	vitals
	inner Served
	line  Line

	mu      sync.Mutex
	playing int // announcements that have begun or wait for their turn
	on      bool
	since   time.Time   // when it was switched on
	off     *time.Timer // to switch it off; nil before the first time
	halted  bool
	fault   error // of the line
}

// WithAmplifier puts a relay before a speaker. The wrapper owns both from now on.
func WithAmplifier(s Served, line Line, log *slog.Logger) *Amplified {
	a := &Amplified{vitals: newVitals(s.String()+" behind an amplifier", log), inner: s, line: line}
	a.mirror()
	return a
}

// mirror tells the health of the speaker, or that of the line if that is worse.
func (a *Amplified) mirror() {
	a.mu.Lock()
	halted, fault := a.halted, a.fault
	a.mu.Unlock()
	switch h := a.inner.Health(); {
	case halted:
		a.Report(drivers.Absent, drivers.ReasonHalted, "")
	case fault != nil:
		a.tell(drivers.Failed, ReasonAmplifier, fault.Error())
	default:
		a.Report(h.State, h.Reason, h.Detail) // the speaker has logged it
	}
}

// Run runs the speaker until ctx ends. It begins and ends with the amplifier switched off.
func (a *Amplified) Run(ctx context.Context) error {
	a.rest()
	var wg sync.WaitGroup
	over := make(chan struct{})
	wg.Go(func() {
		for {
			changed := a.inner.Changed()
			a.mirror()
			select {
			case <-changed:
			case <-over:
				return
			}
		}
	})
	err := a.inner.Run(ctx)
	close(over)
	wg.Wait()
	return errors.Join(err, a.Halt())
}

// Halt switches the amplifier off and halts the speaker.
func (a *Amplified) Halt() error {
	a.mu.Lock()
	a.halted = true
	if a.off != nil {
		a.off.Stop()
	}
	off := a.line.Set(false)
	a.on = off != nil
	a.mu.Unlock()
	if off != nil {
		off = fmt.Errorf("switch the amplifier off: %w", off)
	}
	err := errors.Join(off, a.inner.Halt())
	a.mirror()
	return err
}

// Play switches the amplifier on and plays the clips; see drivers.Speaker.
func (a *Amplified) Play(ctx context.Context, clips []drivers.Clip) (err error) {
	defer a.mirror()
	warm, err := a.wake()
	if err != nil {
		return err
	}
	defer func() { a.done(err) }()
	wait := time.NewTimer(time.Until(warm))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return a.inner.Play(ctx, clips)
}

// wake switches the amplifier on and says when it is warm.
func (a *Amplified) wake() (warm time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.halted {
		return time.Time{}, errHalted
	}
	if a.off != nil {
		a.off.Stop()
	}
	if !a.on || a.fault != nil {
		// It counts as on from the try on, for nobody knows what a line did that failed.
		a.on, a.since = true, time.Now()
		if err := a.line.Set(true); err != nil {
			a.fault = fmt.Errorf("switch the amplifier on: %w", err)
			a.restLocked()
			return time.Time{}, a.fault
		}
	}
	a.playing++
	return a.since.Add(amplifierWarm), nil
}

// done ends an announcement.
func (a *Amplified) done(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.playing--
	switch {
	case a.playing > 0 || a.halted:
	case err != nil:
		a.restLocked()
	default:
		a.fault = nil
		a.laterLocked()
	}
}

// laterLocked switches the amplifier off after a while.
func (a *Amplified) laterLocked() {
	a.off = time.AfterFunc(amplifierRest, a.rest)
}

// rest switches the amplifier off unless it is needed.
func (a *Amplified) rest() {
	a.mu.Lock()
	if a.playing == 0 && !a.halted {
		if a.restLocked() {
			a.fault = nil
		}
	}
	a.mu.Unlock()
	a.mirror()
}

// restLocked switches it off and says whether the line took it; if not, it is tried again.
func (a *Amplified) restLocked() bool {
	if err := a.line.Set(false); err != nil {
		if a.fault == nil {
			a.fault = fmt.Errorf("switch the amplifier off: %w", err)
		}
		a.laterLocked()
		return false
	}
	a.on = false
	return true
}

var _ Served = (*Amplified)(nil)
