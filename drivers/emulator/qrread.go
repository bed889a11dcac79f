package emulator

import (
	"math/bits"
	"slices"
	"strings"

	"rsc.io/qr/coding"
)

// maxSymbolTries bounds the work on a picture that is full of finder patterns.
const maxSymbolTries = 20000

// readQR finds QR symbols that came as pictures. Pictures on paper are exact, so only symbols that
// stand upright on whole dots are looked for and no error is corrected; what does not fit is simply
// not a symbol.
func (s *sheet) readQR() []string {
	b := s.pictures()
	if b == nil {
		return nil
	}
	var found []string
	var above []finder
	tries := maxSymbolTries
	for y := range b.h {
		row := findersInRow(b, y)
		for i, f := range row {
			if slices.Contains(above, f) {
				continue // only the first row through the inner square counts
			}
			for _, g := range row[i+1:] {
				if tries--; tries < 0 {
					return found
				}
				if text, ok := readSymbol(b, f, g, y); ok {
					found = append(found, text)
					break
				}
			}
		}
		above = row
	}
	return found
}

// pictures copies everything that is raster, except the printer's own symbols, onto one bitmap.
func (s *sheet) pictures() *bitmap {
	var page *bitmap
	for _, e := range s.elements {
		if e.symbol {
			continue
		}
		if e.bits != nil {
			page = s.ensure(page)
			stampBits(page, e.bits, e.x, e.y, e.sx, e.sy)
		}
		for _, c := range e.cells {
			if c.bits != nil {
				page = s.ensure(page)
				stampBits(page, c.bits, e.x+c.x, e.y, c.sx, c.sy)
			}
		}
	}
	return page
}

func (s *sheet) ensure(b *bitmap) *bitmap {
	if b != nil {
		return b
	}
	return newBitmap(s.dots, s.height)
}

// stampBits draws a bitmap with its dots multiplied by sx and sy.
func stampBits(dst, src *bitmap, x0, y0, sx, sy int) {
	for y := range src.h {
		if sx == 1 && sy == 1 {
			dst.orRow(x0, y0+y, src, y)
			continue
		}
		for x := range src.w {
			if !src.black(x, y) {
				continue
			}
			for i := range sx * sy {
				dst.set(x0+x*sx+i%sx, y0+y*sy+i/sx)
			}
		}
	}
}

// orRow copies one row of src to x0, y without scaling. What does not fit is left out.
func (b *bitmap) orRow(x0, y int, src *bitmap, row int) {
	if y < 0 || y >= b.h || x0 < 0 {
		return
	}
	dst := b.bits[y*b.stride : (y+1)*b.stride]
	shift := x0 % 8
	for i, v := range src.bits[row*src.stride : (row+1)*src.stride] {
		if rest := src.w - 8*i; rest < 8 {
			v &= 0xFF << (8 - max(rest, 0))
		}
		if at := x0/8 + i; at < len(dst) {
			dst[at] |= v >> shift
			if at+1 < len(dst) {
				dst[at+1] |= v << (8 - shift)
			}
		}
	}
}

// finder is a run of black, white, black, white, black as 1:1:3:1:1 with k dots a module.
type finder struct{ x, k int }

// findersInRow lists the 1:1:3:1:1 patterns of one row.
func findersInRow(b *bitmap, y int) []finder {
	var found []finder
	var runs [5]int // the last five runs, oldest first; the newest is black
	for x := 0; x < b.w; {
		white := b.runEnd(x, y, false) - x
		x += white
		black := b.runEnd(x, y, true) - x
		x += black
		runs = [5]int{runs[2], runs[3], runs[4], white, black}
		if k := black; k > 0 && runs == [5]int{k, k, 3 * k, k, k} {
			found = append(found, finder{x: x - 7*k, k: k})
		}
	}
	return found
}

// runEnd is where the run of black or white dots that begins at x ends.
func (b *bitmap) runEnd(x, y int, black bool) int {
	row := b.bits[y*b.stride : (y+1)*b.stride]
	skip := byte(0)
	if black {
		skip = 0xFF
	}
	for x < b.w {
		change := (row[x/8] ^ skip) & (0xFF >> (x % 8))
		if change != 0 {
			return min(x/8*8+bits.LeadingZeros8(change), b.w)
		}
		x = x/8*8 + 8
	}
	return b.w
}

