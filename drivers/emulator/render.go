package emulator

import (
	"cmp"
	"image"
	"image/color"
	"slices"

	"golang.org/x/image/draw"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// White paper above and below the print, in dots.
const (
	topMargin    = 32
	bottomMargin = 56
)

// paperWidth is the width of the roll in dots: 58, 80 or 112 mm, whichever the print fits on.
func paperWidth(dots, dpi int) int {
	for _, mm := range []int{58, 80, 112} {
		if w := mm * 10 * dpi / 254; w >= dots+16 {
			return w
		}
	}
	return dots + 64
}

// draw paints the sheet: one grey pixel a dot. Characters are anti-aliased, graphics are exact.
func (s *sheet) draw() image.Image {
	w := paperWidth(s.dots, s.dpi)
	img := image.NewGray(image.Rect(0, 0, w, s.height+topMargin+bottomMargin))
	for i := range img.Pix {
		img.Pix[i] = 0xFF
	}
	t := newTypesetter()
	left := (w - s.dots) / 2
	for _, e := range s.elements {
		e.x += left
		e.y += topMargin
		switch {
		case e.cells != nil:
			t.drawLine(img, e)
		case e.bits != nil:
			drawBits(img, e.bits, e.x, e.y, e.sx, e.sy, e.x+e.w)
		case e.label != "":
			t.drawLabel(img, e)
		}
	}
	return img
}

// drawBits paints the black bits of b, nothing right of limit.
func drawBits(img *image.Gray, b *bitmap, x0, y0, sx, sy, limit int) {
	for y := range b.h {
		for x := range b.w {
			if b.black(x, y) {
				r := image.Rect(x0+x*sx, y0+y*sy, min(x0+(x+1)*sx, limit), y0+(y+1)*sy)
				fill(img, r, 0)
			}
		}
	}
}

// fill paints a rectangle, clipped to the image.
func fill(img *image.Gray, r image.Rectangle, grey byte) {
	r = r.Intersect(img.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):img.PixOffset(r.Max.X, y)]
		for i := range row {
			row[i] = grey
		}
	}
}

// sortedCells returns the cells from left to right.
func sortedCells(cells []cell) []cell {
	byX := func(a, b cell) int { return cmp.Compare(a.x, b.x) }
	if slices.IsSortedFunc(cells, byX) {
		return cells
	}
	sorted := slices.Clone(cells)
	slices.SortStableFunc(sorted, byX)
	return sorted
}

// typesetter makes characters out of the Go fonts, which have all Polish letters and ruled lines.
// At 20 pixels Go Mono fills exactly the 12x24 cell of font A, at 15 pixels the width of font B.
type typesetter struct {
	fonts [2]*opentype.Font
	faces map[faceKey]xfont.Face
	masks map[maskKey]*image.Alpha
}

type faceKey struct {
	font  font
	bold  bool
	scale int
}

type maskKey struct {
	r       rune
	font    font
	bold    bool
	rotated bool
	sx, sy  int
}

func newTypesetter() *typesetter {
	t := &typesetter{faces: map[faceKey]xfont.Face{}, masks: map[maskKey]*image.Alpha{}}
	for i, ttf := range [][]byte{gomono.TTF, gomonobold.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			panic("emulator: built-in font does not parse: " + err.Error())
		}
		t.fonts[i] = f
	}
	return t
}

func (t *typesetter) face(k faceKey) xfont.Face {
	if f, ok := t.faces[k]; ok {
		return f
	}
	px := 20 * k.scale
	if k.font == fontB {
		px = 15 * k.scale
	}
	n := 0
	if k.bold {
		n = 1
	}
	f, err := opentype.NewFace(t.fonts[n], &opentype.FaceOptions{
		Size: float64(px), DPI: 72, Hinting: xfont.HintingFull,
	})
	if err != nil {
		panic("emulator: built-in font has no face: " + err.Error())
	}
	t.faces[k] = f
	return f
}

