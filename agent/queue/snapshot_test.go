package queue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/okienko/okienko/protocol"
)

// diffFacts compares two states all through.
func diffFacts(a, b *State) string {
	all := cmp.Exporter(func(reflect.Type) bool { return true })
	zones := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	return cmp.Diff(a.facts, b.facts, all, zones, cmpopts.EquateEmpty())
}

// save takes a snapshot, and wants Restore to give the present state back from it.
func (w *walk) save() {
	w.t.Helper()
	data, err := w.s.Snapshot()
	if err != nil {
		w.fail("%v", err)
	}
	back, err := Restore(time.LoadLocation, data)
	if err != nil {
		w.fail("%v", err)
	}
	w.same(w.s, back)
	if again, err := back.Snapshot(); err != nil || !bytes.Equal(again, data) {
		w.fail("snapshot of the restored state (%v)\n%s\ninstead of\n%s", err, again, data)
	}
	w.saved = data
}

// resume is a restart from the last snapshot and the events after it.
func (w *walk) resume() *State {
	w.t.Helper()
	s, err := Restore(time.LoadLocation, w.saved)
	if err != nil {
		w.fail("%v", err)
	}
	for _, line := range w.lines[s.last:] {
		e, err := DecodeEvent(line)
		if err != nil {
			w.fail("%v", err)
		}
		s.Apply(e)
	}
	if err := s.Check(); err != nil {
		w.fail("%v", err)
	}
	return s
}

// TestSnapshotWalk saves after nearly every command and at times goes on from what was saved.
func TestSnapshotWalk(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 10))
		w := newWalk(t, starts()[seed%5], random.IntN)
		w.deep = true
		for n := range 300 {
			w.roam()
			if n%3 == 0 {
				w.save()
			}
			if n%50 == 49 {
				w.s = w.resume()
			}
		}
		w.restart()
	}
}

// TestSnapshotOfNothing: a state before its first event can be saved, too.
func TestSnapshotOfNothing(t *testing.T) {
	data, err := New(time.LoadLocation).Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Restore(time.LoadLocation, data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffFacts(New(time.LoadLocation), s); diff != "" {
		t.Errorf("(-new +restored)\n%s", diff)
	}
}

// TestSnapshotOfACounterJustGone: the last command belongs to a counter that it took away, and
// other counters have commands of their own.
func TestSnapshotOfACounterJustGone(t *testing.T) {
	b := newBranch(t, nil)
	b.do(OpenCounter{Counter: 2, Clerk: "jan"})
	b.take("a", "A")
	b.next(2, "a")
	settings := testSettings()
	settings.Counters = slices.DeleteFunc(settings.Counters, func(c protocol.Counter) bool { return c.ID == 2 })
	b.do(Configure{Settings: settings})
	b.do(Finish{Counter: 2})
	data, err := b.s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Restore(time.LoadLocation, data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffFacts(b.s, back); diff != "" {
		t.Errorf("(-saved +restored)\n%s", diff)
	}
}

// sampleSnapshot is the snapshot of a branch in the middle of its day.
func sampleSnapshot(t testing.TB) []byte {
	t.Helper()
	b := newBranch(t, nil)
	for _, id := range []string{"a", "b", "c", "d"} {
		b.take(id, "A")
	}
	b.do(SetBooking{Booking: bookingAt("k1", 13, 0)})
	b.next(1, "a")
	b.noShow(1)
	b.next(1, "b")
	b.next(1, "a")
	data, err := b.s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRestoreRefuses(t *testing.T) {
	good := string(sampleSnapshot(t))
	if _, err := Restore(time.LoadLocation, []byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":           "",
		"null":            "null",
		"cut":             good[:len(good)-1],
		"garbage-after":   good + "x",
		"newline":         good + "\n",
		"other-version":   strings.Replace(good, `"version":1`, `"version":2`, 1),
		"unknown-field":   strings.Replace(good, `"version":1`, `"version":1,"x":1`, 1),
		"repeated-field":  strings.Replace(good, `"version":1`, `"version":1,"version":1`, 1),
		"missing-field":   strings.Replace(good, `"version":1,`, ``, 1),
		"no-settings":     good[:strings.Index(good, `"settings"`)] + good[strings.Index(good, `"office"`):],
		"state-unlike":    strings.Replace(good, `"state":"waiting"`, `"state":"called"`, 1),
		"number-twice":    strings.Replace(good, `"number":"A2"`, `"number":"A1"`, 1),
		"ticket-twice":    strings.Replace(good, `"id":"b"`, `"id":"a"`, 1),
		"bond-to-nowhere": strings.Replace(good, `"state":"waiting"`, `"state":"waiting","bound":99`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if text == good {
				t.Fatal("the case changes nothing")
			}
			if _, err := Restore(time.LoadLocation, []byte(text)); err == nil {
				t.Errorf("%s was restored", text)
			}
		})
	}
}

// TestSnapshotOfADayIsSmall keeps a checkpoint cheap: the snapshot of a day just opened holds no
// tickets, and its bookings stay below 512 bytes each.
func TestSnapshotOfADayIsSmall(t *testing.T) {
	b := newBranch(t, nil)
	const bookings = 500
	for n := range bookings {
		k := bookingAt(fmt.Sprintf("booking-with-a-long-name-%d", n), 13, 0)
		k.Number = protocol.TicketNumber{}
		b.do(SetBooking{Booking: k})
	}
	data, err := b.s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if limit := 8<<10 + 512*bookings; len(data) > limit {
		t.Errorf("%d bytes for %d bookings; want at most %d", len(data), bookings, limit)
	}
}

// FuzzRestore: any bytes give an error or a state that passes Check and is written again as it was.
func FuzzRestore(f *testing.F) {
	f.Add(sampleSnapshot(f))
	random := rand.New(rand.NewPCG(7, 7))
	w := newWalk(f, starts()[0], random.IntN)
	w.wander(60)
	w.save()
	f.Add(w.saved)
	empty, err := json.Marshal(saved{Version: snapshotVersion})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(empty)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Restore(time.LoadLocation, data)
		if err != nil {
			return
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if again, err := s.Snapshot(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("read %s\nwrote %s (%v)", data, again, err)
		}
	})
}

// BenchmarkSnapshot saves and restores a day just opened with 3,000 bookings, a large branch's.
func BenchmarkSnapshot(b *testing.B) {
	k := newBranch(b, nil)
	for n := range 3000 {
		booking := bookingAt(fmt.Sprintf("booking-%d", n), 13, 0)
		booking.Day, booking.Hour = dayAfter(booking.Day, 1+n%30), booking.Hour.Add(time.Duration(1+n%30)*24*time.Hour)
		k.do(SetBooking{Booking: booking})
	}
	data, err := k.s.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.s.Snapshot(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(data)), "bytes")
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := Restore(time.LoadLocation, data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
