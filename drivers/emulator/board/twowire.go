package board

import (
	"context"
	"io"
	"net"
)

// TwoWire is a module with a TM1637 and up to 6 digits, the leftmost at address 0 (data sheet V2.4).
//
// Its Unix socket stands for the two wires. Each byte from the driver is their state: bit 0 the clock,
// bit 1 the data as the driver leaves it, high where it has let go. A set bit 7 asks for the data line as
// it is then, which is answered by one byte, 0 or 1: the chip acknowledges a byte by pulling it down.
type TwoWire struct {
	socket
	places     int
	clk, dio   bool
	active     bool // between start and stop
	bits       int  // of the byte that is coming in
	shift      byte
	ack        bool // the chip pulls the data line down
	count      int  // bytes since start
	address    int
	fixed      bool
	memory     [6]byte
	level      byte
	on, silent bool
}

// FaultNoAck is a chip that does not acknowledge.
const FaultNoAck = FaultSilent

// NewTwoWire makes a module.
func NewTwoWire(path string, digits int) *TwoWire {
	w := &TwoWire{socket: newSocket(path), places: digits}
	w.PowerCut()
	return w
}

// PowerCut takes the power for a moment: the chip is dark until it is switched on again.
func (w *TwoWire) PowerCut() {
	w.Lock()
	defer w.Unlock()
	w.clk, w.dio, w.active, w.ack, w.on, w.fixed = true, true, false, false, false, false
	w.memory = [6]byte{0xa5, 0x5a, 0xff, 0x81, 0x18, 0xc3} // whatever was left
	w.tellLocked()
}

// Faults lists what Set knows.
func (*TwoWire) Faults() []string { return []string{FaultUnplug, FaultNoAck, FaultNone} }

// Set gives the module a fault.
func (w *TwoWire) Set(fault string) error {
	w.Lock()
	w.silent = fault == FaultNoAck
	w.Unlock()
	if fault == FaultNoAck {
		fault = FaultNone
	}
	return w.set(fault, w.PowerCut)
}

// Run serves the socket until ctx ends, through any number of unplugs.
func (w *TwoWire) Run(ctx context.Context) error {
	return w.run(ctx, func(conn net.Conn) {
		_ = w.Talk(conn) // the end of a connection is no fault
	})
}

// Talk follows the wires until the driver ends.
func (w *TwoWire) Talk(conn io.ReadWriter) error {
	var state [1]byte
	for {
		if _, err := io.ReadFull(conn, state[:]); err != nil {
			return err
		}
		answer := w.wires(state[0]&1 == 1, state[0]&2 == 2)
		if state[0]&0x80 == 0 {
			continue
		}
		if _, err := conn.Write([]byte{answer}); err != nil {
			return err
		}
	}
}

// wires takes a state of the two lines and gives the data line's level.
func (w *TwoWire) wires(clk, dio bool) byte {
	w.Lock()
	defer w.Unlock()
	switch {
	case w.clk && clk && w.dio && !dio: // start
		w.active, w.bits, w.shift, w.count, w.ack = true, 0, 0, 0, false
	case w.clk && clk && !w.dio && dio && w.active: // stop
		w.active, w.ack = false, false
	case w.active && !w.clk && clk: // a bit is taken at the rising edge, the lowest first
		if w.bits++; w.bits <= 8 && dio {
			w.shift |= 1 << (w.bits - 1)
		}
	case w.active && w.clk && !clk && w.bits == 8: // the eighth falling edge
		w.ack = !w.silent
		if w.ack {
			w.take(w.shift)
		}
	case w.active && w.clk && !clk && w.bits == 9:
		w.bits, w.shift, w.ack = 0, 0, false
	}
	w.clk, w.dio = clk, dio
	if w.ack || !dio {
		return 0
	}
	return 1
}

// take is one byte; the caller holds the lock.
func (w *TwoWire) take(b byte) {
	before := w.pictureLocked()
	switch {
	case w.count > 0:
		if w.address < len(w.memory) {
			w.memory[w.address] = b
		}
		if !w.fixed {
			w.address++
		}
	case b&0xc0 == 0x40:
		w.fixed = b&0x04 != 0
	case b&0xc0 == 0xc0:
		w.address = int(b & 0x07)
	case b&0xc0 == 0x80:
		w.level, w.on = b&0x07, b&0x08 != 0
	}
	w.count++
	if !same(before, w.pictureLocked()) {
		w.tellLocked()
	}
}

// Picture is what is lit now.
func (w *TwoWire) Picture() Picture {
	w.Lock()
	defer w.Unlock()
	return w.pictureLocked()
}

func (w *TwoWire) pictureLocked() Picture {
	p := Picture{Level: int(w.level)}
	for _, lit := range w.memory[:w.places] {
		if !w.on {
			lit = 0
		}
		p.Segments = append(p.Segments, lit)
	}
	return p
}
