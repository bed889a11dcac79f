// Package smoke tries out one real device with a person beside it: `okienko-agent test printer`. It
// needs no knowledge of the driver, starts no goroutine and leaves the device running.
package smoke

import (
	"context"
	"fmt"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/paper"
)

// readyLimit is how long a device may take to be found.
const readyLimit = 10 * time.Second

// Printer waits until p, whose Run is running, is ready, prints doc once and reports each step in
// plain words. It returns an error unless the document was printed. It never prints twice.
func Printer(ctx context.Context, p drivers.Printer, doc paper.Document, report func(line string)) error {
	report("looking for " + p.String())
	if err := awaitReady(ctx, p); err != nil {
		return err
	}
	report("state: " + describe(p.Health()))
	begun := time.Now()
	r := p.Print(ctx, doc)
	took := time.Since(begun).Round(time.Millisecond)
	switch r.Outcome {
	case drivers.Printed:
		report(fmt.Sprintf("printed in %v, proof of grade %s", took, r.Grade))
		return nil
	case drivers.Unknown:
		return fmt.Errorf("print on %s: bytes went out, no proof came back (%s): %w", p, r.Reason, r.Err)
	case drivers.NotStarted:
	}
	return fmt.Errorf("print on %s: not started (%s): %w", p, r.Reason, r.Err)
}

func awaitReady(ctx context.Context, p drivers.Printer) error {
	timer := time.NewTimer(readyLimit)
	defer timer.Stop()
	for {
		changed := p.Changed()
		h := p.Health()
		if h.State == drivers.Ready || h.State == drivers.Degraded {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return fmt.Errorf("%s is not ready: %s", p, describe(h))
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", p, ctx.Err())
		}
	}
}

func describe(h drivers.Health) string {
	text := string(h.State)
	if h.Reason != "" {
		text += ", " + h.Reason
	}
	if h.Detail != "" {
		text += ": " + h.Detail
	}
	return text
}
