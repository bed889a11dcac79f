// Package queue holds the queue rules of a branch (design/3-queue-rules.md) as a pure state
// machine: Decide turns a command and the time into events, Apply folds an event into the state.
//
// The package has no I/O, no clock, no randomness and no goroutines. Identifiers and random
// values arrive inside commands; time is the argument now. The same events fold to the same
// state on every machine; time zones are asked for by Decide only, never by the fold. A State
// belongs to one goroutine.
//
// # How it works
//
// A compound command must see what it has done itself: Next finishes a visitor, and the recall
// that follows depends on that finish. So a decision folds each of its events into the state at
// once, by the very code that Apply uses, and takes everything back in the end (state.go). What
// is left of it is the list of events.
//
// # Where to find what
//
//	command.go event.go values.go refusal.go  the vocabulary
//	decide*.go        commands → events, by subject
//	next.go           the key, the token and the four steps of next(counter)
//	fold.go           events → state
//	undo.go           what a counter's last command touched, and putting it back
//	hours.go          days, opening hours and NextWake
//	number.go         ticket numbers
//	view.go           what readers ask for
//	codec.go fields.go  events as JSON
//	snapshot.go       the whole state as JSON, and back
//	check.go          the invariants
package queue
