package emulator

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// TCP connects a printer to the network as the raw port 9100 does: one client at a time, the next
// one waits unanswered until the first has gone.
type TCP struct {
	printer  *Printer
	listener net.Listener
}

// ListenTCP opens the port. The caller must call Run, which also closes it.
func (p *Printer) ListenTCP(ctx context.Context, addr string) (*TCP, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for print jobs: %w", err)
	}
	return &TCP{printer: p, listener: l}, nil
}

// Addr is the address in use, with the port that was chosen for port 0.
func (t *TCP) Addr() string { return t.listener.Addr().String() }

// Run serves clients until ctx ends and then returns nil. While the cable is out or the power is
// off, clients are hung up on at once.
func (t *TCP) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = t.listener.Close() })
	defer stop()
	for {
		c, err := t.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = c.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept print client: %w", err)
		}
		err = t.printer.serve(ctx, c, true)
		if errors.Is(err, ErrBusy) {
			return err
		}
	}
}
