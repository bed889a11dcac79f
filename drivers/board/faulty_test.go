package board_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/board"
	"github.com/okienko/okienko/drivers/drivertest"
	emulator "github.com/okienko/okienko/drivers/emulator/board"
)

// boardPort is the boards' end of an RS-485 line.
type boardPort struct {
	line    *emulator.Line
	rest    []byte
	last    time.Time
	answers chan []byte
	once    sync.Once
	closed  chan struct{}
}

func newBoardPort(l *emulator.Line) *boardPort {
	return &boardPort{line: l, answers: make(chan []byte, 100), closed: make(chan struct{})}
}

func (p *boardPort) Write(b []byte) (int, error) {
	if time.Since(p.last) > emulator.Silence {
		p.rest = nil
	}
	p.last = time.Now()
	var answers [][]byte
	p.rest, answers = p.line.Take(append(p.rest, b...))
	for _, a := range answers {
		p.answers <- a
	}
	return len(b), nil
}

func (p *boardPort) Read(b []byte) (int, error) {
	select {
	case a := <-p.answers:
		return copy(b, a), nil
	case <-p.closed:
		return 0, io.EOF
	}
}

func (p *boardPort) SetWriteDeadline(time.Time) error { return nil }

func (p *boardPort) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// plugFaulty connects a pseudo-terminal at link through a faulty port to the boards, until the port is
// unplugged or ctx ends, and records what passed.
func plugFaulty(ctx context.Context, link string, port drivertest.Port) error {
	far, near, err := pty.Open()
	if err != nil {
		return err
	}
	raw, err := unix.IoctlGetTermios(int(near.Fd()), unix.TCGETS)
	if err != nil {
		return errors.Join(err, far.Close(), near.Close())
	}
	raw.Iflag, raw.Oflag, raw.Lflag = 0, 0, 0
	err = errors.Join(unix.IoctlSetTermios(int(near.Fd()), unix.TCSETS, raw), os.Symlink(near.Name(), link), near.Close())
	if err != nil {
		return errors.Join(err, far.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		<-ctx.Done()
		_ = os.Remove(link)
		_ = far.Close()
		_ = port.Close()
	})
	wg.Go(func() {
		defer cancel()
		_, _ = io.Copy(far, struct{ io.Reader }{port}) // ends with the port
	})
	buf := make([]byte, 256)
	for {
		n, err := far.Read(buf)
		for sent := 0; sent < n && err == nil; {
			var took int
			took, err = port.Write(buf[sent:n])
			sent += took
			if errors.Is(err, io.ErrShortWrite) {
				sent, err = n, nil // the rest of this piece is lost, and the line goes on
			}
		}
		switch {
		case errors.Is(err, unix.EIO) && ctx.Err() == nil: // nobody has the other end open just now
			pause := time.NewTimer(10 * time.Millisecond)
			<-pause.C
		case err != nil:
			return nil //nolint:nilerr // unplugged, or the end
		}
	}
}

// TestFaultsOfTheLine: whatever happens to a message at whatever byte, the office is told if it lasts, and
// the board shows its text as soon as the line is good again.
func TestFaultsOfTheLine(t *testing.T) {
	t.Parallel()
	const length = 13 // of the message that shows a text
	type fault struct {
		name   string
		faults drivertest.Faults
		state  drivers.State
	}
	faults := []fault{{"garbage", drivertest.Faults{StallAt: -1, UnplugAt: -1, FailAt: -1, Garbage: []byte("\x05\x10\x00\x70")}, ""}}
	for n := 0; n <= length; n += 3 {
		faults = append(faults,
			fault{fmt.Sprint("short-write-", n), drivertest.Faults{StallAt: -1, UnplugAt: -1, FailAt: n}, ""},
			fault{fmt.Sprint("stall-", n), drivertest.Faults{StallAt: n, UnplugAt: -1, FailAt: -1}, drivers.Failed},
			fault{fmt.Sprint("unplug-", n), drivertest.Faults{StallAt: -1, UnplugAt: n, FailAt: -1}, drivers.Absent})
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			link := filepath.Join(t.TempDir(), "by-id")
			line := emulator.NewLine(link)
			unit := line.Add(5, 4, emulator.Modbus{First: 0x70, Letters: 2})
			faulty := drivertest.NewFaultyPort(newBoardPort(line), f.faults)
			heal := make(chan struct{})
			list, _ := run(t, func(ctx context.Context) error {
				if err := plugFaulty(ctx, link, faulty); err != nil || ctx.Err() != nil {
					return err
				}
				select {
				case <-heal:
				case <-ctx.Done():
				}
				return plugFaulty(ctx, link, drivertest.NewFaultyPort(newBoardPort(line), drivertest.NoFaults()))
			}, board.Spec{Name: "board-5", Kind: board.LED485Modbus, Address: "serial:" + link, Unit: 5, Digits: 4})
			list[0].Show(drivers.Face{Text: "A45"})
			if f.state != "" {
				awaitState(t, list[0], f.state)
			}
			faulty.Resume()
			close(heal)
			awaitText(t, unit, " A45")
			awaitState(t, list[0], drivers.Ready)
		})
	}
}

func awaitState(t *testing.T, b *board.Board, state drivers.State) {
	t.Helper()
	over := time.After(20 * time.Second)
	for {
		changed := b.Changed()
		if b.Health().State == state {
			return
		}
		select {
		case <-changed:
		case <-over:
			t.Fatalf("%s is %+v, not %s", b, b.Health(), state)
		}
	}
}
