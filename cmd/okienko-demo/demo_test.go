package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// patience bounds every wait of these tests; nothing waits for it unless it fails.
const patience = 20 * time.Second

// demo is a running demo.
type demo struct {
	url  string
	out  *lineWriter
	stop func() int // ends it as Ctrl-C does and returns the exit code
}

// lineWriter collects output and tells when a line has come.
type lineWriter struct {
	tail
	wrote chan struct{}
}

func (l *lineWriter) Write(p []byte) (int, error) {
	n, err := l.tail.Write(p)
	select {
	case l.wrote <- struct{}{}:
	default:
	}
	return n, err
}

// startDemo runs the whole program and waits for its greeting.
func startDemo(t *testing.T, args ...string) *demo {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d := &demo{out: &lineWriter{wrote: make(chan struct{}, 1)}}
	var stderr tail
	code := make(chan int, 1)
	args = append([]string{"--listen", "127.0.0.1:0", "--voice", voiceOff}, args...)
	go func() { code <- run(ctx, args, d.out, &stderr) }()
	ended, result := false, 0
	d.stop = func() int {
		cancel()
		if !ended {
			ended, result = true, <-code
		}
		return result
	}
	t.Cleanup(func() { d.stop() })
	limit := time.After(patience)
	for {
		if m := regexp.MustCompile(`Open (http://\S+) `).FindStringSubmatch(d.out.String()); m != nil && strings.Contains(d.out.String(), "leaves nothing") {
			d.url = m[1]
			return d
		}
		select {
		case <-d.out.wrote:
		case result = <-code:
			ended = true
			t.Fatalf("the demo ended with code %d:\n%s", result, stderr.String())
		case <-limit:
			t.Fatalf("no greeting:\n%s\n%s", d.out, stderr.String())
		}
	}
}

// request asks the demo and returns status and body.
func (d *demo) request(t *testing.T, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// listen opens the stream and returns a function that waits for the next message of a kind which ok
// accepts.
func (d *demo) listen(t *testing.T) func(k kind, ok func(branch, value string) bool) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return func(k kind, ok func(branch, value string) bool) string {
		t.Helper()
		name := ""
		for lines.Scan() {
			line := lines.Text()
			if rest, found := strings.CutPrefix(line, "event: "); found {
				name = rest
			}
			rest, found := strings.CutPrefix(line, "data: ")
			if !found || name != string(k) {
				continue
			}
			m := decode[struct {
				Branch string
				Value  json.RawMessage
			}](t, rest)
			if ok(m.Branch, string(m.Value)) {
				return string(m.Value)
			}
		}
		t.Fatalf("the stream ended before a fitting %s: %v", k, lines.Err())
		return ""
	}
}

func holds(text string) func(string, string) bool {
	return func(_, value string) bool { return strings.Contains(value, text) }
}

type cutTicket struct {
	N        int
	Lines    []string
	QR       []string
	Warnings []string
	PNG      string
}

func TestDemoFromPressToPicture(t *testing.T) {
	useFakeAgent(t, "good")
	d := startDemo(t)
	paper, facts := d.listen(t), d.listen(t) // which of the two comes first is not said

	status, body := d.request(t, "GET", "/demo.json", "")
	where := decode[struct {
		Centre   struct{ URL, Token string }
		Branches []struct {
			ID, Name, URL string
			Tokens        map[string]string
		}
		Clock struct{ Speed float64 }
	}](t, body)
	if status != 200 || len(where.Branches) != 1 || where.Clock.Speed != 1 {
		t.Fatalf("/demo.json: %d %s", status, body)
	}
	want := map[string]string{"kiosk": "token-of-kiosk", "clerk": "token-of-clerk", "screen": "token-of-screen", "admin": "token-of-admin"}
	if diff := cmp.Diff(want, where.Branches[0].Tokens); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	id := where.Branches[0].ID

	for range 2 { // a repeated press is one ticket
		status, body = d.request(t, "POST", "/b/"+id+"/api/v1/tickets", `{"service":"A"}`, "Idempotency-Key", "press-1")
		if status != 201 || !strings.Contains(body, `"A1"`) {
			t.Fatalf("press: %d %s", status, body)
		}
	}
	paper(kindTicket, holds("picture.png"))
	facts(kindLog, holds("ticket_taken"))
	_, body = d.request(t, "GET", "/demo/tickets.json?branch="+id, "")
	tickets := decode[[]cutTicket](t, body)
	if len(tickets) != 1 || tickets[0].Lines[0] != "A1" || tickets[0].N != 1 || tickets[0].Warnings == nil || tickets[0].QR == nil {
		t.Fatalf("tickets: %s", body)
	}
	_, picture := d.request(t, "GET", tickets[0].PNG, "")
	if _, err := png.Decode(strings.NewReader(picture)); err != nil {
		t.Errorf("picture: %v", err)
	}
	_, raw := d.request(t, "GET", strings.Replace(tickets[0].PNG, "picture.png", "bytes.bin", 1), "")
	if raw != "\x1b@A1\nDowody osobiste\n\x1dV\x00" {
		t.Errorf("bytes: %q", raw)
	}
	if code := d.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

func TestKillRestartsTheAgentAndNumbersGoOn(t *testing.T) {
	useFakeAgent(t, "good")
	d := startDemo(t)
	next := d.listen(t)
	id := sites(1)[0].ID
	d.request(t, "POST", "/b/"+id+"/api/v1/tickets", `{}`, "Idempotency-Key", "k1")
	before := decode[agentState](t, next(kindAgent, holds(`"up"`)))

	if status, body := d.request(t, "POST", "/demo/fault", `{"branch":"`+id+`","fault":"kill"}`); status != 200 {
		t.Fatalf("kill: %d %s", status, body)
	}
	next(kindAgent, holds(`"down"`))
	status, body := d.request(t, "GET", "/b/"+id+"/api/v1/queue", "")
	if status != 502 || !strings.Contains(body, "branch_down") {
		t.Errorf("while down: %d %s", status, body)
	}
	if status, _ := d.request(t, "POST", "/demo/fault", `{"branch":"`+id+`","fault":"kill"}`); status != 409 {
		t.Errorf("second kill: %d", status)
	}
	after := decode[agentState](t, next(kindAgent, holds(`"up"`)))
	if after.Starts != before.Starts+1 || after.PID == before.PID {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if _, body := d.request(t, "POST", "/b/"+id+"/api/v1/tickets", `{}`, "Idempotency-Key", "k2"); !strings.Contains(body, `"A2"`) {
		t.Errorf("after the restart: %s", body)
	}
}

func TestStopLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { // the last one: after the demo and its streams have ended
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
	useFakeAgent(t, "good")
	d := startDemo(t, "--branches", "3")
	next := d.listen(t)
	pids := map[int]bool{}
	for len(pids) < 3 {
		pids[decode[agentState](t, next(kindAgent, holds(`"up"`))).PID] = true
	}
	if code := d.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	for pid := range pids {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
			t.Errorf("process %d still runs", pid)
		}
	}
}

func TestBrokenAgentIsExplained(t *testing.T) {
	useFakeAgent(t, "broken")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--listen", "127.0.0.1:0"}, &stdout, &stderr); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(stderr.String(), "agent.yaml:3: this is wrong") {
		t.Errorf("stderr does not hold the agent's words:\n%s", stderr.String())
	}
}
