package escpos

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/okienko/okienko/drivers/paper"
)

func TestTextShrinksToFit(t *testing.T) {
	tests := []struct {
		name          string
		value         string
		width, height uint8
		want          style
	}{
		{"fits", "A45", 8, 8, style{width: 8, height: 8}},
		{"five-characters", "A1001", 8, 8, style{width: 8, height: 8}},
		{"seven-characters", "A100123", 8, 8, style{width: 6, height: 6}},
		{"only-wide", "1234567", 8, 1, style{width: 6, height: 1}},
		{"half", strings.Repeat("x", 24), 2, 2, style{width: 2, height: 2}},
		{"more-than-half", strings.Repeat("x", 25), 2, 2, style{width: 1, height: 1}},
		{"too-long", strings.Repeat("x", 60), 3, 3, style{width: 1, height: 1}},
		{"zero-is-one", "x", 0, 0, style{width: 1, height: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := fit(paper.Text{Width: tt.width, Height: tt.height}, len(tt.value), 48)
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestLongTextBreaksAtSpaces(t *testing.T) {
	e := encoderFor(t, "generic-58", nil)
	out := encode(t, e, paper.Text{
		Value: "Wydział Spraw Administracyjnych i Obywatelskich Urzędu Miasta", Width: 2, Height: 2,
	})
	got, err := decoded(e.profile, out)
	if err != nil {
		t.Fatal(err)
	}
	want := "Wydział Spraw Administracyjnych\ni Obywatelskich Urzędu Miasta\n\n\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestBreakLineLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := []byte(rapid.StringMatching(`[ab ]{0,100}`).Draw(t, "line"))
		columns := rapid.IntRange(1, 48).Draw(t, "columns")
		var rows []string
		for rest := line; ; {
			var row []byte
			row, rest = breakLine(rest, columns)
			if len(row) > columns {
				t.Fatalf("row %q has more than %d", row, columns)
			}
			rows = append(rows, string(row))
			if len(rest) == 0 {
				break
			}
		}
		drop := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := drop(strings.Join(rows, "")); got != drop(string(line)) {
			t.Fatalf("%q became %q", line, rows)
		}
	})
}

// The order of means: the page of the document, another page, a picture, base letters.
func TestWhatAPageLacks(t *testing.T) {
	tests := []struct {
		name, profile string
		order         []string
		value         string
		want          string // decoded text; raster where it is drawn
	}{
		{"polish-852", "generic-80", nil, "ŁÓDŹ", "ŁÓDŹ"},
		{"quotes-852", "generic-80", nil, "„Łódź”", `"Łódź"`},
		{"quotes-1250", "epson-tm-t20iii", []string{"cp1250"}, "„Łódź” – 5 €…", "„Łódź” – 5 €…"},
		{"8859-2", "epson-tm-t20iii", []string{"iso8859-2"}, "Łódź", "Łódź"},
		{"french-has-no-page", "xprinter-n160ii", []string{"cp866"}, "Société", "Societe"},
		{"ukrainian-866", "xprinter-n160ii", nil, "Київ і Їжак", "Київ i Їжак"},
		{"ukrainian-drawn", "generic-80", nil, "Київ", "raster"},
		{"mixed-alphabets-drawn", "epson-tm-t20iii", nil, "Ґ ą", "raster"},
		{"polish-drawn", "posiflex-pp7700", nil, "Łódź", "raster"},
		{"ascii-not-drawn", "posiflex-pp7700", nil, "A45", "A45"},
		{"no-raster", "posiflex-pp7700", []string{"cp437"}, "Zażółć", "Zazólc"},
		{"emoji-does-not-draw-the-line", "generic-80", nil, "Łódź 😀", "Łódź ?"},
		{"rare-accent-drawn", "epson-tm-t20iii", []string{"cp1251", "raster"}, "ő", "raster"},
		{"vietnamese-base-letters", "generic-80", nil, "Nguyễn", "Nguyen"},
		{"invisible-marks-vanish", "generic-80", nil, "A\u200b4\u00ad5\u202e", "A45"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := encoderFor(t, tt.profile, func(p *Profile) {
				if tt.order != nil {
					p.Text.Order = tt.order
				}
			})
			body, _, err := e.EncodeParts(paper.Document{Elements: []paper.Element{paper.Text{Value: tt.value}}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := decoded(e.profile, body)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(body), "\x1dv0") || strings.Contains(string(body), "\x1d(L") {
				got = "raster" + strings.TrimSpace(got)
			}
			if got = strings.TrimSpace(got); got != tt.want {
				t.Errorf("printed %q, want %q", got, tt.want)
			}
		})
	}
}

// Drawn letters fill the cell of font A, in the dots that the fonts have.
func TestRasterTextDrawsTheCell(t *testing.T) {
	font, err := newRasterFont()
	if err != nil {
		t.Fatal(err)
	}
	img, err := font.draw([]rune("Łg"), plain)
	if err != nil {
		t.Fatal(err)
	}
	got := picture(img)
	want := strings.Join([]string{
		"........................",
		"........................",
		"........................",
		"........................",
		"........................",
	}, "\n")
	if !strings.HasPrefix(got, want) || strings.Count(got, "\n") != cellHeight-1 || strings.Count(got, "#") < 60 {
		t.Errorf("letters:\n%s", got)
	}
	for _, r := range "ąćęłńóśźżĄĆĘŁŃÓŚŹŻҐґЄєІіЇї–…€„”" {
		if !font.has(r) {
			t.Errorf("no glyph for %c", r)
		}
	}
}

func TestRasterTextMagnifies(t *testing.T) {
	font, err := newRasterFont()
	if err != nil {
		t.Fatal(err)
	}
	small, err := font.draw([]rune("ż"), plain)
	if err != nil {
		t.Fatal(err)
	}
	large, err := font.draw([]rune("ż"), style{width: 2, height: 3, reverse: true})
	if err != nil {
		t.Fatal(err)
	}
	for y := range large.HeightDots {
		for x := range large.WidthDots {
			if black(large, x, y) == black(small, x/2, y/3) {
				t.Fatalf("dot %d, %d", x, y)
			}
		}
	}
}

func black(i paper.Image, x, y int) bool { return i.Bits[y*i.Stride()+x/8]&(0x80>>(x%8)) != 0 }

func picture(i paper.Image) string {
	var rows []string
	for y := range i.HeightDots {
		row := make([]byte, i.WidthDots)
		for x := range row {
			row[x] = '.'
			if black(i, x, y) {
				row[x] = '#'
			}
		}
		rows = append(rows, string(row))
	}
	return strings.Join(rows, "\n")
}
