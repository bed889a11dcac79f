package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/agent/web"
	"github.com/okienko/okienko/protocol"
)

// has checks that a page or a list of metrics says all of it.
func (r reply) has(t *testing.T, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(string(r.body), want) {
			t.Errorf("no %q in\n%s", want, r.body)
		}
	}
}

func (r reply) lacks(t *testing.T, unwanted ...string) {
	t.Helper()
	for _, text := range unwanted {
		if strings.Contains(string(r.body), text) {
			t.Errorf("%q in\n%s", text, r.body)
		}
	}
}

// own carries out a command of the engine's own.
func (b *branch) own(c queue.Command) {
	b.t.Helper()
	if _, err := b.Engine.Do(b.t.Context(), engine.Request{Actor: "engine", Command: c}); err != nil {
		b.t.Fatal(err)
	}
}

func TestNoAlarm(t *testing.T) {
	b := open(t, func(o *web.Options) {
		o.Journal = func() journal.Health { return journal.Health{State: journal.StateOK} }
	})
	b.ask("", "GET", "/status?lang=en", "").has(t, "Everything works")
	b.ask("", "GET", "/status?lang=en", "").lacks(t, `class="alarms"`)
	b.ask("", "GET", "/metrics", "").has(t, `okienko_journal_state{state="ok"} 1`, "okienko_clock_doubted 0\n",
		"okienko_number_overflow 0\n", "okienko_restored_events 0\n", "okienko_unclean_start 0\n",
		"okienko_journal_ledger_behind 0\n")
}

// TestJournalAlarms shows each state of the disk to people, to Prometheus and to /readyz.
func TestJournalAlarms(t *testing.T) {
	for _, c := range []struct {
		name, sentence, metric, reason string
		health                         journal.Health
	}{
		{
			"ballast", "almost full", `okienko_journal_state{state="ballast-freed"} 1`, "",
			journal.Health{State: journal.StateBallastFreed},
		},
		{
			"full", "Free space", `okienko_journal_state{state="full"} 1`, "journal full",
			journal.Health{State: journal.StateFull, Detail: "write /secret/place: no space"},
		},
		{
			"read-only", "can only be read", `okienko_journal_state{state="read-only"} 1`, "journal read-only",
			journal.Health{State: journal.StateReadOnly},
		},
		{
			"failed", "refuses data", `okienko_journal_state{state="failed"} 1`, "journal failed",
			journal.Health{State: journal.StateFailed},
		},
		{
			"doubtful", "reached the disk", `okienko_journal_state{state="ok"} 1`, "journal doubtful",
			journal.Health{State: journal.StateOK, Doubtful: true},
		},
		{
			"ledger", "second copy", "okienko_journal_ledger_behind 7\n", "",
			journal.Health{State: journal.StateOK, LedgerBehind: 7, LedgerError: "no /secret/place"},
		},
		{
			"repaired", "Replace the card soon", `okienko_journal_state{state="ok"} 1`, "",
			journal.Health{State: journal.StateOK, Repaired: 3},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, func(o *web.Options) { o.Journal = func() journal.Health { return c.health } })
			page := b.ask("", "GET", "/status?lang=en", "")
			page.has(t, c.sentence)
			page.lacks(t, "Everything works", "/secret/place")
			if detail := c.health.Detail + c.health.LedgerError; detail != "" {
				b.ask(access.Admin, "GET", "/status?lang=en", "").has(t, detail)
			}
			b.ask("", "GET", "/metrics", "").has(t, c.metric)
			ready := b.ask("", "GET", "/readyz", "")
			if stops := ready.status != http.StatusOK; stops != (c.reason != "") {
				t.Errorf("/readyz: %d %s", ready.status, ready.body)
			}
			ready.has(t, c.reason)
		})
	}
}

func TestStartIsTold(t *testing.T) {
	b := open(t, func(o *web.Options) {
		o.Started = web.StartNotes{
			Unclean: true, Damage: "page 7 is torn", Restored: 12, TailMissing: true, Quarantined: "/secret/place",
		}
	})
	page := b.ask("", "GET", "/status?lang=en", "")
	page.has(t, "power was cut", "restored: 12", "numbers were left out")
	page.lacks(t, "/secret/place", "page 7")
	b.ask(access.Admin, "GET", "/status?lang=en", "").has(t, "/secret/place", "page 7 is torn")
	b.ask("", "GET", "/metrics", "").has(t, "okienko_unclean_start 1\n", "okienko_restored_events 12\n")

	calm := open(t, func(o *web.Options) { o.Started.Unclean = true })
	calm.ask("", "GET", "/status?lang=en", "").has(t, "Everything works", "power was cut")
}

func TestDoubtIsTold(t *testing.T) {
	b := open(t)
	b.own(queue.DoubtClock{Reason: "jumped"})
	b.ask("", "GET", "/status?lang=en", "").has(t, "clock may be wrong")
	b.ask(access.Admin, "GET", "/status?lang=en", "").has(t, "jumped")
	b.ask("", "GET", "/metrics", "").has(t, "okienko_clock_doubted 1\n")
	if got := b.ask("", "GET", "/readyz", ""); got.status != 200 {
		t.Errorf("the day goes on: %d %s", got.status, got.body)
	}
}

func TestOverflowIsTold(t *testing.T) {
	s := testSettings()
	s.Services[0].WalkIn.Last = 2
	b := open(t)
	b.own(queue.Configure{Settings: s})
	for range 4 {
		b.take("A")
	}
	b.ask("", "GET", "/status?lang=en", "").has(t, "numbers of A are used up")
	b.ask("", "GET", "/metrics", "").has(t, "okienko_number_overflow 2\n")
}

