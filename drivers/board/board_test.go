package board

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// TestBytes pins what goes over the wire. The Modbus checksums were worked out with another program from the
// specification; the ASCII one is that of the vendor's test script (reference/hardware.md).
func TestBytes(t *testing.T) {
	for name, c := range map[string]struct {
		spec Spec
		text string
		want string
	}{
		"ascii":  {Spec{Kind: LED485ASCII, Unit: 1, Digits: 3}, "A45", "$001,A45#"},
		"modbus": {Spec{Kind: LED485Modbus, Unit: 1, Digits: 4}, "A45", "\x01\x10\x00\x70\x00\x02\x04 A45\x79\x88"},
		"dm36":   {Spec{Kind: DM36, Unit: 2, Digits: 3}, "A45", "\x02\x10\x00\x00\x00\x03\x06\x00A\x004\x005\x5e\x95"},
		"frame": {
			Spec{Kind: Framed, Unit: 7, Digits: 4, Frame: Frame{Start: `\x02`, Address: "%02d", Separator: ":", End: `\r\n`, Checksum: "xor-hex"}},
			"C7", "\x0207:  C74B\r\n",
		},
	} {
		got, _, err := encode(c.spec, c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if string(got) != c.want {
			t.Errorf("%s: %q\nnot %q", name, got, c.want)
		}
	}
	var segments []string
	for _, transfer := range max7219Segments("A4", 3, 8) {
		segments = append(segments, hex.EncodeToString(transfer))
	}
	want := "[0f00 0900 0b07 0a08 0133 0277 0300 0400 0500 0600 0700 0800 0c01]"
	if got := "[" + join(segments) + "]"; got != want {
		t.Errorf("seven segments: %s\nnot %s", got, want)
	}
}

func join(list []string) string {
	var b bytes.Buffer
	for i, s := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s)
	}
	return b.String()
}

func TestReplies(t *testing.T) {
	request := writeRegisters(5, 0x70, []uint16{0x2041, 0x3435})
	sealed := func(b ...byte) []byte {
		sum := crc16(b)
		return append(b, byte(sum), byte(sum>>8))
	}
	good := sealed(5, 16, 0, 0x70, 0, 2)
	damaged := bytes.Clone(good)
	damaged[7] ^= 1
	for name, c := range map[string]struct {
		got  []byte
		done bool
		err  error
	}{
		"nothing":     {nil, false, nil},
		"half":        {good[:5], false, nil},
		"good":        {good, true, nil},
		"echo":        {request, false, nil},
		"echo-good":   {append(bytes.Clone(request), good...), true, nil},
		"damaged":     {damaged, true, errWrongChecksum},
		"other-unit":  {sealed(6, 16, 0, 0x70, 0, 2), true, errWrongUnit},
		"exception":   {sealed(5, 0x90, 2), true, errRefused},
		"other-thing": {sealed(5, 16, 0, 0x71, 0, 2), true, errRefused},
		"echo-noise":  {append(bytes.Clone(request), 1, 2, 3, 4, 5, 6, 7, 8), true, errWrongChecksum},
	} {
		done, err := parseReply(request, c.got)
		if done != c.done || !errors.Is(err, c.err) {
			t.Errorf("%s: done %v, %v", name, done, err)
		}
	}
}

// FuzzReply: whatever a line brings, the answer is either waited for or judged, and only the one
// right answer is taken for one.
func FuzzReply(f *testing.F) {
	request := writeRegisters(5, 0x70, []uint16{0x2041, 0x3435})
	f.Add([]byte{5, 16, 0, 0x70, 0, 2})
	f.Add(request)
	f.Fuzz(func(t *testing.T, got []byte) {
		done, err := parseReply(request, got)
		if done && err == nil && !bytes.HasPrefix(bytes.TrimPrefix(got, request), request[:6]) {
			t.Errorf("%x was taken for an answer", got)
		}
	})
}

func TestCheck(t *testing.T) {
	good := Spec{Kind: LED485ASCII, Address: "serial:/dev/ttyUSB0", Unit: 1, Digits: 4}
	for name, change := range map[string]func(s *Spec){
		"kind":       func(s *Spec) { s.Kind = "nixie" },
		"address":    func(s *Spec) { s.Address = "spi:/dev/spidev0.0" },
		"baud":       func(s *Spec) { s.Address += "?baud=7" },
		"unit":       func(s *Spec) { s.Unit = 0 },
		"digits":     func(s *Spec) { s.Digits = 7 },
		"brightness": func(s *Spec) { s.Brightness = 16 },
		"speed":      func(s *Spec) { s.Kind, s.Address = Max7219, "spi:/dev/spidev0.0?speed=fast" },
		"path":       func(s *Spec) { s.Kind, s.Address = Max7219, "spi:spidev0.0" },
		"start":      func(s *Spec) { s.Kind, s.Frame = Framed, Frame{Start: `\q`} },
		"hex":        func(s *Spec) { s.Kind, s.Frame = Framed, Frame{End: `\x1`} },
		"backslash":  func(s *Spec) { s.Kind, s.Frame = Framed, Frame{Separator: `\`} },
		"format":     func(s *Spec) { s.Kind, s.Frame = Framed, Frame{Address: "%s"} },
		"checksum":   func(s *Spec) { s.Kind, s.Frame = Framed, Frame{Checksum: "md5"} },
		"no-sum-hex": func(s *Spec) { s.Kind, s.Frame = Framed, Frame{Checksum: "none-hex"} },
	} {
		s := good
		if change(&s); !errors.Is(Check(s), ErrSpec) {
			t.Errorf("%s: %v", name, Check(s))
		}
	}
	if err := Check(good); err != nil {
		t.Error(err)
	}
	for text, fits := range map[string]bool{"A45": true, "C999": true, "K1": false, "O1": false, "A1001": false, "a1": false, "": true} {
		if err := CheckText(good, text); (err == nil) != fits {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := CheckText(Spec{Kind: Max7219Dots, Digits: 3}, "K99"); err != nil {
		t.Error(err)
	}
}

// FuzzFrame: any template gives an error or frames that hold the text.
func FuzzFrame(f *testing.F) {
	f.Add(`\x02`, "%02d", ":", `\r\n`, "crc16-hex")
	f.Fuzz(func(t *testing.T, start, address, separator, end, checksum string) {
		frame := Frame{Start: start, Address: address, Separator: separator, End: end, Checksum: checksum}
		b, err := frame.Encode(3, "A45")
		if err == nil && !bytes.Contains(b, []byte("A45")) {
			t.Errorf("%+v: %q", frame, b)
		}
	})
}
