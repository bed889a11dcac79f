package queue

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/okienko/okienko/protocol"
)

// countKind counts the events of one kind in the whole history.
func (b *branch) countKind(kind string) int {
	n := 0
	for _, e := range b.log {
		if e.Body.Kind() == kind {
			n++
		}
	}
	return n
}

// restart folds the history anew, from its bytes, and compares.
func (b *branch) restart() {
	b.t.Helper()
	s := New(time.LoadLocation)
	for _, line := range b.lines {
		e, err := DecodeEvent(line)
		if err != nil {
			b.t.Fatal(err)
		}
		s.Apply(e)
	}
	if was, is := snapshot(b.t, b.s), snapshot(b.t, s); was != is {
		b.t.Fatalf("before the restart\n%s\nafter it\n%s", was, is)
	}
	b.s = s
}

// TestOfficeDay: people inside at closing are still served; then the day ends once.
func TestOfficeDay(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.now = clockTime(16, 5)
	b.do(Tick{})
	if !b.s.Office().Open {
		t.Fatal("the day ended with a visitor inside")
	}
	b.next(1, "a")
	b.do(Finish{Counter: 1})
	b.do(Undo{Counter: 1}) // the last visitor of the day, too
	b.at(1, "a")
	b.do(Finish{Counter: 1})
	b.after(5 * time.Second)
	b.do(Undo{Counter: 1}) // at the last moment
	b.do(Finish{Counter: 1})
	b.after(5*time.Second + time.Millisecond)
	if b.s.Office().Open || b.countKind("day-closed") != 1 {
		t.Fatal("the day did not end")
	}
	b.refused(Take{ID: "x", Service: "A", Override: true}, DayNotOpen)
	b.refused(Undo{Counter: 1}, UndoTooLate)
	b.refused(CloseDay{Reason: "x"}, DayNotOpen)
	b.after(5 * time.Hour)
	b.now = protocol.InstantOf(monday().Add(24 * time.Hour))
	b.do(Tick{})
	if o := b.s.Office(); o.Day != "2026-11-24" || !o.Open || b.countKind("day-opened") != 2 {
		t.Fatalf("Tuesday: %+v", o)
	}
}

// TestMidnightWithPeopleInside: leftovers expire with a reason, once; numbers begin again.
func TestMidnightWithPeopleInside(t *testing.T) {
	b := newBranch(t, nil)
	for _, id := range []string{"a", "b", "c", "d"} {
		b.take(id, "A")
	}
	b.next(1, "a")
	b.noShow(1)
	b.next(1, "b")
	b.do(Park{Ticket: "b"})
	b.next(1, "c")
	b.do(PauseCounter{Counter: 1})
	b.restart()
	b.now = protocol.InstantOf(monday().Add(24 * time.Hour))
	events := b.do(Start{}) // the agent was off over midnight
	want := []string{
		"agent-started", "ticket-expired", "ticket-expired", "ticket-expired", "counter-paused",
		"ticket-expired", "day-closed", "day-opened",
	}
	if got := kinds(events); !slices.Equal(got, want) {
		t.Fatalf("over midnight: %v", got)
	}
	if e := events[1].Body.(TicketExpired); e.Reason != ReasonDayEnd {
		t.Fatalf("reason %q", e.Reason)
	}
	if again := b.do(Tick{}); len(again) != 0 {
		t.Fatalf("a second rollover: %v", kinds(again))
	}
	b.refused(Return{Ticket: "b"}, NoSuchTicket)
	b.refused(RecordPrint{Ticket: "a", Job: 5, Result: PrintResult{State: PrintUnknown}}, NoSuchTicket)
	b.now = clockTime(24+8, 0)
	if got := b.take("e", "A").Number.String(); got != "A1" {
		t.Fatalf("the new day begins with %s", got)
	}
	b.restart()
}

func TestCloseDay(t *testing.T) {
	b := newBranch(t, nil)
	b.do(SetBooking{Booking: bookingAt("k", 12, 0)})
	b.take("a", "A")
	events := b.do(CloseDay{Reason: "awaria prądu"})
	want := []string{"ticket-expired", "booking-expired", "day-closed"}
	if got := kinds(events); !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	b.refused(Take{ID: "x", Service: "A"}, DayNotOpen)
	b.after(12 * time.Hour) // nothing of that day happens any more
}

