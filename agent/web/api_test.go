package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/drivers"
)

func TestSameKeySameTicket(t *testing.T) {
	b := open(t)
	var answers [3]string
	for i := range answers {
		got := b.ask(access.Kiosk, "POST", "/api/v1/tickets", `{"service":"A"}`, "Idempotency-Key", "press-1")
		if got.status != http.StatusCreated {
			t.Fatalf("%d %s", got.status, got.body)
		}
		answers[i] = string(got.body)
	}
	if answers[1] != answers[0] || answers[2] != answers[0] {
		t.Errorf("one press, several answers: %q", answers)
	}
	if got := b.ask(access.Kiosk, "POST", "/api/v1/tickets", `{"service":"C"}`, "Idempotency-Key", "press-1"); got.status != 422 || got.code() != "key_reused" {
		t.Errorf("the key for another wish: %d %s", got.status, got.body)
	}
	if got := b.ask(access.Kiosk, "POST", "/api/v1/tickets", `{"service":"A"}`, "Idempotency-Key", strings.Repeat("k", 201)); got.code() != "bad_key" {
		t.Errorf("a long key: %d %s", got.status, got.body)
	}
}

// TestDoubleClick presses Next many times at once with what one page saw: one call only.
func TestDoubleClick(t *testing.T) {
	b := open(t)
	for range 20 {
		b.take("A")
	}
	b.at("1/open", "")
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 16 {
		wg.Go(func() {
			got := b.ask(access.Clerk, "POST", "/api/v1/counters/1/next", `{"seen":""}`)
			mu.Lock()
			defer mu.Unlock()
			statuses[got.status]++
		})
	}
	wg.Wait()
	if statuses[200] != 1 || statuses[409] != 15 {
		t.Errorf("statuses %v, want one 200 and fifteen 409", statuses)
	}
}

func TestStaleAnswerShowsTheTrueState(t *testing.T) {
	b := open(t)
	first := b.take("A")
	b.at("1/open", "")
	b.at("1/next", "")
	var got struct {
		Error   struct{ Code, Message string }
		Counter counterAnswer
	}
	b.ask(access.Clerk, "POST", "/api/v1/counters/1/no-show", `{"seen":"OTHER"}`, "Accept-Language", "uk, en;q=0.5").into(t, 409, &got)
	if got.Error.Code != "stale" || got.Counter.Ticket == nil || got.Counter.Ticket.ID != first.ID {
		t.Errorf("%+v", got)
	}
	if !strings.HasPrefix(got.Error.Message, "Стан змінився") {
		t.Errorf("message %q is not Ukrainian", got.Error.Message)
	}
}

func TestNextAnswersWithItsOwnTicket(t *testing.T) {
	b := open(t)
	first, second := b.take("A"), b.take("A")
	b.at("1/open", "")
	type answer struct {
		Counter counterAnswer
		Ticket  *ticketAnswer
	}
	next := func(key string) (a answer) {
		t.Helper()
		b.ask(access.Clerk, "POST", "/api/v1/counters/1/next", "", "Idempotency-Key", key).into(t, 200, &a)
		return a
	}
	if a := next("n1"); a.Ticket == nil || a.Ticket.ID != first.ID || a.Ticket.State != "called" || a.Counter.UndoMS <= 0 {
		t.Errorf("first next: %+v", a)
	}
	if a := next("n2"); a.Ticket == nil || a.Ticket.ID != second.ID {
		t.Errorf("second next: %+v", a)
	}
	if a := next("n1"); a.Ticket == nil || a.Ticket.ID != first.ID || a.Ticket.State != "served" {
		t.Errorf("the first key again: %+v", a)
	}
	if a := next("n3"); a.Ticket != nil || a.Counter.Ticket != nil {
		t.Errorf("next of nobody: %+v", a)
	}
}

// TestNoSecretsInPublicAnswers looks for what only clerks may see.
func TestNoSecretsInPublicAnswers(t *testing.T) {
	b := open(t)
	ticket := b.take("A")
	b.take("A")
	b.at("1/open", "")
	b.at("1/call", fmt.Sprintf(`{"ticket":%q,"reason":"sekretny powód"}`, ticket.ID))
	_, _, token := cutLast(ticket.URL)
	body := string(b.ask(access.Screen, "GET", "/api/v1/queue", "").body)
	for _, word := range []string{"token", "hash", token, "sekretny", "priority", "clerk", "undo", "absent"} {
		if strings.Contains(body, word) {
			t.Errorf("the screen's queue tells %q: %s", word, body)
		}
	}
}

