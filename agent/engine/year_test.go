package engine_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// manual is a machine whose wall clock errs and whose time passes when the test says so.
type manual struct {
	mu    sync.Mutex
	truth time.Time
	since time.Duration // steady
	wrong time.Duration // wall minus truth
	sync  bool
}

func (m *manual) Read() clock.Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return clock.Reading{Wall: m.truth.Add(m.wrong), Steady: m.since, Synced: m.sync, Set: true}
}

// After never fires: in this test commands alone make the engine look at the time.
func (m *manual) After(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

func (m *manual) until(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since += t.Sub(m.truth)
	m.truth = t
}

func (m *manual) step(wrong time.Duration, sync bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wrong, m.sync = wrong, sync
}

// restart is a new run of the agent, perhaps of the machine: the steady clock begins anew.
func (m *manual) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since = 0
}

// year runs a branch whose clock is wrong most days.
type year struct {
	t     *testing.T
	clock *manual
	j     *memory
	e     *engine.Engine
	stop  func()
	n     int
}

func (y *year) start() {
	y.t.Helper()
	y.clock.restart()
	y.e, y.stop = startWith(y.t, y.j, y.clock)
}

func (y *year) do(c queue.Command) {
	y.t.Helper()
	y.n++
	_, err := y.e.Do(y.t.Context(), engine.Request{Key: fmt.Sprint("c", y.n), Actor: "test", Command: c})
	if err != nil {
		y.t.Fatalf("%T on %v (wall %v): %v", c, y.clock.truth, y.clock.Read().Wall, err)
	}
}

// day lives one office day: set right in the morning, knocked about at nine, a booking at noon,
// the agent off over midnight on some days.
func (y *year) day(date time.Time) {
	at := func(hour, minute int) time.Time {
		return time.Date(date.Year(), date.Month(), date.Day(), hour, minute, 0, 0, date.Location())
	}
	day := protocol.Day(date.Format(time.DateOnly))
	y.clock.until(at(7, 0))
	y.clock.step(0, true)
	if y.stop == nil {
		y.start()
	}
	noon := protocol.InstantOf(at(12, 0))
	booking := protocol.Booking{
		ID: protocol.BookingID("b-" + day), Service: "A", Day: day, Hour: noon, Language: "pl",
		Number: protocol.TicketNumber{Letter: "A", N: 601},
	}
	y.do(queue.SetBooking{Booking: booking})
	y.press("morning", day)
	y.clock.until(at(9, 0))
	y.clock.step(time.Duration(rand.Int64N(int64(10*365*24*time.Hour)))-5*365*24*time.Hour, false)
	for range 3 {
		y.press("knocked", day)
	}
	y.entered(booking, false)
	y.clock.until(at(11, 59))
	y.press("before-noon", day)
	y.entered(booking, false)
	y.clock.until(at(12, 1))
	y.press("after-noon", day)
	y.entered(booking, true)
	if rand.IntN(4) == 0 {
		y.stop()
		y.stop = nil
		return
	}
	y.clock.until(at(23, 30))
	y.clock.step(0, true)
	y.do(queue.Tick{})
}

// press takes a ticket and checks that it belongs to the day.
func (y *year) press(when string, day protocol.Day) {
	y.t.Helper()
	y.n++
	y.do(queue.Take{ID: protocol.TicketID(fmt.Sprint("t", y.n)), Service: "A", Language: "pl"})
	err := y.e.View(y.t.Context(), func(s *queue.State, _ protocol.Instant) {
		if got := s.Office().Day; got != day {
			y.t.Errorf("%s: office day %s on %s (wall %v)", when, got, day, y.clock.Read().Wall)
		}
	})
	if err != nil {
		y.t.Fatal(err)
	}
}

// entered checks whether the booking is in the queue.
func (y *year) entered(b protocol.Booking, want bool) {
	y.t.Helper()
	got := 0
	err := y.e.View(y.t.Context(), func(s *queue.State, _ protocol.Instant) {
		for t := range s.Tickets() {
			if t.Booking == b.ID && t.State == queue.StateWaiting {
				got++
			}
		}
	})
	if err != nil {
		y.t.Fatal(err)
	}
	if (got == 1) != want || got > 1 {
		y.t.Errorf("%s: booking is in the queue %d times at %v, the wall clock says %v", b.Day, got, y.clock.truth, y.clock.Read().Wall)
	}
}