// TestNoRTC is row 10 for a machine that boots without a clock in the morning: tickets go on in
// the last known day, flagged; when the time is known, people in the hall go over into the day.
func TestNoRTC(t *testing.T) {
	b := newBranch(t, nil)
	b.take("old", "A")
	b.do(CloseCounter{Counter: 1})
	b.restart()
	b.now = protocol.InstantOf(time.Date(1970, 1, 1, 0, 0, 20, 0, time.UTC))
	b.do(Start{Doubt: "no time source"})
	if o := b.s.Office(); !o.Doubted || o.Doubt == "" || o.Day != "2026-11-23" {
		t.Fatalf("%+v", o)
	}
	b.do(Take{ID: "new", Service: "A"})
	if got := b.ticket("new").Number.String(); got != "A2" {
		t.Fatalf("number %s", got)
	}
	b.do(OpenCounter{Counter: 1})
	b.do(CallTicket{Counter: 1, Ticket: "new", Reason: "test"})
	b.do(Take{ID: "newer", Service: "A"})
	b.now = clockTime(24+9, 30)
	events := b.do(TrustClock{})
	want := []string{"clock-trusted", "ticket-expired", "day-closed", "day-opened"}
	if got := kinds(events); !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	b.at(1, "new")
	b.states(map[string]TicketState{"new": StateCalled, "newer": StateWaiting})
	if got := b.take("next", "A").Number.String(); got != "A1" {
		t.Fatalf("the new day begins with %s", got)
	}
	if got := b.take("second", "A").Number.String(); got != "A4" {
		t.Fatalf("A2 and A3 went over into this day, yet %s", got)
	}
	if len(b.do(TrustClock{})) != 0 {
		t.Fatal("trusted twice")
	}
	b.restart()
}

// TestFirstDayInDoubt: a branch that never knew a day issues all the same.
func TestFirstDayInDoubt(t *testing.T) {
	b := emptyBranch(t, protocol.InstantOf(time.Date(1970, 1, 1, 0, 0, 5, 0, time.UTC)))
	b.do(DoubtClock{Reason: "1970"})
	b.refused(Take{ID: "a", Service: "A"}, BadSettings)
	b.do(Configure{Settings: testSettings()})
	b.do(Start{})
	b.do(Take{ID: "a", Service: "A"}) // a Thursday night: hours are not enforced
	if b.s.Office().Day != "1970-01-01" {
		t.Fatalf("%+v", b.s.Office())
	}
	if got := b.after(48 * time.Hour); len(got) != 0 {
		t.Fatalf("the day turned in doubt: %v", kinds(got))
	}
	b.now = clockTime(9, 0)
	b.do(TrustClock{})
	b.states(map[string]TicketState{"a": StateWaiting})
	if b.s.Office().Day != "2026-11-23" {
		t.Fatalf("%+v", b.s.Office())
	}
}

// TestDoubtHoldsTheDay: a jump of the clock that is doubted dumps no bookings and ends no day,
// but bookings still enter by the engine's own time.
func TestDoubtHoldsTheDay(t *testing.T) {
	b := newBranch(t, nil)
	b.do(SetBooking{Booking: bookingAt("k", 9, 0)})
	b.do(DoubtClock{Reason: "jumped"})
	b.now = clockTime(9, 0)
	b.do(Tick{})
	if len(b.s.Waiting()) != 1 {
		t.Fatal("the booking did not enter")
	}
	if got := b.after(40 * 24 * time.Hour); len(got) != 0 {
		t.Fatalf("in doubt: %v", kinds(got))
	}
	b.do(Take{ID: "night", Service: "A"})
}

// TestClockBack: engine time never falls and nothing reorders.
func TestClockBack(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.now = b.now.Add(-3 * time.Hour)
	b.do(Take{ID: "b", Service: "A"})
	if b.ticket("b").Base < b.ticket("a").Base {
		t.Fatal("time fell")
	}
	b.do(Next{Counter: 1})
	b.at(1, "a")
}

