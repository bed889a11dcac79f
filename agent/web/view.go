package web

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// ticketView is a ticket as the API shows it. What only clerks see is left out for others.
type ticketView struct {
	ID      protocol.TicketID     `json:"id"`
	Number  protocol.TicketNumber `json:"number"`
	Service protocol.ServiceID    `json:"service"`
	State   queue.TicketState     `json:"state"`
	Issued  time.Time             `json:"issued"`
	// Counter has the ticket; called and serving only.
	Counter protocol.CounterID `json:"counter,omitempty"`
	// Calls counts the calls of this leg and CalledAt is the last one.
	Calls    int        `json:"calls,omitempty"`
	CalledAt *time.Time `json:"called_at,omitempty"`

	*ticketDetails
}

// ticketDetails is what clerks and the one who asks for a single ticket see besides.
type ticketDetails struct {
	Class    queue.Class        `json:"class"`
	Priority bool               `json:"priority"`
	Language protocol.Language  `json:"language"`
	Bound    protocol.CounterID `json:"bound,omitempty"`
	Home     protocol.CounterID `json:"home,omitempty"`
	// Ahead and Wait are those of now while waiting, and those of the issue afterwards.
	Ahead int              `json:"ahead"`
	Wait  *queue.Wait      `json:"wait"`
	Print queue.PrintState `json:"print"`
	// Grade says how well a print is known to have happened: A, B or C.
	Grade       string `json:"grade,omitempty"`
	PrintReason string `json:"print_reason,omitempty"`
}

func (t ticketView) public() ticketView {
	t.ticketDetails = nil
	return t
}

// counterView is a counter as the API shows it.
type counterView struct {
	ID       protocol.CounterID   `json:"id"`
	Name     string               `json:"name"`
	State    queue.CounterStatus  `json:"state"`
	Services []protocol.ServiceID `json:"services"`
	Ticket   *ticketView          `json:"ticket"`

	*counterDetails
}

// counterDetails is what only clerks see.
type counterDetails struct {
	Clerk   string              `json:"clerk,omitempty"`
	Leaving queue.CounterStatus `json:"leaving,omitempty"`
	// UndoMS is how long the last command may still be undone, in milliseconds of office time;
	// UndoSeq tells commands apart.
	UndoMS  int64  `json:"undo_ms,omitempty"`
	UndoSeq uint64 `json:"undo_seq,omitempty"`
}

func (c counterView) public() counterView {
	c.counterDetails = nil
	if c.Ticket != nil {
		t := c.Ticket.public()
		c.Ticket = &t
	}
	return c
}

// serviceView is a service as the API shows it.
type serviceView struct {
	ID           protocol.ServiceID           `json:"id"`
	Letter       string                       `json:"letter"`
	Names        map[protocol.Language]string `json:"names"`
	Waiting      int                          `json:"waiting"`
	CountersOpen int                          `json:"counters_open"`
	LastCalled   string                       `json:"last_called"`
	// Wait is what a visitor who takes a ticket now would be told.
	Wait *queue.Wait `json:"wait"`
	// Open says whether a walk-in ticket would be issued; Code is the reason why not.
	Open bool       `json:"open"`
	Code queue.Code `json:"code,omitempty"`
}

// queueView is the whole queue at one moment.
type queueView struct {
	Waiting  []ticketView  `json:"waiting"`
	Called   []ticketView  `json:"called"`
	Counters []counterView `json:"counters"`
	Services []serviceView `json:"services"`
	Seq      uint64        `json:"seq"`
	// Time is the local time as a clock on the wall shows it.
	Time string       `json:"time"`
	Day  protocol.Day `json:"day"`

	*queueDetails
}

// queueDetails is what only clerks see.
type queueDetails struct {
	Absent []ticketView `json:"absent"`
	Parked []ticketView `json:"parked"`
	// Unprinted have a ticket of which no good paper is known: cut off in the middle, or failed.
	Unprinted []ticketView `json:"unprinted"`
}

func (q queueView) public() queueView {
	q.queueDetails = nil
	q.Waiting, q.Called = each(q.Waiting, ticketView.public), each(q.Called, ticketView.public)
	q.Counters = each(q.Counters, counterView.public)
	return q
}

func each[T any](list []T, f func(T) T) []T {
	made := make([]T, len(list))
	for i, v := range list {
		made[i] = f(v)
	}
	return made
}

// picture is one look at the whole queue, shared by everybody who looks at the same moment.
type picture struct {
	clerk  queueView
	branch string
	zone   *time.Location
	office queue.Office
	// issued and called count the tickets of the day, and those of them that were called since they
	// last waited as new.
	issued, called int
	// overflow counts by letter the tickets of the day above their ranges.
	overflow map[string]int
	// The two JSON texts are made when somebody first wants them.
	clerkJSON, publicJSON func() []byte
}

