package queue

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

// fold writes one event into the state. It decides nothing: whatever depends on rules, time
// zones or the clock stands in the event.
func (s *State) fold(e Event) {
	s.last, s.at = e.Seq, e.At
	if e.Part == 0 {
		s.command = nil
		if id := commandOf(e.Body); id != 0 {
			s.command = &command{since: e.Seq, at: e.At}
			set(s, s.commands, id, s.command)
			s.editCounter(id, e.Seq, func(c *counter) { c.LastSeq, c.LastAt = e.Seq, e.At })
		}
	}
	if s.command != nil {
		s.command.until = e.Seq
	}
	e.Body.fold(s, e)
}

func (b AgentStarted) fold(s *State, _ Event) {
	if !b.TailLost {
		return
	}
	gap := max(tailLostGap, b.Missing)
	s.gap = gap
	for id, v := range s.services {
		r := s.seriesOf(id)
		r.last = max(r.last, v.WalkIn.First-1) + gap
		set(s, s.series, id, r)
	}
	letters := map[string]bool{}
	for _, v := range s.services {
		letters[v.Letter] = true
	}
	for letter := range letters {
		set(s, s.overflow, letter, s.lastOverflow(letter)+gap)
	}
}

func (b ClockDoubted) fold(s *State, e Event) { s.doubt, s.doubtSeq = b.Reason, e.Seq }

func (ClockTrusted) fold(s *State, _ Event) { s.doubt, s.doubtSeq = "", 0 }

// bookingsKept is how long a settled booking is remembered, so that it neither enters twice nor
// comes back after it was cancelled. The window of bookings is 30 days.
const bookingsKept = 31

// The live tickets at this moment, if any, are those that were issued in doubt; the rest of the
// old day is forgotten.
func (b DayOpened) fold(s *State, e Event) {
	old := s.facts
	s.undoably(func() {
		s.office, s.today = old.office, old.today
		s.due, s.live, s.waiting, s.absent = old.due, old.live, old.waiting, old.absent
	})
	s.office = officeDay{day: b.Day, opens: b.Opens, closes: b.Closes, open: true, gap: s.gap}
	s.gap = 0
	s.today = newToday()
	s.due, s.live, s.waiting, s.absent = nil, nil, nil, nil
	s.command = nil
	for _, t := range old.live {
		s.putTicket(t)
	}
	for _, id := range s.desks {
		s.editCounter(id, e.Seq, func(c *counter) {
			c.Token, c.LastSeq, c.LastAt = 0, 0, 0
		})
	}
	forget := dayAfter(b.Day, -bookingsKept)
	for id, k := range s.bookings {
		switch {
		case k.Day < forget:
			unset(s, s.bookings, id)
		case s.isDue(k):
			insert(s, &s.due, k, byHour)
		}
	}
}

func (b HoursChanged) fold(s *State, _ Event) {
	s.office.opens, s.office.closes = b.Opens, b.Closes
}

func (b DayClosed) fold(s *State, _ Event) { s.office.open = false }

func (b TicketTaken) fold(s *State, e Event) {
	t := &ticket{changed: e.Seq, Ticket: Ticket{
		ID: b.Ticket, Number: b.Number, Service: b.Service, Class: b.Class, Priority: b.Priority,
		State: StateWaiting, Language: b.Language, TokenHash: b.TokenHash, Booking: b.Booking,
		Base: b.Base, Seq: e.Seq, Issued: e.At, Ahead: b.Ahead, Wait: b.Wait,
		Job: e.Seq, Print: PrintResult{State: PrintQueued},
	}}
	if b.NoPaper {
		t.Job, t.Print.State = 0, PrintNone
	}
	s.putTicket(t)
	r := s.seriesOf(b.Service)
	if b.Class == WalkIn {
		r.issued++
	}
	switch {
	case b.Overflow:
		set(s, s.overflow, b.Number.Letter, max(s.overflow[b.Number.Letter], b.Number.N))
	case b.Class == WalkIn:
		r.last = b.Number.N
	}
	set(s, s.series, b.Service, r)
	if b.Booking != "" {
		s.editBooking(b.Booking, func(k *booking) { k.state, k.ticket = bookingEntered, b.Ticket })
	}
	if b.Again != "" {
		s.editBooking(b.Again, func(k *booking) { k.again = true })
	}
}

