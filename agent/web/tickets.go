package web

import (
	"context"
	"net/http"
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/protocol"
)

// issued is the answer to a new ticket.
type issued struct {
	ID      protocol.TicketID     `json:"id"`
	Number  protocol.TicketNumber `json:"number"`
	Service protocol.ServiceID    `json:"service"`
	Ahead   int                   `json:"ahead"`
	Wait    *queue.Wait           `json:"wait"`
	URL     string                `json:"url"`
	Print   queue.PrintState      `json:"print"`
}

func (s *Server) takeTicket(x *exchange) error {
	b, err := read(x, parseTake)
	if err != nil {
		return err
	}
	key, err := keyOf(x.r)
	if err != nil {
		return err
	}
	ticket, err := s.issue(x, key, b)
	if err != nil {
		return err
	}
	x.w.Header().Set("Location", apiRoot+"/tickets/"+string(ticket.ID))
	x.answer(http.StatusCreated, ticket)
	return nil
}

// issue takes a ticket for the caller, for the API and for the form without JavaScript.
func (s *Server) issue(x *exchange, key string, b takeBody) (issued, error) {
	if b.override && !x.who.role.Allows(access.Admin) {
		return issued{}, problem{code: "forbidden"}
	}
	wait, err := s.waitOfNew(x.r.Context(), b.service, b.priority)
	if err != nil {
		return issued{}, err
	}
	id := s.NewID()
	_, hash := s.Secret.Token(id)
	done, err := s.doAs(x, key, queue.Take{
		ID: id, Service: b.service, Language: b.language, Priority: b.priority, TokenHash: hash,
		Wait: wait, Override: b.override, NoPaper: !b.paper || s.Printer == nil,
	})
	if err != nil {
		return issued{}, err
	}
	ticket, ok := s.issuedBy(done)
	if !ok {
		return issued{}, problem{code: "unknown"}
	}
	return ticket, nil
}

// issuedBy finds the new ticket among the events: with a repeated key it is the first one, whose
// id and token are not those that were just made.
func (s *Server) issuedBy(done engine.Answer) (issued, bool) {
	for _, event := range done.Events {
		taken, ok := event.Body.(queue.TicketTaken)
		if !ok {
			continue
		}
		paper := queue.PrintQueued
		if taken.NoPaper {
			paper = queue.PrintNone
		}
		return issued{
			ID: taken.Ticket, Number: taken.Number, Service: taken.Service, Ahead: taken.Ahead,
			Wait: taken.Wait, URL: s.Secret.TicketURL(s.PublicURL, taken.Ticket, taken.Booking), Print: paper,
		}, true
	}
	return issued{}, false
}

func ticketOf(r *http.Request) protocol.TicketID { return protocol.TicketID(r.PathValue("id")) }

func (s *Server) getTicket(x *exchange) error { return s.answerTicket(x, ticketOf(x.r)) }

func (s *Server) answerTicket(x *exchange, id protocol.TicketID) error {
	view, err := s.lookAtTicket(x.r.Context(), id)
	if err != nil {
		return err
	}
	x.answer(http.StatusOK, view)
	return nil
}

// change carries a command about one ticket out and answers with the ticket.
func (s *Server) change(x *exchange, id protocol.TicketID, c queue.Command) error {
	if _, err := s.do(x, c); err != nil {
		return s.withTicket(x.r.Context(), id, err)
	}
	return s.answerTicket(x, id)
}

// withTicket adds the ticket as it truly is to a refusal.
func (s *Server) withTicket(ctx context.Context, id protocol.TicketID, err error) error {
	if !contradicts(err) {
		return err
	}
	view, lookErr := s.lookAtTicket(ctx, id)
	if lookErr != nil {
		return err
	}
	p, _ := translate(err)
	p.state = map[string]any{"ticket": view}
	return p
}

func (s *Server) transferTicket(x *exchange) error {
	wish, err := read(x, parseTransfer)
	if err != nil {
		return err
	}
	wish.Ticket = ticketOf(x.r)
	return s.change(x, wish.Ticket, wish)
}

