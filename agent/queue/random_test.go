package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/okienko/okienko/protocol"
)

// walk drives the real state and the naive model through random commands, clock steps and
// restarts, and compares them after each.
type walk struct {
	branch
	model    *model
	pick     func(n int) int // a random number below n
	commands int
	ids      int
	codes    map[Code]int
	accepted map[string]int
	history  []string // of the last commands, for the report
	// deep compares the whole state after a restart, beyond what its readers see.
	deep bool
	// hasty is the counter of the last command, which may be undone next.
	hasty protocol.CounterID
	// saved is the last snapshot, nil for none.
	saved []byte
}

func newWalk(t testing.TB, start protocol.Instant, pick func(n int) int) *walk {
	t.Helper()
	w := &walk{
		branch: branch{t: t, s: New(time.LoadLocation), trace: newTrace(), now: start},
		model:  newModel(), pick: pick, codes: map[Code]int{}, accepted: map[string]int{},
	}
	w.step(Configure{Settings: w.settings()})
	w.step(Start{Clean: true})
	return w
}

// step gives one command to both, after the Tick that was due.
func (w *walk) step(cmd Command) {
	w.t.Helper()
	_, isTick := cmd.(Tick)
	at, due := w.s.NextWake()
	if due && at <= max(w.now, w.s.at) && !isTick {
		w.step(Tick{})
	}
	w.history = append(w.history, fmt.Sprintf("%s %T%+v", w.now.Time().Format(time.DateTime), cmd, cmd))
	if len(w.history) > 25 {
		w.history = w.history[1:]
	}
	last := w.s.last
	events, code := w.both(cmd)
	w.codes[code]++
	if code == "" && len(events) > 0 {
		w.accepted[fmt.Sprintf("%T", cmd)]++
	}
	if isTick {
		w.exactWake(at, due, events)
	}
	if code != "" && w.s.last != last {
		w.fail("refused with %s, yet the state moved", code)
	}
}

// exactWake is the promise of NextWake: a Tick has something to do from that moment on only.
func (w *walk) exactWake(at protocol.Instant, due bool, events []Event) {
	w.t.Helper()
	if (due && at <= max(w.now, w.s.at)) != (len(events) > 0) {
		w.fail("NextWake %d %v, engine time %d, Tick gave %v", at, due, w.s.at, kinds(events))
	}
	if at, due := w.s.NextWake(); due && at <= max(w.now, w.s.at) {
		w.fail("NextWake %d is not after the Tick at %d", at, w.s.at)
	}
}

func (w *walk) both(cmd Command) ([]Event, Code) {
	w.t.Helper()
	events, err := w.s.Decide(cmd, w.now, Cause{Actor: "walk"})
	var code Code
	if err != nil {
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok {
			w.fail("%v is no refusal", err)
		}
		code = refusal.Code
	}
	if want := w.model.run(cmd, w.now); code != want {
		w.fail("refused with %q, the model with %q", code, want)
	}
	if (len(events) > 0) != w.model.did {
		w.fail("gave %v, the model did something: %v", kinds(events), w.model.did)
	}
	for i, e := range events {
		if e.Part != i || e.At != max(w.s.at, w.now) && i == 0 {
			w.fail("event %d has part %d at %d", i, e.Part, e.At)
		}
		line, err := EncodeEvent(e)
		if err != nil {
			w.fail("%v", err)
		}
		w.lines = append(w.lines, line)
		w.trace.before(w.t, w.s, e)
		w.s.Apply(e)
		w.model.number(e)
	}
	if err := w.s.Check(); err != nil {
		w.fail("%v", err)
	}
	w.compare()
	return events, code
}

func (w *walk) fail(format string, args ...any) {
	w.t.Helper()
	for _, line := range w.history {
		w.t.Log(line)
	}
	w.t.Fatalf(format, args...)
}

// compare wants the real state to be the model's.
func (w *walk) compare() {
	w.t.Helper()
	m, s := w.model, w.s
	o := s.Office()
	if o.Day != m.day || o.Open != m.open || o.Doubted != (m.doubt != 0) || m.day != "" && o.Closes != m.closes {
		w.fail("office %+v, model %s open %v until %d", o, m.day, m.open, m.closes)
	}
	if len(s.order) != len(m.people) {
		w.fail("%d tickets, model %d", len(s.order), len(m.people))
	}
	waiting := 0
	for i := range m.people {
		p := &m.people[i]
		if got, want := plainTicket(s.tickets[s.order[i]].Ticket), plainTicket(p.Ticket); got != want {
			w.fail("ticket\n%+v, model\n%+v", got, want)
		}
		if p.State == StateWaiting {
			waiting++
		}
	}
	if len(s.waiting) != waiting {
		w.fail("%d wait, model %d", len(s.waiting), waiting)
	}
	if len(s.desks) != len(m.desks) {
		w.fail("counters %v, model %v", s.desks, deskIDs(m.desks))
	}
	for i := range m.desks {
		w.compareDesk(s.counters[s.desks[i]], &m.desks[i])
	}
	for i := range m.bookings {
		b := &m.bookings[i]
		k := s.bookings[b.ID]
		if k == nil || k.Booking != b.Booking || k.arrived != b.arrived || k.again != b.again ||
			(k.state == bookingEntered) != b.entered || (k.state == bookingExpired) != b.expired {
			w.fail("booking %+v, model %+v", k, b)
		}
	}
	if len(s.bookings) != len(m.bookings) || len(s.due) != len(m.expected(m.day)) {
		w.fail("%d bookings, model %d", len(s.bookings), len(m.bookings))
	}
}

