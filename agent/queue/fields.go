package queue

// The fields of each event in the order in which they are written. A field may be added at the
// end if it is left out when zero; the spelling is that of encoding/json with the struct tags,
// which a test checks.

// shape writes and reads the body of one kind of event.
type shape struct {
	write func(Body, *coder)
	read  func(*coder) Body
}

func shaped[T Body, P interface {
	*T
	fields(c *coder)
}]() shape {
	return shape{
		write: func(b Body, c *coder) {
			v, ok := b.(T)
			if !ok {
				c.fail("%T is not a %s", b, b.Kind())
				return
			}
			P(&v).fields(c)
		},
		read: func(c *coder) Body {
			var v T
			P(&v).fields(c)
			return v
		},
	}
}

// shapeOf finds the shape of a kind.
func shapeOf(kind string) (shape, bool) {
	switch kind {
	case "configured":
		return shaped[Configured](), true
	case "agent-started":
		return shaped[AgentStarted](), true
	case "clock-doubted":
		return shaped[ClockDoubted](), true
	case "clock-trusted":
		return shaped[ClockTrusted](), true
	case "day-opened":
		return shaped[DayOpened](), true
	case "hours-changed":
		return shaped[HoursChanged](), true
	case "day-closed":
		return shaped[DayClosed](), true
	case "ticket-taken":
		return shaped[TicketTaken](), true
	case "ticket-called":
		return shaped[TicketCalled](), true
	case "call-repeated":
		return shaped[CallRepeated](), true
	case "service-started":
		return shaped[ServiceStarted](), true
	case "ticket-missed":
		return shaped[TicketMissed](), true
	case "ticket-finished":
		return shaped[TicketFinished](), true
	case "ticket-transferred":
		return shaped[TicketTransferred](), true
	case "ticket-parked":
		return shaped[TicketParked](), true
	case "ticket-returned":
		return shaped[TicketReturned](), true
	case "ticket-postponed":
		return shaped[TicketPostponed](), true
	case "ticket-cancelled":
		return shaped[TicketCancelled](), true
	case "ticket-expired":
		return shaped[TicketExpired](), true
	case "reprint-asked":
		return shaped[ReprintAsked](), true
	case "print-recorded":
		return shaped[PrintRecorded](), true
	case "booking-set":
		return shaped[BookingSet](), true
	case "booking-arrived":
		return shaped[BookingArrived](), true
	case "booking-expired":
		return shaped[BookingExpired](), true
	case "counter-opened":
		return shaped[CounterOpened](), true
	case "counter-closed":
		return shaped[CounterClosed](), true
	case "counter-paused":
		return shaped[CounterPaused](), true
	case "counter-resumed":
		return shaped[CounterResumed](), true
	case "leave-asked":
		return shaped[LeaveAsked](), true
	case "skills-set":
		return shaped[SkillsSet](), true
	case "command-undone":
		return shaped[CommandUndone](), true
	case "issuing-set":
		return shaped[IssuingSet](), true
	default:
		return shape{}, false
	}
}

func waitFields(c *coder, v **Wait) {
	if c.reading {
		*v = &Wait{}
	}
	c.open()
	number(c, "low", &(*v).Low)
	number(c, "high", &(*v).High)
	c.shut()
}

func (r *PrintResult) fields(c *coder) {
	c.open()
	text(c, "state", &r.State)
	optText(c, "grade", &r.Grade)
	optText(c, "reason", &r.Reason)
	c.shut()
}

func (b *Configured) fields(c *coder) {
	c.object("settings", &b.Settings)
}

func (b *AgentStarted) fields(c *coder) {
	c.flag("clean", &b.Clean)
	optText(c, "version", &b.Version)
	optNumber(c, "restored", &b.Restored)
	c.optFlag("tail_lost", &b.TailLost)
	optNumber(c, "missing", &b.Missing)
}

func (b *ClockDoubted) fields(c *coder) {
	text(c, "reason", &b.Reason)
}

func (b *ClockTrusted) fields(*coder) {}

func (b *DayOpened) fields(c *coder) {
	text(c, "day", &b.Day)
	number(c, "opens", &b.Opens)
	number(c, "closes", &b.Closes)
}

func (b *HoursChanged) fields(c *coder) {
	number(c, "opens", &b.Opens)
	number(c, "closes", &b.Closes)
}

