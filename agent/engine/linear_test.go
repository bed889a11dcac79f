package engine_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// TestMain lets the test binary be the process that verifies a journal.
func TestMain(m *testing.M) {
	if code, ok := journal.VerifyChild(os.Args, os.Stdout); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// operation is what one client asked of the branch.
type operation struct {
	key     string
	counter protocol.CounterID // 0: a press at the kiosk
	seen    string             // id that the clerk saw at the counter
}

// effect is the answer: the number that was issued or called, "" for nobody, or the refusal.
type effect struct {
	number, id string
	refused    queue.Code
}

// office is the sequential model: one service, visitors in order, counters that finish and call.
type office struct {
	issued  int
	waiting []effect
	at      map[protocol.CounterID]effect
	keys    map[string]effect
}

// step answers one operation and returns the office after it.
func (o office) step(op operation, out effect) (effect, office) {
	if known, ok := o.keys[op.key]; ok {
		return known, o
	}
	next := office{o.issued, append([]effect(nil), o.waiting...), maps.Clone(o.at), maps.Clone(o.keys)}
	var answer effect
	switch {
	case op.counter == 0:
		next.issued++
		answer = effect{number: fmt.Sprint("A", next.issued), id: out.id}
		next.waiting = append(next.waiting, answer)
	case o.at[op.counter].id != op.seen:
		answer = effect{refused: queue.StaleView}
	case len(next.waiting) == 0:
		next.at[op.counter] = effect{}
	default:
		answer = next.waiting[0]
		next.at[op.counter] = answer
		next.waiting = next.waiting[1:]
	}
	next.keys[op.key] = answer
	return answer, next
}

func officeModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any {
			return office{at: map[protocol.CounterID]effect{}, keys: map[string]effect{}}
		},
		Step: func(state, in, out any) (bool, any) {
			want, next := state.(office).step(in.(operation), out.(effect))
			return want == out, next
		},
		Equal: func(a, b any) bool { return reflect.DeepEqual(a, b) },
	}
}

// perform carries an operation out on the engine.
func perform(t *testing.T, e *engine.Engine, op operation, id string) effect {
	t.Helper()
	request := take(op.key, id)
	if op.counter != 0 {
		seen := protocol.TicketID(op.seen)
		request = engine.Request{
			Key: op.key, Actor: "clerk:anna", Command: queue.Next{Counter: op.counter, Seen: &seen},
		}
	}
	answer, err := e.Do(t.Context(), request)
	if refusal, ok := errors.AsType[*queue.Refusal](err); ok {
		return effect{refused: refusal.Code}
	}
	if err != nil {
		t.Error(err)
	}
	var out effect
	for _, event := range answer.Events {
		switch b := event.Body.(type) {
		case queue.TicketTaken:
			out = effect{number: b.Number.String(), id: string(b.Ticket)}
		case queue.TicketCalled:
			out = effect{id: string(b.Ticket)}
		}
	}
	return out
}

// TestLinearizable lets presses, double presses, two tabs and clerks at four counters run against
// each other and checks that the answers fit one order of events (I4, rows 37 and 38).
func TestLinearizable(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	j, _, err := journal.Open(t.Context(), journal.Options{Dir: t.TempDir(), Logger: log, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	e, _ := start(t, j)
	for c := protocol.CounterID(1); c <= 2; c++ {
		open := engine.Request{Key: fmt.Sprint("open", c), Actor: "clerk:anna", Command: queue.OpenCounter{Counter: c}}
		if _, err := e.Do(t.Context(), open); err != nil {
			t.Fatal(err)
		}
	}
	history := recordHistory(t, e)
	numberCalls(history)
	if got := porcupine.CheckOperationsTimeout(officeModel(), history, time.Minute); got != porcupine.Ok {
		t.Errorf("history of %d operations is %s", len(history), got)
	}
}

// recordHistory lets 16 clients work and returns what they saw.
func recordHistory(t *testing.T, e *engine.Engine) []porcupine.Operation {
	t.Helper()
	begun := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	var wg sync.WaitGroup
	for client := range 16 {
		wg.Go(func() {
			for n := range 12 {
				op := operation{key: fmt.Sprintf("press-%d-%d", client/2, n)} // two tabs share a key
				if client >= 8 {
					op.counter = protocol.CounterID(1 + client%2)
					op.key = fmt.Sprintf("next-%d-%d", client, n)
					op.seen = current(t, e, op.counter)
				}
				called := time.Since(begun)
				out := perform(t, e, op, fmt.Sprintf("%d-%d-%d", client, n, rand.Uint32()))
				returned := time.Since(begun)
				mu.Lock()
				history = append(history, porcupine.Operation{
					ClientId: client, Input: op, Call: int64(called), Output: out, Return: int64(returned),
				})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return history
}

// current asks which ticket stands at a counter.
func current(t *testing.T, e *engine.Engine, c protocol.CounterID) (id string) {
	t.Helper()
	err := e.View(t.Context(), func(s *queue.State, _ protocol.Instant) {
		counter, _ := s.Counter(c)
		id = string(counter.Ticket)
	})
	if err != nil {
		t.Error(err)
	}
	return id
}

// numberCalls fills in the numbers of called tickets, which their events do not repeat.
func numberCalls(history []porcupine.Operation) {
	numbers := map[string]string{}
	for _, op := range history {
		if out := op.Output.(effect); out.number != "" {
			numbers[out.id] = out.number
		}
	}
	for i, op := range history {
		out := op.Output.(effect)
		out.number = numbers[out.id]
		history[i].Output = out
	}
}

// TestModelHasTeeth: a planted double call must not pass as linearizable.
func TestModelHasTeeth(t *testing.T) {
	call := func(client int, counter protocol.CounterID, id string) porcupine.Operation {
		at := int64(10 * (client + 1))
		return porcupine.Operation{
			ClientId: client, Call: at, Return: at + 5,
			Input: operation{key: fmt.Sprint("n", client), counter: counter}, Output: effect{number: "A1", id: id},
		}
	}
	history := []porcupine.Operation{
		{ClientId: 0, Call: 0, Return: 5, Input: operation{key: "p"}, Output: effect{number: "A1", id: "t"}},
		call(1, 1, "t"), call(2, 2, "t"),
	}
	if porcupine.CheckOperations(officeModel(), history) {
		t.Error("one ticket at two counters passed as linearizable")
	}
}
