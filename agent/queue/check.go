package queue

import (
	"errors"
	"fmt"
	"slices"

	"github.com/okienko/okienko/protocol"
)

// Check states what must be true of every state, whatever led to it; nil when it is. The numbers
// are those of the invariants in design/3-queue-rules.md; what can only be said of a whole
// history is checked by the tests' trace checker. It costs time in the order of the day's tickets.
func (s *State) Check() error {
	f := &findings{}
	for _, id := range s.order {
		s.checkTicket(f, s.tickets[id])
	}
	for _, id := range s.desks {
		s.checkCounter(f, s.counters[id])
	}
	s.checkLists(f)
	s.checkBookings(f)
	if s.trying || len(s.taken) > 0 {
		f.add("a decision has not been taken back")
	}
	return errors.Join(f.list...)
}

type findings struct{ list []error }

func (f *findings) add(format string, args ...any) {
	f.list = append(f.list, fmt.Errorf(format, args...))
}

func (f *findings) must(ok bool, format string, args ...any) {
	if !ok {
		f.add(format, args...)
	}
}

func (s *State) checkTicket(f *findings, t *ticket) {
	name := t.Number.String()
	switch t.State {
	case StateCalled, StateServing:
		c := s.counters[t.Counter]
		f.must(c != nil && c.Ticket == t.ID, "2: %s is %s at counter %d, which does not hold it",
			name, t.State, t.Counter)
		f.must(t.Calls >= 1, "6: %s is %s without a call", name, t.State)
	case StateParked:
		f.must(s.statusOf(t.Counter) == CounterIsOpen, "%s is parked at counter %d, which is %s",
			name, t.Counter, s.statusOf(t.Counter))
	case StateAbsent:
		f.must(t.Calls >= 1 && t.MissedSeq > 0, "6: %s is absent after %d calls", name, t.Calls)
		s.checkHome(f, t)
	case StateWaiting:
	case StateServed, StateRemoved, StateCancelled, StateExpired:
		f.must(t.EndedAt > 0, "1: %s is %s but has no end", name, t.State)
	case StateBooked:
		f.add("1: %s is a ticket before its booking entered", name)
	}
	held := t.State == StateCalled || t.State == StateServing || t.State == StateParked
	f.must(held == (t.Counter != 0), "2: %s is %s with counter %d", name, t.State, t.Counter)
	f.must(t.Home == 0 || t.State == StateAbsent, "14: %s is %s with a home", name, t.State)
	if t.Bound != 0 {
		f.must(s.statusOf(t.Bound) != CounterIsClosed, "%s is bound to closed counter %d", name, t.Bound)
		_, skill := s.counters[t.Bound].Skills[t.Service]
		f.must(skill || held, "%s is bound to counter %d, which lacks the skill", name, t.Bound)
	}
	f.must(s.numbers[t.Number] == t.ID, "12: number %s belongs to ticket %s too", name, s.numbers[t.Number])
}

// checkHome is invariant 14, and that the home has the skill.
func (s *State) checkHome(f *findings, t *ticket) {
	if t.Home == 0 {
		return
	}
	f.must(s.statusOf(t.Home) == CounterIsOpen, "14: %s is homed at counter %d, which is %s",
		t.Number, t.Home, s.statusOf(t.Home))
	if c := s.counters[t.Home]; c != nil {
		_, skill := c.Skills[t.Service]
		f.must(skill, "14: %s is homed at counter %d, which lacks the skill", t.Number, t.Home)
	}
}

// statusOf is the status of a counter; one that is not there is closed.
func (s *State) statusOf(id protocol.CounterID) CounterStatus {
	if c := s.counters[id]; c != nil {
		return c.Status
	}
	return CounterIsClosed
}

func (s *State) checkCounter(f *findings, c *counter) {
	t := s.tickets[c.Ticket]
	switch {
	case c.Ticket == "":
		f.must(c.Leaving == "", "counter %d is free and still to be %s", c.ID, c.Leaving)
		f.must(!c.gone, "counter %d is free and should be gone", c.ID)
	case t == nil:
		f.add("2: counter %d holds an unknown ticket", c.ID)
	default:
		f.must(t.Counter == c.ID && (t.State == StateCalled || t.State == StateServing),
			"2: counter %d holds %s, which is %s at %d", c.ID, t.Number, t.State, t.Counter)
		f.must(c.Status == CounterIsOpen, "2: counter %d is %s with a visitor", c.ID, c.Status)
		f.must(c.Token == 0, "4: counter %d kept its token through a call", c.ID)
	}
	f.must(c.Token <= s.last, "9: counter %d has a token of the future", c.ID)
	f.must(c.Token == 0 || c.Status == CounterIsOpen, "counter %d is %s with a token", c.ID, c.Status)
}

// checkLists compares the lists with what the tickets themselves say.
func (s *State) checkLists(f *findings) {
	var live, waiting, absent int
	for _, t := range s.tickets {
		if !t.State.Terminal() {
			live++
		}
		switch t.State {
		case StateWaiting:
			waiting++
		case StateAbsent:
			absent++
		default:
		}
	}
	same := func(what string, list []*ticket, n int, order func(a, b *ticket) int) {
		f.must(len(list) == n, "1: %d tickets %s, %d in the list", n, what, len(list))
		f.must(slices.IsSortedFunc(list, order), "3: the list of tickets %s is out of order", what)
		for _, t := range list {
			f.must(s.tickets[t.ID] == t, "1: the list of tickets %s holds an old record", what)
		}
	}
	same("live", s.live, live, bySeq)
	same("waiting", s.waiting, waiting, s.byKey)
	same("absent", s.absent, absent, byMiss)
	f.must(len(s.order) == len(s.tickets) && len(s.numbers) == len(s.tickets),
		"12: %d tickets, %d numbers", len(s.tickets), len(s.numbers))
	f.must(slices.IsSorted(s.desks) && len(s.desks) == len(s.counters), "the counters are out of order")
}

func (s *State) checkBookings(f *findings) {
	due := 0
	entered := map[protocol.TicketID]protocol.BookingID{}
	for id, b := range s.bookings {
		if s.isDue(b) {
			due++
			f.must(slices.Contains(s.due, b), "16: booking %s is due and not in the list", id)
		}
		f.must((b.state == bookingEntered) == (b.ticket != ""), "16: booking %s has ticket %q", id, b.ticket)
		if other, twice := entered[b.ticket]; twice && b.ticket != "" && other != id {
			f.add("16: bookings %s and %s are one ticket", id, other)
		}
		entered[b.ticket] = id
	}
	f.must(due == len(s.due), "16: %d bookings are due, %d in the list", due, len(s.due))
	f.must(slices.IsSortedFunc(s.due, byHour), "the due bookings are out of order")
}
