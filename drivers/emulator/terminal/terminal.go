// Package terminal opens the pseudo-terminals behind which serial devices are emulated.
package terminal

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Open opens a pseudo-terminal in raw mode. The master end is known to Go's poller, so that closing
// it ends a Read in progress; the one that pty.Open returns is in blocking mode and would not.
func Open() (master, slave *os.File, err error) {
	blocking, slave, err := pty.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("open pty: %w", err)
	}
	defer func() { _ = blocking.Close() }()
	if err := makeRaw(slave); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("set pty raw: %w", err), slave.Close())
	}
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, nil, errors.Join(err, slave.Close())
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, nil, errors.Join(err, unix.Close(fd), slave.Close())
	}
	return os.NewFile(uintptr(fd), blocking.Name()), slave, nil
}

// Link makes a symbolic link to the device, as /dev/serial/by-id has them, or turns the one that is
// there in one step, so that nobody finds it half made.
func Link(link, device string) error {
	next := link + ".new"
	_ = os.Remove(next)
	if err := os.Symlink(device, next); err != nil {
		return fmt.Errorf("link emulated port: %w", err)
	}
	if err := os.Rename(next, link); err != nil {
		return fmt.Errorf("link emulated port: %w", err)
	}
	return nil
}

// Control calls an ioctl on the file's descriptor.
func Control(f *os.File, ioctl func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = ioctl(int(fd)) })
	return errors.Join(err, inner)
}

// makeRaw is cfmakeraw(3) with one byte at a time.
func makeRaw(f *os.File) error {
	return Control(f, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR |
			unix.ICRNL | unix.IXON
		t.Oflag &^= unix.OPOST
		t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
		t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		return unix.IoctlSetTermios(fd, unix.TCSETS, t)
	})
}

// ReleaseOnClose ends exclusive mode (TIOCEXCL) whenever a program closes the device or is killed,
// until stop is called. The kernel does that by itself at the last close, but the emulator's own
// descriptor keeps the device open, and the next program would get EBUSY unless it is root.
func ReleaseOnClose(device *os.File) (stop func(), err error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", device.Name(), err)
	}
	closes := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, device.Name(), unix.IN_CLOSE); err != nil {
		return nil, errors.Join(fmt.Errorf("watch %s: %w", device.Name(), err), closes.Close())
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 4096)
		for {
			if _, err := closes.Read(buf); err != nil {
				return
			}
			_ = Control(device, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
		}
	})
	return func() {
		_ = closes.Close()
		wg.Wait()
	}, nil
}
