package main

import (
	"context"
	"errors"
)

// part is a long-lived piece of the demo. It runs until ctx ends, or returns why it cannot go on.
type part func(ctx context.Context) error

// runInOrder starts the parts one after the other and runs them until ctx ends or one of them
// returns. It stops them in reverse order, each only when all that were started after it have
// returned, and returns their errors.
func runInOrder(ctx context.Context, parts ...part) error {
	if len(parts) == 0 {
		<-ctx.Done()
		return nil
	}
	rest, endRest := context.WithCancel(ctx)
	defer endRest()
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := make(chan error, 1)
	go func() {
		defer endRest()
		done <- parts[0](own)
	}()
	err := runInOrder(rest, parts[1:]...)
	stop()
	return errors.Join(<-done, err)
}

// runTogether runs parts that do not depend on each other until ctx ends or one of them returns.
func runTogether(ctx context.Context, parts ...part) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	done := make(chan error, len(parts))
	for _, p := range parts {
		go func() {
			defer end()
			done <- p(ctx)
		}()
	}
	var errs []error
	for range parts {
		errs = append(errs, <-done)
	}
	return errors.Join(errs...)
}
