package escpos

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/okienko/okienko/drivers/paper"
)

// Encoder turns documents into the bytes of one printer. It is made once per printer: its tables
// are built by NewEncoder, and encoding a document costs a few microseconds and the buffer.
//
// An Encoder is not changed after NewEncoder, so any number of goroutines may use it.
type Encoder struct {
	profile Profile
	// pages holds ASCII first, then the pages of the profile in its order.
	pages  []*page
	font   *rasterFont // nil where the profile has no raster in its text order
	eject  []byte
	stored [][2]byte
}

// NewEncoder makes the encoder of a printer. stored names the logos that set-up has written into
// this very printer's memory (StoreLogo); any other paper.Logo prints its fallback. The error is
// that of Profile.Validate.
func NewEncoder(p Profile, stored ...[2]byte) (*Encoder, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	e := &Encoder{profile: p, pages: []*page{newPage("ascii", noNumber)}, stored: slices.Clone(stored)}
	for _, name := range p.Text.Order {
		if name != rasterText {
			e.pages = append(e.pages, newPage(name, p.Text.Pages[name]))
			continue
		}
		font, err := newRasterFont()
		if err != nil {
			return nil, err
		}
		e.font = font
	}
	eject, err := hex.DecodeString(strings.ReplaceAll(p.Cut.Eject, " ", ""))
	if err != nil {
		return nil, fmt.Errorf("profile %s: cut.eject: %w", p.Name, err)
	}
	e.eject = eject
	return e, nil
}

// Profile returns what the encoder was made from. Its maps and slices must not be changed.
func (e *Encoder) Profile() Profile { return e.profile }

// Encode returns all bytes of the document: EncodeParts in one piece.
func (e *Encoder) Encode(doc paper.Document) ([]byte, error) {
	return e.Append(make([]byte, 0, sizeHint(doc)), doc)
}

// Append appends all bytes of the document to dst and returns it. On an error, which is always
// that of doc.Validate or a QR code that cannot fit the paper, dst is returned as it was.
func (e *Encoder) Append(dst []byte, doc paper.Document) ([]byte, error) {
	body, err := e.appendBody(dst, doc)
	if err != nil {
		return dst, err
	}
	return e.appendCut(body, doc.Cut), nil
}

// EncodeParts returns the document in the two parts between which a driver asks the printer
// whether it has printed: body ends with the feed that brings the last line past the cutter where
// the cut does not do that by itself, cut separates the paper and presents it. cut is empty where
// nothing is to be cut.
func (e *Encoder) EncodeParts(doc paper.Document) (body, cut []byte, err error) {
	body, err = e.appendBody(make([]byte, 0, sizeHint(doc)), doc)
	if err != nil {
		return nil, nil, err
	}
	return body, e.appendCut(nil, doc.Cut), nil
}

// sizeHint is enough for a usual ticket, so that one allocation does.
func sizeHint(doc paper.Document) int {
	n := 512
	for _, el := range doc.Elements {
		switch el := el.(type) {
		case paper.Image:
			n += len(el.Bits) + 64
		case paper.Logo:
			if el.Fallback != nil {
				n += len(el.Fallback.Bits) + 64
			}
		case paper.QR:
			n += len(el.Value)
		}
	}
	return n
}

func (e *Encoder) appendBody(dst []byte, doc paper.Document) ([]byte, error) {
	if err := doc.Validate(); err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	w := writer{e: e, dst: appendInit(dst, e.profile.Text.KanjiCancel), style: plain}
	w.page = e.pages[0]
	w.preferred = e.documentPage(doc)
	for i, el := range doc.Elements {
		if err := w.element(el, neighbours(doc.Elements, i)); err != nil {
			return nil, fmt.Errorf("encode element %d (%T): %w", i, el, err)
		}
	}
	return appendFeed(w.dst, e.finalFeed(doc.Cut)), nil
}

// documentPage is the first page that prints every text of the document, so that a document
// changes its page once at most; nil when no page does.
func (e *Encoder) documentPage(doc paper.Document) *page {
	for _, p := range e.pages {
		covered := true
		for _, el := range doc.Elements {
			if t, ok := el.(paper.Text); ok && !p.covers(composed(t.Value)) {
				covered = false
				break
			}
		}
		if covered {
			return p
		}
	}
	return nil
}

// writer is the state of one document's encoding: what the printer is set to after dst. At the
// start and the end of every element the printer stands at the start of a line, because ESC a,
// GS v 0, GS ( k and the cuts are obeyed only there.
type writer struct {
	e         *Encoder
	dst       []byte
	preferred *page // for the whole document, or nil
	page      *page // selected in the printer
	align     paper.Align
	style     style
}

// around says which sides of an element touch printing that is not empty space.
type around struct{ above, below bool }

func neighbours(elements []paper.Element, i int) around {
	solid := func(j int) bool {
		if j < 0 || j >= len(elements) {
			return false
		}
		_, feed := elements[j].(paper.Feed)
		return !feed
	}
	return around{above: solid(i - 1), below: solid(i + 1)}
}

func (w *writer) element(el paper.Element, near around) error {
	switch el := el.(type) {
	case paper.Text:
		return w.text(el)
	case paper.QR:
		return w.qr(el, near)
	case paper.Image:
		w.image(el)
	case paper.Logo:
		w.logo(el)
	case paper.Rule:
		w.rule()
	case paper.Feed:
		w.dst = appendFeed(w.dst, int(el.Lines))
	}
	return nil
}

func (w *writer) setAlign(a paper.Align) {
	if a > paper.Right {
		a = paper.Left
	}
	if a != w.align {
		w.dst = appendAlign(w.dst, a)
		w.align = a
	}
}

func (w *writer) logo(l paper.Logo) {
	if w.e.profile.Raster.NVLogo && slices.Contains(w.e.stored, l.Key) {
		w.setAlign(paper.Center)
		w.dst = appendLogo(w.dst, l.Key)
		return
	}
	if l.Fallback != nil {
		w.image(*l.Fallback)
	}
}

// lineDots is the smallest line feed of the printers known: 1/6 inch is 30 dots at 180 dpi and 34
// at 203 dpi, but many clones feed 30 at 203 dpi.
const lineDots = 30

// finalFeed is how many lines bring the last line past the cutter or the tear bar.
func (e *Encoder) finalFeed(cut paper.Cut) int {
	dots := e.profile.Cut.FeedDots
	switch {
	case cut == paper.CutNone || e.profile.Cut.Cmd == cutNone:
		dots = max(dots, e.profile.Media.CutterDots)
	case e.profile.Cut.Cmd == cutGSVB:
		return 0 // the cut itself feeds
	}
	return (dots + lineDots - 1) / lineDots
}

// appendCut separates the paper as the profile can, and lets a presenter hand it over.
func (e *Encoder) appendCut(dst []byte, cut paper.Cut) []byte {
	if cut == paper.CutNone {
		return dst
	}
	partial := bit(cut == paper.CutPartial && e.profile.Cut.Partial)
	switch e.profile.Cut.Cmd {
	case cutGSVA:
		dst = append(dst, gs, 'V', partial)
	case cutGSVB:
		dst = append(dst, gs, 'V', 'A'+partial, byte(e.profile.Cut.FeedDots)) //nolint:gosec // validated
	case cutESCI:
		dst = append(dst, esc, 'i'+4*partial) // ESC i full, ESC m partial
	}
	return append(dst, e.eject...)
}
