package queue

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

// State is everything that the rules know of one branch, folded from its events. The zero value
// is not usable; New makes one. It belongs to one goroutine.
type State struct {
	zones func(name string) (*time.Location, error)
	facts
	// trying is set while a decision folds its own events; taken is what undoes them.
	trying bool
	taken  []func()
}

// facts is what the fold writes. Records behind pointers are never changed in place, so an old
// pointer is an old value. Maps and lists are changed only through set, unset, insert and
// remove, which know how to take it back; everything else is taken back by copying the struct.
type facts struct {
	last     uint64
	at       protocol.Instant
	settings *protocol.Settings
	services map[protocol.ServiceID]*protocol.Service
	zone     *time.Location // of the settings; nil before the first Configured
	doubt    string
	// doubtSeq is the event that began the present doubt; 0 while the clock is trusted.
	doubtSeq uint64
	// gap is how many numbers the next day leaves out, after a restore that lost the tail.
	gap      int
	office   officeDay
	counters map[protocol.CounterID]*counter
	bookings map[protocol.BookingID]*booking
	lists
	today
	// command is the counter command that is being folded; nil for other commands.
	command *command
}

// lists are sorted selections of the records.
type lists struct {
	desks   []protocol.CounterID // the keys of counters
	due     []*booking           // of the office day, still to enter, by (hour, id)
	live    []*ticket            // not in a terminal state, by seq
	waiting []*ticket            // by the key of next.go, penalties apart
	absent  []*ticket            // the oldest no-show first
}

// today is what lives from one DayOpened to the next.
type today struct {
	tickets  map[protocol.TicketID]*ticket
	order    []protocol.TicketID // as issued
	numbers  map[protocol.TicketNumber]protocol.TicketID
	tokens   map[protocol.TokenHash]protocol.TicketID
	series   map[protocol.ServiceID]series
	overflow map[string]int // the last number above the ranges, by letter
	calls    []Call         // oldest first
	commands map[protocol.CounterID]*command
}

type officeDay struct {
	day           protocol.Day
	opens, closes protocol.Instant
	open          bool
	gap           int // numbers left out at the beginning of every series
}

type ticket struct {
	Ticket
	changed uint64 // the last event that moved it; print results do not count
}

type counter struct {
	Counter
	changed uint64
	gone    bool // no longer in the settings, kept until its visitor has left
}

type bookingState int

const (
	bookingPending bookingState = iota
	bookingEntered
	bookingExpired
)

type booking struct {
	protocol.Booking
	state   bookingState
	ticket  protocol.TicketID // when entered
	arrived bool              // checked in
	again   bool              // was given a walk-in ticket after missing his turn
}

// unsettled reports whether the booking is still to enter. A check-in beats a cancellation.
func (b *booking) unsettled() bool {
	return b.state == bookingPending && (!b.Cancelled || b.arrived)
}

// series is the day's issue of one service.
type series struct {
	last     int // the last walk-in number inside the range
	issued   int // walk-in tickets
	mode     IssuingMode
	override bool
}

// New gives the state of a branch before its first event. zones finds a time zone by its IANA
// name; it is asked when settings are decided on or folded and must always answer the same.
func New(zones func(name string) (*time.Location, error)) *State {
	s := &State{zones: zones}
	s.services = map[protocol.ServiceID]*protocol.Service{}
	s.counters = map[protocol.CounterID]*counter{}
	s.bookings = map[protocol.BookingID]*booking{}
	s.today = newToday()
	return s
}

func newToday() today {
	return today{
		tickets:  map[protocol.TicketID]*ticket{},
		numbers:  map[protocol.TicketNumber]protocol.TicketID{},
		tokens:   map[protocol.TokenHash]protocol.TicketID{},
		series:   map[protocol.ServiceID]series{},
		overflow: map[string]int{},
		commands: map[protocol.CounterID]*command{},
	}
}

// Apply folds one event into the state. Events come in the order of their numbers; any other
// order is an error of the program, and Apply panics.
func (s *State) Apply(e Event) {
	if e.Seq != s.last+1 {
		panic(fmt.Sprintf("queue: event %d applied after event %d", e.Seq, s.last))
	}
	s.fold(e)
}

// try runs f, which may fold events, and takes all of it back.
func (s *State) try(f func() error) error {
	before := s.facts
	s.trying = true
	defer func() {
		for _, undo := range slices.Backward(s.taken) {
			undo()
		}
		clear(s.taken)
		s.taken = s.taken[:0]
		before.lists = s.lists // they may have moved in memory
		s.facts = before
		s.trying = false
	}()
	return f()
}

