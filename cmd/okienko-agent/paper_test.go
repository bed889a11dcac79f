package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers/emulator"
)

// startPrinter serves an emulated printer on a pty behind a stable path.
func startPrinter(t *testing.T, path string) *emulator.Printer {
	t.Helper()
	p := emulator.New(emulator.Options{})
	port, err := p.OpenPTY(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- port.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("printer: %v", err)
		}
	})
	return p
}

// TestPressToPaper presses a button of the real agent and reads the ticket off the paper that the
// emulated printer cut.
func TestPressToPaper(t *testing.T) {
	port := filepath.Join(t.TempDir(), "printer")
	printer := startPrinter(t, port)
	b := newBranch(t, port)
	b.start()
	status, body, err := b.send(t.Context(), http.MethodPost, "/api/v1/tickets", "kiosk", "press-1",
		map[string]string{"service": "A", "language": "pl"})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("press: %d %s %v", status, body, err)
	}
	var told struct{ ID, Number, URL string }
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := printer.WaitTickets(ctx, 1); err != nil {
		_, body, _ := b.send(t.Context(), http.MethodGet, "/api/v1/tickets/"+told.ID, "kiosk", "", nil)
		t.Fatalf("%v; printer %+v; ticket %s", err, printer.State(), body)
	}
	paper := printer.Tickets()[0]
	if !slices.ContainsFunc(paper.Lines, func(line string) bool { return strings.TrimSpace(line) == told.Number }) {
		t.Errorf("paper %q has no line %q", paper.Lines, told.Number)
	}
	if !slices.Equal(paper.QR, []string{told.URL}) {
		t.Errorf("QR %q; want %q", paper.QR, told.URL)
	}
	if paper.Cut == emulator.CutNone || len(paper.Warnings) > 0 {
		t.Errorf("cut %s, warnings %q", paper.Cut, paper.Warnings)
	}
	b.awaitGrade(ctx, told.ID, "A")
}

// awaitGrade waits until the agent has noted the print of a ticket.
func (b *branch) awaitGrade(ctx context.Context, id, want string) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, body, err := b.send(ctx, http.MethodGet, "/api/v1/tickets/"+id, "kiosk", "", nil)
		var told struct{ Grade string }
		if err == nil && json.Unmarshal(body, &told) == nil && told.Grade == want {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("ticket has no print grade %s: %s %v", want, body, err)
		}
	}
}
