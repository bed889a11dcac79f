package speaker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers"
)

// The reasons in Health besides those of all devices.
const (
	// ReasonNoProgram: the program that plays is not installed.
	ReasonNoProgram = "no-program"
	// ReasonNoPack: there is no voice pack, or a recording is missing.
	ReasonNoPack = "no-pack"
	// ReasonBusy: another program holds the sound card.
	ReasonBusy = "busy"
	// ReasonUnderrun: the machine was too slow for the sound card, and the last announcement had gaps.
	ReasonUnderrun = "underrun"
)

// lookAgain is how often an idle speaker looks whether all that it needs is there.
const lookAgain = 5 * time.Second

// vitals is the health of a speaker, told in the log as well.
type vitals struct {
	*drivers.Vitals
	name string
	log  *slog.Logger
}

func newVitals(name string, log *slog.Logger) vitals {
	return vitals{Vitals: drivers.NewVitals(), name: name, log: log}
}

// String names the speaker for logs.
func (v vitals) String() string { return v.name }

func (v vitals) tell(state drivers.State, reason, detail string) {
	if !v.Report(state, reason, detail) {
		return
	}
	if state == drivers.Ready {
		v.log.Info("speaker is ready", "speaker", v.name)
		return
	}
	v.log.Warn("speaker is not ready", "speaker", v.name, "reason", reason, "detail", detail)
}

// watch looks between announcements until ctx ends, so that what is missing is told before a call.
func watch(ctx context.Context, one *sync.Mutex, look func()) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if one.TryLock() {
				look()
				one.Unlock()
			}
		case <-ctx.Done():
			return
		}
	}
}
