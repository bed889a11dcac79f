package queue

import "github.com/okienko/okienko/protocol"

// Command is a wish that Decide turns into events or refuses.
type Command interface{ command() }

// Settings and time.
type (
	// Configure replaces the settings. A service that is missing while people wait drains.
	Configure struct{ Settings protocol.Settings }
	// Start is the first command of every run of the agent.
	Start struct {
		Clean    bool   // the last run ended in an orderly way
		Version  string // of the agent
		Restored int    // events that had to be taken from the ledger
		// TailLost says that the newest events may be missing after a restore; numbers then
		// continue well above the highest that may have been printed.
		TailLost bool
		// Missing is the most events that may be lost with the tail, where that is known; no more
		// numbers than that can have been printed.
		Missing int
		// Doubt says why the clock cannot be trusted from the start; empty when it can. It comes
		// before everything that the clock would make due.
		Doubt string
	}
	// Tick lets everything happen that is due: bookings enter, recalls by timer, day end.
	Tick struct{}
	// DoubtClock says that the clock cannot be trusted; TrustClock that it can again.
	DoubtClock struct{ Reason string }
	// TrustClock ends a doubt, after time sync or by an operator's word.
	TrustClock struct{}
	// CloseDay ends the office day by an operator's word.
	CloseDay struct{ Reason string }
)

// Tickets.
type (
	// Take issues a walk-in ticket.
	Take struct {
		ID        protocol.TicketID
		Service   protocol.ServiceID
		Language  protocol.Language
		Priority  bool
		TokenHash protocol.TokenHash
		Wait      *Wait // what the kiosk showed; kept with the ticket
		Override  bool  // a supervisor issues outside hours, quota or a stop
		NoPaper   bool  // the visitor has no paper ticket: nothing is printed
	}
	// Return brings an absent or parked visitor back to his old place.
	Return struct{ Ticket protocol.TicketID }
	// Late moves a waiting holder back by some minutes, once.
	Late struct {
		Ticket  protocol.TicketID
		Minutes int
	}
	// Cancel ends a ticket at the holder's or the clerk's wish.
	Cancel struct {
		Ticket protocol.TicketID
		Reason string
	}
	// Transfer sends the called visitor, or a waiting one, to a service or a counter.
	Transfer struct {
		Ticket   protocol.TicketID
		Service  protocol.ServiceID // one of Service and Counter is set
		Counter  protocol.CounterID
		AsNew    bool // base becomes the time of the transfer
		BackToMe bool // afterwards he comes back to the counter that sent him
	}
	// Park sets the called visitor aside at his counter.
	Park struct{ Ticket protocol.TicketID }
	// Reprint asks for the ticket on paper once more, marked KOPIA or WYDRUK PONOWNY.
	Reprint struct {
		Ticket protocol.TicketID
		Mark   Mark
	}
	// RecordPrint notes what became of a print job.
	RecordPrint struct {
		Ticket protocol.TicketID
		Job    uint64 // sequence number of the event that asked for the print
		Result PrintResult
	}
)

// Bookings.
type (
	// SetBooking brings a booking as the centre has it now: made, moved or cancelled.
	SetBooking struct{ Booking protocol.Booking }
	// CheckIn says that the booked visitor is in the hall.
	CheckIn struct {
		CodeHash protocol.TokenHash // of the code or of the e-ticket's token
		ID       protocol.TicketID  // for the new walk-in ticket, where the rules give one
		Token    protocol.TokenHash // of that ticket
	}
)

// Counters.
type (
	// OpenCounter begins work at a closed counter.
	OpenCounter struct {
		Counter protocol.CounterID
		Clerk   string // sign-in name, never a visitor's
	}
	// CloseCounter ends work; in mid-service as soon as the counter is free.
	CloseCounter struct{ Counter protocol.CounterID }
	// PauseCounter begins a break; in mid-service as soon as the counter is free.
	PauseCounter struct{ Counter protocol.CounterID }
	// ResumeCounter ends a break.
	ResumeCounter struct{ Counter protocol.CounterID }
	// SetSkills changes what a counter serves until the settings change.
	SetSkills struct {
		Counter protocol.CounterID
		Skills  map[protocol.ServiceID]int
	}
	// Next finishes the present ticket, if any, and calls the next.
	Next struct {
		Counter protocol.CounterID
		Seen    *protocol.TicketID // the ticket the clerk saw; "" = saw none; nil = not said
	}
	// CallTicket calls a chosen ticket out of order.
	CallTicket struct {
		Counter protocol.CounterID
		Ticket  protocol.TicketID
		Reason  string
	}
	// Recall announces the present ticket again; its calls do not change.
	Recall struct{ Counter protocol.CounterID }
	// StartService notes that the visitor has arrived at the desk.
	StartService struct{ Counter protocol.CounterID }
	// NoShow says that the called visitor did not come.
	NoShow struct {
		Counter protocol.CounterID
		Seen    *protocol.TicketID
	}
	// Finish ends the service of the present ticket.
	Finish struct {
		Counter protocol.CounterID
		Seen    *protocol.TicketID
		Outcome string
	}
	// Undo takes back what the counter's last command did.
	Undo struct{ Counter protocol.CounterID }
	// SetIssuing lets the estimate or a supervisor stop and start the issue of walk-in tickets.
	SetIssuing struct {
		Service  protocol.ServiceID
		Mode     IssuingMode
		Override bool // a supervisor's word; stays until Auto or the day's end
	}
)

// IssuingMode says whether walk-in tickets of a service are issued.
type IssuingMode string

// The modes.
const (
	IssuingAuto    IssuingMode = "auto"
	IssuingOn      IssuingMode = "on"
	IssuingStopped IssuingMode = "stopped"
)

func (Configure) command()     {}
func (Start) command()         {}
func (Tick) command()          {}
func (DoubtClock) command()    {}
func (TrustClock) command()    {}
func (CloseDay) command()      {}
func (Take) command()          {}
func (Return) command()        {}
func (Late) command()          {}
func (Cancel) command()        {}
func (Transfer) command()      {}
func (Park) command()          {}
func (Reprint) command()       {}
func (RecordPrint) command()   {}
func (SetBooking) command()    {}
func (CheckIn) command()       {}
func (OpenCounter) command()   {}
func (CloseCounter) command()  {}
func (PauseCounter) command()  {}
func (ResumeCounter) command() {}
func (SetSkills) command()     {}
func (Next) command()          {}
func (CallTicket) command()    {}
func (Recall) command()        {}
func (StartService) command()  {}
func (NoShow) command()        {}
func (Finish) command()        {}
func (Undo) command()          {}
func (SetIssuing) command()    {}
