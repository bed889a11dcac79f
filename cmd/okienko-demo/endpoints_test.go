package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestEndpoints asks one running demo for everything that scripts rely on.
func TestEndpoints(t *testing.T) {
	useFakeAgent(t, "good")
	d := startDemo(t, "--branches", "2")
	first, second := sites(2)[0].ID, sites(2)[1].ID
	fault := func(body string) []string { return []string{"POST", "/demo/fault", body} }
	printer := func(name string) []string {
		return fault(`{"branch":"` + first + `","device":"printer","fault":"` + name + `"}`)
	}
	tests := []struct {
		name   string
		ask    []string
		status int
		has    string
	}{
		{"page", []string{"GET", "/", ""}, 200, `<html lang="en">`},
		{"style", []string{"GET", "/css/page.css", ""}, 200, "@font-face"},
		{"script", []string{"GET", "/js/main.js", ""}, 200, "town.connect()"},
		{"template-is-no-asset", []string{"GET", "/index.html", ""}, 404, ""},
		{"folders-are-not-there", []string{"GET", "/demo/", ""}, 404, ""},
		{"healthz", []string{"GET", "/healthz", ""}, 200, "ok"},
		{"messages", []string{"GET", "/demo/messages.json", ""}, 200, "[]"},
		{"no-tickets", []string{"GET", "/demo/tickets.json?branch=" + second, ""}, 200, "[]"},
		{"tickets-of-nowhere", []string{"GET", "/demo/tickets.json?branch=x", ""}, 400, first + ", " + second},
		{"no-such-picture", []string{"GET", "/demo/tickets/" + first + "/7/picture.png", ""}, 404, "no_ticket"},
		{"paper-out", printer("paper-out"), 200, "paper-out"},
		{"paper-near-end", printer("paper-near-end"), 200, "paper-near-end"},
		{"cover-open", printer("cover-open"), 200, "cover-open"},
		{"stall", printer("stall"), 200, "stall"},
		{"unplug", printer("unplug"), 200, "unplug"},
		{"healthy", printer("none"), 200, "none"},
		{"unknown-printer-fault", printer("fire"), 400, "paper-out, paper-near-end, cover-open, stall, unplug, none"},
		{"unknown-device", fault(`{"branch":"` + first + `","device":"fax","fault":"none"}`), 400, "printer"},
		{"unplug-the-panel", fault(`{"branch":"` + first + `","device":"panel","fault":"unplug"}`), 200, "unplug"},
		{"plug-the-panel", fault(`{"branch":"` + first + `","device":"panel","fault":"none"}`), 200, "none"},
		{"unknown-panel-fault", fault(`{"branch":"` + first + `","device":"panel","fault":"stall"}`), 400, "unplug, none"},
		{"push-a-button", []string{"POST", "/demo/button", `{"branch":"` + first + `","button":1,"down":true}`}, 200, `"down":true`},
		{"let-a-button-go", []string{"POST", "/demo/button", `{"branch":"` + first + `","button":1,"down":false}`}, 200, `"down":false`},
		{"no-such-button", []string{"POST", "/demo/button", `{"branch":"` + first + `","button":5,"down":true}`}, 400, "1 to 4"},
		{"button-in-words", []string{"POST", "/demo/button", `{"button":"A"}`}, 400, "write"},
		{"boards", []string{"GET", "/demo/boards.json?branch=" + first, ""}, 200, `"name":"board-3","counter":3`},
		{"boards-of-nowhere", []string{"GET", "/demo/boards.json?branch=x", ""}, 400, first},
		{"unplug-a-board", fault(`{"branch":"` + first + `","device":"board-2","fault":"unplug"}`), 200, "unplug"},
		{"plug-a-board", fault(`{"branch":"` + first + `","device":"board-2","fault":"none"}`), 200, "none"},
		{"speaker-without-a-voice", fault(`{"branch":"` + first + `","device":"speaker","fault":"unplug"}`), 409, "off"},
		{"no-sounds", []string{"GET", "/demo/sounds.json?branch=" + first, ""}, 200, "[]"},
		{"no-such-sound", []string{"GET", "/demo/sounds/" + first + "/1.wav", ""}, 404, "no_sound"},
		{"unknown-board", fault(`{"branch":"` + first + `","device":"board-4","fault":"none"}`), 400, "board-1, board-2, board-3"},
		{"unknown-board-fault", fault(`{"branch":"` + first + `","device":"board-1","fault":"stall"}`), 400, "unplug, none"},
		{"network-of-later", fault(`{"branch":"` + first + `","fault":"network-cut"}`), 501, "centre"},
		{"broker-of-later", fault(`{"fault":"broker-wipe"}`), 501, "centre"},
		{"branch-healthy", fault(`{"branch":"` + first + `","fault":"none"}`), 200, "none"},
		{"unknown-fault", fault(`{"branch":"` + first + `","fault":"flood"}`), 400, "kill, network-cut, none"},
		{"unknown-branch", fault(`{"branch":"x","fault":"kill"}`), 400, second},
		{"no-json", fault(`kill`), 400, "body"},
		{"unknown-key", fault(`{"brunch":"x"}`), 400, "brunch"},
		{"proxy-to-nowhere", []string{"GET", "/b/x/api/v1/queue", ""}, 400, first},
		{"proxy-adds-the-role", []string{"GET", "/b/" + second + "/api/v1/devices", ""}, 200, "printer"},
		{"foreign-name", []string{"GET", "/demo.json", "", "Host", "evil.example:80"}, 403, "host"},
		{"foreign-page", append(fault(`{"branch":"`+first+`","fault":"kill"}`), "Sec-Fetch-Site", "cross-site"), 403, ""},
		{"foreign-origin", []string{"POST", "/b/" + first + "/api/v1/tickets", "{}", "Origin", "http://evil.example"}, 403, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := d.request(t, tt.ask[0], tt.ask[1], tt.ask[2], tt.ask[3:]...)
			if status != tt.status || !strings.Contains(body, tt.has) {
				t.Errorf("status %d, want %d with %q:\n%s", status, tt.status, tt.has, body)
			}
		})
	}
	if _, body := d.request(t, "GET", "/b/"+first+"/api/v1/queue", ""); !strings.Contains(body, `"waiting":[]`) {
		t.Errorf("a refused press made a ticket: %s", body)
	}
}

