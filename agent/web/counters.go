package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// command makes the queue's command for one counter from a body.
type command func(x *exchange, n protocol.CounterID) (queue.Command, error)

// counterRoutes are the calls that answer with the counter.
func counterRoutes() []route {
	simple := func(name string, c func(protocol.CounterID) queue.Command) route {
		return counterRoute(name, func(x *exchange, n protocol.CounterID) (queue.Command, error) {
			_, err := read(x, parseNothing)
			return c(n), err
		})
	}
	return []route{
		counterRoute("open", openCommand),
		simple("close", func(n protocol.CounterID) queue.Command { return queue.CloseCounter{Counter: n} }),
		simple("pause", func(n protocol.CounterID) queue.Command { return queue.PauseCounter{Counter: n} }),
		simple("resume", func(n protocol.CounterID) queue.Command { return queue.ResumeCounter{Counter: n} }),
		simple("recall", func(n protocol.CounterID) queue.Command { return queue.Recall{Counter: n} }),
		simple("start", func(n protocol.CounterID) queue.Command { return queue.StartService{Counter: n} }),
		simple("undo", func(n protocol.CounterID) queue.Command { return queue.Undo{Counter: n} }),
		counterRoute("no-show", func(x *exchange, n protocol.CounterID) (queue.Command, error) {
			b, err := read(x, parseSeen)
			return queue.NoShow{Counter: n, Seen: b.seen}, err
		}),
		counterRoute("finish", func(x *exchange, n protocol.CounterID) (queue.Command, error) {
			b, err := read(x, parseFinish)
			return queue.Finish{Counter: n, Seen: b.seen, Outcome: b.outcome}, err
		}),
		counterRoute("call", func(x *exchange, n protocol.CounterID) (queue.Command, error) {
			b, err := read(x, parseCall)
			return queue.CallTicket{Counter: n, Ticket: b.ticket, Reason: b.reason}, err
		}),
	}
}

func openCommand(x *exchange, n protocol.CounterID) (queue.Command, error) {
	_, err := read(x, parseNothing)
	_, name, _ := strings.Cut(x.who.actor, ":")
	return queue.OpenCounter{Counter: n, Clerk: name}, err
}

func counterRoute(name string, c command) route {
	return route{
		http.MethodPost, apiRoot + "/counters/{n}/" + name, access.Clerk, api,
		func(s *Server, x *exchange) error {
			n, err := counterOf(x.r)
			if err != nil {
				return err
			}
			wish, err := c(x, n)
			if err != nil {
				return err
			}
			if _, err := s.do(x, wish); err != nil {
				return s.withCounter(x, n, err)
			}
			view, err := s.lookAtCounter(x.r.Context(), n)
			if err != nil {
				return err
			}
			x.answer(http.StatusOK, view)
			return nil
		},
	}
}

func counterOf(r *http.Request) (protocol.CounterID, error) {
	text := r.PathValue("n")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 999 || strconv.Itoa(n) != text {
		return 0, problem{code: string(queue.NoSuchCounter)}
	}
	return protocol.CounterID(n), nil
}

// withCounter adds the counter as it truly is to a refusal.
func (s *Server) withCounter(x *exchange, n protocol.CounterID, err error) error {
	if !contradicts(err) {
		return err
	}
	view, lookErr := s.lookAtCounter(x.r.Context(), n)
	if lookErr != nil {
		return err
	}
	p, _ := translate(err)
	p.state = map[string]any{"counter": view}
	return p
}

// nextAnswer is what next leads to; Ticket is nil when nobody can be called.
type nextAnswer struct {
	Counter counterView `json:"counter"`
	Ticket  *ticketView `json:"ticket"`
}

func (s *Server) nextTicket(x *exchange) error {
	n, err := counterOf(x.r)
	if err != nil {
		return err
	}
	b, err := read(x, parseSeen)
	if err != nil {
		return err
	}
	done, err := s.do(x, queue.Next{Counter: n, Seen: b.seen})
	if err != nil {
		return s.withCounter(x, n, err)
	}
	var answer nextAnswer
	if answer.Counter, err = s.lookAtCounter(x.r.Context(), n); err != nil {
		return err
	}
	// The ticket is that of the events and not the counter's present one: the same key gets the
	// same answer also when the counter has moved on.
	for _, event := range done.Events {
		if called, ok := event.Body.(queue.TicketCalled); ok && called.Counter == n {
			view, err := s.lookAtTicket(x.r.Context(), called.Ticket)
			if err != nil {
				return err
			}
			answer.Ticket = &view
		}
	}
	x.answer(http.StatusOK, answer)
	return nil
}

func (s *Server) getCounters(x *exchange) error {
	now, err := s.look(x.r.Context())
	if err != nil {
		return err
	}
	x.answer(http.StatusOK, map[string]any{"counters": now.clerk.Counters})
	return nil
}
