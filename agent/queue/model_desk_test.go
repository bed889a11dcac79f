package queue

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"sort"
	"time"

	"github.com/okienko/okienko/protocol"
)

// The naive model's counters and settings.

func (m *model) openDesk(c OpenCounter) Code {
	d := m.desk(c.Counter)
	switch {
	case d == nil:
		return NoSuchCounter
	case d.Status == CounterIsOpen && d.Clerk == c.Clerk:
		return ""
	case d.Ticket != "":
		return CounterBusy
	}
	m.happen()
	d.Status, d.Clerk, d.token, d.Leaving = CounterIsOpen, c.Clerk, 0, ""
	return ""
}

func (m *model) leaveDesk(id protocol.CounterID, to CounterStatus) Code {
	d := m.desk(id)
	switch {
	case d == nil:
		return NoSuchCounter
	case d.Status == to || d.Leaving == to:
		return ""
	case d.gone:
		return NoSuchCounter
	case d.Status == CounterIsClosed:
		return CounterNotOpen
	case d.Ticket != "":
		m.happen()
		d.Leaving = to
		return ""
	}
	m.happen()
	m.gone(d, to)
	return ""
}

// gone is what happens to a free desk that closes or pauses.
func (m *model) gone(d *desk, to CounterStatus) {
	d.Status, d.Leaving, d.token = to, "", 0
	for i := range m.people {
		p := &m.people[i]
		if p.State == StateAbsent && p.Home == d.ID {
			p.Home = 0
		}
		if p.State == StateParked && p.Counter == d.ID {
			p.State, p.Counter = StateWaiting, 0
		}
		if to == CounterIsClosed && p.Bound == d.ID && !ended(p.State) {
			p.Bound = 0
		}
	}
	if to == CounterIsClosed {
		d.Clerk = ""
	}
}

func (m *model) leaveNow(id protocol.CounterID) bool {
	d := m.desk(id)
	if d.Leaving == "" {
		return false
	}
	m.happen()
	m.gone(d, d.Leaving)
	if d.gone {
		m.dropDesk(id)
	}
	return true
}

func (m *model) dropDesk(id protocol.CounterID) {
	m.desks = slices.DeleteFunc(slices.Clone(m.desks), func(d desk) bool { return d.ID == id })
	delete(m.undoable, id)
}

func (m *model) resume(id protocol.CounterID) Code {
	d := m.desk(id)
	switch {
	case d == nil || d.gone:
		return NoSuchCounter
	case d.Status == CounterIsClosed:
		return CounterNotOpen
	case d.Status == CounterIsPaused:
		m.happen()
		d.Status = CounterIsOpen
	case d.Leaving != "":
		m.happen()
		d.Leaving = ""
	}
	return ""
}

func (m *model) setSkills(c SetSkills) Code {
	d := m.desk(c.Counter)
	if d == nil {
		return NoSuchCounter
	}
	for id := range c.Skills {
		if m.service(id) == nil {
			return NoSuchService
		}
	}
	if len(d.Skills) == len(c.Skills) {
		same := true
		for id, p := range c.Skills {
			old, ok := d.Skills[id]
			same = same && ok && old == p
		}
		if same {
			return ""
		}
	}
	m.happen()
	m.giveSkills(d, c.Skills)
	return ""
}

func (m *model) giveSkills(d *desk, skills map[protocol.ServiceID]int) {
	d.Skills = map[protocol.ServiceID]int{}
	maps.Copy(d.Skills, skills)
	for i := range m.people {
		p := &m.people[i]
		if _, kept := skills[p.Service]; kept || ended(p.State) {
			continue
		}
		if p.Home == d.ID {
			p.Home = 0
		}
		if p.Bound == d.ID {
			p.Bound = 0
		}
	}
}

