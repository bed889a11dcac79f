package board

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"net"
	"slices"
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
	socket
	dots   bool
	places int // digits of the one chip, or modules
	chips  []chip
}

// NewDigits makes a seven-segment board with one chip and up to 8 digits, DIG0 on the right.
func NewDigits(path string, digits int) *Cascade { return newCascade(path, false, digits, 1) }

// NewDots makes a chain of 8×8 modules; the first on the wire is the rightmost.
func NewDots(path string, modules int) *Cascade { return newCascade(path, true, modules, modules) }

func newCascade(path string, dots bool, places, chips int) *Cascade {
	c := &Cascade{socket: newSocket(path), dots: dots, places: places, chips: make([]chip, chips)}
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

// Set gives the board a fault.
func (c *Cascade) Set(fault string) error { return c.set(fault, c.PowerCut) }

// Run serves the socket until ctx ends, through any number of unplugs.
func (c *Cascade) Run(ctx context.Context) error {
	return c.run(ctx, func(conn net.Conn) {
		_ = c.Read(conn) // the end of a connection is no fault
	})
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
