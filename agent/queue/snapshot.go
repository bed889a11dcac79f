package queue

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

// snapshotVersion is the version of what Snapshot writes. It grows whenever the fold of any event
// or the shape of the state changes, since a snapshot stands for a fold by this very code.
const snapshotVersion = 1

// errNotASnapshot is the cause when bytes are not a snapshot as Snapshot writes it.
var errNotASnapshot = errors.New("not a snapshot")

// saved is a State as JSON. What can be derived from the rest is left out: the sorted lists, the
// numbers and tokens of the day, the services and the zone.
type saved struct {
	Version  int                               `json:"version"`
	Last     uint64                            `json:"last"`
	At       protocol.Instant                  `json:"at"`
	Settings *protocol.Settings                `json:"settings,omitempty"`
	Doubt    string                            `json:"doubt,omitempty"`
	DoubtSeq uint64                            `json:"doubt_seq,omitempty"`
	Gap      int                               `json:"gap,omitempty"`
	Office   savedOffice                       `json:"office"`
	Counters []savedCounter                    `json:"counters,omitempty"` // by id
	Bookings []savedBooking                    `json:"bookings,omitempty"` // by id
	Tickets  []savedTicket                     `json:"tickets,omitempty"`  // as issued
	Series   map[protocol.ServiceID]savedIssue `json:"series,omitempty"`
	Overflow map[string]int                    `json:"overflow,omitempty"`
	Calls    []Call                            `json:"calls,omitempty"` // oldest first
	Commands []savedCommand                    `json:"commands,omitempty"`
}

type savedOffice struct {
	Day    protocol.Day     `json:"day"`
	Opens  protocol.Instant `json:"opens"`
	Closes protocol.Instant `json:"closes"`
	Open   bool             `json:"open"`
	Gap    int              `json:"gap,omitempty"`
}

type savedTicket struct {
	Ticket  Ticket `json:"ticket"`
	Changed uint64 `json:"changed"`
}

type savedCounter struct {
	Counter Counter `json:"counter"`
	Changed uint64  `json:"changed"`
	Gone    bool    `json:"gone,omitempty"`
}

type savedBooking struct {
	Booking protocol.Booking  `json:"booking"`
	State   bookingState      `json:"state,omitempty"`
	Ticket  protocol.TicketID `json:"ticket,omitempty"`
	Arrived bool              `json:"arrived,omitempty"`
	Again   bool              `json:"again,omitempty"`
}

type savedIssue struct {
	Last     int         `json:"last"`
	Issued   int         `json:"issued"`
	Mode     IssuingMode `json:"mode"`
	Override bool        `json:"override,omitempty"`
}

// savedCommand is the last command of a counter; 0 when the counter went away by that command.
type savedCommand struct {
	Counter  protocol.CounterID `json:"counter"`
	Since    uint64             `json:"since"`
	Until    uint64             `json:"until"`
	At       protocol.Instant   `json:"at"`
	Present  bool               `json:"present,omitempty"` // the last event was its
	Tickets  []savedTicket      `json:"tickets,omitempty"`
	Counters []savedCounter     `json:"counters,omitempty"`
}

