package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// stopLimit is how long all parts together may take to stop (design/2-architecture.md).
const stopLimit = 10 * time.Second

// part is a long-lived piece of the agent. Its run returns when its own context ends.
type part struct {
	name string
	run  func(ctx context.Context) error
	// ready, if not nil, is awaited before the next part starts.
	ready <-chan struct{}
}

// running is a part that was started.
type running struct {
	part
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// supervise starts the parts in order and runs them until ctx ends or one of them ends by itself;
// then it stops them in reverse order, each after the one that depends on it.
func supervise(ctx context.Context, log *slog.Logger, parts []part) error {
	ended := make(chan *running, len(parts))
	var up []*running
	for _, p := range parts {
		r := launch(ctx, p, ended)
		up = append(up, r)
		if !awaitReady(ctx, r) {
			break
		}
	}
	var first *running
	select {
	case <-ctx.Done():
	case first = <-ended:
	}
	err := stopAll(log, up)
	if first != nil && first.err == nil && ctx.Err() == nil {
		err = errors.Join(fmt.Errorf("%s ended by itself", first.name), err)
	}
	return err
}

// launch starts a part under a context of its own, so that it lives until it is its turn to stop.
func launch(ctx context.Context, p part, ended chan<- *running) *running {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{part: p, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = p.run(own)
		ended <- r
	}()
	return r
}

// awaitReady reports whether the next part may start.
func awaitReady(ctx context.Context, r *running) bool {
	if r.ready == nil {
		return true
	}
	select {
	case <-r.ready:
		return true
	case <-r.done:
	case <-ctx.Done():
	}
	return false
}

func stopAll(log *slog.Logger, up []*running) error {
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	var errs []error
	for _, r := range slices.Backward(up) {
		r.cancel()
		select {
		case <-r.done:
			if r.err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", r.name, r.err))
			}
			log.Debug("part stopped", "part", r.name)
		case <-limit.C:
			return errors.Join(append(errs, fmt.Errorf("%s did not stop within %v", r.name, stopLimit))...)
		}
	}
	return errors.Join(errs...)
}
