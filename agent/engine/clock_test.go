package engine_test

import (
	"time"

	"github.com/okienko/okienko/agent/clock"
)

var programStarted = time.Now() // only read: clocks made one after the other agree

// officeClock runs like the machine's clock, but began with the test program on a Tuesday at 10:42 in
// Warsaw, so that no test meets midnight, nor the stop of issuing before it.
type officeClock struct{}

func (officeClock) Read() clock.Reading {
	run := time.Since(programStarted)
	return clock.Reading{
		Wall:   time.Date(2026, 11, 24, 9, 42, 0, 0, time.UTC).Add(run),
		Steady: run, Synced: true, Set: true,
	}
}

func (officeClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