// TestChangeDays: both change days have their right length, and hours and bookings keep to the
// wall clock.
func TestChangeDays(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	for day, hours := range map[protocol.Day]int{
		"2026-03-29": 23, "2026-10-25": 25, "2028-02-29": 24, "2026-11-23": 24,
	} {
		b := emptyBranch(t, 0)
		settings := testSettings()
		settings.Hours = protocol.Week{}
		for d := range 7 {
			settings.Hours[d] = []protocol.Period{{Opens: 0, Closes: 1440}}
		}
		date, err := time.ParseInLocation(time.DateOnly, string(day), zone)
		if err != nil {
			t.Fatal(err)
		}
		b.now = protocol.InstantOf(date)
		b.do(Configure{Settings: settings})
		b.do(Start{})
		o := b.s.Office()
		if o.Day != day || o.Closes.Sub(o.Opens) != time.Duration(hours)*time.Hour {
			t.Errorf("%s: %+v has not %d hours", day, o, hours)
		}
		wake, _ := b.s.NextWake()
		if wake.Sub(o.Opens) != time.Duration(hours)*time.Hour {
			t.Errorf("%s turns over at %s", day, wake.Time())
		}
		half := protocol.InstantOf(time.Date(date.Year(), date.Month(), date.Day(), 2, 30, 0, 0, zone))
		k := bookingAt("k", 0, 0)
		k.Day, k.Hour = day, half
		b.do(SetBooking{Booking: k})
		for range 60 {
			b.after(10 * time.Minute)
		}
		if b.countKind("ticket-taken") != 1 {
			t.Errorf("%s: the booking of 2:30 entered %d times", day, b.countKind("ticket-taken"))
		}
		if settings.Hours[0][0].Closes == 1440 && b.countKind("day-opened") != 1 {
			t.Errorf("%s: %d days", day, b.countKind("day-opened"))
		}
	}
}

// TestManyTickets: 1,200 of one service in a day, and then 5,000: the range, the overflow with
// its flag, never a number twice; and the next day begins with 1.
func TestManyTickets(t *testing.T) {
	b := newBranch(t, nil)
	b.do(SetBooking{Booking: bookingAt("k", 15, 0)}) // number A601
	used := map[string]bool{}
	for i := range 5000 {
		events, err := b.s.Decide(Take{ID: protocol.TicketID(strconv.Itoa(i)), Service: "A"}, b.now, Cause{})
		if err != nil {
			t.Fatal(err)
		}
		taken := events[0].Body.(TicketTaken)
		want := fmt.Sprintf("A%d", i+1)
		if i >= 599 {
			want = fmt.Sprintf("A%d", i-599+1001)
		}
		if taken.Number.String() != want || taken.Overflow != (i >= 599) || used[want] {
			t.Fatalf("ticket %d is %+v, want %s", i+1, taken, want)
		}
		used[want] = true
		b.s.Apply(events[0])
	}
	if err := b.s.Check(); err != nil {
		t.Fatal(err)
	}
	if v := b.s.Service("A", b.now); v.Waiting != 5000 || v.Issued != 5000 {
		t.Fatalf("%+v", v)
	}
	events, err := b.s.Decide(CloseDay{}, b.now, Cause{})
	if err != nil || len(events) != 5002 { // the booking expires too
		t.Fatalf("%d events: %v", len(events), err)
	}
	if err := b.s.Check(); err != nil || len(b.s.Waiting()) != 5000 {
		t.Fatalf("deciding has changed the state: %v", err)
	}
}

// TestTailLost: numbers go on well above those that may have been printed, in the next day too.
func TestTailLost(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.do(Start{TailLost: true})
	if got := b.take("b", "A").Number.String(); got != "A22" {
		t.Fatalf("after A1 comes %s", got)
	}
	if got := b.take("c", "C").Number.String(); got != "C21" {
		t.Fatalf("C begins with %s", got)
	}
	b.do(CloseDay{})
	b.now = clockTime(24+8, 0)
	b.do(Tick{})
	if got := b.take("d", "A").Number.String(); got != "A21" {
		t.Fatalf("the day after a lost tail begins with %s", got)
	}
	b.do(CloseDay{})
	b.now = clockTime(48+8, 0)
	b.do(Tick{})
	if got := b.take("e", "A").Number.String(); got != "A1" {
		t.Fatalf("the day after begins with %s", got)
	}
}

