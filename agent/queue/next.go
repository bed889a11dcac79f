package queue

import (
	"cmp"
	"time"

	"github.com/okienko/okienko/protocol"
)

// score orders the waiting tickets, smallest first, as milliseconds of a moment:
// base − head start. The penalty of a counter comes on top.
func (s *State) score(t *ticket) protocol.Instant {
	return t.Base - headStart(&s.settings.Rules, t.Class, t.Priority)
}

func headStart(r *protocol.Rules, class Class, priority bool) protocol.Instant {
	minutes := 0
	if class == Booked {
		minutes += r.BookedHeadStartMinutes
	}
	if priority {
		minutes += r.PriorityHeadStartMinutes
	}
	return span(minutes, time.Minute)
}

// span is n units as a difference of instants.
func span(n int, unit time.Duration) protocol.Instant {
	return protocol.Instant(n) * protocol.Instant(unit/time.Millisecond)
}

// byKey is the order of State.waiting: (score, seq).
func (s *State) byKey(a, b *ticket) int {
	return cmp.Or(cmp.Compare(s.score(a), s.score(b)), cmp.Compare(a.Seq, b.Seq))
}

// sees reports whether the counter may call the ticket at all: it has the skill, and the ticket
// is not bound to another counter.
func (c *counter) sees(t *ticket) bool {
	_, skill := c.Skills[t.Service]
	return skill && (t.Bound == 0 || t.Bound == c.ID)
}

// mayRecall reports whether an absent ticket is this counter's to recall: homed here or nowhere.
func (c *counter) mayRecall(t *ticket) bool {
	return c.sees(t) && (t.Home == 0 || t.Home == c.ID)
}

// recall is step 1: with a token, the oldest absent ticket whose no-show came before it. At its
// home counter as many visitors as the rules ask for must have been served since; a ticket
// without home comes back on any counter's next token.
func (s *State) recall(c *counter) *ticket {
	if c.Token == 0 {
		return nil
	}
	for _, t := range s.absent {
		if t.MissedSeq >= c.Token {
			return nil
		}
		served := t.Home == 0 || c.Served-t.MissedServed >= s.settings.Rules.ServedBetweenCalls
		if served && c.mayRecall(t) {
			return t
		}
	}
	return nil
}

// fresh is step 2: the smallest (score + penalty, seq) among the waiting tickets it sees.
func (s *State) fresh(c *counter) *ticket {
	var best *ticket
	var bestScore protocol.Instant
	for _, t := range s.waiting {
		score := s.score(t)
		if best != nil && score > bestScore {
			break // penalties are not negative, so nothing better follows
		}
		if !c.sees(t) {
			continue
		}
		score += span(c.Skills[t.Service], time.Minute)
		if best == nil || score < bestScore || score == bestScore && t.Seq < best.Seq {
			best, bestScore = t, score
		}
	}
	return best
}

// timed is the ticket of step 3 and the moment from which it may be recalled.
func (s *State) timed(c *counter) (*ticket, protocol.Instant) {
	for _, t := range s.absent {
		if c.mayRecall(t) {
			return t, t.MissedAt + span(s.settings.Rules.RecallSeconds, time.Second)
		}
	}
	return nil, 0
}

// idle reports whether the recall timer may run at the counter: open, free, nobody waits for it.
func (s *State) idle(c *counter) bool {
	return c.Status == CounterIsOpen && c.Ticket == "" && s.fresh(c) == nil
}

// callNext runs steps 1 to 4 of next(counter) at an open counter without a ticket.
func (d *decision) callNext(id protocol.CounterID, auto bool) {
	c := d.counters[id]
	if d.callBack(id, auto) {
		return
	}
	if t := d.fresh(c); t != nil {
		d.call(t, id, CallFresh, auto)
		return
	}
	if t, from := d.timed(c); t != nil && d.at >= from {
		d.call(t, id, CallRecallTimer, auto)
	}
}

// callBack runs step 1 alone and reports whether somebody was called.
func (d *decision) callBack(id protocol.CounterID, auto bool) bool {
	t := d.recall(d.counters[id])
	if t != nil {
		d.call(t, id, CallRecall, auto)
	}
	return t != nil
}

// timedRecalls is what the engine does by itself at idle counters, lowest number first.
func (d *decision) timedRecalls() {
	for _, id := range d.desks {
		c := d.counters[id]
		if len(d.absent) == 0 {
			return
		}
		if t, from := d.timed(c); t != nil && d.at >= from && d.idle(c) {
			d.call(t, id, CallRecallTimer, true)
		}
	}
}

func (d *decision) call(t *ticket, id protocol.CounterID, how CallKind, auto bool) {
	d.emit(TicketCalled{Ticket: t.ID, Counter: id, Calls: d.nextCall(t), How: how, Auto: auto})
}

// nextCall is the number of a ticket's next call. A visitor who was parked at his last call and
// waits again is called for the last time once more: calls never exceed their limit.
func (d *decision) nextCall(t *ticket) int {
	return max(t.Calls, min(t.Calls+1, d.settings.Rules.MaxCalls))
}
