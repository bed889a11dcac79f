package queue

import (
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

// dayAfter moves a calendar date by n days; an ill-formed one stays as it is.
func dayAfter(day protocol.Day, n int) protocol.Day {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return day
	}
	return protocol.Day(t.AddDate(0, 0, n).Format(time.DateOnly))
}

// dayOf is the local date at a moment.
func (s *State) dayOf(at protocol.Instant) protocol.Day {
	return protocol.Day(at.Time().In(s.zone).Format(time.DateOnly))
}

// minute is the moment m minutes after local midnight by the wall clock. On the days when the
// clocks change time.Date picks the moment: a wall time that is left out becomes its neighbour,
// one that comes twice means the first.
func (s *State) minute(day protocol.Day, m int) protocol.Instant {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return 0
	}
	return protocol.InstantOf(time.Date(t.Year(), t.Month(), t.Day(), 0, m, 0, 0, s.zone))
}

// dayEnds is the first moment of the next day.
func (s *State) dayEnds(day protocol.Day) protocol.Instant { return s.minute(dayAfter(day, 1), 0) }

// periods are the opening hours of the branch on a day.
func (s *State) periods(day protocol.Day) []protocol.Period {
	if slices.Contains(s.settings.Closed, day) {
		return nil
	}
	return s.settings.Hours[weekday(day)]
}

func weekday(day protocol.Day) int {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return -1
	}
	return int(t.Weekday())
}

// bounds are the first opening and the last closing of a day. A day without opening hours ends
// at midnight, so that a supervisor may still issue tickets on it.
func (s *State) bounds(day protocol.Day) (opens, closes protocol.Instant) {
	periods := s.periods(day)
	if len(periods) == 0 {
		return s.dayEnds(day), s.dayEnds(day)
	}
	return s.minute(day, periods[0].Opens), s.minute(day, periods[len(periods)-1].Closes)
}

// openFor reports whether the branch and the service are open at a moment of the office day.
func (s *State) openFor(v *protocol.Service, at protocol.Instant) bool {
	day := s.office.day
	in := func(periods []protocol.Period) bool {
		return slices.ContainsFunc(periods, func(p protocol.Period) bool {
			return s.minute(day, p.Opens) <= at && at < s.minute(day, p.Closes)
		})
	}
	return in(s.periods(day)) && (v.Hours == nil || in(v.Hours[weekday(day)]))
}

// doubted reports whether the clock is not to be trusted.
func (s *State) doubted() bool { return s.doubtSeq != 0 }

// working reports whether tickets may be issued and bookings enter: the day has not ended, or
// nobody can say that it has.
func (s *State) working() bool {
	return s.office.day != "" && (s.office.open || s.doubted())
}

// dayMayEnd is the moment from which the day ends, if ever, without anybody doing anything
// more: past closing, nobody inside or still to enter, and nothing that could be undone.
func (s *State) dayMayEnd() (protocol.Instant, bool) {
	if !s.office.open || s.doubted() || len(s.live) > 0 || len(s.due) > 0 {
		return 0, false
	}
	from := s.office.closes
	for _, c := range s.counters {
		if c.LastSeq != 0 {
			from = max(from, c.LastAt+span(s.settings.Rules.UndoSeconds, time.Second)+1)
		}
	}
	return from, true
}

// entersAt is when something happens to a booking by itself: it enters, or with check-in asked
// for, expires.
func (s *State) entersAt(b *booking) protocol.Instant {
	if s.expires(b) {
		return b.Hour + span(s.settings.Rules.CheckInLateMinutes, time.Minute)
	}
	return b.Hour
}

// expires reports whether the booking waits for a check-in.
func (s *State) expires(b *booking) bool { return s.settings.Rules.CheckIn && !b.arrived }

// NextWake gives the moment at which Tick will have something to do if no event comes before;
// it may lie in the past. Without the second result a Tick never has anything to do. It is
// exact: a Tick before that moment gives no events, a Tick at it gives at least one.
func (s *State) NextWake() (protocol.Instant, bool) {
	var wake protocol.Instant
	found := false
	consider := func(at protocol.Instant) {
		if !found || at < wake {
			wake, found = at, true
		}
	}
	if s.zone == nil {
		return 0, false
	}
	switch {
	case s.office.day == "":
		consider(s.at)
	case !s.doubted():
		consider(s.dayEnds(s.office.day))
	}
	if at, ok := s.dayMayEnd(); ok {
		consider(at)
	}
	if s.working() {
		for _, b := range s.due {
			consider(s.entersAt(b))
		}
	}
	if len(s.absent) > 0 {
		for _, id := range s.desks {
			c := s.counters[id]
			if t, from := s.timed(c); t != nil && s.idle(c) {
				consider(from)
			}
		}
	}
	return wake, found
}
