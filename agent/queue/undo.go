package queue

import (
	"time"

	"github.com/okienko/okienko/protocol"
)

// command is the last command of a counter: the range of its events and the records as they were
// before it touched them. It is rebuilt by the fold, so a restart does not forget it.
type command struct {
	since, until uint64
	at           protocol.Instant
	tickets      []*ticket
	counters     []*counter
}

// remember keeps the first record of each ticket and counter that is about to be replaced.
func (c *command) remember(t *ticket, desk *counter) {
	if c == nil {
		return
	}
	if t != nil {
		for _, k := range c.tickets {
			if k.ID == t.ID {
				return
			}
		}
		c.tickets = append(c.tickets, t)
		return
	}
	for _, k := range c.counters {
		if k.ID == desk.ID {
			return
		}
	}
	c.counters = append(c.counters, desk)
}

// commandOf tells whose command begins with this event: the counter's, if it can be undone, or
// nobody's. Announcing again changes nothing, so it is not the last command.
func commandOf(b Body) protocol.CounterID {
	switch b := b.(type) {
	case TicketCalled:
		if b.Auto {
			return 0
		}
		return b.Counter
	case ServiceStarted:
		return b.Counter
	case TicketMissed:
		return b.Counter
	case TicketFinished:
		return b.Counter
	case TicketTransferred:
		return b.From
	case TicketParked:
		return b.Counter
	case TicketCancelled:
		return b.Counter
	case CounterOpened:
		return b.Counter
	case CounterClosed:
		return b.Counter
	case CounterPaused:
		return b.Counter
	case CounterResumed:
		return b.Counter
	case LeaveAsked:
		return b.Counter
	case SkillsSet:
		return b.Counter
	default:
		return 0
	}
}

func (d *decision) undo(c Undo) error {
	if _, err := d.anyCounter(c.Counter); err != nil {
		return err
	}
	last := d.commands[c.Counter]
	switch {
	case last == nil:
		return refuse(NothingToUndo, "counter %d", c.Counter)
	case d.at > last.at+span(d.settings.Rules.UndoSeconds, time.Second):
		return refuse(UndoTooLate, "counter %d", c.Counter)
	case !d.working():
		return refuse(DayNotOpen, "the day has ended")
	}
	for _, t := range last.tickets {
		if d.tickets[t.ID].changed > last.until {
			return refuse(ChangedSince, "ticket %s", t.Number)
		}
	}
	for _, k := range last.counters {
		if now := d.counters[k.ID]; now == nil || now.changed > last.until {
			return refuse(ChangedSince, "counter %d", k.ID)
		}
	}
	b := CommandUndone{Counter: c.Counter, Since: last.since}
	desks := map[protocol.CounterID]*counter{}
	for _, k := range last.counters {
		v := k.Counter
		v.LastSeq, v.LastAt = 0, 0
		b.Counters = append(b.Counters, v)
		desks[k.ID] = k
	}
	for _, t := range last.tickets {
		b.Tickets = append(b.Tickets, d.restored(t.Ticket, desks))
	}
	d.emit(b)
	return nil
}

// restored is a ticket as it was, but for what has moved on meanwhile without it: its paper, and
// counters other than those being put back that may no longer be its home or hold its bond.
func (d *decision) restored(t Ticket, desks map[protocol.CounterID]*counter) Ticket {
	now := d.tickets[t.ID]
	t.Job, t.Mark, t.Print = now.Job, now.Mark, now.Print
	desk := func(id protocol.CounterID) *counter {
		if k := desks[id]; k != nil {
			return k
		}
		return d.counters[id]
	}
	skilled := func(k *counter) bool { _, ok := k.Skills[t.Service]; return ok }
	if k := desk(t.Home); k == nil || k.Status != CounterIsOpen || !skilled(k) {
		t.Home = 0
	}
	if k := desk(t.Bound); k == nil || k.Status == CounterIsClosed || !skilled(k) {
		t.Bound = 0
	}
	return t
}

// Bonds fall that were made meanwhile to a counter which is closed or unskilled again.
func (b CommandUndone) fold(s *State, e Event) {
	for _, v := range b.Tickets {
		s.putTicket(&ticket{Ticket: v, changed: e.Seq})
	}
	for _, v := range b.Counters {
		s.editCounter(v.ID, e.Seq, func(c *counter) { c.Counter = v })
		s.dropBonds(v.ID, e.Seq, func(t *ticket) bool {
			_, skill := v.Skills[t.Service]
			return !skill || v.Status == CounterIsClosed
		})
	}
	if last := s.commands[b.Counter]; last != nil {
		s.dropCalls(last)
		unset(s, s.commands, b.Counter)
	}
}

// dropCalls forgets the calls of a command that was undone, so that no screen shows them.
func (s *State) dropCalls(last *command) {
	var kept []Call
	for _, c := range s.calls {
		if c.Seq < last.since || c.Seq > last.until {
			kept = append(kept, c)
		}
	}
	s.calls = kept
}
