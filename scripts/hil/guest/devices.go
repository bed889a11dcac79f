package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers/emulator"
	"github.com/okienko/okienko/drivers/emulator/board"
	"github.com/okienko/okienko/drivers/emulator/terminal"
)

// ticketPrinter is a printer at the far end of a USB cable.
type ticketPrinter struct {
	*emulator.Printer
	cable *gadget

	mu      sync.Mutex
	port    *os.File // nil while unplugged
	last    byte
	started time.Time // when the first ESC @ after expectJob came
}

func newTicketPrinter() (*ticketPrinter, error) {
	cable, err := newGadget("printer", "printer.0", "0x0e15", "dummy_udc.0",
		"pnp_string", "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20III;CLS:PRINTER;")
	if err != nil {
		return nil, err
	}
	return &ticketPrinter{Printer: emulator.New(emulator.Options{}), cable: cable}, nil
}

// run serves the port whenever the kernel has it, until ctx ends.
func (p *ticketPrinter) run(ctx context.Context, devices *hotplug) error {
	for ctx.Err() == nil {
		if err := devices.await(ctx, true, "usb/lp"); err != nil {
			return nil //nolint:nilerr // the end
		}
		port, err := os.OpenFile("/dev/g_printer0", os.O_RDWR, 0)
		if err != nil {
			return fmt.Errorf("open the printer's end of the cable: %w", err)
		}
		p.setPort(port)
		err = p.Serve(ctx, &watched{port, p})
		p.setPort(nil)
		if err != nil && !errors.Is(err, emulator.ErrUnplugged) && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("serve the printer: %w", err)
		}
		if err := devices.await(ctx, false, "usb/lp"); err != nil {
			return nil //nolint:nilerr // the end
		}
	}
	return nil
}

// watched is the port with an eye on what comes from the agent.
type watched struct {
	*os.File
	printer *ticketPrinter
}

// Read notes when a job begins: with ESC @. Questions for the status come at any time and are no job.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.File.Read(b)
	now := time.Now()
	p := w.printer
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range b[:n] {
		if p.last == 0x1b && c == '@' && p.started.IsZero() {
			p.started = now
		}
		p.last = c
	}
	return n, err
}

// expectJob forgets when the last job began.
func (p *ticketPrinter) expectJob() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = time.Time{}
}

// jobStarted is when the job began that was expected; zero before it did.
func (p *ticketPrinter) jobStarted() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started
}

func (p *ticketPrinter) setPort(port *os.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.port = port
}

func (p *ticketPrinter) unplug() error {
	err := p.cable.unplug()
	p.Unplug()
	return err
}

func (p *ticketPrinter) plug() error {
	p.Replug()
	return p.cable.plug()
}

// The status lines of a USB printer (usb printer class 1.1, 4.2.2), and the gadget's call that sets them.
const (
	linesReady       = 0x18
	linesPaperOut    = 0x38 &^ 0x08
	setPrinterStatus = 0xc0016722
)

// setPaper changes the roll; the status lines say so as well as the replies do.
func (p *ticketPrinter) setPaper(paper emulator.Paper) error {
	lines := linesReady
	if paper == emulator.PaperOut {
		lines = linesPaperOut
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.port == nil {
		return errors.New("change the roll: the printer is not plugged in")
	}
	err := terminal.Control(p.port, func(fd int) error {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), setPrinterStatus, uintptr(lines)); errno != 0 {
			return errno
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set the status lines: %w", err)
	}
	p.SetPaper(paper)
	return nil
}

// display is a board as people look at it.
type display interface {
	Changed() <-chan struct{}
	Picture() board.Picture
}

// shown is what can be read on a board.
func shown(d display) string { return strings.TrimSpace(d.Picture().Text()) }

// awaitShown waits for a text on a board and returns when it was complete.
func awaitShown(ctx context.Context, d display, text string) (time.Time, error) {
	for {
		changed, now := d.Changed(), shown(d)
		if now == text {
			return time.Now(), nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("the board shows %q and not %q: %w", now, text, ctx.Err())
		}
	}
}

// serveCascade shows what is clocked out on SPI, for ever.
func serveCascade(c *board.Cascade) error {
	tap, err := os.Open("/dev/spi-tap")
	if err != nil {
		return fmt.Errorf("open the SPI tap: %w", err)
	}
	return c.Read(tap)
}

// rs485 is a line of boards behind a USB adapter.
type rs485 struct {
	*board.Unit
	line  *board.Line
	cable *gadget
}

func newRS485() (*rs485, error) {
	cable, err := newGadget("rs485", "acm.0", "0x0e16", "dummy_udc.1")
	if err != nil {
		return nil, err
	}
	line := board.NewLine("")
	return &rs485{Unit: line.Add(5, 4, board.ASCII{}), line: line, cable: cable}, nil
}

// run serves the line whenever the adapter is plugged in, until ctx ends.
func (r *rs485) run(ctx context.Context, devices *hotplug) error {
	for ctx.Err() == nil {
		if err := devices.await(ctx, true, "ttyACM"); err != nil {
			return nil //nolint:nilerr // the end
		}
		if err := r.serve(); err != nil {
			return err
		}
		if err := devices.await(ctx, false, "ttyACM"); err != nil {
			return nil //nolint:nilerr // the end
		}
	}
	return nil
}

// serve reads until the adapter is unplugged.
func (r *rs485) serve() error {
	port, err := os.OpenFile("/dev/ttyGS0", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("open the boards' end of the cable: %w", err)
	}
	defer func() { _ = port.Close() }()
	err = terminal.Control(port, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		return unix.IoctlSetTermios(fd, unix.TCSETS, t)
	})
	if err != nil {
		return fmt.Errorf("set the boards' end of the cable raw: %w", err)
	}
	var unread []byte
	buffer := make([]byte, 256)
	for {
		n, err := port.Read(buffer)
		if err != nil {
			return nil //nolint:nilerr // unplugged
		}
		unread, _ = r.line.Take(append(unread, buffer[:n]...)) // these boards never answer
	}
}
