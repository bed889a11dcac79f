package printer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The times of a TCP line. One connection is kept as long as it works: some printers refuse the
// next one for half a minute or until they are switched off.
const (
	dialTimeout = 3 * time.Second
	// userTimeout bounds how long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, RFC 5482).
	userTimeout  = 5 * time.Second
	keepIdle     = 3 * time.Second
	keepInterval = 1 * time.Second
	keepTries    = 2
)

// tcp is a transport over a raw TCP port.
type tcp struct{ address string }

func (t tcp) String() string { return "tcp:" + t.address }

// Rate is a round number.
func (t tcp) Rate() int { return fastRate }

// Open connects.
func (t tcp) Open(ctx context.Context) (Port, error) {
	dialer := net.Dialer{
		Timeout: dialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepIdle, Interval: keepInterval, Count: keepTries,
		},
		Control: func(_, _ string, c syscall.RawConn) error {
			var inner error
			err := c.Control(func(fd uintptr) {
				inner = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT,
					int(userTimeout/time.Millisecond))
			})
			return errors.Join(err, inner)
		},
	}
	conn, err := dialer.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", t.address, err)
	}
	return &tcpPort{TCPConn: conn.(*net.TCPConn)}, nil
}

// tcpPort is a connection to a printer.
type tcpPort struct{ *net.TCPConn }

// Unsent is what the printer's TCP has not acknowledged.
func (p *tcpPort) Unsent() (int, error) {
	raw, err := p.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n int
	var inner error
	if err := raw.Control(func(fd uintptr) { n, inner = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) }); err != nil {
		return 0, err
	}
	return n, inner
}

// Discard does nothing: bytes cannot be taken back from a TCP stream.
func (p *tcpPort) Discard() error { return nil }

// Close ends the connection. With bytes still unacknowledged it resets it, so that they are not
// printed later; otherwise the printer keeps what it has received.
func (p *tcpPort) Close() error {
	if n, err := p.Unsent(); err != nil || n > 0 {
		if err := p.SetLinger(0); err != nil {
			return errors.Join(err, p.TCPConn.Close())
		}
	}
	return p.TCPConn.Close()
}