// mask draws a character into a cell of its size. A square enlargement is drawn as such, any other
// is a larger one squeezed in one direction.
func (t *typesetter) mask(c cell) *image.Alpha {
	k := maskKey{r: c.r, font: c.font, bold: c.style.bold, rotated: c.style.rotated, sx: c.sx, sy: c.sy}
	if m, ok := t.masks[k]; ok {
		return m
	}
	w, h := c.font.size()
	scale := max(c.sx, c.sy)
	baseline := 19
	if c.font == fontB {
		baseline = 13
	}
	m := image.NewAlpha(image.Rect(0, 0, w*scale, h*scale))
	d := xfont.Drawer{
		Dst: m, Src: image.Opaque, Face: t.face(faceKey{c.font, c.style.bold, scale}),
		Dot: fixed.P(0, baseline*scale),
	}
	d.DrawString(string(drawable(c.r)))
	if c.sx != c.sy {
		squeezed := image.NewAlpha(image.Rect(0, 0, w*c.sx, h*c.sy))
		draw.BiLinear.Scale(squeezed, squeezed.Rect, m, m.Rect, draw.Src, nil)
		m = squeezed
	}
	if c.style.rotated {
		m = turn(m)
	}
	t.masks[k] = m
	return m
}

// drawable replaces the rounded corners, which Go Mono lacks, by square ones.
func drawable(r rune) rune {
	switch r {
	case '╭':
		return '┌'
	case '╮':
		return '┐'
	case '╰':
		return '└'
	case '╯':
		return '┘'
	}
	return r
}

// turn rotates by 90° clockwise.
func turn(m *image.Alpha) *image.Alpha {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewAlpha(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			out.SetAlpha(h-1-y, x, m.AlphaAt(x, y))
		}
	}
	return out
}

// drawLine paints a line; cells stand on its lower edge. An upside-down line is painted turned by
// 180° as a whole.
func (t *typesetter) drawLine(img *image.Gray, e element) {
	target, origin := img, image.Pt(e.x, e.y)
	if e.upsideDown {
		target = image.NewGray(image.Rect(0, 0, e.w, e.h))
		fill(target, target.Rect, 0xFF)
		origin = image.Point{}
	}
	for _, c := range e.cells {
		t.drawCell(target, c, origin.X+c.x, origin.Y+e.h-c.h)
	}
	if !e.upsideDown {
		return
	}
	for y := range e.h {
		for x := range e.w {
			img.SetGray(e.x+e.w-1-x, e.y+e.h-1-y, target.GrayAt(x, y))
		}
	}
}

func (t *typesetter) drawCell(img *image.Gray, c cell, x, y int) {
	if c.bits != nil {
		drawBits(img, c.bits, x, y, c.sx, c.sy, x+c.w)
		return
	}
	ink := byte(0)
	r := image.Rect(x, y, x+c.w, y+c.h)
	if c.style.reverse {
		fill(img, r, 0)
		ink = 0xFF
	}
	src := image.NewUniform(color.Gray{Y: ink})
	draw.DrawMask(img, r, src, image.Point{}, t.mask(c), image.Point{}, draw.Over)
	if n := c.style.underline; n > 0 {
		fill(img, image.Rect(x, y+c.h-n, x+c.w, y+c.h), ink)
	}
}

// drawLabel paints the frame that stands for a bar code.
func (t *typesetter) drawLabel(img *image.Gray, e element) {
	r := image.Rect(e.x, e.y, e.x+e.w, e.y+e.h)
	fill(img, r, 0)
	fill(img, r.Inset(2), 0xFF)
	x, y := e.x+8, e.y+(e.h-24)/2
	for _, ch := range e.label {
		if x+20 > e.x+e.w {
			return
		}
		t.drawCell(img, cell{r: ch, w: 12, h: 24, sx: 1, sy: 1}, x, y)
		x += 12
	}
}
