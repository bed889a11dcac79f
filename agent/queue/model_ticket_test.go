package queue

import (
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

// The naive model's tickets.

func (m *model) working() bool { return m.day != "" && (m.open || m.doubt != 0) }

func (m *model) local(at protocol.Instant) time.Time { return time.UnixMilli(int64(at)).In(m.zone) }

// openNow scans the periods of the office day by the wall clock.
func (m *model) openNow(v *protocol.Service) bool {
	if slices.Contains(m.set.Closed, m.day) {
		return false
	}
	date, err := time.ParseInLocation("2006-01-02", string(m.day), m.zone)
	if err != nil {
		panic(err)
	}
	in := func(w protocol.Week) bool {
		for _, p := range w[int(date.Weekday())] {
			opens := time.Date(date.Year(), date.Month(), date.Day(), p.Opens/60, p.Opens%60, 0, 0, m.zone)
			closes := time.Date(date.Year(), date.Month(), date.Day(), p.Closes/60, p.Closes%60, 0, 0, m.zone)
			if now := m.local(m.at); !now.Before(opens) && now.Before(closes) {
				return true
			}
		}
		return false
	}
	return in(m.set.Hours) && (v.Hours == nil || in(v.Hours))
}

func (m *model) mayIssue(v *protocol.Service, override bool) Code {
	i := m.issueOf(v.ID)
	open := 0
	for _, d := range m.desks {
		if hasSkill(&d, v.ID) && d.Status == CounterIsOpen && d.Leaving == "" {
			open++
		}
	}
	switch {
	case !m.working():
		return DayNotOpen
	case v.Draining:
		return IssuingIsOff
	case v.BookingOnly:
		return BookingsOnly
	case override:
		return ""
	case m.doubt == 0 && !m.openNow(v):
		return OutsideHours
	case v.Quota > 0 && i.count >= v.Quota:
		return QuotaReached
	case i.mode == IssuingStopped:
		return IssuingIsOff
	case i.mode == IssuingAuto && m.set.Rules.StopIssuingBelow > 0 && open > 0 && m.doubt == 0:
		wait := m.ahead(v.ID, int64(m.at)) * v.MeanSeconds / open
		if int64(m.at)+int64(wait)*1000 >= int64(m.closes) {
			return IssuingIsOff
		}
	}
	return ""
}

func (m *model) ahead(service protocol.ServiceID, key int64) int {
	n := 0
	for i := range m.people {
		p := &m.people[i]
		if p.State == StateWaiting && p.Service == service && m.key(p, 0) <= key {
			n++
		}
	}
	return n
}

func (m *model) used(n protocol.TicketNumber) bool {
	for _, p := range m.people {
		if p.Number == n {
			return true
		}
	}
	return false
}

func (m *model) freeNumber(n protocol.TicketNumber) bool {
	for _, b := range m.bookings {
		if b.Day == m.day && b.Number == n && m.pending(&b) {
			return false
		}
	}
	return !m.used(n)
}

func (m *model) overflow(letter string) protocol.TicketNumber {
	n := protocol.TicketNumber{Letter: letter, N: max(1000+m.gap, m.over[letter])}
	for {
		n.N++
		if m.freeNumber(n) {
			m.over[letter] = n.N
			return n
		}
	}
}

func (m *model) walkInNumber(v *protocol.Service) protocol.TicketNumber {
	i := m.issueOf(v.ID)
	for n := max(i.last+1, v.WalkIn.First); n <= v.WalkIn.Last; n++ {
		number := protocol.TicketNumber{Letter: v.Letter, N: n}
		if m.freeNumber(number) {
			i.last = n
			return number
		}
	}
	return m.overflow(v.Letter)
}

func (m *model) take(c Take) Code {
	v := m.service(c.Service)
	switch {
	case v == nil:
		return NoSuchService
	case m.person(c.ID) != nil:
		return DuplicateTicket
	case c.Language == "xx":
		return BadValue
	}
	if code := m.mayIssue(v, c.Override); code != "" {
		return code
	}
	m.walkIn(v, c.ID, c.Priority, c.NoPaper)
	return ""
}

func (m *model) walkIn(v *protocol.Service, id protocol.TicketID, priority, noPaper bool) {
	key := int64(m.at)
	if priority {
		key -= int64(m.set.Rules.PriorityHeadStartMinutes) * 60000
	}
	p := person{Ticket: Ticket{
		ID: id, Service: v.ID, Class: WalkIn, Priority: priority, State: StateWaiting,
		Base: m.at, Issued: m.at, Ahead: m.ahead(v.ID, key), Number: m.walkInNumber(v),
		Print: PrintResult{State: PrintQueued},
	}}
	if noPaper {
		p.Print.State = PrintNone
	}
	p.order = m.happen()
	m.issueOf(v.ID).count++
	m.people = append(m.people, p)
}

func (m *model) back(id protocol.TicketID) Code {
	p := m.person(id)
	switch {
	case p == nil:
		return NoSuchTicket
	case p.State == StateWaiting:
		return ""
	case p.State != StateAbsent && p.State != StateParked:
		return WrongState
	}
	m.happen()
	p.State, p.Counter, p.Home = StateWaiting, 0, 0
	return ""
}

func (m *model) late(c Late) Code {
	p := m.person(c.Ticket)
	switch {
	case p == nil:
		return NoSuchTicket
	case p.State != StateWaiting:
		return WrongState
	case p.WasLate:
		return AlreadyLate
	case c.Minutes <= 0 || c.Minutes > m.set.Rules.LateMaxMinutes:
		return BadValue
	}
	m.happen()
	p.WasLate = true
	p.Base += protocol.Instant(c.Minutes) * 60000
	return ""
}

func (m *model) cancel(id protocol.TicketID) Code {
	p := m.person(id)
	switch {
	case p == nil:
		return NoSuchTicket
	case ended(p.State):
		return WrongState
	}
	m.happen()
	desk := m.free(p)
	m.end(p, StateCancelled)
	if desk != 0 {
		m.leaveNow(desk)
	}
	return ""
}

// free takes a held person from his desk, without a token.
func (m *model) free(p *person) protocol.CounterID {
	if !held(p.State) {
		return 0
	}
	d := m.desk(p.Counter)
	d.Ticket, d.token = "", 0
	return d.ID
}

func (m *model) transfer(c Transfer) Code {
	p := m.person(c.Ticket)
	switch {
	case p == nil:
		return NoSuchTicket
	case !held(p.State) && p.State != StateWaiting:
		return WrongState
	case c.BackToMe && !held(p.State):
		return BadValue
	case (c.Service != "") == (c.Counter != 0):
		return BadValue
	}
	service := p.Service
	if c.Service != "" {
		v := m.service(c.Service)
		if v == nil {
			return NoSuchService
		}
		if v.Draining {
			return IssuingIsOff
		}
		service = c.Service
	} else {
		to := m.desk(c.Counter)
		switch {
		case to == nil:
			return NoSuchCounter
		case to.Status == CounterIsClosed:
			return CounterNotOpen
		case !hasSkill(to, service):
			return NotYourService
		}
	}
	now := m.happen()
	from := m.free(p)
	if c.BackToMe {
		p.BackTo, p.BackService = from, p.Service
	}
	p.Service, p.Bound, p.Calls, p.State, p.Counter = service, c.Counter, 0, StateWaiting, 0
	if c.AsNew {
		p.Base = m.at
	}
	if from != 0 {
		d := m.desk(from)
		d.token = now
		d.served++
		m.afterVisit(d)
	}
	return ""
}

func (m *model) park(id protocol.TicketID) Code {
	p := m.person(id)
	switch {
	case p == nil:
		return NoSuchTicket
	case !held(p.State):
		return WrongState
	}
	m.happen()
	desk := m.free(p)
	p.State = StateParked
	m.leaveNow(desk)
	return ""
}

func (m *model) reprint(c Reprint) Code {
	p := m.person(c.Ticket)
	switch {
	case p == nil:
		return NoSuchTicket
	case ended(p.State):
		return WrongState
	case c.Mark != MarkCopy:
		return BadValue
	}
	m.happen()
	p.Print, p.Mark = PrintResult{State: PrintQueued}, c.Mark
	return ""
}

// number learns the numbers of print jobs, which only events bear.
func (m *model) number(e Event) {
	switch b := e.Body.(type) {
	case TicketTaken:
		p := m.person(b.Ticket)
		if p.Seq = e.Seq; !b.NoPaper {
			p.Job = e.Seq
		}
	case ReprintAsked:
		m.person(b.Ticket).Job = e.Seq
	}
}

func (m *model) recordPrint(c RecordPrint) Code {
	p := m.person(c.Ticket)
	if p == nil {
		return NoSuchTicket
	}
	r := c.Result
	good := r.State == PrintUnknown && r.Grade == "" || r.State == PrintFailed && r.Grade == "" ||
		r.State == PrintPrinted && (r.Grade == "A" || r.Grade == "B" || r.Grade == "C")
	if !good || c.Job > p.Job || c.Job < p.Seq {
		return BadValue
	}
	if c.Job != p.Job {
		m.happen() // noted, no more
	} else if p.Print.State != PrintPrinted && p.Print != r {
		m.happen()
		p.Print = r
	}
	return ""
}

func (m *model) setIssuing(c SetIssuing) Code {
	if m.service(c.Service) == nil {
		return NoSuchService
	}
	i := m.issueOf(c.Service)
	override := c.Override && c.Mode != IssuingAuto
	if i.override && !c.Override || i.mode == c.Mode && i.override == override {
		return ""
	}
	m.happen()
	i.mode, i.override = c.Mode, override
	return ""
}
