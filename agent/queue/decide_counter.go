package queue

import (
	"cmp"
	"maps"
	"slices"

	"github.com/okienko/okienko/protocol"
)

func (d *decision) anyCounter(id protocol.CounterID) (*counter, error) {
	c := d.counters[id]
	if c == nil {
		return nil, refuse(NoSuchCounter, "%d", id)
	}
	return c, nil
}

// workingCounter finds a counter that is open.
func (d *decision) workingCounter(id protocol.CounterID) (*counter, error) {
	c, err := d.anyCounter(id)
	if err == nil && c.Status != CounterIsOpen {
		return nil, refuse(CounterNotOpen, "counter %d is %s", id, c.Status)
	}
	return c, err
}

// present finds the ticket that is called or served at an open counter. seen is the ticket that
// the clerk saw there, if he said so.
func (d *decision) present(id protocol.CounterID, seen *protocol.TicketID) (*ticket, error) {
	c, err := d.workingCounter(id)
	switch {
	case err != nil:
		return nil, err
	case seen != nil && *seen != c.Ticket:
		return nil, refuse(StaleView, "counter %d has %q", id, c.Ticket)
	case c.Ticket == "":
		return nil, refuse(CounterFree, "counter %d", id)
	}
	return d.tickets[c.Ticket], nil
}

func (d *decision) openCounter(c OpenCounter) error {
	k, err := d.anyCounter(c.Counter)
	clerk := tidy(c.Clerk)
	switch {
	case err != nil:
		return err
	case k.Status == CounterIsOpen && k.Clerk == clerk:
		return nil
	case k.Ticket != "":
		return refuse(CounterBusy, "counter %d", c.Counter)
	}
	d.emit(CounterOpened{Counter: c.Counter, Clerk: clerk})
	return nil
}

// leaveCounter pauses or closes a counter, or notes the wish while a visitor is there.
func (d *decision) leaveCounter(id protocol.CounterID, to CounterStatus) error {
	c, err := d.anyCounter(id)
	switch {
	case err != nil:
		return err
	case c.Status == to, c.Leaving == to:
		return nil
	case c.gone:
		return refuse(NoSuchCounter, "%d is being taken out", id)
	case c.Status == CounterIsClosed:
		return refuse(CounterNotOpen, "counter %d", id)
	case c.Ticket != "":
		d.emit(LeaveAsked{Counter: id, To: to})
	default:
		d.leaveNow(id, to)
	}
	return nil
}

func (d *decision) leaveNow(id protocol.CounterID, to CounterStatus) {
	if to == CounterIsPaused {
		d.emit(CounterPaused{Counter: id})
		return
	}
	d.emit(CounterClosed{Counter: id})
}

// leaveIfAsked follows a wish to pause or close when the counter has just become free.
func (d *decision) leaveIfAsked(id protocol.CounterID) bool {
	to := d.counters[id].Leaving
	if to != "" {
		d.leaveNow(id, to)
	}
	return to != ""
}

func (d *decision) resumeCounter(c ResumeCounter) error {
	k, err := d.anyCounter(c.Counter)
	switch {
	case err != nil:
		return err
	case k.gone:
		return refuse(NoSuchCounter, "%d is being taken out", c.Counter)
	case k.Status == CounterIsClosed:
		return refuse(CounterNotOpen, "counter %d", c.Counter)
	case k.Status == CounterIsPaused:
		d.emit(CounterResumed(c))
	case k.Leaving != "":
		d.emit(LeaveAsked{Counter: c.Counter, To: CounterIsOpen})
	}
	return nil
}

func (d *decision) setSkills(c SetSkills) error {
	k, err := d.anyCounter(c.Counter)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(c.Skills)) {
		if d.services[id] == nil {
			return refuse(NoSuchService, "%s", id)
		}
		if p := c.Skills[id]; p < 0 || p > protocol.MaxPenaltyMinutes {
			return refuse(BadValue, "penalty of %d minutes", p)
		}
	}
	skills := map[protocol.ServiceID]int{}
	maps.Copy(skills, c.Skills)
	if !maps.Equal(k.Skills, skills) {
		d.emit(SkillsSet{Counter: c.Counter, Skills: skills})
	}
	return nil
}

