package web

import (
	"time"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// fact is an event of the journal as everybody may see it: no token, no reason that a clerk
// typed, no sign-in name.
type fact struct {
	Seq     uint64                `json:"seq"`
	At      time.Time             `json:"at"`
	Kind    string                `json:"kind"`
	Ticket  protocol.TicketID     `json:"ticket,omitempty"`
	Number  protocol.TicketNumber `json:"number,omitzero"`
	Service protocol.ServiceID    `json:"service,omitempty"`
	Counter protocol.CounterID    `json:"counter,omitempty"`
	Calls   int                   `json:"calls,omitempty"`
	How     queue.CallKind        `json:"how,omitempty"`
	// AgeMS is how old the fact was when it was sent: a display announces nothing stale.
	AgeMS int64 `json:"age_ms"`
}

// publish makes the public form of an event; false for events that concern nobody outside.
func publish(e queue.Event) (fact, bool) {
	f := fact{Seq: e.Seq}
	switch b := e.Body.(type) {
	case queue.TicketTaken:
		f.Kind, f.Ticket, f.Number, f.Service = "ticket_taken", b.Ticket, b.Number, b.Service
	case queue.TicketCalled:
		f.Kind, f.Ticket, f.Counter, f.Calls, f.How = "ticket_called", b.Ticket, b.Counter, b.Calls, b.How
	case queue.CallRepeated:
		f.Kind, f.Ticket, f.Counter = "call_repeated", b.Ticket, b.Counter
	case queue.ServiceStarted:
		f.Kind, f.Ticket, f.Counter = "service_started", b.Ticket, b.Counter
	case queue.TicketMissed:
		f.Kind, f.Ticket, f.Counter, f.Calls = "ticket_missed", b.Ticket, b.Counter, b.Calls
		if b.Removed {
			f.Kind = "ticket_removed"
		}
	case queue.TicketFinished:
		f.Kind, f.Ticket, f.Counter = "ticket_finished", b.Ticket, b.Counter
	case queue.TicketTransferred:
		f.Kind, f.Ticket, f.Counter, f.Service = "ticket_transferred", b.Ticket, b.From, b.Service
	case queue.TicketParked:
		f.Kind, f.Ticket, f.Counter = "ticket_parked", b.Ticket, b.Counter
	case queue.TicketReturned:
		f.Kind, f.Ticket = "ticket_returned", b.Ticket
	case queue.TicketPostponed:
		f.Kind, f.Ticket = "ticket_postponed", b.Ticket
	case queue.TicketCancelled:
		f.Kind, f.Ticket, f.Counter = "ticket_cancelled", b.Ticket, b.Counter
	case queue.TicketExpired:
		f.Kind, f.Ticket = "ticket_expired", b.Ticket
	default:
		return publishOther(e)
	}
	return f, true
}

func publishOther(e queue.Event) (fact, bool) {
	f := fact{Seq: e.Seq}
	switch b := e.Body.(type) {
	case queue.CounterOpened:
		f.Kind, f.Counter = "counter_opened", b.Counter
	case queue.CounterClosed:
		f.Kind, f.Counter = "counter_closed", b.Counter
	case queue.CounterPaused:
		f.Kind, f.Counter = "counter_paused", b.Counter
	case queue.CounterResumed:
		f.Kind, f.Counter = "counter_resumed", b.Counter
	case queue.CommandUndone:
		f.Kind, f.Counter = "command_undone", b.Counter
	case queue.IssuingSet:
		f.Kind, f.Service = "issuing_set", b.Service
	case queue.DayOpened:
		f.Kind = "day_opened"
	case queue.DayClosed:
		f.Kind = "day_closed"
	default:
		return fact{}, false
	}
	return f, true
}
