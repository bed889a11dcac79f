package escpos

import (
	"fmt"
	"image"
	"strings"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"github.com/okienko/okienko/drivers/paper"
)

// The cell of font A, in printer dots. Go Mono at 20 pixels fills it exactly: its letters advance
// 12, rise 19 and hang down 5.
const (
	cellWidth    = 12
	cellHeight   = 24
	cellBaseline = 19
	cellPixels   = 20
)

// rasterFont draws text as a picture for printers that have no code page for it. Parsed fonts are
// safe to share; the faces made from them are not and live for one line.
type rasterFont struct {
	regular, bold *sfnt.Font
}

func newRasterFont() (*rasterFont, error) {
	regular, err := opentype.Parse(gomono.TTF)
	if err != nil {
		return nil, fmt.Errorf("parse Go Mono: %w", err)
	}
	bold, err := opentype.Parse(gomonobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("parse Go Mono Bold: %w", err)
	}
	return &rasterFont{regular: regular, bold: bold}, nil
}

// has reports whether the font has a glyph for r.
func (f *rasterFont) has(r rune) bool {
	var buf sfnt.Buffer
	index, err := f.regular.GlyphIndex(&buf, r)
	return err == nil && index != 0
}

// printable replaces what neither a page nor the raster font can show, so that one such character
// costs itself and not the whole line.
func (e *Encoder) printable(s string) string {
	return strings.Map(func(r rune) rune {
		if isASCII(r) || e.font != nil && e.font.has(r) {
			return r
		}
		if unprintable(r) {
			return substitute
		}
		if _, ok := typography(r); ok {
			return r
		}
		for _, p := range e.pages {
			if p.lookup(r) != 0 {
				return r
			}
		}
		if base, _ := utf8.DecodeRuneInString(baseLetter(r)); isASCII(base) {
			return base
		}
		return substitute
	}, s)
}

// rasterText prints a line as pictures of letters, in the size and with the breaks that font A
// would have.
func (w *writer) rasterText(t paper.Text, value string) error {
	columns := w.e.profile.Media.Dots / cellWidth
	cells := w.e.rasterCells(value)
	s := fit(t, len(cells), columns)
	for {
		var row []rune
		row, cells = breakLine(cells, columns/int(s.width))
		img, err := w.e.font.draw(row, s)
		if err != nil {
			return err
		}
		img.Align = t.Align
		w.image(img)
		w.dst = appendFeedDots(w.dst, lineDots-cellHeight)
		if len(cells) == 0 {
			return nil
		}
	}
}

// rasterCells spells out the signs that the font lacks.
func (e *Encoder) rasterCells(value string) []rune {
	cells := make([]rune, 0, len(value))
	for _, r := range value {
		plain, ok := typography(r)
		switch {
		case unprintable(r):
			cells = append(cells, substitute)
		case ok && !e.font.has(r) || ok && strings.TrimSpace(plain) == "":
			cells = append(cells, []rune(plain)...)
		default:
			cells = append(cells, r)
		}
	}
	return cells
}

// draw renders one row at size 1 and magnifies its dots as the printer does with its own font.
func (f *rasterFont) draw(row []rune, s style) (paper.Image, error) {
	parsed := f.regular
	if s.bold {
		parsed = f.bold
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: cellPixels, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return paper.Image{}, fmt.Errorf("make a font face: %w", err)
	}
	width := max(len(row), 1) * cellWidth
	canvas := image.NewAlpha(image.Rect(0, 0, width, cellHeight))
	pen := font.Drawer{Dst: canvas, Src: image.Opaque, Face: face}
	for i, r := range row {
		pen.Dot = fixed.P(i*cellWidth, cellBaseline)
		pen.DrawString(string(r))
	}
	return magnify(canvas, s), nil
}

func magnify(canvas *image.Alpha, s style) paper.Image {
	w, h := int(s.width), int(s.height)
	img := paper.Image{WidthDots: canvas.Rect.Dx() * w, HeightDots: canvas.Rect.Dy() * h}
	row := make([]byte, img.Stride())
	for y := range canvas.Rect.Dy() {
		clear(row)
		for x := range img.WidthDots {
			const half = 0x80
			black := canvas.Pix[y*canvas.Stride+x/w] >= half
			if black != s.reverse {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
		for range h {
			img.Bits = append(img.Bits, row...)
		}
	}
	return img
}
