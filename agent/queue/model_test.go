package queue

import (
	"reflect"
	"slices"
	"sort"
	"time"

	"github.com/okienko/okienko/protocol"
)

// model is the second, naive reading of design/3-queue-rules.md: plain slices that are scanned
// from end to end, changed in place and copied whole, with no events, no lists to keep right and
// nothing of the real code but its vocabulary. Tests run both and compare.
type model struct {
	set     *protocol.Settings
	zone    *time.Location
	last    protocol.Instant // of the last thing that happened
	at      protocol.Instant
	stamp   int // counts everything that happens
	did     bool
	doubt   int // stamp of the doubt, 0 = trusted
	day     protocol.Day
	open    bool
	opens   protocol.Instant
	closes  protocol.Instant
	gap     int
	gapNext int

	people   []person
	desks    []desk
	bookings []visit
	issue    map[protocol.ServiceID]*issue
	over     map[string]int
	undoable map[protocol.CounterID]*step
}

type person struct {
	Ticket
	order, miss int
	version     int
}

type desk struct {
	Counter
	token, served int
	gone          bool
	version       int
}

type visit struct {
	protocol.Booking
	entered, expired, arrived, again bool
	ticket                           protocol.TicketID
}

type issue struct {
	last, count int
	mode        IssuingMode
	override    bool
}

// step is a counter's last command: everything before it, and who changed.
type step struct {
	at      protocol.Instant
	people  []person
	desks   []desk
	touched map[protocol.TicketID]bool
	counter map[protocol.CounterID]bool
	version int
}

func newModel() *model {
	return &model{
		issue: map[protocol.ServiceID]*issue{}, over: map[string]int{},
		undoable: map[protocol.CounterID]*step{},
	}
}

func (m *model) happen() int {
	m.stamp++
	m.did = true
	m.last = m.at
	return m.stamp
}

func (m *model) person(id protocol.TicketID) *person {
	for i := range m.people {
		if m.people[i].ID == id {
			return &m.people[i]
		}
	}
	return nil
}

func (m *model) desk(id protocol.CounterID) *desk {
	for i := range m.desks {
		if m.desks[i].ID == id {
			return &m.desks[i]
		}
	}
	return nil
}

func (m *model) service(id protocol.ServiceID) *protocol.Service {
	if m.set == nil {
		return nil
	}
	for i := range m.set.Services {
		if m.set.Services[i].ID == id {
			return &m.set.Services[i]
		}
	}
	return nil
}

func (m *model) issueOf(id protocol.ServiceID) *issue {
	if m.issue[id] == nil {
		m.issue[id] = &issue{mode: IssuingAuto}
		if v := m.service(id); v != nil && m.gap > 0 {
			m.issue[id].last = v.WalkIn.First - 1 + m.gap
		}
	}
	return m.issue[id]
}

func ended(s TicketState) bool {
	return s == StateServed || s == StateRemoved || s == StateCancelled || s == StateExpired
}

func held(s TicketState) bool { return s == StateCalled || s == StateServing }

// run is one command at a clock reading; the code is "" when it was accepted.
func (m *model) run(cmd Command, now protocol.Instant) Code {
	m.at = max(m.last, now)
	m.did = false
	before := &step{
		at: m.at, people: slices.Clone(m.people), desks: slices.Clone(m.desks),
		touched: map[protocol.TicketID]bool{}, counter: map[protocol.CounterID]bool{},
	}
	counter := m.whose(cmd)
	code := m.command(cmd)
	if !m.did {
		return code
	}
	before.version = m.stamp
	for i := range m.people {
		p := &m.people[i]
		old := slices.IndexFunc(before.people, func(o person) bool { return o.ID == p.ID })
		if old < 0 || !samePerson(before.people[old], *p) {
			p.version = m.stamp
			before.touched[p.ID] = old >= 0
		}
	}
	for i := range m.desks {
		d := &m.desks[i]
		old := slices.IndexFunc(before.desks, func(o desk) bool { return o.ID == d.ID })
		if d.ID == counter || old < 0 || !sameDesk(before.desks[old], *d) {
			d.version = m.stamp
			before.counter[d.ID] = true
		}
	}
	if m.desk(counter) != nil {
		m.undoable[counter] = before
	}
	return code
}

// samePerson reports whether nothing happened to a person; another sheet of paper is nothing.
func samePerson(a, b person) bool {
	a.version, b.version, a.Job, b.Job, a.Seq, b.Seq = 0, 0, 0, 0, 0, 0
	a.Print, b.Print, a.Wait, b.Wait, a.Mark, b.Mark = PrintResult{}, PrintResult{}, nil, nil, "", ""
	return a == b
}

func sameDesk(a, b desk) bool {
	a.version, b.version = 0, 0
	return reflect.DeepEqual(a, b)
}

