package queue

import (
	"slices"
	"testing"
	"time"

	"github.com/okienko/okienko/protocol"
)

// TestTorun plays the scenario of the city's own description, seed-torun.pl.txt: A is called
// and absent, B is served, A is called again, absent, C is served, third call, absent, removed.
func TestTorun(t *testing.T) {
	b := newBranch(t, nil)
	for _, id := range []string{"a", "b", "c", "d"} {
		b.take(id, "A")
	}
	b.next(1, "a")
	b.noShow(1)
	b.next(1, "b")
	events := b.do(Finish{Counter: 1})
	if got := kinds(events); !slices.Equal(got, []string{"ticket-finished", "ticket-called"}) {
		t.Fatalf("after B: %v", got)
	}
	if call := events[1].Body.(TicketCalled); call.How != CallRecall || !call.Auto || call.Calls != 2 {
		t.Fatalf("second call: %+v", call)
	}
	b.at(1, "a")
	b.noShow(1)
	b.next(1, "c")
	b.do(Finish{Counter: 1})
	b.at(1, "a")
	if got := b.ticket("a").Calls; got != 3 {
		t.Fatalf("third call is call %d", got)
	}
	b.noShow(1)
	b.states(map[string]TicketState{
		"a": StateRemoved, "b": StateServed, "c": StateServed, "d": StateWaiting,
	})
	b.next(1, "d")
	b.do(Finish{Counter: 1})
	b.at(1, "")
}

// TestAbsentAlone: A absent, nobody else waits: recall after 120 s, again after 120 s, removed.
func TestAbsentAlone(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.next(1, "a")
	b.noShow(1)
	for range 2 {
		if b.after(119 * time.Second); b.ticket("a").State != StateAbsent {
			t.Fatal("recalled too early")
		}
		b.do(Next{Counter: 1}) // pressing Next does not make it earlier
		b.at(1, "")
		b.after(time.Second)
		b.at(1, "a")
		b.noShow(1)
	}
	b.states(map[string]TicketState{"a": StateRemoved})
}

// TestTwoAbsent: both absent; C called; after C one recall (A), next a fresh visitor, then B.
func TestTwoAbsent(t *testing.T) {
	b := newBranch(t, nil)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		b.take(id, "A")
	}
	b.next(1, "a")
	b.noShow(1)
	b.next(1, "b")
	b.noShow(1)
	b.next(1, "c")
	b.do(Finish{Counter: 1})
	b.at(1, "a")
	b.noShow(1)
	b.next(1, "d") // the recall failed: a fresh visitor
	b.next(1, "b")
	b.noShow(1)
	b.next(1, "e")
}

// TestSeveralCounters: only the home counter recalls A; others go on with fresh tickets.
func TestSeveralCounters(t *testing.T) {
	b := newBranch(t, nil)
	b.do(OpenCounter{Counter: 2})
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		b.take(id, "A")
	}
	b.next(1, "a")
	b.noShow(1)
	b.next(2, "b")
	b.next(2, "c") // counter 2 has served b after the no-show, but is not the home
	b.next(1, "d")
	b.do(Finish{Counter: 1})
	b.at(1, "a")
}

// TestHomeLost: when the home counter closes or pauses, any counter recalls on its next token.
func TestHomeLost(t *testing.T) {
	for _, leave := range []Command{CloseCounter{Counter: 1}, PauseCounter{Counter: 1}} {
		b := newBranch(t, nil)
		b.do(OpenCounter{Counter: 2})
		for _, id := range []string{"a", "b", "c"} {
			b.take(id, "A")
		}
		b.next(1, "a")
		b.noShow(1)
		b.do(leave)
		if home := b.ticket("a").Home; home != 0 {
			t.Fatalf("home is still %d", home)
		}
		b.next(2, "b")
		b.do(Finish{Counter: 2})
		b.at(2, "a")
	}
}

// TestSkillTakenAway clears homes likewise, and bonds fall.
func TestSkillTakenAway(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.take("b", "B")
	b.next(1, "a")
	b.noShow(1)
	b.do(Transfer{Ticket: "b", Counter: 1})
	b.do(SetSkills{Counter: 1, Skills: map[protocol.ServiceID]int{"B": 0}})
	if b.ticket("a").Home != 0 || b.ticket("b").Bound != 1 {
		t.Fatalf("after losing A: %+v %+v", b.ticket("a"), b.ticket("b"))
	}
	b.do(SetSkills{Counter: 1, Skills: nil})
	if b.ticket("b").Bound != 0 {
		t.Fatal("the bond did not fall")
	}
}

