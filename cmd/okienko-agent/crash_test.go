//go:build slow

package main_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers/emulator"
	"github.com/okienko/okienko/protocol"
)

// cycles is how often the agent is killed: make crash N=3000 runs more.
var cycles = flag.Int("cycles", 300, "SIGKILL cycles") //nolint:gochecknoglobals // a test flag

// ledger is what the outside world knows for certain: answers that arrived.
type ledger struct {
	mu      sync.Mutex
	numbers map[string]string // key → number, for presses that were answered
	open    map[string]press  // presses and clerk's actions without an answer yet
	missed  map[string]int    // ticket id → no-shows that were confirmed
}

type press struct {
	path, role string
	body       any
}

func newLedger() *ledger {
	return &ledger{numbers: map[string]string{}, open: map[string]press{}, missed: map[string]int{}}
}

// act sends one request under a key and books the answer. Without an answer it stays open.
func (l *ledger) act(ctx context.Context, b *branch, key string, p press) {
	l.mu.Lock()
	l.open[key] = p
	l.mu.Unlock()
	status, body, err := b.send(ctx, http.MethodPost, p.path, p.role, key, p.body)
	if err != nil || status >= 500 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, key)
	switch {
	case status == http.StatusCreated:
		var t struct{ Number string }
		if json.Unmarshal(body, &t) != nil || t.Number == "" {
			b.t.Errorf("answer to a press: %s", body)
		}
		if old, ok := l.numbers[key]; ok && old != t.Number {
			b.t.Errorf("press %s got %s and later %s", key, old, t.Number)
		}
		l.numbers[key] = t.Number
	case status == http.StatusOK && strings.HasSuffix(p.path, "/no-show"):
		if seen, ok := p.body.(map[string]string); ok {
			l.missed[seen["seen"]]++
		}
	}
}

// current asks who is called at a counter.
func (b *branch) current(ctx context.Context, counter int) string {
	_, body, err := b.send(ctx, http.MethodGet, "/api/v1/counters", "clerk", "", nil)
	if err != nil {
		return ""
	}
	var list []struct {
		ID     int             `json:"id"`
		Ticket json.RawMessage `json:"ticket"`
	}
	if json.Unmarshal(body, &list) != nil {
		var wrapped struct {
			Counters json.RawMessage `json:"counters"`
		}
		if json.Unmarshal(body, &wrapped) == nil {
			_ = json.Unmarshal(wrapped.Counters, &list)
		}
	}
	for _, c := range list {
		if c.ID != counter {
			continue
		}
		var t struct{ ID string }
		if json.Unmarshal(c.Ticket, &t) == nil {
			return t.ID
		}
	}
	return ""
}

// load presses and serves until ctx ends.
func (l *ledger) load(ctx context.Context, b *branch, cycle int) {
	var wg sync.WaitGroup
	for kiosk := range 2 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key := fmt.Sprintf("press-%d-%d-%d", cycle, kiosk, n)
				l.act(ctx, b, key, press{"/api/v1/tickets", "kiosk", map[string]string{"service": "A", "language": "pl"}})
			}
		})
	}
	for counter := 1; counter <= 2; counter++ {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key := fmt.Sprintf("clerk-%d-%d-%d", cycle, counter, n)
				path := fmt.Sprintf("/api/v1/counters/%d/", counter)
				seen := b.current(ctx, counter)
				if seen != "" && rand.IntN(2) == 0 {
					l.act(ctx, b, key, press{path + "no-show", "clerk", map[string]string{"seen": seen}})
					continue
				}
				l.act(ctx, b, key, press{path + "next", "clerk", map[string]string{"seen": seen}})
			}
		})
	}
	wg.Wait()
}

// resend asks again for everything that got no answer, with the same keys.
func (l *ledger) resend(ctx context.Context, b *branch) {
	l.mu.Lock()
	open := maps.Clone(l.open)
	l.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(open)) {
		l.act(ctx, b, key, open[key])
	}
}

