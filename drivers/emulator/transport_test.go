package emulator

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers/emulator/terminal"
)

// limited is a context for what really takes time; running into it fails the test.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// start runs a transport and fails the test if it does not end with ctx and without error.
func start(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("transport: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("transport did not stop")
		}
	})
}

// openTTY opens a port as a driver does: non-blocking, so that deadlines work.
func openTTY(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return f
}

func exchange(t *testing.T, rw io.ReadWriter, data, want string) {
	t.Helper()
	if _, err := io.WriteString(rw, data); err != nil {
		t.Fatalf("write: %v", err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(rw, got); err != nil || string(got) != want {
		t.Fatalf("read % X, %v; want % X", got, err, want)
	}
}

// everyByte holds all 256 values as raster, so that a tty that is not raw would spoil some.
func everyByte() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return "\x1dv0\x00\x01\x00\x00\x01" + string(all)
}

func TestPTY(t *testing.T) {
	p := New(Options{})
	link := filepath.Join(t.TempDir(), "usb-printer")
	port, err := p.OpenPTY(link)
	if err != nil {
		t.Fatal(err)
	}
	start(t, port.Run)

	tty := openTTY(t, port.Path())
	job := everyByte() + cp852 + zazolc + "\n" + askID + "\x1dV\x00"
	exchange(t, tty, job, ackID)
	exchange(t, tty, "\x10\x04\x01\x10\x04\x04", "\x16\x12")
	if err := p.WaitTickets(limited(t), 1); err != nil {
		t.Fatal(err)
	}
	got := p.Tickets()[0]
	if string(got.Bytes) != job || cmp.Diff([]string{zazolcPL}, got.Lines) != "" {
		t.Errorf("ticket %q, bytes % X", got.Lines, got.Bytes)
	}

	if err := tty.Close(); err != nil { // the agent is killed and comes back
		t.Fatal(err)
	}
	exchange(t, openTTY(t, port.Path()), "\x10\x04\x01", "\x16")
}

func TestPTYUnplug(t *testing.T) {
	p := New(Options{})
	link := filepath.Join(t.TempDir(), "usb-printer")
	port, err := p.OpenPTY(link)
	if err != nil {
		t.Fatal(err)
	}
	start(t, port.Run)
	tty := openTTY(t, link)
	exchange(t, tty, "\x10\x04\x01", "\x16")
	before, err := os.Readlink(link)
	if err != nil {
		t.Fatal(err)
	}

	p.Unplug()
	n, err := tty.Read(make([]byte, 1))
	if n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("after unplugging read %d, %v; want a hang-up", n, err)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := os.Lstat(link); return errors.Is(err, os.ErrNotExist) })

	keep, err := New(Options{}).OpenPTY("") // takes the number that has become free
	if err != nil {
		t.Fatal(err)
	}
	start(t, keep.Run)
	p.Replug()
	waitFor(t, func() bool { _, err := os.Stat(link); return err == nil })
	exchange(t, openTTY(t, link), "\x10\x04\x01", "\x16")
	if after, err := os.Readlink(link); err != nil || after == before && keep.Path() != before {
		t.Errorf("link leads to %q again, %v", after, err)
	}
}

// waitFor polls what only the file system knows.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx := limited(t); !ok(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("waited in vain")
		}
	}
}

// TestPTYForgetsExclusiveMode: an agent that was killed must not lock its successor out.
func TestPTYForgetsExclusiveMode(t *testing.T) {
	port, err := New(Options{}).OpenPTY("")
	if err != nil {
		t.Fatal(err)
	}
	start(t, port.Run)
	exclusive := func(f *os.File) bool {
		on := 0
		err := terminal.Control(f, func(fd int) (err error) {
			on, err = unix.IoctlGetInt(fd, unix.TIOCGEXCL)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return on != 0
	}
	tty := openTTY(t, port.Path())
	exchange(t, tty, "\x10\x04\x01", "\x16") // the port is served
	if err := terminal.Control(tty, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) }); err != nil {
		t.Fatal(err)
	}
	if !exclusive(tty) {
		t.Fatal("TIOCEXCL had no effect")
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return !exclusive(port.slave) })
}

func TestPTYStall(t *testing.T) {
	p := New(Options{})
	port, err := p.OpenPTY("")
	if err != nil {
		t.Fatal(err)
	}
	start(t, port.Run)
	p.StallAfter(100)
	tty := openTTY(t, port.Path())
	if err := tty.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := tty.Write(make([]byte, 1<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 1<<20 {
		t.Fatalf("wrote %d to a stalled printer, %v", n, err)
	}
	if s := p.State(); s.Received != 100 {
		t.Errorf("printer took %d bytes, want 100", s.Received)
	}
}

func TestTCP(t *testing.T) {
	p := New(Options{})
	port, err := p.ListenTCP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, port.Run)
	dial := func() net.Conn {
		t.Helper()
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", port.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := dial()
	exchange(t, first, everyByte()+askID+"\x1dV\x00", ackID)

	second := dial() // waits for the first to go
	if _, err := io.WriteString(second, "\x10\x04\x01"); err != nil {
		t.Fatal(err)
	}
	exchange(t, first, "\x10\x04\x02", "\x12")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	exchange(t, second, "", "\x16")

	p.PowerOff()
	if n, err := second.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("connection outlived the power: %d, %v", n, err)
	}
	if n, err := dial().Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("connected to a dead printer: %d, %v", n, err)
	}
	p.PowerOn()
	exchange(t, dial(), "\x10\x04\x01", "\x16")
}
