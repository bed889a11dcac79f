package drivers

import (
	"sync"
	"time"
)

// Vitals keeps the health of one device and wakes those who wait for a change. Drivers embed it.
// The zero value is not usable; NewVitals makes one. Its methods may be called from any goroutine.
type Vitals struct {
	mu      sync.Mutex
	health  Health
	changed chan struct{}
}

// NewVitals begins with a device that nobody has heard of yet.
func NewVitals() *Vitals {
	return &Vitals{
		health:  Health{State: Absent, Reason: ReasonStarting, Since: time.Now()},
		changed: make(chan struct{}),
	}
}

// The reasons that all kinds of devices share.
const (
	// ReasonStarting: the driver has not reached the device yet.
	ReasonStarting = "starting"
	// ReasonUnplugged: there is no device at the address.
	ReasonUnplugged = "unplugged"
	// ReasonStalled: the device takes no bytes.
	ReasonStalled = "stalled"
	// ReasonNoAnswer: the device is silent although it should answer.
	ReasonNoAnswer = "no-answer"
	// ReasonError: any other fault, told in Detail.
	ReasonError = "error"
	// ReasonHalted: the driver has let go of the device.
	ReasonHalted = "halted"
)

// Health is the newest account of the device.
func (v *Vitals) Health() Health {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.health
}

// Changed returns a channel that is closed at the next change of state or reason. Take it before
// Health, or a change between the two is missed.
func (v *Vitals) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// Report stores an account and says whether state or reason are new; Since is then now.
func (v *Vitals) Report(state State, reason, detail string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.health.State == state && v.health.Reason == reason {
		v.health.Detail = detail
		return false
	}
	v.health = Health{State: state, Reason: reason, Detail: detail, Since: time.Now()}
	close(v.changed)
	v.changed = make(chan struct{})
	return true
}
