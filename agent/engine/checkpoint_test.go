package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// folded is the state of all events of a journal.
func folded(t testing.TB, records []journal.Record) *queue.State {
	t.Helper()
	state := queue.New(time.LoadLocation)
	for _, record := range records {
		event, err := queue.DecodeEvent(record.Data)
		if err != nil {
			t.Fatal(err)
		}
		state.Apply(event)
	}
	return state
}

// sameAsFolded wants the checkpoint to be what its events fold to, byte by byte.
func sameAsFolded(t *testing.T, j *memory) {
	t.Helper()
	_, got, _ := bytes.Cut(j.data, []byte("\n"))
	want, err := folded(t, j.records[:j.saved]).Snapshot()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the checkpoint of event %d is\n%s\nwant (%v)\n%s", j.saved, got, err, want)
	}
}

// stateOf is the engine's state as bytes, and its last event.
func stateOf(t *testing.T, e *engine.Engine) (snapshot []byte, last uint64) {
	t.Helper()
	var err error
	viewErr := e.View(t.Context(), func(s *queue.State, _ protocol.Instant) {
		snapshot, err = s.Snapshot()
		last, _ = s.Last()
	})
	if err := errors.Join(err, viewErr); err != nil {
		t.Fatal(err)
	}
	return snapshot, last
}

// TestRestartFromCheckpoint: a start from the checkpoint is like one from the first event, with the
// state, the keys before and after the checkpoint, and the next number.
func TestRestartFromCheckpoint(t *testing.T) {
	j := &memory{}
	e, stop := start(t, j)
	first, err := e.Do(t.Context(), take("k1", "t1"))
	if err != nil {
		t.Fatal(err)
	}
	state, last := stateOf(t, e)
	stop()
	if err := j.SetCheckpoint(last, append([]byte("okienko \n"), state...)); err != nil { // k1 lies before it
		t.Fatal(err)
	}
	e, stop = start(t, j)
	second, err := e.Do(t.Context(), take("k2", "t2"))
	if err != nil || number(t, second) != "A2" {
		t.Fatalf("press after a restart: %v, %v; want A2", second, err)
	}
	stop()
	j.set(func(m *memory) { m.saved, m.data = last, append([]byte("okienko \n"), state...) })
	was := j.resumed
	e, _ = start(t, j)
	if j.resumed != was+1 {
		t.Error("the checkpoint was not asked for")
	}
	for key, want := range map[string]engine.Answer{"k1": first, "k2": second} {
		again, err := e.Do(t.Context(), take(key, "other"))
		if err != nil || !again.Replayed || number(t, again) != number(t, want) {
			t.Errorf("%s asked again: %v, %v; want %s replayed", key, again, err, number(t, want))
		}
	}
	if third, err := e.Do(t.Context(), take("k3", "t3")); err != nil || number(t, third) != "A3" {
		t.Errorf("the next press: %v, %v; want A3", third, err)
	}
	got, _ := stateOf(t, e)
	if want, err := folded(t, j.records).Snapshot(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("state\n%s\nwant (%v)\n%s", got, err, want)
	}
}

// TestUselessCheckpointIsIgnored: whatever is wrong with it, the whole journal is folded, why is
// said once, and a good checkpoint takes its place.
func TestUselessCheckpointIsIgnored(t *testing.T) {
	for name, spoil := range map[string]func(m *memory){
		"damaged":       func(m *memory) { m.data = m.data[:len(m.data)-1] },
		"other-version": func(m *memory) { m.data = append([]byte("okienko 0.0.1\n"), m.data[9:]...) },
		"other-event":   func(m *memory) { m.saved++ },
		"empty":         func(m *memory) { m.data = nil },
		"inconsistent": func(m *memory) {
			m.data = bytes.Replace(m.data, []byte(`"status":"closed"`), []byte(`"status":"closed","ticket":"t9"`), 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := &memory{}
			e, stop := start(t, j)
			if _, err := e.Do(t.Context(), take("k1", "t1")); err != nil {
				t.Fatal(err)
			}
			stop()
			before := bytes.Clone(j.data)
			j.set(spoil)
			if bytes.Equal(before, j.data) && name != "other-event" {
				t.Fatal("nothing was spoilt")
			}
			saves := j.saves
			var log strings.Builder
			e, stop = startLogged(t, j, &log)
			if a, err := e.Do(t.Context(), take("k2", "t2")); err != nil || number(t, a) != "A2" {
				t.Errorf("press: %v, %v; want A2", a, err)
			}
			stop()
			if got := strings.Count(log.String(), "checkpoint not used"); got != 1 {
				t.Errorf("the reason was logged %d times:\n%s", got, log.String())
			}
			if j.saves != saves+1 {
				t.Errorf("%d checkpoints written; want 1", j.saves-saves)
			}
			sameAsFolded(t, j)
		})
	}
}

