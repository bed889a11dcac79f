package escpos

import (
	"errors"
	"fmt"

	"rsc.io/qr"
	"rsc.io/qr/coding"

	"github.com/okienko/okienko/drivers/paper"
)

// ErrQRTooWide means a QR code that does not fit the paper even with one dot per module.
var ErrQRTooWide = errors.New("QR code is wider than the paper")

// quietModules is the width of the empty border that ISO/IEC 18004 asks for.
const quietModules = 4

// qr prints a QR code by the printer's own function where the profile proves that it has one, else
// as a picture. Either way its quiet zone stays empty: beside it by the choice of the module,
// above and below by empty lines where something is printed there.
func (w *writer) qr(q paper.QR, near around) error {
	level := codingLevel(q.Level)
	modules, err := qrModules(len(q.Value), level)
	if err != nil {
		return err
	}
	caps := w.e.profile.QR
	native := caps.Native && len(q.Value) <= caps.MaxBytes && !hasControl(q.Value)
	limit := paper.MaxMagnify * 2 // GS ( k fn 167 knows 1 to 16
	if native && caps.MaxModule > 0 {
		limit = caps.MaxModule
	}
	module := qrModuleDots(q, modules, w.e.profile.Media.Dots, limit)
	if module == 0 {
		return ErrQRTooWide
	}
	// A text line's own gap below its letters already gives some of the zone.
	quiet := (quietModules*module - (lineDots - cellHeight) + lineDots - 1) / lineDots
	if near.above {
		w.dst = appendFeed(w.dst, quiet)
	}
	if native {
		w.setAlign(q.Align)
		w.dst = appendQR(w.dst, q.Value, byte(module), epsonLevel(q.Level)+byte(caps.LevelOffset)) //nolint:gosec // validated
	} else if err := w.qrImage(q, module); err != nil {
		return err
	}
	if near.below {
		w.dst = appendFeed(w.dst, quiet)
	}
	return nil
}

// hasControl reports bytes that would be commands outside the counted data of GS ( k. They are
// legal inside it, but real-time commands are obeyed anywhere.
func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// qrModules is the width in modules of the smallest symbol that holds n bytes in byte mode
// (ISO/IEC 18004, 7.4). A printer that finds a denser mode may make a smaller symbol.
func qrModules(n int, level coding.Level) (int, error) {
	for v := coding.Version(coding.MinVersion); v <= coding.MaxVersion; v++ {
		count := 8 // bits of the character count
		if v > 9 {
			count = 16
		}
		if 4+count+8*n <= 8*v.DataBytes(level) {
			return 17 + 4*int(v), nil
		}
	}
	return 0, fmt.Errorf("%d bytes: %w", n, paper.ErrQR)
}

// qrModuleDots is the largest module that keeps the symbol within its wished width and, with its
// quiet zone, within the paper. When the wish is less than one dot per module, one dot it is.
func qrModuleDots(q paper.QR, modules, dots, limit int) int {
	wish := q.WidthDots
	if wish <= 0 {
		wish = dots / 2
	}
	onPaper := dots / (modules + 2*quietModules)
	return min(max(wish/modules, 1), onPaper, limit)
}

// epsonLevel is the parameter of GS ( k fn 169.
func epsonLevel(l paper.QRLevel) byte {
	switch l {
	case paper.LevelL:
		return 0x30
	case paper.LevelQ:
		return 0x32
	case paper.LevelH:
		return 0x33
	case paper.LevelM:
	}
	return 0x31
}

func codingLevel(l paper.QRLevel) coding.Level {
	switch l {
	case paper.LevelL:
		return coding.L
	case paper.LevelQ:
		return coding.Q
	case paper.LevelH:
		return coding.H
	case paper.LevelM:
	}
	return coding.M
}

// qrImage draws the symbol. Centred, the paper beside it is its quiet zone; at a margin the zone
// is part of the picture.
func (w *writer) qrImage(q paper.QR, module int) error {
	code, err := qr.Encode(q.Value, qr.Level(codingLevel(q.Level)))
	if err != nil {
		return fmt.Errorf("draw QR code: %w", err)
	}
	border := quietModules * module
	if q.Align == paper.Center {
		border = 0
	}
	img := paper.Image{WidthDots: code.Size*module + 2*border, HeightDots: code.Size * module, Align: q.Align}
	stride := img.Stride()
	img.Bits = make([]byte, 0, stride*img.HeightDots)
	row := make([]byte, stride)
	for y := range code.Size {
		clear(row)
		for x := range code.Size * module {
			if code.Black(x/module, y) {
				row[(border+x)/8] |= 0x80 >> ((border + x) % 8)
			}
		}
		for range module {
			img.Bits = append(img.Bits, row...)
		}
	}
	w.image(img)
	return nil
}
