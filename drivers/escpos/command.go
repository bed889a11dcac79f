package escpos

import (
	"encoding/binary"

	"github.com/okienko/okienko/drivers/paper"
)

// The bytes that begin a command, and the line feed that ends a line.
const (
	lf  = 0x0A
	dle = 0x10
	esc = 0x1B
	fsp = 0x1C
	gs  = 0x1D
)

// The functions below each append one command. Names, bytes and ranges are those of the Epson
// ESC/POS command reference; what other makers do differently is a Profile's business.

// appendInit is ESC @: modes and print buffer are cleared, the receive buffer is not. On clones
// it also turns the Chinese mode on again, so FS . follows where the profile says so.
func appendInit(dst []byte, kanjiCancel bool) []byte {
	dst = append(dst, esc, '@')
	if kanjiCancel {
		dst = append(dst, fsp, '.')
	}
	return dst
}

// appendCodePage is ESC t.
func appendCodePage(dst []byte, number byte) []byte { return append(dst, esc, 't', number) }

// appendAlign is ESC a, which a printer obeys only at the start of a line.
func appendAlign(dst []byte, a paper.Align) []byte { return append(dst, esc, 'a', byte(a)) }

// appendSize is GS !, for magnifications of 1 to 8.
func appendSize(dst []byte, width, height uint8) []byte {
	return append(dst, gs, '!', (width-1)<<4|(height-1))
}

// appendBold is ESC E, appendReverse GS B, appendFont ESC M (0 is font A, 1 font B).
func appendBold(dst []byte, on bool) []byte    { return append(dst, esc, 'E', bit(on)) }
func appendReverse(dst []byte, on bool) []byte { return append(dst, gs, 'B', bit(on)) }
func appendFont(dst []byte, b bool) []byte     { return append(dst, esc, 'M', bit(b)) }

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// appendFeed feeds whole lines: by LF while that is not longer, else by ESC d, which unlike ESC J
// every clone obeys.
func appendFeed(dst []byte, lines int) []byte {
	for lines > 255 {
		dst = append(dst, esc, 'd', 255)
		lines -= 255
	}
	if lines > 3 {
		return append(dst, esc, 'd', byte(lines))
	}
	for range lines {
		dst = append(dst, lf)
	}
	return dst
}

// appendFeedDots is ESC J, for n of at most 255 vertical units. Some clones ignore it, so nothing
// may depend on it.
func appendFeedDots(dst []byte, n byte) []byte { return append(dst, esc, 'J', n) }

// The functions of GS ( k for cn = 49, the QR code.
const (
	qrModel  = 0x41 // fn 165
	qrModule = 0x43 // fn 167
	qrLevel  = 0x45 // fn 169
	qrStore  = 0x50 // fn 180
	qrPrint  = 0x51 // fn 181
)

// appendQR stores and prints a QR code of model 2. A printer obeys the last part only at the
// start of a line, adds no quiet zone, and prints nothing if the symbol is wider than its paper.
func appendQR(dst []byte, value string, module, level byte) []byte {
	dst = append(dst, gs, '(', 'k', 4, 0, 0x31, qrModel, 0x32, 0)
	dst = append(dst, gs, '(', 'k', 3, 0, 0x31, qrModule, module)
	dst = append(dst, gs, '(', 'k', 3, 0, 0x31, qrLevel, level)
	dst = append(dst, gs, '(', 'k')
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)+3)) //nolint:gosec // at most paper.MaxQRBytes
	dst = append(dst, 0x31, qrStore, 0x30)
	dst = append(dst, value...)
	return append(dst, gs, '(', 'k', 3, 0, 0x31, qrPrint, 0x30)
}

// appendRasterHeader is GS v 0 up to its data: stride × rows bytes follow.
func appendRasterHeader(dst []byte, stride, rows int) []byte {
	dst = append(dst, gs, 'v', '0', 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(stride)) //nolint:gosec // at most the paper's width
	return binary.LittleEndian.AppendUint16(dst, uint16(rows))  //nolint:gosec // at most Raster.MaxBand
}

// appendGraphicsHeader is GS ( L fn 112 up to its data: (width+7)/8 × rows bytes follow, then
// appendGraphicsPrint.
func appendGraphicsHeader(dst []byte, width, rows int) []byte {
	dst = append(dst, gs, '(', 'L')
	size := graphicsSize(width, rows)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(size)) //nolint:gosec // Profile.Validate bounds a band
	dst = append(dst, 0x30, 0x70, 0x30, 1, 1, 0x31)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(width)) //nolint:gosec // as above
	return binary.LittleEndian.AppendUint16(dst, uint16(rows)) //nolint:gosec // as above
}

// graphicsSize is what fn 112 counts: its ten parameters and the data.
func graphicsSize(width, rows int) int { return 10 + (width+7)/8*rows }

// appendGraphicsPrint is GS ( L fn 50.
func appendGraphicsPrint(dst []byte) []byte { return append(dst, gs, '(', 'L', 2, 0, 0x30, 0x32) }

// appendLogo is GS ( L fn 69: print the graphics stored under key, at single size.
func appendLogo(dst []byte, key [2]byte) []byte {
	return append(dst, gs, '(', 'L', 6, 0, 0x30, 0x45, key[0], key[1], 1, 1)
}
