// Package board emulates the displays at the counters on the level of bytes: cascades of MAX7219
// behind a SPI tap, and boards on an RS-485 line.
//
// It checks the drivers and so shares no code with drivers/board; what a board lights is worked out
// from the data sheets alone. Run of a Cascade or a Line owns the goroutines; all other methods may
// be called from any goroutine.
package board

import (
	"errors"
	"fmt"
	"sync"
)

// Picture is what a board lights.
type Picture struct {
	// Segments has a byte for each digit from the left: bit 0 is the segment a, bit 6 g, bit 7 the
	// point.
	Segments []byte
	// Dots has eight rows for each 8×8 module from the left, bit 7 the leftmost dot.
	Dots [][8]byte
	// Level is the brightness, 0 to 15.
	Level int
}

// The faults that boards have.
const (
	// FaultNone puts all right.
	FaultNone = "none"
	// FaultUnplug pulls the cable.
	FaultUnplug = "unplug"
	// FaultSilent lets a board on RS-485 take nothing and answer nothing.
	FaultSilent = "silent"
	// FaultChecksum damages its answers.
	FaultChecksum = "wrong-checksum"
)

// ErrFault is the cause when a board has no such fault.
var ErrFault = errors.New("the board has no such fault")

// news wakes those who wait for a change. Its lock guards the state of its owner.
type news struct {
	sync.Mutex
	changed chan struct{}
}

// Changed returns a channel that is closed at the next change of the picture or the fault.
func (n *news) Changed() <-chan struct{} {
	n.Lock()
	defer n.Unlock()
	if n.changed == nil {
		n.changed = make(chan struct{})
	}
	return n.changed
}

// tellLocked wakes them. The lock is held.
func (n *news) tellLocked() {
	if n.changed != nil {
		close(n.changed)
	}
	n.changed = make(chan struct{})
}

// letters maps the segments a to g, bit 0 to 6, to what people read in them.
func letters() map[byte]byte {
	return map[byte]byte{
		0: ' ', 0b0111111: '0', 0b0000110: '1', 0b1011011: '2', 0b1001111: '3', 0b1100110: '4', 0b1101101: '5',
		0b1111101: '6', 0b0000111: '7', 0b1111111: '8', 0b1101111: '9', 0b1110111: 'A', 0b1111100: 'B',
		0b0111001: 'C', 0b1011110: 'D', 0b1111001: 'E', 0b1110001: 'F', 0b1110110: 'H', 0b0011110: 'J',
		0b0111000: 'L', 0b1110011: 'P', 0b0111110: 'U',
	}
}

// segmentsOf is the inverse of letters; nothing is lit for what they do not hold.
func segmentsOf(c byte) byte {
	for bits, letter := range letters() {
		if letter == c {
			return bits
		}
	}
	return 0
}

// Text is what people read on the digits; ? stands for what is no letter.
func (p Picture) Text() string {
	var text []byte
	known := letters()
	for _, bits := range p.Segments {
		c, ok := known[bits&0x7f]
		if !ok {
			c = '?'
		}
		text = append(text, c)
	}
	return string(text)
}

func unknownFault(fault string) error { return fmt.Errorf("%w: %q", ErrFault, fault) }