// TestManyMissing: what was seen on the card and could not be restored may all have been tickets.
func TestManyMissing(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.do(Start{TailLost: true, Missing: 130})
	if got := b.take("b", "A").Number.String(); got != "A132" {
		t.Fatalf("after A1 and 130 missing events comes %s", got)
	}
}

func TestTailLostAtTheEndOfTheRange(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) {
		s.Services[0].WalkIn = protocol.NumberRange{First: 1, Last: 10}
	})
	b.take("a", "A")
	b.do(Start{TailLost: true})
	if got := b.take("b", "A").Number.String(); got != "A1021" {
		t.Fatalf("beyond the range comes %s", got)
	}
}

// TestSharedLetter: two services of one letter never collide, whatever the settings become.
func TestSharedLetter(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) {
		s.Services[0].WalkIn = protocol.NumberRange{First: 1, Last: 3}
		s.Services[1].Letter = "A"
		s.Services[1].WalkIn = protocol.NumberRange{First: 4, Last: 6}
		s.Services[1].Booked = protocol.NumberRange{}
	})
	var got []string
	for i := range 5 {
		got = append(got, b.take(fmt.Sprintf("a%d", i), "A").Number.String(),
			b.take(fmt.Sprintf("b%d", i), "B").Number.String())
	}
	want := []string{"A1", "A4", "A2", "A5", "A3", "A6", "A1001", "A1002", "A1003", "A1004"}
	if !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	settings := b.s.Settings()
	settings.Services = slices.Clone(settings.Services)
	settings.Services[0].WalkIn, settings.Services[1].WalkIn =
		protocol.NumberRange{First: 5, Last: 8}, protocol.NumberRange{First: 1, Last: 3}
	b.do(Configure{Settings: settings})
	if n := b.take("x", "A").Number.String(); n != "A7" { // A5 and A6 are used
		t.Fatalf("%s", n)
	}
	if n := b.take("y", "B").Number.String(); n != "A1005" {
		t.Fatalf("%s", n)
	}
}

// TestDraining is row 49: a service that is taken out while people wait issues nothing more but
// is served to the end; a counter that is taken out closes when its visitor has left.
func TestDraining(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.take("b", "A")
	b.next(1, "a")
	settings := testSettings()
	settings.Services = settings.Services[1:]
	settings.Counters = []protocol.Counter{
		{ID: 2, Skills: map[protocol.ServiceID]int{"B": 0, "C": 0}},
		{ID: 4, Skills: map[protocol.ServiceID]int{"B": 0}},
	}
	b.do(Configure{Settings: settings})
	if again := b.do(Configure{Settings: settings}); len(again) != 0 {
		t.Fatalf("the same settings again: %v", kinds(again))
	}
	b.refused(Take{ID: "x", Service: "A"}, IssuingIsOff)
	b.refused(ResumeCounter{Counter: 1}, NoSuchCounter)
	if c, ok := b.s.Counter(1); !ok || c.Ticket != "a" {
		t.Fatalf("counter 1: %+v %v", c, ok)
	}
	b.do(Finish{Counter: 1})
	if _, there := b.s.Counter(1); there {
		t.Fatal("counter 1 is still there")
	}
	b.refused(Next{Counter: 1}, NoSuchCounter)
	b.do(OpenCounter{Counter: 2})
	b.next(2, "b")
	b.do(Finish{Counter: 2})
	b.do(Configure{Settings: settings})
	if len(b.s.Settings().Services) != 2 {
		t.Fatal("the service has drained and is still there")
	}
	b.restart()
}

func TestBadSettings(t *testing.T) {
	b := newBranch(t, nil)
	for _, change := range []func(*protocol.Settings){
		func(s *protocol.Settings) { s.Zone = "Europe/Torun" },
		func(s *protocol.Settings) { s.Services[0].Letter = "ą" },
		func(s *protocol.Settings) { s.Services[1].Letter = "A" },
		func(s *protocol.Settings) { s.Counters[0].Skills["Q"] = 1 },
		func(s *protocol.Settings) { s.Rules.MaxCalls = 0 },
		func(s *protocol.Settings) { s.Hours[1] = []protocol.Period{{Opens: 5, Closes: 5}} },
	} {
		settings := testSettings()
		change(&settings)
		b.refused(Configure{Settings: settings}, BadSettings)
	}
}