// TestYearOfClockFaults is rows 10 to 12 of the failure catalogue: whatever the wall clock does,
// both changes of summer time and nights with the agent off included, each office day begins once
// and never again, numbers start anew only with it, and bookings enter at their hour.
func TestYearOfClockFaults(t *testing.T) {
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 9, 1, 0, 0, 0, 0, warsaw)
	y := &year{t: t, clock: &manual{truth: first}, j: &memory{}}
	for n := range 365 {
		y.day(first.AddDate(0, 0, n))
		if t.Failed() {
			t.FailNow()
		}
	}
	if y.stop != nil {
		y.stop()
	}
	if y.j.saves < 365 || y.j.resumed < 10 {
		t.Errorf("%d checkpoints, %d starts from one; want one a day, and some", y.j.saves, y.j.resumed)
	}
	sameAsFolded(t, y.j)
	var today protocol.Day
	opened, numbers := 0, map[string]bool{}
	for record := range y.j.records {
		event, err := queue.DecodeEvent(y.j.records[record].Data)
		if err != nil {
			t.Fatal(err)
		}
		switch b := event.Body.(type) {
		case queue.DayOpened:
			if b.Day <= today {
				t.Errorf("day %s was opened after %s", b.Day, today)
			}
			today, opened = b.Day, opened+1
		case queue.TicketTaken:
			key := string(today) + b.Number.String()
			if numbers[key] {
				t.Errorf("number %s twice on %s", b.Number, today)
			}
			numbers[key] = true
		}
	}
	if opened != 365 || len(numbers) != 365*7 || !numbers[string(today)+"A1"] {
		t.Errorf("%d days with %d numbers; want 365 and %d", opened, len(numbers), 365*7)
	}
}

// TestColdBootWithoutTime is C4 of the mission and row 10: no network, no battery-backed clock, the
// year 1970. Tickets are issued in the last known day, or in the clock's own where there is none,
// and the day turns as soon as the time is known.
func TestColdBootWithoutTime(t *testing.T) {
	for _, known := range []bool{true, false} {
		j := &memory{}
		m := &manual{truth: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
		y := &year{t: t, clock: m, j: j}
		want := protocol.Day("1970-01-01")
		if known {
			want = "2026-11-23"
			y.start()
			y.press("the-day-before", want)
			y.stop()
		}
		m.until(m.truth.AddDate(0, 0, 1))
		m.step(time.Unix(90, 0).Sub(m.truth), false)
		y.start()
		y.press("without-time", want)
		m.step(0, true)
		m.until(m.truth.Add(time.Minute))
		y.press("time-known", "2026-11-24")
		y.stop()
	}
}

// TestAdministratorsWord: a branch without network and battery is told that its clock, set by hand,
// is right; the office day turns at once.
func TestAdministratorsWord(t *testing.T) {
	m := &manual{truth: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	y := &year{t: t, clock: m, j: &memory{}}
	y.start()
	y.press("before", "2026-11-23")
	m.until(m.truth.Add(time.Hour))
	m.step(24*time.Hour, false)
	y.press("in-doubt", "2026-11-23")
	y.do(queue.TrustClock{})
	y.press("after-the-word", "2026-11-24")
	y.stop()
}

// TestRestartKeepsTheDoubt: only sync or a word ends a doubt, not a new start of the program.
func TestRestartKeepsTheDoubt(t *testing.T) {
	m := &manual{truth: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	y := &year{t: t, clock: m, j: &memory{}}
	y.start()
	y.press("before", "2026-11-23")
	m.step(26*time.Hour, false)
	y.press("in-doubt", "2026-11-23")
	y.stop()
	y.start()
	y.press("after-a-restart", "2026-11-23")
	m.step(0, true)
	y.press("after-sync", "2026-11-23")
	y.stop()
}
