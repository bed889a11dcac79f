package printer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/paper"
)

// openPair makes a pseudo-terminal and closes it with the test.
func openPair(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = slave.Close()
		_ = master.Close()
	})
	return master, slave
}

func TestSerialSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, address string
		speed         uint32
		cflag, iflag  uint32 // of CRTSCTS and IXON|IXOFF
	}{
		{"defaults", "serial:%", unix.B19200, unix.CRTSCTS, 0},
		{"profile", "serial:%?flow=none", unix.B38400, 0, 0},
		{"address", "serial:%?baud=115200&flow=xonxoff", unix.B115200, 0, unix.IXON | unix.IXOFF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, slave := openPair(t)
			line := escpos.Serial{}
			if tt.name == "profile" {
				line = escpos.Serial{Baud: 38400, Flow: flowHardware}
			}
			address := filepath.Join("serial:"+slave.Name()) + tt.address[len("serial:%"):]
			transport, err := NewTransport(address, line)
			if err != nil {
				t.Fatal(err)
			}
			port, err := transport.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = port.Close() }()
			got, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			if got.Cflag&unix.CBAUD != tt.speed || got.Cflag&unix.CRTSCTS != tt.cflag {
				t.Errorf("cflag %#x", got.Cflag)
			}
			if got.Cflag&(unix.CSIZE|unix.PARENB|unix.CSTOPB) != unix.CS8 {
				t.Errorf("not 8N1: cflag %#x", got.Cflag)
			}
			if got.Iflag != tt.iflag || got.Lflag != 0 || got.Oflag != 0 || got.Cc[unix.VMIN] != 1 {
				t.Errorf("not raw: %+v", got)
			}
		})
	}
}

func TestSerialIsNotAnyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if port, err := (serial{path: path, baud: 9600, flow: flowNone}).Open(t.Context()); err == nil {
		t.Errorf("a plain file was opened as %v", port)
	}
}

// TestCloseEndsRead is what tarm/serial cannot do (reference/hardware.md 1.2).
func TestCloseEndsRead(t *testing.T) {
	t.Parallel()
	_, slave := openPair(t)
	port, err := serial{path: slave.Name(), baud: 9600, flow: flowNone}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := port.Read(make([]byte, 1))
		ended <- err
	}()
	if err := port.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("read returned without an error")
	}
}

// TestStalledWriteCountsBytes: nobody reads, the deadline gives control back with the exact count.
func TestStalledWriteCountsBytes(t *testing.T) {
	t.Parallel()
	master, slave := openPair(t)
	port, err := serial{path: slave.Name(), baud: 9600, flow: flowNone}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := port.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := port.Write(make([]byte, 100_000))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n <= 0 || n >= 100_000 {
		t.Fatalf("write: %d, %v", n, err)
	}
	got := make(chan int, 1)
	go func() {
		received, _ := io.Copy(io.Discard, io.LimitReader(master, int64(n)))
		got <- int(received)
	}()
	if received := <-got; received != n {
		t.Errorf("%d bytes arrived, %d were reported", received, n)
	}
	if err := port.Close(); err != nil {
		t.Error(err)
	}
}

// fakeUSB stands for the kernel's usblp on top of a pseudo-terminal.
type fakeUSB struct {
	mu   sync.Mutex
	bits int
	busy bool
	err  error
}

func (f *fakeUSB) set(bits int, busy bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bits, f.busy, f.err = bits, busy, err
}

func (f *fakeUSB) status(int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bits, f.err
}

func (f *fakeUSB) writable(int) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.busy, f.err
}

func openUSB(t *testing.T, kernel usbKernel) (*usbPort, *os.File) {
	t.Helper()
	master, slave := openPair(t)
	prepare := serial{path: slave.Name(), baud: 9600, flow: flowNone}
	if err := prepare.prepare(int(slave.Fd())); err != nil { // raw mode; usblp has none
		t.Fatal(err)
	}
	port, err := usb{path: slave.Name(), kernel: kernel}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port.(*usbPort), master
}

func TestUSBStatusLines(t *testing.T) {
	t.Parallel()
	steps := []struct {
		name  string
		bits  int
		want  Lines
		known bool
	}{
		{"nothing-wired", 0x00, Lines{}, false},
		{"paper-out-is-believed", 0x20, Lines{PaperOut: true}, true},
		{"ready", 0x18, Lines{}, true},
		{"error", 0x10, Lines{Error: true}, true},
		{"not-selected", 0x08, Lines{Offline: true}, true},
		{"paper-out", 0x38, Lines{PaperOut: true}, true},
	}
	kernel := &fakeUSB{}
	port, _ := openUSB(t, kernel)
	for _, step := range steps {
		kernel.set(step.bits, false, nil)
		got, known, err := port.Lines()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" || known != step.known {
			t.Errorf("%s: known %v (-want +got):\n%s", step.name, known, diff)
		}
	}
	kernel.set(0, false, unix.ENODEV)
	if _, _, err := port.Lines(); !errors.Is(err, unix.ENODEV) {
		t.Errorf("a vanished device: %v", err)
	}
}