// TestProxyKeepsTheBrowserOut: no cookie and no origin of the page reaches the agent, and no token of
// the agent's could come from the page.
func TestProxyKeepsTheBrowserOut(t *testing.T) {
	useFakeAgent(t, "good")
	d := startDemo(t)
	_, body := d.request(t, "GET", "/b/"+sites(1)[0].ID+"/api/v1/echo", "", "Cookie", "session=1",
		"Authorization", "Bearer token-of-admin", "Sec-Fetch-Site", "same-origin", "Origin", d.url,
		"Idempotency-Key", "k")
	got := decode[http.Header](t, body)
	for _, name := range []string{"Cookie", "Origin", "Sec-Fetch-Site", "X-Forwarded-For"} {
		if got.Get(name) != "" {
			t.Errorf("%s came through: %v", name, got)
		}
	}
	if got.Get("Authorization") != "Bearer token-of-clerk" || got.Get("Idempotency-Key") != "k" {
		t.Errorf("headers: %v", got)
	}
}

func TestPageLanguageFollowsTheBrowser(t *testing.T) {
	tests := map[string]string{
		"": "en", "pl": "pl", "pl-PL,pl;q=0.9,en;q=0.8": "pl", "uk-UA": "uk", "en-GB,pl;q=0.5": "en",
		"fr,de;q=0.9": "en", "fr,pl;q=0.4": "pl", ";;;": "en",
	}
	for header, want := range tests {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Language", header)
		if got := pageLanguage(r); got != want {
			t.Errorf("%q gives %s, want %s", header, got, want)
		}
	}
}

