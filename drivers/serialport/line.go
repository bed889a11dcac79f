package serialport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	tarm "github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// line is one opening of a port: tarm's file for the bytes, and a descriptor of our own for what
// tarm/serial cannot do.
type line struct {
	file   *tarm.Port
	ctl    int
	orders chan request
	dead   chan struct{} // closed when the line is given up
	once   sync.Once
	cause  error
	// left is closed when reader and writer have let go of the file.
	left chan struct{}
}

// request is bytes to write, or a drain.
type request struct {
	data  []byte
	drain bool
	sent  *atomic.Int64
	done  chan error
}

func open(c Config) (*line, error) {
	setup := tarm.Config{
		Name: c.Path, Baud: c.Baud, ReadTimeout: readTimeout, Parity: tarm.Parity(c.Parity), StopBits: tarm.Stop1,
	}
	if c.Parity == 0 {
		setup.Parity = tarm.ParityNone
	}
	if c.StopBits == 2 {
		setup.StopBits = tarm.Stop2
	}
	file, err := tarm.OpenPort(&setup)
	if err != nil {
		return nil, fmt.Errorf("%w: open %s: %w", ErrAbsent, c.Path, err)
	}
	ctl, err := unix.Open(c.Path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: open %s for control: %w", ErrAbsent, c.Path, err), file.Close())
	}
	l := &line{
		file: file, ctl: ctl, orders: make(chan request), dead: make(chan struct{}), left: make(chan struct{}),
	}
	if err := l.prepare(c); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: set up %s: %w", ErrAbsent, c.Path, err), file.Close(), unix.Close(ctl))
	}
	return l, nil
}

// prepare takes the line for ourselves and drops what an earlier user left in it.
func (l *line) prepare(c Config) error {
	if err := unix.IoctlSetInt(l.ctl, unix.TIOCEXCL, 0); err != nil {
		return fmt.Errorf("take for ourselves: %w", err)
	}
	if err := unix.IoctlSetInt(l.ctl, unix.TCFLSH, unix.TCIOFLUSH); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if c.RS485 {
		return switchRS485(l.ctl)
	}
	return nil
}

// serve reads and writes until ctx ends or the line dies, and says why.
func (l *line) serve(ctx context.Context, deliver func([]byte)) error {
	var wg sync.WaitGroup
	wg.Go(func() { l.read(deliver) })
	wg.Go(l.write)
	go func() {
		wg.Wait()
		// tarm's Close blocks while a read or write is in flight; now none is.
		_ = l.file.Close()
		_ = unix.Close(l.ctl)
		close(l.left)
	}()
	select {
	case <-ctx.Done():
		l.die(fmt.Errorf("%w: closed", ErrAbsent))
	case <-l.dead:
	}
	return l.cause
}

func (l *line) die(cause error) {
	l.once.Do(func() {
		l.cause = cause
		close(l.dead)
	})
}

// read ends within a read time-out of the line's death.
func (l *line) read(deliver func([]byte)) {
	buffer := make([]byte, pieceBytes)
	for quick := 0; ; {
		select {
		case <-l.dead:
			return
		default:
		}
		begun := time.Now()
		n, err := l.file.Read(buffer)
		switch {
		case n > 0:
			deliver(buffer[:n])
			quick = 0
		case err != nil && !errors.Is(err, io.EOF):
			l.die(fmt.Errorf("%w: %w", ErrHungUp, err))
			return
		case time.Since(begun) < quickRead:
			if quick++; quick == quickReads {
				l.die(fmt.Errorf("%w: silence came back at once", ErrHungUp))
				return
			}
		default:
			quick = 0
		}
	}
}

// write carries out the orders. It may hang in the kernel; then order gives the line up.
func (l *line) write() {
	for {
		select {
		case <-l.dead:
			return
		case r := <-l.orders:
			r.done <- l.carryOut(r)
		}
	}
}

func (l *line) carryOut(r request) error {
	if r.drain {
		if err := unix.IoctlSetInt(l.ctl, unix.TCSBRK, 1); err != nil {
			return fmt.Errorf("drain: %w", err)
		}
		return nil
	}
	for rest := r.data; len(rest) > 0; {
		n, err := l.file.Write(rest[:min(len(rest), pieceBytes)])
		r.sent.Add(int64(n))
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrHungUp, err)
			l.die(err)
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// order hands a request to the writer and waits for its end, as long as the limit.
func (l *line) order(ctx context.Context, r request, limit time.Duration) (int, error) {
	over := time.NewTimer(limit)
	defer over.Stop()
	r.sent, r.done = &atomic.Int64{}, make(chan error, 1)
	select {
	case l.orders <- r:
	case <-l.dead:
		return 0, l.cause
	case <-ctx.Done():
		return 0, ctx.Err() // another order has the line; its own limit ends it
	}
	select {
	case err := <-r.done:
		return int(r.sent.Load()), err
	case <-l.dead:
		return int(r.sent.Load()), l.cause
	case <-over.C:
		l.die(fmt.Errorf("%w after %d of %d bytes", ErrStalled, r.sent.Load(), len(r.data)))
		return int(r.sent.Load()), l.cause
	}
}

// close waits until nobody uses the file any more, or until ctx ends. A write that hangs in the kernel
// is so waited for before the line is opened again.
func (l *line) close(ctx context.Context) {
	select {
	case <-l.left:
		return
	default:
	}
	// What the device never took would keep the kernel busy for 30 s (closing_wait).
	_ = unix.IoctlSetInt(l.ctl, unix.TCFLSH, unix.TCOFLUSH)
	_ = unix.IoctlSetInt(l.ctl, unix.TIOCNXCL, 0)
	// The reader needs up to one time-out to notice.
	soon := time.NewTimer(2 * readTimeout)
	defer soon.Stop()
	select {
	case <-l.left:
		return
	case <-soon.C:
	}
	select {
	case <-l.left:
	case <-ctx.Done():
	}
}