// TestSIGKILL kills the real agent under load, again and again, while a real printer's emulator
// reads its bytes from a pty. Each printed number must be in the journal, no number may belong to
// two presses, and no-shows must count right.
func TestSIGKILL(t *testing.T) {
	port := filepath.Join(t.TempDir(), "printer")
	printer := startPrinter(t, port)
	b, l := newBranch(t, port), newLedger()
	roll := &roll{first: map[string]bool{}}
	b.start()
	for counter := 1; counter <= 2; counter++ {
		if status, body, err := b.send(t.Context(), http.MethodPost, fmt.Sprintf("/api/v1/counters/%d/open", counter), "clerk", fmt.Sprint("open", counter), nil); err != nil || status != http.StatusOK {
			t.Fatalf("open counter %d: %d %s %v", counter, status, body, err)
		}
	}
	for cycle := range *cycles {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+rand.IntN(250))*time.Millisecond)
		stopped := make(chan struct{})
		go func() { defer close(stopped); l.load(ctx, b, cycle) }()
		<-ctx.Done()
		b.kill() // while requests are under way
		cancel()
		<-stopped
		b.start()
		l.resend(t.Context(), b)
		if len(l.open) > 0 {
			t.Fatalf("cycle %d: %d requests have no answer after the restart", cycle, len(l.open))
		}
		roll.read(t, printer)
		if t.Failed() {
			t.FailNow()
		}
	}
	if err := printer.WaitState(t.Context(), func(s emulator.State) bool { return !s.Printing }); err != nil {
		t.Fatal(err)
	}
	roll.read(t, printer)
	b.judge(l, roll)
}

// judge compares paper, answers and journal.
func (b *branch) judge(l *ledger, paper *roll) {
	b.t.Helper()
	b.kill()
	owner := map[string]string{}
	for key, number := range l.numbers {
		if other, ok := owner[number]; ok {
			b.t.Errorf("number %s belongs to presses %s and %s", number, key, other)
		}
		owner[number] = key
	}
	taken, missed := b.dump()
	for number := range owner {
		if taken[number] == 0 {
			b.t.Errorf("number %s was answered and is not in the journal", number)
		}
	}
	for number, n := range taken {
		if n != 1 {
			b.t.Errorf("number %s stands %d times in the journal", number, n)
		}
	}
	for id, n := range l.missed {
		if missed[id] != n {
			b.t.Errorf("ticket %s: %d no-shows confirmed, %d in the journal", id, n, missed[id])
		}
		if missed[id] > 3 {
			b.t.Errorf("ticket %s missed %d calls", id, missed[id])
		}
	}
	for number := range paper.first {
		if taken[number] == 0 {
			b.t.Errorf("number %s is on paper and not in the journal", number)
		}
	}
	printed := len(paper.first)
	b.t.Logf("%d presses answered, %d tickets in the journal, %d on paper, %d no-shows", len(owner), len(taken), printed, len(l.missed))
	if len(owner) < *cycles || printed == 0 || len(l.missed) == 0 {
		b.t.Error("too little happened for the test to mean anything")
	}
}

// dump reads the journal with the agent's own command: numbers taken and no-shows by ticket.
func (b *branch) dump() (taken, missed map[string]int) {
	b.t.Helper()
	out, err := exec.CommandContext(b.t.Context(), b.binary, "journal", "dump", "--data", b.data).Output()
	if err != nil {
		b.t.Fatalf("dump the journal: %v", err)
	}
	taken, missed = map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(out)) {
		var e struct {
			Kind string `json:"kind"`
			Body struct {
				Number, Ticket string
			} `json:"body"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			b.t.Fatalf("line %q of the dump: %v", line, err)
		}
		switch e.Kind {
		case "ticket-taken":
			taken[e.Body.Number]++
		case "ticket-missed":
			missed[e.Body.Ticket]++
		}
	}
	return taken, missed
}

// roll is what has come out of the printer so far.
type roll struct {
	seen  int             // tickets read
	first map[string]bool // numbers on paper without a mark
}

// read looks at the tickets that are new since the last time. A number may be on paper twice only
// when the second is marked.
func (r *roll) read(t *testing.T, printer *emulator.Printer) {
	t.Helper()
	for _, ticket := range printer.Tickets() {
		if ticket.N <= r.seen {
			continue
		}
		if ticket.N != r.seen+1 {
			t.Fatalf("tickets %d to %d were lost between two looks", r.seen+1, ticket.N-1)
		}
		r.seen = ticket.N
		if ticket.Cut == emulator.CutNone {
			continue // torn by a kill in mid-ticket
		}
		number, marked := "", false
		for _, line := range ticket.Lines {
			if n, err := protocol.ParseTicketNumber(strings.TrimSpace(line)); err == nil {
				number = n.String()
			}
			marked = marked || strings.Contains(line, "WYDRUK PONOWNY")
		}
		if number == "" || marked {
			continue
		}
		if r.first[number] {
			t.Errorf("number %s is on paper twice without a mark", number)
		}
		r.first[number] = true
	}
}