// undoably notes how to take back a change that is about to be made.
func (s *State) undoably(undo func()) {
	if s.trying {
		s.taken = append(s.taken, undo)
	}
}

func set[K comparable, V any](s *State, m map[K]V, key K, value V) {
	if s.trying {
		old, had := m[key]
		s.undoably(func() {
			if had {
				m[key] = old
			} else {
				delete(m, key)
			}
		})
	}
	m[key] = value
}

func unset[K comparable, V any](s *State, m map[K]V, key K) {
	old, had := m[key]
	if had && s.trying {
		s.undoably(func() { m[key] = old })
	}
	delete(m, key)
}

// insert puts a record into its place in a sorted list.
func insert[R any](s *State, list *[]R, r R, order func(a, b R) int) {
	i, _ := slices.BinarySearchFunc(*list, r, order)
	*list = slices.Insert(*list, i, r)
	if s.trying {
		s.undoably(func() { *list = slices.Delete(*list, i, i+1) })
	}
}

// remove takes a record out of a sorted list that must hold it.
func remove[R any](s *State, list *[]R, r R, order func(a, b R) int) {
	i, found := slices.BinarySearchFunc(*list, r, order)
	if !found {
		panic("queue: a record is missing from its list")
	}
	r = (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	if s.trying {
		s.undoably(func() { *list = slices.Insert(*list, i, r) })
	}
}

// putTicket replaces the record of a ticket and keeps the lists right.
func (s *State) putTicket(t *ticket) {
	if old := s.tickets[t.ID]; old != nil {
		s.command.remember(old, nil)
		s.unlist(old)
	} else {
		s.order = append(s.order, t.ID)
		set(s, s.numbers, t.Number, t.ID)
		if _, taken := s.tokens[t.TokenHash]; t.TokenHash != "" && !taken {
			set(s, s.tokens, t.TokenHash, t.ID)
		}
	}
	set(s, s.tickets, t.ID, t)
	s.list(t)
}

func (s *State) list(t *ticket) {
	if !t.State.Terminal() {
		insert(s, &s.live, t, bySeq)
	}
	switch t.State {
	case StateWaiting:
		insert(s, &s.waiting, t, s.byKey)
	case StateAbsent:
		insert(s, &s.absent, t, byMiss)
	default:
	}
}

func (s *State) unlist(t *ticket) {
	if !t.State.Terminal() {
		remove(s, &s.live, t, bySeq)
	}
	switch t.State {
	case StateWaiting:
		remove(s, &s.waiting, t, s.byKey)
	case StateAbsent:
		remove(s, &s.absent, t, byMiss)
	default:
	}
}

// editTicket changes a ticket by f. The ticket must exist.
func (s *State) editTicket(id protocol.TicketID, seq uint64, f func(t *Ticket)) {
	t := *s.tickets[id]
	t.changed = seq
	f(&t.Ticket)
	s.putTicket(&t)
}

func (s *State) putCounter(c *counter) {
	if old := s.counters[c.ID]; old != nil {
		s.command.remember(nil, old)
	} else {
		insert(s, &s.desks, c.ID, cmp.Compare[protocol.CounterID])
	}
	set(s, s.counters, c.ID, c)
}

// editCounter changes a counter by f. The counter must exist.
func (s *State) editCounter(id protocol.CounterID, seq uint64, f func(c *counter)) {
	c := *s.counters[id]
	c.changed = seq
	f(&c)
	s.putCounter(&c)
}

func (s *State) putBooking(b *booking) {
	if old := s.bookings[b.ID]; old != nil && s.isDue(old) {
		remove(s, &s.due, old, byHour)
	}
	set(s, s.bookings, b.ID, b)
	if s.isDue(b) {
		insert(s, &s.due, b, byHour)
	}
}

func (s *State) editBooking(id protocol.BookingID, f func(b *booking)) {
	b := *s.bookings[id]
	f(&b)
	s.putBooking(&b)
}

func (s *State) isDue(b *booking) bool { return b.Day == s.office.day && b.unsettled() }

func bySeq(a, b *ticket) int { return cmp.Compare(a.Seq, b.Seq) }

func byMiss(a, b *ticket) int {
	return cmp.Or(cmp.Compare(a.MissedSeq, b.MissedSeq), bySeq(a, b))
}

func byHour(a, b *booking) int {
	return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.ID, b.ID))
}
