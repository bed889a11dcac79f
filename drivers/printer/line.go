package printer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers/escpos"
)

// line is an open port with a reader and a reply parser. Its methods belong to the owner goroutine;
// the reader only fills incoming.
type line struct {
	port   Port
	rate   int // bytes a second
	pace   time.Duration
	burst  int // bytes between two paces
	stall  time.Duration
	parser escpos.Parser

	// incoming holds what was read. It is bounded; when it is full the reader stops reading and
	// the operating system keeps or drops the rest.
	incoming chan []byte
	broken   chan error // the reader's last word
	quit     chan struct{}
	reader   sync.WaitGroup
	// busy is when the line will have carried what was written, at its rate.
	busy time.Time
	dead error // set once the line is known to be gone

	// disturbed is set by noise and by answers that nobody asked for, until a round clears it.
	disturbed bool
	// hear is given every reply that is not the answer being awaited.
	hear func(escpos.Reply)
}

// The reader's bounds: answers are a few bytes each.
const (
	readSize     = 256
	readsWaiting = 32
)

// errLine wraps every error after which the port has to be opened anew.
var errLine = errors.New("the line is gone")

// errSilence means that an answer did not come in time.
var errSilence = errors.New("no answer")

func newLine(port Port, rate int, profile escpos.Serial, stall time.Duration) *line {
	l := &line{
		port: port, rate: max(rate, 1), stall: stall,
		hear:     func(escpos.Reply) {},
		incoming: make(chan []byte, readsWaiting),
		broken:   make(chan error, 1),
		quit:     make(chan struct{}),
	}
	if profile.Flow == flowNone && profile.Pace > 0 && profile.RxBuffer > 0 {
		l.pace, l.burst = profile.Pace, profile.RxBuffer
	}
	l.reader.Go(l.read)
	return l
}

// read is the reader goroutine.
func (l *line) read() {
	buffer := make([]byte, readSize)
	for {
		n, err := l.port.Read(buffer)
		if n > 0 {
			select {
			case l.incoming <- append([]byte(nil), buffer[:n]...):
			case <-l.quit:
				return
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("hung up: %w", err)
			}
			l.broken <- err
			return
		}
	}
}

// close releases the port and returns when the reader has ended.
func (l *line) close() error {
	close(l.quit)
	err := l.port.Close()
	l.reader.Wait()
	return err
}

// chunk is how much is written under one deadline.
const chunk = 512

// write hands data to the port and returns how many bytes it took. It gives up when a chunk makes
// no progress for the stall time, or when ctx ends.
func (l *line) write(ctx context.Context, data []byte) (int, error) {
	stop := context.AfterFunc(ctx, func() {
		_ = l.port.SetWriteDeadline(time.Unix(1, 0)) // a closed port has no write to end
	})
	defer stop()
	sent := 0
	for sent < len(data) {
		size := min(chunk, len(data)-sent)
		if l.burst > 0 {
			size = min(size, l.burst)
		}
		if err := l.port.SetWriteDeadline(time.Now().Add(l.stall + l.wire(size))); err != nil {
			return sent, l.fail(err)
		}
		if err := ctx.Err(); err != nil {
			return sent, err
		}
		n, err := l.port.Write(data[sent : sent+size])
		sent += n
		l.carry(n)
		if err != nil {
			return sent, l.writeError(ctx, err)
		}
		if err := l.pause(ctx, n); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (l *line) writeError(ctx context.Context, err error) error {
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return l.fail(err)
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return fmt.Errorf("%w for %v", errStalled, l.stall)
	}
}

// pause keeps a printer without flow control from being overrun.
func (l *line) pause(ctx context.Context, sent int) error {
	if l.burst == 0 {
		return nil
	}
	return sleep(ctx, l.wire(sent)+l.pace*time.Duration(sent)/time.Duration(l.burst))
}

// carry notes that n more bytes are on their way.
func (l *line) carry(n int) {
	if now := time.Now(); l.busy.Before(now) {
		l.busy = now
	}
	l.busy = l.busy.Add(l.wire(n))
}

// lag is how long the line still carries what was written: no answer can come before.
func (l *line) lag() time.Duration { return max(0, time.Until(l.busy)) }

// wire is the time that n bytes take on the line.
func (l *line) wire(n int) time.Duration {
	return time.Duration(n) * time.Second / time.Duration(l.rate)
}

// fail marks the line as gone.
func (l *line) fail(err error) error {
	if l.dead == nil {
		l.dead = fmt.Errorf("%w: %w", errLine, err)
	}
	return l.dead
}

// gone asks the port whether its device is still there.
func (l *line) gone() error {
	if l.dead != nil {
		return l.dead
	}
	if p, ok := l.port.(Presence); ok {
		if err := p.Gone(); err != nil {
			return l.fail(err)
		}
	}
	return nil
}

// await returns the next reply that answers q, or errSilence after timeout.
func (l *line) await(ctx context.Context, q escpos.Query, timeout time.Duration) (escpos.Reply, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		if l.dead != nil && len(l.incoming) == 0 {
			return escpos.Reply{}, l.dead
		}
		select {
		case data := <-l.incoming:
			if r, ok := l.sort(data, q); ok {
				return r, nil
			}
		case err := <-l.broken:
			_ = l.fail(err) // what was read before the end still counts
		case <-timer.C:
			return escpos.Reply{}, fmt.Errorf("%w to %v within %v", errSilence, q, timeout)
		case <-ctx.Done():
			return escpos.Reply{}, ctx.Err()
		}
	}
}

