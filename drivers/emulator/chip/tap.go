package chip

import (
	"bufio"
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

// Serve offers the chip at a Unix socket, one driver at a time, until ctx ends. Unplug ends the
// connection and takes the socket away, Replug brings it back.
//
// A driver sends the names of its lines, inputs, a slash and outputs, and a line feed. It gets nine
// bytes at once and at each edge, the input and all levels (64 bits, little endian), and sends eight
// bytes to drive its outputs.
func (c *Chip) Serve(ctx context.Context, path string) error {
	for ctx.Err() == nil {
		changed := c.Changed()
		c.mu.Lock()
		gone := c.gone
		c.mu.Unlock()
		if gone {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		if err := c.listen(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// listen serves drivers while the chip is there.
func (c *Chip) listen(ctx context.Context, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("take the old socket away: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("offer the chip: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		defer cancel()
		c.awaitGone(ctx)
		_ = l.Close() // ends Accept
	})
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil //nolint:nilerr // unplugged, or the end
		}
		wg.Go(func() { c.talk(ctx, conn) })
	}
}

// awaitGone returns when the chip is unplugged or ctx ends.
func (c *Chip) awaitGone(ctx context.Context) {
	for {
		changed := c.Changed()
		c.mu.Lock()
		gone := c.gone
		c.mu.Unlock()
		if gone {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// talk serves one driver.
func (c *Chip) talk(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		<-ctx.Done()
		_ = conn.Close() // ends the reads and writes below
	})
	in := bufio.NewReader(conn)
	hello, err := in.ReadString('\n')
	if err != nil || !strings.Contains(hello, "/") {
		return
	}
	lines, err := c.Open()
	if err != nil {
		return
	}
	wg.Go(func() {
		defer cancel()
		driven(in, lines)
	})
	told(ctx, conn, lines)
}

// driven sets the outputs as the driver says, until it is gone; then the kernel lets go of them.
func driven(in io.Reader, lines *Lines) {
	var levels [8]byte
	for {
		if _, err := io.ReadFull(in, levels[:]); err != nil {
			_ = lines.Close()
			return
		}
		if lines.Set(binary.LittleEndian.Uint64(levels[:])) != nil {
			return
		}
	}
}

// told sends the levels, at once and at each edge.
func told(ctx context.Context, conn net.Conn, lines *Lines) {
	for edge := 0; ctx.Err() == nil; {
		levels, err := lines.Levels()
		if err != nil {
			return
		}
		frame := binary.LittleEndian.AppendUint64([]byte{byte(edge & 63)}, levels)
		if _, err := conn.Write(frame); err != nil {
			return
		}
		for edge = -1; edge < 0 && ctx.Err() == nil; {
			if edge, err = lines.Wait(time.Second); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
		}
	}
}
