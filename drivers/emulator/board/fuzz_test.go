package board

import (
	"bytes"
	"io"
	"testing"
)

// FuzzLine: no bytes on an RS-485 line stop the boards or make them keep bytes without bound.
func FuzzLine(f *testing.F) {
	f.Add([]byte("$001,A45#"))
	f.Add(sealed([]byte{2, 16, 0, 0x70, 0, 2, 4, ' ', 'A', '4', '5'}))
	f.Add([]byte("\x0207  C7\x03"))
	f.Fuzz(func(t *testing.T, data []byte) {
		line := NewLine("")
		line.Add(1, 4, ASCII{})
		line.Add(2, 4, Modbus{First: 0x70, Letters: 2})
		line.Add(3, 4, Pattern{Start: "\x02", Address: "07", End: "\x03"})
		rest, _ := line.Take(data)
		if len(rest) > maxUnread {
			t.Errorf("%d bytes are kept", len(rest))
		}
		for _, u := range line.units {
			if p := u.Picture(); len(p.Segments) != 4 {
				t.Errorf("%d digits", len(p.Segments))
			}
		}
	})
}

// FuzzCascade: no transfers stop the chips.
func FuzzCascade(f *testing.F) {
	f.Add([]byte{0, 2, 0, 0x0c, 1, 0, 4, 0, 1, 0x7e, 2, 0x30})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := NewDots("", 3)
		if c.Read(bytes.NewReader(data)) == nil {
			t.Error("a tap never ended")
		}
		if len(c.Picture().Dots) != 3 {
			t.Error("a module is missing")
		}
	})
}

// FuzzTwoWire: no movement of the wires stops the chip.
func FuzzTwoWire(f *testing.F) {
	f.Add([]byte{3, 1, 0, 1, 2, 3, 0x80, 1, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		w := NewTwoWire("", 4)
		if w.Talk(&struct {
			*bytes.Reader
			io.Writer
		}{bytes.NewReader(data), io.Discard}) == nil {
			t.Error("a tap never ended")
		}
		if len(w.Picture().Segments) != 4 {
			t.Error("a digit is missing")
		}
	})
}

// TestDataSheet: decoding, scan limit, shutdown and test of a MAX7219, as its data sheet says.
func TestDataSheet(t *testing.T) {
	c := NewDigits("", 4)
	write := func(words ...byte) {
		for i := 0; i < len(words); i += 2 {
			c.shift(words[i : i+2])
		}
	}
	if got := c.Picture().Text(); got != "    " {
		t.Errorf("after power-on it shows %q", got)
	}
	write(0x9, 0x0f, 0xb, 3, 1, 5, 2, 4, 3, 0x0f, 4, 0x0a, 0xa, 7, 0xc, 1)
	if p := c.Picture(); p.Text() != "? 45" || p.Level != 7 {
		t.Errorf("decoded %q at %d", p.Text(), p.Level)
	}
	write(0xb, 0)
	if got := c.Picture().Text(); got != "   5" {
		t.Errorf("scanning one digit shows %q", got)
	}
	write(0xf, 1)
	if got := c.Picture().Segments; !bytes.Equal(got, []byte{0xff, 0xff, 0xff, 0xff}) {
		t.Errorf("the test lights %x", got)
	}
	write(0xf, 0, 0xc, 0)
	if got := c.Picture().Text(); got != "    " {
		t.Errorf("in shutdown it shows %q", got)
	}
}