// TestReturn: who comes back by himself waits at his old place with his calls kept.
func TestReturn(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.take("b", "A")
	b.next(1, "a")
	b.noShow(1)
	b.do(Return{Ticket: "a"})
	if v := b.ticket("a"); v.State != StateWaiting || v.Calls != 1 {
		t.Fatalf("after return: %+v", v)
	}
	if got := b.s.Waiting()[0].ID; got != "a" {
		t.Fatalf("%s waits first", got)
	}
	b.do(Return{Ticket: "a"}) // a second scan changes nothing
	b.next(1, "a")
	if b.ticket("a").Calls != 2 {
		t.Fatal("the calls were reset")
	}
	b.refused(Return{Ticket: "a"}, WrongState)
}

func TestTransfers(t *testing.T) {
	b := newBranch(t, nil)
	b.do(OpenCounter{Counter: 3})
	base := b.take("a", "A").Base
	b.take("b", "A")
	b.next(1, "a")
	b.noShow(1)
	b.refused(Transfer{Ticket: "a", Service: "C"}, WrongState) // absent
	b.do(CallTicket{Counter: 1, Ticket: "a", Reason: "jest na sali"})
	if b.ticket("a").Calls != 2 {
		t.Fatal("a chosen call of an absent ticket counts")
	}
	b.do(Transfer{Ticket: "a", Service: "C", BackToMe: true})
	if v := b.ticket("a"); v.Base != base || v.Calls != 0 || v.Service != "C" {
		t.Fatalf("transferred: %+v", v)
	}
	b.next(3, "a")
	b.do(Finish{Counter: 3})
	if v := b.ticket("a"); v.State != StateWaiting || v.Bound != 1 || v.Service != "A" {
		t.Fatalf("back: %+v", v)
	}
	b.do(OpenCounter{Counter: 2})
	b.next(2, "b") // a is bound to counter 1
	b.next(1, "a")
	b.now = b.now.Add(time.Minute)
	b.do(Transfer{Ticket: "a", Counter: 2, AsNew: true})
	if v := b.ticket("a"); v.Base != b.now || v.Bound != 2 {
		t.Fatalf("as new: %+v", v)
	}
	b.refused(Transfer{Ticket: "a", Counter: 3}, NotYourService)
	b.refused(Transfer{Ticket: "a", Counter: 9}, NoSuchCounter)
	b.refused(Transfer{Ticket: "a", Service: "Z"}, NoSuchService)
	b.refused(Transfer{Ticket: "a"}, BadValue)
	b.refused(Transfer{Ticket: "a", Service: "B", BackToMe: true}, BadValue)
	b.do(CloseCounter{Counter: 1})
	b.refused(Transfer{Ticket: "a", Counter: 1}, CounterNotOpen)
}

// TestTransferRecalls: step 1 is also run after a transfer.
func TestTransferRecalls(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.take("b", "A")
	b.next(1, "a")
	b.noShow(1)
	b.next(1, "b")
	b.do(Transfer{Ticket: "b", Service: "C"})
	b.at(1, "a")
}

// TestNobodyIsRecalled: after open, resume, park and cancel the token is none.
func TestNobodyIsRecalled(t *testing.T) {
	for name, end := range map[string]func(*branch){
		"park":   func(b *branch) { b.do(Park{Ticket: "b"}) },
		"cancel": func(b *branch) { b.do(Cancel{Ticket: "b"}) },
		"pause": func(b *branch) {
			b.do(PauseCounter{Counter: 1})
			b.do(Finish{Counter: 1})
			b.do(ResumeCounter{Counter: 1})
		},
		"close": func(b *branch) {
			b.do(CloseCounter{Counter: 1})
			b.do(Finish{Counter: 1})
			b.do(OpenCounter{Counter: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBranch(t, nil)
			for _, id := range []string{"a", "b", "c"} {
				b.take(id, "A")
			}
			b.next(1, "a")
			b.noShow(1)
			b.next(1, "b")
			end(b)
			b.at(1, "")
			b.next(1, "c")
		})
	}
}

// TestLeavingInService: pause and close wait for the visitor and come before any recall.
func TestLeavingInService(t *testing.T) {
	ends := map[string]Command{
		"finish": Finish{Counter: 1}, "no-show": NoShow{Counter: 1}, "next": Next{Counter: 1},
		"transfer": Transfer{Ticket: "b", Service: "C"}, "park": Park{Ticket: "b"},
		"cancel": Cancel{Ticket: "b"},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			b := newBranch(t, nil)
			for _, id := range []string{"a", "b", "c"} {
				b.take(id, "A")
			}
			b.next(1, "a")
			b.noShow(1)
			b.next(1, "b")
			b.do(PauseCounter{Counter: 1})
			b.at(1, "b")
			b.do(end)
			c, _ := b.s.Counter(1)
			if c.Status != CounterIsPaused || c.Ticket != "" || c.Token != 0 {
				t.Fatalf("after %s: %+v", name, c)
			}
			b.refused(Next{Counter: 1}, CounterNotOpen)
		})
	}
	b := newBranch(t, nil)
	b.take("a", "A")
	b.next(1, "a")
	b.do(CloseCounter{Counter: 1})
	b.do(ResumeCounter{Counter: 1}) // withdrawn
	b.do(Finish{Counter: 1})
	if c, _ := b.s.Counter(1); c.Status != CounterIsOpen {
		t.Fatalf("withdrawn, yet %s", c.Status)
	}
}

