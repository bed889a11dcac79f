package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
)

// fakeAgentVariable makes the test binary stand in for okienko-agent: the demo starts it as a child
// process, so that its supervision, its tokens and its proxy are tested without the real agent.
const fakeAgentVariable = "OKIENKO_DEMO_TEST_AGENT"

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeAgentVariable); mode != "" {
		os.Exit(fakeAgentMain(mode, os.Args[1:]))
	}
	code := m.Run()
	for _, tidy := range afterAll {
		tidy()
	}
	os.Exit(code)
}

// afterAll is done when the last test has ended.
var afterAll []func() //nolint:gochecknoglobals // tests run one after the other

func fakeAgentMain(mode string, args []string) int {
	switch {
	case mode == "broken" && args[0] == "run":
		fmt.Fprintln(os.Stderr, "agent.yaml:3: this is wrong")
		return 2
	case args[0] == "token":
		fmt.Println("token-of-" + args[len(args)-1])
		return 0
	}
	text, err := os.ReadFile(args[len(args)-1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := newFakeAgent(string(text)).run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// fakeAgent answers the branch's API with the least that the demo needs. It counts its tickets in a
// file, so that numbers go on after a kill.
type fakeAgent struct {
	listen, printer, counted string

	mu      sync.Mutex
	changed chan struct{}
	issued  int
	called  int
	byKey   map[string]int
}

func newFakeAgent(config string) *fakeAgent {
	value := func(pattern string) string {
		return regexp.MustCompile(pattern).FindStringSubmatch(config)[1]
	}
	f := &fakeAgent{
		listen: value(`listen: "(.*)"`), printer: value(`address: "serial:(.*)\?baud`),
		counted: filepath.Join(value(`data_dir: "(.*)"`), "counted"), changed: make(chan struct{}), byKey: map[string]int{},
	}
	if text, err := os.ReadFile(f.counted); err == nil {
		_, _ = fmt.Sscan(string(text), &f.issued)
	}
	return f
}

func (f *fakeAgent) run(ctx context.Context) error {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]struct {
		role   string
		handle http.HandlerFunc
	}{
		"POST /api/v1/tickets":           {"kiosk", f.take},
		"GET /api/v1/queue":              {"screen", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, f.view()) }},
		"GET /api/v1/events":             {"clerk", f.events},
		"GET /api/v1/devices":            {"admin", f.devices},
		"POST /api/v1/counters/{n}/next": {"clerk", f.next},
		"GET /api/v1/echo":               {"clerk", func(w http.ResponseWriter, r *http.Request) { reply(w, 200, r.Header) }},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer token-of-"+answer.role {
				refuse(w, http.StatusUnauthorized, "unauthorized", "this call is for "+answer.role)
				return
			}
			answer.handle(w, r)
		})
	}
	srv := &http.Server{Addr: f.listen, Handler: mux, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (f *fakeAgent) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeAgent) take(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n := 0
	f.change(func() {
		key := cmp.Or(r.Header.Get("Idempotency-Key"), "none")
		if n = f.byKey[key]; n > 0 {
			return
		}
		f.issued++
		n = f.issued
		f.byKey[key] = n
		_ = os.WriteFile(f.counted, fmt.Append(nil, n), 0o600)
		_ = f.print(n)
	})
	reply(w, http.StatusCreated, map[string]any{"id": fmt.Sprint(n), "number": fmt.Sprintf("A%d", n), "ahead": n - 1, "body": string(body)})
}

// print writes a ticket without the encoder: initialise, the number, a full cut.
func (f *fakeAgent) print(n int) error {
	port, err := os.OpenFile(f.printer, os.O_WRONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(port, "\x1b@A%d\nDowody osobiste\n\x1dV\x00", n)
	return err
}

func (f *fakeAgent) next(w http.ResponseWriter, r *http.Request) {
	f.change(func() { f.called++ })
	reply(w, http.StatusOK, map[string]any{"counter": r.PathValue("n"), "ticket": nil})
}

func (f *fakeAgent) devices(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"devices": []map[string]string{{"name": "printer", "kind": "printer", "state": "ready"}}})
}

func (f *fakeAgent) view() map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting, called := []map[string]any{}, []map[string]any{}
	for n := 1; n <= f.issued; n++ {
		ticket := map[string]any{"id": fmt.Sprint(n), "number": fmt.Sprintf("A%d", n), "service": "A", "state": "waiting"}
		if n > f.called {
			waiting = append(waiting, ticket)
		} else if n == f.called {
			ticket["state"], ticket["counter"], ticket["calls"] = "called", 1, 1
			called = append(called, ticket)
		}
	}
	return map[string]any{
		"waiting": waiting, "called": called, "seq": f.issued,
		"counters": []map[string]any{{"id": 1, "state": "open", "services": []string{"A"}}},
		"services": []map[string]any{{
			"id": "A", "letter": "A", "waiting": len(waiting), "open": true,
			"names": map[string]string{"pl": "Dowody osobiste", "en": "Identity cards"},
		}},
	}
}

func (f *fakeAgent) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for seq := 0; ; seq++ {
		f.mu.Lock()
		changed, issued := f.changed, f.issued
		f.mu.Unlock()
		data, _ := json.Marshal(f.view())
		_, _ = fmt.Fprintf(w, "event: queue\ndata: %s\n\n", data)
		if seq > 0 {
			_, _ = fmt.Fprintf(w, "id: %d\nevent: ticket_taken\ndata: {\"seq\":%d,\"kind\":\"ticket_taken\",\"number\":\"A%d\"}\n\n", issued, issued, issued)
		}
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// useFakeAgent lets the demo find the test binary as its agent.
func useFakeAgent(t *testing.T, mode string) {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("OKIENKO_AGENT", own)
	t.Setenv(fakeAgentVariable, mode)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // a process of the race detector else takes a second to end
	t.Setenv("TMPDIR", t.TempDir())         // where the demo must leave nothing behind
}