func (w *walk) compareDesk(c *counter, d *desk) {
	w.t.Helper()
	if c.ID != d.ID || c.Status != d.Status || c.Clerk != d.Clerk || c.Ticket != d.Ticket ||
		(c.Token != 0) != (d.token != 0) || c.Leaving != d.Leaving || c.Served != d.served ||
		c.gone != d.gone || (c.LastSeq != 0) != (w.model.undoable[d.ID] != nil) ||
		!reflect.DeepEqual(c.Skills, d.Skills) {
		w.fail("counter\n%+v, model\n%+v", *c, *d)
	}
	if f := w.s.fresh(c); f != nil && f.ID != w.model.first(d).ID || f == nil && w.model.first(d) != nil {
		w.fail("counter %d would call %+v", c.ID, f)
	}
}

// compareViews wants readers to be told what the model would tell them.
func (w *walk) compareViews() {
	w.t.Helper()
	m, s := w.model, w.s
	before := func(p, o *person, penalty map[protocol.ServiceID]int) bool {
		a, b := m.key(p, penalty[p.Service]), m.key(o, penalty[o.Service])
		return a < b || a == b && p.order < o.order
	}
	list := s.Waiting()
	for i, v := range list {
		p := m.person(v.ID)
		if i > 0 && !before(m.person(list[i-1].ID), p, nil) {
			w.fail("%s waits in the wrong place", v.Number)
		}
		ahead := 0
		for j := range m.people {
			o := &m.people[j]
			if o.State == StateWaiting && o.Service == p.Service && before(o, p, nil) {
				ahead++
			}
		}
		if got := s.Ahead(v.ID); got != ahead {
			w.fail("%d ahead of %s, model %d", got, v.Number, ahead)
		}
		if found, ok := s.TicketByNumber(v.Number); !ok || found.ID != v.ID {
			w.fail("%s is found as %+v", v.Number, found)
		}
	}
	calls := s.RecentCalls(1000)
	for _, c := range s.Counters() {
		seen := s.WaitingAt(c.ID)
		for i := 1; i < len(seen); i++ {
			if !before(m.person(seen[i-1].ID), m.person(seen[i].ID), c.Skills) {
				w.fail("%s waits in the wrong place at %d", seen[i].Number, c.ID)
			}
		}
		if first := m.first(m.desk(c.ID)); (first == nil) != (len(seen) == 0) {
			w.fail("%d wait at %d", len(seen), c.ID)
		}
		i := slices.IndexFunc(calls, func(k Call) bool { return k.Ticket == c.Ticket })
		if c.Ticket != "" && w.trace.callsToday[c.Ticket] && (i < 0 || calls[i].Counter != c.ID) {
			w.fail("the call of %s to %d is not among the recent ones", c.Ticket, c.ID)
		}
	}
	for _, v := range s.Settings().Services {
		view := s.Service(v.ID, w.now)
		m.at = max(m.last, w.now)
		if want := m.mayIssue(m.service(v.ID), false); view.Issuing.Code != want {
			w.fail("service %s: issuing %q, model %q", v.ID, view.Issuing.Code, want)
		}
		if wait := s.SimpleWait(v.ID, 3, w.now); (wait == nil) != (view.Open == 0) ||
			wait != nil && (wait.Low < 0 || wait.High < wait.Low) {
			w.fail("service %s: %d open, wait %+v", v.ID, view.Open, wait)
		}
	}
}

// plainTicket leaves out what counts events or what the model does not follow.
func plainTicket(t Ticket) Ticket {
	t.Seq, t.MissedSeq, t.Wait, t.Language, t.TokenHash = 0, 0, nil, "", ""
	return t
}

