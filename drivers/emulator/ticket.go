package emulator

import (
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"slices"
	"time"
)

// Cut is how a ticket was parted from the roll.
type Cut string

// The cuts.
const (
	CutFull    Cut = "full"
	CutPartial Cut = "partial"
	// CutNone is paper that still hangs from the printer, or was left behind by a power cut.
	CutNone Cut = "none"
)

// Presented is where a ticket of a printer with a presenter is.
type Presented string

// The places; a printer without a presenter leaves it empty.
const (
	PresentedHeld      Presented = "held"
	PresentedOut       Presented = "out"
	PresentedTaken     Presented = "taken"
	PresentedRetracted Presented = "retracted"
)

const (
	maxWarnings    = 20
	maxPageBytes   = 4 << 20
	maxRawBytes    = 1 << 20
	maxPaperMM     = 5000
	maxTicketLines = 4096
	maxDots        = 2400
)

// Ticket is one piece of paper. It is a value that nobody changes after it was handed out, except
// that Presented is brought up to date in later calls of Printer.Tickets.
type Ticket struct {
	// N counts the pieces of paper of one printer from 1.
	N int
	// Lines are the printed lines from top to bottom as text, without the blanks at both ends;
	// blank lines are left out. Text printed as a picture is not in it.
	Lines []string
	// QR holds the contents of the QR symbols from top to bottom, those made by the printer first
	// and then those found in its pictures.
	QR []string
	// Images counts pictures. Bands that touch and are equally wide are one picture.
	Images int
	// Cut says how the ticket ended.
	Cut Cut
	// Warnings are what a careful host would not have sent, in the order of the bytes; at most 20.
	// "at byte" counts from the first byte after the last cut.
	Warnings []string
	// Bytes are what was interpreted since the last cut, at most 1 MiB. Real-time commands that
	// stood between other commands are not in it.
	Bytes []byte
	// Torn marks the stub that a power cut left behind.
	Torn bool
	// Presented is where the ticket is if the printer has a presenter.
	Presented Presented
	// StartedAt is when the first of Bytes was interpreted, DoneAt when the paper was cut. Both are
	// zero in the result of Render.
	StartedAt, DoneAt time.Time

	sheet sheet
}

// ticketJSON is the form that `okienko-agent paper` prints (design/5-interfaces.md).
type ticketJSON struct {
	Lines    []string `json:"lines"`
	QR       []string `json:"qr"`
	Images   int      `json:"images"`
	Cut      Cut      `json:"cut"`
	Warnings []string `json:"warnings"`
}

// MarshalJSON writes {"lines","qr","images","cut","warnings"} with empty lists, never null.
func (t Ticket) MarshalJSON() ([]byte, error) {
	list := func(s []string) []string {
		if s == nil {
			return []string{}
		}
		return s
	}
	return json.Marshal(ticketJSON{
		Lines: list(t.Lines), QR: list(t.QR), Images: t.Images, Cut: t.Cut, Warnings: list(t.Warnings),
	})
}

// Image draws the ticket with one pixel per dot on white paper, as wide as the paper roll. It draws
// anew with each call and may be called from any goroutine.
func (t Ticket) Image() image.Image { return t.sheet.draw() }

// WritePNG writes Image as PNG.
func (t Ticket) WritePNG(w io.Writer) error {
	if err := png.Encode(w, t.Image()); err != nil {
		return fmt.Errorf("write ticket %d as PNG: %w", t.N, err)
	}
	return nil
}

// weight is roughly how much memory the ticket holds.
func (t *Ticket) weight() int { return len(t.Bytes) + t.sheet.weight + 1024 }

// sheet is what a picture is drawn from: elements at their places, in dots from the top left corner
// of the printable area.
type sheet struct {
	dots, dpi int
	height    int
	weight    int
	elements  []element
}

// element is one thing on paper. Exactly one of cells, bits and label is set.
type element struct {
	x, y, w, h int
	cells      []cell
	upsideDown bool
	bits       *bitmap
	sx, sy     int // dots per bit of bits
	symbol     bool
	label      string // stands for a bar code
}

// cell is one character, or a piece of ESC * graphics, in a line; x counts from the line's start.
type cell struct {
	x, w, h int
	r       rune
	font    font
	sx, sy  int // size factors 1–8
	style   style
	bits    *bitmap
}

type font uint8

const (
	fontA font = iota // 12x24
	fontB             // 9x17
)

// size returns the cell of the font in dots.
func (f font) size() (w, h int) {
	if f == fontB {
		return 9, 17
	}
	return 12, 24
}

