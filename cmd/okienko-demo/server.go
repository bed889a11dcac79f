package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/okienko/okienko/drivers/emulator"
)

const (
	// heartbeat keeps a quiet stream from being taken for a dead one.
	heartbeat = 15 * time.Second
	// writeLimit bounds one write to a page that does not read.
	writeLimit = 10 * time.Second
	// shutdownLimit is how long open requests may take when the demo ends.
	shutdownLimit = 2 * time.Second
)

//go:embed web
var webFiles embed.FS

// policy lets the page load nothing but its own files; there is no inline script and no inline style.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; " +
	"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// server is the demo's page and its machine endpoints.
type server struct {
	town *town
	log  *slog.Logger
	page *template.Template
}

func newServer(t *town, log *slog.Logger) (*server, error) {
	page, err := template.ParseFS(webFiles, "web/index.html")
	if err != nil {
		return nil, fmt.Errorf("read the demo's page: %w", err)
	}
	return &server{town: t, log: log, page: page}, nil
}

// handler routes the demo's requests. Requests that a foreign page causes are refused twice: by
// CrossOriginProtection, and by the Host header, which a rebound name cannot forge.
func (s *server) handler() (http.Handler, error) {
	assets, err := fs.Sub(webFiles, "web")
	if err != nil {
		return nil, fmt.Errorf("open the demo's files: %w", err)
	}
	files := http.FileServerFS(assets)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.Handle("GET /css/", files)
	mux.Handle("GET /js/", files)
	mux.Handle("GET /fonts/", files)
	mux.Handle("GET /icon.svg", files)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /demo.json", s.describe)
	mux.HandleFunc("GET /demo/tickets.json", s.tickets)
	mux.HandleFunc("GET /demo/boards.json", s.boards)
	mux.HandleFunc("GET /demo/sounds.json", s.sounds)
	mux.HandleFunc("GET /demo/sounds/{branch}/{file}", s.sound)
	mux.HandleFunc("GET /demo/tickets/{branch}/{n}/{form}", s.ticket)
	mux.HandleFunc("GET /demo/messages.json", s.messages)
	mux.HandleFunc("POST /demo/fault", s.fault)
	mux.HandleFunc("POST /demo/button", s.button)
	mux.Handle("/b/{branch}/api/v1/{rest...}", s.proxy())
	return ownHost(secure(http.NewCrossOriginProtection().Handler(mux))), nil
}

// Run serves on l until ctx ends.
func (s *server) Run(ctx context.Context, l net.Listener) error {
	h, err := s.handler()
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: writeLimit}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve the demo's page: %w", err)
	case <-ctx.Done():
	}
	s.town.hub.close()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if srv.Shutdown(limit) != nil {
		_ = srv.Close() // a request that hangs must not keep the demo alive
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the demo's page: %w", err)
	}
	return nil
}

// secure sets the headers that every answer has.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// ownHost refuses names that somebody else may point at this machine (DNS rebinding): only
// addresses and localhost are the demo's own.
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		host = strings.Trim(host, "[]")
		if host != "localhost" && net.ParseIP(host) == nil {
			refuse(w, http.StatusForbidden, "host", "open the demo by its address or as localhost")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// index writes the page in the visitor's language; the page itself can change it.
func (s *server) index(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := s.page.Execute(w, struct{ Language string }{pageLanguage(r)}); err != nil {
		s.log.Debug("page not sent", "err", err)
	}
}

// pageLanguage chooses pl, en or uk by Accept-Language.
func pageLanguage(r *http.Request) string {
	known := language.NewMatcher([]language.Tag{language.English, language.Polish, language.Ukrainian})
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return "en"
	}
	_, i, _ := known.Match(wanted...)
	return [...]string{"en", "pl", "uk"}[i]
}

// events is the one stream of the page: what is so now, the event "present", then what happens.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	st := s.town.hub.subscribe()
	defer s.town.hub.leave(st)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	send := func(text string) bool {
		return out.SetWriteDeadline(time.Now().Add(writeLimit)) == nil && write(w, text) && out.Flush() == nil
	}
	var present strings.Builder
	present.WriteString("retry: 500\n\n")
	for _, m := range st.present {
		present.WriteString(m.wire())
	}
	present.WriteString("event: present\ndata: {}\n\n")
	if !send(present.String()) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		text := ": still here\n\n"
		select {
		case <-r.Context().Done():
			return
		case m, open := <-st.next:
			if !open {
				return
			}
			text = m.wire()
		case <-beat.C:
		}
		if !send(text) {
			return
		}
	}
}

// wire is the message as a server-sent event. A branch's id holds nothing that JSON would escape.
func (m message) wire() string {
	return fmt.Sprintf("event: %s\ndata: {\"branch\":%q,\"value\":%s}\n\n", m.kind, m.branch, m.data)
}

