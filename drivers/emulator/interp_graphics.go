package emulator

// Functions of GS ( L and GS 8 L, and the bytes before their image data (counted from m).
const (
	graphicsPrintOld     = 2
	graphicsPrint        = 50
	graphicsNVDelete     = 66
	graphicsNVDefine     = 67
	graphicsNVPrint      = 69
	graphicsRAMDefine    = 83
	graphicsRAMPrint     = 85
	graphicsStore        = 112
	graphicsStoreHeader  = 10 // m fn a bx by c xL xH yL yH
	graphicsDefineHeader = 11 // m fn a kc1 kc2 b xL xH yL yH c
	maxGraphicsDots      = 2400
	maxNVImages          = 64
)

// sink takes the payload of one command byte by byte. Both methods return the dots the paper moved.
type sink interface {
	put(b byte) int
	end() int
}

// skipSink throws payload away.
type skipSink struct{}

func (skipSink) put(byte) int { return 0 }
func (skipSink) end() int     { return 0 }

// openSink decides where the payload of a command goes.
func (in *interp) openSink(e event) sink {
	switch e.op {
	case opRaster:
		return in.openRaster(e.args)
	case opBitImage:
		return in.openBitImage(e.args)
	case opGraphics:
		return in.openGraphics(e, 2)
	case opGraphics8:
		return in.openGraphics(e, 4)
	default:
		in.page.warnAt("%s with %d bytes skipped", e.op, e.size)
		return skipSink{}
	}
}

// rowSink cuts payload into rows of a bitmap.
type rowSink struct {
	row   []byte
	width int // bytes of a row as declared; only what fits the bitmap is kept
	at    int
	keep  int
	onRow func(row []byte) int
	onEnd func() int
}

func newRowSink(declared, keep int, onRow func([]byte) int, onEnd func() int) *rowSink {
	return &rowSink{width: declared, keep: keep, row: make([]byte, 0, keep), onRow: onRow, onEnd: onEnd}
}

func (s *rowSink) put(b byte) int {
	if s.at < s.keep {
		s.row = append(s.row, b)
	}
	s.at++
	if s.at < s.width {
		return 0
	}
	s.at = 0
	moved := s.onRow(s.row)
	s.row = s.row[:0]
	return moved
}

func (s *rowSink) end() int { return s.onEnd() }

// openRaster is GS v 0 m xL xH yL yH: rows go onto the paper as they come.
func (in *interp) openRaster(args []byte) sink {
	wide, ok := rasterScale(args[0])
	if !ok {
		in.page.warnAt("size byte out of range: raster mode %d", args[0])
		return skipSink{}
	}
	if !in.atLineStart(opRaster) {
		return skipSink{}
	}
	bytes := le16(args[1], args[2])
	if h := le16(args[3], args[4]); h > 4095 {
		in.page.warnAt("size byte out of range: raster of %d rows", h)
	}
	sx, sy := wide[0], wide[1]
	w := min(bytes*8*sx, in.m.width)
	if bytes*8*sx > in.m.width {
		in.page.warnAt("raster of %d dots is wider than the paper", bytes*8*sx)
	}
	bits := &bitmap{w: max(w/sx, 1), stride: (max(w/sx, 1) + 7) / 8}
	e := element{x: in.alignedX(w), y: in.page.y, w: w, bits: bits, sx: sx, sy: sy}
	kept := in.page.add(e, 64)
	at := len(in.page.elements) - 1
	onRow := func(row []byte) int {
		if kept && in.page.weight+len(row) <= maxPageBytes && in.page.y < in.page.limit() {
			bits.addRow(row)
			in.page.weight += bits.stride
			in.page.elements[at].h += sy
		}
		return in.page.feed(sy)
	}
	return newRowSink(bytes, bits.stride, onRow, func() int {
		if kept {
			in.page.countImage(in.page.elements[at])
		}
		return 0
	})
}

// rasterScale is m of GS v 0: bit 0 doubles the width, bit 1 the height.
func rasterScale(m byte) (scale [2]int, ok bool) {
	if m >= '0' {
		m -= '0'
	}
	return [2]int{1 + int(m&1), 1 + int(m>>1&1)}, m <= 3
}

// columnSink collects the columns of ESC *: top dot in the most significant bit.
type columnSink struct {
	in      *interp
	per     int
	sx, sy  int
	columns [][3]byte
	cur     [3]byte
	at      int
	limit   int
}

// openBitImage is ESC * m nL nH. The 8-dot modes have a third of the vertical density, the single
// density modes half of the horizontal one.
func (in *interp) openBitImage(args []byte) sink {
	s := &columnSink{in: in, per: 1, sx: 1, sy: 3}
	switch args[0] {
	case 0:
		s.sx = 2
	case 1:
	case 32:
		s.per, s.sx, s.sy = 3, 2, 1
	case 33:
		s.per, s.sy = 3, 1
	default:
		in.page.warnAt("size byte out of range: bit image mode %d", args[0])
		return skipSink{}
	}
	n := le16(args[1], args[2])
	s.limit = max(in.m.width-in.line.x, 0) / s.sx
	if n > s.limit {
		in.page.warnAt("bit image of %d dots is wider than the paper", n*s.sx)
	}
	return s
}

func (s *columnSink) put(b byte) int {
	s.cur[s.at] = b
	s.at++
	if s.at == s.per {
		if len(s.columns) < s.limit {
			s.columns = append(s.columns, s.cur)
		}
		s.at, s.cur = 0, [3]byte{}
	}
	return 0
}