// TestUSBPrinter drives usblp's logic end to end for a printer that answers nothing but its status
// lines: bytes in flight are not yet printed, and paper out is seen without any reply.
func TestUSBPrinter(t *testing.T) {
	t.Parallel()
	kernel := &fakeUSB{bits: 0x18}
	master, slave := openPair(t)
	if err := (serial{baud: 9600, flow: flowNone}).prepare(int(slave.Fd())); err != nil {
		t.Fatal(err)
	}
	received := make(chan int, 1)
	go func() {
		n, _ := io.Copy(io.Discard, master)
		received <- int(n)
	}()
	profile, err := escpos.LoadProfile("generic-80", nil)
	if err != nil {
		t.Fatal(err)
	}
	profile.Status.Dialect = dialectNone
	profile.Completion = []string{proofNone}
	p, err := New(usb{path: slave.Name(), kernel: kernel}, Config{Profile: profile, Options: Options{
		Poll: 20 * time.Millisecond, Job: 2 * time.Second, Stall: 200 * time.Millisecond,
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	slip := paper.Document{Elements: []paper.Element{paper.Text{Value: "A45"}}}

	awaitReason(t, p, "")
	if r := p.Print(t.Context(), slip); r.Outcome != drivers.Printed || r.Grade != drivers.GradeBytes {
		t.Errorf("print: %+v", r)
	}
	kernel.set(0x18, true, nil) // the printer takes no more
	if r := p.Print(t.Context(), slip); r.Outcome != drivers.Unknown || r.Reason != ReasonStalled {
		t.Errorf("print with bytes stuck in flight: %+v", r)
	}
	kernel.set(0x38, false, nil)
	awaitReason(t, p, ReasonPaperOut)
	if r := p.Print(t.Context(), slip); r.Outcome != drivers.NotStarted || r.Reason != ReasonPaperOut {
		t.Errorf("print without paper: %+v", r)
	}
	kernel.set(0, false, unix.ENODEV)
	awaitReason(t, p, ReasonUnplugged)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_ = slave.Close()
	_ = master.Close()
	<-received
}

func awaitReason(t *testing.T, p *Printer, reason string) {
	t.Helper()
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	for {
		changed := p.Changed()
		h := p.Health()
		if h.Reason == reason {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			t.Fatalf("still %+v, want %q", h, reason)
		}
	}
}

// fakePort counts what is written and when.
type fakePort struct {
	mu     sync.Mutex
	writes []time.Time
	sizes  []int
	closed chan struct{}
}

func newFakePort() *fakePort { return &fakePort{closed: make(chan struct{})} }

func (f *fakePort) Read([]byte) (int, error) {
	<-f.closed
	return 0, os.ErrClosed
}

func (f *fakePort) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes = append(f.writes, time.Now())
	f.sizes = append(f.sizes, len(b))
	return len(b), nil
}

func (f *fakePort) Close() error {
	close(f.closed)
	return nil
}

func (f *fakePort) SetWriteDeadline(time.Time) error { return nil }

// TestPaceWithoutFlowControl: a buffer's worth, then a pause, so that nothing is overrun.
func TestPaceWithoutFlowControl(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		port := newFakePort()
		l := newLine(port, 960, escpos.Serial{Flow: flowNone, RxBuffer: 96, Pace: time.Second}, time.Second)
		if n, err := l.write(t.Context(), make([]byte, 200)); n != 200 || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]int{96, 96, 8}, port.sizes); diff != "" {
			t.Errorf("pieces (-want +got):\n%s", diff)
		}
		// 96 bytes take 0.1 s on the line and a second on the paper.
		if gap := port.writes[1].Sub(port.writes[0]); gap != 1100*time.Millisecond {
			t.Errorf("pause of %v", gap)
		}
	})
}

func TestWriteEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(newFakePort(), 960, escpos.Serial{Flow: flowNone, RxBuffer: 96, Pace: time.Second}, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		n, err := l.write(ctx, make([]byte, 1000))
		if !errors.Is(err, context.DeadlineExceeded) || n != 192 {
			t.Errorf("write: %d, %v", n, err)
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
}

// TestAnswersMayWaitBehindThePicture: what is on a slow line delays every answer.
func TestAnswersMayWaitBehindThePicture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(newFakePort(), 960, escpos.Serial{}, time.Second)
		if _, err := l.write(t.Context(), make([]byte, 2*960)); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err := l.ask(t.Context(), escpos.QueryPaper, 500*time.Millisecond)
		if took := time.Since(begun); !errors.Is(err, errSilence) || took < 2500*time.Millisecond {
			t.Errorf("gave up after %v: %v", took, err)
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
}