func TestWrongUse(t *testing.T) {
	useFakeAgent(t, "good")
	tests := map[string]struct {
		args []string
		code int
		says string
	}{
		"speed":         {[]string{"--speed", "30"}, exitUsage, "--speed 30"},
		"no-branches":   {[]string{"--branches", "0"}, exitUsage, "1 to 20"},
		"address":       {[]string{"--listen", "8080"}, exitUsage, "host:port"},
		"unknown":       {[]string{"--colour"}, exitUsage, "colour"},
		"help":          {[]string{"--help"}, exitDone, ""},
		"no-free-place": {[]string{"--listen", "203.0.113.1:1"}, exitFailed, "--listen"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out, err tail
			if code := run(t.Context(), tt.args, &out, &err); code != tt.code || !strings.Contains(err.String(), tt.says) {
				t.Errorf("code %d, want %d with %q:\n%s", code, tt.code, tt.says, err.String())
			}
		})
	}
}

func TestMissingAgentIsExplained(t *testing.T) {
	t.Setenv("OKIENKO_AGENT", "")
	var out, err tail
	if code := run(t.Context(), nil, &out, &err); code != exitFailed || !strings.Contains(err.String(), "make run") {
		t.Errorf("code %d:\n%s", code, err.String())
	}
}

// TestHubTellsLatecomersWhatIsSo: one message of a state, the last ones of a history, in the order of
// their first coming.
func TestHubTellsLatecomersWhatIsSo(t *testing.T) {
	h := newHub()
	say := func(k kind, branch string, value any) {
		if err := h.publish(k, branch, value); err != nil {
			t.Fatal(err)
		}
	}
	say(kindQueue, "a", 1)
	say(kindQueue, "b", 1)
	say(kindQueue, "a", 2)
	for n := range ticketsShown + 3 {
		say(kindTicket, "a", n)
	}
	var got []string
	for _, m := range h.subscribe().present {
		got = append(got, fmt.Sprint(m.kind, m.branch, string(m.data)))
	}
	want := []string{"queuea2", "queueb1"}
	for n := range ticketsShown {
		want = append(want, fmt.Sprint("ticketa", n+3))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestHubDropsAPageThatFallsBehind: publishing never waits, and the others miss nothing.
func TestHubDropsAPageThatFallsBehind(t *testing.T) {
	h := newHub()
	slow, quick := h.subscribe(), h.subscribe()
	for n := range streamQueue + 1 {
		if err := h.publish(kindQueue, "a", n); err != nil {
			t.Fatal(err)
		}
		if m := <-quick.next; string(m.data) != fmt.Sprint(n) {
			t.Fatalf("got %s, want %d", m.data, n)
		}
	}
	for range streamQueue {
		<-slow.next
	}
	if _, open := <-slow.next; open {
		t.Error("the slow page still has its stream")
	}
	h.leave(slow) // a second end does nothing
	h.close()
	if _, open := <-quick.next; open {
		t.Error("a stream outlived the hub")
	}
	if _, open := <-h.subscribe().next; open {
		t.Error("a closed hub opened a stream")
	}
}

func TestHubSaysTheSameOnce(t *testing.T) {
	h := newHub()
	s := h.subscribe()
	for range 3 {
		if err := h.publish(kindDevices, "a", "ready"); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.next) != 1 {
		t.Errorf("%d messages, want 1", len(s.next))
	}
}

func TestReadEvents(t *testing.T) {
	const text = "retry: 1000\n\n: comment\n\nid: 7\r\nevent: called\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: none\n\ndata:x\n\ndata: cut off"
	out := make(chan event, 8)
	if err := readEvents(t.Context(), strings.NewReader(text), out); err == nil {
		t.Error("the end of the stream was no error")
	}
	var got []string
	for e := range out {
		got = append(got, e.id+"|"+e.name+"|"+string(e.data))
	}
	if diff := cmp.Diff([]string{"7|called|{\"a\":\n1}", "||x"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPauseGrowsForAProgramThatEndsByItself(t *testing.T) {
	pause := powerBack
	for range 8 {
		pause = nextPause(pause, nil)
	}
	if pause != restartLimit {
		t.Errorf("pause %v, want %v", pause, restartLimit)
	}
	if got := nextPause(2*time.Second, nil); got != 4*time.Second {
		t.Errorf("pause %v, want 4s", got)
	}
}
