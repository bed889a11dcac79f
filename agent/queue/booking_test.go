package queue

import (
	"slices"
	"testing"
	"time"

	"github.com/okienko/okienko/protocol"
)

// bookingAt is a booking of service A on the test's Monday, number A601.
func bookingAt(id string, hour, minute int) protocol.Booking {
	return protocol.Booking{
		ID: protocol.BookingID(id), Service: "A", Language: protocol.Polish,
		Number: protocol.TicketNumber{Letter: "A", N: 601}, Day: "2026-11-23",
		Hour: clockTime(hour, minute), CodeHash: protocol.TokenHash("code-" + id),
		TokenHash: protocol.TokenHash("token-" + id),
	}
}

// TestBookingEnters: by itself at its hour, with base = hour, before walk-ins of the last hour.
func TestBookingEnters(t *testing.T) {
	b := newBranch(t, nil)
	b.do(SetBooking{Booking: bookingAt("k", 10, 0)})
	if again := b.do(SetBooking{Booking: bookingAt("k", 10, 0)}); len(again) != 0 {
		t.Fatal("set twice")
	}
	b.now = clockTime(8, 59)
	b.do(Take{ID: "early", Service: "A"})
	b.now = clockTime(9, 30)
	b.do(Take{ID: "later", Service: "A"})
	if wake, _ := b.s.NextWake(); wake != clockTime(10, 0) {
		t.Fatalf("wakes at %s", wake.Time())
	}
	b.now = clockTime(10, 2)
	b.do(Tick{})
	v := b.ticket("k")
	if v.State != StateWaiting || v.Base != clockTime(10, 0) || v.Class != Booked ||
		v.Number.String() != "A601" || v.Print.State != PrintNone || v.Ahead != 1 {
		t.Fatalf("%+v", v)
	}
	b.next(1, "early")
	b.next(1, "k")
	b.next(1, "later")
}

// TestLateBooking is row 43: enters at once with base = hour, flagged; a past day expires.
func TestLateBooking(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Rules.CheckIn = true })
	b.now = clockTime(11, 0)
	events := b.do(SetBooking{Booking: bookingAt("k", 10, 0)})
	if got := kinds(events); !slices.Equal(got, []string{"booking-set", "ticket-taken"}) {
		t.Fatalf("%v", got)
	}
	if taken := events[1].Body.(TicketTaken); !taken.LateSync || taken.Base != clockTime(10, 0) {
		t.Fatalf("%+v", taken)
	}
	past := bookingAt("p", 10, 0)
	past.Day = "2026-11-20"
	if set := b.do(SetBooking{Booking: past})[0].Body.(BookingSet); set.Note != NoteExpired {
		t.Fatalf("%+v", set)
	}
	if len(b.do(SetBooking{Booking: past})) != 0 {
		t.Fatal("reported twice")
	}
}

// TestCheckInIsNotWaived: only an hour that the branch first hears of after it waives it.
func TestCheckInIsNotWaived(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Rules.CheckIn = true })
	k := bookingAt("k", 10, 0)
	b.do(SetBooking{Booking: k})
	b.now = clockTime(10, 5)
	k.Language = protocol.English
	if got := kinds(b.do(SetBooking{Booking: k})); !slices.Equal(got, []string{"booking-set"}) {
		t.Fatalf("%v", got)
	}
}

// TestBookedAnew: who did not check in may be booked for another hour; any other change of the
// booking leaves it expired.
func TestBookedAnew(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Rules.CheckIn = true })
	k := bookingAt("k", 10, 0)
	b.do(SetBooking{Booking: k})
	b.now = clockTime(10, 20)
	b.do(Tick{})
	k.Language = protocol.English
	b.do(SetBooking{Booking: k})
	if len(b.s.Expected()) != 0 {
		t.Fatal("it came back")
	}
	k.Hour = clockTime(11, 0)
	b.do(SetBooking{Booking: k})
	if len(b.s.Expected()) != 1 {
		t.Fatal("it was not booked anew")
	}
}

// TestBookingKeepsTheDayOpen: a sold booking enters even after closing.
func TestBookingKeepsTheDayOpen(t *testing.T) {
	b := newBranch(t, nil)
	b.do(SetBooking{Booking: bookingAt("k", 16, 30)})
	b.now = clockTime(16, 10)
	b.do(Tick{})
	b.now = clockTime(16, 30)
	b.do(Tick{})
	b.states(map[string]TicketState{"k": StateWaiting})
}