// startLogged is start with a log of the test's own, which may be read after stop.
func startLogged(t *testing.T, j engine.Journal, log *strings.Builder) (e *engine.Engine, stop func()) {
	t.Helper()
	return startOptions(t, engine.Options{
		Journal: j, Clock: officeClock{}, Logger: slog.New(slog.NewTextHandler(log, nil)),
		Zones: time.LoadLocation, Start: queue.Start{Clean: true}, Settings: settings(), Check: true,
	})
}

// TestCheckpointEvery20000Events: between two days it is the number of events that counts.
func TestCheckpointEvery20000Events(t *testing.T) {
	j := &memory{}
	e, stop := start(t, j)
	first, saves := j.saved, j.saves
	for n := 0; j.Last() < first+20_000; n++ {
		mode := []queue.IssuingMode{queue.IssuingOn, queue.IssuingAuto}[n%2]
		_, err := e.Do(t.Context(), engine.Request{
			Key: fmt.Sprint("k", n), Actor: "test", Command: queue.SetIssuing{Service: "A", Mode: mode},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	last := j.Last()
	stop()
	if j.saves != saves+1 || j.saved != last {
		t.Errorf("%d checkpoints, the last at %d; want one at %d", j.saves-saves, j.saved, last)
	}
	sameAsFolded(t, j)
	e, _ = start(t, j) // a key of the newest 5,000 events is known, an older one is not
	for n, want := range map[int]bool{19_000: true, 10: false} {
		mode := []queue.IssuingMode{queue.IssuingOn, queue.IssuingAuto}[n%2]
		a, err := e.Do(t.Context(), engine.Request{
			Key: fmt.Sprint("k", n), Actor: "test", Command: queue.SetIssuing{Service: "A", Mode: mode},
		})
		if err != nil || a.Replayed != want {
			t.Errorf("key %d: replayed %v, %v; want %v", n, a.Replayed, err, want)
		}
	}
}

// TestNoCheckpointOfMemory: what the disk does not hold is never in a checkpoint, and the day that
// began meanwhile is saved when the disk is back.
func TestNoCheckpointOfMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		morning := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
		hands := &manual{truth: morning, sync: true}
		e, _ := startWith(t, j, hands)
		saves := j.saves
		broken := errors.New("read-only file system")
		j.set(func(m *memory) { m.fail, m.blind = broken, broken })
		hands.until(morning.AddDate(0, 0, 1))
		open := engine.Request{Key: "o", Actor: "clerk:anna", Command: queue.OpenCounter{Counter: 1, Clerk: "anna"}}
		if _, err := e.Do(t.Context(), open); err != nil {
			t.Fatal(err)
		}
		if h := e.Health(); h.State != engine.Degraded || h.InMemory == 0 {
			t.Fatalf("health %+v; want degraded", h)
		}
		if j.saves != saves {
			t.Errorf("%d checkpoints on a dead disk", j.saves-saves)
		}
		j.set(func(m *memory) { m.fail, m.blind = nil, nil })
		time.Sleep(2 * time.Minute)
		if _, err := e.Do(t.Context(), take("k1", "t1")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if j.saves != saves+1 || j.saved != j.Last() {
			t.Errorf("%d checkpoints, the last at %d of %d; want one of all", j.saves-saves, j.saved, j.Last())
		}
		sameAsFolded(t, j)
	})
}
