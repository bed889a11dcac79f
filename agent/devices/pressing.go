package devices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

const (
	// lampsEvery is how often the lamps are looked after without a cause: opening hours end by themselves.
	lampsEvery = time.Second
	// askAgain and pressLimit: a press whose outcome is unknown is asked about again with its key, until
	// the visitor has turned to the clerk.
	askAgain   = 500 * time.Millisecond
	pressLimit = 10 * time.Second
	// troubleFor is how long the lamp tells of a press that gave no ticket.
	troubleFor = 5 * time.Second
)

// PanelRules say what the buttons of a panel do.
type PanelRules struct {
	// Services are what each button's press takes a ticket for, by the button's name.
	Services map[string]protocol.ServiceID
	// Long is what the long press of a button does, by the button's name; it runs beside the panel, once
	// at a time, and returns soon after ctx ends.
	Long map[string]func(ctx context.Context)
	// Language is that of the tickets.
	Language protocol.Language
	// NewTicket makes the id of a ticket and the hash of its token.
	NewTicket func() (protocol.TicketID, protocol.TokenHash)
	// Printer prints the tickets; nil where the branch has none.
	Printer drivers.Printer
}

// Pressing turns the presses of a panel into tickets, and keeps its lamps right. A press is taken only
// while its ticket would come out on paper, for a panel has no screen to show the number on
// (design/6-failures.md row 14).
type Pressing struct {
	engine  Engine
	panel   drivers.Panel
	rules   PanelRules
	log     *slog.Logger
	tickets map[string]protocol.TicketID // by button, that of the last press
	trouble map[string]time.Time         // by button, when a press gave no ticket
	acting  map[string]chan struct{}     // by button, closed at the end of what its long press does
}

// NewPressing makes the reader of a panel; Run starts it.
func NewPressing(e Engine, p drivers.Panel, r PanelRules, log *slog.Logger) *Pressing {
	return &Pressing{
		engine: e, panel: p, rules: r, log: log,
		tickets: map[string]protocol.TicketID{}, trouble: map[string]time.Time{},
		acting: map[string]chan struct{}{},
	}
}

// Run serves the panel until ctx ends.
func (p *Pressing) Run(ctx context.Context) error {
	defer p.settle()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	again := time.NewTicker(lampsEvery)
	defer again.Stop()
	for {
		_, changed := p.engine.Committed()
		var paper <-chan struct{}
		if p.rules.Printer != nil {
			paper = p.rules.Printer.Changed()
		}
		if err := p.light(ctx); err != nil {
			if ctx.Err() != nil || errors.Is(err, engine.ErrStopped) {
				return nil //nolint:nilerr // asked to stop
			}
			return fmt.Errorf("light the panel: %w", err)
		}
		select {
		case press := <-p.panel.Presses():
			p.press(ctx, press)
		case <-changed:
		case <-paper:
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// press carries out one press.
func (p *Pressing) press(ctx context.Context, press drivers.Press) {
	if press.Long {
		p.act(ctx, press.Button)
		return
	}
	service, known := p.rules.Services[press.Button]
	switch {
	case !known:
		return
	case time.Since(press.At) > pressLimit:
		p.log.Warn("press not taken, it is too old", "button", press.Button, "age", time.Since(press.At))
		return
	case !p.prints():
		p.log.Warn("press not taken, no ticket could be printed", "button", press.Button)
		return
	}
	p.panel.Light(press.Button, drivers.LampBusy)
	id, err := p.take(ctx, press, service)
	switch {
	case err == nil:
		p.tickets[press.Button] = id
		delete(p.trouble, press.Button)
	case ctx.Err() == nil:
		p.trouble[press.Button] = time.Now()
		p.log.Warn("press gave no ticket", "button", press.Button, "error", err)
	}
}

// act begins what the long press of a button does, unless that still goes on.
func (p *Pressing) act(ctx context.Context, button string) {
	long := p.rules.Long[button]
	if long == nil {
		return
	}
	if before, ok := p.acting[button]; ok {
		select {
		case <-before:
		default:
			return
		}
	}
	done := make(chan struct{})
	p.acting[button] = done
	go func() {
		defer close(done)
		long(ctx)
	}()
}

// settle waits for what long presses began.
func (p *Pressing) settle() {
	for _, done := range p.acting {
		<-done
	}
}

// take asks for the ticket, and again while it is not known whether there is one.
func (p *Pressing) take(
	ctx context.Context, press drivers.Press, service protocol.ServiceID,
) (protocol.TicketID, error) {
	ctx, cancel := context.WithTimeout(ctx, pressLimit)
	defer cancel()
	var wait *queue.Wait
	if err := p.engine.View(ctx, func(s *queue.State, now protocol.Instant) {
		wait = s.SimpleWait(service, s.AheadOfNew(service, false, now), now)
	}); err != nil {
		return "", fmt.Errorf("estimate the wait: %w", err)
	}
	id, hash := p.rules.NewTicket()
	request := engine.Request{
		Key: "panel:" + press.Button + ":" + strconv.FormatInt(press.At.UnixNano(), 36), Actor: "panel",
		Command: queue.Take{
			ID: id, Service: service, Language: p.rules.Language, TokenHash: hash, Wait: wait,
			NoPaper: p.rules.Printer == nil,
		},
	}
	for {
		answer, err := p.engine.Do(ctx, request)
		if err == nil {
			return issuedBy(answer, id), nil
		}
		if !errors.Is(err, engine.ErrUnknown) || ctx.Err() != nil {
			return "", fmt.Errorf("take a ticket for %s: %w", service, err)
		}
		t := time.NewTimer(askAgain)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// issuedBy is the ticket of an answer: with a key that is asked for again it is the first one.
func issuedBy(a engine.Answer, id protocol.TicketID) protocol.TicketID {
	for _, event := range a.Events {
		if taken, ok := event.Body.(queue.TicketTaken); ok {
			return taken.Ticket
		}
	}
	return id
}

// prints says whether a ticket taken now would come out on paper, or none is wanted.
func (p *Pressing) prints() bool {
	if p.rules.Printer == nil {
		return true
	}
	state := p.rules.Printer.Health().State
	return state == drivers.Ready || state == drivers.Degraded
}

// light sets every lamp as the queue and the printer are now.
func (p *Pressing) light(ctx context.Context) error {
	lamps := map[string]drivers.Lamp{}
	prints := p.prints()
	err := p.engine.View(ctx, func(s *queue.State, now protocol.Instant) {
		for button, service := range p.rules.Services {
			ticket, known := s.Ticket(p.tickets[button])
			switch {
			case !s.Service(service, now).Issuing.Open:
				lamps[button] = drivers.LampClosed
			case !prints, time.Since(p.trouble[button]) < troubleFor:
				lamps[button] = drivers.LampFault
			case known && ticket.Print.State == queue.PrintQueued:
				lamps[button] = drivers.LampBusy
			default:
				lamps[button] = drivers.LampReady
			}
		}
	})
	if err != nil {
		return err
	}
	for button, lamp := range lamps {
		p.panel.Light(button, lamp)
	}
	return nil
}
