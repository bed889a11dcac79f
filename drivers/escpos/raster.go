package escpos

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/okienko/okienko/drivers/paper"
)

// image prints a picture in bands: printers lose what exceeds their raster buffer, and garble the
// rest of it (escpos-php #206, lukevp #156). What is wider than the paper is cut off on the right.
func (w *writer) image(img paper.Image) {
	w.setAlign(img.Align)
	width := min(img.WidthDots, w.e.profile.Media.Dots)
	for top := 0; top < img.HeightDots; {
		rows := w.band(width, img.HeightDots-top)
		if w.e.profile.Raster.Cmd == rasterGSL {
			w.dst = appendGraphicsHeader(w.dst, width, rows)
			w.dst = appendRows(w.dst, img, width, top, rows)
			w.dst = appendGraphicsPrint(w.dst)
		} else {
			w.dst = appendRasterHeader(w.dst, (width+7)/8, rows)
			w.dst = appendRows(w.dst, img, width, top, rows)
		}
		top += rows
	}
}

// band is how many of the remaining rows go into one command. The length that GS ( L counts must
// not itself read as a real-time command.
func (w *writer) band(width, remaining int) int {
	rows := min(w.e.profile.Raster.MaxBand, remaining)
	size := graphicsSize(width, rows)
	if w.e.profile.Raster.Cmd == rasterGSL && size&0xff == dle && realtime(byte(size>>8)) { //nolint:gosec // high byte
		return rows - 1
	}
	return rows
}

// appendRows appends rows of a picture, width dots of each, and takes care of two traps: dots
// beyond the width are white whatever Bits says, and no real-time command appears among the data.
func appendRows(dst []byte, img paper.Image, width, top, rows int) []byte {
	start := len(dst)
	stride := img.Stride()
	if width == img.WidthDots && width%8 == 0 {
		dst = append(dst, img.Bits[top*stride:(top+rows)*stride]...)
	} else {
		keep := (width + 7) / 8
		mask := byte(0xff) << (keep*8 - width)
		for y := top; y < top+rows; y++ {
			dst = append(dst, img.Bits[y*stride:y*stride+keep]...)
			dst[len(dst)-1] &= mask
		}
	}
	calm(dst[start:])
	return dst
}

// calm blackens one dot wherever a picture holds DLE EOT, DLE ENQ or DLE DC4: a printer acts on
// these even inside raster data (Epson TM-U295 specification), and DLE ENQ 2 would clear its
// buffer. They cannot be escaped; a dot beside a black dot is not seen.
func calm(data []byte) {
	for {
		i := bytes.IndexByte(data, dle)
		if i < 0 || i+1 == len(data) {
			return
		}
		if realtime(data[i+1]) {
			data[i] |= dle >> 1
		}
		data = data[i+1:]
	}
}

// realtime reports whether DLE and this byte begin a command: EOT, ENQ or DC4.
func realtime(b byte) bool { return b == 0x04 || b == 0x05 || b == 0x14 }

// maxStored is the largest width and height of GS ( L fn 67 on any printer.
const maxStored = 2400

// StoreLogo returns the command that writes a picture into the printer's non-volatile memory
// (GS ( L fn 67, or GS 8 L when it is large). It is for set-up: the memory wears out, and must
// never be written per ticket. The error is that of the image or of the key.
func StoreLogo(key [2]byte, img paper.Image) ([]byte, error) {
	doc := paper.Document{Elements: []paper.Element{paper.Logo{Key: key, Fallback: &img}}}
	if err := doc.Validate(); err != nil {
		return nil, fmt.Errorf("store logo: %w", err)
	}
	if img.WidthDots > maxStored || img.HeightDots > maxStored {
		return nil, fmt.Errorf("store logo of %d×%d dots: %w", img.WidthDots, img.HeightDots, paper.ErrImage)
	}
	size := uint32(11 + len(img.Bits)) //nolint:gosec // width and height have 16 bits each
	var dst []byte
	if size <= math.MaxUint16 {
		dst = binary.LittleEndian.AppendUint16(append(dst, gs, '(', 'L'), uint16(size))
	} else {
		dst = binary.LittleEndian.AppendUint32(append(dst, gs, '8', 'L'), size)
	}
	dst = append(dst, 0x30, 0x43, 0x30, key[0], key[1], 1)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(img.WidthDots))  //nolint:gosec // checked above
	dst = binary.LittleEndian.AppendUint16(dst, uint16(img.HeightDots)) //nolint:gosec // checked above
	return appendRows(append(dst, 0x31), img, img.WidthDots, 0, img.HeightDots), nil
}