// readSymbol tries the symbol whose upper finders f and g are cut by row y, the first one through
// their inner squares.
func readSymbol(b *bitmap, f, g finder, y int) (string, bool) {
	k := f.k
	size := (g.x + 7*k - f.x) / k
	version := coding.Version((size - 17) / 4)
	top := y - 2*k
	if g.k != k || (size-17)%4 != 0 || version < 1 || version > 40 || top < 0 || top+size*k > b.h {
		return "", false
	}
	dark := func(x, y int) bool { return b.black(f.x+x*k+k/2, top+y*k+k/2) }
	level, mask, ok := readFormat(dark)
	if !ok {
		return "", false
	}
	plan, err := coding.NewPlan(version, level, mask)
	if err != nil || !fitsPlan(plan, dark) {
		return "", false
	}
	data := make([]byte, plan.DataBytes)
	for y, row := range plan.Pixel {
		for x, p := range row {
			if p.Role() != coding.Data || dark(x, y) == (p&coding.Black != 0) {
				continue
			}
			o := p.Offset()
			data[o/8] |= 0x80 >> (o % 8)
		}
	}
	return readSegments(data, version)
}

// readFormat reads level and mask beside the upper left finder (ISO/IEC 18004, 7.9).
func readFormat(dark func(x, y int) bool) (coding.Level, coding.Mask, bool) {
	bits := 0
	at := func(x, y, i int) {
		if dark(x, y) {
			bits |= 1 << i
		}
	}
	for i := range 6 {
		at(8, i, i)
	}
	at(8, 7, 6)
	at(8, 8, 7)
	at(7, 8, 8)
	for i := 9; i < 15; i++ {
		at(14-i, 8, i)
	}
	bits ^= 0x5412
	rem := bits
	for i := 14; i >= 10; i-- {
		if rem&(1<<i) != 0 {
			rem ^= 0x537 << (i - 10)
		}
	}
	return coding.Level(bits>>13 ^ 1), coding.Mask(bits >> 10 & 7), rem == 0
}

// fitsPlan checks that every module that carries no data looks as the standard says.
func fitsPlan(plan *coding.Plan, dark func(x, y int) bool) bool {
	for y, row := range plan.Pixel {
		for x, p := range row {
			switch p.Role() {
			case coding.Position, coding.Alignment, coding.Timing, coding.PVersion:
				if dark(x, y) != (p&coding.Black != 0) {
					return false
				}
			default: // format and data were or will be read
			}
		}
	}
	return true
}

// bitReader takes bits from the front; past the end it gives zeros and over is set.
type bitReader struct {
	data []byte
	at   int
	over bool
}

func (r *bitReader) take(n int) int {
	v := 0
	for range n {
		v <<= 1
		if r.at/8 >= len(r.data) {
			r.over = true
			continue
		}
		v |= int(r.data[r.at/8] >> (7 - r.at%8) & 1)
		r.at++
	}
	return v
}

// readSegments decodes numeric, alphanumeric and byte segments (ISO/IEC 18004, 7.4); a character
// set announced by ECI is passed over.
func readSegments(data []byte, v coding.Version) (string, bool) {
	r := bitReader{data: data}
	class := 0
	if v > 9 {
		class = 1
	}
	if v > 26 {
		class = 2
	}
	var b strings.Builder
	for !r.over {
		switch r.take(4) {
		case 0:
			return b.String(), b.Len() > 0
		case 1:
			readNumeric(&r, &b, r.take([]int{10, 12, 14}[class]))
		case 2:
			readAlphanumeric(&r, &b, r.take([]int{9, 11, 13}[class]))
		case 4:
			for range r.take([]int{8, 16, 16}[class]) {
				b.WriteByte(byte(r.take(8) & 0xFF))
			}
		case 7:
			switch lead := r.take(8); {
			case lead&0xC0 == 0x80:
				r.take(8)
			case lead&0xE0 == 0xC0:
				r.take(16)
			}
		default:
			return "", false
		}
		if r.at >= 8*len(data)-3 { // no room for a terminator
			return b.String(), b.Len() > 0 && !r.over
		}
	}
	return "", false
}

func readNumeric(r *bitReader, b *strings.Builder, n int) {
	for ; n > 0 && !r.over; n -= 3 {
		digits := min(n, 3)
		v := r.take([]int{0, 4, 7, 10}[digits])
		for _, unit := range []int{100, 10, 1}[3-digits:] {
			b.WriteByte(byte('0' + v/unit%10))
		}
	}
}

func readAlphanumeric(r *bitReader, b *strings.Builder, n int) {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	for ; n > 1 && !r.over; n -= 2 {
		v := r.take(11) % (45 * 45)
		b.WriteByte(alphabet[v/45])
		b.WriteByte(alphabet[v%45])
	}
	if n == 1 {
		b.WriteByte(alphabet[r.take(6)%45])
	}
}
