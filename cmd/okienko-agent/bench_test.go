package main_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// BenchmarkRSS10k issues 10,000 tickets to the real agent, each called at a counter, and reports
// the agent's resident memory at the end: all of it, and what of it is not the journal's file.
func BenchmarkRSS10k(b *testing.B) {
	const tickets = 10_000
	for b.Loop() {
		agent := newBranch(b, withoutPrinter)
		agent.start()
		for counter := 1; counter <= 2; counter++ {
			agent.must(b, http.StatusOK, fmt.Sprintf("/api/v1/counters/%d/open", counter), "clerk", nil)
		}
		var wg sync.WaitGroup
		var n atomic.Int64
		for range 8 {
			wg.Go(func() {
				for i := n.Add(1); i <= tickets; i = n.Add(1) {
					agent.must(b, http.StatusCreated, "/api/v1/tickets", "kiosk", map[string]string{"service": "A", "language": "pl"})
					agent.must(b, http.StatusOK, fmt.Sprintf("/api/v1/counters/%d/next", 1+i%2), "clerk", nil)
				}
			})
		}
		wg.Wait()
		b.ReportMetric(agent.memory(b, "VmRSS:"), "rss-MB")
		b.ReportMetric(agent.memory(b, "RssAnon:"), "anon-MB")
		agent.kill()
	}
}

// must makes one request and fails unless it is answered as wanted.
func (b *branch) must(tb testing.TB, want int, path, role string, body any) {
	tb.Helper()
	status, answer, err := b.send(tb.Context(), http.MethodPost, path, role, rand.Text(), body)
	if err != nil || status != want {
		tb.Errorf("%s: %d %s %v", path, status, answer, err)
	}
}

// memory reads a figure of the agent in MB from /proc/PID/status (proc(5)).
func (b *branch) memory(tb testing.TB, name string) float64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.process.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == name {
			kb, err := strconv.Atoi(fields[1])
			if err != nil {
				tb.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	tb.Fatalf("no %s in /proc/PID/status", name)
	return 0
}

// BenchmarkPressToFirstByte measures from the POST to the first byte of the ticket (ESC @) on the
// pty: commit, journal read, layout, status round and encoding included.
func BenchmarkPressToFirstByte(b *testing.B) {
	line := openLine(b)
	agent := newBranch(b, line.path)
	agent.start()
	var took []time.Duration
	n := 0
	for b.Loop() {
		n++
		begun := time.Now()
		status, body, err := agent.send(b.Context(), http.MethodPost, "/api/v1/tickets", "kiosk", fmt.Sprint("press-", n),
			map[string]string{"service": "A", "language": "pl"})
		if err != nil || status != http.StatusCreated {
			b.Fatalf("press %d: %d %s %v", n, status, body, err)
		}
		took = append(took, (<-line.first).Sub(begun))
		<-line.done
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkCall measures from the clerk's POST to the number on a board on SPI and one on RS-485 (9600
// baud, Modbus), and to the first sample at the program that plays.
func BenchmarkCall(b *testing.B) {
	agent := newBranch(b, withoutPrinter)
	spi, rs485 := withBoards(b, agent)
	pack, fifo := filepath.Join(agent.dir, "voice"), filepath.Join(agent.dir, "sound")
	agent.okay("voice", "build", "--language", "pl", "--out", pack)
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		b.Fatal(err)
	}
	agent.configure(fmt.Sprintf("voice:\n  output: command\n  command: [tee, %q]\n  pack: %q\n", fifo, pack))
	agent.start()
	for counter := 1; counter <= 2; counter++ {
		agent.must(b, http.StatusOK, fmt.Sprintf("/api/v1/counters/%d/open", counter), "clerk", nil)
	}
	var shown, heard [3][]time.Duration
	n := 0
	for b.Loop() {
		n++
		counter := 1 + n%2
		agent.must(b, http.StatusCreated, "/api/v1/tickets", "kiosk", map[string]string{"service": "A", "language": "pl"})
		sound := firstSample(b, fifo)
		text := func() string { return spi.Picture().Text() }
		changed := spi.Changed
		if counter == 2 {
			text, changed = rs485.Text, rs485.Changed
		}
		begun := time.Now()
		agent.must(b, http.StatusOK, fmt.Sprintf("/api/v1/counters/%d/next", counter), "clerk", nil)
		for next := changed(); strings.TrimSpace(text()) != fmt.Sprint("A", n); next = changed() {
			<-next
		}
		shown[counter] = append(shown[counter], time.Since(begun))
		heard[counter] = append(heard[counter], (<-sound).Sub(begun))
		<-sound // the player has ended
	}
	report := func(took []time.Duration, name string) {
		slices.Sort(took)
		if len(took) > 0 {
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, name+"-p99-ms")
		}
	}
	report(shown[1], "spi")
	report(shown[2], "rs485")
	report(append(heard[1], heard[2]...), "sound")
}

// firstSample opens the end of a FIFO where the player writes and tells when the first bytes came, and
// when the last.
func firstSample(b *testing.B, fifo string) <-chan time.Time {
	b.Helper()
	came := make(chan time.Time, 2)
	go func() {
		defer close(came)
		f, err := os.Open(fifo)
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = f.Close() }()
		first := make([]byte, 46) // one sample behind a WAV file's head
		if _, err := io.ReadFull(f, first); err != nil {
			b.Error(err)
		}
		came <- time.Now()
		_, _ = io.Copy(io.Discard, f)
		came <- time.Now()
	}()
	return came
}

// line is a bare pty that answers as a healthy printer does and takes the time of a ticket's
// first byte.
type line struct {
	path        string
	first, done chan time.Time
}

func openLine(b *testing.B) *line {
	b.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = master.Close(); _ = slave.Close() })
	raw, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		b.Fatal(err)
	}
	raw.Iflag, raw.Oflag, raw.Lflag = 0, 0, 0
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, raw); err != nil {
		b.Fatal(err)
	}
	l := &line{path: slave.Name(), first: make(chan time.Time, 1), done: make(chan time.Time, 1)}
	go l.serve(master)
	return l
}

// serve answers DLE EOT 1–4 (all healthy) and GS ( H function 48 (Epson's process id response).
func (l *line) serve(master *os.File) {
	var seen []byte
	buf := make([]byte, 4096)
	printing := false
	for {
		n, err := master.Read(buf)
		if err != nil {
			return
		}
		now := time.Now()
		seen = append(seen, buf[:n]...)
		if !printing && bytes.Contains(seen, []byte{0x1B, 0x40}) {
			printing = true
			l.first <- now
		}
		for {
			at, size, answer := request(seen)
			if at < 0 {
				break
			}
			_, _ = master.Write(answer)
			cut := printing && bytes.Contains(seen[:at], []byte{0x1D, 0x56})
			seen = seen[at+size:]
			if cut {
				printing = false
				l.done <- now
			}
		}
	}
}

// request finds the first complete status request and what a healthy printer answers.
func request(b []byte) (at, size int, answer []byte) {
	for i := range b {
		rest := b[i:]
		switch {
		case len(rest) >= 3 && rest[0] == 0x10 && rest[1] == 0x04:
			if rest[2] == 1 {
				return i, 3, []byte{0x16}
			}
			return i, 3, []byte{0x12}
		case len(rest) >= 11 && bytes.HasPrefix(rest, []byte{0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30}):
			return i, 11, append(append([]byte{0x37, 0x22}, rest[7:11]...), 0)
		}
	}
	return -1, 0, nil
}
