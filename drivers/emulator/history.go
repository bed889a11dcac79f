package emulator

// Bounds of the history; beyond either the oldest ticket is dropped.
const (
	maxHistory      = 500
	maxHistoryBytes = 64 << 20
)

// history keeps the last tickets. Numbers go on when old tickets are dropped.
type history struct {
	tickets []Ticket
	weight  int
	total   int
}

func (h *history) add(t *Ticket) {
	h.total++
	t.N = h.total
	h.tickets = append(h.tickets, *t)
	h.weight += t.weight()
	drop := 0
	for len(h.tickets)-drop > maxHistory || h.weight > maxHistoryBytes && drop < len(h.tickets)-1 {
		h.weight -= h.tickets[drop].weight()
		drop++
	}
	if drop > 0 {
		h.tickets = append([]Ticket(nil), h.tickets[drop:]...)
	}
}

// present moves all tickets that are at one place to another and reports whether there were any.
func (h *history) present(from, to Presented) bool {
	moved := false
	for i := range h.tickets {
		if h.tickets[i].Presented == from {
			h.tickets[i].Presented = to
			moved = true
		}
	}
	return moved
}