func (s *Server) parkTicket(x *exchange) error {
	if _, err := read(x, parseNothing); err != nil {
		return err
	}
	return s.change(x, ticketOf(x.r), queue.Park{Ticket: ticketOf(x.r)})
}

func (s *Server) returnTicket(x *exchange) error {
	if _, err := read(x, parseNothing); err != nil {
		return err
	}
	return s.change(x, ticketOf(x.r), queue.Return{Ticket: ticketOf(x.r)})
}

func (s *Server) reprintTicket(x *exchange) error {
	mark, err := read(x, parseMark)
	if err != nil {
		return err
	}
	return s.change(x, ticketOf(x.r), queue.Reprint{Ticket: ticketOf(x.r), Mark: mark})
}

func (s *Server) cancelTicket(x *exchange) error {
	reason, err := read(x, parseText("reason", false))
	if err != nil {
		return err
	}
	return s.change(x, ticketOf(x.r), queue.Cancel{Ticket: ticketOf(x.r), Reason: reason})
}

// returnByToken brings an absent visitor back who scans his paper at the kiosk.
func (s *Server) returnByToken(x *exchange) error {
	scanned, err := read(x, parseText("token", true))
	if err != nil {
		return err
	}
	id, err := s.ticketByToken(x.r.Context(), secret.Hash(tokenOf(scanned)))
	if err != nil {
		return err
	}
	return s.change(x, id, queue.Return{Ticket: id})
}

// checkIn says that a booked visitor is in the hall, by his code or his e-ticket's token.
func (s *Server) checkIn(x *exchange) error {
	code, err := read(x, parseText("code", true))
	if err != nil {
		return err
	}
	id := s.NewID()
	_, hash := s.Secret.Token(id)
	code = tokenOf(code)
	done, err := s.do(x, queue.CheckIn{CodeHash: secret.Hash(code), ID: id, Token: hash})
	if err != nil {
		return err
	}
	if fresh, ok := s.issuedBy(done); ok {
		return s.answerTicket(x, fresh.ID)
	}
	for _, event := range done.Events {
		if back, ok := event.Body.(queue.TicketReturned); ok {
			return s.answerTicket(x, back.Ticket)
		}
	}
	id, err = s.ticketOfBooking(x.r.Context(), secret.Hash(code))
	if err != nil {
		return err
	}
	if id != "" { // he was in the queue already
		return s.answerTicket(x, id)
	}
	x.answer(http.StatusOK, map[string]any{"id": nil, "state": queue.StateBooked})
	return nil
}

func (s *Server) setIssuing(x *exchange) error {
	mode, err := read(x, parseIssuing)
	if err != nil {
		return err
	}
	service := protocol.ServiceID(x.r.PathValue("id"))
	if _, err := s.do(x, queue.SetIssuing{Service: service, Mode: mode, Override: true}); err != nil {
		return err
	}
	now, err := s.look(x.r.Context())
	if err != nil {
		return err
	}
	for _, view := range now.clerk.Services {
		if view.ID == service {
			x.answer(http.StatusOK, view)
			return nil
		}
	}
	return problem{code: string(queue.NoSuchService)}
}

// trustClock takes an administrator's word that date and time are right. Office time and day in the
// answer are those that hold afterwards.
func (s *Server) trustClock(x *exchange) error {
	if _, err := read(x, parseNothing); err != nil {
		return err
	}
	if _, err := s.do(x, queue.TrustClock{}); err != nil {
		return err
	}
	var answer struct {
		Day  protocol.Day `json:"day"`
		Time string       `json:"time"`
	}
	err := s.Engine.View(x.r.Context(), func(state *queue.State, now protocol.Instant) {
		answer.Day, answer.Time = state.Office().Day, now.Time().Format(time.RFC3339)
	})
	if err != nil {
		return err
	}
	x.answer(http.StatusOK, answer)
	return nil
}
