package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/agent/web"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

// memory is a journal without a disk.
type memory struct {
	mu      sync.Mutex
	records []journal.Record
}

func (m *memory) Append(_ context.Context, records []journal.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = append(m.records, records...)
	return nil
}

func (m *memory) Read(from uint64) iter.Seq2[journal.Record, error] {
	m.mu.Lock()
	records := m.records[min(int(from-1), len(m.records)):]
	m.mu.Unlock()
	return func(yield func(journal.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memory) Last() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.records))
}

func (m *memory) Recover(context.Context) (uint64, error) { return m.Last(), nil }

// This journal keeps no checkpoint.
func (m *memory) SetCheckpoint(uint64, []byte) error { return nil }

func (m *memory) Checkpoint() (seq uint64, data []byte, err error) { return 0, nil, nil }

// officeClock is the machine's clock set to a Tuesday at 10:42 in Warsaw.
type officeClock struct {
	started time.Time
}

func (c officeClock) Read() clock.Reading {
	run := time.Since(c.started)
	return clock.Reading{
		Wall:   time.Date(2026, 11, 24, 9, 42, 0, 0, time.UTC).Add(run),
		Steady: run, Synced: true, Set: true,
	}
}

func (c officeClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// branch is a whole branch behind a real web server, with an engine that tests may put out of
// order.
type branch struct {
	*engine.Engine
	t      testing.TB
	server *httptest.Server
	store  *access.Store
	tokens map[access.Role]string
	pin    string
	cut    atomic.Bool // the network drops every request

	options web.Options
	site    atomic.Pointer[web.Server]

	mu      sync.Mutex
	fails   error // what Do answers instead of doing
	health  engine.Condition
	printer drivers.Health
	goOn    chan struct{} // while set, looks wait for its end
	looks   chan struct{} // gets one for each look that waits
}

// stall makes every look at the engine wait until goOn is closed; looks gets one for each.
func (b *branch) stall() (goOn chan struct{}, looks <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.goOn, b.looks = make(chan struct{}), make(chan struct{}, 100)
	return b.goOn, b.looks
}

func (b *branch) View(ctx context.Context, f func(s *queue.State, now protocol.Instant)) error {
	b.mu.Lock()
	goOn, looks := b.goOn, b.looks
	b.mu.Unlock()
	if goOn != nil {
		looks <- struct{}{}
		select {
		case <-goOn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return b.Engine.View(ctx, f)
}

func (b *branch) Do(ctx context.Context, r engine.Request) (engine.Answer, error) {
	b.mu.Lock()
	err := b.fails
	b.mu.Unlock()
	if err != nil {
		return engine.Answer{}, err
	}
	return b.Engine.Do(ctx, r)
}

func (b *branch) Health() engine.Health {
	h := b.Engine.Health()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.health != "" {
		h.State = b.health
	}
	return h
}

// restart makes the web server anew, as a restart of the agent does.
func (b *branch) restart() {
	b.t.Helper()
	s, err := web.New(b.options)
	fatal(b.t, err)
	s.Hasten(500 * time.Millisecond)
	b.site.Store(s)
}

func (b *branch) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *branch) Devices() []devices.Status {
	return []devices.Status{{Name: "printer", Kind: "printer", Health: b.paper()}}
}

func (b *branch) paper() drivers.Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.printer
}

func testSettings() protocol.Settings {
	week := protocol.Week{}
	for day := range 7 {
		week[day] = []protocol.Period{{Opens: 0, Closes: 1440}}
	}
	names := func(pl, en, uk string) map[protocol.Language]string {
		return map[protocol.Language]string{"pl": pl, "en": en, "uk": uk}
	}
	service := func(letter string, n map[protocol.Language]string) protocol.Service {
		return protocol.Service{
			ID: protocol.ServiceID(letter), Letter: letter, Names: n, MeanSeconds: 480,
			WalkIn: protocol.NumberRange{First: 1, Last: 599}, Booked: protocol.NumberRange{First: 601, Last: 999},
		}
	}
	closed := service("F", names("Paszporty", "Passports", "Паспорти"))
	closed.BookingOnly = true
	all := map[protocol.ServiceID]int{"A": 0, "C": 0, "H": 0, "J": 0, "L": 0}
	return protocol.Settings{
		Branch: "test", Name: "Urząd Miasta Torunia, Grudziądzka 126B", Zone: "Europe/Warsaw", Hours: week,
		Rules: protocol.DefaultRules(),
		Services: []protocol.Service{
			service("A", names("Dowody osobiste", "Identity cards", "Посвідчення особи")),
			service("C", names("Meldunki", "Residence registration", "Реєстрація проживання")),
			closed,
			service("H", names("Rejestracja pojazdów", "Vehicle registration", "Реєстрація транспорту")),
			service("J", names("Podatki i opłaty", "Taxes and fees", "Податки та збори")),
			service("L", names("Kasa", "Payments", "Каса")),
		},
		Counters: []protocol.Counter{
			{ID: 1, Skills: all},
			{ID: 2, Skills: all},
			{ID: 3, Skills: map[protocol.ServiceID]int{"A": 0}},
			{ID: 4, Name: "Kasa", Skills: map[protocol.ServiceID]int{"L": 0}},
		},
	}
}

// open starts a branch that ends with the test. change may alter its options.
func open(t testing.TB, change ...func(*web.Options)) *branch {
	t.Helper()
	return openOn(t, &memory{}, change...)
}

func openOn(t testing.TB, j engine.Journal, change ...func(*web.Options)) *branch {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	e := engine.New(engine.Options{
		Journal: j, Clock: officeClock{time.Now()}, Logger: log, Zones: time.LoadLocation,
		Start: queue.Start{Clean: true}, Settings: testSettings(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	<-e.Ready()
	dir := t.TempDir()
	store, err := access.Open(dir, access.Options{})
	fatal(t, err)
	key, err := secret.Load(dir)
	fatal(t, err)
	b := &branch{Engine: e, t: t, store: store, tokens: map[access.Role]string{}}
	b.printer = drivers.Health{State: drivers.Ready, Since: time.Now()}
	for _, role := range access.Roles() {
		b.tokens[role], err = store.CreateToken(role, "")
		fatal(t, err)
	}
	b.pin, err = store.EnsureClerk()
	fatal(t, err)
	o := web.Options{
		Engine: b, Access: store, Logger: log, Branch: "test",
		PublicURL: "https://torun.example", Secret: key, NewID: secret.TicketID, Devices: b, Printer: b.paper,
		Version: "test",
	}
	for _, f := range change {
		f(&o)
	}
	b.options = o
	b.restart()
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.cut.Load() && r.Header.Get("Authorization") == "" {
			panic(http.ErrAbortHandler)
		}
		b.site.Load().Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(func() { b.server.CloseClientConnections(); b.server.Close() })
	return b
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one request with the role's token; headers come in pairs.
func (b *branch) ask(role access.Role, method, path, body string, headers ...string) reply {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, bytes.NewReader([]byte(body)))
	fatal(b.t, err)
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+b.tokens[role])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.send(r)
}

func (b *branch) send(r *http.Request) reply {
	b.t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(r)
	fatal(b.t, err)
	data, err := io.ReadAll(answer.Body)
	fatal(b.t, err)
	fatal(b.t, answer.Body.Close())
	return reply{answer.StatusCode, answer.Header, data}
}

// into reads a JSON answer of the wanted status.
func (r reply) into(t testing.TB, status int, v any) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	fatal(t, json.Unmarshal(r.body, v))
}

// code is the error's code, empty when there is none.
func (r reply) code() string {
	var body struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(r.body, &body) != nil {
		return ""
	}
	return body.Error.Code
}

type ticketAnswer struct {
	ID      string
	Number  string
	State   string
	Print   string
	Ahead   int
	URL     string
	Counter int
	Calls   int
}

type counterAnswer struct {
	ID     int
	State  string
	Ticket *ticketAnswer
	UndoMS int `json:"undo_ms"`
}

// take issues a ticket and gives it.
func (b *branch) take(service string) ticketAnswer {
	b.t.Helper()
	var t ticketAnswer
	b.ask(access.Kiosk, "POST", "/api/v1/tickets", `{"service":"`+service+`"}`).into(b.t, http.StatusCreated, &t)
	return t
}

// at carries out a counter command that must succeed.
func (b *branch) at(path, body string) counterAnswer {
	b.t.Helper()
	var c counterAnswer
	b.ask(access.Clerk, "POST", "/api/v1/counters/"+path, body).into(b.t, http.StatusOK, &c)
	return c
}

// raw sends what a fuzzer made up; false when Go's own client refuses to.
func (b *branch) raw(t *testing.T, method, path string, body []byte, key string) (reply, bool) {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "events") || strings.HasPrefix(path, "//") {
		return reply{}, false
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://branch"+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, false
	}
	r.Header.Set("Authorization", "Bearer "+b.tokens[access.Admin])
	r.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	b.server.Config.Handler.ServeHTTP(w, r)
	return reply{w.Code, w.Result().Header, w.Body.Bytes()}, true
}