// TestUnsurePaper lists for the clerk whose paper nobody knows of.
func TestUnsurePaper(t *testing.T) {
	b := open(t)
	first, second := b.take("A"), b.take("A")
	b.print(first.ID, queue.PrintUnknown)
	b.print(second.ID, queue.PrintPrinted)
	var now struct{ Unprinted []ticketAnswer }
	b.ask(access.Clerk, "GET", "/api/v1/queue", "").into(t, 200, &now)
	if len(now.Unprinted) != 1 || now.Unprinted[0].Number != first.Number {
		t.Fatalf("unprinted %+v", now.Unprinted)
	}
	b.ask(access.Screen, "GET", "/api/v1/queue", "").lacks(t, "unprinted")
	b.ask(access.Clerk, "POST", "/api/v1/tickets/"+first.ID+"/reprint", `{"mark":"reprint"}`)
	now.Unprinted = nil
	b.ask(access.Clerk, "GET", "/api/v1/queue", "").into(t, 200, &now)
	if len(now.Unprinted) != 0 {
		t.Errorf("printed again and still listed: %+v", now.Unprinted)
	}
}

func (b *branch) print(id string, state queue.PrintState) {
	b.t.Helper()
	var job uint64
	err := b.View(b.t.Context(), func(q *queue.State, _ protocol.Instant) {
		t, _ := q.Ticket(protocol.TicketID(id))
		job = t.Job
	})
	fatal(b.t, err)
	result := queue.PrintResult{State: state, Reason: "test"}
	if state == queue.PrintPrinted {
		result = queue.PrintResult{State: state, Grade: "A"}
	}
	b.own(queue.RecordPrint{Ticket: protocol.TicketID(id), Job: job, Result: result})
}

// TestCheckInAgain scans the code of a visitor who waits already.
func TestCheckInAgain(t *testing.T) {
	b := open(t)
	var day protocol.Day
	var now protocol.Instant
	fatal(t, b.View(t.Context(), func(q *queue.State, at protocol.Instant) { day, now = q.Office().Day, at }))
	b.own(queue.SetBooking{Booking: protocol.Booking{
		ID: "B1", Service: "A", Number: protocol.TicketNumber{Letter: "A", N: 601}, Day: day, Hour: now,
		Language: "pl", CodeHash: secret.Hash("123456"),
	}})
	for range 2 {
		var ticket ticketAnswer
		b.ask(access.Kiosk, "POST", "/api/v1/checkin", `{"code":"123456"}`).into(t, 200, &ticket)
		if ticket.State != "waiting" || ticket.Number != "A601" {
			t.Errorf("%+v", ticket)
		}
	}
}

// TestStalledLook lets the engine hang: who gives up is let go, and all others share one look.
func TestStalledLook(t *testing.T) {
	b := open(t)
	goOn, looks := b.stall()
	get := func(ctx context.Context) <-chan int {
		status := make(chan int, 1)
		go func() {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(ctx, "GET", "http://branch/api/v1/queue", nil)
			r.Header.Set("Authorization", "Bearer "+b.tokens[access.Screen])
			b.site.Load().Handler().ServeHTTP(w, r)
			status <- w.Code
		}()
		return status
	}
	first := get(t.Context())
	<-looks
	impatient, giveUp := context.WithCancel(t.Context())
	second, third := get(impatient), get(t.Context())
	giveUp()
	select {
	case <-second:
	case <-time.After(4 * time.Second):
		t.Fatal("a page that nobody waits for any more waits for the engine")
	}
	close(goOn)
	for _, status := range []<-chan int{first, third} {
		if got := <-status; got != http.StatusOK {
			t.Errorf("status %d", got)
		}
	}
	select {
	case <-looks:
		t.Error("the same moment was looked at twice")
	default:
	}
}

// TestAbandonedLook ends a look that nobody waits for, and the next one is a fresh one.
func TestAbandonedLook(t *testing.T) {
	b := open(t)
	goOn, looks := b.stall()
	ctx, giveUp := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r := httptest.NewRequestWithContext(ctx, "GET", "http://branch/status", nil)
		b.site.Load().Handler().ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-looks
	giveUp()
	<-ended
	next := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://branch/status", nil)
		b.site.Load().Handler().ServeHTTP(w, r)
		next <- w.Code
	}()
	select {
	case <-looks:
	case <-time.After(4 * time.Second):
		t.Error("the look that nobody waits for goes on, and holds the next one back")
	}
	close(goOn)
	if got := <-next; got != http.StatusOK {
		t.Errorf("after the stall: %d", got)
	}
}

func TestStatusOfAStalledEngine(t *testing.T) {
	b := open(t)
	goOn, _ := b.stall()
	defer close(goOn)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, "GET", "http://branch/status?lang=en", nil)
	b.site.Load().Handler().ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "does not answer") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestKioskLanguages offers what the office offers, in its order.
func TestKioskLanguages(t *testing.T) {
	b := open(t, func(o *web.Options) { o.Languages = []protocol.Language{"en", "pl"} })
	page := b.ask(access.Kiosk, "GET", "/kiosk", "", "Accept-Language", "uk")
	page.has(t, `<html lang="en"`, "Polski")
	page.lacks(t, "Українська")
	if text := string(page.body); strings.Index(text, ">English<") > strings.Index(text, ">Polski<") {
		t.Error("the first language is not the first in the strip")
	}
	b.ask(access.Kiosk, "GET", "/kiosk?lang=uk", "").has(t, `<html lang="en"`)
	b.ask("", "GET", "/clerk", "").has(t, "Українська")
}