func write(w http.ResponseWriter, text string) bool {
	_, err := w.Write([]byte(text))
	return err == nil
}

// describe answers /demo.json as soon as all branches have answered. It holds tokens, so it is for
// this machine only.
func (s *server) describe(w http.ResponseWriter, r *http.Request) {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && !net.ParseIP(host).IsLoopback() {
		refuse(w, http.StatusForbidden, "loopback_only", "this file holds tokens: read it on the machine that runs the demo")
		return
	}
	select {
	case <-s.town.ready:
	case <-r.Context().Done():
		return
	case <-time.After(readyLimit):
		refuse(w, http.StatusServiceUnavailable, "starting", "the branches are still starting; ask again")
		return
	}
	type place struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		URL    string `json:"url"`
		Tokens tokens `json:"tokens"`
	}
	var answer struct {
		Centre struct {
			URL   string `json:"url"`
			Token string `json:"token"`
		} `json:"centre"`
		Branches []place `json:"branches"`
		Clock    struct {
			Speed float64 `json:"speed"`
		} `json:"clock"`
	}
	answer.Clock.Speed = 1
	for _, b := range s.town.branches {
		answer.Branches = append(answer.Branches, place{b.ID, b.Name, b.url, b.tokens})
	}
	w.Header().Set("Cache-Control", "no-store")
	reply(w, http.StatusOK, answer)
}

// tickets lists what the branch's printer has cut, oldest first.
func (s *server) tickets(w http.ResponseWriter, r *http.Request) {
	b, ok := s.wanted(w, r.URL.Query().Get("branch"))
	if !ok {
		return
	}
	views := []ticketView{}
	for _, t := range b.paper.tickets() {
		views = append(views, viewTicket(b.ID, t))
	}
	reply(w, http.StatusOK, views)
}

// boards tells what the boards at the counters light now.
func (s *server) boards(w http.ResponseWriter, r *http.Request) {
	if b, ok := s.wanted(w, r.URL.Query().Get("branch")); ok {
		reply(w, http.StatusOK, b.boards.views())
	}
}

// sounds lists the last announcements of a branch, oldest first.
func (s *server) sounds(w http.ResponseWriter, r *http.Request) {
	b, ok := s.wanted(w, r.URL.Query().Get("branch"))
	if !ok {
		return
	}
	views := []soundView{}
	for _, one := range b.sound.last() {
		views = append(views, one.soundView)
	}
	reply(w, http.StatusOK, views)
}

// sound serves one announcement as the loudspeaker got it.
func (s *server) sound(w http.ResponseWriter, r *http.Request) {
	b, ok := s.wanted(w, r.PathValue("branch"))
	if !ok {
		return
	}
	for _, one := range b.sound.last() {
		if one.WAV == r.URL.Path {
			w.Header().Set("Content-Type", "audio/wav")
			http.ServeContent(w, r, "", one.at, bytes.NewReader(one.wav))
			return
		}
	}
	refuse(w, http.StatusNotFound, "no_sound", "the loudspeaker has played no sound with this number, or long ago")
}

// ticket serves one ticket: as the picture of the paper or as the bytes that the printer got.
func (s *server) ticket(w http.ResponseWriter, r *http.Request) {
	b, ok := s.wanted(w, r.PathValue("branch"))
	if !ok {
		return
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	var found *emulator.Ticket
	for _, t := range b.paper.tickets() {
		if err == nil && t.N == n {
			found = &t
		}
	}
	switch form := r.PathValue("form"); {
	case found == nil:
		refuse(w, http.StatusNotFound, "no_ticket", "the printer has cut no ticket with this number, or long ago")
	case form == "picture.png":
		w.Header().Set("Content-Type", "image/png")
		if err := found.WritePNG(w); err != nil {
			s.log.Debug("picture not sent", "err", err)
		}
	case form == "bytes.bin":
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(found.Bytes) // the reader has gone
	default:
		refuse(w, http.StatusNotFound, "no_form", "a ticket is there as picture.png and as bytes.bin")
	}
}

// messages is empty until the centre sends SMS and e-mails.
func (s *server) messages(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, []struct{}{})
}

// wanted finds the branch or refuses the request with the names there are.
func (s *server) wanted(w http.ResponseWriter, id string) (*branch, bool) {
	if b, ok := s.town.branch(id); ok {
		return b, true
	}
	refuse(w, http.StatusBadRequest, "no_branch", fmt.Sprintf("there is no branch %q; there are: %s", id, s.town.names()))
	return nil, false
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the reader has gone
}

// refuse answers in the form of the branch's API, so that the page has one way to read errors.
func refuse(w http.ResponseWriter, status int, code, text string) {
	type fault struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	reply(w, status, map[string]fault{"error": {code, text}})
}
