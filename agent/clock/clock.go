// Package clock tells the branch its office time and whether that time can be trusted.
//
// A Clock is the one source of office time for the shells: opening hours, bookings and recall
// timers hang on it, so that a demonstration can speed it up. Network and device time-outs are
// real time and do not come from here. Keeper is the pure rule that turns raw readings of the
// machine's clocks into engine time which never falls (design/3-queue-rules.md, "clock steps
// back" and "clock jumps forward"; design/6-failures.md rows 10–12).
package clock

import "time"

// Reading is what the machine's clocks say at one moment.
type Reading struct {
	// Wall is the calendar time, right or wrong.
	Wall time.Time
	// Steady has run evenly since an arbitrary start and never steps.
	Steady time.Duration
	// Synced says that the wall clock is disciplined by a time source now.
	Synced bool
	// Set says that the wall clock was set by something better than the last shutdown: a time
	// source or a battery-backed clock. On a Raspberry Pi without either it is false.
	Set bool
}

// Clock gives readings and timers in office time. Its methods may be called from any goroutine.
type Clock interface {
	// Read never blocks.
	Read() Reading
	// After returns a channel that receives once d of office time has passed, and a function
	// that gives the timer up.
	After(d time.Duration) (fired <-chan time.Time, stop func())
}

// Scaled is a Clock that runs Speed times as fast as Base, from the moment it was made.
type Scaled struct {
	base  Clock
	speed float64
	first Reading
}

// NewScaled makes a clock that is equal to base now and runs speed times as fast; speed > 0.
func NewScaled(base Clock, speed float64) *Scaled {
	return &Scaled{base: base, speed: speed, first: base.Read()}
}

// Read implements Clock. Steps of the base's wall clock are passed on unscaled.
func (s *Scaled) Read() Reading {
	r := s.base.Read()
	steady := r.Steady - s.first.Steady
	stretched := time.Duration(float64(steady) * s.speed)
	r.Wall = r.Wall.Add(stretched - steady)
	r.Steady = s.first.Steady + stretched
	return r
}

// After implements Clock.
func (s *Scaled) After(d time.Duration) (<-chan time.Time, func()) {
	return s.base.After(time.Duration(float64(d) / s.speed))
}
