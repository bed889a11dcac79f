package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/drivers"
)

// event is one server-sent event.
type event struct {
	id, name string
	data     string
}

// listener reads one stream.
type listener struct {
	t      testing.TB
	status int
	events chan event
	stop   context.CancelFunc
}

// listen opens a stream; headers come in pairs.
func (b *branch) listen(role access.Role, path string, headers ...string) *listener {
	b.t.Helper()
	ctx, stop := context.WithCancel(b.t.Context())
	b.t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, "GET", b.server.URL+path, http.NoBody)
	fatal(b.t, err)
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+b.tokens[role])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	fatal(b.t, err)
	l := &listener{t: b.t, status: answer.StatusCode, events: make(chan event, 4096), stop: stop}
	go func() {
		defer close(l.events)
		defer answer.Body.Close() //nolint:errcheck // the end of a stream
		var e event
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e.name != "" {
					l.events <- e
				}
				e = event{}
			}
		}
	}()
	return l
}

// until waits for the first event of the name and gives it.
func (l *listener) until(name string) event {
	l.t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for {
		select {
		case e, ok := <-l.events:
			if !ok {
				l.t.Fatalf("the stream ended before %q", name)
			}
			if e.name == name {
				return e
			}
		case <-limit.C:
			l.t.Fatalf("no %q in 10 s", name)
		}
	}
}

func TestEventsCarryPublicFacts(t *testing.T) {
	b := open(t)
	c := readContract(t, b)
	l := b.listen(access.Screen, "/api/v1/events?view=queue")
	l.until("queue")
	ticket := b.take("A")
	taken := l.until("ticket_taken")
	b.at("1/open", "")
	b.at("1/next", "")
	called := l.until("ticket_called")
	for _, e := range []event{taken, called} {
		var f struct {
			Seq            uint64
			Ticket, Number string
			Counter        int
		}
		fatal(t, json.Unmarshal([]byte(e.data), &f))
		if e.id != fmt.Sprint(f.Seq) || f.Ticket != ticket.ID || f.Number != ticket.Number {
			t.Errorf("%+v", e)
		}
		if strings.Contains(e.data, "token") || strings.Contains(e.data, "hash") {
			t.Errorf("tells a token: %s", e.data)
		}
		c.check(t, "/api/v1/events", "GET", "responses/200/content/text~1event-stream/schema", []byte(e.data))
	}
	for {
		queue := l.until("queue")
		c.check(t, "/api/v1/queue", "GET", "responses/200/"+jsonBody, []byte(queue.data))
		if strings.Contains(queue.data, `"called":[{"id":"`+ticket.ID) {
			break
		}
	}
}

func TestEventsResume(t *testing.T) {
	b := open(t)
	first := b.listen(access.Screen, "/api/v1/events")
	b.take("A")
	last := first.until("ticket_taken")
	first.stop()
	missed := b.take("C")
	for _, l := range []*listener{
		b.listen(access.Screen, "/api/v1/events", "Last-Event-ID", last.id),
		b.listen(access.Screen, "/api/v1/events?since="+last.id),
	} {
		if e := l.until("ticket_taken"); !strings.Contains(e.data, missed.ID) {
			t.Errorf("resumed after %s with %+v", last.id, e)
		}
	}
	fresh := b.listen(access.Screen, "/api/v1/events")
	fresh.until("beat")
	now := b.take("A")
	if e := fresh.until("ticket_taken"); !strings.Contains(e.data, now.ID) {
		t.Errorf("a new listener is told of the past: %+v", e)
	}
	if got := b.ask(access.Screen, "GET", "/api/v1/events?since=x", ""); got.status != 400 {
		t.Errorf("a wrong id: %d", got.status)
	}
	future := b.listen(access.Screen, "/api/v1/events?since=999999") // a journal that was restored is shorter
	future.until("beat")
	b.take("A")
	future.until("ticket_taken")
}

func TestEventsAfterALongAbsence(t *testing.T) {
	b := open(t)
	for range 1100 {
		b.take("A")
	}
	l := b.listen(access.Screen, "/api/v1/events", "Last-Event-ID", "1")
	gap := l.until("gap")
	b.take("C")
	e := l.until("ticket_taken")
	if gap.id == "" || !strings.Contains(e.data, `"number":"C1"`) {
		t.Errorf("after %+v came %+v", gap, e)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	b := open(t)
	for n := range 128 {
		if l := b.listen(access.Screen, "/api/v1/events"); l.status != 200 {
			t.Fatalf("stream %d: %d", n, l.status)
		}
	}
	if got := b.ask(access.Screen, "GET", "/api/v1/events", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("one more: %d", got.status)
	}
}

func TestStreamEndsWithTheSession(t *testing.T) {
	b := open(t)
	_, cookie := b.signIn(b.pin, "")
	l := b.listen("", "/api/v1/events?view=queue", "Cookie", cookie)
	l.until("queue")
	b.ask("", "POST", "/clerk/sign-out", "", "Cookie", cookie)
	l.until("signed-out") // within one heartbeat
	if _, more := <-l.events; more {
		t.Error("the stream goes on")
	}
}

func TestKioskSeesThePrinterBeforeThePress(t *testing.T) {
	b := open(t)
	l := b.listen(access.Kiosk, "/api/v1/kiosk/events")
	if e := l.until("kiosk"); !strings.Contains(e.data, `"paper":"ok"`) {
		t.Errorf("%s", e.data)
	}
	b.set(func() { b.printer = drivers.Health{State: drivers.Failed, Reason: "paper-out"} })
	if e := l.until("kiosk"); !strings.Contains(e.data, `"paper":"out"`) {
		t.Errorf("%s", e.data)
	}
	b.set(func() { b.printer = drivers.Health{State: drivers.Absent, Reason: "unplugged"} })
	if e := l.until("kiosk"); !strings.Contains(e.data, `"paper":"broken"`) {
		t.Errorf("%s", e.data)
	}
}