func (b TicketCalled) fold(s *State, e Event) {
	s.editTicket(b.Ticket, e.Seq, func(t *Ticket) {
		t.State, t.Calls, t.CalledAt = StateCalled, b.Calls, e.At
		t.Counter, t.Home = b.Counter, 0
	})
	s.editCounter(b.Counter, e.Seq, func(c *counter) { c.Ticket, c.Token = b.Ticket, 0 })
	t := s.tickets[b.Ticket]
	s.calls = append(s.calls, Call{
		Seq: e.Seq, At: e.At, Ticket: t.ID, Number: t.Number, Service: t.Service,
		Counter: b.Counter, How: b.How,
	})
}

func (CallRepeated) fold(*State, Event) {}

func (b ServiceStarted) fold(s *State, e Event) {
	s.editTicket(b.Ticket, e.Seq, func(t *Ticket) { t.State = StateServing })
}

func (b TicketMissed) fold(s *State, e Event) {
	c := s.counters[b.Counter]
	s.editTicket(b.Ticket, e.Seq, func(t *Ticket) {
		t.Counter, t.MissedSeq, t.MissedAt, t.MissedServed = 0, e.Seq, e.At, c.Served
		t.State, t.Home = StateAbsent, b.Counter
		if _, skill := c.Skills[t.Service]; !skill { // it was taken away during the call
			t.Home = 0
		}
	})
	if b.Removed {
		s.endTicket(b.Ticket, StateRemoved, e)
	}
	s.freeCounter(b.Counter, e.Seq, 0)
}

func (b TicketFinished) fold(s *State, e Event) {
	s.endTicket(b.Ticket, StateServed, e)
	s.freeCounter(b.Counter, e.Seq, e.Seq)
}

func (b TicketTransferred) fold(s *State, e Event) {
	s.editTicket(b.Ticket, e.Seq, func(t *Ticket) {
		t.State, t.Calls, t.Counter, t.Home = StateWaiting, 0, 0, 0
		t.Service, t.Base = b.Service, b.Base
		t.Bound, t.BackTo, t.BackService = b.Bound, b.BackTo, b.BackService
	})
	if b.From != 0 {
		s.freeCounter(b.From, e.Seq, e.Seq)
	}
}

func (b TicketParked) fold(s *State, e Event) {
	s.editTicket(b.Ticket, e.Seq, func(t *Ticket) { t.State = StateParked })
	s.freeCounter(b.Counter, e.Seq, 0)
}

func (b TicketReturned) fold(s *State, e Event) {
	s.editTicket(b.Ticket, e.Seq, waitAgain)
}

func waitAgain(t *Ticket) { t.State, t.Counter, t.Home = StateWaiting, 0, 0 }

func (b TicketPostponed) fold(s *State, e Event) {
	s.editTicket(b.Ticket, e.Seq, func(t *Ticket) { t.Base, t.WasLate = b.Base, true })
}

func (b TicketCancelled) fold(s *State, e Event) {
	s.endTicket(b.Ticket, StateCancelled, e)
	if b.Counter != 0 {
		s.freeCounter(b.Counter, e.Seq, 0)
	}
}

func (b TicketExpired) fold(s *State, e Event) {
	t := s.tickets[b.Ticket]
	held := t.State == StateCalled || t.State == StateServing
	s.endTicket(b.Ticket, StateExpired, e)
	if held {
		s.freeCounter(t.Counter, e.Seq, 0)
	}
}