// ask sends q and returns its answer. An answer that comes after timeout is nobody's.
func (l *line) ask(ctx context.Context, q escpos.Query, timeout time.Duration) (escpos.Reply, error) {
	if _, err := l.write(ctx, q.Request()); err != nil {
		return escpos.Reply{}, err
	}
	l.parser.Expect(q)
	r, err := l.await(ctx, q, l.lag()+timeout)
	if err != nil {
		l.parser.Forget(q)
		if l.parser.Abandon() {
			l.disturbed = true
		}
	}
	return r, err
}

// sort parses data and returns the first reply that answers q.
func (l *line) sort(data []byte, q escpos.Query) (answer escpos.Reply, ok bool) {
	for _, r := range l.parser.Parse(nil, data) {
		if r.Query == q && q != escpos.QueryNone && !ok {
			answer, ok = r, true
			continue
		}
		if r.Query == escpos.QueryNone && (r.Kind == escpos.KindNoise || isAnswer(r.Kind)) {
			l.disturbed = true
		}
		l.hear(r)
	}
	return answer, ok
}

// isAnswer reports that a printer sends k only when it is asked.
func isAnswer(k escpos.Kind) bool {
	return k == escpos.KindRealtime || k == escpos.KindQueued || k == escpos.KindFull
}

// listen hears the line for d without having asked anything.
func (l *line) listen(ctx context.Context, d time.Duration) error {
	_, err := l.await(ctx, escpos.QueryNone, d)
	if errors.Is(err, errSilence) {
		return nil
	}
	return err
}

// drain waits until the device has taken every byte that was written.
func (l *line) drain(ctx context.Context, limit time.Duration) error {
	q, ok := l.port.(Queue)
	if !ok {
		return nil
	}
	for end := time.Now().Add(limit); ; {
		n, err := q.Unsent()
		if err != nil {
			return l.fail(err)
		}
		if n == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w: %d still to send", errStalled, n)
		}
		if err := sleep(ctx, drainStep); err != nil {
			return err
		}
	}
}

// drainStep is how often the system's queue is looked at.
const drainStep = 5 * time.Millisecond

// stuck reports whether the system still holds bytes that the device should have taken by now.
func (l *line) stuck() bool {
	q, ok := l.port.(Queue)
	if !ok || l.lag() > 0 {
		return false
	}
	n, err := q.Unsent()
	return err == nil && n > 0
}

// discard drops what the system holds, where it can.
func (l *line) discard() {
	if q, ok := l.port.(Queue); ok {
		if err := q.Discard(); err != nil {
			_ = l.fail(err) // the owner sees it at its next step
		}
	}
	l.busy = time.Time{}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
