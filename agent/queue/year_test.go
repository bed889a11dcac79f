package queue

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/okienko/okienko/protocol"
)

// TestYear is rows 10 to 12 on the side of the rules: a year of days in Warsaw, both change days
// among them, with the clock stepping to and fro, boots without a clock, and the agent off over
// midnight. Each day begins and ends exactly once and has its own numbers; the naive model and
// the trace checker watch as in the random walks.
func TestYear(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(2026, 366))
	first := time.Date(2026, 1, 1, 6, 0, 0, 0, zone)
	w := newWalk(t, protocol.InstantOf(first), random.IntN)
	w.step(Configure{Settings: testSettings()})
	w.step(OpenCounter{Counter: 1, Clerk: "anna"})
	for n := range 366 {
		morning := time.Date(2026, 1, 1+n, 6, random.IntN(120), 0, 0, zone)
		w.beginDay(morning)
		if got := w.s.Office().Day; got != protocol.Day(morning.Format(time.DateOnly)) {
			t.Fatalf("on %s the office day is %s", morning.Format(time.DateOnly), got)
		}
		for range 5 + random.IntN(20) {
			w.now = w.now.Add(time.Duration(random.IntN(900)-200) * time.Second)
			w.step(w.dayCommand(n))
		}
		if random.IntN(2) == 0 { // the agent stays on; at the latest midnight ends the day
			w.now = protocol.InstantOf(time.Date(2026, 1, 2+n, 0, 0, 0, 0, zone))
			w.step(Tick{})
		}
		if n%60 == 59 {
			w.restart()
		}
	}
	opened, closed := w.trace.seen["day-opened"], w.trace.seen["day-closed"]
	if opened < 366 || closed < opened-1 || closed > opened {
		t.Errorf("%d days opened, %d closed", opened, closed)
	}
	t.Logf("%v", w.trace.seen)
}

// beginDay boots the agent, every third time without knowing what time it is.
func (w *walk) beginDay(morning time.Time) {
	switch w.pick(3) {
	case 0:
		w.now = protocol.InstantOf(time.Date(1970, 1, 1, 0, 0, w.pick(60), 0, time.UTC))
		before := w.s.Office().Day
		w.step(Start{Doubt: "no RTC"})
		for range w.pick(6) {
			w.ids++
			w.step(Take{ID: protocol.TicketID(fmt.Sprintf("t%d", w.ids)), Service: "A"})
			w.step(Next{Counter: 1})
		}
		if got := w.s.Office().Day; got != before {
			w.fail("the day went from %s to %s in doubt", before, got)
		}
		w.now = protocol.InstantOf(morning)
		w.step(TrustClock{})
	case 1:
		w.now = protocol.InstantOf(morning)
		w.step(Start{})
	default:
		w.now = protocol.InstantOf(morning)
		w.step(Tick{})
	}
}

func (w *walk) dayCommand(n int) Command {
	w.ids++
	id := protocol.TicketID(fmt.Sprintf("t%d", w.ids))
	switch w.pick(10) {
	case 0, 1, 2:
		return Take{ID: id, Service: "A", Override: w.pick(2) == 0}
	case 3, 4, 5:
		return Next{Counter: 1}
	case 6:
		return NoShow{Counter: 1}
	case 7:
		b := bookingAt(fmt.Sprintf("k%d-%d", n, w.ids), 0, 0)
		b.Hour = max(w.now, w.s.at).Add(time.Duration(w.pick(4000)-200) * time.Second)
		b.Day = protocol.Day(b.Hour.Time().In(w.s.zone).Format(time.DateOnly))
		b.Number.N = 601 + w.pick(300)
		return SetBooking{Booking: b}
	case 8:
		return Finish{Counter: 1}
	default:
		return Undo{Counter: 1}
	}
}