// restart folds the history anew from its bytes and goes on with that.
func (w *walk) restart() {
	w.t.Helper()
	s := New(time.LoadLocation)
	for _, line := range w.lines {
		e, err := DecodeEvent(line)
		if err != nil {
			w.fail("%v", err)
		}
		s.Apply(e)
	}
	w.same(w.s, s)
	if w.saved != nil { // a restart from the snapshot and what came after it gives the same
		s = w.resume()
		w.same(w.s, s)
	}
	w.s = s
	w.step(Start{Clean: w.pick(2) == 0, TailLost: w.pick(20) == 0, Missing: w.pick(60)})
}

// same wants two states to be the same for readers, and all through if the walk is deep.
func (w *walk) same(a, b *State) {
	w.t.Helper()
	if was, is := snapshot(w.t, a), snapshot(w.t, b); was != is {
		w.fail("before the restart\n%s\nafter it\n%s", was, is)
	}
	if !w.deep {
		return
	}
	if diff := diffFacts(a, b); diff != "" {
		w.fail("a restart changes the state (-before +after):\n%s", diff)
	}
}

// wander takes n commands.
func (w *walk) wander(n int) {
	w.t.Helper()
	for range n {
		w.roam()
		if w.commands%7 == 0 {
			w.compareViews()
		}
		if w.pick(200) == 0 {
			w.save()
		}
		if w.pick(400) == 0 {
			w.restart()
		}
	}
	w.restart()
}

// roam takes one command.
func (w *walk) roam() {
	w.t.Helper()
	w.moveClock()
	cmd := w.command()
	if w.hasty > 0 && w.pick(4) == 0 { // a slip of the hand, noticed at once
		cmd = Undo{Counter: w.hasty}
	}
	w.hasty = 0
	w.step(cmd)
	w.commands++
	w.hasty = w.model.whose(cmd)
}

// starts are moments near which time does something odd in Warsaw.
func starts() []protocol.Instant {
	var list []protocol.Instant
	for _, t := range []time.Time{
		time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC),
		time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC),
		time.Date(2028, 2, 28, 21, 0, 0, 0, time.UTC),
		time.Date(2026, 12, 31, 21, 0, 0, 0, time.UTC),
	} {
		list = append(list, protocol.InstantOf(t))
	}
	return list
}

// TestRandomWalk is the short form of TestMillion (tag slow).
func TestRandomWalk(t *testing.T) {
	total := 0
	for seed, start := range slices.All(append(starts(), starts()...)) {
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		w := newWalk(t, start, random.IntN)
		w.deep = true
		w.wander(2000)
		total += w.commands
	}
	t.Logf("%d commands", total)
}

// TestRapidWalk finds short counterexamples.
func TestRapidWalk(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "pick") }
		w := newWalk(t, starts()[pick(5)], pick)
		w.wander(100)
	})
}

// TestEveryAbsentTicketEnds is invariant 15: with an open counter of the skill, an absent ticket
// reaches an end after finitely many finishes there.
func TestEveryAbsentTicketEnds(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 15))
		w := newWalk(t, clockTime(8, 0), random.IntN)
		w.wander(150)
		w.step(TrustClock{})
		for _, id := range w.s.desks {
			w.step(ResumeCounter{Counter: id})
			w.step(OpenCounter{Counter: id, Clerk: "anna"})
		}
		skilled := func(v *ticket) bool {
			for _, c := range w.s.counters {
				if c.Status == CounterIsOpen && c.sees(v) {
					return true
				}
			}
			return false
		}
		for range 400 {
			for _, id := range slices.Clone(w.s.desks) {
				w.now = w.now.Add(time.Second)
				c := w.s.counters[id]
				if v := w.s.tickets[c.Ticket]; v != nil && v.Calls > 1 {
					w.step(NoShow{Counter: id}) // he never comes
				} else if c.Status == CounterIsOpen {
					w.step(Next{Counter: id})
				}
			}
			w.now = w.now.Add(20 * time.Second)
		}
		for _, v := range w.s.absent {
			if skilled(v) {
				t.Fatalf("%s is still absent with %d calls", v.Number, v.Calls)
			}
		}
	}
}

// TestCommandsAreNotAliased: what a caller does to a command afterwards does not matter.
func TestCommandsAreNotAliased(t *testing.T) {
	b := newBranch(t, nil)
	settings := testSettings()
	settings.Name = "inaczej"
	skills := map[protocol.ServiceID]int{"A": 1}
	b.do(Configure{Settings: settings})
	b.do(SetSkills{Counter: 1, Skills: skills})
	was, err := json.Marshal([]any{b.s.Settings(), b.s.Counters()})
	if err != nil {
		t.Fatal(err)
	}
	settings.Hours[1], settings.Counters[0].Skills["C"], skills["B"] = nil, 7, 8
	settings.Services[0].Letter = "Q"
	if is, err := json.Marshal([]any{b.s.Settings(), b.s.Counters()}); err != nil || string(is) != string(was) {
		t.Fatalf("%s (%v)", is, err)
	}
}
