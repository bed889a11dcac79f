package engine

import (
	"github.com/okienko/okienko/agent/queue"
)

// Request is one command from outside.
type Request struct {
	// Key is the idempotency key; the same key gives the same answer, also after a restart. The
	// engine's own commands leave it empty.
	Key string
	// Actor is who asks, for the audit: kiosk, clerk:anna, engine, printer.
	Actor string
	// Command is what is wished.
	Command queue.Command
}

// Answer is what a command led to.
type Answer struct {
	// Events are the facts that were committed for it; none when there was nothing to do.
	Events []queue.Event
	// Replayed says that the key was known and these are the events of the first time.
	Replayed bool
}
