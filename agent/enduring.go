package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// The pause before a device's part is started again; it doubles from the first to the last.
const (
	restartFirst = time.Second
	restartLast  = time.Minute
)

var errEnded = errors.New("it ended by itself")

// enduring makes a device's part one that cannot stop the agent: when it fails or panics it is
// started again, after a pause that grows, until ctx ends.
func enduring(log *slog.Logger, name string, run func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		for pause := restartFirst; ; pause = min(2*pause, restartLast) {
			err := guarded(ctx, run)
			if ctx.Err() != nil {
				return nil //nolint:nilerr // it was asked to stop
			}
			log.Error("device's part failed; it is started again", "name", name, "pause", pause, "error", err)
			t := time.NewTimer(pause)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return nil
			}
		}
	}
}

// guarded turns a panic and an end without a reason into errors.
func guarded(ctx context.Context, run func(ctx context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack()) //nolint:errorlint // r is any value
		}
	}()
	if err := run(ctx); err != nil {
		return err
	}
	return errEnded
}
