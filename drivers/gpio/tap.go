package gpio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// TapPrefix begins the name of a chip that is not the kernel's but another program's, the demo or a
// test, behind a Unix socket: tap:/run/okienko/panel.
const TapPrefix = "tap:"

// tapLimit bounds the first word with a tap, and each later one.
const tapLimit = time.Second

// Tap is a chip behind a Unix socket, with the methods and rules of Lines.
//
// The driver sends its lines once, as text: the inputs, a slash, the outputs, each followed by a space,
// and a line feed. Then the chip sends a frame of nine bytes, a line and all levels (64 bits, little
// endian), at the beginning and at each edge, and the driver eight bytes whenever it drives its outputs.
type Tap struct {
	conn  net.Conn
	frame [9]byte
	have  int // bytes of frame that have come

	mu     sync.Mutex
	levels uint64
}

// OpenTap connects to the chip at path. ErrNoChip says that nobody is there.
func OpenTap(ctx context.Context, path string, r Request) (*Tap, error) {
	ctx, cancel := context.WithTimeout(ctx, tapLimit)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("%w: reach the tap: %w", ErrNoChip, err)
	}
	t := &Tap{conn: conn}
	hello := strings.Join(r.In, " ") + " / " + strings.Join(r.Out, " ") + "\n"
	if _, err = io.WriteString(conn, hello); err == nil {
		_, err = t.Wait(tapLimit)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: greet the tap: %w", ErrNoChip, err), conn.Close())
	}
	return t, nil
}

// Wait returns which input had an edge, or os.ErrDeadlineExceeded; see Lines.Wait.
func (t *Tap) Wait(limit time.Duration) (int, error) {
	if err := t.conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrGone, err)
	}
	for t.have < len(t.frame) {
		n, err := t.conn.Read(t.frame[t.have:])
		t.have += n
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		case err != nil:
			return 0, fmt.Errorf("%w: %w", ErrGone, err)
		}
	}
	t.have = 0
	t.mu.Lock()
	defer t.mu.Unlock()
	t.levels = binary.LittleEndian.Uint64(t.frame[1:])
	return int(t.frame[0] & (MaxLines - 1)), nil
}

// Levels reads the inputs; see Lines.Levels.
func (t *Tap) Levels() (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.levels, nil
}

// Set drives the outputs; see Lines.Set.
func (t *Tap) Set(levels uint64) error {
	if err := t.conn.SetWriteDeadline(time.Now().Add(tapLimit)); err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	if _, err := t.conn.Write(binary.LittleEndian.AppendUint64(nil, levels)); err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return nil
}

// Close sets the outputs low and ends the connection.
func (t *Tap) Close() error {
	_ = t.Set(0) // where the chip is gone there is nothing to put out
	return t.conn.Close()
}