type style struct {
	bold, reverse, rotated bool
	underline              int
}

// bitmap is packed 1-bit rows, most significant bit left, 1 is black.
type bitmap struct {
	w, h   int
	stride int
	bits   []byte
}

func newBitmap(w, h int) *bitmap {
	stride := (w + 7) / 8
	return &bitmap{w: w, h: h, stride: stride, bits: make([]byte, stride*h)}
}

func (b *bitmap) black(x, y int) bool {
	if x < 0 || y < 0 || x >= b.w || y >= b.h {
		return false
	}
	return b.bits[y*b.stride+x/8]&(0x80>>(x%8)) != 0
}

func (b *bitmap) set(x, y int) {
	if x >= 0 && y >= 0 && x < b.w && y < b.h {
		b.bits[y*b.stride+x/8] |= 0x80 >> (x % 8)
	}
}

// addRow appends one packed row; missing bytes are white, surplus ones are cut off.
func (b *bitmap) addRow(row []byte) {
	n := len(b.bits)
	b.bits = append(b.bits, make([]byte, b.stride)...)
	copy(b.bits[n:], row)
	b.h++
}

// page is the ticket that is being printed.
type page struct {
	sheet
	y         int
	maxY      int
	lines     []string
	qr        []string
	images    int
	lastImage element
	warnings  []string
	lostWarn  bool
	raw       []byte
	offset    int
	started   time.Time
}

func newPage(o Options) page { return page{sheet: sheet{dots: o.Dots, dpi: o.DPI}} }

// limit is the longest ticket in dots.
func (p *page) limit() int { return maxPaperMM * 10 * p.dpi / 254 }

// record keeps a raw byte of the ticket.
func (p *page) record(b byte) {
	p.offset++
	if len(p.raw) < maxRawBytes {
		p.raw = append(p.raw, b)
	}
}

// warn notes what was wrong, once per text.
func (p *page) warn(format string, args ...any) {
	p.warnText(fmt.Sprintf(format, args...))
}

// warnAt is warn with the place of the last byte read.
func (p *page) warnAt(format string, args ...any) {
	p.warnText(fmt.Sprintf(format, args...) + fmt.Sprintf(" at byte %d", max(p.offset-1, 0)))
}

func (p *page) warnText(text string) {
	switch {
	case slices.Contains(p.warnings, text):
	case len(p.warnings) < maxWarnings-1:
		p.warnings = append(p.warnings, text)
	case !p.lostWarn:
		p.lostWarn = true
		p.warnings = append(p.warnings, "more warnings left out")
	}
}

// feed moves the paper by n dots and returns the dots really moved.
func (p *page) feed(n int) int {
	p.y += n
	if p.y > p.limit() {
		p.warn("ticket longer than %d mm, the rest is lost", maxPaperMM)
		p.y = p.limit()
	}
	p.y = max(p.y, 0)
	p.maxY = max(p.maxY, p.y)
	return max(n, -n)
}

// add puts an element on the paper if the ticket's bounds allow it. An element weighs at least the
// dots it covers, so that the work of drawing is bounded too.
func (p *page) add(e element, weight int) bool {
	weight = max(weight, e.w*e.h/8)
	if p.weight+weight > maxPageBytes || p.y >= p.limit() {
		p.warn("ticket holds more than the emulator keeps, the rest is lost")
		return false
	}
	p.weight += weight
	p.elements = append(p.elements, e)
	return true
}

// addLine notes the text of a printed line.
func (p *page) addLine(text string) {
	if text != "" && len(p.lines) < maxTicketLines {
		p.lines = append(p.lines, text)
	}
}

// countImage counts a picture unless it continues the one above it.
func (p *page) countImage(e element) {
	l := p.lastImage
	if p.images == 0 || l.x != e.x || l.w != e.w || e.y > l.y+l.h {
		p.images++
	}
	p.lastImage = e
}

// empty reports whether the paper is blank and nothing is to be said about it.
func (p *page) empty() bool { return len(p.elements) == 0 && len(p.warnings) == 0 }

// finish turns the page into a ticket and starts a new one.
func (p *page) finish(o Options, cut Cut) *Ticket {
	p.height = p.maxY
	t := &Ticket{
		Lines: p.lines, QR: p.qr, Images: p.images, Cut: cut, Warnings: p.warnings,
		Bytes: p.raw, StartedAt: p.started, sheet: p.sheet,
	}
	t.QR = append(t.QR, t.sheet.readQR()...)
	*p = newPage(o)
	return t
}
