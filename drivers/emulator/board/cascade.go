package board

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
	"os"
	"slices"
	"sync"
)

// chip is one MAX7219 by its data sheet (19-4452 rev 4).
type chip struct {
	digits     [8]byte // bit 7 the point, 6 to 0 the segments A to G
	decode     byte
	level, top byte // intensity and scan limit
	on, test   bool
}

// write is one 16-bit word.
func (c *chip) write(register, value byte) {
	switch register & 0x0f {
	case 0x0: // no-op
	case 0x9:
		c.decode = value
	case 0xa:
		c.level = value & 0x0f
	case 0xb:
		c.top = value & 0x07
	case 0xc:
		c.on = value&1 == 1
	case 0xf:
		c.test = value&1 == 1
	case 0xd, 0xe: // not used
	default:
		c.digits[register&0x0f-1] = value
	}
}

// lit is what one digit's driver lights: bit 7 the point, 6 to 0 A to G.
func (c *chip) lit(digit int) byte {
	switch {
	case c.test:
		return 0xff
	case !c.on || digit > int(c.top):
		return 0
	case c.decode>>digit&1 == 1:
		const codeB = "\x7e\x30\x6d\x79\x33\x5b\x5f\x70\x7f\x7b\x01\x4f\x37\x0e\x67\x00" // table 5
		return codeB[c.digits[digit]&0x0f] | c.digits[digit]&0x80
	}
	return c.digits[digit]
}

// Cascade is a chain of MAX7219 behind a Unix socket that stands for the wires of SPI: each transfer
// is one byte of chip select, two bytes of length (little-endian) and the bytes.
type Cascade struct {
	news
	path   string
	dots   bool
	places int // digits of the one chip, or modules
	chips  []chip
	fault  string
	port   net.Listener
	conns  []net.Conn
	replug chan struct{}
}

// NewDigits makes a seven-segment board with one chip and up to 8 digits, DIG0 on the right.
func NewDigits(path string, digits int) *Cascade { return newCascade(path, false, digits, 1) }

// NewDots makes a chain of 8×8 modules; the first on the wire is the rightmost.
func NewDots(path string, modules int) *Cascade { return newCascade(path, true, modules, modules) }

func newCascade(path string, dots bool, places, chips int) *Cascade {
	c := &Cascade{
		path: path, dots: dots, places: places, chips: make([]chip, chips), fault: FaultNone,
		replug: make(chan struct{}, 1),
	}
	c.PowerCut()
	return c
}

// PowerCut takes the power for a moment: the chips lose everything and stay dark.
func (c *Cascade) PowerCut() {
	c.Lock()
	defer c.Unlock()
	for i := range c.chips {
		c.chips[i] = chip{digits: [8]byte{0xa5, 0x5a, 0xff, 0x81, 0x18, 0xc3, 0x3c, 0x7e}} // whatever was left
	}
	c.tellLocked()
}

// Faults lists what Set knows.
func (*Cascade) Faults() []string { return []string{FaultUnplug, FaultNone} }

// Set gives the board a fault.
func (c *Cascade) Set(fault string) error {
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
		c.PowerCut()
	}
	select {
	case c.replug <- struct{}{}:
	default:
	}
	return nil
}

func (c *Cascade) hangUpLocked() {
	if c.port != nil {
		_ = c.port.Close() // also removes the socket
		c.port = nil
	}
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// Run serves the socket until ctx ends, through any number of unplugs.
func (c *Cascade) Run(ctx context.Context) error {
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
			wg.Go(func() { c.serve(conn) })
		}
	}
	return nil
}

// keep notes a connection for the next unplug, unless that has come already.
func (c *Cascade) keep(port net.Listener, conn net.Conn) bool {
	c.Lock()
	defer c.Unlock()
	if c.port != port {
		return false
	}
	c.conns = append(c.conns, conn)
	return true
}

// listen opens the socket; nil while the cable is unplugged or ctx has ended.
func (c *Cascade) listen(ctx context.Context) (net.Listener, error) {
	c.Lock()
	defer c.Unlock()
	if c.fault == FaultUnplug || ctx.Err() != nil {
		return nil, nil //nolint:nilnil // both are ordinary
	}
	if err := os.Remove(c.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove an old SPI tap: %w", err)
	}
	var lc net.ListenConfig
	port, err := lc.Listen(ctx, "unix", c.path)
	if err != nil {
		return nil, fmt.Errorf("open the SPI tap: %w", err)
	}
	c.port = port
	return port, nil
}

func (c *Cascade) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = c.Read(conn) // the end of a connection is no fault
}

// maxTransfer is far above what a cascade can be; spidev takes 4096 bytes.
const maxTransfer = 4096

// Read takes transfers from a tap until it ends.
func (c *Cascade) Read(tap io.Reader) error {
	for {
		var head [3]byte
		if _, err := io.ReadFull(tap, head[:]); err != nil {
			return fmt.Errorf("read from the SPI tap: %w", err)
		}
		length := binary.LittleEndian.Uint16(head[1:])
		if length > maxTransfer {
			return fmt.Errorf("%d bytes in one transfer: %w", length, io.ErrShortBuffer)
		}
		transfer := make([]byte, length)
		if _, err := io.ReadFull(tap, transfer); err != nil {
			return fmt.Errorf("read from the SPI tap: %w", err)
		}
		c.shift(transfer)
	}
}

// shift clocks a transfer through the chain: at the rise of chip select each chip takes the last 16
// bits in its register, and the first chip on the wire holds the last word.
func (c *Cascade) shift(transfer []byte) {
	c.Lock()
	defer c.Unlock()
	before := c.pictureLocked()
	for i := range c.chips {
		at := len(transfer) - 2*(i+1)
		if at < 0 {
			break // the word is that of an earlier transfer; no driver sends half chains
		}
		c.chips[i].write(transfer[at], transfer[at+1])
	}
	if after := c.pictureLocked(); !same(before, after) {
		c.tellLocked()
	}
}

func same(a, b Picture) bool {
	return a.Level == b.Level && slices.Equal(a.Segments, b.Segments) && slices.Equal(a.Dots, b.Dots)
}

// Picture is what is lit now.
func (c *Cascade) Picture() Picture {
	c.Lock()
	defer c.Unlock()
	return c.pictureLocked()
}

func (c *Cascade) pictureLocked() Picture {
	p := Picture{Level: int(c.chips[0].level)}
	for place := range c.places {
		if c.dots {
			var rows [8]byte
			for row := range rows {
				rows[row] = c.chips[c.places-1-place].lit(row)
			}
			p.Dots = append(p.Dots, rows)
			continue
		}
		lit := c.chips[0].lit(c.places - 1 - place)
		p.Segments = append(p.Segments, bits.Reverse8(lit&0x7f)>>1|lit&0x80)
	}
	return p
}
