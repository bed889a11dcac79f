package dfplayer

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// FuzzModule: no bytes on the line stop the module or make it keep bytes without bound.
func FuzzModule(f *testing.F) {
	f.Add([]byte{0x7e, 0xff, 0x06, 0x09, 0, 0, 4, 0xfe, 0xee, 0xef})
	f.Add([]byte{0x7e, 0xff, 0x06, 0x06, 1, 0, 99, 0xfe, 0x91, 0xef, 0x7e})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := New("", func(int, int) (time.Duration, bool) { return 0, false })
		if rest := m.Take(data); len(rest) > 9 {
			t.Errorf("%d bytes are kept", len(rest))
		}
		if v := m.Volume(); v < 0 || v > 30 {
			t.Errorf("the volume is %d", v)
		}
	})
}

// TestManual: a frame with the manual's sum is a good one, and one with another is not.
func TestManual(t *testing.T) {
	m := New("", func(int, int) (time.Duration, bool) { return 0, false })
	m.Take([]byte{0x7e, 0xff, 0x06, 0x06, 0, 0, 15, 0xfe, 0xe6, 0xef})
	if w := m.Warnings(); len(w) != 0 || m.Volume() != 15 {
		t.Errorf("volume %d, %q", m.Volume(), w)
	}
	m.Take([]byte{0x7e, 0xff, 0x06, 0x06, 0, 0, 16, 0xfe, 0xe6, 0xef})
	if m.Volume() != 15 || len(m.Warnings()) != 1 || m.Hurried() != 1 {
		t.Errorf("after a wrong sum and no pause: volume %d, %q, %d hurried", m.Volume(), m.Warnings(), m.Hurried())
	}
	if err := m.Set("loud"); !errors.Is(err, ErrFault) {
		t.Errorf("an unknown fault: %v", err)
	}
}