func (b *DayClosed) fields(c *coder) {
	text(c, "day", &b.Day)
	text(c, "reason", &b.Reason)
}

func (b *TicketTaken) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	c.ticketNumber("number", &b.Number)
	text(c, "service", &b.Service)
	text(c, "class", &b.Class)
	c.optFlag("priority", &b.Priority)
	number(c, "base", &b.Base)
	text(c, "language", &b.Language)
	optText(c, "token_hash", &b.TokenHash)
	optText(c, "booking", &b.Booking)
	optText(c, "again", &b.Again)
	number(c, "ahead", &b.Ahead)
	if c.opt("wait", b.Wait == nil) {
		waitFields(c, &b.Wait)
	}
	c.optFlag("override", &b.Override)
	c.optFlag("no_paper", &b.NoPaper)
	c.optFlag("late_sync", &b.LateSync)
	c.optFlag("overflow", &b.Overflow)
}

func (b *TicketCalled) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	number(c, "counter", &b.Counter)
	number(c, "calls", &b.Calls)
	text(c, "how", &b.How)
	c.optFlag("auto", &b.Auto)
	optText(c, "reason", &b.Reason)
}

func (b *CallRepeated) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	number(c, "counter", &b.Counter)
}

func (b *ServiceStarted) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	number(c, "counter", &b.Counter)
}

func (b *TicketMissed) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	number(c, "counter", &b.Counter)
	number(c, "calls", &b.Calls)
	c.optFlag("removed", &b.Removed)
}

func (b *TicketFinished) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	number(c, "counter", &b.Counter)
	optText(c, "outcome", &b.Outcome)
}

func (b *TicketTransferred) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	optNumber(c, "from", &b.From)
	text(c, "service", &b.Service)
	optNumber(c, "bound", &b.Bound)
	optNumber(c, "back_to", &b.BackTo)
	optText(c, "back_service", &b.BackService)
	number(c, "base", &b.Base)
	c.optFlag("returning", &b.Returning)
	optText(c, "outcome", &b.Outcome)
}

func (b *TicketParked) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	number(c, "counter", &b.Counter)
}

func (b *TicketReturned) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
}

func (b *TicketPostponed) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	number(c, "base", &b.Base)
}

func (b *TicketCancelled) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	optNumber(c, "counter", &b.Counter)
	optText(c, "reason", &b.Reason)
}

func (b *TicketExpired) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	text(c, "reason", &b.Reason)
}

func (b *ReprintAsked) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	text(c, "mark", &b.Mark)
}

func (b *PrintRecorded) fields(c *coder) {
	text(c, "ticket", &b.Ticket)
	number(c, "job", &b.Job)
	if c.key("result") {
		b.Result.fields(c)
	}
}

func (b *BookingSet) fields(c *coder) {
	c.object("booking", &b.Booking)
	optText(c, "note", &b.Note)
}

func (b *BookingArrived) fields(c *coder) {
	text(c, "booking", &b.Booking)
}

func (b *BookingExpired) fields(c *coder) {
	text(c, "booking", &b.Booking)
	text(c, "reason", &b.Reason)
}

func (b *CounterOpened) fields(c *coder) {
	number(c, "counter", &b.Counter)
	optText(c, "clerk", &b.Clerk)
}

func (b *CounterClosed) fields(c *coder) {
	number(c, "counter", &b.Counter)
}

func (b *CounterPaused) fields(c *coder) {
	number(c, "counter", &b.Counter)
}

func (b *CounterResumed) fields(c *coder) {
	number(c, "counter", &b.Counter)
}

func (b *LeaveAsked) fields(c *coder) {
	number(c, "counter", &b.Counter)
	text(c, "to", &b.To)
}

func (b *SkillsSet) fields(c *coder) {
	number(c, "counter", &b.Counter)
	c.object("skills", &b.Skills)
}

func (b *CommandUndone) fields(c *coder) {
	number(c, "counter", &b.Counter)
	number(c, "since", &b.Since)
	c.object("tickets", &b.Tickets)
	c.object("counters", &b.Counters)
}

func (b *IssuingSet) fields(c *coder) {
	text(c, "service", &b.Service)
	text(c, "mode", &b.Mode)
	c.optFlag("override", &b.Override)
}
