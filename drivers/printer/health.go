package printer

import (
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/escpos"
)

// The reasons in Health and Result. They are part of what the driver promises.
const (
	// ReasonPaperOut: no paper, or its end was reached.
	ReasonPaperOut = "paper-out"
	// ReasonNearEnd: the roll ends soon; printing goes on.
	ReasonNearEnd = "paper-near-end"
	// ReasonCover: a cover is open or the head is up.
	ReasonCover = "cover-open"
	// ReasonCutter: the cutter is stuck.
	ReasonCutter = "cutter"
	// ReasonOffline: the printer says that it is offline and not why.
	ReasonOffline = "offline"
	// ReasonStalled: the printer takes no bytes.
	ReasonStalled = "stalled"
	// ReasonUnplugged: there is no device at the address.
	ReasonUnplugged = "unplugged"
	// ReasonNoAnswer: the printer is silent although its profile says that it answers, or what
	// comes is noise.
	ReasonNoAnswer = "no-answer"
	// ReasonError: any other fault, told in Detail.
	ReasonError = "error"
	// ReasonCancelled: the caller or the driver's end cut the job short. Only in a Result.
	ReasonCancelled = "cancelled"
)

// verdict is a condition in the words of Health.
type verdict struct {
	state          drivers.State
	reason, detail string
}

// judge names the first thing that a person would have to do something about.
func judge(c escpos.Condition) verdict {
	failed := func(reason, detail string) verdict {
		return verdict{drivers.Failed, reason, detail}
	}
	switch {
	case c.CoverOpen:
		return failed(ReasonCover, "")
	case c.PaperOut:
		return failed(ReasonPaperOut, "")
	case c.CutterError:
		return failed(ReasonCutter, "")
	case c.Unrecoverable:
		return failed(ReasonError, "the printer must be switched off and on")
	case c.HeadHot:
		return failed(ReasonError, "the print head is too hot")
	case c.Recoverable, c.OtherError:
		return failed(ReasonError, "the printer reports a fault")
	case c.RecoveryWait:
		return failed(ReasonOffline, "the printer waits for its feed button")
	case c.Offline:
		return failed(ReasonOffline, "")
	case c.NearEnd:
		return verdict{drivers.Degraded, ReasonNearEnd, ""}
	}
	return verdict{state: drivers.Ready}
}

// usable reports that v does not keep the printer from printing.
func (v verdict) usable() bool { return v.state == drivers.Ready || v.state == drivers.Degraded }

// Health returns the last known state.
func (p *Printer) Health() drivers.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health
}

// Changed returns a channel that is closed at the next change of state or reason. Take it before
// Health, or a change between the two is missed.
func (p *Printer) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// report makes v the health, wakes those who wait for a change and logs it once.
func (p *Printer) report(v verdict) {
	if !p.change(v) {
		return
	}
	if v.state == drivers.Ready {
		p.logger.Info("printer is ready", "printer", p.String())
		return
	}
	p.logger.Warn("printer is not ready", "printer", p.String(),
		"state", string(v.state), "reason", v.reason, "detail", v.detail)
}

// change stores v and reports whether state or reason are new.
func (p *Printer) change(v verdict) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.health.State == v.state && p.health.Reason == v.reason {
		p.health.Detail = v.detail
		return false
	}
	p.health = drivers.Health{State: v.state, Reason: v.reason, Detail: v.detail, Since: time.Now()}
	close(p.changed)
	p.changed = make(chan struct{})
	return true
}
