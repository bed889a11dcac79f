package serialport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// The ways in which a line fails.
var (
	// ErrAbsent: the line is not open just now.
	ErrAbsent = errors.New("no device at the line")
	// ErrStalled: the device did not take the bytes in time; the line is given up.
	ErrStalled = errors.New("the device takes no bytes")
	// ErrHungUp: the device was unplugged or switched off.
	ErrHungUp = errors.New("the line was hung up")
)

const (
	// readTimeout is the least that tarm/serial can do: VTIME counts tenths of a second.
	readTimeout = 100 * time.Millisecond
	// quickRead is what a time-out cannot be: three of them in a row are a hang-up.
	quickRead  = 80 * time.Millisecond
	quickReads = 3
	// pieceBytes is the most that is written at once, so that a stall is seen with little lost.
	pieceBytes = 256
	// writeLimit bounds a write whose caller gives no deadline (design/6-failures.md, row 17).
	writeLimit = 3 * time.Second
	// reopenFirst and reopenLast bound the pause before the line is opened again.
	reopenFirst = 200 * time.Millisecond
	reopenLast  = 5 * time.Second
	// inBytes is what is kept of unread bytes; the oldest are dropped, for an answer that nobody
	// read in time is worth less than the next.
	inBytes = 4096
)

// Port is a serial line that opens itself again.
type Port struct {
	config Config
	log    *slog.Logger

	mu         sync.Mutex
	line       *line // nil while closed
	generation uint64
	changed    chan struct{}
	err        error
	in         []byte
	arrived    chan struct{}
	dropped    int
}

// New makes a port; Run opens it.
func New(c Config, log *slog.Logger) *Port {
	return &Port{
		config: c, log: log, err: fmt.Errorf("%w: not opened yet", ErrAbsent),
		changed: make(chan struct{}), arrived: make(chan struct{}),
	}
}

// String is the address of the line.
func (p *Port) String() string { return p.config.String() }

// Err says why the line is not open; nil when it is.
func (p *Port) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Opened tells how often the line has been opened, 0 while it is closed, and returns a channel that
// is closed at the next opening or closing. Devices lose their set-up with the power, so a driver
// sets them up anew when the number grows.
func (p *Port) Opened() (generation uint64, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line == nil {
		return 0, p.changed
	}
	return p.generation, p.changed
}

// Run keeps the line open until ctx ends. It returns nil, with the line closed; only a goroutine
// that the kernel holds in a write to a stalled device may outlast it, until the device goes.
func (p *Port) Run(ctx context.Context) error {
	pause, told := reopenFirst, ""
	for ctx.Err() == nil {
		opened, cause := p.once(ctx)
		if opened {
			pause, told = reopenFirst, ""
		}
		if text := cause.Error(); text != told && ctx.Err() == nil {
			p.log.Warn("serial line lost", "line", p.String(), "error", cause)
			told = text
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, reopenLast)
	}
	p.down(fmt.Errorf("%w: closed", ErrAbsent))
	return nil
}

// once opens the line and serves it to its end, and says whether it could be opened and why it ended.
func (p *Port) once(ctx context.Context) (opened bool, cause error) {
	l, err := open(p.config)
	if err != nil {
		p.down(err)
		return false, err
	}
	p.log.Info("serial line opened", "line", p.String())
	p.up(l)
	cause = l.serve(ctx, p.deliver)
	p.down(cause)
	l.close(ctx)
	return true, cause
}

func (p *Port) up(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line, p.err, p.in = l, nil, nil
	p.generation++
	p.turnLocked()
}

func (p *Port) down(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line, p.err = nil, err
	p.turnLocked()
}

func (p *Port) turnLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Write sends b and returns when the kernel has taken it, or how much of it when not all. The
// deadline is that of ctx, at most 3 s. A line that misses it counts as dead and is opened anew. What
// has been begun is finished although ctx is cancelled, so that nobody gets half a message.
func (p *Port) Write(ctx context.Context, b []byte) (n int, err error) {
	return p.order(ctx, request{data: b})
}

// Drain waits until the last byte has left the machine. Its deadline is as that of Write.
func (p *Port) Drain(ctx context.Context) error {
	_, err := p.order(ctx, request{drain: true})
	return err
}

func (p *Port) order(ctx context.Context, r request) (int, error) {
	p.mu.Lock()
	l, cause := p.line, p.err
	p.mu.Unlock()
	if l == nil {
		return 0, fmt.Errorf("write to %s: %w", p.config.Path, cause)
	}
	limit := writeLimit
	if at, set := ctx.Deadline(); set {
		limit = min(limit, time.Until(at))
	}
	n, err := l.order(ctx, r, limit)
	if err != nil {
		return n, fmt.Errorf("write to %s: %w", p.config.Path, err)
	}
	return n, nil
}

// Read waits for at least one byte, until ctx ends or the line is lost.
func (p *Port) Read(ctx context.Context, b []byte) (n int, err error) {
	for {
		p.mu.Lock()
		n := copy(b, p.in)
		p.in = p.in[n:]
		l, cause, arrived, changed := p.line, p.err, p.arrived, p.changed
		p.mu.Unlock()
		switch {
		case n > 0 || len(b) == 0:
			return n, nil
		case l == nil:
			return 0, fmt.Errorf("read from %s: %w", p.config.Path, cause)
		}
		select {
		case <-arrived:
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Flush forgets what was received and not read.
func (p *Port) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in = nil
}

// deliver keeps what came for Read.
func (p *Port) deliver(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in = append(p.in, b...)
	if over := len(p.in) - inBytes; over > 0 {
		p.in = p.in[over:]
		p.dropped += over
	}
	close(p.arrived)
	p.arrived = make(chan struct{})
}