func (d *decision) next(c Next) error {
	k, err := d.workingCounter(c.Counter)
	switch {
	case err != nil:
		return err
	case c.Seen != nil && *c.Seen != k.Ticket:
		return refuse(StaleView, "counter %d has %q", c.Counter, k.Ticket)
	}
	if k.Ticket != "" {
		d.endVisit(d.tickets[k.Ticket], "")
		if d.leaveIfAsked(c.Counter) {
			return nil
		}
	}
	d.callNext(c.Counter, false)
	return nil
}

func (d *decision) finish(c Finish) error {
	t, err := d.present(c.Counter, c.Seen)
	if err != nil {
		return err
	}
	d.endVisit(t, tidy(c.Outcome))
	d.afterVisit(c.Counter)
	return nil
}

// endVisit finishes the present ticket, or sends it back to the counter that asked for that.
func (d *decision) endVisit(t *ticket, outcome string) {
	if t.BackTo == 0 {
		d.emit(TicketFinished{Ticket: t.ID, Counter: t.Counter, Outcome: outcome})
		return
	}
	back := TicketTransferred{
		Ticket: t.ID, From: t.Counter, Service: cmp.Or(t.BackService, t.Service), Base: t.Base,
		Returning: true, Outcome: outcome,
	}
	if c := d.counters[t.BackTo]; c != nil && c.Status != CounterIsClosed {
		if _, skill := c.Skills[back.Service]; skill {
			back.Bound = t.BackTo
		}
	}
	d.emit(back)
}

// afterVisit is what the engine does by itself after a finish or transfer.
func (d *decision) afterVisit(id protocol.CounterID) {
	switch {
	case d.leaveIfAsked(id):
	case d.settings.Rules.CallAfterFinish:
		d.callNext(id, true)
	default:
		d.callBack(id, true)
	}
}

func (d *decision) callTicket(c CallTicket) error {
	k, err := d.workingCounter(c.Counter)
	if err != nil {
		return err
	}
	t, err := d.ticketOf(c.Ticket)
	if err != nil {
		return err
	}
	if k.Ticket != "" {
		return refuse(CounterBusy, "counter %d", c.Counter)
	}
	b := TicketCalled{
		Ticket: t.ID, Counter: c.Counter, Calls: d.nextCall(t), How: CallChosen, Reason: tidy(c.Reason),
	}
	switch {
	case t.State == StateParked && t.Counter == c.Counter:
		b.Calls = t.Calls
	case t.State != StateWaiting && t.State != StateAbsent:
		return wrongState(t)
	case !k.sees(t):
		return refuse(NotYourService, "ticket %s", t.Number)
	case b.Reason == "":
		return refuse(ReasonMissing, "ticket %s", t.Number)
	}
	d.emit(b)
	return nil
}

func (d *decision) callAgain(c Recall) error {
	t, err := d.present(c.Counter, nil)
	if err != nil {
		return err
	}
	d.emit(CallRepeated{Ticket: t.ID, Counter: c.Counter})
	return nil
}

func (d *decision) startService(c StartService) error {
	t, err := d.present(c.Counter, nil)
	if err != nil {
		return err
	}
	if t.State == StateCalled {
		d.emit(ServiceStarted{Ticket: t.ID, Counter: c.Counter})
	}
	return nil
}

func (d *decision) noShow(c NoShow) error {
	t, err := d.present(c.Counter, c.Seen)
	if err != nil {
		return err
	}
	d.emit(TicketMissed{
		Ticket: t.ID, Counter: c.Counter, Calls: t.Calls,
		Removed: t.Calls >= d.settings.Rules.MaxCalls,
	})
	d.leaveIfAsked(c.Counter)
	return nil
}
