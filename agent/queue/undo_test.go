package queue

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/okienko/okienko/protocol"
)

// people is what an undo must put back: all tickets and counters.
func people(t *testing.T, s *State) string {
	t.Helper()
	tickets := []Ticket{}
	for v := range s.Tickets() {
		tickets = append(tickets, v)
	}
	counters := s.Counters()
	for i := range counters {
		counters[i].LastSeq, counters[i].LastAt = 0, 0
	}
	text, err := json.Marshal([]any{tickets, counters, s.RecentCalls(100)})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestUndo: whatever the counter's last command did is put back exactly.
func TestUndo(t *testing.T) {
	for name, c := range map[string]struct {
		before []Command
		undone Command
	}{
		"next":       {nil, Next{Counter: 1}},
		"call":       {nil, CallTicket{Counter: 1, Ticket: "c", Reason: "x"}},
		"start":      {[]Command{Next{Counter: 1}}, StartService{Counter: 1}},
		"no-show":    {[]Command{Next{Counter: 1}}, NoShow{Counter: 1}},
		"finish":     {[]Command{Next{Counter: 1}}, Finish{Counter: 1, Outcome: "x"}},
		"park":       {[]Command{Next{Counter: 1}}, Park{Ticket: "a"}},
		"cancel":     {[]Command{Next{Counter: 1}}, Cancel{Ticket: "a"}},
		"transfer":   {[]Command{Next{Counter: 1}}, Transfer{Ticket: "a", Service: "C", AsNew: true}},
		"pause":      {[]Command{Next{Counter: 1}, Park{Ticket: "a"}}, PauseCounter{Counter: 1}},
		"close":      {[]Command{Next{Counter: 1}, NoShow{Counter: 1}}, CloseCounter{Counter: 1}},
		"skills":     {[]Command{Next{Counter: 1}, NoShow{Counter: 1}}, SetSkills{Counter: 1}},
		"leave":      {[]Command{Next{Counter: 1}}, PauseCounter{Counter: 1}},
		"left":       {[]Command{Next{Counter: 1}, PauseCounter{Counter: 1}}, NoShow{Counter: 1}},
		"auto":       {[]Command{Next{Counter: 1}, NoShow{Counter: 1}, Next{Counter: 1}}, Finish{Counter: 1}},
		"next-auto":  {[]Command{Next{Counter: 1}, NoShow{Counter: 1}, Next{Counter: 1}}, Next{Counter: 1}},
		"open":       {nil, OpenCounter{Counter: 2}},
		"removed":    {threeMisses(), NoShow{Counter: 1}},
		"resume":     {[]Command{PauseCounter{Counter: 1}}, ResumeCounter{Counter: 1}},
		"after-undo": {[]Command{Next{Counter: 1}, Undo{Counter: 1}}, Next{Counter: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBranch(t, nil)
			for _, id := range []string{"a", "b", "c"} {
				b.take(id, "A")
			}
			for _, cmd := range c.before {
				if cmd != Command(Undo{Counter: 1}) {
					b.now = b.now.Add(30 * time.Second)
				}
				b.do(cmd)
			}
			b.now = b.now.Add(10 * time.Second)
			counter := protocol.CounterID(1)
			if name == "open" {
				counter = 2
			}
			was := people(t, b.s)
			b.do(c.undone)
			if people(t, b.s) == was {
				t.Fatal("the command did nothing")
			}
			b.restart() // a restart does not forget what can be undone
			b.now = b.now.Add(5 * time.Second)
			b.do(Undo{Counter: counter})
			if is := people(t, b.s); is != was {
				t.Fatalf("was\n%s\nis\n%s", was, is)
			}
			b.refused(Undo{Counter: counter}, NothingToUndo)
			b.restart()
		})
	}
}

// threeMisses leaves ticket a called for the third time.
func threeMisses() []Command {
	return []Command{
		Next{Counter: 1},
		NoShow{Counter: 1},
		CallTicket{Counter: 1, Ticket: "a", Reason: "x"},
		NoShow{Counter: 1},
		CallTicket{Counter: 1, Ticket: "a", Reason: "x"},
	}
}

func TestUndoRefused(t *testing.T) {
	b := newBranch(t, nil)
	for _, id := range []string{"a", "b", "c"} {
		b.take(id, "A")
	}
	b.do(OpenCounter{Counter: 2})
	b.refused(Undo{Counter: 7}, NoSuchCounter)
	b.refused(Undo{Counter: 3}, NothingToUndo)
	b.next(1, "a")
	b.now = b.now.Add(5001 * time.Millisecond)
	b.refused(Undo{Counter: 1}, UndoTooLate)
	b.noShow(1)
	b.do(Return{Ticket: "a"}) // the visitor has come back meanwhile
	b.refused(Undo{Counter: 1}, ChangedSince)
	b.next(1, "a")
	b.do(Transfer{Ticket: "a", Counter: 2})
	b.do(Next{Counter: 2}) // called elsewhere
	b.at(2, "a")
	b.refused(Undo{Counter: 1}, ChangedSince)
	b.do(Undo{Counter: 2})
	b.refused(Undo{Counter: 1}, ChangedSince)
}

// TestUndoLeavesPaperAlone: what became of the ticket's paper is not undone.
func TestUndoLeavesPaperAlone(t *testing.T) {
	b := newBranch(t, nil)
	job := b.take("a", "A").Job
	b.next(1, "a")
	printed := PrintResult{State: PrintPrinted, Grade: "B"}
	b.do(RecordPrint{Ticket: "a", Job: job, Result: printed})
	b.do(Undo{Counter: 1})
	if v := b.ticket("a"); v.State != StateWaiting || v.Print != printed {
		t.Fatalf("%+v", v)
	}
}

// TestUndoRestoresNoLostHome: homes and bonds at counters that have closed meanwhile stay gone.
func TestUndoRestoresNoLostHome(t *testing.T) {
	b := newBranch(t, nil)
	b.do(OpenCounter{Counter: 2})
	b.take("a", "A")
	b.next(2, "a")
	b.noShow(2)
	b.refused(CallTicket{Counter: 1, Ticket: "a", Reason: " "}, ReasonMissing)
	b.do(CallTicket{Counter: 1, Ticket: "a", Reason: "x"})
	b.do(CloseCounter{Counter: 2})
	b.do(Undo{Counter: 1})
	if v := b.ticket("a"); v.State != StateAbsent || v.Home != 0 {
		t.Fatalf("%+v", v)
	}
}

// TestUndoDropsBonds: a bond made meanwhile to a counter that is closed or unskilled again falls.
func TestUndoDropsBonds(t *testing.T) {
	for _, c := range []struct {
		undone  Command
		service protocol.ServiceID
		counter protocol.CounterID
	}{
		{OpenCounter{Counter: 2}, "A", 2},
		{SetSkills{Counter: 1, Skills: map[protocol.ServiceID]int{"A": 0, "C": 0}}, "C", 1},
	} {
		b := newBranch(t, nil)
		b.take("x", c.service)
		b.now = b.now.Add(time.Minute)
		b.do(c.undone)
		b.do(Transfer{Ticket: "x", Counter: c.counter})
		b.do(Undo{Counter: c.counter})
		if bound := b.ticket("x").Bound; bound != 0 {
			t.Errorf("%T undone: still bound to %d", c.undone, bound)
		}
	}
}

// TestUndoAfterTimedRecall: the recall timer has called somebody since, so the counter is busy.
func TestUndoAfterTimedRecall(t *testing.T) {
	b := newBranch(t, func(s *protocol.Settings) { s.Rules.RecallSeconds = 2 })
	b.take("a", "A")
	b.next(1, "a")
	b.noShow(1)
	b.after(2 * time.Second)
	b.at(1, "a")
	b.refused(Undo{Counter: 1}, ChangedSince)
}
