package escpos

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/okienko/okienko/drivers/paper"
)

// token is one command on the wire, as a printer would take it apart.
type token struct {
	name string // "text", or the command's letters such as "ESC a" or "GS ( k"
	args []byte
}

// tokenize is a small second opinion on the wire: it was written from the command tables, shares
// nothing with the encoder or commandSize, and refuses what it does not know.
func tokenize(b []byte) ([]token, error) {
	var out []token
	for len(b) > 0 {
		tok, n, err := oneToken(b)
		if err != nil {
			return out, err
		}
		out = append(out, tok)
		b = b[n:]
	}
	return out, nil
}

func oneToken(b []byte) (token, int, error) {
	if b[0] >= 0x20 && b[0] != 0x7f {
		n := slices.IndexFunc(b, func(c byte) bool { return c < 0x20 || c == 0x7f })
		if n < 0 {
			n = len(b)
		}
		return token{"text", b[:n]}, n, nil
	}
	if b[0] == '\n' {
		return token{"LF", nil}, 1, nil
	}
	fixed := map[string]struct {
		prefix string
		args   int
	}{
		"ESC @": {"\x1b@", 0}, "FS .": {"\x1c.", 0}, "ESC t": {"\x1bt", 1}, "ESC a": {"\x1ba", 1},
		"ESC E": {"\x1bE", 1}, "ESC M": {"\x1bM", 1}, "ESC d": {"\x1bd", 1}, "ESC J": {"\x1bJ", 1},
		"ESC i": {"\x1bi", 0}, "ESC m": {"\x1bm", 0}, "GS !": {"\x1d!", 1}, "GS B": {"\x1dB", 1},
		"cut": {"\x1dV\x00", 0}, "cut part": {"\x1dV\x01", 0}, "cut B": {"\x1dVA", 1}, "cut B part": {"\x1dVB", 1},
		"eject": {"\x1de\x05", 0}, "GS r": {"\x1dr", 1},
	}
	for name, f := range fixed {
		if rest, ok := bytes.CutPrefix(b, []byte(f.prefix)); ok && len(rest) >= f.args {
			return token{name, rest[:f.args]}, len(f.prefix) + f.args, nil
		}
	}
	switch {
	case bytes.HasPrefix(b, []byte("\x1d(")) && len(b) >= 5:
		n := 5 + int(b[3]) + int(b[4])<<8
		if len(b) >= n {
			return token{"GS ( " + string(b[2:3]), b[5:n]}, n, nil
		}
	case bytes.HasPrefix(b, []byte("\x1dv0")) && len(b) >= 8:
		n := 8 + (int(b[4])+int(b[5])<<8)*(int(b[6])+int(b[7])<<8)
		if len(b) >= n {
			return token{"GS v 0", b[3:n]}, n, nil
		}
	}
	return token{}, 0, fmt.Errorf("open or unknown command % X", b[:min(len(b), 12)])
}

func (t token) is(names ...string) bool { return slices.Contains(names, t.name) }

// checkWire verifies what every document owes to every printer: whole known commands only,
// line-start commands at the start of a line, sizes and pages in range, no line wider than the
// paper.
func checkWire(p Profile, out []byte) error {
	tokens, err := tokenize(out)
	if err != nil {
		return err
	}
	lineStart, width, cells := true, 1, 0
	columns := p.Media.Columns.A
	for i, tok := range tokens {
		if tok.is("ESC a", "GS v 0", "GS ( k", "GS ( L", "cut", "cut part", "cut B", "cut B part") && !lineStart {
			return fmt.Errorf("token %d: %s within a line", i, tok.name)
		}
		switch tok.name {
		case "text":
			cells += len(tok.args) * width
			if cells > columns {
				return fmt.Errorf("token %d: line of %d cells, paper has %d", i, cells, columns)
			}
			lineStart = false
		case "LF", "ESC d", "ESC J":
			lineStart, cells = true, 0
		case "GS !":
			width = int(tok.args[0]>>4) + 1
			if tok.args[0]&0x88 != 0 {
				return fmt.Errorf("token %d: size % X", i, tok.args)
			}
		case "ESC M":
			columns = p.Media.Columns.A
			if tok.args[0] == 1 {
				columns = p.Media.Columns.B
			}
		case "ESC t":
			if !lineStart {
				return fmt.Errorf("token %d: page changes within a line", i)
			}
		case "ESC @":
			lineStart, width, cells, columns = true, 1, 0, p.Media.Columns.A
		}
	}
	if !lineStart {
		return fmt.Errorf("ends within a line")
	}
	return nil
}

