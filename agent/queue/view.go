package queue

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

// Office is the state of the office day.
type Office struct {
	Day    protocol.Day     `json:"day"`
	Open   bool             `json:"open"` // begun and not ended; opening hours are another matter
	Opens  protocol.Instant `json:"opens"`
	Closes protocol.Instant `json:"closes"`
	// Doubted says that the clock is not trusted; Doubt is the reason.
	Doubted bool   `json:"doubted,omitempty"`
	Doubt   string `json:"doubt,omitempty"`
}

// Issuing says whether a walk-in ticket would be issued; if not, Code is the reason.
type Issuing struct {
	Open bool        `json:"open"`
	Code Code        `json:"code,omitempty"`
	Mode IssuingMode `json:"mode"`
}

// ServiceView is what a screen or a kiosk shows of one service.
type ServiceView struct {
	ID      protocol.ServiceID    `json:"id"`
	Waiting int                   `json:"waiting"`
	Open    int                   `json:"open"`   // counters open with the skill
	Issued  int                   `json:"issued"` // walk-in tickets of the day
	Last    protocol.TicketNumber `json:"last"`   // called last; zero when none
	Calls   []Call                `json:"calls"`  // the newest first
	Issuing Issuing               `json:"issuing"`
}

// callsShown bounds ServiceView.Calls.
const callsShown = 5

// Last gives the number and the time of the last event; 0 and 0 before the first.
func (s *State) Last() (uint64, protocol.Instant) { return s.last, s.at }

// Settings gives the settings in force, services that drain included; zero before the first
// Configured. Nobody may change what it holds.
func (s *State) Settings() protocol.Settings {
	if s.settings == nil {
		return protocol.Settings{}
	}
	return *s.settings
}

// Office gives the office day; zero before the first.
func (s *State) Office() Office {
	return Office{
		Day: s.office.day, Open: s.office.open, Opens: s.office.opens, Closes: s.office.closes,
		Doubted: s.doubted(), Doubt: s.doubt,
	}
}

// Ticket finds a ticket of the day.
func (s *State) Ticket(id protocol.TicketID) (Ticket, bool) {
	if t := s.tickets[id]; t != nil {
		return t.Ticket, true
	}
	return Ticket{}, false
}

// TicketByNumber finds a ticket of the day by what stands on it.
func (s *State) TicketByNumber(n protocol.TicketNumber) (Ticket, bool) {
	return s.Ticket(s.numbers[n])
}

// TicketByToken finds a ticket of the day by the hash of its e-ticket token.
func (s *State) TicketByToken(h protocol.TokenHash) (Ticket, bool) { return s.Ticket(s.tokens[h]) }

// Tickets walks over the day's tickets in the order of their issue.
func (s *State) Tickets() iter.Seq[Ticket] {
	return func(yield func(Ticket) bool) {
		for _, id := range s.order {
			if !yield(s.tickets[id].Ticket) {
				return
			}
		}
	}
}

// Counter finds a counter. Nobody may change its skills.
func (s *State) Counter(id protocol.CounterID) (Counter, bool) {
	if c := s.counters[id]; c != nil {
		return c.Counter, true
	}
	return Counter{}, false
}

// Counters gives all counters by number. Nobody may change their skills.
func (s *State) Counters() []Counter {
	list := make([]Counter, 0, len(s.desks))
	for _, id := range s.desks {
		list = append(list, s.counters[id].Counter)
	}
	return list
}

// Booking finds a booking that the branch remembers.
func (s *State) Booking(id protocol.BookingID) (protocol.Booking, bool) {
	if b := s.bookings[id]; b != nil {
		return b.Booking, true
	}
	return protocol.Booking{}, false
}

// BookingByHash finds a booking by the hash of its code or of its e-ticket token, the present
// day's first, and the ticket that it has become, if it has entered.
func (s *State) BookingByHash(h protocol.TokenHash) (b protocol.Booking, id protocol.TicketID, ok bool) {
	if k := s.bookingByHash(h); k != nil {
		return k.Booking, k.ticket, true
	}
	return b, "", false
}

// Expected gives the bookings of the day that have not entered yet, by hour.
func (s *State) Expected() []protocol.Booking {
	list := make([]protocol.Booking, 0, len(s.due))
	for _, b := range s.due {
		list = append(list, b.Booking)
	}
	return list
}

// Waiting gives all waiting tickets in the general order of calling, (score, seq) without
// penalties.
func (s *State) Waiting() []Ticket {
	list := make([]Ticket, 0, len(s.waiting))
	for _, t := range s.waiting {
		list = append(list, t.Ticket)
	}
	return list
}

