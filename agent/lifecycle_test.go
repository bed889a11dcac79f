package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// trace notes the order of events; synctest runs its goroutines one at a time where it matters.
type trace struct{ events []string }

func (tr *trace) part(name string, ready bool) part {
	up := make(chan struct{})
	p := part{name: name, run: func(ctx context.Context) error {
		tr.events = append(tr.events, "+"+name)
		close(up)
		<-ctx.Done()
		tr.events = append(tr.events, "-"+name)
		return nil
	}}
	if ready {
		p.ready = up
	}
	return p
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestStartsInOrderAndStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr trace
		ctx, cancel := context.WithCancel(t.Context())
		parts := []part{tr.part("journal", true), tr.part("engine", true), tr.part("web", true)}
		done := make(chan error)
		go func() { done <- supervise(ctx, discard(), parts) }()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := []string{"+journal", "+engine", "+web", "-web", "-engine", "-journal"}
		if !slices.Equal(tr.events, want) {
			t.Errorf("order %v; want %v", tr.events, want)
		}
	})
}

func TestOnePartsErrorStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr trace
		boom := errors.New("boom")
		parts := []part{
			tr.part("engine", true),
			{name: "web", run: func(context.Context) error { return boom }},
		}
		if err := supervise(t.Context(), discard(), parts); !errors.Is(err, boom) {
			t.Errorf("error %v; want %v", err, boom)
		}
		if want := []string{"+engine", "-engine"}; !slices.Equal(tr.events, want) {
			t.Errorf("order %v; want %v", tr.events, want)
		}
	})
}

func TestPartThatEndsByItselfIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parts := []part{{name: "web", run: func(context.Context) error { return nil }}}
		if err := supervise(t.Context(), discard(), parts); err == nil || !strings.Contains(err.Error(), "web") {
			t.Errorf("error %v; want one that names web", err)
		}
	})
}

func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		parts := []part{{name: "stuck", run: func(context.Context) error { <-release; return nil }}}
		done := make(chan error)
		go func() { done <- supervise(ctx, discard(), parts) }()
		synctest.Wait()
		begun := time.Now()
		cancel()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "stuck") {
			t.Errorf("error %v; want one that names the part", err)
		}
		if took := time.Since(begun); took != stopLimit {
			t.Errorf("stopping took %v; want %v", took, stopLimit)
		}
		close(release)
	})
}