func (p *picture) queueJSON(clerk bool) []byte {
	if clerk {
		return p.clerkJSON()
	}
	return p.publicJSON()
}

// zoneCache keeps the branch's zone, which the standard library would read from disk each time.
type zoneCache struct {
	mu   sync.Mutex
	name string
	zone *time.Location
}

// of gives the branch's zone; UTC before the first settings.
func (c *zoneCache) of(q *queue.State) *time.Location {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name := q.Settings().Zone; c.zone == nil || c.name != name {
		zone, err := time.LoadLocation(name)
		if err != nil {
			zone = time.UTC
		}
		c.name, c.zone = name, zone
	}
	return c.zone
}

// draw runs on the engine's goroutine.
func (p *picture) draw(d drawing) {
	q, now := d.q, d.now
	p.branch, p.zone, p.office = d.settings.Name, d.zone, q.Office()
	v := &p.clerk
	v.Seq, _ = q.Last()
	v.Time, v.Day = now.Time().In(p.zone).Format("15:04"), p.office.Day
	v.Waiting, v.Called = []ticketView{}, []ticketView{}
	v.queueDetails = &queueDetails{Absent: []ticketView{}, Parked: []ticketView{}, Unprinted: []ticketView{}}
	d.countAhead(q.Waiting(), func(t queue.Ticket, ahead int) { v.Waiting = append(v.Waiting, d.ticket(t, ahead)) })
	for t := range q.Tickets() {
		p.count(t)
		if unprinted(t) {
			v.Unprinted = append(v.Unprinted, d.ticket(t, q.Ahead(t.ID)))
		}
		switch t.State { //nolint:exhaustive // the others are not shown, or above
		case queue.StateCalled, queue.StateServing:
			v.Called = append(v.Called, d.ticket(t, 0))
		case queue.StateAbsent:
			v.Absent = append(v.Absent, d.ticket(t, 0))
		case queue.StateParked:
			v.Parked = append(v.Parked, d.ticket(t, 0))
		}
	}
	slices.SortStableFunc(v.Called, func(a, b ticketView) int { return b.CalledAt.Compare(*a.CalledAt) })
	v.Counters = []counterView{}
	for _, c := range q.Counters() {
		v.Counters = append(v.Counters, d.counter(c))
	}
	v.Services = []serviceView{}
	for _, service := range d.settings.Services {
		v.Services = append(v.Services, d.service(service))
	}
}

func (p *picture) count(t queue.Ticket) {
	p.issued++
	if t.CalledAt > 0 {
		p.called++
	}
	if t.Number.N > protocol.MaxRangeNumber {
		if p.overflow == nil {
			p.overflow = map[string]int{}
		}
		p.overflow[t.Number.Letter]++
	}
}

func unprinted(t queue.Ticket) bool {
	unsure := t.Print.State == queue.PrintUnknown || t.Print.State == queue.PrintFailed
	return unsure && !t.State.Terminal()
}

// drawing is the queue at one moment while it is copied out.
type drawing struct {
	q        *queue.State
	now      protocol.Instant
	zone     *time.Location
	settings protocol.Settings
}

func (s *Server) drawing(q *queue.State, now protocol.Instant) drawing {
	return drawing{q: q, now: now, zone: s.zone.of(q), settings: q.Settings()}
}

// countAhead calls f for each waiting ticket with the people ahead of it in its service.
func (d drawing) countAhead(waiting []queue.Ticket, f func(t queue.Ticket, ahead int)) {
	ahead := map[protocol.ServiceID]int{}
	for _, t := range waiting {
		f(t, ahead[t.Service])
		ahead[t.Service]++
	}
}

func (d drawing) ticket(t queue.Ticket, ahead int) ticketView {
	v := ticketView{
		ID: t.ID, Number: t.Number, Service: t.Service, State: t.State, Issued: t.Issued.Time().In(d.zone),
		Calls: t.Calls, Counter: t.Counter,
		ticketDetails: &ticketDetails{
			Class: t.Class, Priority: t.Priority, Language: t.Language, Bound: t.Bound, Home: t.Home,
			Ahead: t.Ahead, Wait: t.Wait, Print: t.Print.State, Grade: t.Print.Grade, PrintReason: t.Print.Reason,
		},
	}
	if t.CalledAt > 0 {
		at := t.CalledAt.Time().In(d.zone)
		v.CalledAt = &at
	}
	if t.State == queue.StateWaiting {
		v.ticketDetails.Ahead, v.ticketDetails.Wait = ahead, d.q.SimpleWait(t.Service, ahead, d.now)
	}
	if v.ticketDetails.Print == "" {
		v.ticketDetails.Print = queue.PrintQueued
	}
	return v
}