// TestWalkInsLeaveBookedNumbersAlone, even where the ranges are wrong.
func TestWalkInsLeaveBookedNumbersAlone(t *testing.T) {
	b := newBranch(t, nil)
	k := bookingAt("k", 10, 0)
	k.Number.N = 2
	b.do(SetBooking{Booking: k})
	for i, want := range []string{"A1", "A3"} {
		if got := b.take(string(rune('a'+i)), "A").Number.String(); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// TestTwoBookingsOneNumber: no number twice comes before everything else.
func TestTwoBookingsOneNumber(t *testing.T) {
	b := newBranch(t, nil)
	b.do(SetBooking{Booking: bookingAt("k", 9, 0)})
	b.do(SetBooking{Booking: bookingAt("l", 9, 0)})
	b.after(time.Hour)
	if k, l := b.ticket("k").Number.String(), b.ticket("l").Number.String(); k != "A601" || l != "A1001" {
		t.Fatalf("%s %s", k, l)
	}
}

func TestMovedAndCancelledBookings(t *testing.T) {
	b := newBranch(t, nil)
	k := bookingAt("k", 10, 0)
	b.do(SetBooking{Booking: k})
	k.Hour = clockTime(11, 0)
	b.do(SetBooking{Booking: k})
	b.now = clockTime(10, 30)
	b.do(Tick{})
	if len(b.s.Waiting()) != 0 {
		t.Fatal("entered at the old hour")
	}
	k.Cancelled = true
	b.do(SetBooking{Booking: k})
	k.Cancelled = false
	if len(b.do(SetBooking{Booking: k})) != 0 {
		t.Fatal("a cancelled booking came back")
	}
	b.now = clockTime(12, 0)
	if len(b.do(Tick{})) != 0 {
		t.Fatal("a cancelled booking entered")
	}
	b.refused(CheckIn{CodeHash: "code-k"}, WrongState)

	// Cancelled too late: who only waits by his hour is taken out, who checked in stays.
	for _, id := range []string{"x", "y"} {
		b.do(SetBooking{Booking: bookingAt(id, 13, 0)})
	}
	b.now = clockTime(13, 1)
	b.do(CheckIn{CodeHash: "code-y"})
	for _, id := range []string{"x", "y"} {
		gone := bookingAt(id, 13, 0)
		gone.Cancelled = true
		events := b.do(SetBooking{Booking: gone})
		if note := events[0].Body.(BookingSet).Note; (note == NoteEntered) != (id == "y") {
			t.Fatalf("%s: note %q", id, note)
		}
	}
	b.states(map[string]TicketState{"x": StateCancelled, "y": StateWaiting})
}

// TestMovedAfterEntering: a booking enters at most once; the change is reported.
func TestMovedAfterEntering(t *testing.T) {
	b := newBranch(t, nil)
	k := bookingAt("k", 9, 0)
	b.do(SetBooking{Booking: k})
	b.after(time.Hour)
	k.Hour = clockTime(12, 0)
	if set := b.do(SetBooking{Booking: k})[0].Body.(BookingSet); set.Note != NoteEntered {
		t.Fatalf("%+v", set)
	}
	b.now = clockTime(12, 1)
	b.do(Tick{})
	if n := b.countKind("ticket-taken"); n != 1 {
		t.Fatalf("entered %d times", n)
	}
}

func TestCheckInOption(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Rules.CheckIn = true })
	for _, id := range []string{"early", "late", "never", "gone"} {
		b.do(SetBooking{Booking: bookingAt(id, 10, 0)})
	}
	b.refused(CheckIn{CodeHash: "code-early"}, TooEarly) // two hours before
	b.refused(CheckIn{CodeHash: "code-nobody"}, NoSuchBooking)
	b.now = clockTime(9, 50)
	b.do(CheckIn{CodeHash: "code-early"})
	gone := bookingAt("early", 10, 0)
	gone.Cancelled = true
	if set := b.do(SetBooking{Booking: gone})[0].Body.(BookingSet); set.Note != NoteEntered {
		t.Fatal("a check-in beats a cancel")
	}
	b.now = clockTime(10, 0)
	b.do(Tick{})
	if got := len(b.s.Waiting()); got != 1 {
		t.Fatalf("%d entered at the hour", got)
	}
	b.now = clockTime(10, 14)
	b.do(CheckIn{CodeHash: "token-late"})
	if v := b.ticket("late"); v.Base != clockTime(10, 0) {
		t.Fatalf("%+v", v)
	}
	b.now = clockTime(10, 15)
	if got := kinds(b.do(Tick{})); !slices.Equal(got, []string{"booking-expired", "booking-expired"}) {
		t.Fatalf("%v", got)
	}
	b.now = clockTime(11, 0)
	events := b.do(CheckIn{CodeHash: "code-never", ID: "walk", Token: "w"})
	if taken := events[0].Body.(TicketTaken); taken.Class != WalkIn || taken.Again != "never" ||
		taken.Number.String() != "A1" {
		t.Fatalf("%+v", taken)
	}
	b.refused(CheckIn{CodeHash: "code-never", ID: "walk2"}, WrongState)
}