func TestPark(t *testing.T) {
	b := newBranch(t, nil)
	b.do(OpenCounter{Counter: 2})
	for _, id := range []string{"a", "b"} {
		b.take(id, "A")
	}
	b.next(1, "a")
	b.do(Park{Ticket: "a"})
	b.refused(CallTicket{Counter: 2, Ticket: "a", Reason: "x"}, WrongState)
	b.do(CallTicket{Counter: 1, Ticket: "a"}) // no reason needed
	if b.ticket("a").Calls != 1 {
		t.Fatal("calling a parked visitor is no new call")
	}
	b.do(Park{Ticket: "a"})
	b.do(PauseCounter{Counter: 1})
	b.states(map[string]TicketState{"a": StateWaiting})
	b.next(2, "a") // with his old base he is first
	b.do(Park{Ticket: "a"})
	b.do(Return{Ticket: "a"})
	b.states(map[string]TicketState{"a": StateWaiting})
}

func TestCallOutOfOrder(t *testing.T) {
	b := newBranch(t, nil)
	for _, id := range []string{"a", "b", "c"} {
		b.take(id, "A")
	}
	b.take("z", "C")
	b.refused(CallTicket{Counter: 1, Ticket: "b"}, ReasonMissing)
	b.refused(CallTicket{Counter: 1, Ticket: "z", Reason: "x"}, NotYourService)
	b.do(CallTicket{Counter: 1, Ticket: "b", Reason: "matka z dzieckiem"})
	b.refused(CallTicket{Counter: 1, Ticket: "c", Reason: "x"}, CounterBusy)
	b.do(Recall{Counter: 1})
	if b.ticket("b").Calls != 1 {
		t.Fatal("announcing again is no new call")
	}
}

func TestLate(t *testing.T) {
	b := newBranch(t, nil)
	a := b.take("a", "A")
	b.take("b", "A")
	b.refused(Late{Ticket: "a", Minutes: 31}, BadValue)
	b.do(Late{Ticket: "a", Minutes: 30})
	if got := b.ticket("a").Base; got != a.Base.Add(30*time.Minute) {
		t.Fatalf("base %d", got)
	}
	b.refused(Late{Ticket: "a", Minutes: 5}, AlreadyLate)
	b.next(1, "b")
	b.refused(Late{Ticket: "b", Minutes: 5}, WrongState)
}

// TestSeen: a stale view is refused, so a double click calls one visitor only.
func TestSeen(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.take("b", "A")
	none, a := protocol.TicketID(""), protocol.TicketID("a")
	b.do(Next{Counter: 1, Seen: &none})
	b.refused(Next{Counter: 1, Seen: &none}, StaleView)
	b.do(Next{Counter: 1, Seen: &a})
	b.refused(Finish{Counter: 1, Seen: &a}, StaleView)
	b.refused(NoShow{Counter: 1, Seen: &a}, StaleView)
	b.at(1, "b")
}

func TestStartIsOptional(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.next(1, "a")
	b.do(StartService{Counter: 1})
	b.states(map[string]TicketState{"a": StateServing})
	if again := b.do(StartService{Counter: 1}); len(again) != 0 {
		t.Fatal("started twice")
	}
	b.noShow(1)
	b.states(map[string]TicketState{"a": StateAbsent})
}

func TestServedBetweenCalls(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Rules.ServedBetweenCalls = 2 })
	for _, id := range []string{"a", "b", "c", "d"} {
		b.take(id, "A")
	}
	b.next(1, "a")
	b.noShow(1)
	b.next(1, "b")
	b.do(Finish{Counter: 1})
	b.at(1, "")
	b.next(1, "c")
	b.do(Finish{Counter: 1})
	b.at(1, "a")
}

func TestCallAfterFinish(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Rules.CallAfterFinish = true })
	b.take("a", "A")
	b.take("b", "A")
	b.next(1, "a")
	b.do(Finish{Counter: 1})
	b.at(1, "b")
}

