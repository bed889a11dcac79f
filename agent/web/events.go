package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// The bounds of live streams.
const (
	// maxStreams is how many there may be at once; one more is told to come again.
	maxStreams = 128
	// defaultHeartbeat is how often a quiet stream says that it lives.
	defaultHeartbeat = 10 * time.Second
	// printerPoll is how often the kiosk looks at the printer.
	printerPoll = time.Second
	// pace is the least time between two looks at the journal for one stream.
	pace = 40 * time.Millisecond
	// slowClient is how long a write may take; then the connection ends, and the client comes
	// again with Last-Event-ID.
	slowClient = 10 * time.Second
	// maxCatchUp is how many events a client that was away is told one by one; after more it
	// gets "gap" and goes on from the present.
	maxCatchUp = 1000
)

// sse writes server-sent events (WHATWG HTML, section 9.2).
type sse struct {
	w    http.ResponseWriter
	ctrl *http.ResponseController
	buf  bytes.Buffer
}

func openStream(w http.ResponseWriter) *sse {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	out := &sse{w: w, ctrl: http.NewResponseController(w)}
	// The server's read time-out is for requests; a stream's client says nothing more.
	_ = out.ctrl.SetReadDeadline(time.Time{})
	out.buf.WriteString("retry: 1000\n\n")
	return out
}

// event adds one event; id 0 means none.
func (o *sse) event(name string, id uint64, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	o.raw(name, id, data)
	return nil
}

func (o *sse) raw(name string, id uint64, data []byte) {
	if id > 0 {
		fmt.Fprintf(&o.buf, "id: %d\n", id)
	}
	fmt.Fprintf(&o.buf, "event: %s\ndata: %s\n\n", name, data)
}

// flush sends what was added.
func (o *sse) flush() error {
	if o.buf.Len() == 0 {
		return nil
	}
	_ = o.ctrl.SetWriteDeadline(time.Now().Add(slowClient)) // httptest's recorder has none
	_, err := o.w.Write(o.buf.Bytes())
	o.buf.Reset()
	if err != nil {
		return err
	}
	return o.ctrl.Flush()
}

// streamStep adds what is new to a stream; beat asks for a sign of life besides.
type streamStep func(ctx context.Context, out *sse, beat bool) error

// follow runs step now, after every change, and at every heartbeat, until the client or the
// server goes, step fails, or the session behind the stream is over. poll is how often it looks
// although nothing has changed.
func (s *Server) follow(x *exchange, poll time.Duration, step streamStep) error {
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		return problem{code: "busy", after: 5 * time.Second}
	}
	defer s.streams.Add(-1)
	ctx := x.r.Context()
	out := openStream(x.w)
	again := time.NewTicker(poll)
	defer again.Stop()
	var beaten time.Time
	for {
		due := time.Since(beaten) >= s.heartbeat
		if due {
			beaten = time.Now()
			if !s.stillIn(x) {
				out.raw("signed-out", 0, []byte("{}"))
				_ = out.flush()
				return nil
			}
		}
		_, changed := s.Engine.Committed() // before the look, so that no change is missed
		if err := step(ctx, out, due); err != nil {
			s.Logger.Debug("stream ended", "route", x.r.Pattern, "error", err)
			return nil
		}
		if err := out.flush(); err != nil {
			return nil //nolint:nilerr // the client has gone or is too slow; it comes again
		}
		if !await(ctx, changed, again.C) {
			return nil
		}
	}
}

// await rests for the pace and then waits for a change or the next poll; false when ctx ends.
func await(ctx context.Context, changed <-chan struct{}, again <-chan time.Time) bool {
	rest := time.NewTimer(pace)
	defer rest.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-rest.C:
	}
	select {
	case <-ctx.Done():
		return false
	case <-changed:
	case <-again:
	}
	return true
}

// stillIn reports whether the session behind a stream is open; other proofs do not run out.
func (s *Server) stillIn(x *exchange) bool {
	if x.who.session == "" {
		return true
	}
	_, alive := s.Access.Alive(x.who.session)
	return alive
}

