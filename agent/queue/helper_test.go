package queue

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/okienko/okienko/protocol"
)

// branch drives one State in tests the way the engine does: due Ticks first, events through
// their encoding, Check after every step, and the trace checker watching.
type branch struct {
	t     testing.TB
	s     *State
	trace *trace
	now   protocol.Instant
	lines [][]byte
	// log is every event so far.
	log []Event
}

// monday is a working day in winter time, 2026-11-23, at midnight in Warsaw.
func monday() time.Time { return time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC) }

// clockTime is a moment of that Monday by the wall clock in Warsaw.
func clockTime(hour, minute int) protocol.Instant {
	return protocol.InstantOf(monday().Add(time.Duration(hour*60+minute) * time.Minute))
}

// testSettings: services A and B at counters 1 and 2, C at 3 and (with a penalty) 2; open on
// working days 8–16.
func testSettings() protocol.Settings {
	service := func(id string) protocol.Service {
		return protocol.Service{
			ID: protocol.ServiceID(id), Letter: id,
			Names:  map[protocol.Language]string{protocol.Polish: "Sprawa " + id},
			WalkIn: protocol.NumberRange{First: 1, Last: 599},
			Booked: protocol.NumberRange{First: 601, Last: 999}, MeanSeconds: 300,
		}
	}
	hours := protocol.Week{}
	for day := 1; day <= 5; day++ {
		hours[day] = []protocol.Period{{Opens: 8 * 60, Closes: 16 * 60}}
	}
	rules := protocol.DefaultRules()
	rules.StopIssuingBelow = 0
	return protocol.Settings{
		Branch: "torun-1", Name: "Urząd", Zone: "Europe/Warsaw",
		Services: []protocol.Service{service("A"), service("B"), service("C")},
		Counters: []protocol.Counter{
			{ID: 1, Skills: map[protocol.ServiceID]int{"A": 0, "B": 0}},
			{ID: 2, Skills: map[protocol.ServiceID]int{"A": 0, "B": 0, "C": 20}},
			{ID: 3, Skills: map[protocol.ServiceID]int{"C": 0}},
		},
		Hours: hours, Rules: rules,
	}
}

// newBranch is a branch on Monday at 8:00 with the given changes to its settings and with
// counters 1 open.
func newBranch(t testing.TB, change func(*protocol.Settings)) *branch {
	t.Helper()
	b := emptyBranch(t, clockTime(8, 0))
	settings := testSettings()
	if change != nil {
		change(&settings)
	}
	b.do(Configure{Settings: settings})
	b.do(Start{Clean: true, Version: "test"})
	b.do(OpenCounter{Counter: 1, Clerk: "anna"})
	return b
}

func emptyBranch(t testing.TB, now protocol.Instant) *branch {
	t.Helper()
	return &branch{t: t, s: New(time.LoadLocation), trace: newTrace(), now: now}
}

// try decides and applies a command; the refusal's code is "" when it was accepted.
func (b *branch) try(cmd Command) ([]Event, Code) {
	b.t.Helper()
	_, isTick := cmd.(Tick)
	_, isStart := cmd.(Start)
	if at, due := b.s.NextWake(); due && at <= b.now && !isTick && !isStart && b.s.last > 1 {
		if tick, _ := b.try(Tick{}); len(tick) == 0 {
			b.t.Fatalf("NextWake was %d at %d, but Tick had nothing to do", at, b.now)
		}
	}
	events, err := b.s.Decide(cmd, b.now, Cause{Actor: "test"})
	if err != nil {
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok {
			b.t.Fatalf("%T: %v is no refusal", cmd, err)
		}
		return nil, refusal.Code
	}
	for _, e := range events {
		line, err := EncodeEvent(e)
		if err != nil {
			b.t.Fatal(err)
		}
		if e, err = DecodeEvent(line); err != nil {
			b.t.Fatalf("%s: %v", line, err)
		}
		b.lines = append(b.lines, line)
		b.log = append(b.log, e)
		b.trace.before(b.t, b.s, e)
		b.s.Apply(e)
	}
	if err := b.s.Check(); err != nil {
		b.t.Fatalf("after %T: %v", cmd, err)
	}
	return events, ""
}

// do is try for a command that must be accepted.
func (b *branch) do(cmd Command) []Event {
	b.t.Helper()
	events, code := b.try(cmd)
	if code != "" {
		b.t.Fatalf("%#v was refused: %s", cmd, code)
	}
	return events
}

// refused is try for a command that must be refused for this reason.
func (b *branch) refused(cmd Command, want Code) {
	b.t.Helper()
	if _, code := b.try(cmd); code != want {
		b.t.Fatalf("%#v: refused with %q, want %q", cmd, code, want)
	}
}

// after moves the clock on and lets happen what is due then.
func (b *branch) after(d time.Duration) []Event {
	b.t.Helper()
	b.now = b.now.Add(d)
	return b.do(Tick{})
}

// take issues a walk-in ticket with the given id, ten seconds after whatever was before.
func (b *branch) take(id string, service protocol.ServiceID) Ticket {
	b.t.Helper()
	b.now = b.now.Add(10 * time.Second)
	b.do(Take{ID: protocol.TicketID(id), Service: service})
	return b.ticket(id)
}

func (b *branch) ticket(id string) Ticket {
	b.t.Helper()
	t, ok := b.s.Ticket(protocol.TicketID(id))
	if !ok {
		b.t.Fatalf("no ticket %s", id)
	}
	return t
}

func (b *branch) states(want map[string]TicketState) {
	b.t.Helper()
	for id, state := range want {
		if got := b.ticket(id).State; got != state {
			b.t.Errorf("ticket %s is %s, want %s", id, got, state)
		}
	}
}

// at wants the counter to hold a ticket ("" for none).
func (b *branch) at(counter protocol.CounterID, want string) {
	b.t.Helper()
	c, _ := b.s.Counter(counter)
	if string(c.Ticket) != want {
		b.t.Fatalf("counter %d has %q, want %q", counter, c.Ticket, want)
	}
}

// next presses Next at a counter half a minute later and wants this ticket called.
func (b *branch) next(counter protocol.CounterID, want string) {
	b.t.Helper()
	b.now = b.now.Add(30 * time.Second)
	b.do(Next{Counter: counter})
	b.at(counter, want)
}

func (b *branch) noShow(counter protocol.CounterID) {
	b.t.Helper()
	b.now = b.now.Add(10 * time.Second)
	b.do(NoShow{Counter: counter})
}

// bodies gives the kinds of some events.
func kinds(events []Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, e.Body.Kind())
	}
	return list
}

// snapshot is the whole state as JSON, for comparing by bytes.
func snapshot(t testing.TB, s *State) string {
	t.Helper()
	tickets := []Ticket{}
	for v := range s.Tickets() {
		tickets = append(tickets, v)
	}
	text, err := json.Marshal(map[string]any{
		"last": s.last, "at": s.at, "settings": s.Settings(), "office": s.Office(),
		"tickets": tickets, "counters": s.Counters(), "waiting": s.Waiting(),
		"expected": s.Expected(), "calls": s.RecentCalls(1 << 20),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
