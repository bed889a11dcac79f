// Package paper describes a printable document: text, sizes, QR codes, images and a cut.
//
// It is the language between what is printed (a ticket, a test page, a report) and how it is
// printed. A Document knows nothing of tickets, and no printer needs to know what a ticket is.
// The package is pure data without I/O; a Document is not changed after it was built, so it may
// be shared between goroutines.
package paper

// Document is what goes on one piece of paper, from top to bottom.
type Document struct {
	// Elements are printed in order, each beginning on a line of its own.
	Elements []Element
	// Cut says how the paper is separated after the last element.
	Cut Cut
}

// Element is one of Text, QR, Image, Logo, Rule or Feed.
type Element interface{ element() }

// Align is the horizontal place of an element between the paper's margins.
type Align uint8

// The alignments.
const (
	Left Align = iota
	Center
	Right
)

// Cut is how the paper is separated at the end.
type Cut uint8

// The cuts. A printer without a partial cut makes a full one; one without a cutter feeds to its
// tear bar.
const (
	CutFull Cut = iota
	CutPartial
	CutNone
)

// Text is one line of text. It is never wrapped: a driver that finds it wider than the paper
// lowers its size, step by step down to 1×1, and only then breaks it at spaces.
type Text struct {
	// Value is the line, without control characters; a driver prints each of them as '?'.
	Value string
	Align Align
	// Width and Height magnify the font, 1 to 8; 0 means 1.
	Width, Height uint8
	Bold          bool
	// Reverse prints white on black.
	Reverse bool
	// Small asks for the printer's small font (B) if it has one.
	Small bool
}

// QR is a QR code (ISO/IEC 18004, model 2).
type QR struct {
	// Value is what a scanner reads; UTF-8, at most 1,000 bytes.
	Value string
	Align Align
	// Level is the error correction; the zero value is M (15 %).
	Level QRLevel
	// WidthDots is the wished width of the symbol without its quiet zone; a driver takes the
	// largest whole module that does not exceed it (nor the paper). 0 means half the paper.
	WidthDots int
}

// QRLevel is the share of a QR code that may be damaged.
type QRLevel uint8

// The levels of ISO/IEC 18004. M is the zero value: a ticket lives one day.
const (
	LevelM QRLevel = iota
	LevelL
	LevelQ
	LevelH
)

// Image is a black-and-white picture, already dithered.
type Image struct {
	// WidthDots and HeightDots are the size in printer dots.
	WidthDots, HeightDots int
	// Bits holds the rows from the top, each padded to whole bytes, the leftmost dot in the
	// highest bit, 1 = black: (WidthDots+7)/8 × HeightDots bytes.
	Bits  []byte
	Align Align
}

// Logo prints a picture that was stored in the printer before under Key. A driver whose printer
// has no such memory, or was not set up, prints Fallback instead, or nothing if that is nil.
type Logo struct {
	// Key names the picture in the printer's memory: two characters from 0x20 to 0x7E.
	Key      [2]byte
	Fallback *Image
}

// Rule is a thin horizontal line over the whole width.
type Rule struct{}

// Feed is empty space.
type Feed struct {
	// Lines of the normal height.
	Lines uint8
}

func (Text) element()  {}
func (QR) element()    {}
func (Image) element() {}
func (Logo) element()  {}
func (Rule) element()  {}
func (Feed) element()  {}
