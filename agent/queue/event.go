package queue

import "github.com/okienko/okienko/protocol"

// Event is one fact of the branch's history. Events are numbered 1, 2, 3 … without gaps; At is
// the engine time, which never falls.
type Event struct {
	Seq uint64
	At  protocol.Instant
	// Part counts the events of one command: 0 is the first of them.
	Part int
	// Cause is who asked, the same for all events of one command.
	Cause Cause
	Body  Body
}

// Cause ties the events of one command to the request that led to them.
type Cause struct {
	// Key is the idempotency key; empty for the engine's own commands.
	Key string `json:"key,omitempty"`
	// Print is a fingerprint of the command, so that a key is not used for two of them.
	Print string `json:"fp,omitempty"`
	// Actor is who asked: kiosk, clerk:anna, engine, printer, centre.
	Actor string `json:"by,omitempty"`
}

// Body is what happened: one of the types of this file.
type Body interface {
	// Kind is the name of the type in the journal, such as ticket-taken.
	Kind() string
	fold(s *State, e Event)
}

// Settings, time and the agent itself.
type (
	// Configured means: these settings hold from now on.
	Configured struct {
		Settings protocol.Settings `json:"settings"`
	}
	// AgentStarted means: the agent began to run.
	AgentStarted struct {
		Clean    bool   `json:"clean"`
		Version  string `json:"version,omitempty"`
		Restored int    `json:"restored,omitempty"`
		TailLost bool   `json:"tail_lost,omitempty"`
		Missing  int    `json:"missing,omitempty"`
	}
	// ClockDoubted means: from now on the office day neither begins nor ends by the clock.
	ClockDoubted struct {
		Reason string `json:"reason"`
	}
	// ClockTrusted means: the clock is believed again.
	ClockTrusted struct{}
	// DayOpened means: a new office day; Opens and Closes bound its opening hours.
	DayOpened struct {
		Day    protocol.Day     `json:"day"`
		Opens  protocol.Instant `json:"opens"`
		Closes protocol.Instant `json:"closes"`
	}
	// HoursChanged means: new settings moved the opening hours of the present day.
	HoursChanged struct {
		Opens  protocol.Instant `json:"opens"`
		Closes protocol.Instant `json:"closes"`
	}
	// DayClosed means: the office day has ended. Every ticket of it is in a terminal state, but for
	// those that were issued while the clock was doubted: they go over into the day that opens.
	DayClosed struct {
		Day    protocol.Day `json:"day"`
		Reason string       `json:"reason"`
	}
)

