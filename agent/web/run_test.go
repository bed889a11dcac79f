package web_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/agent/web"
)

// serve runs a server on a port of its own; end stops it and gives what Run said.
func serve(t *testing.T) (url string, tokens map[access.Role]string, end func() error) {
	t.Helper()
	b := open(t)
	key, err := secret.Load(t.TempDir())
	fatal(t, err)
	s, err := web.New(web.Options{
		Engine: b, Access: b.store, Logger: slog.New(slog.DiscardHandler), Branch: "test", Secret: key, NewID: secret.TicketID,
	})
	fatal(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's port
	fatal(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, listener) }()
	return "http://" + listener.Addr().String(), b.tokens, func() error { cancel(); return <-done }
}

func TestRunEndsWithOpenStreams(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // last of all: after the engine has ended
	url, tokens, end := serve(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/api/v1/events", http.NoBody)
	fatal(t, err)
	r.Header.Set("Authorization", "Bearer "+tokens[access.Screen])
	client := &http.Transport{}
	stream, err := client.RoundTrip(r)
	fatal(t, err)
	began := time.Now()
	if err := end(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("an open stream held the end back for %s", took)
	}
	_, _ = io.Copy(io.Discard, stream.Body)
	fatal(t, stream.Body.Close())
	client.CloseIdleConnections()
}

func TestRunTellsWhyItCannotServe(t *testing.T) {
	b := open(t)
	s, err := web.New(web.Options{Engine: b, Access: b.store, Logger: slog.New(slog.DiscardHandler)})
	fatal(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's port
	fatal(t, err)
	fatal(t, listener.Close())
	if err := s.Run(t.Context(), listener); err == nil {
		t.Error("Run served a closed listener")
	}
}
