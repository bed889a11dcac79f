package agent

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// Watchdog restarts the agent, or the machine, when it is not fed in time.
type Watchdog interface {
	// Every is how often it wants to be fed; a third of its patience is usual.
	Every() time.Duration
	// Feed tells it that the branch is alive.
	Feed() error
	// Stop tells it that the agent ends in an orderly way.
	Stop() error
}

// viewer is the engine as the watchdog's part needs it.
type viewer interface {
	View(ctx context.Context, f func(s *queue.State, now protocol.Instant)) error
}

// feed feeds the watchdog for as long as the engine's own goroutine answers, which it does only between
// two commits: a ticker would go on beside an engine that is stuck (design/6-failures.md row 46).
func feed(w Watchdog, e viewer, log *slog.Logger) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(w.Every())
		defer tick.Stop()
		for {
			if err := e.View(ctx, func(*queue.State, protocol.Instant) {}); err != nil {
				if ctx.Err() == nil { // the watchdog stays armed: nobody says that this end is orderly
					return fmt.Errorf("ask the engine whether it is alive: %w", err)
				}
				if err := w.Stop(); err != nil {
					log.Warn("watchdog not stopped", "error", err)
				}
				return nil
			}
			if err := w.Feed(); err != nil {
				log.Warn("watchdog not fed", "error", err)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}
}

// watched makes the part that feeds the watchdog; it starts with everything else ready.
func watched(o Options, e viewer) []part {
	if o.Watchdog == nil {
		return nil
	}
	return []part{{name: "watchdog", run: feed(o.Watchdog, e, o.Logger.With("part", "watchdog"))}}
}
