package devices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

const (
	// tooLate is when a call is no longer announced: the visitor has seen the screen meanwhile, and
	// a burst of old calls would bury the new ones (design/6-failures.md, row 20).
	tooLate = 20 * time.Second
	// maxWaiting is how many calls may wait for the loudspeaker; the oldest are dropped.
	maxWaiting = 20
	// soundLimit bounds one announcement in one language.
	soundLimit = 30 * time.Second
)

// VoiceRules say what is announced and how.
type VoiceRules struct {
	// Language is the branch's; a ticket taken in another is announced in that as well.
	Language protocol.Language
	Place    announce.Place
	// Gong sounds before each announcement.
	Gong bool
	// Silent are services that are not announced.
	Silent []protocol.ServiceID
	// Hours are when the voice speaks; empty means always.
	Hours protocol.Week
}

// Voicing is the loudspeaker's reader of the journal: it announces each call once, after it is
// durable, one after the other. Calling never waits for it. What happened before it started is not
// announced, so a restart repeats nothing.
type Voicing struct {
	engine  Engine
	speaker drivers.Speaker
	rules   VoiceRules
	log     *slog.Logger

	mu      sync.Mutex
	waiting []calling // oldest first
	added   chan struct{}
}

// calling is a call that waits to be announced.
type calling struct {
	ticket    protocol.TicketID
	languages []protocol.Language
	call      announce.Call
	since     time.Time
}

// NewVoicing makes the reader; Run starts it.
func NewVoicing(e Engine, s drivers.Speaker, r VoiceRules, log *slog.Logger) *Voicing {
	return &Voicing{engine: e, speaker: s, rules: r, log: log, added: make(chan struct{}, 1)}
}

// Run announces until ctx ends.
func (v *Voicing) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { v.speak(ctx) })
	next, changed := v.engine.Committed()
	for {
		if durable, _ := v.engine.Committed(); durable > next {
			if err := v.follow(ctx, next+1, durable); err != nil {
				if ctx.Err() != nil || errors.Is(err, engine.ErrStopped) {
					return nil //nolint:nilerr // asked to stop
				}
				return fmt.Errorf("follow the calls for the loudspeaker: %w", err)
			}
			next = durable
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
		_, changed = v.engine.Committed()
	}
}

// follow takes over the calls among the durable events from one number to another.
func (v *Voicing) follow(ctx context.Context, from, to uint64) error {
	for event, err := range v.engine.Events(ctx, from) {
		if err != nil {
			return err
		}
		if event.Seq > to {
			return nil
		}
		switch b := event.Body.(type) {
		case queue.TicketCalled:
			err = v.called(ctx, b.Ticket, b.Counter, b.Calls > 1)
		case queue.CallRepeated:
			err = v.called(ctx, b.Ticket, b.Counter, true)
		case queue.TicketMissed:
			v.withdraw(b.Ticket)
		case queue.TicketCancelled:
			v.withdraw(b.Ticket)
		case queue.CommandUndone:
			for _, t := range b.Tickets {
				v.withdraw(t.ID)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// called puts a call among those that wait, in place of an older one of the same ticket.
func (v *Voicing) called(ctx context.Context, id protocol.TicketID, counter protocol.CounterID, again bool) error {
	var ticket queue.Ticket
	var found, speaks bool
	if err := v.engine.View(ctx, func(s *queue.State, now protocol.Instant) {
		ticket, found = s.Ticket(id)
		speaks = v.speaks(now.Time(), s.Settings().Zone)
	}); err != nil {
		return err
	}
	if !found || !speaks || slices.Contains(v.rules.Silent, ticket.Service) {
		return nil
	}
	c := calling{
		ticket: id, since: time.Now(), languages: []protocol.Language{v.rules.Language},
		call: announce.Call{Number: ticket.Number, Counter: counter, Again: again},
	}
	if ticket.Language != "" && ticket.Language != v.rules.Language {
		c.languages = append(c.languages, ticket.Language)
	}
	v.withdraw(id)
	v.mu.Lock()
	v.waiting = append(v.waiting, c)
	v.waiting = v.waiting[max(0, len(v.waiting)-maxWaiting):]
	v.mu.Unlock()
	select {
	case v.added <- struct{}{}:
	default: // the speaker has not looked since the last one
	}
	return nil
}

// withdraw forgets a ticket's call that nobody has begun to announce.
func (v *Voicing) withdraw(id protocol.TicketID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiting = slices.DeleteFunc(v.waiting, func(c calling) bool { return c.ticket == id })
}

// speaks reports whether the voice is on at a moment.
func (v *Voicing) speaks(now time.Time, zone string) bool {
	if len(v.rules.Hours) == 0 {
		return true
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		return true
	}
	now = now.In(place)
	minute := now.Hour()*60 + now.Minute()
	return slices.ContainsFunc(v.rules.Hours[int(now.Weekday())], func(p protocol.Period) bool {
		return minute >= p.Opens && minute < p.Closes
	})
}

// speak announces what waits, until ctx ends.
func (v *Voicing) speak(ctx context.Context) {
	for {
		c, ok := v.take()
		if !ok {
			select {
			case <-v.added:
				continue
			case <-ctx.Done():
				return
			}
		}
		for _, l := range c.languages {
			if err := v.play(ctx, l, c.call); err != nil && ctx.Err() == nil {
				v.log.Warn("call not announced", "number", c.call.Number.String(), "language", string(l), "error", err)
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// take gives the oldest call that is not too old.
func (v *Voicing) take() (calling, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(v.waiting) > 0 {
		c := v.waiting[0]
		v.waiting = v.waiting[1:]
		if age := time.Since(c.since); age < tooLate {
			return c, true
		}
		v.log.Warn("call not announced, it is too old", "number", c.call.Number.String())
	}
	return calling{}, false
}

func (v *Voicing) play(ctx context.Context, l protocol.Language, c announce.Call) error {
	ctx, cancel := context.WithTimeout(ctx, soundLimit)
	defer cancel()
	ids := announce.Phrase(l, v.rules.Place, c)
	if v.rules.Gong && l == v.rules.Language {
		ids = slices.Insert(ids, 0, announce.Gong)
	}
	clips := make([]drivers.Clip, len(ids))
	for i, id := range ids {
		clips[i] = drivers.Clip(string(l) + "/" + id)
	}
	return v.speaker.Play(ctx, clips)
}
