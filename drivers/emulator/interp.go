package emulator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	defaultLineSpacing = 30
	maxLineCells       = 1024
	maxLineBits        = 64 << 10
	noGlyph            = '\uFFFD'
)

// effect is something that a command does outside the paper. The mechanism carries it out.
type effect struct {
	kind   effectKind
	arg    byte
	data   []byte
	ticket *Ticket
}

type effectKind uint8

const (
	fxStatus    effectKind = iota + 1 // GS r arg
	fxIdentity                        // GS I arg
	fxASB                             // GS a arg
	fxProcessID                       // GS ( H data
	fxTicket                          // a ticket was cut
	fxPresent                         // GS e arg
)

// modes are the settings that ESC @ brings back to their defaults.
type modes struct {
	font       font
	sx, sy     int
	style      style
	double     bool
	upsideDown bool
	align      byte
	spacing    int
	charSpace  int
	left       int
	width      int
	table      *codeTable
	kanji      bool
	utf8       bool
	tabs       []int
	qr         qrSettings
	bar        barSettings
}

// line is the print buffer of standard mode.
type line struct {
	cells []cell
	x     int
	dirty bool // something other than a move is in it
	bits  int  // bytes of graphics in it
}

// interp is what the printer makes of commands: modes, print buffer, page and memory. It does no
// input or output and knows no time.
type interp struct {
	opt     Options
	pages   *pageSet
	m       modes
	line    line
	page    page
	sink    sink
	store   *bitmap // GS ( L fn 112
	storeSx int
	storeSy int
	nv, ram map[[2]byte]*bitmap
	lead    byte   // first half of a double-byte character
	runeBuf []byte // beginning of a UTF-8 character
	effects []effect
}

func newInterp(o Options) *interp {
	in := &interp{
		opt: o, pages: newPageSet(o.CodePages), page: newPage(o), nv: map[[2]byte]*bitmap{},
	}
	in.initialise()
	return in
}

// initialise is ESC @ and power-on: modes and print buffer, not the paper and not the NV memory.
func (in *interp) initialise() {
	in.m = modes{
		sx: 1, sy: 1, spacing: defaultLineSpacing, width: in.opt.Dots, table: in.pages.table(0),
		kanji: in.opt.KanjiOnInit, qr: defaultQR(), bar: defaultBar(),
	}
	in.line = line{}
	in.sink = nil
	in.store = nil
	in.ram = map[[2]byte]*bitmap{}
	in.lead = 0
	in.runeBuf = in.runeBuf[:0]
}

// apply carries out one event. It returns the dots the paper moved; effects are left in in.effects
// until takeEffects.
func (in *interp) apply(e event) int {
	switch e.kind {
	case evNone:
	case evText:
		return in.text(e.b)
	case evControl:
		return in.control(e.b)
	case evCommand:
		return in.command(e.op, e.args)
	case evOpen:
		in.sink = in.openSink(e)
	case evData:
		return in.payload(e)
	case evUnknown:
		in.page.warnAt("unknown command % X", e.args)
	}
	return 0
}

func (in *interp) payload(e event) int {
	moved := 0
	if in.sink != nil {
		moved = in.sink.put(e.b)
		if e.last {
			moved += in.sink.end()
		}
	}
	if e.last {
		in.sink = nil
	}
	return moved
}

func (in *interp) takeEffects() []effect {
	fx := in.effects
	in.effects = nil
	return fx
}

func (in *interp) emit(e effect) { in.effects = append(in.effects, e) }

// text takes one printable byte.
func (in *interp) text(b byte) int {
	switch {
	case in.m.utf8:
		return in.utf8Byte(b)
	case in.lead != 0:
		in.lead = 0
		in.page.warn("double-byte mode is on: bytes printed as Chinese")
		return in.put('〓', true)
	case in.m.kanji && b >= 0x81:
		in.lead = b
		return 0
	case b < 0x7F:
		return in.put(rune(b), false)
	}
	r := rune(0)
	if b >= 0x80 && in.m.table != nil {
		r = in.m.table[b-0x80]
	}
	if r == 0 {
		in.page.warnAt("text outside code page: byte %02X", b)
		r = noGlyph
	}
	return in.put(r, false)
}

func (in *interp) utf8Byte(b byte) int {
	in.runeBuf = append(in.runeBuf, b)
	if !utf8.FullRune(in.runeBuf) {
		return 0
	}
	r, n := utf8.DecodeRune(in.runeBuf)
	rest := append([]byte(nil), in.runeBuf[n:]...)
	in.runeBuf = in.runeBuf[:0]
	if r == utf8.RuneError {
		in.page.warnAt("text is not UTF-8: byte %02X", b)
	}
	moved := in.put(r, false)
	for _, c := range rest {
		moved += in.utf8Byte(c)
	}
	return moved
}

