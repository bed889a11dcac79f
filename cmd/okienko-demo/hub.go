package main

import (
	"encoding/json"
	"slices"
	"sync"
)

const (
	// streamQueue is how many messages a page may be behind. A page that is further behind loses
	// its stream; the browser opens a new one and starts from the state as it is then.
	streamQueue = 256
	// logKept is how many lines of the event log a page gets that comes later.
	logKept = 60
	// ticketsShown is how many of the last tickets a page gets that comes later. All of them are in
	// /demo/tickets.json.
	ticketsShown = 24
)

// kind names what a message is about; it is the event name on the stream.
type kind string

const (
	kindTown    kind = "town"    // which branches there are
	kindAgent   kind = "agent"   // whether the branch's agent is up
	kindQueue   kind = "queue"   // the branch's queue, counters and services
	kindDevices kind = "devices" // the branch's own account of its devices
	kindPrinter kind = "printer" // the faults that the emulated printer has now
	kindBoards  kind = "boards"  // what the boards at the counters light now
	kindPanel   kind = "panel"   // the buttons of the ticket machine and their lamps
	kindVoice   kind = "voice"   // whether the town has a voice
	kindSpeaker kind = "speaker" // the loudspeaker's faults and what it plays now
	kindTicket  kind = "ticket"  // a ticket was cut
	kindLog     kind = "log"     // one fact of the branch's journal
)

// history returns how many messages of the kind are kept for pages that come later: 1 means that
// only the newest one holds.
func (k kind) history() int {
	switch k {
	case kindTicket:
		return ticketsShown
	case kindLog:
		return logKept
	case kindTown, kindAgent, kindQueue, kindDevices, kindPrinter, kindBoards, kindPanel, kindVoice, kindSpeaker:
		return 1
	default:
		return 1
	}
}

// message is one event of the page's stream. It is a value that nobody changes once published.
type message struct {
	kind   kind
	branch string
	data   json.RawMessage
}

// topic is what a newer message replaces or follows.
type topic struct {
	kind   kind
	branch string
}

// hub multiplexes everything that happens in the town to the open pages. It keeps the present
// state, so that a page needs nothing but the stream. All methods may be called from any goroutine
// and never block.
type hub struct {
	mu     sync.Mutex
	order  []topic
	kept   map[topic][]message
	open   map[*stream]struct{}
	closed bool
}

func newHub() *hub {
	return &hub{kept: map[topic][]message{}, open: map[*stream]struct{}{}}
}

// stream is one page's view of the hub.
type stream struct {
	// present is what was so when the page came, oldest first.
	present []message
	// next delivers what comes after; it is closed when the page fell too far behind or the hub
	// has closed.
	next chan message
}

// publish tells all pages and keeps the message by its kind. value must be encodable as JSON; what
// is the same as the last message of a kind that keeps only the newest is dropped.
func (h *hub) publish(k kind, branch string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	m := message{kind: k, branch: branch, data: data}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.keep(m) {
		return nil
	}
	for s := range h.open {
		select {
		case s.next <- m:
		default:
			h.drop(s)
		}
	}
	return nil
}

// keep files the message and reports whether it says anything new. The caller holds mu.
func (h *hub) keep(m message) bool {
	t := topic{m.kind, m.branch}
	old, known := h.kept[t]
	limit := m.kind.history()
	if limit == 1 && known && string(old[0].data) == string(m.data) {
		return false
	}
	if !known {
		h.order = append(h.order, t)
	}
	if len(old) >= limit {
		old = old[len(old)-limit+1:]
	}
	h.kept[t] = append(slices.Clip(old), m)
	return true
}

// subscribe opens a stream; leave must be called at its end.
func (h *hub) subscribe() *stream {
	s := &stream{next: make(chan message, streamQueue)}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.order {
		s.present = append(s.present, h.kept[t]...)
	}
	if h.closed {
		close(s.next)
		return s
	}
	h.open[s] = struct{}{}
	return s
}

// leave closes the stream; a second call does nothing.
func (h *hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(s)
}

// drop closes the stream if it is open. The caller holds mu.
func (h *hub) drop(s *stream) {
	if _, ok := h.open[s]; ok {
		delete(h.open, s)
		close(s.next)
	}
}

// close ends all streams, so that the HTTP server can shut down.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.open {
		h.drop(s)
	}
}
