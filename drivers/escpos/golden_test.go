package escpos

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okienko/okienko/drivers/paper"
)

//nolint:gochecknoglobals // a test flag must be registered before TestMain parses
var update = flag.Bool("update", false, "write the goldens in testdata anew")

// goldenTicket is what the acceptance of every profile asks for: the Polish pangram, a number, the
// people ahead and a QR code.
func goldenTicket() paper.Document {
	return paper.Document{Elements: []paper.Element{
		paper.Text{Value: "Zażółć gęślą jaźń", Align: paper.Center, Bold: true},
		paper.Text{Value: "A45", Align: paper.Center, Width: 8, Height: 8, Bold: true},
		paper.Text{Value: "Przed Tobą: 12 osób", Align: paper.Center},
		paper.QR{Value: ticketURL, Align: paper.Center, WidthDots: 240},
		paper.Text{Value: "„ok.” 10:25–10:40", Align: paper.Center},
	}}
}

// The goldens hold the bytes in hex, one command a line with its name beside it, so that a change
// can be read.
func TestGoldenTickets(t *testing.T) {
	for _, name := range ProfileNames() {
		t.Run(name, func(t *testing.T) {
			out, err := encoderFor(t, name, nil).Encode(goldenTicket())
			if err != nil {
				t.Fatal(err)
			}
			got := readable(t, out)
			file := filepath.Join("testdata", name+".hex")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("bytes changed; if that is right, run go test -update (-want +got):\n%s", diff)
			}
		})
	}
}

// readable is the wire with one command a line: hex, and what it is.
func readable(t *testing.T, out []byte) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# %d bytes\n", len(out))
	for rest := out; len(rest) > 0; {
		tok, n, err := oneToken(rest)
		if err != nil {
			t.Fatal(err)
		}
		note := tok.name
		if tok.is("text") || bytes.HasPrefix(rest, []byte("\x1d(k")) && tok.args[1] == 0x50 {
			note = fmt.Sprintf("%s %q", tok.name, tok.args)
		}
		for i := 0; i < n; i += 36 {
			fmt.Fprintf(&b, "%-72X %s\n", rest[i:min(i+36, n)], note)
			note = "."
		}
		rest = rest[n:]
	}
	return b.String()
}

// The figures of the project: a ticket with QR and no logo, and one with its logo in the printer's
// memory, are at most 400 bytes.
func TestTicketFitsASlowLine(t *testing.T) {
	key := [2]byte{'O', '1'}
	for _, name := range ProfileNames() {
		e := encoderFor(t, name, nil, key)
		if !e.profile.QR.Native {
			continue
		}
		doc := goldenTicket()
		if e.profile.Raster.NVLogo {
			doc.Elements = append([]paper.Element{paper.Logo{Key: key}}, doc.Elements...)
		}
		out, err := e.Encode(doc)
		if err != nil || len(out) > 300 {
			t.Errorf("%s: %d bytes, %v; want at most 300", name, len(out), err)
		}
	}
}

// yardstickLogo is the picture by which encoders of other projects were measured: a radial grey
// disc, a horizontal ramp and a chequerboard on 384 × 120 dots of white.
func yardstickLogo() image.Image {
	img := image.NewGray(image.Rect(0, 0, 384, 120))
	for y := range 120 {
		for x := range 384 {
			dx, dy := x-60, y-60
			shade := 255
			switch d := dx*dx + dy*dy; {
			case d < 52*52:
				shade = d * 255 / (52 * 52)
			case x >= 130 && x < 370 && y >= 20 && y < 60:
				shade = (x - 130) * 255 / 240
			case x >= 130 && x < 370 && y >= 60 && y < 100:
				shade = (x/12 + y/12) % 2 * 255
			}
			img.SetGray(x, y, color.Gray{Y: uint8(shade)}) //nolint:gosec // 0 to 255
		}
	}
	return img
}

// BenchmarkDither is the first rendering of a new logo.
func BenchmarkDither(b *testing.B) {
	logo := yardstickLogo()
	for b.Loop() {
		paper.Dither(logo, 384)
	}
}

func BenchmarkTicket(b *testing.B) {
	logo := paper.Dither(yardstickLogo(), 384)
	key := [2]byte{'O', '1'}
	tests := []struct {
		name, profile string
		logo          paper.Element
	}{
		{"no-logo", "epson-tm-t20iii", paper.Feed{}},
		{"prepared-logo", "epson-tm-t20iii", logo},
		{"stored-logo", "epson-tm-t20iii", paper.Logo{Key: key}},
		{"drawn-text-and-qr", "posiflex-pp7700", paper.Feed{}},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			e := encoderFor(b, tt.profile, nil, key)
			doc := goldenTicket()
			doc.Elements = append([]paper.Element{tt.logo}, doc.Elements...)
			b.ReportAllocs()
			var n int
			for b.Loop() {
				out, err := e.Encode(doc)
				if err != nil {
					b.Fatal(err)
				}
				n = len(out)
			}
			b.ReportMetric(float64(n), "wire-bytes")
		})
	}
}

// BenchmarkNewEncoder is the cost of a new printer, once.
func BenchmarkNewEncoder(b *testing.B) {
	p, err := LoadProfile("epson-tm-t20iii", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewEncoder(p); err != nil {
			b.Fatal(err)
		}
	}
}

// The promise of at most 4 allocations for a ticket with a prepared logo.
func TestTicketAllocations(t *testing.T) {
	e := encoderFor(t, "epson-tm-t20iii", nil)
	doc := goldenTicket()
	logo := paper.Dither(yardstickLogo(), 384)
	doc.Elements = append([]paper.Element{logo}, doc.Elements...)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := e.Encode(doc); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 4 {
		t.Errorf("%v allocations, want at most 4", allocs)
	}
}