// getEvents follows the journal's public facts. With ?view=queue it also sends the whole queue
// whenever it has changed, which spares the pages a second request.
func (s *Server) getEvents(x *exchange) error {
	next, err := s.startOf(x.r)
	if err != nil {
		return err
	}
	withQueue := x.r.URL.Query().Get("view") == "queue"
	var sent []byte
	return s.follow(x, s.heartbeat, func(ctx context.Context, out *sse, beat bool) error {
		var err error
		if next, err = s.sendFacts(ctx, out, next); err != nil {
			return err
		}
		if withQueue {
			now, err := s.look(ctx)
			if err != nil {
				return err
			}
			if body := now.queueJSON(x.who.clerk()); !bytes.Equal(body, sent) {
				sent = body
				out.raw("queue", 0, body)
			}
		}
		if beat {
			return s.sendBeat(ctx, out)
		}
		return nil
	})
}

// sendBeat says that the stream lives and how the branch is.
func (s *Server) sendBeat(ctx context.Context, out *sse) error {
	now, err := s.look(ctx)
	if err != nil {
		return err
	}
	return out.event("beat", 0, map[string]any{"time": now.clerk.Time, "state": s.Engine.Health().State})
}

// startOf reads Last-Event-ID (or ?since=, for clients that cannot set it) and gives the number
// of the first event to send: the next one to happen, when nothing is said.
func (s *Server) startOf(r *http.Request) (uint64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("since")
	}
	seq, _ := s.Engine.Committed()
	if text == "" {
		return seq + 1, nil
	}
	last, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, problem{code: "bad_request", detail: "Last-Event-ID"}
	}
	return min(last, seq) + 1, nil // a journal that was restored may be shorter than it was
}

// sendFacts sends the facts from next on and returns where to go on. While the disk fails the
// newest facts are in memory only: they are sent without id, since a number that is not in the
// journal is no place to resume from.
func (s *Server) sendFacts(ctx context.Context, out *sse, next uint64) (uint64, error) {
	seq, _ := s.Engine.Committed()
	if seq >= next && seq-next >= maxCatchUp {
		return seq + 1, out.event("gap", seq, map[string]uint64{"from": next, "to": seq})
	}
	var facts []fact
	var at []protocol.Instant
	for event, err := range s.Engine.Events(ctx, next) {
		if err != nil {
			return next, err
		}
		next = event.Seq + 1
		if f, ok := publish(event); ok {
			facts, at = append(facts, f), append(at, event.At)
		}
	}
	if err := s.complete(ctx, facts, at); err != nil {
		return next, err
	}
	seq, _ = s.Engine.Committed()
	for _, f := range facts {
		id := f.Seq
		if id > seq {
			id = 0
		}
		if err := out.event(f.Kind, id, f); err != nil {
			return next, err
		}
	}
	return next, nil
}

// complete fills in the numbers, which most events do not repeat, and the local time.
func (s *Server) complete(ctx context.Context, facts []fact, at []protocol.Instant) error {
	if len(facts) == 0 {
		return nil
	}
	return s.view(ctx, func(q *queue.State, now protocol.Instant) {
		zone := s.zone.of(q)
		for i := range facts {
			f := &facts[i]
			f.At, f.AgeMS = at[i].Time().In(zone), now.Sub(at[i]).Milliseconds()
			if t, ok := q.Ticket(f.Ticket); ok && f.Ticket != "" {
				f.Number = t.Number
				if f.Service == "" {
					f.Service = t.Service
				}
			}
		}
	})
}

// getKioskEvents sends the kiosk's picture whenever it has changed. The printer is asked once a
// second, since a visitor must know of an empty roll before he presses.
func (s *Server) getKioskEvents(x *exchange) error {
	var sent []byte
	return s.follow(x, printerPoll, func(ctx context.Context, out *sse, beat bool) error {
		picture, err := s.kioskPicture(ctx)
		if err != nil {
			return err
		}
		body, err := json.Marshal(picture)
		if err != nil {
			return err
		}
		if !bytes.Equal(body, sent) {
			sent = body
			out.raw("kiosk", 0, body)
		}
		if beat {
			out.raw("beat", 0, []byte("{}"))
		}
		return nil
	})
}
