package queue

import (
	"fmt"
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

// What may happen on a random walk.

func (w *walk) settings() protocol.Settings {
	s := testSettings()
	s.Services[1].Letter = "A" // shares the letter of service A
	s.Services[1].WalkIn = protocol.NumberRange{First: 201, Last: 204}
	s.Services[1].Booked = protocol.NumberRange{}
	s.Services[0].WalkIn = protocol.NumberRange{First: 1, Last: 30}
	for day := range 7 {
		s.Hours[day] = []protocol.Period{{Opens: 60, Closes: 14 * 60}, {Opens: 15 * 60, Closes: 23 * 60}}
	}
	s.Rules.RecallSeconds = []int{120, 120, 40, 3}[w.pick(4)]
	s.Rules.ServedBetweenCalls = []int{1, 1, 1, 2}[w.pick(4)]
	s.Rules.CallAfterFinish = w.pick(4) == 0
	s.Rules.CheckIn = w.pick(3) == 0
	s.Rules.UndoSeconds = []int{5, 5, 60}[w.pick(3)]
	s.Rules.StopIssuingBelow = []float64{0, 0.8}[w.pick(2)]
	return s
}

// newSettings changes the settings in one of the ways that matter.
func (w *walk) newSettings() protocol.Settings {
	s := w.settings()
	switch w.pick(8) {
	case 0:
		s.Services = s.Services[:2] // C is taken out
		delete(s.Counters[1].Skills, "C")
		delete(s.Counters[2].Skills, "C")
	case 1:
		s.Counters = s.Counters[:1+w.pick(2)]
	case 2:
		s.Services[0].Quota = 20
		s.Services[2].BookingOnly = true
	case 3:
		s.Rules.BookedHeadStartMinutes = 0
		s.Counters = append(s.Counters, protocol.Counter{ID: 4, Skills: map[protocol.ServiceID]int{"A": 3, "C": 1}})
	case 4:
		s.Hours[0], s.Closed = nil, []protocol.Day{w.s.office.day}
	case 5:
		s.Services[2].Hours = protocol.Week{1: {{Opens: 600, Closes: 660}}, 3: {{Opens: 0, Closes: 1440}}}
		for day := range 7 {
			s.Hours[day] = []protocol.Period{{Opens: 0, Closes: 1440}}
		}
	case 6:
		s.Zone = []string{"Europe/Lisbon", "Atlantis", "Asia/Kathmandu"}[w.pick(3)]
	case 7:
		s.Services[0].WalkIn.Last = 601
	}
	return s
}

// moveClock steps the clock: mostly forward by seconds, sometimes far, sometimes back.
func (w *walk) moveClock() {
	forward := func(most time.Duration) {
		w.now = max(w.now, w.s.at).Add(time.Duration(w.pick(int(most/time.Millisecond))) * time.Millisecond)
	}
	switch n := w.pick(1000); {
	case n < 250:
		forward(2 * time.Second)
	case n < 700:
		forward(20 * time.Second)
	case n < 960:
		forward(3 * time.Minute)
	case n < 984:
		forward(40 * time.Minute)
	case n < 988:
		forward(14 * time.Hour)
	case n < 992:
		w.now = w.now.Add(-time.Duration(w.pick(7200)) * time.Second)
	case n < 996: // exactly when something is due
		if at, due := w.s.NextWake(); due {
			w.now = max(at, w.s.at)
		}
	case n < 998:
		forward(60 * time.Hour)
	default: // a jump that the shell notices: it doubts, and holds the clock back
		w.step(DoubtClock{Reason: "jump"})
	}
}

func (w *walk) ticket() protocol.TicketID {
	var list []*ticket
	switch w.pick(8) {
	case 0, 1, 2:
		list = w.s.live
	case 3:
		list = w.s.absent
	case 4, 5:
		list = w.s.waiting
	case 6: // any of the day
		if n := len(w.s.order); n > 0 {
			return w.s.order[w.pick(n)]
		}
	default:
		if c := w.s.counters[w.counter()]; c != nil {
			return c.Ticket
		}
	}
	if len(list) == 0 {
		return "nobody"
	}
	return list[w.pick(len(list))].ID
}

func (w *walk) counter() protocol.CounterID {
	return []protocol.CounterID{1, 1, 1, 1, 2, 2, 2, 3, 3, 4}[w.pick(10)]
}

func (w *walk) service() protocol.ServiceID {
	return []protocol.ServiceID{"A", "A", "B", "C", "C", "Z"}[w.pick(6)]
}

func (w *walk) id() string {
	if w.pick(60) > 0 {
		w.ids++
	}
	return fmt.Sprintf("t%d", w.ids)
}

func (w *walk) seen() *protocol.TicketID {
	switch w.pick(6) {
	case 0:
		none := protocol.TicketID("")
		return &none
	case 1:
		id := w.ticket()
		return &id
	}
	return nil
}

func (w *walk) booking() protocol.Booking {
	at := max(w.now, w.s.at)
	id := fmt.Sprintf("b%d-%d", int64(at)/(3*24*3600*1000), w.pick(60))
	if len(w.s.due) > 0 && w.pick(2) == 0 {
		id = string(w.s.due[w.pick(len(w.s.due))].ID)
	}
	b := protocol.Booking{
		ID: protocol.BookingID(id), CodeHash: protocol.TokenHash("c-" + id), Language: protocol.English,
		Service: []protocol.ServiceID{"A", "C", "Q"}[min(w.pick(20)/8, 2)], Priority: w.pick(15) == 0,
		Number: protocol.TicketNumber{Letter: "A", N: 601 + w.pick(99)},
	}
	if old := w.s.bookings[b.ID]; old != nil && w.pick(3) > 0 {
		b = old.Booking
		b.Cancelled = b.Cancelled || w.pick(3) == 0
	}
	if b.Hour == 0 || w.pick(4) == 0 {
		b.Hour = at.Add(time.Duration(w.pick(180)-20) * time.Minute)
		if w.pick(10) == 0 {
			b.Hour = at.Add(time.Duration(w.pick(100)-50) * time.Hour)
		}
		b.Day = protocol.Day(b.Hour.Time().In(w.s.zone).Format(time.DateOnly))
	}
	if w.pick(30) == 0 {
		b.Number = protocol.TicketNumber{}
	}
	if w.pick(100) == 0 {
		b.Day = "yesterday"
	}
	return b
}

// command makes one up.
func (w *walk) command() Command {
	switch n := w.pick(400); {
	case n < 70:
		language := []protocol.Language{"", "uk", "en", "pl"}[w.pick(4)]
		if w.pick(50) == 0 {
			language = "xx"
		}
		return Take{
			ID: protocol.TicketID(w.id()), Service: w.service(), Language: language,
			Priority: w.pick(10) == 0, Override: w.pick(8) == 0, NoPaper: w.pick(8) == 0,
		}
	case n < 140:
		return Next{Counter: w.counter(), Seen: w.seen()}
	case n < 185:
		return NoShow{Counter: w.counter(), Seen: w.seen()}
	case n < 210:
		return Finish{Counter: w.counter(), Seen: w.seen(), Outcome: "załatwione"}
	default:
		return w.rarer(n)
	}
}

func (w *walk) rarer(n int) Command {
	counter := w.counter()
	switch {
	case n < 240:
		return OpenCounter{Counter: counter, Clerk: []string{"anna", "anna", "jan"}[w.pick(3)]}
	case n < 244:
		return CloseCounter{Counter: counter}
	case n < 252:
		return PauseCounter{Counter: counter}
	case n < 264:
		return ResumeCounter{Counter: counter}
	case n < 280:
		return Undo{Counter: counter}
	case n < 287:
		return Return{Ticket: w.ticket()}
	case n < 294:
		return Park{Ticket: w.ticket()}
	case n < 298:
		return w.printed()
	case n < 306:
		return Cancel{Ticket: w.ticket(), Reason: "rezygnacja"}
	case n < 326:
		return w.transfer()
	case n < 340:
		return CallTicket{Counter: counter, Ticket: w.ticket(), Reason: []string{"", "pilne", "pilne"}[w.pick(3)]}
	case n < 346:
		return Late{Ticket: w.ticket(), Minutes: w.pick(34)}
	case n < 351:
		return StartService{Counter: counter}
	case n < 354:
		return Recall{Counter: counter}
	case n < 357:
		return Reprint{Ticket: w.ticket(), Mark: []Mark{MarkCopy, "?"}[w.pick(2)]}
	case n < 375:
		return SetBooking{Booking: w.booking()}
	case n < 384:
		return w.checkIn()
	default:
		return w.rarest(n)
	}
}

// printed is news of a print job, old or new, true or false.
func (w *walk) printed() Command {
	c := RecordPrint{Ticket: w.ticket(), Job: w.s.last}
	if t := w.s.tickets[c.Ticket]; t != nil && w.pick(10) > 0 {
		c.Job = []uint64{t.Job, t.Seq}[w.pick(2)]
	}
	c.Result.State = []PrintState{PrintPrinted, PrintUnknown, PrintFailed, PrintQueued}[w.pick(4)]
	if c.Result.State == PrintPrinted || w.pick(20) == 0 {
		c.Result.Grade = []string{"A", "B", "C", "D"}[w.pick(4)]
	}
	return c
}

func (w *walk) transfer() Command {
	c := Transfer{Ticket: w.ticket(), AsNew: w.pick(4) == 0, BackToMe: w.pick(4) == 0}
	if w.pick(2) == 0 {
		c.Service = w.service()
	} else {
		c.Counter = w.counter()
	}
	if w.pick(20) == 0 {
		c.Service, c.Counter = "A", 1
	}
	return c
}

func (w *walk) checkIn() Command {
	c := CheckIn{CodeHash: "c-nobody", ID: protocol.TicketID(w.id())}
	var known []protocol.BookingID
	for id := range w.s.bookings {
		known = append(known, id)
	}
	slices.Sort(known)
	if n := len(known); n > 0 && w.pick(20) > 0 {
		c.CodeHash = w.s.bookings[known[n-1-w.pick(min(n, 30))]].CodeHash
	}
	return c
}

func (w *walk) rarest(n int) Command {
	switch {
	case n < 388:
		skills := map[protocol.ServiceID]int{}
		for range w.pick(3) {
			skills[w.service()] = w.pick(4) * 5
		}
		return SetSkills{Counter: w.counter(), Skills: skills}
	case n < 390:
		return Configure{Settings: w.newSettings()}
	case n < 396:
		return SetIssuing{
			Service: w.service(), Override: w.pick(3) == 0,
			Mode: []IssuingMode{IssuingAuto, IssuingOn, IssuingStopped}[w.pick(3)],
		}
	case n < 397 && w.pick(4) == 0:
		return CloseDay{Reason: "awaria"}
	case n < 398:
		return DoubtClock{Reason: "walk"}
	default:
		return TrustClock{}
	}
}