func (s *State) endTicket(id protocol.TicketID, state TicketState, e Event) {
	s.editTicket(id, e.Seq, func(t *Ticket) {
		t.State, t.EndedAt = state, e.At
		t.Counter, t.Home, t.Bound = 0, 0, 0
	})
}

// freeCounter ends the counter's visit. The token is set by a finish or transfer and else none.
func (s *State) freeCounter(id protocol.CounterID, seq, token uint64) {
	s.editCounter(id, seq, func(c *counter) {
		c.Ticket, c.Token = "", token
		if token != 0 {
			c.Served++
		}
	})
}

func (b ReprintAsked) fold(s *State, e Event) {
	t := *s.tickets[b.Ticket]
	t.Job, t.Mark, t.Print = e.Seq, b.Mark, PrintResult{State: PrintQueued}
	s.putTicket(&t)
}

// The result of an older job is kept in the journal but does not describe the present paper.
func (b PrintRecorded) fold(s *State, _ Event) {
	t := *s.tickets[b.Ticket]
	if b.Job != t.Job {
		return
	}
	t.Print = b.Result
	s.putTicket(&t)
}

func (b BookingSet) fold(s *State, _ Event) {
	k := booking{Booking: b.Booking}
	if old := s.bookings[b.Booking.ID]; old != nil {
		k = *old
		k.Booking = b.Booking
		moved := old.Day != k.Day || old.Hour != k.Hour
		if moved && old.state == bookingExpired && b.Note == "" && !k.Cancelled {
			k.state, k.arrived = bookingPending, false // booked anew for another time
		}
	}
	if b.Note == NoteExpired {
		k.state = bookingExpired
	}
	s.putBooking(&k)
}

func (b BookingArrived) fold(s *State, _ Event) {
	s.editBooking(b.Booking, func(k *booking) { k.arrived = true })
}

func (b BookingExpired) fold(s *State, _ Event) {
	s.editBooking(b.Booking, func(k *booking) { k.state = bookingExpired })
}

func (b CounterOpened) fold(s *State, e Event) {
	s.editCounter(b.Counter, e.Seq, func(c *counter) {
		c.Status, c.Clerk, c.Token, c.Leaving = CounterIsOpen, b.Clerk, 0, ""
	})
}

func (b CounterClosed) fold(s *State, e Event) {
	s.leave(b.Counter, CounterIsClosed, e.Seq)
	if s.counters[b.Counter].gone {
		s.deleteCounter(b.Counter)
	}
}

func (b CounterPaused) fold(s *State, e Event) { s.leave(b.Counter, CounterIsPaused, e.Seq) }

func (b CounterResumed) fold(s *State, e Event) {
	s.editCounter(b.Counter, e.Seq, func(c *counter) { c.Status, c.Token = CounterIsOpen, 0 })
}

func (b LeaveAsked) fold(s *State, e Event) {
	s.editCounter(b.Counter, e.Seq, func(c *counter) {
		c.Leaving = b.To
		if b.To == CounterIsOpen {
			c.Leaving = ""
		}
	})
}

// leave ends or interrupts the work of a free counter: absent tickets lose their home, parked
// ones wait again, and when it closes the bonds fall.
func (s *State) leave(id protocol.CounterID, to CounterStatus, seq uint64) {
	s.editCounter(id, seq, func(c *counter) {
		c.Status, c.Token, c.Leaving = to, 0, ""
		if to == CounterIsClosed {
			c.Clerk = ""
		}
	})
	for _, t := range slices.Clone(s.live) {
		switch {
		case t.State == StateParked && t.Counter == id:
			s.editTicket(t.ID, seq, waitAgain)
		case t.State == StateAbsent && t.Home == id:
			s.editTicket(t.ID, seq, func(t *Ticket) { t.Home = 0 })
		}
	}
	if to == CounterIsClosed {
		s.dropBonds(id, seq, func(*ticket) bool { return true })
	}
}

