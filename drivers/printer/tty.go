package printer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The kinds of flow control on a serial line.
const (
	flowHardware = "rtscts"
	flowSoftware = "xonxoff"
	flowNone     = "none"
)

// serial is a transport over a tty, opened raw with 8 data bits, no parity and one stop bit.
type serial struct {
	path string
	baud int
	flow string
}

func (s serial) String() string { return "serial:" + s.path }

// Rate counts ten bits for a byte: start, eight, stop.
func (s serial) Rate() int { return s.baud / 10 }

// Open opens the tty without waiting for a modem and takes it for itself (TIOCEXCL). The file is
// non-blocking, so the runtime's poller serves its deadlines and a Close ends a Read.
func (s serial) Open(context.Context) (Port, error) {
	fd, err := unix.Open(s.path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.path, err)
	}
	if err := s.prepare(fd); err != nil {
		return nil, errors.Join(fmt.Errorf("set up %s: %w", s.path, err), unix.Close(fd))
	}
	port, err := newFilePort(fd, s.path)
	if err != nil {
		return nil, err
	}
	return &ttyPort{filePort: port}, nil
}

func (s serial) prepare(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("it is not a serial line: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.TIOCEXCL, 0); err != nil {
		return fmt.Errorf("take for ourselves: %w", err)
	}
	speed, _ := speedCode(s.baud)
	// cfmakeraw(3), then 8N1 that ignores modem lines. VMIN 1 makes a non-blocking read without
	// bytes fail with EAGAIN; with 0 it would look like a hang-up.
	t.Iflag = 0
	t.Oflag = 0
	t.Lflag = 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | speed
	switch s.flow {
	case flowHardware:
		t.Cflag |= unix.CRTSCTS
	case flowSoftware:
		t.Iflag |= unix.IXON | unix.IXOFF
	}
	t.Ispeed, t.Ospeed = speed, speed
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	t.Cc[unix.VSTART], t.Cc[unix.VSTOP] = 0x11, 0x13
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
		return fmt.Errorf("set speed and format: %w", err)
	}
	return nil
}

// speedCode returns the termios code of a speed. The list is what ticket printers offer.
func speedCode(baud int) (uint32, bool) {
	codes := map[int]uint32{
		1200: unix.B1200, 2400: unix.B2400, 4800: unix.B4800, 9600: unix.B9600,
		19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200,
		230400: unix.B230400, 460800: unix.B460800, 921600: unix.B921600,
	}
	code, ok := codes[baud]
	return code, ok
}

// ttyPort is an open tty.
type ttyPort struct{ *filePort }

// Unsent is the driver's output queue; 0 on a pseudo-terminal, whose other end has it already.
func (p *ttyPort) Unsent() (int, error) {
	var n int
	err := p.control(func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		return err
	})
	return n, err
}

// Discard drops the output queue, so that nothing stale is printed when the printer goes on.
func (p *ttyPort) Discard() error {
	return p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
}

// Close drops unsent bytes first: the kernel would wait up to 30 s for them (closing_wait). It gives
// up the exclusive use, which would otherwise last while anybody else has the line open.
func (p *ttyPort) Close() error {
	release := p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
	return errors.Join(p.Discard(), release, p.filePort.Close())
}

// filePort is an open character device with the runtime's poller behind it.
type filePort struct {
	file *os.File
	path string
	id   deviceID
}

// deviceID tells one device node from another that took its name.
type deviceID struct{ dev, rdev, ino uint64 }

func newFilePort(fd int, path string) (*filePort, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, errors.Join(fmt.Errorf("stat %s: %w", path, err), unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), path)
	if err := file.SetDeadline(time.Time{}); err != nil {
		return nil, errors.Join(fmt.Errorf("%s has no deadlines: %w", path, err), file.Close())
	}
	return &filePort{file: file, path: path, id: idOf(&st)}, nil
}

func idOf(st *unix.Stat_t) deviceID {
	return deviceID{dev: st.Dev, rdev: st.Rdev, ino: st.Ino} //nolint:unconvert // widths differ by architecture
}

func (p *filePort) Read(b []byte) (int, error)  { return p.file.Read(b) }
func (p *filePort) Write(b []byte) (int, error) { return p.file.Write(b) }

// SetWriteDeadline bounds the writes that follow, and one in progress.
func (p *filePort) SetWriteDeadline(t time.Time) error { return p.file.SetWriteDeadline(t) }

// Close makes a Read in progress return.
func (p *filePort) Close() error { return p.file.Close() }

// Gone looks whether the path still leads to the device that is open. A by-id link disappears with
// its device; a moved one leads elsewhere.
func (p *filePort) Gone() error {
	var st unix.Stat_t
	if err := unix.Stat(p.path, &st); err != nil {
		return fmt.Errorf("look for %s: %w", p.path, err)
	}
	if idOf(&st) != p.id {
		return fmt.Errorf("%s: %w", p.path, errReplaced)
	}
	return nil
}

// control runs an ioctl on the descriptor, which cannot be closed meanwhile.
func (p *filePort) control(ioctl func(fd int) error) error {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = ioctl(int(fd)) }); err != nil {
		return err
	}
	return inner
}