func (d drawing) counter(c queue.Counter) counterView {
	v := counterView{
		ID: c.ID, Name: d.counterName(c.ID), State: c.Status,
		Services:       slices.Sorted(maps.Keys(c.Skills)),
		counterDetails: &counterDetails{Clerk: c.Clerk, Leaving: c.Leaving},
	}
	if v.Services == nil {
		v.Services = []protocol.ServiceID{}
	}
	if t, ok := d.q.Ticket(c.Ticket); ok && c.Ticket != "" {
		ticket := d.ticket(t, 0)
		v.Ticket = &ticket
	}
	if c.LastSeq > 0 {
		window := time.Duration(d.settings.Rules.UndoSeconds) * time.Second
		if left := window - d.now.Sub(c.LastAt); left > 0 {
			v.UndoMS, v.UndoSeq = left.Milliseconds(), c.LastSeq
		}
	}
	return v
}

func (d drawing) counterName(id protocol.CounterID) string {
	at := slices.IndexFunc(d.settings.Counters, func(c protocol.Counter) bool { return c.ID == id })
	if at < 0 {
		return ""
	}
	return d.settings.Counters[at].Name
}

func (d drawing) service(service protocol.Service) serviceView {
	now := d.q.Service(service.ID, d.now)
	ahead := d.q.AheadOfNew(service.ID, false, d.now)
	return serviceView{
		ID: service.ID, Letter: service.Letter, Names: service.Names, Waiting: now.Waiting,
		CountersOpen: now.Open, LastCalled: now.Last.String(), Wait: d.q.SimpleWait(service.ID, ahead, d.now),
		Open: now.Issuing.Open, Code: now.Issuing.Code,
	}
}

// lookAtCounter shows one counter as it is now.
func (s *Server) lookAtCounter(ctx context.Context, n protocol.CounterID) (counterView, error) {
	var v counterView
	found := false
	err := s.view(ctx, func(q *queue.State, now protocol.Instant) {
		var c queue.Counter
		if c, found = q.Counter(n); found {
			v = s.drawing(q, now).counter(c)
		}
	})
	if err == nil && !found {
		err = problem{code: string(queue.NoSuchCounter)}
	}
	return v, err
}

// lookAtTicket shows one ticket as it is now.
func (s *Server) lookAtTicket(ctx context.Context, id protocol.TicketID) (ticketView, error) {
	var v ticketView
	found := false
	err := s.view(ctx, func(q *queue.State, now protocol.Instant) {
		var t queue.Ticket
		if t, found = q.Ticket(id); found {
			v = s.drawing(q, now).ticket(t, q.Ahead(id))
		}
	})
	if err == nil && !found {
		err = problem{code: string(queue.NoSuchTicket)}
	}
	return v, err
}

// ticketByToken finds the ticket of an e-ticket token.
func (s *Server) ticketByToken(ctx context.Context, h protocol.TokenHash) (protocol.TicketID, error) {
	var id protocol.TicketID
	err := s.view(ctx, func(q *queue.State, _ protocol.Instant) {
		if t, ok := q.TicketByToken(h); ok {
			id = t.ID
		}
	})
	if err == nil && id == "" {
		err = problem{code: string(queue.NoSuchTicket)}
	}
	return id, err
}

// ticketOfBooking finds the ticket that the booking of a code or a token has become; it is empty
// while the booking's hour is still to come.
func (s *Server) ticketOfBooking(ctx context.Context, h protocol.TokenHash) (protocol.TicketID, error) {
	var id protocol.TicketID
	err := s.view(ctx, func(q *queue.State, _ protocol.Instant) { _, id, _ = q.BookingByHash(h) })
	return id, err
}

// waitOfNew is what a visitor who takes a ticket now is told; nil when it is not known. It asks
// for this only and not for a picture, which grows with the queue.
func (s *Server) waitOfNew(ctx context.Context, service protocol.ServiceID, priority bool) (*queue.Wait, error) {
	var wait *queue.Wait
	err := s.view(ctx, func(q *queue.State, now protocol.Instant) {
		wait = q.SimpleWait(service, q.AheadOfNew(service, priority, now), now)
	})
	return wait, err
}

func (s *Server) getQueue(x *exchange) error {
	now, err := s.look(x.r.Context())
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = x.w.Write(append(slices.Clone(now.queueJSON(x.who.clerk())), '\n'))
	return nil
}
