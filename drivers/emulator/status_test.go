package emulator

import (
	"bytes"
	"testing"
)

// TestStatusBits compares with the bit tables of the manuals (escpos.md 1.2), one condition at a
// time. The healthy answers to 10 04 2–4 are 12h; 10 04 01 has the drawer pin in bit 2.
func TestStatusBits(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*sensors)
		eot  [4]byte
		asb  [4]byte
		gsr  byte
	}{
		{"healthy", func(*sensors) {}, [4]byte{0x16, 0x12, 0x12, 0x12}, [4]byte{0x14, 0, 0, 0x0F}, 0},
		{
			"drawer-pin-low", func(s *sensors) { s.drawerHigh = false },
			[4]byte{0x12, 0x12, 0x12, 0x12},
			[4]byte{0x10, 0, 0, 0x0F},
			0,
		},
		{
			"near-end", func(s *sensors) { s.paper = PaperNearEnd },
			[4]byte{0x16, 0x12, 0x12, 0x1E},
			[4]byte{0x14, 0, 0x03, 0x0F},
			0x03,
		},
		{
			"near-end-not-sensed", func(s *sensors) { s.paper, s.noNearEnd = PaperNearEnd, true },
			[4]byte{0x16, 0x12, 0x12, 0x12},
			[4]byte{0x14, 0, 0, 0x0F},
			0,
		},
		{
			"paper-out", func(s *sensors) { s.paper = PaperOut },
			[4]byte{0x1E, 0x32, 0x12, 0x7E},
			[4]byte{0x1C, 0, 0x0F, 0x0F},
			0x0F,
		},
		{
			"paper-out-one-sensor", func(s *sensors) { s.paper, s.noNearEnd = PaperOut, true },
			[4]byte{0x1E, 0x32, 0x12, 0x72},
			[4]byte{0x1C, 0, 0x0C, 0x0F},
			0x0C,
		},
		{
			"cover", func(s *sensors) { s.cover = true },
			[4]byte{0x1E, 0x16, 0x12, 0x12},
			[4]byte{0x3C, 0, 0, 0x0F},
			0,
		},
		{
			"cover-while-printing", func(s *sensors) { s.cover, s.coverPrinting = true, true },
			[4]byte{0x1E, 0x56, 0x52, 0x12},
			[4]byte{0x3C, 0x40, 0, 0x0F},
			0,
		},
		{
			"cutter", func(s *sensors) { s.cutter = true },
			[4]byte{0x1E, 0x52, 0x1A, 0x12},
			[4]byte{0x1C, 0x08, 0, 0x0F},
			0,
		},
		{
			"unrecoverable", func(s *sensors) { s.unrecoverable = true },
			[4]byte{0x1E, 0x52, 0x32, 0x12},
			[4]byte{0x1C, 0x20, 0, 0x0F},
			0,
		},
		{
			"head-hot", func(s *sensors) { s.headHot = true },
			[4]byte{0x1E, 0x52, 0x52, 0x12},
			[4]byte{0x1C, 0x40, 0, 0x0F},
			0,
		},
		{
			"feed-button", func(s *sensors) { s.feedButton = true },
			[4]byte{0x56, 0x1A, 0x12, 0x12},
			[4]byte{0x54, 0x02, 0, 0x0F},
			0,
		},
		{
			"offline", func(s *sensors) { s.forcedOffline = true },
			[4]byte{0x1E, 0x12, 0x12, 0x12},
			[4]byte{0x1C, 0, 0, 0x0F},
			0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sensors{drawerHigh: true}
			c.set(&s)
			for n := range byte(4) {
				b, ok := s.eot(n + 1)
				if !ok || b != c.eot[n] {
					t.Errorf("10 04 %02X: %02X, want %02X", n+1, b, c.eot[n])
				}
				if b&0x93 != 0x12 {
					t.Errorf("10 04 %02X: %02X is not told from other replies by & 93h", n+1, b)
				}
			}
			if got := s.asbFrame(); got != c.asb {
				t.Errorf("ASB % X, want % X", got, c.asb)
			}
			if got := s.asbFrame(); got[0]&0x93 != 0x10 || got[1]&0x90 != 0 || got[2]&0x90 != 0 {
				t.Errorf("ASB % X breaks the fixed bits", got)
			}
			if got := s.paperStatus(); got != c.gsr {
				t.Errorf("1D 72 01: %02X, want %02X", got, c.gsr)
			}
		})
	}
}

func TestCustomFullStatus(t *testing.T) {
	for _, c := range []struct {
		name string
		s    sensors
		want []byte
	}{
		{"healthy", sensors{}, []byte{0x10, 0x0F, 0, 0, 0, 0}},
		{"no-paper", sensors{paper: PaperOut}, []byte{0x10, 0x0F, 0x05, 0, 0, 0}},
		{"near-end", sensors{paper: PaperNearEnd}, []byte{0x10, 0x0F, 0x04, 0, 0, 0}},
		{"ticket-in-output", sensors{ticketOut: true}, []byte{0x10, 0x0F, 0x20, 0, 0, 0}},
		{"cover", sensors{cover: true}, []byte{0x10, 0x0F, 0, 0x03, 0, 0}},
		{"motor", sensors{moving: true}, []byte{0x10, 0x0F, 0, 0x08, 0, 0}},
		{"head-hot", sensors{headHot: true}, []byte{0x10, 0x0F, 0, 0, 0x01, 0}},
		{"cutter", sensors{cutter: true}, []byte{0x10, 0x0F, 0, 0, 0, 0x01}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.s.customFull(); !bytes.Equal(got, c.want) {
				t.Errorf("10 04 14: % X, want % X", got, c.want)
			}
		})
	}
}
