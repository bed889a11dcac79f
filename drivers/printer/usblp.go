package printer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// usb is a transport over the kernel's usblp driver (/dev/usb/lp*). The kernel lets one opener in.
type usb struct {
	path   string
	kernel usbKernel
}

// usbKernel is what usblp offers beyond reading and writing; tests put their own in its place.
type usbKernel interface {
	// status is LPGETSTATUS.
	status(fd int) (int, error)
	// writable reports POLLOUT: every byte handed to the driver is with the printer.
	writable(fd int) (bool, error)
}

func (u usb) String() string { return "usb:" + u.path }

// Rate is a round number.
func (u usb) Rate() int { return fastRate }

// Open opens the device non-blocking, so that deadlines work: a blocking write waits for every
// 8 KiB block and a stalled printer would hold it for ever (measured, reference/hardware.md 2).
func (u usb) Open(context.Context) (Port, error) {
	fd, err := unix.Open(u.path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", u.path, err)
	}
	port, err := newFilePort(fd, u.path)
	if err != nil {
		return nil, err
	}
	return &usbPort{filePort: port, kernel: u.kernel}, nil
}

// usbPort is an open usblp device.
type usbPort struct {
	*filePort
	kernel  usbKernel
	closing atomic.Bool
	// proven is set once the status lines said "ready": printers that do not wire them report 0.
	proven bool
}

// emptyPause keeps an empty USB packet, which reads as EOF, from becoming a busy loop; mutePause is
// for printers without a way back.
const (
	emptyPause = 20 * time.Millisecond
	mutePause  = 200 * time.Millisecond
)

// Read waits for bytes. usblp hands an empty packet through as a read of 0 bytes, which means
// nothing, and refuses every read of a one-way printer with EINVAL (usblp.c); a vanished device
// shows as another error or by its path.
func (p *usbPort) Read(b []byte) (int, error) {
	for {
		n, err := p.filePort.Read(b)
		oneWay := errors.Is(err, unix.EINVAL)
		if n > 0 || !oneWay && !errors.Is(err, io.EOF) {
			return n, err
		}
		if p.closing.Load() {
			return 0, os.ErrClosed
		}
		if err := p.Gone(); err != nil {
			return 0, err
		}
		pause := emptyPause
		if oneWay {
			pause = mutePause
		}
		time.Sleep(pause)
	}
}

// Close ends a Read as well, within mutePause.
func (p *usbPort) Close() error {
	p.closing.Store(true)
	return p.filePort.Close()
}

// Unsent returns 1 while the driver still holds bytes: in non-blocking mode it counts bytes in
// flight as written.
func (p *usbPort) Unsent() (int, error) {
	unsent := 1
	err := p.control(func(fd int) error {
		ok, err := p.kernel.writable(fd)
		if ok {
			unsent = 0
		}
		return err
	})
	return unsent, err
}

// Discard does nothing: a transfer that has begun can only be ended by closing the device.
func (p *usbPort) Discard() error { return nil }

// The bits of LPGETSTATUS (IEEE 1284 status, linux/lp.h): two of them are active low.
const (
	lpNoError  = 0x08
	lpSelected = 0x10
	lpPaperOut = 0x20
)

// Lines reads LPGETSTATUS. It asks the printer over USB and may take as long as a reply.
func (p *usbPort) Lines() (lines Lines, known bool, err error) {
	var bits int
	err = p.control(func(fd int) (err error) {
		bits, err = p.kernel.status(fd)
		return err
	})
	if err != nil {
		return Lines{}, false, fmt.Errorf("read the status lines: %w", err)
	}
	healthy := bits&(lpNoError|lpSelected|lpPaperOut) == lpNoError|lpSelected
	p.proven = p.proven || healthy
	if !p.proven && bits&lpPaperOut == 0 {
		return Lines{}, false, nil
	}
	return Lines{
		PaperOut: bits&lpPaperOut != 0,
		Offline:  p.proven && bits&lpSelected == 0,
		Error:    p.proven && bits&lpNoError == 0,
	}, true, nil
}

// linuxUSB is the real usblp.
type linuxUSB struct{}

// lpGetStatus is LPGETSTATUS of linux/lp.h.
const lpGetStatus = 0x060b

func (linuxUSB) status(fd int) (int, error) { return unix.IoctlGetInt(fd, lpGetStatus) }

func (linuxUSB) writable(fd int) (bool, error) {
	set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}} //nolint:gosec // a descriptor fits
	_, err := unix.Poll(set, 0)
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	if err == nil && set[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
		return false, unix.EIO
	}
	return set[0].Revents&unix.POLLOUT != 0, err
}
