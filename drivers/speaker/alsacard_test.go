package speaker

import (
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers"
)

// TestABI holds sizes, offsets and ioctl numbers against what gcc 14 made of sound/asound.h of
// linux-libc-dev 6.12, with and without -m32.
func TestABI(t *testing.T) {
	var h hwParams
	var x transfer
	type row struct {
		name      string
		got       uintptr
		on64, on3 uintptr
	}
	for _, r := range []row{
		{"sizeof hw_params", unsafe.Sizeof(h), 608, 604},
		{"masks", unsafe.Offsetof(h.masks), 4, 4},
		{"intervals", unsafe.Offsetof(h.intervals), 260, 260},
		{"rmask", unsafe.Offsetof(h.asked), 512, 512},
		{"fifo_size", unsafe.Offsetof(h.fifo), 536, 536},
		{"sizeof xferi", unsafe.Sizeof(x), 24, 12},
		{"buf", unsafe.Offsetof(x.buffer), 8, 4},
		{"frames", unsafe.Offsetof(x.frames), 16, 8},
		{"HW_REFINE", pcmRefine, 3261088016, 3260825872},
		{"HW_PARAMS", pcmHWParams, 3261088017, 3260825873},
		{"HW_FREE", pcmHWFree, 16658, 16658},
		{"DELAY", pcmDelay, 2148024609, 2147762465},
		{"PREPARE", pcmPrepare, 16704, 16704},
		{"DROP", pcmDrop, 16707, 16707},
		{"DRAIN", pcmDrain, 16708, 16708},
		{"WRITEI_FRAMES", pcmWrite, 1075331408, 1074544976},
	} {
		want := r.on64
		if word == 4 {
			want = r.on3
		}
		if r.got != want {
			t.Errorf("%s is %d, the kernel's %d", r.name, r.got, want)
		}
	}
}

// TestFind: the first card by number, one by its id, one by its path.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	l := linux{devices: dir, cards: dir}
	if _, err := l.find(""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without any card: %v", err)
	}
	for _, name := range []string{"pcmC10D0p", "pcmC2D3p", "pcmC2D0c", "controlC2"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("card10", filepath.Join(dir, "Device")); err != nil {
		t.Fatal(err)
	}
	for device, want := range map[string]string{"": "pcmC2D3p", "Device": "pcmC10D0p", filepath.Join(dir, "pcmC2D3p"): "pcmC2D3p"} {
		if got, err := l.find(device); err != nil || filepath.Base(got) != want {
			t.Errorf("%q is %s, not %s: %v", device, got, want, err)
		}
	}
	for _, device := range []string{"Headset", "/dev/snd/pcmC9D9p"} {
		if _, err := l.find(device); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: %v", device, err)
		}
	}
}

// TestNoCard: this machine's kernel is asked for a card that it has not, and a file that is none.
func TestNoCard(t *testing.T) {
	a := NewALSA("/dev/snd/pcmC31D7p", packOfTones(t), "pl", slog.New(slog.DiscardHandler))
	if h := a.Health(); h.State != drivers.Absent || h.Reason != drivers.ReasonUnplugged {
		t.Errorf("without a card: %+v", h)
	}
	if err := a.Play(t.Context(), []drivers.Clip{"pl/gong"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a card: %v", err)
	}
	a = NewALSA("/dev/null", packOfTones(t), "pl", slog.New(slog.DiscardHandler))
	if err := a.Play(t.Context(), []drivers.Clip{"pl/gong"}); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("/dev/null as a card: %v", err)
	}
	if h := a.Health(); h.State != drivers.Failed || h.Reason != drivers.ReasonError {
		t.Errorf("/dev/null as a card: %+v", h)
	}
}

// TestCardOnAFile: every call reaches the kernel and brings its answer back.
func TestCardOnAFile(t *testing.T) {
	p, err := linux{}.open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	h := anyParams()
	_, written := p.write(make([]byte, 8), 2)
	for name, err := range map[string]error{
		"refine": p.refine(&h), "setup": p.setup(&h), "prepare": p.prepare(), "write": written,
		"drain": p.drain(), "delay": p.delay(), "drop": p.drop(), "free": p.free(),
	} {
		if !errors.Is(err, unix.ENOTTY) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := errors.Join(p.wait(0), p.close()); err != nil {
		t.Error(err)
	}
}

// TestConvert: the same rate gives the very samples in all channels; twice the rate those between.
func TestConvert(t *testing.T) {
	s := Sound{Rate: 8000, Samples: []float64{0, 0.5, -0.5, 0.25}}
	pcm := EncodeWAV(s)[wavHead:]
	for name, c := range map[string]struct {
		to   format
		want []int32
	}{
		"same":   {format{rate: 8000, channels: 2, bits: 16}, []int32{0, 0, 16383, 16383, -16383, -16383, 8191, 8191}},
		"double": {format{rate: 16000, channels: 1, bits: 16}, []int32{0, 8191, 16383, 0, -16383, -4096, 8191, 4096}},
		"half":   {format{rate: 4000, channels: 1, bits: 16}, []int32{0, -16383}},
		"wide":   {format{rate: 8000, channels: 1, bits: 32}, []int32{0, 16383 << 16, -16383 << 16, 8191 << 16}},
	} {
		from := newConverter(strings.NewReader(string(pcm)), 8000, c.to)
		buffer := make([]byte, 64)
		n, err := from.fill(buffer)
		if err == nil {
			t.Errorf("%s: it has no end", name)
		}
		if got := decode(buffer[:n], c.to.bits); len(got) != len(c.want) || !equal(got, c.want) {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
	if n, err := newConverter(strings.NewReader(""), 8000, format{rate: 8000, channels: 1, bits: 16}).fill(make([]byte, 8)); n != 0 || err == nil {
		t.Errorf("nothing gives %d bytes, %v", n, err)
	}
	// An announcement has the length that it had, whatever the rate.
	long := EncodeWAV(Sound{Rate: 22050, Samples: make([]float64, 22050)})[wavHead:]
	n, _ := newConverter(strings.NewReader(string(long)), 22050, format{rate: 48000, channels: 1, bits: 16}).fill(make([]byte, 200_000))
	if math.Abs(float64(n)-96000) > 4 {
		t.Errorf("a second has %d bytes", n)
	}
}

func decode(b []byte, bits int) []int32 {
	var all []int32
	for ; len(b) >= bits/8; b = b[bits/8:] {
		v := int32(int16(uint16(b[0]) | uint16(b[1])<<8))
		if bits == 32 {
			v = int32(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
		}
		all = append(all, v)
	}
	return all
}

func equal(a, b []int32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}
