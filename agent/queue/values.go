package queue

import "github.com/okienko/okienko/protocol"

// Class orders tickets by how they were obtained.
type Class string

// The classes.
const (
	WalkIn Class = "walk-in"
	Booked Class = "booked"
)

// TicketState is where a ticket is in its life. The names are those of the API.
type TicketState string

// The ticket states; served, removed, cancelled and expired are terminal.
const (
	StateBooked    TicketState = "booked"
	StateWaiting   TicketState = "waiting"
	StateCalled    TicketState = "called"
	StateServing   TicketState = "serving"
	StateAbsent    TicketState = "absent"
	StateParked    TicketState = "parked"
	StateServed    TicketState = "served"
	StateRemoved   TicketState = "removed"
	StateCancelled TicketState = "cancelled"
	StateExpired   TicketState = "expired"
)

// CounterStatus is whether a counter calls visitors.
type CounterStatus string

// The counter states.
const (
	CounterIsClosed CounterStatus = "closed"
	CounterIsOpen   CounterStatus = "open"
	CounterIsPaused CounterStatus = "paused"
)

// CallKind says by which step of next(counter) a ticket was called.
type CallKind string

// The kinds of call.
const (
	CallFresh       CallKind = "fresh"        // step 2
	CallRecall      CallKind = "recall"       // step 1: absent before the counter's last finish
	CallRecallTimer CallKind = "recall-timer" // step 3: nobody waited and 120 s had passed
	CallChosen      CallKind = "chosen"       // out of order, by the clerk
)

// Mark stands on a ticket that is printed again.
type Mark string

// The marks: none, KOPIA (at the clerk's wish), WYDRUK PONOWNY (after an unknown outcome).
const (
	MarkNone    Mark = ""
	MarkCopy    Mark = "copy"
	MarkReprint Mark = "reprint"
)

// Wait is a span of predicted seconds until the call.
type Wait struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

// PrintState is what is known of a ticket's paper.
type PrintState string

// The print states as the API shows them.
const (
	PrintQueued  PrintState = "queued"
	PrintPrinted PrintState = "printed"
	PrintUnknown PrintState = "unknown"
	PrintFailed  PrintState = "failed" // before the first byte; it is tried again
	PrintNone    PrintState = "none"   // nothing was to be printed
)

// PrintResult is the end of one print job. Grade (A, B or C) is set when printed.
type PrintResult struct {
	State  PrintState `json:"state"`
	Grade  string     `json:"grade,omitempty"`
	Reason string     `json:"reason,omitempty"`
}

// Ticket is one visitor's place in the queue.
type Ticket struct {
	ID        protocol.TicketID     `json:"id"`
	Number    protocol.TicketNumber `json:"number"`
	Service   protocol.ServiceID    `json:"service"`
	Class     Class                 `json:"class"`
	Priority  bool                  `json:"priority,omitempty"`
	State     TicketState           `json:"state"`
	Language  protocol.Language     `json:"language"`
	TokenHash protocol.TokenHash    `json:"token_hash,omitempty"`
	Booking   protocol.BookingID    `json:"booking,omitempty"`
	// Base orders the ticket: time of issue or booked hour. Seq breaks ties: the number of the
	// event that issued it.
	Base protocol.Instant `json:"base"`
	Seq  uint64           `json:"seq"`
	// Issued is when it was taken; Calls counts the calls of this leg; CalledAt is the last one.
	Issued   protocol.Instant `json:"issued"`
	Calls    int              `json:"calls,omitempty"`
	CalledAt protocol.Instant `json:"called_at,omitempty"`
	// Counter holds the ticket while called, serving or parked; Bound is the only counter that
	// sees it while waiting; Home recalls it while absent; BackTo gets it after the transfer.
	Counter protocol.CounterID `json:"counter,omitempty"`
	Bound   protocol.CounterID `json:"bound,omitempty"`
	Home    protocol.CounterID `json:"home,omitempty"`
	BackTo  protocol.CounterID `json:"back_to,omitempty"`
	// BackService is the service that BackTo will serve him for.
	BackService protocol.ServiceID `json:"back_service,omitempty"`
	// MissedSeq and MissedAt are the last no-show; MissedServed is Counter.Served at that moment.
	MissedSeq    uint64           `json:"missed_seq,omitempty"`
	MissedAt     protocol.Instant `json:"missed_at,omitempty"`
	MissedServed int              `json:"missed_served,omitempty"`
	WasLate      bool             `json:"was_late,omitempty"`
	// EndedAt is when a terminal state was reached.
	EndedAt protocol.Instant `json:"ended_at,omitempty"`
	// Ahead and Wait are what the visitor was told when he took the ticket.
	Ahead int         `json:"ahead"`
	Wait  *Wait       `json:"wait,omitempty"`
	Job   uint64      `json:"job,omitempty"` // the last print job asked for
	Print PrintResult `json:"print"`
	// Mark is what stands on the paper of that job.
	Mark Mark `json:"mark,omitempty"`
}

// Counter is one desk and what it does now.
type Counter struct {
	ID     protocol.CounterID         `json:"id"`
	Status CounterStatus              `json:"status"`
	Clerk  string                     `json:"clerk,omitempty"`
	Skills map[protocol.ServiceID]int `json:"skills"` // penalty in minutes
	Ticket protocol.TicketID          `json:"ticket,omitempty"`
	// Token is the sequence number of the counter's last finish or transfer; 0 = none.
	Token uint64 `json:"token,omitempty"`
	// Served counts the finishes and transfers here since the counter exists.
	Served int `json:"served,omitempty"`
	// Leaving is the status asked for in mid-service; empty when none.
	Leaving CounterStatus `json:"leaving,omitempty"`
	// LastSeq and LastAt are the first event and the time of the last command that may be
	// undone; 0 when there is none.
	LastSeq uint64           `json:"last_seq,omitempty"`
	LastAt  protocol.Instant `json:"last_at,omitempty"`
}

// Terminal reports whether a ticket in this state is out of the queue for good.
func (t TicketState) Terminal() bool {
	switch t {
	case StateServed, StateRemoved, StateCancelled, StateExpired:
		return true
	case StateBooked, StateWaiting, StateCalled, StateServing, StateAbsent, StateParked:
	}
	return false
}

// Call is one call of the day, for the screens.
type Call struct {
	Seq     uint64                `json:"seq"`
	At      protocol.Instant      `json:"at"`
	Ticket  protocol.TicketID     `json:"ticket"`
	Number  protocol.TicketNumber `json:"number"`
	Service protocol.ServiceID    `json:"service"`
	Counter protocol.CounterID    `json:"counter"`
	How     CallKind              `json:"how"`
}
