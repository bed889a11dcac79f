package speaker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// format is what a sound card was set up for.
type format struct {
	rate     int // samples a second
	channels int
	bits     int // 16 or 32, little-endian
	period   int // frames between two interrupts
	buffer   int // frames that the card holds
}

func (f format) frameBytes() int { return f.channels * f.bits / 8 }

// converter turns mono samples of 16 bits into frames of a card: the same in every channel, and by
// straight lines from one rate to another, which is good enough for speech.
type converter struct {
	from       *bufio.Reader
	rate       int
	to         format
	begun      bool
	last, next int32
	phase      int // from last to next, in parts of to.rate
	left       int // samples that still have to be played: the last two at the end
	err        error
}

func newConverter(from io.Reader, rate int, to format) *converter {
	return &converter{from: bufio.NewReader(from), rate: rate, to: to}
}

// sample reads the next one; after the end there is silence.
func (c *converter) sample() int32 {
	if c.err != nil {
		c.left--
		return 0
	}
	var b [2]byte
	if _, err := io.ReadFull(c.from, b[:]); err != nil {
		c.err = err
		if errors.Is(err, io.ErrUnexpectedEOF) {
			c.err = io.EOF // half a sample is none
		}
		return 0
	}
	return int32(int16(binary.LittleEndian.Uint16(b[:]))) //nolint:gosec // two's complement
}

// fill fills the buffer with whole frames and says how many bytes are sound. At the end it gives io.EOF
// with what was left, at a fault of the disk that.
func (c *converter) fill(b []byte) (int, error) {
	if !c.begun {
		c.begun, c.left = true, 1
		c.last = c.sample()
		c.next = c.sample()
	}
	size := c.to.frameBytes()
	n := 0
	for ; n+size <= len(b); n += size {
		if c.err != nil && (c.left <= 0 || !errors.Is(c.err, io.EOF)) {
			return n, c.err
		}
		rise := int64(c.next-c.last) * int64(c.phase) / int64(c.to.rate)
		c.put(b[n:n+size], c.last+int32(rise)) //nolint:gosec // it is between the two
		for c.phase += c.rate; c.phase >= c.to.rate; c.phase -= c.to.rate {
			c.last, c.next = c.next, c.sample()
		}
	}
	return n, nil
}

func (c *converter) put(frame []byte, v int32) {
	for at := 0; at < len(frame); at += c.to.bits / 8 {
		if c.to.bits == s32 {
			binary.LittleEndian.PutUint32(frame[at:], uint32(v)<<16) //nolint:gosec // two's complement
			continue
		}
		binary.LittleEndian.PutUint16(frame[at:], uint16(v)) //nolint:gosec // two's complement
	}
}