// Snapshot writes the whole state as JSON for Restore; equal states give equal bytes. Its size is
// in the order of the day's tickets and the bookings of two months. It must not be called while
// an event of a command is applied and the next one is not. It fails only for text that JSON
// cannot hold, which no decoded event brings in.
func (s *State) Snapshot() ([]byte, error) {
	out := saved{
		Version: snapshotVersion, Last: s.last, At: s.at, Settings: s.settings,
		Doubt: s.doubt, DoubtSeq: s.doubtSeq, Gap: s.gap,
		Office: savedOffice{
			Day: s.office.day, Opens: s.office.opens, Closes: s.office.closes,
			Open: s.office.open, Gap: s.office.gap,
		},
		Overflow: s.overflow, Calls: s.calls, Commands: s.saveCommands(),
		Series:  make(map[protocol.ServiceID]savedIssue, len(s.series)),
		Tickets: make([]savedTicket, 0, len(s.order)), Bookings: make([]savedBooking, 0, len(s.bookings)),
	}
	for _, id := range s.desks {
		out.Counters = append(out.Counters, saveCounter(s.counters[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(s.bookings)) {
		b := s.bookings[id]
		out.Bookings = append(out.Bookings, savedBooking{
			Booking: b.Booking, State: b.state, Ticket: b.ticket, Arrived: b.arrived, Again: b.again,
		})
	}
	for _, id := range s.order {
		out.Tickets = append(out.Tickets, saveTicket(s.tickets[id]))
	}
	for id, r := range s.series {
		out.Series[id] = savedIssue{Last: r.last, Issued: r.issued, Mode: r.mode, Override: r.override}
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write snapshot at event %d: %w", s.last, err)
	}
	return data, nil
}

func (s *State) saveCommands() []savedCommand {
	var list []savedCommand
	save := func(id protocol.CounterID, c *command) {
		v := savedCommand{
			Counter: id, Since: c.since, Until: c.until, At: c.at, Present: c == s.command,
		}
		for _, t := range c.tickets {
			v.Tickets = append(v.Tickets, saveTicket(t))
		}
		for _, k := range c.counters {
			v.Counters = append(v.Counters, saveCounter(k))
		}
		list = append(list, v)
	}
	held := slices.Contains(slices.Collect(maps.Values(s.commands)), s.command)
	if s.command != nil && !held {
		save(0, s.command)
	}
	for _, id := range slices.Sorted(maps.Keys(s.commands)) {
		save(id, s.commands[id])
	}
	return list
}

func saveTicket(t *ticket) savedTicket { return savedTicket{Ticket: t.Ticket, Changed: t.changed} }

func saveCounter(c *counter) savedCounter {
	return savedCounter{Counter: c.Counter, Changed: c.changed, Gone: c.gone}
}

func (v savedTicket) record() *ticket { return &ticket{Ticket: v.Ticket, changed: v.Changed} }

func (v savedCounter) record() *counter {
	return &counter{Counter: v.Counter, changed: v.Changed, gone: v.Gone}
}

// Restore makes a state from what Snapshot wrote: the one that folding the same events gives,
// with zones as in New. It reads only the exact bytes of a Snapshot of this version, and what it
// returns passes Check; anything else is an error.
func Restore(zones func(name string) (*time.Location, error), data []byte) (*State, error) {
	var in saved
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("restore state: %w: %w", errNotASnapshot, err)
	}
	if in.Version != snapshotVersion {
		return nil, fmt.Errorf("restore state: version %d: %w", in.Version, errNotASnapshot)
	}
	if again, err := json.Marshal(in); err != nil || !bytes.Equal(again, data) {
		return nil, fmt.Errorf("restore state: another spelling than ours: %w", errNotASnapshot)
	}
	if err := in.sound(); err != nil {
		return nil, fmt.Errorf("restore state at event %d: %w", in.Last, err)
	}
	s := New(zones)
	s.last, s.at, s.doubt, s.doubtSeq, s.gap = in.Last, in.At, in.Doubt, in.DoubtSeq, in.Gap
	s.office = officeDay{
		day: in.Office.Day, opens: in.Office.Opens, closes: in.Office.Closes,
		open: in.Office.Open, gap: in.Office.Gap,
	}
	if in.Settings != nil {
		s.applySettings(in.Settings)
	}
	in.restoreRecords(s)
	in.restoreCommands(s)
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("restore state at event %d: %w", in.Last, err)
	}
	return s, nil
}

func (in *saved) restoreRecords(s *State) {
	for _, v := range in.Counters {
		s.counters[v.Counter.ID] = v.record()
		s.desks = append(s.desks, v.Counter.ID)
	}
	for _, v := range in.Bookings {
		b := &booking{
			Booking: v.Booking, state: v.State, ticket: v.Ticket, arrived: v.Arrived, again: v.Again,
		}
		s.bookings[b.ID] = b
		if s.isDue(b) {
			s.due = append(s.due, b)
		}
	}
	slices.SortFunc(s.due, byHour)
	for _, v := range in.Tickets {
		s.putTicket(v.record())
	}
	for id, r := range in.Series {
		s.series[id] = series{last: r.Last, issued: r.Issued, mode: r.Mode, override: r.Override}
	}
	maps.Copy(s.overflow, in.Overflow)
	s.calls = in.Calls
}

func (in *saved) restoreCommands(s *State) {
	for _, v := range in.Commands {
		c := &command{since: v.Since, until: v.Until, at: v.At}
		for _, t := range v.Tickets {
			c.tickets = append(c.tickets, t.record())
		}
		for _, k := range v.Counters {
			c.counters = append(c.counters, k.record())
		}
		if v.Present {
			s.command = c
		}
		if v.Counter != 0 {
			s.commands[v.Counter] = c
		}
	}
}

// sound finds what would make the fold or Check stumble, before either runs; Check does the rest.
func (in *saved) sound() error {
	f := &findings{}
	f.must(in.Settings != nil || len(in.Counters)+len(in.Tickets) == 0, "a queue without settings")
	f.must(increasing(in.Counters, func(a, b savedCounter) int {
		return cmp.Compare(a.Counter.ID, b.Counter.ID)
	}), "the counters are out of order")
	f.must(increasing(in.Bookings, func(a, b savedBooking) int {
		return cmp.Compare(a.Booking.ID, b.Booking.ID)
	}), "the bookings are out of order")
	f.must(increasing(in.Tickets, func(a, b savedTicket) int {
		return cmp.Compare(a.Ticket.Seq, b.Ticket.Seq)
	}), "the tickets are out of order")
	f.must(increasing(in.Commands, func(a, b savedCommand) int {
		return cmp.Compare(a.Counter, b.Counter)
	}), "the commands are out of order")
	desks := map[protocol.CounterID]bool{0: true}
	for _, v := range in.Counters {
		desks[v.Counter.ID] = true
		f.must(v.Changed <= in.Last, "counter %d was changed in the future", v.Counter.ID)
	}
	for _, v := range in.Bookings {
		f.must(v.State >= bookingPending && v.State <= bookingExpired, "booking %s is in no state", v.Booking.ID)
	}
	known := map[protocol.TicketID]bool{}
	for _, v := range in.Tickets {
		t := v.Ticket
		f.must(!known[t.ID], "ticket %s is there twice", t.ID)
		f.must(desks[t.Bound], "ticket %s is bound to a counter that is not there", t.Number)
		f.must(max(v.Changed, t.Seq) <= in.Last, "ticket %s was changed in the future", t.Number)
		known[t.ID] = true
	}
	present := 0
	for _, v := range in.Commands {
		if v.Present {
			present++
		}
		f.must(v.Counter != 0 || v.Present, "a command is nobody's")
		for _, t := range v.Tickets {
			f.must(known[t.Ticket.ID], "counter %d touched an unknown ticket", v.Counter)
		}
	}
	f.must(present <= 1, "%d commands are the last one", present)
	return errors.Join(f.list...)
}

// increasing reports whether each element comes strictly after the one before it.
func increasing[E any](list []E, order func(a, b E) int) bool {
	for i := 1; i < len(list); i++ {
		if order(list[i-1], list[i]) >= 0 {
			return false
		}
	}
	return true
}