// TestReentry: within 15 minutes of his removal a booked visitor gets a walk-in ticket.
func TestReentry(t *testing.T) {
	b := newBranch(t, nil)
	for _, id := range []string{"k", "l"} {
		b.do(SetBooking{Booking: bookingAt(id, 9, 0)})
	}
	b.now = clockTime(9, 0)
	b.do(Tick{})
	for range 6 {
		if c, _ := b.s.Counter(1); c.Ticket == "" {
			b.do(Next{Counter: 1})
		}
		b.noShow(1)
		b.after(3 * time.Minute)
	}
	b.states(map[string]TicketState{"k": StateRemoved, "l": StateRemoved})
	if k, id, ok := b.s.BookingByHash("code-k"); !ok || k.ID != "k" || id != "k" {
		t.Fatalf("%+v %s %v", k, id, ok)
	}
	b.refused(Return{Ticket: "l"}, WrongState)
	b.do(CheckIn{CodeHash: "code-l", ID: "walk", Token: "w"})
	if v := b.ticket("walk"); v.Class != WalkIn || v.Print.State != PrintQueued || v.Booking != "" {
		t.Fatalf("%+v", v)
	}
	b.after(20 * time.Minute)
	b.refused(CheckIn{CodeHash: "code-k", ID: "walk2"}, WrongState)
}

// TestCheckInOfAbsent brings him back; and other days are told apart.
func TestCheckInOfAbsent(t *testing.T) {
	b := newBranch(t, nil)
	b.do(SetBooking{Booking: bookingAt("k", 9, 0)})
	tomorrow := bookingAt("m", 9, 0)
	tomorrow.Day, tomorrow.Hour = "2026-11-24", clockTime(33, 0)
	b.do(SetBooking{Booking: tomorrow})
	b.refused(CheckIn{CodeHash: "code-m"}, TooEarly)
	b.now = clockTime(9, 0)
	b.next(1, "k")
	b.noShow(1)
	events := b.do(CheckIn{CodeHash: "code-k"})
	if got := kinds(events); !slices.Equal(got, []string{"booking-arrived", "ticket-returned"}) {
		t.Fatalf("%v", got)
	}
	b.next(1, "k")
	b.do(Finish{Counter: 1})
	b.refused(CheckIn{CodeHash: "code-k"}, WrongState)
	b.now = clockTime(24+8, 0)
	b.do(Tick{})
	b.refused(CheckIn{CodeHash: "code-k"}, DayNotOpen)
}

// TestBookingsOfSkippedDays: the agent was off for days; they expire, and today's enter.
func TestBookingsOfSkippedDays(t *testing.T) {
	b := newBranch(t, nil)
	for i, day := range []protocol.Day{"2026-11-24", "2026-11-25", "2026-11-26"} {
		k := bookingAt(string(day), 24*(i+1)+9, 0)
		k.Day = day
		b.do(SetBooking{Booking: k})
	}
	b.now = clockTime(24*3+10, 0)
	got := kinds(b.do(Start{}))
	want := []string{"agent-started", "day-closed", "booking-expired", "booking-expired", "day-opened", "ticket-taken"}
	if !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
}
