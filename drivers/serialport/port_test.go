package serialport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"go.uber.org/goleak"

	"github.com/okienko/okienko/drivers/serialport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// socket is a name under which one device after the other is plugged in.
type socket struct {
	t    testing.TB
	path string
	far  *os.File // the device's end
}

func newSocket(t testing.TB) *socket {
	t.Helper()
	s := &socket{t: t, path: filepath.Join(t.TempDir(), "by-id")}
	t.Cleanup(func() { s.unplug() })
	return s
}

// plug connects a new device: another tty under the same name.
func (s *socket) plug() {
	s.t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	s.far = far
	if err := errors.Join(os.Symlink(near.Name(), s.path), near.Close()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) unplug() {
	if s.far == nil {
		return
	}
	if err := errors.Join(os.Remove(s.path), s.far.Close()); err != nil {
		s.t.Error(err)
	}
	s.far = nil
}

// start runs a port on the socket until the test ends.
func start(t testing.TB, s *socket) (*serialport.Port, func()) {
	t.Helper()
	p := serialport.New(serialport.Config{Path: s.path, Baud: 9600}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return p, stop
}

// await waits until the port is open (or closed) and returns its generation.
func await(t testing.TB, p *serialport.Port, open bool) uint64 {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		generation, changed := p.Opened()
		if (generation > 0) == open {
			return generation
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("the line did not become open=%v: %v", open, p.Err())
		}
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestBytesGoBothWays(t *testing.T) {
	s := newSocket(t)
	s.plug()
	p, _ := start(t, s)
	await(t, p, true)
	sent := bytes.Repeat([]byte("$001,A45#"), 100)
	got := make(chan []byte, 1)
	go func() {
		b := make([]byte, len(sent))
		_, _ = io.ReadFull(s.far, b)
		got <- b
	}()
	if n, err := p.Write(within(t, time.Second), sent); err != nil || n != len(sent) {
		t.Fatalf("wrote %d: %v", n, err)
	}
	if b := <-got; !bytes.Equal(b, sent) {
		t.Errorf("the device got %q", b)
	}
	if err := p.Drain(within(t, time.Second)); err != nil {
		t.Error(err)
	}
	if _, err := s.far.WriteString("ok"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	if n, err := p.Read(within(t, time.Second), b); err != nil || string(b[:n]) != "ok" {
		t.Errorf("read %q: %v", b[:n], err)
	}
}

func TestFlushForgets(t *testing.T) {
	s := newSocket(t)
	s.plug()
	p, _ := start(t, s)
	await(t, p, true)
	if _, err := s.far.WriteString("old"); err != nil {
		t.Fatal(err)
	}
	one := make([]byte, 1)
	if _, err := p.Read(within(t, time.Second), one); err != nil {
		t.Fatal(err)
	}
	p.Flush()
	if _, err := s.far.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	if n, err := p.Read(within(t, time.Second), b); err != nil || string(b[:n]) != "new" {
		t.Errorf("read %q: %v", b[:n], err)
	}
}

// TestSilenceIsNoHangUp: a device that says nothing for many read time-outs stays connected.
func TestSilenceIsNoHangUp(t *testing.T) {
	s := newSocket(t)
	s.plug()
	p, _ := start(t, s)
	before := await(t, p, true)
	if _, err := p.Read(within(t, time.Second), make([]byte, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	if now, _ := p.Opened(); now != before {
		t.Errorf("generation %d after silence, not %d", now, before)
	}
}

// TestReplugUnderAnotherName: row 16 for serial devices.
func TestReplugUnderAnotherName(t *testing.T) {
	s := newSocket(t)
	p, _ := start(t, s)
	if _, err := p.Write(t.Context(), []byte("x")); !errors.Is(err, serialport.ErrAbsent) {
		t.Errorf("write before the first opening: %v", err)
	}
	s.plug()
	first := await(t, p, true)
	reading := make(chan error, 1)
	go func() {
		_, err := p.Read(context.Background(), make([]byte, 1))
		reading <- err
	}()
	begun := time.Now()
	s.unplug()
	await(t, p, false)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("noticed after %v", took)
	}
	if err := <-reading; !errors.Is(err, serialport.ErrHungUp) && !errors.Is(err, serialport.ErrAbsent) {
		t.Errorf("a read in waiting ended with %v", err)
	}
	s.plug()
	if second := await(t, p, true); second <= first {
		t.Errorf("generation %d after %d", second, first)
	}
	if _, err := p.Write(t.Context(), []byte("y")); err != nil {
		t.Error(err)
	}
}

// TestStalledDevice: row 17 for serial devices. The write ends at its deadline, says how much went
// out, and the line comes back when the device reads again.
func TestStalledDevice(t *testing.T) {
	s := newSocket(t)
	s.plug()
	p, stop := start(t, s)
	first := await(t, p, true)
	long := make([]byte, 1<<20)
	begun := time.Now()
	n, err := p.Write(within(t, 300*time.Millisecond), long)
	if !errors.Is(err, serialport.ErrStalled) || n == 0 || n >= len(long) {
		t.Errorf("wrote %d: %v", n, err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	await(t, p, false)
	if !errors.Is(p.Err(), serialport.ErrStalled) {
		t.Errorf("the port says %v", p.Err())
	}
	awake := make(chan struct{})
	go func() {
		defer close(awake)
		_, _ = io.Copy(io.Discard, s.far)
	}()
	if again := await(t, p, true); again <= first {
		t.Errorf("generation %d after %d", again, first)
	}
	if _, err := p.Write(t.Context(), []byte("y")); err != nil {
		t.Error(err)
	}
	stop()
	s.unplug()
	<-awake
}

// TestCancelledWriteKillsNoLine: a caller who gives up in the middle of a message has no say over the
// line, which the next message needs.
func TestCancelledWriteKillsNoLine(t *testing.T) {
	s := newSocket(t)
	s.plug()
	p, stop := start(t, s)
	before := await(t, p, true)
	const size = 64 << 10 // more than a pty holds, so that the write is under way
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan int, 1)
	go func() {
		n, _ := p.Write(ctx, make([]byte, size))
		written <- n
	}()
	first := make([]byte, 1)
	if _, err := io.ReadFull(s.far, first); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadFull(s.far, make([]byte, size-1)); err != nil {
		t.Fatal(err)
	}
	if n := <-written; n != size {
		t.Errorf("%d of %d bytes were written", n, size)
	}
	if now, _ := p.Opened(); now != before {
		t.Errorf("the line was opened again: %d, %d", before, now)
	}
	stop()
}

// TestStopWhileStalled: Run ends although the kernel holds a write; goleak sees that the write
// ends with the device.
func TestStopWhileStalled(t *testing.T) {
	s := newSocket(t)
	s.plug()
	p, stop := start(t, s)
	await(t, p, true)
	if _, err := p.Write(within(t, 100*time.Millisecond), make([]byte, 1<<20)); !errors.Is(err, serialport.ErrStalled) {
		t.Error(err)
	}
	stop()
	s.unplug()
}

// TestManyCycles unplugs and plugs in a thousand times; nothing may be left of any of them.
func TestManyCycles(t *testing.T) {
	const ports, cycles = 50, 20
	before := descriptors(t)
	t.Run("cycles", func(t *testing.T) {
		var wg sync.WaitGroup
		defer wg.Wait()
		for range ports {
			s := newSocket(t)
			p, stop := start(t, s)
			wg.Go(func() {
				defer stop()
				for range cycles {
					s.plug()
					await(t, p, true)
					_, _ = p.Write(t.Context(), []byte("A45"))
					s.unplug()
					await(t, p, false)
				}
			})
		}
	})
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
