package escpos

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"rsc.io/qr"

	"github.com/okienko/okienko/drivers/paper"
)

const ticketURL = "https://kolejka.torun.pl/t/8f3k2m9q7w4x1z6b5n0c/a45?k=7h2d9s"

// The size computed for the printer's own symbol is that of a real one in byte mode.
func TestQRModulesMatchAnEncoder(t *testing.T) {
	for _, level := range []paper.QRLevel{paper.LevelM, paper.LevelL, paper.LevelQ, paper.LevelH} {
		for n := 1; n <= paper.MaxQRBytes; n += 7 {
			value := strings.Repeat("a", n) // lower case has no denser mode
			code, err := qr.Encode(value, qr.Level(codingLevel(level)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := qrModules(n, codingLevel(level))
			if err != nil || got != code.Size {
				t.Fatalf("%d bytes at %s: %d modules, %v; an encoder made %d", n, level, got, err, code.Size)
			}
		}
	}
}

// The documented sizes of the ticket's 60 characters (reference: L 33, M 33, Q 37, H 45 modules).
func TestQRModulesOfATicket(t *testing.T) {
	want := map[paper.QRLevel]int{paper.LevelL: 33, paper.LevelM: 33, paper.LevelQ: 37, paper.LevelH: 45}
	for level, modules := range want {
		if got, err := qrModules(60, codingLevel(level)); got != modules || err != nil {
			t.Errorf("level %s: %d modules, %v; want %d", level, got, err, modules)
		}
	}
}

func TestQRModuleDots(t *testing.T) {
	tests := []struct {
		name                       string
		wish, modules, dots, limit int
		want                       int
	}{
		{"largest-within-wish", 240, 33, 576, 16, 7},
		{"half-the-paper", 0, 33, 576, 16, 8},
		{"within-paper-with-quiet-zone", 600, 33, 384, 16, 9},
		{"printer-limit", 576, 21, 576, 8, 8},
		{"wish-too-small", 10, 33, 384, 16, 1},
		{"never-fits", 100, 177, 180, 16, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := qrModuleDots(paper.QR{WidthDots: tt.wish}, tt.modules, tt.dots, tt.limit)
			if got != tt.want {
				t.Errorf("%d dots, want %d", got, tt.want)
			}
		})
	}
}

func TestQRTooWideIsAnError(t *testing.T) {
	e := encoderFor(t, "generic-58", func(p *Profile) {
		p.Media.Dots, p.Media.Columns.A, p.Media.Columns.B = 192, 16, 0
	})
	long := paper.QR{Value: strings.Repeat("x", paper.MaxQRBytes), Level: paper.LevelH}
	if _, err := e.Encode(paper.Document{Elements: []paper.Element{long}}); err != nil {
		t.Logf("%d bytes at H: %v", paper.MaxQRBytes, err)
		if !errors.Is(err, ErrQRTooWide) {
			t.Error("wrong error")
		}
	} else if modules, _ := qrModules(paper.MaxQRBytes, codingLevel(paper.LevelH)); modules+8 > 192 {
		t.Error("no error")
	}
}

// Custom counts the levels from 1.
func TestQRLevelOffset(t *testing.T) {
	out := encode(t, encoderFor(t, "custom-vkp80iii", nil), paper.QR{Value: "x"})
	if !bytes.Contains(out, fromHex(t, "1D286B0300 314532")) {
		t.Errorf("level M is not 32h: % X", out)
	}
}

// Control bytes go into a picture and not onto the wire.
func TestQRWithControlBytesIsDrawn(t *testing.T) {
	value := "a\x10\x04\x01b"
	out := encode(t, encoderFor(t, "epson-tm-t20iii", nil), paper.QR{Value: value})
	if bytes.Contains(out, []byte("\x10\x04\x01")) {
		t.Errorf("real-time command on the wire: % X", out)
	}
	if got := readDrawnQR(t, out); got != value {
		t.Errorf("read %q", got)
	}
}

// A drawn QR code is read by an independent decoder, at every alignment and level, in bands.
func TestDrawnQRIsReadable(t *testing.T) {
	for _, align := range []paper.Align{paper.Left, paper.Center, paper.Right} {
		for _, level := range []paper.QRLevel{paper.LevelM, paper.LevelL, paper.LevelQ, paper.LevelH} {
			for _, profile := range []string{"generic-58", "generic-80", "posiflex-pp7700"} {
				t.Run(fmt.Sprintf("%s-%s-%s", profile, align, level), func(t *testing.T) {
					out := encode(t, encoderFor(t, profile, func(p *Profile) { p.Raster.MaxBand = 64 }),
						paper.QR{Value: ticketURL, Align: align, Level: level, WidthDots: 240})
					if got := readDrawnQR(t, out); got != ticketURL {
						t.Errorf("read %q", got)
					}
				})
			}
		}
	}
}

// readDrawnQR puts the raster bands of out below each other on white paper and reads the symbol.
func readDrawnQR(t *testing.T, out []byte) string {
	t.Helper()
	tokens, err := tokenize(out)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]byte
	stride := 0
	for _, tok := range tokens {
		var data []byte
		switch {
		case tok.is("GS v 0"):
			stride, data = int(tok.args[1]), tok.args[5:]
		case tok.is("GS ( L") && tok.args[1] == 0x70:
			stride, data = (int(tok.args[6])+int(tok.args[7])<<8+7)/8, tok.args[10:]
		}
		for ; len(data) > 0; data = data[stride:] {
			rows = append(rows, data[:stride])
		}
	}
	const margin = 40
	page := image.NewGray(image.Rect(0, 0, stride*8+2*margin, len(rows)+2*margin))
	for i := range page.Pix {
		page.Pix[i] = 0xff
	}
	for y, row := range rows {
		for x := range stride * 8 {
			if row[x/8]&(0x80>>(x%8)) != 0 {
				page.SetGray(margin+x, margin+y, color.Gray{})
			}
		}
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(page)
	if err != nil {
		t.Fatal(err)
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	return result.GetText()
}