// TestHoursChange: new closing hours hold for the present day.
func TestHoursChange(t *testing.T) {
	b := newBranch(t, nil)
	settings := testSettings()
	settings.Hours[1] = []protocol.Period{{Opens: 480, Closes: 1080}}
	if got := kinds(b.do(Configure{Settings: settings})); !slices.Equal(got, []string{
		"configured", "hours-changed",
	}) {
		t.Fatalf("%v", got)
	}
	b.now = clockTime(17, 0)
	b.do(Take{ID: "a", Service: "A"})
	if b.s.Office().Closes != clockTime(18, 0) {
		t.Fatal("the day still ends at the old hour")
	}
}

// TestClosedDay: on a holiday the day begins, a supervisor may issue, and it ends at midnight.
func TestClosedDay(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Closed = []protocol.Day{"2026-11-23"} })
	b.refused(Take{ID: "a", Service: "A"}, OutsideHours)
	b.do(Take{ID: "a", Service: "A", Override: true})
	b.now = clockTime(24, 0)
	b.do(Tick{})
	if b.s.Office().Day != "2026-11-24" || b.countKind("day-closed") != 1 {
		t.Fatalf("%+v", b.s.Office())
	}
}

func TestPrintStates(t *testing.T) {
	b := newBranch(t, nil)
	job := b.take("a", "A").Job
	if job != b.s.last || b.ticket("a").Print.State != PrintQueued {
		t.Fatalf("%+v", b.ticket("a"))
	}
	unknown := PrintResult{State: PrintUnknown, Reason: "cover open"}
	printed := PrintResult{State: PrintPrinted, Grade: "A"}
	b.do(RecordPrint{Ticket: "a", Job: job, Result: unknown})
	if again := b.do(RecordPrint{Ticket: "a", Job: job, Result: unknown}); len(again) != 0 {
		t.Fatal("recorded twice")
	}
	b.do(Reprint{Ticket: "a", Mark: MarkReprint})
	second := b.s.last
	b.do(RecordPrint{Ticket: "a", Job: job, Result: printed}) // late news of the first paper
	if v := b.ticket("a"); v.Job != second || v.Print.State != PrintQueued {
		t.Fatalf("%+v", v)
	}
	b.do(RecordPrint{Ticket: "a", Job: second, Result: printed})
	if len(b.do(RecordPrint{Ticket: "a", Job: second, Result: unknown})) != 0 ||
		b.ticket("a").Print != printed {
		t.Fatal("a printed job did not stay printed")
	}
	b.refused(RecordPrint{Ticket: "a", Job: second + 1, Result: printed}, BadValue)
	b.refused(RecordPrint{Ticket: "a", Job: second, Result: PrintResult{State: "?"}}, BadValue)
	b.refused(RecordPrint{Ticket: "a", Job: second, Result: PrintResult{State: PrintPrinted}}, BadValue)
	b.refused(RecordPrint{Ticket: "q", Job: 1, Result: printed}, NoSuchTicket)
	b.do(Take{ID: "n", Service: "A", NoPaper: true})
	if v := b.ticket("n"); v.Job != 0 || v.Print.State != PrintNone {
		t.Fatalf("%+v", v)
	}
	b.do(Cancel{Ticket: "a"})
	b.refused(Reprint{Ticket: "a"}, WrongState)
}

// TestApplyOutOfOrder: an event that does not follow is an error of the program.
func TestApplyOutOfOrder(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("event 2 was applied first")
		}
	}()
	New(time.LoadLocation).Apply(Event{Seq: 2, Body: ClockTrusted{}})
}

// TestUnknownZoneInReplay: the fold does not depend on the machine's time zones.
func TestUnknownZoneInReplay(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	s := New(func(string) (*time.Location, error) { return nil, errors.New("no zones here") })
	for _, e := range b.log {
		s.Apply(e)
	}
	if was, is := snapshot(t, b.s), snapshot(t, s); was != is {
		t.Fatalf("%s\n%s", was, is)
	}
}
