package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// benchEngine runs a whole engine on a real journal.
func benchEngine(b *testing.B) *engine.Engine {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	j, _, err := journal.Open(b.Context(), journal.Options{Dir: b.TempDir(), Logger: log, BallastBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	e := engine.New(engine.Options{
		Journal: j, Clock: officeClock{}, Logger: log, Zones: time.LoadLocation,
		Start: queue.Start{Clean: true}, Settings: settings(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		if err := j.Close(); err != nil {
			b.Error(err)
		}
	})
	<-e.Ready()
	return e
}

// hall takes tickets and empties itself off the clock, so that every measured ticket meets a queue
// of an ordinary length.
type hall struct {
	engine *engine.Engine
	taken  int // since the start
	inside int // since the hall was emptied
}

// crowd is how many wait before the hall is emptied.
const crowd = 192

// visit lets clients kiosks, each with one visitor after the other, issue n tickets in all.
func (h *hall) visit(b *testing.B, clients, n int) {
	b.Helper()
	h.each(b, clients, h.taken, n, func(i int) error {
		_, err := h.engine.Do(b.Context(), take(fmt.Sprint("k", i), fmt.Sprint("ticket-", i)))
		return err
	})
	h.taken += n
	if h.inside += n; h.inside < crowd {
		return
	}
	b.StopTimer()
	h.each(b, crowd, h.taken-h.inside, h.inside, func(i int) error {
		_, err := h.engine.Do(b.Context(), engine.Request{
			Actor: "clerk:anna", Command: queue.Cancel{Ticket: protocol.TicketID(fmt.Sprint("ticket-", i)), Reason: "bench"},
		})
		return err
	})
	h.inside = 0
	b.StartTimer()
}

// each runs f for n numbers from first on, by clients that work side by side.
func (h *hall) each(b *testing.B, clients, first, n int, f func(int) error) {
	b.Helper()
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := first + c; i < first+n; i += clients {
				if err := f(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkTicket compares one durable ticket with what the disk and bbolt cost by themselves.
func BenchmarkTicket(b *testing.B) {
	b.Run("engine", func(b *testing.B) {
		e := benchEngine(b)
		hall := &hall{engine: e}
		for b.Loop() {
			hall.visit(b, 1, 1)
		}
	})
	b.Run("bbolt", func(b *testing.B) {
		db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		value := make([]byte, 300)
		var n uint64
		for b.Loop() {
			n++
			err := db.Update(func(tx *bbolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists([]byte("records"))
				if err != nil {
					return err
				}
				return bucket.Put(binary.BigEndian.AppendUint64(nil, n), value)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write4k", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		block := make([]byte, 4096)
		var at int64
		for b.Loop() {
			if _, err := f.WriteAt(block, at); err != nil {
				b.Fatal(err)
			}
			if err := unix.Fdatasync(int(f.Fd())); err != nil {
				b.Fatal(err)
			}
			at += int64(len(block))
		}
	})
}

// BenchmarkClients shows what sharing commits is worth: the time per ticket with one client and
// with 64 at once.
func BenchmarkClients(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			hall := &hall{engine: benchEngine(b)}
			for b.Loop() {
				hall.visit(b, clients, crowd)
			}
			tickets := float64(b.N * crowd)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/tickets, "ns/ticket")
		})
	}
}

// BenchmarkReplay100k folds a journal of 100,000 events, as a restart does.
func BenchmarkReplay100k(b *testing.B) {
	const events = 100_000
	log := slog.New(slog.DiscardHandler)
	j, _, err := journal.Open(b.Context(), journal.Options{Dir: b.TempDir(), Logger: log, BallastBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	fill(b, j, events)
	for b.Loop() {
		state := queue.New(time.LoadLocation)
		for record, err := range j.Read(1) {
			if err != nil {
				b.Fatal(err)
			}
			event, err := queue.DecodeEvent(record.Data)
			if err != nil {
				b.Fatal(err)
			}
			state.Apply(event)
		}
		if seq, _ := state.Last(); seq < events {
			b.Fatalf("folded %d events", seq)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/100k")
}

// fill writes many office days of takes, calls and finishes.
func fill(b *testing.B, j *journal.Journal, events uint64) {
	b.Helper()
	state := queue.New(time.LoadLocation)
	morning := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	now := protocol.InstantOf(morning)
	var records []journal.Record
	do := func(c queue.Command) {
		made, err := state.Decide(c, now, queue.Cause{Key: fmt.Sprint("key-", now), Print: "0011223344556677", Actor: "clerk:anna"})
		if err != nil {
			b.Fatalf("%T at %v: %v", c, now.Time(), err)
		}
		for _, event := range made {
			state.Apply(event)
			data, err := queue.EncodeEvent(event)
			if err != nil {
				b.Fatal(err)
			}
			records = append(records, journal.Record{Seq: event.Seq, At: int64(event.At), Day: string(state.Office().Day), Data: data})
		}
	}
	do(queue.Start{})
	do(queue.Configure{Settings: settings()})
	for n := 0; ; n++ {
		seq, _ := state.Last()
		if len(records) > 1000 || seq >= events {
			if err := j.Append(b.Context(), records); err != nil {
				b.Fatal(err)
			}
			records = records[:0]
		}
		if seq >= events {
			return
		}
		if n%400 == 0 { // the next office day
			morning = morning.AddDate(0, 0, 1)
			now = protocol.InstantOf(morning)
			do(queue.Tick{})
			if c, _ := state.Counter(1); c.Status != queue.CounterIsOpen {
				do(queue.OpenCounter{Counter: 1, Clerk: "anna"})
			}
		}
		now = now.Add(time.Minute / 2)
		do(queue.Take{ID: protocol.TicketID(fmt.Sprint("T", n)), Service: "A", Language: "pl"})
		do(queue.Next{Counter: 1})
	}
}

// forgetful is a journal that keeps no checkpoint.
type forgetful struct{ *journal.Journal }

func (forgetful) Checkpoint() (seq uint64, data []byte, err error) { return 0, nil, nil }

// BenchmarkRestart starts an engine on a journal of 100,000 events until it takes commands.
func BenchmarkRestart(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	j, _, err := journal.Open(b.Context(), journal.Options{Dir: b.TempDir(), Logger: log, BallastBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	fill(b, j, 100_000)
	for _, bb := range []struct {
		name    string
		journal engine.Journal
	}{{"whole", forgetful{j}}, {"checkpoint", j}} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				restart(b, bb.journal)
			}
		})
	}
}

// restart runs an engine until it is ready.
func restart(b *testing.B, j engine.Journal) {
	b.Helper()
	e := engine.New(engine.Options{
		Journal: j, Clock: officeClock{}, Logger: slog.New(slog.DiscardHandler), Zones: time.LoadLocation,
		Start: queue.Start{Clean: true}, Settings: settings(),
	})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	select {
	case <-e.Ready():
	case err := <-done:
		b.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
