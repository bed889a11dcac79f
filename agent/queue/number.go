package queue

import "github.com/okienko/okienko/protocol"

const (
	// overflowFrom is the first number of a letter whose range is used up; Validate keeps all
	// ranges below it.
	overflowFrom = 1001
	// tailLostGap is how many numbers each service leaves out when the newest events may be
	// missing. The ledger is synced every second, and a second does not see 20 tickets of one
	// service.
	tailLostGap = 20
)

// walkInNumber allots the next walk-in number of a service. It goes upwards through the range,
// then upwards from 1001 with overflow set, and leaves out whatever the day knows already, so
// that services may share a letter and ranges may change at any time.
func (s *State) walkInNumber(v *protocol.Service) (number protocol.TicketNumber, overflow bool) {
	n := protocol.TicketNumber{Letter: v.Letter, N: max(s.seriesOf(v.ID).last+1, v.WalkIn.First)}
	for ; n.N <= v.WalkIn.Last; n.N++ {
		if s.numberFree(n) {
			return n, false
		}
	}
	return s.overflowNumber(v.Letter), true
}

func (s *State) overflowNumber(letter string) protocol.TicketNumber {
	n := protocol.TicketNumber{Letter: letter, N: s.lastOverflow(letter) + 1}
	for !s.numberFree(n) {
		n.N++
	}
	return n
}

func (s *State) lastOverflow(letter string) int {
	return max(s.overflow[letter], overflowFrom-1+s.office.gap)
}

// bookedNumber gives a booking the number that its visitor was told, or one from the overflow in
// the event that the branch has issued it already: no number twice comes first.
func (s *State) bookedNumber(b *booking) (number protocol.TicketNumber, overflow bool) {
	if _, used := s.numbers[b.Number]; b.Number.N > 0 && !used {
		return b.Number, false
	}
	letter := b.Number.Letter
	if v := s.services[b.Service]; letter == "" && v != nil {
		letter = v.Letter
	}
	if letter == "" {
		letter = emergencyLetter
	}
	return s.overflowNumber(letter), true
}

// emergencyLetter is for a booking of which neither number nor service is known.
const emergencyLetter = "X"

func (s *State) numberFree(n protocol.TicketNumber) bool {
	if _, used := s.numbers[n]; used {
		return false
	}
	for _, b := range s.due {
		if b.Number == n {
			return false
		}
	}
	return true
}

// seriesOf is the day's issue of a service so far. After a lost tail the day begins further on.
func (s *State) seriesOf(id protocol.ServiceID) series {
	if r, ok := s.series[id]; ok {
		return r
	}
	r := series{mode: IssuingAuto}
	if v := s.services[id]; v != nil && s.office.gap > 0 {
		r.last = v.WalkIn.First - 1 + s.office.gap
	}
	return r
}
