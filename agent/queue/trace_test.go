package queue

import (
	"testing"
	"time"

	"github.com/okienko/okienko/protocol"
)

// trace watches the events as they come and states the invariants of design/3-queue-rules.md
// that speak of a history. It knows only the events and the public view of the state before
// each; its arithmetic is its own.
type trace struct {
	seq     uint64
	at      protocol.Instant
	day     protocol.Day
	closed  bool
	doubt   uint64
	numbers map[protocol.TicketNumber]bool
	entered map[protocol.BookingID]bool
	// finished is the last finish or transfer at a counter with no call, opening or other
	// clearing event since; 0 when none.
	finished map[protocol.CounterID]uint64
	calls    map[protocol.TicketID]int
	missed   map[protocol.TicketID]Event
	maxCalls int
	// callsToday are tickets that were called since the day was opened.
	callsToday map[protocol.TicketID]bool
	seen       map[string]int
}

func newTrace() *trace {
	return &trace{
		numbers: map[protocol.TicketNumber]bool{}, entered: map[protocol.BookingID]bool{},
		finished: map[protocol.CounterID]uint64{}, calls: map[protocol.TicketID]int{},
		missed: map[protocol.TicketID]Event{}, seen: map[string]int{},
		callsToday: map[protocol.TicketID]bool{},
	}
}

// before checks an event against the state that it is about to change.
func (c *trace) before(t testing.TB, s *State, e Event) {
	t.Helper()
	c.seen[e.Body.Kind()]++
	if e.Seq != c.seq+1 || e.At < c.at { // invariant 9
		t.Fatalf("9: event %d at %d follows event %d at %d", e.Seq, e.At, c.seq, c.at)
	}
	c.seq, c.at = e.Seq, e.At
	switch b := e.Body.(type) {
	case Configured:
		c.maxCalls = b.Settings.Rules.MaxCalls
	case ClockDoubted:
		c.doubt = e.Seq
	case TicketTaken:
		c.taken(t, b)
	case TicketCalled:
		c.called(t, s, e, b)
	case TicketMissed:
		c.miss(t, e, b)
	case TicketFinished:
		c.finished[b.Counter] = e.Seq
	case TicketTransferred:
		c.calls[b.Ticket] = 0
		if b.From != 0 {
			c.finished[b.From] = e.Seq
		}
	case CommandUndone:
		c.undone(b)
	case DayOpened, DayClosed:
		c.dayTurns(t, s, e)
	default:
		c.clearToken(e.Body)
	}
}

// clearToken follows the events after which the token is none.
func (c *trace) clearToken(body Body) {
	switch b := body.(type) {
	case CounterOpened:
		delete(c.finished, b.Counter)
	case CounterResumed:
		delete(c.finished, b.Counter)
	case CounterClosed:
		delete(c.finished, b.Counter)
	case CounterPaused:
		delete(c.finished, b.Counter)
	case TicketParked:
		delete(c.finished, b.Counter)
	case TicketCancelled:
		delete(c.finished, b.Counter)
	}
}

func (c *trace) undone(b CommandUndone) {
	for _, v := range b.Counters {
		c.finished[v.ID] = v.Token
	}
	for _, v := range b.Tickets {
		c.calls[v.ID] = v.Calls
		c.missed[v.ID] = Event{Seq: v.MissedSeq, At: v.MissedAt}
	}
}

func (c *trace) taken(t testing.TB, b TicketTaken) {
	t.Helper()
	if c.numbers[b.Number] {
		t.Fatalf("12: number %s twice on %s", b.Number, c.day)
	}
	c.numbers[b.Number] = true
	if b.Booking != "" && c.entered[b.Booking] {
		t.Fatalf("16: booking %s entered twice", b.Booking)
	}
	c.entered[b.Booking] = true
}

func (c *trace) miss(t testing.TB, e Event, b TicketMissed) {
	t.Helper()
	if b.Calls != c.calls[b.Ticket] {
		t.Fatalf("6: %s missed at call %d, had %d", b.Ticket, b.Calls, c.calls[b.Ticket])
	}
	if b.Removed != (b.Calls >= c.maxCalls) {
		t.Fatalf("6: removed is %v after %d calls of %d", b.Removed, b.Calls, c.maxCalls)
	}
	c.missed[b.Ticket] = e
	delete(c.finished, b.Counter)
}

