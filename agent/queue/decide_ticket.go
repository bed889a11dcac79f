package queue

import (
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

func (d *decision) take(c Take) error {
	v := d.services[c.Service]
	if v == nil {
		return refuse(NoSuchService, "%s", c.Service)
	}
	if err := d.checkNewTicket(c.ID, c.TokenHash); err != nil {
		return err
	}
	if c.Wait != nil && (c.Wait.Low < 0 || c.Wait.High < c.Wait.Low) {
		return refuse(BadValue, "wait %+v", *c.Wait)
	}
	language, err := languageOf(c.Language)
	if err != nil {
		return err
	}
	if code := d.issuing(v, d.at, c.Override); code != "" {
		return refuse(code, "service %s", v.ID)
	}
	number, overflow := d.walkInNumber(v)
	d.emit(TicketTaken{
		Ticket: c.ID, Number: number, Service: v.ID, Class: WalkIn, Priority: c.Priority,
		Base: d.at, Language: language, TokenHash: c.TokenHash,
		Ahead: d.AheadOfNew(v.ID, c.Priority, d.at), Wait: c.Wait,
		Override: c.Override, NoPaper: c.NoPaper, Overflow: overflow,
	})
	return nil
}

func (d *decision) checkNewTicket(id protocol.TicketID, token protocol.TokenHash) error {
	if err := checkName("ticket id", id); err != nil {
		return err
	}
	if err := checkHash(token); err != nil {
		return err
	}
	if d.tickets[id] != nil {
		return refuse(DuplicateTicket, "id %s", id)
	}
	if _, known := d.tokens[token]; known && token != "" {
		return refuse(DuplicateTicket, "token of %s", id)
	}
	return nil
}

func languageOf(l protocol.Language) (protocol.Language, error) {
	switch l {
	case "":
		return protocol.Polish, nil
	case protocol.Polish, protocol.English, protocol.Ukrainian, protocol.German:
		return l, nil
	default:
		return "", refuse(BadValue, "language %q", l)
	}
}

// issuing is why no walk-in ticket is issued, or "".
func (s *State) issuing(v *protocol.Service, at protocol.Instant, override bool) Code {
	switch {
	case !s.working():
		return DayNotOpen
	case v.Draining:
		return IssuingIsOff
	case v.BookingOnly:
		return BookingsOnly
	case override:
		return ""
	case !s.doubted() && !s.openFor(v, at):
		return OutsideHours
	}
	r := s.seriesOf(v.ID)
	switch {
	case v.Quota > 0 && r.issued >= v.Quota:
		return QuotaReached
	case r.mode == IssuingStopped, r.mode == IssuingAuto && s.tooLateToday(v, at):
		return IssuingIsOff
	default:
		return ""
	}
}

// tooLateToday is the stop of issuing until an estimate exists: a visitor who came now would
// probably not be called before closing. Without an open counter, a mean or a trusted clock
// nobody can say so, and StopIssuingBelow = 0 switches it off.
func (s *State) tooLateToday(v *protocol.Service, at protocol.Instant) bool {
	open := s.openCounters(v.ID)
	if s.settings.Rules.StopIssuingBelow == 0 || open == 0 || s.doubted() {
		return false
	}
	ahead := s.AheadOfNew(v.ID, false, at)
	return at+span(ahead*v.MeanSeconds/open, time.Second) >= s.office.closes
}

func (d *decision) ticketOf(id protocol.TicketID) (*ticket, error) {
	t := d.tickets[id]
	if t == nil {
		return nil, refuse(NoSuchTicket, "%s", id)
	}
	return t, nil
}

func wrongState(t *ticket) error { return refuse(WrongState, "ticket %s is %s", t.Number, t.State) }

func (d *decision) comeBack(c Return) error {
	t, err := d.ticketOf(c.Ticket)
	if err != nil {
		return err
	}
	switch t.State {
	case StateWaiting:
		return nil
	case StateAbsent, StateParked:
		d.emit(TicketReturned{Ticket: t.ID})
		return nil
	default:
		return wrongState(t)
	}
}

func (d *decision) late(c Late) error {
	t, err := d.ticketOf(c.Ticket)
	switch {
	case err != nil:
		return err
	case t.State != StateWaiting:
		return wrongState(t)
	case t.WasLate:
		return refuse(AlreadyLate, "ticket %s", t.Number)
	case c.Minutes < 1 || c.Minutes > d.settings.Rules.LateMaxMinutes:
		return refuse(BadValue, "%d minutes", c.Minutes)
	}
	d.emit(TicketPostponed{Ticket: t.ID, Base: t.Base + span(c.Minutes, time.Minute)})
	return nil
}

func (d *decision) cancel(c Cancel) error {
	t, err := d.ticketOf(c.Ticket)
	if err != nil {
		return err
	}
	if t.State.Terminal() {
		return wrongState(t)
	}
	held := d.holder(t)
	d.emit(TicketCancelled{Ticket: t.ID, Counter: held, Reason: tidy(c.Reason)})
	if held != 0 {
		d.leaveIfAsked(held)
	}
	return nil
}

func (d *decision) transfer(c Transfer) error {
	t, err := d.ticketOf(c.Ticket)
	if err != nil {
		return err
	}
	from := d.holder(t)
	if from == 0 && t.State != StateWaiting {
		return wrongState(t)
	}
	if c.BackToMe && from == 0 {
		return refuse(BadValue, "nobody sends this visitor, so he cannot come back")
	}
	b := TicketTransferred{
		Ticket: t.ID, From: from, Service: t.Service, Base: t.Base,
		BackTo: t.BackTo, BackService: t.BackService,
	}
	if err := d.destination(c, &b); err != nil {
		return err
	}
	if c.AsNew {
		b.Base = d.at
	}
	if c.BackToMe {
		b.BackTo, b.BackService = from, t.Service
	}
	d.emit(b)
	if from != 0 {
		d.afterVisit(from)
	}
	return nil
}

// destination checks where a visitor is sent and writes it down.
func (d *decision) destination(c Transfer, b *TicketTransferred) error {
	switch {
	case (c.Service == "") == (c.Counter == 0):
		return refuse(BadValue, "one of service and counter must be given")
	case c.Service != "":
		v := d.services[c.Service]
		if v == nil {
			return refuse(NoSuchService, "%s", c.Service)
		}
		if v.Draining {
			return refuse(IssuingIsOff, "service %s is being taken out", c.Service)
		}
		b.Service = c.Service
		return nil
	}
	to, err := d.anyCounter(c.Counter)
	if err != nil {
		return err
	}
	if to.Status == CounterIsClosed {
		return refuse(CounterNotOpen, "counter %d", c.Counter)
	}
	if _, skill := to.Skills[b.Service]; !skill {
		return refuse(NotYourService, "counter %d, service %s", c.Counter, b.Service)
	}
	b.Bound = c.Counter
	return nil
}

func (d *decision) park(c Park) error {
	t, err := d.ticketOf(c.Ticket)
	if err != nil {
		return err
	}
	held := d.holder(t)
	if held == 0 {
		return wrongState(t)
	}
	d.emit(TicketParked{Ticket: t.ID, Counter: held})
	d.leaveIfAsked(held)
	return nil
}

func (d *decision) reprint(c Reprint) error {
	t, err := d.ticketOf(c.Ticket)
	switch {
	case err != nil:
		return err
	case t.State.Terminal():
		return wrongState(t)
	case c.Mark != MarkNone && c.Mark != MarkCopy && c.Mark != MarkReprint:
		return refuse(BadValue, "mark %q", c.Mark)
	}
	d.emit(ReprintAsked{Ticket: t.ID, Mark: c.Mark})
	return nil
}

// recordPrint notes a result once. The result of an older job, which a slow device may still
// bring, goes into the journal, but the ticket shows what is known of its newest paper. A
// printed job stays printed.
func (d *decision) recordPrint(c RecordPrint) error {
	t, err := d.ticketOf(c.Ticket)
	if err != nil {
		return err
	}
	states := []PrintState{PrintPrinted, PrintUnknown, PrintFailed, PrintNone}
	grades := []string{"A", "B", "C"}
	result := PrintResult{State: c.Result.State, Grade: c.Result.Grade, Reason: tidy(c.Result.Reason)}
	switch {
	case c.Job < t.Seq || c.Job > t.Job:
		return refuse(BadValue, "ticket %s has no print job %d", t.Number, c.Job)
	case !slices.Contains(states, result.State):
		return refuse(BadValue, "print state %q", result.State)
	case (result.State == PrintPrinted) != slices.Contains(grades, result.Grade) ||
		result.State != PrintPrinted && result.Grade != "":
		return refuse(BadValue, "print grade %q when %s", result.Grade, result.State)
	case c.Job == t.Job && (t.Print == result || t.Print.State == PrintPrinted):
		return nil
	}
	d.emit(PrintRecorded{Ticket: t.ID, Job: c.Job, Result: result})
	return nil
}