// WaitingAt gives the tickets that the counter may call, in the order in which it would.
func (s *State) WaitingAt(id protocol.CounterID) []Ticket {
	c := s.counters[id]
	if c == nil {
		return nil
	}
	var seen []*ticket
	for _, t := range s.waiting {
		if c.sees(t) {
			seen = append(seen, t)
		}
	}
	key := func(t *ticket) protocol.Instant {
		return s.score(t) + span(c.Skills[t.Service], time.Minute)
	}
	slices.SortFunc(seen, func(a, b *ticket) int {
		return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a.Seq, b.Seq))
	})
	list := make([]Ticket, 0, len(seen))
	for _, t := range seen {
		list = append(list, t.Ticket)
	}
	return list
}

// Ahead is how many people wait for the same service with a better key; 0 for a ticket that does
// not wait. Absent visitors who may be called again are not counted.
func (s *State) Ahead(id protocol.TicketID) int {
	t := s.tickets[id]
	if t == nil || t.State != StateWaiting {
		return 0
	}
	n := 0
	for _, o := range s.waiting {
		if o == t {
			break
		}
		if o.Service == t.Service {
			n++
		}
	}
	return n
}

// AheadOfNew is how many people would be ahead of a walk-in ticket taken now.
func (s *State) AheadOfNew(service protocol.ServiceID, priority bool, now protocol.Instant) int {
	if s.settings == nil {
		return 0
	}
	return s.ahead(service, max(s.at, now)-headStart(&s.settings.Rules, WalkIn, priority))
}

func (s *State) ahead(service protocol.ServiceID, score protocol.Instant) int {
	n := 0
	for _, t := range s.waiting {
		if s.score(t) > score {
			break
		}
		if t.Service == service {
			n++
		}
	}
	return n
}

// openCounters counts the counters that are open, stay so, and have the skill.
func (s *State) openCounters(service protocol.ServiceID) int {
	n := 0
	for _, c := range s.counters {
		if _, skill := c.Skills[service]; skill && c.Status == CounterIsOpen && c.Leaving == "" {
			n++
		}
	}
	return n
}

// Service gives what is shown of a service; a service that is not there has nothing and issues
// nothing.
func (s *State) Service(id protocol.ServiceID, now protocol.Instant) ServiceView {
	v := s.services[id]
	view := ServiceView{ID: id, Calls: []Call{}, Issuing: Issuing{Code: NoSuchService}}
	if v == nil {
		return view
	}
	for _, t := range s.waiting {
		if t.Service == id {
			view.Waiting++
		}
	}
	for _, c := range slices.Backward(s.calls) {
		if c.Service == id && len(view.Calls) < callsShown {
			view.Calls = append(view.Calls, c)
		}
	}
	if len(view.Calls) > 0 {
		view.Last = view.Calls[0].Number
	}
	r := s.seriesOf(id)
	code := s.issuing(v, max(s.at, now), false)
	view.Open, view.Issued = s.openCounters(id), r.issued
	view.Issuing = Issuing{Open: code == "", Code: code, Mode: r.mode}
	return view
}

// SimpleWait is the interim estimate until a learnt one exists: people ahead × typed-in mean ÷
// open counters, as an interval of 0.7 to 1.3 times that in whole minutes, never beyond closing.
// It is nil when no counter with the skill is open or no mean is known.
func (s *State) SimpleWait(service protocol.ServiceID, ahead int, now protocol.Instant) *Wait {
	v, open := s.services[service], s.openCounters(service)
	if v == nil || open == 0 || v.MeanSeconds == 0 {
		return nil
	}
	seconds := int64(ahead) * int64(v.MeanSeconds) / int64(open)
	w := Wait{
		Low:  int(seconds * 7 / 10 / 60 * 60),
		High: int((max(seconds, 1)*13/10 + 59) / 60 * 60),
	}
	if left := int(s.office.closes.Sub(max(s.at, now)) / time.Second); left > 0 && !s.doubted() {
		w.Low, w.High = min(w.Low, left), min(w.High, left)
	}
	return &w
}

// RecentCalls gives up to n calls of the day, the newest first. Calls that were undone are not
// among them.
func (s *State) RecentCalls(n int) []Call {
	list := make([]Call, 0, max(0, min(n, len(s.calls))))
	for _, c := range slices.Backward(s.calls) {
		if len(list) == cap(list) {
			break
		}
		list = append(list, c)
	}
	return list
}
