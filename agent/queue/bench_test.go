package queue

import (
	"fmt"
	"testing"
	"time"

	"github.com/okienko/okienko/protocol"
)

// busyState has 200 people waiting and an open counter.
func busyState(b *testing.B) (*State, protocol.Instant) {
	b.Helper()
	s := New(time.LoadLocation)
	now := clockTime(9, 0)
	apply := func(cmd Command) {
		events, err := s.Decide(cmd, now, Cause{})
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			s.Apply(e)
		}
	}
	apply(Configure{Settings: testSettings()})
	apply(Start{})
	apply(OpenCounter{Counter: 2})
	for i := range 200 {
		now = now.Add(time.Second)
		service := []protocol.ServiceID{"A", "B", "C"}[i%3]
		apply(Take{ID: protocol.TicketID(fmt.Sprint("t", i)), Service: service, Priority: i%20 == 0})
	}
	return s, now
}

func benchmarkCommand(b *testing.B, command func(i int) Command) {
	b.Helper()
	s, now := busyState(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if i%100 == 0 {
			b.StopTimer()
			s, now = busyState(b)
			b.StartTimer()
		}
		events, err := s.Decide(command(i), now, Cause{Key: "k", Actor: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			s.Apply(e)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	benchmarkCommand(b, func(i int) Command {
		return Take{ID: protocol.TicketID(fmt.Sprint("x", i)), Service: "A"}
	})
}

func BenchmarkNext(b *testing.B) {
	benchmarkCommand(b, func(int) Command { return Next{Counter: 2} })
}

func BenchmarkEncodeEvent(b *testing.B) {
	e := takenEvent()
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendEvent(buf[:0], e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEvent(b *testing.B) {
	line, err := EncodeEvent(takenEvent())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeEvent(line); err != nil {
			b.Fatal(err)
		}
	}
}

func takenEvent() Event {
	return Event{
		Seq: 123456, At: 1_795_000_000_000, Cause: Cause{Key: "01J9ZK4D1N0000000000", Actor: "kiosk"},
		Body: TicketTaken{
			Ticket: "01J9ZK4D1N", Number: protocol.TicketNumber{Letter: "A", N: 45}, Service: "A",
			Class: WalkIn, Base: 1_795_000_000_000, Language: "pl", Ahead: 12,
			Wait:      &Wait{Low: 600, High: 1500},
			TokenHash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		},
	}
}

// BenchmarkReplay100k decodes and applies 100,000 events of ordinary days.
func BenchmarkReplay100k(b *testing.B) {
	lines := history(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		s := New(time.LoadLocation)
		for _, line := range lines {
			e, err := DecodeEvent(line)
			if err != nil {
				b.Fatal(err)
			}
			s.Apply(e)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(lines)), "ns/event")
}

// history is n events: 400 visitors a day, taken, called and served.
func history(b *testing.B, n int) [][]byte {
	b.Helper()
	s := New(time.LoadLocation)
	now := clockTime(8, 0)
	var lines [][]byte
	apply := func(cmd Command) {
		events, err := s.Decide(cmd, now, Cause{Key: "k", Actor: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			line, err := EncodeEvent(e)
			if err != nil {
				b.Fatal(err)
			}
			lines = append(lines, line)
			s.Apply(e)
		}
	}
	apply(Configure{Settings: testSettings()})
	apply(Start{})
	apply(OpenCounter{Counter: 1})
	for i := 0; len(lines) < n; i++ {
		if i%400 == 399 {
			now = now.Add(24*time.Hour - 399*time.Minute)
			apply(Tick{})
		}
		now = now.Add(time.Minute)
		apply(Take{ID: protocol.TicketID(fmt.Sprint("t", i)), Service: "A", Override: true})
		if i%400 > 20 {
			apply(Next{Counter: 1})
		}
	}
	return lines[:n]
}