// Tickets.
type (
	// TicketTaken means: a ticket exists and waits.
	TicketTaken struct {
		Ticket    protocol.TicketID     `json:"ticket"`
		Number    protocol.TicketNumber `json:"number"`
		Service   protocol.ServiceID    `json:"service"`
		Class     Class                 `json:"class"`
		Priority  bool                  `json:"priority,omitempty"`
		Base      protocol.Instant      `json:"base"`
		Language  protocol.Language     `json:"language"`
		TokenHash protocol.TokenHash    `json:"token_hash,omitempty"`
		Booking   protocol.BookingID    `json:"booking,omitempty"`
		Again     protocol.BookingID    `json:"again,omitempty"` // walk-in for a booking that was missed
		Ahead     int                   `json:"ahead"`
		Wait      *Wait                 `json:"wait,omitempty"`
		Override  bool                  `json:"override,omitempty"`
		NoPaper   bool                  `json:"no_paper,omitempty"` // nothing is to be printed
		LateSync  bool                  `json:"late_sync,omitempty"`
		Overflow  bool                  `json:"overflow,omitempty"` // range used up: alarm
	}
	// TicketCalled means: the visitor is asked to come to the counter.
	TicketCalled struct {
		Ticket  protocol.TicketID  `json:"ticket"`
		Counter protocol.CounterID `json:"counter"`
		Calls   int                `json:"calls"` // of this leg, this one included
		How     CallKind           `json:"how"`
		Auto    bool               `json:"auto,omitempty"` // by the engine, nobody pressed Next
		Reason  string             `json:"reason,omitempty"`
	}
	// CallRepeated means: the present call is announced again.
	CallRepeated struct {
		Ticket  protocol.TicketID  `json:"ticket"`
		Counter protocol.CounterID `json:"counter"`
	}
	// ServiceStarted means: the visitor is at the desk.
	ServiceStarted struct {
		Ticket  protocol.TicketID  `json:"ticket"`
		Counter protocol.CounterID `json:"counter"`
	}
	// TicketMissed means: the visitor did not come; Removed says that it was for the last time.
	TicketMissed struct {
		Ticket  protocol.TicketID  `json:"ticket"`
		Counter protocol.CounterID `json:"counter"`
		Calls   int                `json:"calls"`
		Removed bool               `json:"removed,omitempty"`
	}
	// TicketFinished means: served.
	TicketFinished struct {
		Ticket  protocol.TicketID  `json:"ticket"`
		Counter protocol.CounterID `json:"counter"`
		Outcome string             `json:"outcome,omitempty"`
	}
	// TicketTransferred means: waits for another service or counter. Returning says that it was no
	// wish of the clerk: his finish, with this Outcome, sent the visitor back to where he came from.
	TicketTransferred struct {
		Ticket      protocol.TicketID  `json:"ticket"`
		From        protocol.CounterID `json:"from,omitempty"` // 0 when he was waiting
		Service     protocol.ServiceID `json:"service"`
		Bound       protocol.CounterID `json:"bound,omitempty"` // only this counter sees him
		BackTo      protocol.CounterID `json:"back_to,omitempty"`
		BackService protocol.ServiceID `json:"back_service,omitempty"` // and for this service
		Base        protocol.Instant   `json:"base"`
		Returning   bool               `json:"returning,omitempty"`
		Outcome     string             `json:"outcome,omitempty"`
	}
	// TicketParked means: set aside at the counter.
	TicketParked struct {
		Ticket  protocol.TicketID  `json:"ticket"`
		Counter protocol.CounterID `json:"counter"`
	}
	// TicketReturned means: waits again at his old place.
	TicketReturned struct {
		Ticket protocol.TicketID `json:"ticket"`
	}
	// TicketPostponed means: the holder is late; waits with a later base.
	TicketPostponed struct {
		Ticket protocol.TicketID `json:"ticket"`
		Base   protocol.Instant  `json:"base"`
	}
	// TicketCancelled means: given up.
	TicketCancelled struct {
		Ticket  protocol.TicketID  `json:"ticket"`
		Counter protocol.CounterID `json:"counter,omitempty"` // that it frees
		Reason  string             `json:"reason,omitempty"`
	}
	// TicketExpired means: ended by the end of the day, or never checked in.
	TicketExpired struct {
		Ticket protocol.TicketID `json:"ticket"`
		Reason string            `json:"reason"`
	}
	// ReprintAsked means: the ticket is to be printed again. Its own Seq is the job number, as the Seq
	// of TicketTaken is the job number of the first print.
	ReprintAsked struct {
		Ticket protocol.TicketID `json:"ticket"`
		Mark   Mark              `json:"mark"`
	}
	// PrintRecorded means: what became of a print job.
	PrintRecorded struct {
		Ticket protocol.TicketID `json:"ticket"`
		Job    uint64            `json:"job"`
		Result PrintResult       `json:"result"`
	}
)

// Bookings.
type (
	// BookingSet means: the booking as the centre has it now.
	BookingSet struct {
		Booking protocol.Booking `json:"booking"`
		// Note says what a late change met: NoteEntered or NoteExpired.
		Note string `json:"note,omitempty"`
	}
	// BookingArrived means: the visitor has checked in, so a cancellation comes too late.
	BookingArrived struct {
		Booking protocol.BookingID `json:"booking"`
	}
	// BookingExpired means: the visitor never checked in, or the day was over.
	BookingExpired struct {
		Booking protocol.BookingID `json:"booking"`
		Reason  string             `json:"reason"`
	}
)

