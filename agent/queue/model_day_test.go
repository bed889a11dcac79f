package queue

import (
	"slices"
	"sort"
	"time"

	"github.com/okienko/okienko/protocol"
)

// The naive model's days and bookings.

func (m *model) midnight(day protocol.Day, plus int) protocol.Instant {
	t, err := time.Parse("2006-01-02", string(day))
	if err != nil {
		panic(err)
	}
	return protocol.InstantOf(time.Date(t.Year(), t.Month(), t.Day()+plus, 0, 0, 0, 0, m.zone))
}

func (m *model) hours(day protocol.Day) (opens, closes protocol.Instant) {
	t, err := time.Parse("2006-01-02", string(day))
	if err != nil {
		panic(err)
	}
	periods := m.set.Hours[int(t.Weekday())]
	if slices.Contains(m.set.Closed, day) || len(periods) == 0 {
		return m.midnight(day, 1), m.midnight(day, 1)
	}
	at := func(minute int) protocol.Instant {
		return protocol.InstantOf(time.Date(t.Year(), t.Month(), t.Day(), minute/60, minute%60, 0, 0, m.zone))
	}
	return at(periods[0].Opens), at(periods[len(periods)-1].Closes)
}

func (m *model) inside() int {
	n := 0
	for _, p := range m.people {
		if !ended(p.State) {
			n++
		}
	}
	return n
}

func (m *model) pending(b *visit) bool {
	return !b.entered && !b.expired && (!b.Cancelled || b.arrived)
}

// expected are the pending bookings of a day by hour.
func (m *model) expected(day protocol.Day) []*visit {
	var list []*visit
	for i := range m.bookings {
		if b := &m.bookings[i]; b.Day == day && m.pending(b) {
			list = append(list, b)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].Hour < list[j].Hour || list[i].Hour == list[j].Hour && list[i].ID < list[j].ID
	})
	return list
}

func (m *model) tick(carry int) {
	if m.set == nil {
		return
	}
	m.turn(carry)
	if m.working() {
		for _, b := range m.expected(m.day) {
			waits := m.set.Rules.CheckIn && !b.arrived
			grace := protocol.Instant(m.set.Rules.CheckInLateMinutes) * 60000
			if waits && m.at >= b.Hour+grace {
				m.happen()
				b.expired = true
			} else if !waits && m.at >= b.Hour {
				m.enter(b)
			}
		}
	}
	if m.open && m.doubt == 0 && m.at >= m.closes && m.inside() == 0 && len(m.expected(m.day)) == 0 {
		quiet := true
		for _, u := range m.undoable {
			quiet = quiet && int64(m.at-u.at) > int64(m.set.Rules.UndoSeconds)*1000
		}
		if quiet {
			m.endDay(0)
		}
	}
	for _, id := range deskIDs(m.desks) {
		if d := m.desk(id); d.Status == CounterIsOpen && d.Ticket == "" {
			m.stepThree(d)
		}
	}
}

func (m *model) turn(carry int) {
	today := protocol.Day(m.local(m.at).Format("2006-01-02"))
	if m.day != "" {
		if m.doubt != 0 || today <= m.day {
			return
		}
		m.endDay(carry)
	}
	for i := range m.bookings {
		if b := &m.bookings[i]; b.Day < today && m.pending(b) {
			m.happen()
			b.expired = true
		}
	}
	m.happen()
	m.day, m.open = today, true
	m.opens, m.closes = m.hours(today)
	m.gap, m.gapNext = m.gapNext, 0
	m.people = slices.DeleteFunc(slices.Clone(m.people), func(p person) bool { return ended(p.State) })
	m.issue, m.over = map[protocol.ServiceID]*issue{}, map[string]int{}
	m.undoable = map[protocol.CounterID]*step{}
	for i := range m.desks {
		m.desks[i].token = 0
	}
	old := protocol.Day(m.local(m.at).AddDate(0, 0, -31).Format("2006-01-02"))
	m.bookings = slices.DeleteFunc(m.bookings, func(b visit) bool { return b.Day < old })
}

func (m *model) endDay(carry int) {
	for i := range m.people {
		p := &m.people[i]
		if ended(p.State) || carry != 0 && p.order > carry {
			continue
		}
		m.happen()
		desk := m.free(p)
		m.end(p, StateExpired)
		if desk != 0 {
			m.leaveNow(desk)
		}
	}
	for _, b := range m.expected(m.day) {
		m.happen()
		b.expired = true
	}
	if m.open {
		m.happen()
		m.open = false
	}
}