func (s *columnSink) end() int {
	h := 8 * s.per
	b := newBitmap(len(s.columns), h)
	for x, col := range s.columns {
		for y := range h {
			if col[y/8]&(0x80>>(y%8)) != 0 {
				b.set(x, y)
			}
		}
	}
	if s.in.line.bits+len(b.bits) > maxLineBits {
		s.in.page.warn("line holds more than the emulator keeps")
		return 0
	}
	s.in.line.bits += len(b.bits)
	return s.in.place(cell{w: b.w * s.sx, h: h * s.sy, sx: s.sx, sy: s.sy, bits: b}, 0)
}

// openGraphics is GS ( L and GS 8 L with an image behind the header.
func (in *interp) openGraphics(e event, head int) sink {
	if in.missing(FeatureGraphics, e.op) {
		return skipSink{}
	}
	a := e.args[head:]
	if len(a) < graphicsStoreHeader || a[0] != 0x30 {
		in.page.warnAt("%s with %d bytes skipped", e.op, e.size)
		return skipSink{}
	}
	if a[1] == graphicsStore {
		return in.openStore(e, a)
	}
	return in.openDefine(e, a)
}

// openStore is fn 112: m fn a bx by c xL xH yL yH. bx and by double the image when printed.
func (in *interp) openStore(e event, a []byte) sink {
	w, h := le16(a[6], a[7]), le16(a[8], a[9])
	if !in.graphicsFits(w, h, e.size) || a[3] < 1 || a[3] > 2 || a[4] < 1 || a[4] > 2 {
		in.page.warnAt("size byte out of range in %s", e.op)
		return skipSink{}
	}
	b := &bitmap{w: w, stride: (w + 7) / 8}
	in.store = nil
	return newRowSink(b.stride, b.stride, rowAdder(b, h), func() int {
		in.store, in.storeSx, in.storeSy = b, int(a[3]), int(a[4])
		return 0
	})
}

// graphicsFits checks an image's size against the printer's and its data length against its size.
func (in *interp) graphicsFits(w, h int, size int64) bool {
	stride := (w + 7) / 8
	return w > 0 && h > 0 && w <= maxGraphicsDots && h <= maxGraphicsDots && size >= int64(stride)*int64(h)
}

func rowAdder(b *bitmap, h int) func([]byte) int {
	return func(row []byte) int {
		if b.h < h {
			b.addRow(row)
		}
		return 0
	}
}

// openDefine is fn 67 (NV memory) and fn 83 (RAM): m fn a kc1 kc2 b xL xH yL yH c, one colour.
func (in *interp) openDefine(e event, a []byte) sink {
	memory := in.nv
	if a[1] == graphicsRAMDefine {
		memory = in.ram
	}
	w, h := le16(a[6], a[7]), le16(a[8], a[9])
	if !in.graphicsFits(w, h, e.size) {
		in.page.warnAt("size byte out of range in %s", e.op)
		return skipSink{}
	}
	key := [2]byte{a[3], a[4]}
	if _, known := memory[key]; !known && len(memory) >= maxNVImages {
		in.page.warnAt("graphics memory is full")
		return skipSink{}
	}
	b := &bitmap{w: w, stride: (w + 7) / 8}
	return newRowSink(b.stride, b.stride, rowAdder(b, h), func() int {
		memory[key] = b
		return 0
	})
}

// graphics is GS ( L and GS 8 L without image data: print, delete and the queries we do not answer.
func (in *interp) graphics(o op, args []byte) int {
	if in.missing(FeatureGraphics, o) {
		return 0
	}
	head := 2
	if o == opGraphics8 {
		head = 4
	}
	a := args[min(head, len(args)):]
	if len(a) < 2 || a[0] != 0x30 {
		in.page.warnAt("size byte out of range in %s", o)
		return 0
	}
	switch a[1] {
	case graphicsPrint, graphicsPrintOld:
		if in.store == nil {
			in.page.warnAt("no graphics stored to print")
			return 0
		}
		b := in.store
		in.store = nil
		return in.printBitmap(b, in.storeSx, in.storeSy)
	case graphicsNVPrint:
		return in.printKey(in.nv, a)
	case graphicsRAMPrint:
		return in.printKey(in.ram, a)
	case graphicsNVDelete:
		if len(a) >= 4 {
			delete(in.nv, [2]byte{a[2], a[3]})
		}
	case graphicsStore, graphicsNVDefine, graphicsRAMDefine:
		in.page.warnAt("size byte out of range in %s", o)
	default:
		in.page.warnAt("graphics function %d is not emulated", a[1])
	}
	return 0
}

// printKey prints an image of the printer's memory: m fn kc1 kc2 x y.
func (in *interp) printKey(memory map[[2]byte]*bitmap, a []byte) int {
	if len(a) < 6 || a[4] < 1 || a[4] > 2 || a[5] < 1 || a[5] > 2 {
		in.page.warnAt("size byte out of range in %s", opGraphics)
		return 0
	}
	b := memory[[2]byte{a[2], a[3]}]
	if b == nil {
		in.page.warnAt("no graphics under key %02X %02X", a[2], a[3])
		return 0
	}
	return in.printBitmap(b, int(a[4]), int(a[5]))
}

// printBitmap puts a complete image on the paper.
func (in *interp) printBitmap(b *bitmap, sx, sy int) int {
	if !in.atLineStart(opGraphics) {
		return 0
	}
	if b.w*sx > in.m.width {
		in.page.warnAt("raster of %d dots is wider than the paper", b.w*sx)
	}
	w := min(b.w*sx, in.m.width)
	e := element{x: in.alignedX(w), y: in.page.y, w: w, h: b.h * sy, bits: b, sx: sx, sy: sy}
	if in.page.add(e, len(b.bits)) {
		in.page.countImage(e)
	}
	return in.page.feed(e.h)
}