func (m *model) undo(id protocol.CounterID) Code {
	if m.desk(id) == nil {
		return NoSuchCounter
	}
	u := m.undoable[id]
	switch {
	case u == nil:
		return NothingToUndo
	case int64(m.at-u.at) > int64(m.set.Rules.UndoSeconds)*1000:
		return UndoTooLate
	case !m.working():
		return DayNotOpen
	}
	for ticket := range u.touched {
		if m.person(ticket).version > u.version {
			return ChangedSince
		}
	}
	for counter := range u.counter {
		if d := m.desk(counter); d == nil || d.version > u.version {
			return ChangedSince
		}
	}
	m.happen()
	for _, old := range u.desks {
		if u.counter[old.ID] {
			gone := m.desk(old.ID).gone
			*m.desk(old.ID) = old
			m.desk(old.ID).gone = gone
			m.desk(old.ID).version = m.stamp
		}
	}
	for i := range m.people { // bonds that were made meanwhile
		p := &m.people[i]
		d := m.desk(p.Bound)
		if !ended(p.State) && d != nil && u.counter[d.ID] && (d.Status == CounterIsClosed || !hasSkill(d, p.Service)) {
			p.Bound, p.version = 0, m.stamp
		}
	}
	for _, old := range u.people {
		if !u.touched[old.ID] {
			continue
		}
		p := m.person(old.ID)
		job, mark, paper := p.Job, p.Mark, p.Print
		*p = old
		p.Job, p.Mark, p.Print, p.version = job, mark, paper, m.stamp
		if d := m.desk(p.Home); d == nil || d.Status != CounterIsOpen || !hasSkill(d, p.Service) {
			p.Home = 0
		}
		if d := m.desk(p.Bound); d == nil || d.Status == CounterIsClosed || !hasSkill(d, p.Service) {
			p.Bound = 0
		}
	}
	delete(m.undoable, id)
	return ""
}

func hasSkill(d *desk, id protocol.ServiceID) bool { _, ok := d.Skills[id]; return ok }

func (m *model) configure(given protocol.Settings) Code {
	zone, err := time.LoadLocation(given.Zone)
	if err != nil || given.Validate() != nil {
		return BadSettings
	}
	var s protocol.Settings
	text, err := json.Marshal(given)
	if err != nil || json.Unmarshal(text, &s) != nil {
		panic("settings do not copy")
	}
	m.drain(&s)
	if m.set != nil && reflect.DeepEqual(*m.set, s) {
		return ""
	}
	m.happen()
	m.set, m.zone = &s, zone
	var wanted []protocol.CounterID
	for _, c := range s.Counters {
		wanted = append(wanted, c.ID)
		d := m.desk(c.ID)
		if d == nil {
			m.desks = append(m.desks, desk{Counter: Counter{ID: c.ID, Status: CounterIsClosed}})
			d = &m.desks[len(m.desks)-1]
		}
		if d.gone {
			d.gone, d.Leaving = false, ""
		}
		m.giveSkills(d, c.Skills)
	}
	sort.Slice(m.desks, func(i, j int) bool { return m.desks[i].ID < m.desks[j].ID })
	for _, id := range deskIDs(m.desks) {
		d := m.desk(id)
		switch {
		case slices.Contains(wanted, id):
		case d.Ticket != "":
			d.gone, d.Leaving = true, CounterIsClosed
		default:
			m.gone(d, CounterIsClosed)
			m.dropDesk(id)
		}
	}
	if m.open {
		m.opens, m.closes = m.hours(m.day)
	}
	return ""
}

func deskIDs(desks []desk) []protocol.CounterID {
	var ids []protocol.CounterID
	for _, d := range desks {
		ids = append(ids, d.ID)
	}
	return ids
}

// drain keeps services that people still wait for, and the skills for them.
func (m *model) drain(s *protocol.Settings) {
	if m.set == nil {
		return
	}
	for _, v := range m.set.Services {
		wanted, given := false, false
		for _, p := range m.people {
			wanted = wanted || !ended(p.State) && (p.Service == v.ID || p.BackService == v.ID)
		}
		for _, g := range s.Services {
			given = given || g.ID == v.ID
		}
		if !wanted || given {
			continue
		}
		v.Draining = true
		s.Services = append(s.Services, v)
		for i := range s.Counters {
			if d := m.desk(s.Counters[i].ID); d != nil && hasSkill(d, v.ID) {
				if s.Counters[i].Skills == nil {
					s.Counters[i].Skills = map[protocol.ServiceID]int{}
				}
				s.Counters[i].Skills[v.ID] = d.Skills[v.ID]
			}
		}
	}
}

func (m *model) tailLost(gap int) {
	m.gapNext = gap
	if m.set == nil {
		return
	}
	letters := map[string]bool{}
	for _, v := range m.set.Services {
		i := m.issueOf(v.ID)
		i.last = max(i.last, v.WalkIn.First-1) + gap
		letters[v.Letter] = true
	}
	for l := range letters {
		m.over[l] = max(m.over[l], 1000+m.gap) + gap
	}
}
