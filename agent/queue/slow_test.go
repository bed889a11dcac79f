//go:build slow

package queue

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMillion gives 1,000,000 random commands, with restarts and clock steps, to the real state
// and the naive model; every invariant holds after each, and both agree. A kind of event, call
// or command that never happened would make it worthless, so it fails then.
func TestMillion(t *testing.T) {
	const walks, steps = 500, 2000
	commands := 0
	seen, accepted, codes := map[string]int{}, map[string]int{}, map[Code]int{}
	for seed := range walks {
		random := rand.New(rand.NewPCG(uint64(seed), 1_000_000))
		all := starts()
		w := newWalk(t, all[seed%len(all)], random.IntN)
		w.deep = seed%50 == 0
		w.wander(steps)
		commands += w.commands
		add(seen, w.trace.seen)
		add(accepted, w.accepted)
		add(codes, w.codes)
	}
	t.Logf("%d commands; events %v; commands that did something %v; refusals %v",
		commands, seen, accepted, codes)
	if commands < 1_000_000 {
		t.Errorf("only %d commands", commands)
	}
	for _, e := range sampleEvents(t) {
		if kind := e.Body.Kind(); seen[kind] == 0 {
			t.Errorf("no %s ever happened", kind)
		}
	}
	for _, how := range []CallKind{CallFresh, CallRecall, CallRecallTimer, CallChosen} {
		if seen["call "+string(how)] == 0 {
			t.Errorf("no %s call ever happened", how)
		}
	}
	for _, code := range []Code{
		"", NoSuchTicket, NoSuchCounter, NoSuchService, NoSuchBooking, WrongState, CounterNotOpen,
		CounterBusy, CounterFree, StaleView, OutsideHours, QuotaReached, IssuingIsOff, BookingsOnly,
		NotYourService, ReasonMissing, NothingToUndo, UndoTooLate, ChangedSince, AlreadyLate,
		TooEarly, BadSettings, BadValue, DayNotOpen, DuplicateTicket,
	} {
		if codes[code] == 0 {
			t.Errorf("no command was ever refused with %q; %v", code, slices.Sorted(maps.Keys(codes)))
		}
	}
	if len(accepted) < 29 {
		t.Errorf("only %d kinds of command ever did something: %v", len(accepted), accepted)
	}
}

func add[K comparable](sum, more map[K]int) {
	for k, n := range more {
		sum[k] += n
	}
}
