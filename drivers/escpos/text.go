package escpos

import (
	"bytes"

	"github.com/okienko/okienko/drivers/paper"
)

// style is how the printer draws its next character.
type style struct {
	width, height        uint8
	bold, reverse, small bool
}

// plain is the style after ESC @.
var plain = style{width: 1, height: 1} //nolint:gochecknoglobals // a constant in all but syntax

func (w *writer) setStyle(s style) {
	if s.width != w.style.width || s.height != w.style.height {
		w.dst = appendSize(w.dst, s.width, s.height)
	}
	if s.bold != w.style.bold {
		w.dst = appendBold(w.dst, s.bold)
	}
	if s.reverse != w.style.reverse {
		w.dst = appendReverse(w.dst, s.reverse)
	}
	if s.small != w.style.small {
		w.dst = appendFont(w.dst, s.small)
	}
	w.style = s
}

// fit lowers a text's size until cells characters are no wider than columns, as paper.Text
// promises.
func fit(t paper.Text, cells, columns int) style {
	s := style{width: max(t.Width, 1), height: max(t.Height, 1), bold: t.Bold, reverse: t.Reverse, small: t.Small}
	for cells*int(s.width) > columns && (s.width > 1 || s.height > 1) {
		s.width = max(s.width-1, 1)
		s.height = max(s.height-1, 1)
	}
	return s
}

// text prints one paper.Text in the first way that shows it rightly: on the page that the whole
// document uses, on the page selected, on any page, as a picture of letters, and with base letters
// or '?' for what is left.
func (w *writer) text(t paper.Text) error {
	value := composed(t.Value)
	if p := w.linePage(value); p != nil {
		w.line(t, p, value)
		return nil
	}
	value = w.e.printable(value)
	if p := w.linePage(value); p != nil {
		w.line(t, p, value)
		return nil
	}
	if w.e.font != nil {
		return w.rasterText(t, value)
	}
	w.line(t, w.e.pages[min(1, len(w.e.pages)-1)], value)
	return nil
}

// linePage chooses a page that prints the line without loss, or nil. A line never mixes pages.
func (w *writer) linePage(value string) *page {
	if w.preferred != nil {
		return w.preferred
	}
	if w.page.covers(value) {
		return w.page
	}
	for _, p := range w.e.pages {
		if p.covers(value) {
			return p
		}
	}
	return nil
}

// line prints text in the printer's own font. Each byte is one character cell.
func (w *writer) line(t paper.Text, p *page, value string) {
	var stack [192]byte
	cells := p.append(stack[:0], value)
	columns := w.e.profile.Media.Columns.A
	if t.Small && w.e.profile.Media.Columns.B > 0 {
		columns = w.e.profile.Media.Columns.B
	} else {
		t.Small = false
	}
	s := fit(t, len(cells), columns)
	w.setAlign(t.Align)
	w.setStyle(s)
	if p != w.page && !ascii(cells) {
		w.dst = appendCodePage(w.dst, byte(p.number)) //nolint:gosec // Profile.Validate: 0 to 255
		w.page = p
	}
	for {
		var row []byte
		row, cells = breakLine(cells, columns/int(s.width))
		w.dst = append(append(w.dst, row...), lf)
		if len(cells) == 0 {
			return
		}
	}
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// breakLine takes the longest row that fits off the front of line, at a space if there is one.
func breakLine[C byte | rune](line []C, columns int) (row, rest []C) {
	if len(line) <= columns {
		return line, nil
	}
	at := columns
	for at > 0 && line[at] != ' ' {
		at--
	}
	if at == 0 {
		return line[:columns], line[columns:]
	}
	row, rest = line[:at], line[at:]
	for len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	return row, rest
}

// rule draws a line across the paper: a box-drawing character where the page has one, else
// hyphens, as wide as the columns allow so that it costs few bytes.
func (w *writer) rule() {
	const horizontal = '─'
	p := w.page
	if w.preferred != nil {
		p = w.preferred
	}
	cell := p.lookup(horizontal)
	if cell == 0 {
		cell = '-'
	} else if p != w.page {
		w.dst = appendCodePage(w.dst, byte(p.number)) //nolint:gosec // Profile.Validate: 0 to 255
		w.page = p
	}
	columns := w.e.profile.Media.Columns.A
	width := paper.MaxMagnify
	for columns%width != 0 {
		width--
	}
	w.setAlign(paper.Left)
	w.setStyle(style{width: uint8(width), height: 1}) //nolint:gosec // at most 8
	w.dst = append(w.dst, bytes.Repeat([]byte{cell}, columns/width)...)
	w.dst = append(w.dst, lf)
}
