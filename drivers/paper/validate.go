package paper

import (
	"errors"
	"fmt"
	"strings"
)

// The limits of a Document's parts, as their types promise them.
const (
	// MaxQRBytes is the longest QR.Value.
	MaxQRBytes = 1000
	// MaxMagnify is the largest Text.Width and Text.Height.
	MaxMagnify = 8
)

// Errors of Validate, for errors.Is.
var (
	// ErrQR means a QR code without contents or with more than MaxQRBytes.
	ErrQR = errors.New("QR code is empty or too long")
	// ErrImage means an image whose Bits do not match its size.
	ErrImage = errors.New("image size and bits differ")
	// ErrLogoKey means a logo key outside 0x20 to 0x7E.
	ErrLogoKey = errors.New("logo key is not printable ASCII")
	// ErrTextSize means a magnification above MaxMagnify.
	ErrTextSize = errors.New("text is magnified more than eight times")
	// ErrElement means an element of no known type, such as nil.
	ErrElement = errors.New("unknown element")
)

// Validate reports the first element that breaks the promises of its type, or nil. Texts are not
// examined: a driver prints whatever can be printed of them.
func (d Document) Validate() error {
	for i, e := range d.Elements {
		if err := validate(e); err != nil {
			return fmt.Errorf("element %d (%T): %w", i, e, err)
		}
	}
	return nil
}

func validate(e Element) error {
	switch e := e.(type) {
	case Text:
		if e.Width > MaxMagnify || e.Height > MaxMagnify {
			return ErrTextSize
		}
	case QR:
		if e.Value == "" || len(e.Value) > MaxQRBytes {
			return ErrQR
		}
	case Image:
		return e.Validate()
	case Logo:
		if !printable(e.Key[0]) || !printable(e.Key[1]) {
			return ErrLogoKey
		}
		if e.Fallback != nil {
			return e.Fallback.Validate()
		}
	case Rule, Feed:
	default:
		return ErrElement
	}
	return nil
}

func printable(b byte) bool { return b >= 0x20 && b <= 0x7e }

// Validate reports ErrImage when Bits is not as long as the size says.
func (i Image) Validate() error {
	if i.WidthDots <= 0 || i.HeightDots <= 0 || len(i.Bits) != i.Stride()*i.HeightDots {
		return fmt.Errorf("%d×%d dots in %d bytes: %w", i.WidthDots, i.HeightDots, len(i.Bits), ErrImage)
	}
	return nil
}

// Stride is the number of bytes of one row.
func (i Image) Stride() int { return (i.WidthDots + 7) / 8 }

// Text is the document for a person's eyes, one line per element, for logs of tests and for
// reading a byte golden beside it: texts with their size, QR codes with their contents.
func (d Document) Text() string {
	var b strings.Builder
	for _, e := range d.Elements {
		switch e := e.(type) {
		case Text:
			fmt.Fprintf(&b, "%s%q\n", textStyle(e), e.Value)
		case QR:
			fmt.Fprintf(&b, "QR %s %s\n", e.Level, e.Value)
		case Image:
			fmt.Fprintf(&b, "image %d×%d\n", e.WidthDots, e.HeightDots)
		case Logo:
			fmt.Fprintf(&b, "logo %q\n", e.Key[:])
		case Rule:
			b.WriteString("rule\n")
		case Feed:
			fmt.Fprintf(&b, "feed %d\n", e.Lines)
		}
	}
	fmt.Fprintf(&b, "cut %s\n", d.Cut)
	return b.String()
}

func textStyle(t Text) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d×%d ", t.Align, max(t.Width, 1), max(t.Height, 1))
	if t.Bold {
		b.WriteString("bold ")
	}
	if t.Reverse {
		b.WriteString("reverse ")
	}
	if t.Small {
		b.WriteString("small ")
	}
	return b.String()
}

// String is left, center or right.
func (a Align) String() string { return word(int(a), "left", "center", "right") }

// String is full, partial or none.
func (c Cut) String() string { return word(int(c), "full", "partial", "none") }

// String is the level's letter in ISO/IEC 18004.
func (l QRLevel) String() string { return word(int(l), "M", "L", "Q", "H") }

func word(i int, words ...string) string {
	if i < len(words) {
		return words[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}