// TestKey: penalty, priority and bond order a counter's visitors.
func TestKey(t *testing.T) {
	b := newBranch(t, nil)
	b.do(OpenCounter{Counter: 2})
	b.take("c", "C")
	b.take("a", "A")
	b.next(2, "a") // C has a penalty of 20 minutes at counter 2
	b.now = b.now.Add(25 * time.Minute)
	b.take("b", "A")
	b.do(Take{ID: "p", Service: "B", Priority: true})
	if got := b.s.AheadOfNew("B", true, b.now); got != 1 {
		t.Fatalf("%d ahead of a second priority ticket", got)
	}
	b.next(2, "p")
	b.next(2, "c")
	b.next(2, "b")
}

// TestTies: equal scores go by number of issue, whatever the order of the bases.
func TestTies(t *testing.T) {
	b := newBranch(t, nil)
	b.do(OpenCounter{Counter: 2})
	b.do(Take{ID: "late", Service: "A"})
	b.do(Take{ID: "c", Service: "C"}) // 20 minutes of penalty at counter 2
	b.do(Late{Ticket: "late", Minutes: 20})
	b.now = clockTime(8, 20)
	b.do(Take{ID: "a", Service: "A"})
	for _, want := range []string{"late", "c", "a"} {
		if got := b.s.WaitingAt(2)[0].ID; string(got) != want {
			t.Fatalf("%s waits first, want %s", got, want)
		}
		b.next(2, want)
	}
}

func TestIssuing(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) {
		s.Services[0].Quota = 2
		s.Services[1].BookingOnly = true
		s.Services[2].Hours = protocol.Week{1: {{Opens: 9 * 60, Closes: 10 * 60}}}
	})
	b.refused(Take{ID: "b", Service: "B"}, BookingsOnly)
	b.refused(Take{ID: "c", Service: "C"}, OutsideHours)
	b.do(Take{ID: "c", Service: "C", Override: true})
	b.take("a1", "A")
	b.refused(Take{ID: "a1", Service: "A"}, DuplicateTicket)
	b.take("a2", "A")
	b.refused(Take{ID: "a3", Service: "A"}, QuotaReached)
	b.do(Take{ID: "a3", Service: "A", Override: true})
	b.do(SetIssuing{Service: "C", Mode: IssuingStopped})
	b.now = clockTime(9, 30)
	b.refused(Take{ID: "c2", Service: "C"}, IssuingIsOff)
	b.do(SetIssuing{Service: "C", Mode: IssuingOn, Override: true})
	b.do(SetIssuing{Service: "C", Mode: IssuingStopped}) // the estimate; the supervisor's word stands
	b.do(Take{ID: "c2", Service: "C"})
	b.do(SetIssuing{Service: "C", Mode: IssuingAuto, Override: true})
	b.do(SetIssuing{Service: "C", Mode: IssuingStopped})
	if v := b.s.Service("C", b.now); v.Issuing.Open || v.Issuing.Code != IssuingIsOff {
		t.Fatalf("shown before the press: %+v", v.Issuing)
	}
	b.now = clockTime(16, 0)
	b.refused(Take{ID: "x", Service: "A"}, OutsideHours)
}

// TestStopByEstimate: without a learnt estimate the simple formula stops issuing in time.
func TestStopByEstimate(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Rules.StopIssuingBelow = 0.8 })
	b.now = clockTime(15, 49)
	b.do(Take{ID: "a", Service: "A"})
	b.do(Take{ID: "b", Service: "A"})
	b.do(Take{ID: "c", Service: "A"})
	b.refused(Take{ID: "d", Service: "A"}, IssuingIsOff) // 3 × 300 s ahead of him, 660 s left
	b.do(SetIssuing{Service: "A", Mode: IssuingOn})
	b.do(Take{ID: "d", Service: "A"})
	if w := b.s.SimpleWait("A", 4, b.now); w == nil || w.High > 660 {
		t.Fatalf("%+v: nobody is called after closing", w)
	}
}

// TestCallsStayAtTheirLimit: parked at his third call, back in the queue and called again, a
// visitor is called for the last time, not for a fourth.
func TestCallsStayAtTheirLimit(t *testing.T) {
	b := newBranch(t, nil)
	b.take("a", "A")
	b.do(OpenCounter{Counter: 1})
	b.do(Next{Counter: 1})
	for range 2 {
		b.do(NoShow{Counter: 1})
		b.do(Return{Ticket: "a"})
		b.do(Next{Counter: 1})
	}
	b.do(Park{Ticket: "a"})
	b.do(Return{Ticket: "a"})
	b.do(Next{Counter: 1})
	if got, _ := b.s.Ticket("a"); got.Calls != 3 {
		t.Errorf("call %d; want 3", got.Calls)
	}
	b.do(NoShow{Counter: 1})
	if got, _ := b.s.Ticket("a"); got.State != StateRemoved {
		t.Errorf("state %s after the last call; want removed", got.State)
	}
}