func (s *State) dropBonds(id protocol.CounterID, seq uint64, falls func(*ticket) bool) {
	for _, t := range slices.Clone(s.live) {
		if t.Bound == id && falls(t) {
			s.editTicket(t.ID, seq, func(t *Ticket) { t.Bound = 0 })
		}
	}
}

func (s *State) deleteCounter(id protocol.CounterID) {
	remove(s, &s.desks, id, cmp.Compare[protocol.CounterID])
	unset(s, s.counters, id)
	unset(s, s.commands, id)
}

func (b SkillsSet) fold(s *State, e Event) { s.giveSkills(b.Counter, b.Skills, e.Seq) }

// giveSkills replaces the skills; with a lost skill homes and bonds fall.
func (s *State) giveSkills(
	id protocol.CounterID, skills map[protocol.ServiceID]int, seq uint64,
) {
	if maps.Equal(s.counters[id].Skills, skills) {
		return
	}
	s.editCounter(id, seq, func(c *counter) { c.Skills = skills })
	lost := func(t *ticket) bool { _, kept := skills[t.Service]; return !kept }
	for _, t := range slices.Clone(s.absent) {
		if t.Home == id && lost(t) {
			s.editTicket(t.ID, seq, func(t *Ticket) { t.Home = 0 })
		}
	}
	s.dropBonds(id, seq, lost)
}

func (b IssuingSet) fold(s *State, _ Event) {
	r := s.seriesOf(b.Service)
	r.mode, r.override = b.Mode, b.Override
	set(s, s.series, b.Service, r)
}

func (b Configured) fold(s *State, e Event) {
	settings, services, waiting := s.settings, s.services, s.waiting
	s.undoably(func() { s.settings, s.services, s.waiting = settings, services, waiting })
	s.applySettings(&b.Settings)
	s.waiting = slices.SortedFunc(slices.Values(waiting), s.byKey) // head starts may differ
	kept := map[protocol.CounterID]bool{}
	for i := range b.Settings.Counters {
		c := &b.Settings.Counters[i]
		kept[c.ID] = true
		s.foldCounter(c, e.Seq)
	}
	for _, id := range slices.Clone(s.desks) {
		if !kept[id] {
			s.dismissCounter(id, e.Seq)
		}
	}
}

// applySettings takes over settings with what is derived from them alone.
func (s *State) applySettings(settings *protocol.Settings) {
	s.settings = settings
	s.services = make(map[protocol.ServiceID]*protocol.Service, len(settings.Services))
	for i := range settings.Services {
		s.services[settings.Services[i].ID] = &settings.Services[i]
	}
	s.zone = time.UTC
	if zone, err := s.zones(settings.Zone); err == nil {
		s.zone = zone
	}
}

func (s *State) foldCounter(c *protocol.Counter, seq uint64) {
	skills := c.Skills
	if skills == nil {
		skills = map[protocol.ServiceID]int{}
	}
	switch old := s.counters[c.ID]; {
	case old == nil:
		s.putCounter(&counter{changed: seq, Counter: Counter{
			ID: c.ID, Status: CounterIsClosed, Skills: skills,
		}})
	case old.gone: // it came back before its last visitor had left
		s.editCounter(c.ID, seq, func(c *counter) { c.gone, c.Leaving = false, "" })
		s.giveSkills(c.ID, skills, seq)
	default:
		s.giveSkills(c.ID, skills, seq)
	}
}

// dismissCounter takes a counter away that is no longer in the settings: at once, or when its
// visitor has left.
func (s *State) dismissCounter(id protocol.CounterID, seq uint64) {
	if s.counters[id].Ticket != "" {
		s.editCounter(id, seq, func(c *counter) { c.gone, c.Leaving = true, CounterIsClosed })
		return
	}
	s.leave(id, CounterIsClosed, seq)
	s.deleteCounter(id)
}