// whose tells the counter whose last command this would be.
func (m *model) whose(cmd Command) protocol.CounterID {
	at := func(id protocol.TicketID) protocol.CounterID {
		if p := m.person(id); p != nil && held(p.State) {
			return p.Counter
		}
		return 0
	}
	switch c := cmd.(type) {
	case Next:
		return c.Counter
	case CallTicket:
		return c.Counter
	case StartService:
		return c.Counter
	case NoShow:
		return c.Counter
	case Finish:
		return c.Counter
	case OpenCounter:
		return c.Counter
	case CloseCounter:
		return c.Counter
	case PauseCounter:
		return c.Counter
	case ResumeCounter:
		return c.Counter
	case SetSkills:
		return c.Counter
	case Transfer:
		return at(c.Ticket)
	case Park:
		return at(c.Ticket)
	case Cancel:
		return at(c.Ticket)
	}
	return 0
}

func (m *model) command(cmd Command) Code {
	switch c := cmd.(type) {
	case Configure:
		return m.configure(c.Settings)
	case Start:
		m.happen()
		if c.TailLost {
			m.tailLost(max(20, c.Missing))
		}
		if c.Doubt != "" && m.doubt == 0 {
			m.doubt = m.happen()
		}
		m.tick(0)
		return ""
	case Tick:
		m.tick(0)
		return ""
	case DoubtClock:
		if m.doubt == 0 {
			m.doubt = m.happen()
			m.tick(0)
		}
		return ""
	case TrustClock:
		if m.doubt != 0 {
			since := m.doubt
			m.doubt = 0
			m.happen()
			m.tick(since)
		}
		return ""
	case SetBooking:
		return m.setBooking(c.Booking)
	}
	if m.set == nil {
		return BadSettings
	}
	switch c := cmd.(type) {
	case CloseDay:
		if !m.open {
			return DayNotOpen
		}
		m.endDay(0)
		return ""
	case Take:
		return m.take(c)
	case Return:
		return m.back(c.Ticket)
	case Late:
		return m.late(c)
	case Cancel:
		return m.cancel(c.Ticket)
	case Transfer:
		return m.transfer(c)
	case Park:
		return m.park(c.Ticket)
	case Reprint:
		return m.reprint(c)
	case RecordPrint:
		return m.recordPrint(c)
	case CheckIn:
		return m.checkIn(c)
	case SetIssuing:
		return m.setIssuing(c)
	}
	return m.deskCommand(cmd)
}

func (m *model) deskCommand(cmd Command) Code {
	switch c := cmd.(type) {
	case OpenCounter:
		return m.openDesk(c)
	case CloseCounter:
		return m.leaveDesk(c.Counter, CounterIsClosed)
	case PauseCounter:
		return m.leaveDesk(c.Counter, CounterIsPaused)
	case ResumeCounter:
		return m.resume(c.Counter)
	case SetSkills:
		return m.setSkills(c)
	case Undo:
		return m.undo(c.Counter)
	case CallTicket:
		return m.callChosen(c)
	case Next:
		return m.next(c)
	case Recall:
		return m.atDesk(c.Counter, nil, func(*desk, *person) { m.happen() })
	case StartService:
		return m.atDesk(c.Counter, nil, func(_ *desk, p *person) {
			if p.State == StateCalled {
				m.happen()
				p.State = StateServing
			}
		})
	case NoShow:
		return m.atDesk(c.Counter, c.Seen, m.noShow)
	case Finish:
		return m.atDesk(c.Counter, c.Seen, func(d *desk, p *person) {
			m.finish(d, p)
			m.afterVisit(d)
		})
	}
	panic("the model does not know this command")
}

// --- calling

func (m *model) sees(d *desk, p *person) bool {
	_, skill := d.Skills[p.Service]
	return skill && (p.Bound == 0 || p.Bound == d.ID)
}

func (m *model) key(p *person, penalty int) int64 {
	minutes := penalty
	if p.Class == Booked {
		minutes -= m.set.Rules.BookedHeadStartMinutes
	}
	if p.Priority {
		minutes -= m.set.Rules.PriorityHeadStartMinutes
	}
	return int64(p.Base) + int64(minutes)*60000
}

// absentees are the desk's absent people, the oldest no-show first.
func (m *model) absentees(d *desk) []*person {
	var list []*person
	for i := range m.people {
		p := &m.people[i]
		if p.State == StateAbsent && m.sees(d, p) && (p.Home == 0 || p.Home == d.ID) {
			list = append(list, p)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].miss < list[j].miss })
	return list
}