// decoded is the text that the printer would show, by the profile's own page numbers and x/text's
// tables. ASCII quotes and the like stay as they were transliterated.
func decoded(p Profile, out []byte) (string, error) {
	tokens, err := tokenize(out)
	if err != nil {
		return "", err
	}
	pages := map[byte]string{}
	for name, n := range p.Text.Pages {
		pages[byte(n)] = name
	}
	current := "cp437"
	var b strings.Builder
	for _, tok := range tokens {
		switch tok.name {
		case "ESC @":
			current = "cp437"
		case "ESC t":
			current = pages[tok.args[0]]
		case "text":
			text, err := charmaps(current).NewDecoder().Bytes(tok.args)
			if err != nil {
				return "", err
			}
			b.Write(text)
		case "LF":
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

// anyText draws what people and attackers put into names.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringOfN(rapid.SampledFrom([]rune("Zażółć gęślą jaźń ŁÓDŹ 0123456789 „”–…€")), 0, 60, -1),
		rapid.StringOfN(rapid.SampledFrom([]rune("Їжак ґанок є 'щось' №5")), 0, 60, -1),
		rapid.StringOfN(rapid.SampledFrom([]rune("a\x1b@\x1dV\x00\n\r\x10\x04\x05\x14\x7f\x80\x9b\u00ad\u202e😀ő")), 0, 40, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 30), func(b []byte) string { return string(b) }),
	)
}

func anyElement() *rapid.Generator[paper.Element] {
	align := rapid.SampledFrom([]paper.Align{paper.Left, paper.Center, paper.Right})
	return rapid.Custom(func(t *rapid.T) paper.Element {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			level := paper.QRLevel(rapid.IntRange(0, 3).Draw(t, "level")) //nolint:gosec // 0 to 3
			value := rapid.OneOf(rapid.StringN(1, 80, 400), rapid.StringMatching(`https://[a-z/?=]{1,90}`))
			return paper.QR{
				Value: value.Draw(t, "value"), Align: align.Draw(t, "align"), Level: level,
				WidthDots: rapid.IntRange(0, 600).Draw(t, "width"),
			}
		case 1:
			w, h := rapid.IntRange(1, 600).Draw(t, "w"), rapid.IntRange(1, 300).Draw(t, "h")
			img := paper.Image{WidthDots: w, HeightDots: h, Align: align.Draw(t, "align")}
			pattern := rapid.SliceOfN(rapid.Byte(), 1, 16).Draw(t, "pattern")
			img.Bits = bytes.Repeat(pattern, img.Stride()*h/len(pattern)+1)[:img.Stride()*h]
			return img
		case 2:
			return paper.Rule{}
		case 3:
			return paper.Feed{Lines: rapid.Uint8().Draw(t, "lines")}
		}
		return paper.Text{
			Value: anyText().Draw(t, "text"), Align: align.Draw(t, "align"),
			Width: rapid.Uint8Range(0, 8).Draw(t, "w"), Height: rapid.Uint8Range(0, 8).Draw(t, "h"),
			Bold: rapid.Bool().Draw(t, "bold"), Reverse: rapid.Bool().Draw(t, "reverse"),
			Small: rapid.Bool().Draw(t, "small"),
		}
	})
}

// Whatever a document holds, every printer gets whole commands, in places where it obeys them, and
// no byte of a text acts as a command.
func TestAnyDocumentIsSafeOnTheWire(t *testing.T) {
	for _, name := range ProfileNames() {
		t.Run(name, func(t *testing.T) {
			e := encoderFor(t, name, nil)
			rapid.Check(t, func(t *rapid.T) {
				doc := paper.Document{
					Elements: rapid.SliceOfN(anyElement(), 0, 5).Draw(t, "elements"),
					Cut:      paper.Cut(rapid.IntRange(0, 2).Draw(t, "cut")), //nolint:gosec // 0 to 2
				}
				out, err := e.Encode(doc)
				if err != nil {
					t.Fatal(err)
				}
				if err := checkWire(e.profile, out); err != nil {
					t.Fatalf("%v\n% X", err, out)
				}
			})
		})
	}
}

// Polish and Ukrainian letters come back from the wire as they went in.
func TestTextDecodesBack(t *testing.T) {
	alphabets := map[string]string{
		"polish":    "AĄBCĆDEĘFGHIJKLŁMNŃOÓPRSŚTUWYZŹŻaąbcćdeęfghijklłmnńoóprsśtuwyzźż 0123456789.,:-/()",
		"ukrainian": "АБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯабвгґдеєжзиіїйклмнопрстуфхцчшщьюя 0123456789.,:-/()",
	}
	e := encoderFor(t, "epson-tm-t20iii", nil)
	for name, letters := range alphabets {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				line := rapid.StringOfN(rapid.SampledFrom([]rune(letters)), 0, 48, -1).Draw(t, "line")
				out, err := e.Encode(paper.Document{Elements: []paper.Element{paper.Text{Value: line}}})
				if err != nil {
					t.Fatal(err)
				}
				got, err := decoded(e.profile, out)
				if err != nil || got != line+"\n" {
					t.Fatalf("%q came back as %q, %v", line, got, err)
				}
			})
		})
	}
}
