package emulator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/okienko/okienko/drivers/emulator/terminal"
)

// PTY connects a printer to the host as a serial port. The slave side is a real tty in raw mode that
// a program opens like /dev/ttyUSB0; because the emulator keeps it open too, the program may close
// it and open it again. Serial speed is whatever the tty says and costs no time.
type PTY struct {
	printer *Printer
	link    string

	mu            sync.Mutex
	master, slave *os.File
}

// OpenPTY creates the port. If link is not empty, a symbolic link of that name leads to it, as
// /dev/serial/by-id does: it vanishes while the cable is unplugged and then leads to a new device.
// The caller must call Run, which also closes the port.
func (p *Printer) OpenPTY(link string) (*PTY, error) {
	t := &PTY{printer: p, link: link}
	if err := t.plug(); err != nil {
		return nil, err
	}
	return t, nil
}

// Path is what the host should open: the link, or without one the present device.
func (t *PTY) Path() string {
	if t.link != "" {
		return t.link
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.slave == nil {
		return ""
	}
	return t.slave.Name()
}

// Run serves the port until ctx ends, through any number of Unplug and Replug. It removes link and
// device and returns nil, or the error that made the port unusable.
func (t *PTY) Run(ctx context.Context) error {
	defer t.unplug()
	for {
		err := t.serve(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			return errors.New("serve pty: the device hung up by itself")
		case !errors.Is(err, ErrUnplugged):
			return fmt.Errorf("serve pty: %w", err)
		}
		t.unplug()
		err = t.printer.WaitState(ctx, func(s State) bool { return !s.Unplugged })
		if err != nil {
			return nil
		}
		if err := t.plug(); err != nil {
			return err
		}
	}
}

// serve is Run for one device, until the cable is pulled.
func (t *PTY) serve(ctx context.Context) error {
	t.mu.Lock()
	master, slave := t.master, t.slave
	t.mu.Unlock()
	release, err := terminal.ReleaseOnClose(slave)
	if err != nil {
		return err
	}
	defer release()
	return t.printer.Serve(ctx, master)
}

// plug makes a new pair in raw mode and points the link at it.
func (t *PTY) plug() error {
	master, slave, err := terminal.Open()
	if err != nil {
		return err
	}
	if t.link != "" {
		if err := terminal.Link(t.link, slave.Name()); err != nil {
			return errors.Join(err, slave.Close(), master.Close())
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.master, t.slave = master, slave
	return nil
}

// unplug removes link and device; programs that have it open see a hang-up.
func (t *PTY) unplug() {
	if t.link != "" {
		_ = os.Remove(t.link)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.slave != nil {
		_ = t.slave.Close()
	}
	if t.master != nil {
		_ = t.master.Close() // again after Serve; only the first call counts
	}
	t.slave, t.master = nil, nil
}