// put sets one character into the line and wraps the line if it is full.
func (in *interp) put(r rune, wide bool) int {
	w, h := in.m.font.size()
	if wide {
		w *= 2
	}
	if in.m.style.rotated {
		w, h = h, w
	}
	style := in.m.style
	style.bold = style.bold || in.m.double
	c := cell{r: r, w: w * in.m.sx, h: h * in.m.sy, font: in.m.font, sx: in.m.sx, sy: in.m.sy, style: style}
	return in.place(c, in.m.charSpace*in.m.sx)
}

// place adds a cell at the print position.
func (in *interp) place(c cell, space int) int {
	moved := 0
	if in.line.x+c.w > in.m.width && in.line.x > 0 {
		in.page.warn("line wider than the paper, wrapped")
		moved = in.printLine(in.m.spacing)
	}
	if len(in.line.cells) >= maxLineCells {
		in.page.warn("line holds more than the emulator keeps")
		return moved
	}
	c.x = in.line.x
	in.line.cells = append(in.line.cells, c)
	in.line.x += c.w + space
	in.line.dirty = true
	return moved
}

func (in *interp) control(b byte) int {
	switch b {
	case '\n':
		return in.printLine(in.m.spacing)
	case '\t':
		in.tab()
	case 0, '\r':
		// NUL pads an aborted raster, CR is ignored unless a DIP switch says otherwise.
	case 0x18: // CAN clears the buffer in page mode only.
	case 0x0C:
		in.page.warnAt("form feed outside page mode")
	default:
		in.page.warnAt("control character %02X ignored", b)
	}
	return 0
}

// tab moves to the next stop; default stops are every 8 characters of the present font.
func (in *interp) tab() {
	if in.m.tabs == nil {
		w, _ := in.m.font.size()
		unit := 8 * (w*in.m.sx + in.m.charSpace)
		in.moveTo((in.line.x/unit + 1) * unit)
		return
	}
	for _, x := range in.m.tabs {
		if x > in.line.x {
			in.moveTo(x)
			return
		}
	}
}

// moveTo sets the print position; positions outside the area are ignored, as the manual says.
func (in *interp) moveTo(x int) {
	if x >= 0 && x <= in.m.width {
		in.line.x = x
	}
}

// printLine prints the buffer and feeds at least advance dots, more if the line is taller.
func (in *interp) printLine(advance int) int {
	l := in.line
	in.line = line{cells: l.cells[:0:0]}
	if !l.dirty {
		return in.page.feed(advance)
	}
	width, height := 0, 0
	for _, c := range l.cells {
		width = max(width, c.x+c.w)
		height = max(height, c.h)
	}
	e := element{
		x: in.alignedX(width), y: in.page.y, w: width, h: height, cells: l.cells,
		upsideDown: in.m.upsideDown,
	}
	if in.m.upsideDown {
		e.x = max(in.opt.Dots-e.x-width, 0)
	}
	if in.page.add(e, l.bits+64*len(l.cells)) {
		in.page.addLine(lineText(l.cells))
		in.countInline(e)
	}
	return in.page.feed(max(advance, height))
}

// countInline counts pictures that stand inside a line (ESC *).
func (in *interp) countInline(e element) {
	for _, c := range e.cells {
		if c.bits != nil {
			in.page.countImage(element{x: e.x + c.x, y: e.y, w: c.w, h: max(e.h, in.m.spacing)})
		}
	}
}

// alignedX is the left edge of something w dots wide under the present justification.
func (in *interp) alignedX(w int) int {
	free := max(in.m.width-w, 0)
	switch in.m.align {
	case 1:
		return in.m.left + free/2
	case 2:
		return in.m.left + free
	}
	return in.m.left
}

// atLineStart reports whether the print buffer is empty, and warns if not.
func (in *interp) atLineStart(o op) bool {
	if in.line.dirty {
		in.page.warnAt("command %s only allowed at line start, ignored", o)
		return false
	}
	return true
}

// lineText reads a line's cells from left to right. A gap that ESC $ or a tab left becomes blanks.
func lineText(cells []cell) string {
	sorted := sortedCells(cells)
	var b strings.Builder
	end := 0
	for i, c := range sorted {
		if c.bits != nil {
			end = max(end, c.x+c.w)
			continue
		}
		if gap := c.x - end; i > 0 && gap > 0 && c.w > 0 {
			for range (gap + c.w/2) / c.w {
				b.WriteByte(' ')
			}
		}
		b.WriteRune(c.r)
		end = max(end, c.x+c.w)
	}
	return strings.TrimSpace(b.String())
}

// String writes the command as its bytes.
func (o op) String() string {
	if o > 0xFFFF {
		return fmt.Sprintf("%02X %02X %02X", (o >> 16).last(), (o >> 8).last(), o.last())
	}
	return fmt.Sprintf("%02X %02X", (o >> 8).last(), o.last())
}