func (m *model) first(d *desk) *person {
	var best *person
	for i := range m.people {
		p := &m.people[i]
		if p.State != StateWaiting || !m.sees(d, p) {
			continue
		}
		if best == nil {
			best = p
			continue
		}
		a, b := m.key(p, d.Skills[p.Service]), m.key(best, d.Skills[best.Service])
		if a < b || a == b && p.order < best.order {
			best = p
		}
	}
	return best
}

func (m *model) call(d *desk, p *person) {
	m.happen()
	p.State, p.Counter, p.Home, p.CalledAt = StateCalled, d.ID, 0, m.at
	if p.Calls < m.set.Rules.MaxCalls {
		p.Calls++
	}
	d.Ticket, d.token = p.ID, 0
}

func (m *model) stepOne(d *desk) bool {
	if d.token == 0 {
		return false
	}
	for _, p := range m.absentees(d) {
		enough := p.Home == 0 || d.served-p.MissedServed >= m.set.Rules.ServedBetweenCalls
		if p.miss < d.token && enough {
			m.call(d, p)
			return true
		}
	}
	return false
}

func (m *model) stepThree(d *desk) bool {
	if m.first(d) != nil {
		return false
	}
	absent := m.absentees(d)
	if len(absent) == 0 || int64(m.at-absent[0].MissedAt) < int64(m.set.Rules.RecallSeconds)*1000 {
		return false
	}
	m.call(d, absent[0])
	return true
}

func (m *model) allSteps(d *desk) {
	if m.stepOne(d) {
		return
	}
	if p := m.first(d); p != nil {
		m.call(d, p)
		return
	}
	m.stepThree(d)
}

func (m *model) openDeskOf(id protocol.CounterID) (*desk, Code) {
	d := m.desk(id)
	switch {
	case d == nil:
		return nil, NoSuchCounter
	case d.Status != CounterIsOpen:
		return nil, CounterNotOpen
	}
	return d, ""
}

func (m *model) atDesk(id protocol.CounterID, seen *protocol.TicketID, f func(*desk, *person)) Code {
	d, code := m.openDeskOf(id)
	switch {
	case code != "":
		return code
	case seen != nil && *seen != d.Ticket:
		return StaleView
	case d.Ticket == "":
		return CounterFree
	}
	f(d, m.person(d.Ticket))
	return ""
}

func (m *model) next(c Next) Code {
	d, code := m.openDeskOf(c.Counter)
	switch {
	case code != "":
		return code
	case c.Seen != nil && *c.Seen != d.Ticket:
		return StaleView
	}
	if d.Ticket != "" {
		m.finish(d, m.person(d.Ticket))
		if m.leaveNow(c.Counter) {
			return ""
		}
	}
	m.allSteps(d)
	return ""
}

func (m *model) finish(d *desk, p *person) {
	if p.BackTo != 0 {
		p.Service = p.BackService
		p.State, p.Calls, p.Counter, p.Bound = StateWaiting, 0, 0, 0
		if to := m.desk(p.BackTo); to != nil && to.Status != CounterIsClosed {
			if _, skill := to.Skills[p.Service]; skill {
				p.Bound = p.BackTo
			}
		}
		p.BackTo, p.BackService = 0, ""
	} else {
		m.end(p, StateServed)
	}
	d.Ticket, d.token = "", m.happen()
	d.served++
}

func (m *model) end(p *person, s TicketState) {
	p.State, p.EndedAt, p.Counter, p.Home, p.Bound = s, m.at, 0, 0, 0
}

func (m *model) afterVisit(d *desk) {
	if m.leaveNow(d.ID) {
		return
	}
	if m.set.Rules.CallAfterFinish {
		m.allSteps(d)
		return
	}
	m.stepOne(d)
}

func (m *model) noShow(d *desk, p *person) {
	p.miss = m.happen()
	p.MissedAt, p.MissedServed = m.at, d.served
	if p.Calls >= m.set.Rules.MaxCalls {
		m.end(p, StateRemoved)
	} else {
		p.State, p.Home, p.Counter = StateAbsent, d.ID, 0
		if !hasSkill(d, p.Service) {
			p.Home = 0
		}
	}
	d.Ticket, d.token = "", 0
	m.leaveNow(d.ID)
}

func (m *model) callChosen(c CallTicket) Code {
	d, code := m.openDeskOf(c.Counter)
	if code != "" {
		return code
	}
	p := m.person(c.Ticket)
	switch {
	case p == nil:
		return NoSuchTicket
	case d.Ticket != "":
		return CounterBusy
	case p.State == StateParked && p.Counter == d.ID:
		calls := p.Calls
		m.call(d, p)
		p.Calls = calls
		return ""
	case p.State != StateWaiting && p.State != StateAbsent:
		return WrongState
	case !m.sees(d, p):
		return NotYourService
	case c.Reason == "":
		return ReasonMissing
	}
	m.call(d, p)
	return ""
}
