package escpos

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// page is a code page of the printer: which byte prints which character.
type page struct {
	name string
	// number is the printer's ESC t number, or noNumber for plain ASCII, which every page holds.
	number int
	// rows maps a character by its upper and lower byte; 0 is absence. 0x25 is the block of the
	// box drawings, the last that any code page reaches.
	rows [0x26]*[256]byte
}

const noNumber = -1

// substitute is printed for what cannot be printed: control characters and broken UTF-8 always,
// so that no text can bring a command onto the wire.
const substitute = '?'

// charmaps are the code pages a profile may name. x/text has their tables.
func charmaps(name string) *charmap.Charmap {
	switch name {
	case "cp437":
		return charmap.CodePage437
	case "cp850":
		return charmap.CodePage850
	case "cp852":
		return charmap.CodePage852
	case "cp858":
		return charmap.CodePage858
	case "cp866":
		return charmap.CodePage866
	case "cp1250":
		return charmap.Windows1250
	case "cp1251":
		return charmap.Windows1251
	case "cp1252":
		return charmap.Windows1252
	case "iso8859-2":
		return charmap.ISO8859_2
	}
	return nil
}

func newPage(name string, number int) *page {
	p := &page{name: name, number: number}
	table := charmaps(name)
	if table == nil {
		return p
	}
	for b := 0x80; b <= 0xff; b++ {
		r := table.DecodeByte(byte(b))
		if r != utf8.RuneError && !unicode.Is(unicode.C, r) && !unicode.IsSpace(r) {
			p.set(r, byte(b))
		}
	}
	// CP866 has no Ukrainian і, and printers' fonts draw it as the Latin letter.
	if p.lookup('я') != 0 && p.lookup('і') == 0 {
		p.set('і', 'i')
		p.set('І', 'I')
	}
	return p
}

func (p *page) set(r rune, b byte) {
	if int(r>>8) >= len(p.rows) {
		return
	}
	if p.rows[r>>8] == nil {
		p.rows[r>>8] = new([256]byte)
	}
	p.rows[r>>8][r&0xff] = b
}

// lookup returns the byte of a character beyond ASCII, or 0.
func (p *page) lookup(r rune) byte {
	if r < 0 || int(r>>8) >= len(p.rows) || p.rows[r>>8] == nil {
		return 0
	}
	return p.rows[r>>8][r&0xff]
}

// covers reports whether s is printed on this page without loss: by its own characters or by
// typography that reads the same.
func (p *page) covers(s string) bool {
	for _, r := range s {
		if isASCII(r) || p.lookup(r) != 0 {
			continue
		}
		if _, ok := typography(r); !ok && !unprintable(r) {
			return false
		}
	}
	return true
}

// append encodes s, one byte per character cell. Bytes below 0x20 and 0x7F never result.
func (p *page) append(dst []byte, s string) []byte {
	for _, r := range s {
		if isASCII(r) {
			dst = append(dst, byte(r)) //nolint:gosec // ASCII
		} else if b := p.lookup(r); b != 0 {
			dst = append(dst, b)
		} else if t, ok := typography(r); ok {
			dst = append(dst, t...)
		} else {
			dst = append(dst, p.nearest(r)...)
		}
	}
	return dst
}

// nearest is what remains of a character that the page lacks: its base letter, or '?'.
func (p *page) nearest(r rune) []byte {
	base, _ := utf8.DecodeRuneInString(baseLetter(r))
	if isASCII(base) {
		return []byte{byte(base)} //nolint:gosec // ASCII
	}
	if b := p.lookup(base); b != 0 {
		return []byte{b}
	}
	return []byte{substitute}
}

func isASCII(r rune) bool { return r >= 0x20 && r < 0x7f }

// unprintable reports whether r is printed as '?' on every page, and on purpose.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }

// baseLetter is r without its accents (Unicode's canonical decomposition), and for the few
// letters with a stroke, which Unicode does not decompose, the letter itself.
func baseLetter(r rune) string {
	if i := strings.IndexRune("łŁđĐøØħĦŧŦıſ", r); i >= 0 {
		const plain = "lLdDoOhHtTis" // of two-byte letters, in the same order
		return plain[i/2 : i/2+1]
	}
	return norm.NFD.String(string(r))
}

// typography gives the plain spelling of signs that say the same without it. Invisible marks are
// spelled as nothing.
func typography(r rune) (string, bool) {
	switch r {
	case '„', '”', '“', '«', '»', '‟', '″':
		return `"`, true
	case '’', '‘', '‚', '‹', '›', '′', 'ʼ', '´':
		return "'", true
	case '–', '—', '‐', '‑', '‒', '―', '−':
		return "-", true
	case '…':
		return "...", true
	case '€':
		return "EUR", true
	case '•', '·':
		return "*", true
	case '×':
		return "x", true
	case '№':
		return "No", true
	case '→':
		return "->", true
	case '©':
		return "(c)", true
	case '®':
		return "(R)", true
	case '™':
		return "(TM)", true
	}
	if unicode.Is(unicode.Zs, r) {
		return " ", true
	}
	return "", unicode.Is(unicode.Cf, r)
}

// composed is s with letters and accents joined as code pages have them (Unicode's form C).
func composed(s string) string {
	for _, r := range s {
		if !alwaysComposed(r) {
			return norm.NFC.String(s)
		}
	}
	return s
}

// alwaysComposed knows the usual characters that form C leaves as they are, whatever surrounds
// them; norm asks the same with an allocation per string. U+0300 is the first combining mark.
func alwaysComposed(r rune) bool {
	const firstMark, cyrillic, cyrillicMarks, dash, euro = 0x300, 0x400, 0x483, 0x2010, 0x20ac
	return r < firstMark || r >= cyrillic && r < cyrillicMarks || r >= dash && r <= euro
}
