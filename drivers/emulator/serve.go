package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

var (
	// ErrUnplugged is what Serve returns when the cable was pulled.
	ErrUnplugged = errors.New("emulated cable unplugged")
	// ErrBusy is what Serve returns while another connection is served.
	ErrBusy = errors.New("emulated printer already has a connection")

	errPowerOff = errors.New("emulated printer switched off")
	errClosed   = errors.New("connection closed")
)

// conn is one host. Its context is held by the goroutine in Serve; others end it by end.
type conn struct {
	out     chan reply
	done    <-chan struct{}
	end     context.CancelCauseFunc
	network bool
}

// Serve is the printer at the end of one byte stream, such as a net.Pipe. It returns nil when ctx
// ends or the other side closes, and ErrUnplugged after Unplug; it closes rw in any case and leaves
// no goroutine behind. One stream at a time: a second Serve returns ErrBusy. Closing rw must end a
// Read and a Write in progress.
func (p *Printer) Serve(ctx context.Context, rw io.ReadWriteCloser) error {
	return p.serve(ctx, rw, false)
}

func (p *Printer) serve(ctx context.Context, rw io.ReadWriteCloser, network bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errClosed)
	c := &conn{out: make(chan reply, maxReplies), done: ctx.Done(), end: cancel, network: network}
	if err := p.attach(c); err != nil {
		_ = rw.Close()
		return err
	}
	defer p.detach(c)

	var wg sync.WaitGroup
	wg.Go(func() {
		<-ctx.Done()
		_ = rw.Close() // ends Read and Write; its own error helps nobody
	})
	wg.Go(func() {
		if err := c.writeReplies(rw); err != nil {
			cancel(fmt.Errorf("write reply: %w", err))
		}
	})
	err := p.readAll(ctx, rw)
	cancel(errClosed)
	wg.Wait()
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrUnplugged):
		return ErrUnplugged
	case errors.Is(cause, errClosed) && err != nil && !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// attach makes c the connection that replies go to.
func (p *Printer) attach(c *conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.conn != nil:
		return ErrBusy
	case p.unplugged:
		return ErrUnplugged
	case !p.powered && c.network:
		return errPowerOff
	}
	p.conn = c
	return nil
}

func (p *Printer) detach(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == c {
		p.conn = nil
		p.notify()
	}
}

// readAll feeds the printer until the stream or ctx ends.
func (p *Printer) readAll(ctx context.Context, r io.Reader) error {
	buf := make([]byte, 512)
	for {
		room := p.awaitRoom(ctx)
		if room == 0 {
			return nil
		}
		n, err := r.Read(buf[:min(room, len(buf))])
		for data := buf[:n]; len(data) > 0; {
			data = data[p.receive(data):]
			if len(data) > 0 && p.awaitRoom(ctx) == 0 {
				return nil
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the error is only our own Close
			}
			return fmt.Errorf("read from host: %w", err)
		}
	}
}

// awaitRoom waits while the printer is stalled or its buffer full, and returns how many bytes it
// would take; 0 means that ctx ended.
func (p *Printer) awaitRoom(ctx context.Context) int {
	for {
		if ctx.Err() != nil {
			return 0
		}
		p.mu.Lock()
		room := p.ring.room() - len(p.hold)
		if p.opt.Flow == FlowNone || !p.powered {
			room = p.opt.BufferSize
		}
		blocked := p.stalled && p.powered || room <= 0
		changed := p.changed
		p.mu.Unlock()
		if !blocked {
			return room
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0
		}
	}
}
