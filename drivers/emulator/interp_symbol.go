package emulator

import (
	"rsc.io/qr"
)

// Functions of GS ( k with cn 49 (QR).
const (
	symbolQR      = 49
	symbolModel   = 65
	symbolModule  = 67
	symbolEC      = 69
	symbolStore   = 80
	symbolPrint   = 81
	maxQRModule   = 16
	maxQRDataSize = 7089
)

// qrSettings are the symbol's settings and storage; ESC @ clears them.
type qrSettings struct {
	model  byte
	module int
	level  qr.Level
	data   []byte
}

func defaultQR() qrSettings { return qrSettings{model: 50, module: 3, level: qr.L} }

// symbol is GS ( k pL pH cn fn …: two-dimensional codes, of which only QR is drawn.
func (in *interp) symbol(args []byte) int {
	if in.missing(FeatureQR, opSymbol) {
		return 0
	}
	if len(args) < 5 {
		in.page.warnAt("size byte out of range in %s", opSymbol)
		return 0
	}
	cn, fn, p := args[2], args[3], args[4:]
	if cn != symbolQR {
		if fn == symbolPrint {
			in.page.warnAt("symbol type %d is not emulated", cn)
		}
		return 0
	}
	switch fn {
	case symbolModel:
		in.qrModel(p[0])
	case symbolModule:
		in.qrModule(int(p[0]))
	case symbolEC:
		if p[0] < '0' || p[0] > '3' {
			in.page.warnAt("size byte out of range: QR error correction %02X", p[0])
			return 0
		}
		in.m.qr.level = qr.Level(p[0] - '0')
	case symbolStore:
		if len(p)-1 > maxQRDataSize || p[0] != '0' {
			in.page.warnAt("size byte out of range in %s", opSymbol)
			return 0
		}
		in.m.qr.data = append([]byte(nil), p[1:]...)
	case symbolPrint:
		return in.printQR()
	default:
		in.page.warnAt("QR function %d is not emulated", fn)
	}
	return 0
}

func (in *interp) qrModel(n byte) {
	switch n {
	case 49, 50:
		in.m.qr.model = n
	default:
		in.page.warnAt("size byte out of range: QR model %d", n)
	}
}

func (in *interp) qrModule(n int) {
	if n < 1 || n > maxQRModule {
		in.page.warnAt("size byte out of range: QR module %d", n)
		return
	}
	in.m.qr.module = n
}

// printQR draws the stored symbol without a quiet zone, as printers do; it prints nothing at all if
// the symbol is wider than the print area.
func (in *interp) printQR() int {
	if !in.atLineStart(opSymbol) {
		return 0
	}
	q := in.m.qr
	if len(q.data) == 0 {
		in.page.warnAt("no QR data stored to print")
		return 0
	}
	if q.model == 49 {
		in.page.warnAt("QR model 1 drawn as model 2")
	}
	code, err := qr.Encode(string(q.data), q.level)
	if err != nil {
		in.page.warnAt("QR data of %d bytes does not fit a symbol", len(q.data))
		return 0
	}
	side := code.Size * q.module
	if side > in.m.width {
		in.page.warnAt("QR too wide for paper: %d dots", side)
		return 0
	}
	b := newBitmap(code.Size, code.Size)
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				b.set(x, y)
			}
		}
	}
	e := element{
		x: in.alignedX(side), y: in.page.y, w: side, h: side, bits: b, sx: q.module, sy: q.module, symbol: true,
	}
	if in.page.add(e, len(b.bits)) {
		in.page.qr = append(in.page.qr, string(q.data))
	}
	return in.page.feed(side)
}

// barSettings are the settings of one-dimensional codes.
type barSettings struct {
	height, width int
	hri           byte
}

func defaultBar() barSettings { return barSettings{height: 162, width: 3} }

// symbolMode carries out the bar code settings.
func (in *interp) symbolMode(o op, args []byte) bool {
	b := &in.m.bar
	switch o {
	case opBarHeight:
		b.height = max(int(args[0]), 1)
	case opBarWidth:
		if args[0] < 1 || args[0] > 6 {
			in.page.warnAt("size byte out of range: bar width %d", args[0])
			return true
		}
		b.width = int(args[0])
	case opHRI:
		b.hri = args[0] & 3
	case opHRIFont:
	default:
		return false
	}
	return true
}

// barcode is GS k. The bars themselves are not drawn: a box with the name of the symbology and the
// data stands for them, as tickets of a queue carry QR codes.
func (in *interp) barcode(args []byte) int {
	if !in.atLineStart(opBarcode) {
		return 0
	}
	kind, data := args[0], args[1:]
	if kind >= 65 && len(data) > 0 {
		data = data[1:]
	}
	name := barcodeName(kind)
	if name == "" || len(data) == 0 {
		in.page.warnAt("size byte out of range in %s", opBarcode)
		return 0
	}
	text := string(data)
	if name == "CODE128" && len(text) > 2 && text[0] == '{' {
		text = text[2:]
	}
	w := min((11*len(data)+35)*in.m.bar.width, in.m.width)
	e := element{x: in.alignedX(w), y: in.page.y, w: w, h: in.m.bar.height, label: name + " " + text}
	in.page.add(e, len(text)+64)
	if in.m.bar.hri != 0 {
		in.page.addLine(text)
	}
	return in.page.feed(e.h)
}

// barcodeName is the symbology of GS k m, in both its numberings.
func barcodeName(m byte) string {
	names := []string{
		"UPC-A", "UPC-E", "EAN13", "EAN8", "CODE39", "ITF", "CODABAR",
		"CODE93", "CODE128", "GS1-128", "GS1", "GS1", "GS1", "GS1", "CODE128",
	}
	n := int(m)
	switch {
	case n >= 65 && n-65 < len(names):
		return names[n-65]
	case n < 7:
		return names[n]
	}
	return ""
}