// Counters.
type (
	// CounterOpened means: a clerk began work.
	CounterOpened struct {
		Counter protocol.CounterID `json:"counter"`
		Clerk   string             `json:"clerk,omitempty"`
	}
	// CounterClosed means: work ended; absent tickets lose their home, parked ones wait again.
	CounterClosed struct {
		Counter protocol.CounterID `json:"counter"`
	}
	// CounterPaused means: as closed, but the clerk will be back.
	CounterPaused struct {
		Counter protocol.CounterID `json:"counter"`
	}
	// CounterResumed means: the break is over.
	CounterResumed struct {
		Counter protocol.CounterID `json:"counter"`
	}
	// LeaveAsked means: pause or close was asked for in mid-service and follows when it is free.
	LeaveAsked struct {
		Counter protocol.CounterID `json:"counter"`
		To      CounterStatus      `json:"to"` // paused or closed; open withdraws the wish
	}
	// SkillsSet means: the counter serves these services.
	SkillsSet struct {
		Counter protocol.CounterID         `json:"counter"`
		Skills  map[protocol.ServiceID]int `json:"skills"`
	}
	// CommandUndone means: the counter's last command is taken back; these are the values before it.
	CommandUndone struct {
		Counter  protocol.CounterID `json:"counter"`
		Since    uint64             `json:"since"` // first event that is undone
		Tickets  []Ticket           `json:"tickets"`
		Counters []Counter          `json:"counters"`
	}
	// IssuingSet means: whether walk-in tickets of the service are issued.
	IssuingSet struct {
		Service  protocol.ServiceID `json:"service"`
		Mode     IssuingMode        `json:"mode"`
		Override bool               `json:"override,omitempty"`
	}
)

// The notes of BookingSet.
const (
	NoteEntered = "entered-already"    // the visitor is in the queue already, or was
	NoteExpired = "expired-on-arrival" // the booked day was over when the booking came
)

// The reasons that the rules themselves give in TicketExpired, TicketCancelled, BookingExpired
// and DayClosed.
const (
	ReasonDayEnd           = "day-end"
	ReasonNoCheckIn        = "no-check-in"
	ReasonBookingCancelled = "booking-cancelled"
)

// Kind implements Body.
func (Configured) Kind() string { return "configured" }

// Kind implements Body.
func (AgentStarted) Kind() string { return "agent-started" }

// Kind implements Body.
func (ClockDoubted) Kind() string { return "clock-doubted" }

// Kind implements Body.
func (ClockTrusted) Kind() string { return "clock-trusted" }

// Kind implements Body.
func (DayOpened) Kind() string { return "day-opened" }

// Kind implements Body.
func (HoursChanged) Kind() string { return "hours-changed" }

// Kind implements Body.
func (DayClosed) Kind() string { return "day-closed" }

// Kind implements Body.
func (TicketTaken) Kind() string { return "ticket-taken" }

// Kind implements Body.
func (TicketCalled) Kind() string { return "ticket-called" }

// Kind implements Body.
func (CallRepeated) Kind() string { return "call-repeated" }

// Kind implements Body.
func (ServiceStarted) Kind() string { return "service-started" }

// Kind implements Body.
func (TicketMissed) Kind() string { return "ticket-missed" }

// Kind implements Body.
func (TicketFinished) Kind() string { return "ticket-finished" }

// Kind implements Body.
func (TicketTransferred) Kind() string { return "ticket-transferred" }

// Kind implements Body.
func (TicketParked) Kind() string { return "ticket-parked" }

// Kind implements Body.
func (TicketReturned) Kind() string { return "ticket-returned" }

// Kind implements Body.
func (TicketPostponed) Kind() string { return "ticket-postponed" }

// Kind implements Body.
func (TicketCancelled) Kind() string { return "ticket-cancelled" }

// Kind implements Body.
func (TicketExpired) Kind() string { return "ticket-expired" }

// Kind implements Body.
func (ReprintAsked) Kind() string { return "reprint-asked" }

// Kind implements Body.
func (PrintRecorded) Kind() string { return "print-recorded" }

// Kind implements Body.
func (BookingSet) Kind() string { return "booking-set" }

// Kind implements Body.
func (BookingArrived) Kind() string { return "booking-arrived" }

// Kind implements Body.
func (BookingExpired) Kind() string { return "booking-expired" }

// Kind implements Body.
func (CounterOpened) Kind() string { return "counter-opened" }

// Kind implements Body.
func (CounterClosed) Kind() string { return "counter-closed" }

// Kind implements Body.
func (CounterPaused) Kind() string { return "counter-paused" }

// Kind implements Body.
func (CounterResumed) Kind() string { return "counter-resumed" }

// Kind implements Body.
func (LeaveAsked) Kind() string { return "leave-asked" }

// Kind implements Body.
func (SkillsSet) Kind() string { return "skills-set" }

// Kind implements Body.
func (CommandUndone) Kind() string { return "command-undone" }

// Kind implements Body.
func (IssuingSet) Kind() string { return "issuing-set" }
