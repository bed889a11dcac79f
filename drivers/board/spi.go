package board

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/host/v3/sysfs"
)

// spiAddress is where a MAX7219 hangs.
type spiAddress struct {
	path  string
	hertz int
}

// defaultHertz is far below the chip's 10 MHz, for cables of a few metres.
const defaultHertz = 1_000_000

func parseSPI(address string) (spiAddress, error) {
	path, query, _ := strings.Cut(strings.TrimPrefix(address, "spi:"), "?")
	a := spiAddress{path: path, hertz: defaultHertz}
	if !strings.HasPrefix(path, "/") {
		return a, fmt.Errorf("%w: write spi:/dev/spidev0.0, not %s", ErrSpec, address)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return a, fmt.Errorf("%w: %s: %w", ErrSpec, address, err)
	}
	for key, list := range values {
		n, err := strconv.Atoi(list[len(list)-1])
		if key != "speed" || err != nil || n < 1_000 || n > 10_000_000 {
			return a, fmt.Errorf("%w: %s: after ? comes speed=1000 to 10000000 (hertz)", ErrSpec, address)
		}
		a.hertz = n
	}
	return a, nil
}

// transfer sends one SPI transfer, framed by chip select.
type transfer interface {
	send(b []byte) error
	io.Closer
}

// spiWire drives the one cascade on a chip select.
type spiWire struct {
	address    spiAddress
	line       transfer
	generation uint64
}

func (w *spiWire) ready(ctx context.Context) (uint64, error) {
	if w.line != nil {
		return w.generation, nil
	}
	line, err := openSPI(ctx, w.address)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errLine, err)
	}
	w.line = line
	w.generation++
	return w.generation, nil
}

func (*spiWire) changed() <-chan struct{} { return nil }

func (w *spiWire) send(_ context.Context, s Spec, text string) error {
	transfers := max7219Segments(text, s.Digits, byte(s.Brightness&0x0f))
	if s.Kind == Max7219Dots {
		transfers = max7219Dots(text, s.Digits, byte(s.Brightness&0x0f))
	}
	for _, t := range transfers {
		if err := w.line.send(t); err != nil {
			err = errors.Join(fmt.Errorf("%w: %w", errLine, err), w.line.Close())
			w.line = nil
			return err
		}
	}
	return nil
}

func (w *spiWire) close() error {
	if w.line == nil {
		return nil
	}
	return w.line.Close()
}

// openSPI opens the kernel's device or, where the path is a Unix socket, a tap: then each transfer
// goes there as chip select (one byte, 0), length (two bytes, little-endian) and bytes, as
// scripts/hil and drivers/emulator/board read them.
func openSPI(ctx context.Context, a spiAddress) (transfer, error) {
	info, err := os.Stat(a.path)
	if err != nil {
		return nil, fmt.Errorf("find the SPI device: %w", err)
	}
	if info.Mode()&os.ModeSocket != 0 {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", a.path)
		if err != nil {
			return nil, fmt.Errorf("reach the SPI tap: %w", err)
		}
		return tap{conn}, nil
	}
	var bus, chip int
	if n, err := fmt.Sscanf(a.path, "/dev/spidev%d.%d", &bus, &chip); n != 2 {
		return nil, fmt.Errorf("%s is not a SPI device: %w", a.path, err)
	}
	port, err := sysfs.NewSPI(bus, chip)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", a.path, err)
	}
	conn, err := port.Connect(physic.Frequency(a.hertz)*physic.Hertz, spi.Mode0, 8)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up %s: %w", a.path, err), port.Close())
	}
	return kernelSPI{port, conn}, nil
}

type kernelSPI struct {
	io.Closer
	conn spi.Conn
}

func (k kernelSPI) send(b []byte) error {
	if err := k.conn.Tx(b, nil); err != nil {
		return fmt.Errorf("send by SPI: %w", err)
	}
	return nil
}

// tapLimit bounds one transfer to a tap, which is another program.
const tapLimit = time.Second

type tap struct{ net.Conn }

func (t tap) send(b []byte) error {
	if err := t.SetWriteDeadline(time.Now().Add(tapLimit)); err != nil {
		return fmt.Errorf("set the deadline of the SPI tap: %w", err)
	}
	frame := binary.LittleEndian.AppendUint16([]byte{0}, uint16(len(b))) //nolint:gosec // a cascade has 16 modules
	if _, err := t.Write(append(frame, b...)); err != nil {
		return fmt.Errorf("send to the SPI tap: %w", err)
	}
	return nil
}