func TestDegradedBranch(t *testing.T) {
	b := open(t)
	b.set(func() { b.health, b.fails = engine.Degraded, engine.ErrDegraded })
	got := b.ask(access.Kiosk, "POST", "/api/v1/tickets", `{"service":"A"}`, "Accept-Language", "pl")
	if got.status != 503 || got.code() != "degraded" || !strings.Contains(string(got.body), "Biletomat nieczynny – proszę podejść do informacji") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := b.ask("", "GET", "/readyz", ""); got.status != 503 {
		t.Errorf("/readyz: %d %s", got.status, got.body)
	}
	if got := b.ask("", "GET", "/healthz", ""); got.status != 200 {
		t.Errorf("/healthz: %d %s", got.status, got.body)
	}
	if page := b.ask("", "GET", "/kiosk?lang=pl", ""); !strings.Contains(string(page.body), "Biletomat nieczynny") {
		t.Errorf("the kiosk does not say so: %s", page.body)
	}
	b.set(func() { b.fails = engine.ErrUnknown })
	if got := b.ask(access.Kiosk, "POST", "/api/v1/tickets", `{"service":"A"}`); got.status != 503 || got.header.Get("Retry-After") != "1" {
		t.Errorf("unknown outcome: %d Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
}

func TestReadyAndMetrics(t *testing.T) {
	b := open(t)
	b.take("A")
	if got := b.ask("", "GET", "/readyz", ""); got.status != 200 {
		t.Errorf("/readyz: %d %s", got.status, got.body)
	}
	text := string(b.ask("", "GET", "/metrics", "").body)
	for _, want := range []string{
		"okienko_tickets_today 1\n", `okienko_waiting{service="A"} 1`, "okienko_degraded 0\n", "okienko_printer_usable 1\n",
		`okienko_printer_state{state="ready",reason=""} 1`, "# TYPE okienko_journal_seq counter\n", "okienko_resident_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	series := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			series++
		}
	}
	if series > 30 {
		t.Errorf("%d series", series)
	}
}

func TestPressWithoutScript(t *testing.T) {
	b := open(t)
	press := func(form string) reply {
		return b.ask(access.Kiosk, "POST", "/kiosk/take?lang=en", form, "Content-Type", "application/x-www-form-urlencoded")
	}
	first := press("key=K1&service=A")
	if first.status != http.StatusSeeOther {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if again := press("key=K1&service=A"); again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("the same page pressed twice: %q and %q", first.header.Get("Location"), again.header.Get("Location"))
	}
	page := string(b.ask(access.Kiosk, "GET", first.header.Get("Location"), "").body)
	for _, want := range []string{`<p class="number">A1</p>`, "0 people ahead of you", "Printing your ticket", "8;url=/kiosk?lang=en"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if got := press("key=&service=A"); got.status != 400 {
		t.Errorf("without a key: %d", got.status)
	}
	b.set(func() { b.printer = drivers.Health{State: drivers.Failed, Reason: "paper-out"} })
	before := string(b.ask(access.Kiosk, "GET", "/kiosk?lang=pl", "").body)
	if !strings.Contains(before, "Brak papieru – zapamiętaj numer z ekranu") {
		t.Error("no word of the empty roll before the press")
	}
	after := b.ask(access.Kiosk, "GET", press("key=K2&service=A").header.Get("Location"), "")
	if !strings.Contains(string(after.body), "please remember your number") {
		t.Errorf("no word of the empty roll after the press: %s", after.body)
	}
	var ticket ticketAnswer
	id := strings.TrimPrefix(strings.Split(first.header.Get("Location"), "?")[0], "/kiosk/ticket/")
	b.ask(access.Kiosk, "GET", "/api/v1/tickets/"+id, "").into(t, 200, &ticket)
	if ticket.Print != "queued" {
		t.Errorf("print %q, want queued", ticket.Print)
	}
}

// TestNamesAreEscaped plants markup where a clerk or an office may type.
func TestNamesAreEscaped(t *testing.T) {
	b := open(t)
	page := b.ask("", "POST", "/clerk/sign-in", "name=%3Cscript%3Ealert(1)%3C/script%3E&pin=1", "Content-Type", "application/x-www-form-urlencoded")
	if page.status != http.StatusUnauthorized || strings.Contains(string(page.body), "<script>alert") {
		t.Errorf("%d %s", page.status, page.body)
	}
}