func (c *trace) called(t testing.TB, s *State, e Event, b TicketCalled) {
	t.Helper()
	c.seen["call "+string(b.How)]++
	c.callsToday[b.Ticket] = true
	v, _ := s.Ticket(b.Ticket)
	desk, _ := s.Counter(b.Counter)
	if desk.Status != CounterIsOpen || desk.Ticket != "" {
		t.Fatalf("2: %s called to counter %d: %+v", v.Number, b.Counter, desk)
	}
	if v.State != StateParked && c.calls[b.Ticket] < c.maxCalls {
		c.calls[b.Ticket]++
	}
	if b.Calls != c.calls[b.Ticket] || b.Calls != v.Calls && b.Calls != v.Calls+1 {
		t.Fatalf("6: call %d of %s, counted %d, had %d", b.Calls, v.Number, c.calls[b.Ticket], v.Calls)
	}
	nobody := true
	for o := range s.Tickets() {
		if o.State != StateWaiting || !visible(desk, o) {
			continue
		}
		nobody = false
		if b.How == CallFresh {
			c.overtakes(t, s, desk, v, o)
		}
	}
	finished := c.finished[b.Counter]
	switch b.How {
	case CallFresh:
		c.noRecallDue(t, s, desk, finished)
	case CallRecall: // invariant 5
		if v.State != StateAbsent || finished == 0 || c.missed[b.Ticket].Seq >= finished {
			t.Fatalf("5: %s (%s) recalled at %d after finish %d, no-show %d",
				v.Number, v.State, b.Counter, finished, c.missed[b.Ticket].Seq)
		}
	case CallRecallTimer:
		wait := time.Duration(s.Settings().Rules.RecallSeconds) * time.Second
		if v.State != StateAbsent || !nobody || e.At < c.missed[b.Ticket].At.Add(wait) {
			t.Fatalf("5: %s recalled by timer, nobody waits: %v", v.Number, nobody)
		}
	case CallChosen:
		if b.Reason == "" && v.State != StateParked {
			t.Fatalf("%s called out of order without a reason", v.Number)
		}
	}
	delete(c.finished, b.Counter)
}

func visible(c Counter, t Ticket) bool {
	_, skill := c.Skills[t.Service]
	return skill && (t.Bound == 0 || t.Bound == c.ID)
}

// milliScore is the static key as the document gives it.
func milliScore(s *State, c Counter, t Ticket) int64 {
	r := s.Settings().Rules
	minutes := c.Skills[t.Service]
	if t.Class == Booked {
		minutes -= r.BookedHeadStartMinutes
	}
	if t.Priority {
		minutes -= r.PriorityHeadStartMinutes
	}
	return int64(t.Base) + int64(minutes)*60_000
}

// overtakes checks a fresh call of v while o waits too: invariants 3, 7 and 8.
func (c *trace) overtakes(t testing.TB, s *State, desk Counter, v, o Ticket) {
	t.Helper()
	a, b := milliScore(s, desk, v), milliScore(s, desk, o)
	if b < a || a == b && o.Seq < v.Seq {
		t.Fatalf("3: %s called at %d although %s was before him", v.Number, desk.ID, o.Number)
	}
	moved := o.Base != o.Issued && o.Class == WalkIn || v.Base != v.Issued && v.Class == WalkIn
	if moved || o.Class == Booked || v.Seq < o.Seq || v.ID == o.ID ||
		desk.Skills[v.Service] != desk.Skills[o.Service] {
		return
	}
	if v.Service == o.Service && v.Class == o.Class && v.Priority == o.Priority {
		t.Fatalf("7: %s called before %s", v.Number, o.Number)
	}
	head := time.Duration(s.Settings().Rules.BookedHeadStartMinutes) * time.Minute
	if v.Seq > o.Seq && !v.Priority && (v.Class != Booked || v.Base >= o.Base.Add(head)) {
		t.Fatalf("8: %s overtook walk-in %s", v.Number, o.Number)
	}
}

// noRecallDue is invariant 4.
func (c *trace) noRecallDue(t testing.TB, s *State, desk Counter, finished uint64) {
	t.Helper()
	if finished == 0 || s.Settings().Rules.ServedBetweenCalls != 1 {
		return
	}
	for o := range s.Tickets() {
		if o.State == StateAbsent && visible(desk, o) && (o.Home == 0 || o.Home == desk.ID) &&
			c.missed[o.ID].Seq < finished {
			t.Fatalf("4: fresh call at %d although %s is to be recalled", desk.ID, o.Number)
		}
	}
}

// dayTurns checks that days only go forward, end once, and leave nobody behind.
func (c *trace) dayTurns(t testing.TB, s *State, e Event) {
	t.Helper()
	for v := range s.Tickets() {
		if !v.State.Terminal() && (c.doubt == 0 || v.Seq < c.doubt) {
			t.Fatalf("1: %s is %s at the end of %s", v.Number, v.State, c.day)
		}
	}
	switch b := e.Body.(type) {
	case DayClosed:
		if b.Day != c.day || c.closed {
			t.Fatalf("day %s closed, present day %s, closed %v", b.Day, c.day, c.closed)
		}
		c.closed = true
	case DayOpened:
		if b.Day <= c.day || c.day != "" && !c.closed {
			t.Fatalf("day %s opened after %s, closed %v", b.Day, c.day, c.closed)
		}
		c.day, c.closed = b.Day, false
		c.numbers = map[protocol.TicketNumber]bool{}
		for v := range s.Tickets() {
			if !v.State.Terminal() {
				c.numbers[v.Number] = true // goes over into the new day
			}
		}
		clear(c.finished)
		clear(c.callsToday)
	}
}
