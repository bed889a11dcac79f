package board

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
)

// socket is the Unix socket that stands for a board's wires, with a plug that can be pulled out.
type socket struct {
	news
	path   string
	fault  string
	port   net.Listener
	conns  []net.Conn
	replug chan struct{}
}

func newSocket(path string) socket {
	return socket{path: path, fault: FaultNone, replug: make(chan struct{}, 1)}
}

// Faults lists what Set knows.
func (*socket) Faults() []string { return []string{FaultUnplug, FaultNone} }

// set gives the board a fault; one that is unplugged is without power as well.
func (c *socket) set(fault string, powerCut func()) error {
	if !slices.Contains(c.Faults(), fault) {
		return unknownFault(fault)
	}
	c.Lock()
	c.fault = fault
	c.tellLocked()
	if fault == FaultUnplug {
		c.hangUpLocked()
	}
	c.Unlock()
	if fault == FaultUnplug {
		powerCut()
	}
	select {
	case c.replug <- struct{}{}:
	default:
	}
	return nil
}

func (c *socket) hangUpLocked() {
	if c.port != nil {
		_ = c.port.Close() // also removes the socket
		c.port = nil
	}
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// run gives each connection to serve until ctx ends, through any number of unplugs.
func (c *socket) run(ctx context.Context, serve func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() {
		c.Lock()
		defer c.Unlock()
		c.hangUpLocked()
	})
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		port, err := c.listen(ctx)
		if err != nil {
			return err
		}
		if port == nil {
			select {
			case <-c.replug:
			case <-ctx.Done():
			}
			continue
		}
		for {
			conn, err := port.Accept()
			if err != nil {
				break // unplugged, or the end
			}
			if !c.keep(port, conn) {
				_ = conn.Close() // it came while the cable was pulled
				break
			}
			wg.Go(func() {
				serve(conn)
				_ = conn.Close()
			})
		}
	}
	return nil
}

// keep notes a connection for the next unplug, unless that has come already.
func (c *socket) keep(port net.Listener, conn net.Conn) bool {
	c.Lock()
	defer c.Unlock()
	if c.port != port {
		return false
	}
	c.conns = append(c.conns, conn)
	return true
}

// listen opens the socket; nil while the cable is unplugged or ctx has ended.
func (c *socket) listen(ctx context.Context) (net.Listener, error) {
	c.Lock()
	defer c.Unlock()
	if c.fault == FaultUnplug || ctx.Err() != nil {
		return nil, nil //nolint:nilnil // both are ordinary
	}
	if err := os.Remove(c.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove an old tap: %w", err)
	}
	var lc net.ListenConfig
	port, err := lc.Listen(ctx, "unix", c.path)
	if err != nil {
		return nil, fmt.Errorf("open the tap: %w", err)
	}
	c.port = port
	return port, nil
}