func (m *model) enter(b *visit) {
	minutes := m.set.Rules.BookedHeadStartMinutes
	if b.Priority {
		minutes += m.set.Rules.PriorityHeadStartMinutes
	}
	p := person{Ticket: Ticket{
		ID: protocol.TicketID(b.ID), Service: b.Service, Class: Booked, Priority: b.Priority,
		State: StateWaiting, Base: b.Hour, Issued: m.at, Booking: b.ID, Number: b.Number,
		Ahead: m.ahead(b.Service, int64(b.Hour)-int64(minutes)*60000), Print: PrintResult{State: PrintNone},
	}}
	for m.person(p.ID) != nil {
		p.ID += "-b"
	}
	if b.Number.N == 0 || m.used(b.Number) {
		letter := b.Number.Letter
		if v := m.service(b.Service); letter == "" && v != nil {
			letter = v.Letter
		}
		if letter == "" {
			letter = "X"
		}
		p.Number = m.overflow(letter)
	}
	m.issueOf(b.Service)
	p.order = m.happen()
	m.people = append(m.people, p)
	b.entered, b.ticket = true, p.ID
}

func (m *model) setBooking(b protocol.Booking) Code {
	if b.Language == "xx" || b.ID == "" || b.Service == "" || b.Hour <= 0 {
		return BadValue
	}
	if _, err := time.Parse("2006-01-02", string(b.Day)); err != nil {
		return BadValue
	}
	i := slices.IndexFunc(m.bookings, func(v visit) bool { return v.ID == b.ID })
	if i < 0 {
		m.happen()
		m.bookings = append(m.bookings, visit{Booking: b})
		i = len(m.bookings) - 1
		if !b.Cancelled {
			m.newHour(&m.bookings[i])
		}
		return ""
	}
	v := &m.bookings[i]
	old := v.Booking
	if old == b || old.Cancelled && !b.Cancelled {
		return ""
	}
	m.happen()
	if v.entered {
		m.changeEntered(v, b)
		return ""
	}
	v.Booking = b
	if b.Cancelled {
		return ""
	}
	if old.Day != b.Day || old.Hour != b.Hour {
		if v.expired && !m.past(b.Day) {
			v.expired, v.arrived = false, false
		}
		m.newHour(v)
	} else if m.past(b.Day) {
		v.expired = true
	}
	return ""
}

func (m *model) past(day protocol.Day) bool {
	return day < m.day || day == m.day && !m.working()
}

// newHour deals with an hour that the branch hears of for the first time.
func (m *model) newHour(v *visit) {
	switch {
	case m.past(v.Day):
		v.expired = true
	case m.set != nil && v.Day == m.day && m.working() && m.at >= v.Hour && m.pending(v):
		m.enter(v)
	}
}

func (m *model) changeEntered(v *visit, b protocol.Booking) {
	v.Booking = b
	p := m.person(v.ticket)
	if b.Cancelled && !v.arrived && p != nil && (p.State == StateWaiting || p.State == StateAbsent) {
		m.happen()
		m.end(p, StateCancelled)
	}
}

func (m *model) checkIn(c CheckIn) Code {
	var v *visit
	for i := range m.bookings {
		if m.bookings[i].CodeHash == c.CodeHash {
			v = &m.bookings[i]
		}
	}
	switch {
	case v == nil:
		return NoSuchBooking
	case v.Cancelled && !v.entered && !v.expired && !v.arrived:
		return WrongState
	case v.Day > m.day:
		return TooEarly
	case v.Day < m.day || !m.working():
		return DayNotOpen
	case v.expired:
		return m.again(v, c)
	case v.entered:
		return m.checkInEntered(v, c)
	case int64(v.Hour)-int64(m.at) > 60*60000:
		return TooEarly
	}
	waits := m.set.Rules.CheckIn && !v.arrived
	if waits && m.at >= v.Hour+protocol.Instant(m.set.Rules.CheckInLateMinutes)*60000 {
		panic("the Tick before should have expired it")
	}
	if !v.arrived {
		m.happen()
		v.arrived = true
	}
	if m.at >= v.Hour {
		m.enter(v)
	}
	return ""
}

func (m *model) checkInEntered(v *visit, c CheckIn) Code {
	p := m.person(v.ticket)
	if p == nil {
		return WrongState
	}
	if p.State == StateRemoved {
		if int64(m.at-p.EndedAt) > int64(m.set.Rules.ReentryMinutes)*60000 {
			return WrongState
		}
		return m.again(v, c)
	}
	if ended(p.State) {
		return WrongState
	}
	if !v.arrived {
		m.happen()
		v.arrived = true
	}
	if p.State == StateAbsent || p.State == StateParked {
		return m.back(p.ID)
	}
	return ""
}

func (m *model) again(v *visit, c CheckIn) Code {
	s := m.service(v.Service)
	switch {
	case s == nil:
		return NoSuchService
	case v.again:
		return WrongState
	case m.person(c.ID) != nil:
		return DuplicateTicket
	}
	v.again = true
	m.walkIn(s, c.ID, v.Priority, false)
	return ""
}
