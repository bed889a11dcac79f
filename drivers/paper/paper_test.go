package paper

import (
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestValidate(t *testing.T) {
	ok := Image{WidthDots: 9, HeightDots: 2, Bits: make([]byte, 4)}
	tests := []struct {
		name    string
		element Element
		want    error
	}{
		{"text", Text{Value: "any\x00thing", Width: 8, Height: 8}, nil},
		{"text-too-wide", Text{Width: 9}, ErrTextSize},
		{"text-too-high", Text{Height: 9}, ErrTextSize},
		{"qr", QR{Value: strings.Repeat("x", MaxQRBytes)}, nil},
		{"qr-empty", QR{}, ErrQR},
		{"qr-too-long", QR{Value: strings.Repeat("x", MaxQRBytes+1)}, ErrQR},
		{"image", ok, nil},
		{"image-without-area", Image{}, ErrImage},
		{"image-negative", Image{WidthDots: -8, HeightDots: -1, Bits: []byte{0}}, ErrImage},
		{"image-short", Image{WidthDots: 9, HeightDots: 2, Bits: make([]byte, 3)}, ErrImage},
		{"logo", Logo{Key: [2]byte{' ', '~'}}, nil},
		{"logo-key", Logo{Key: [2]byte{'a', 0x7f}}, ErrLogoKey},
		{"logo-fallback", Logo{Key: [2]byte{'a', 'b'}, Fallback: &Image{}}, ErrImage},
		{"rule", Rule{}, nil},
		{"feed", Feed{Lines: 255}, nil},
		{"nothing", nil, ErrElement},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Document{Elements: []Element{Rule{}, tt.element}}.Validate()
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "element 1 ") {
				t.Errorf("the error does not say which element: %v", err)
			}
		})
	}
}

func TestDocumentText(t *testing.T) {
	doc := Document{
		Elements: []Element{
			Text{Value: "A\x1b5", Align: Right, Width: 2, Bold: true, Reverse: true, Small: true},
			QR{Value: "https://example.org", Level: LevelH},
			Image{WidthDots: 8, HeightDots: 3},
			Rule{},
			Logo{Key: [2]byte{'O', '1'}},
			Feed{Lines: 3},
		},
		Cut: CutPartial,
	}
	want := `right 2×1 bold reverse small "A\x1b5"
QR H https://example.org
image 8×3
rule
logo "O1"
feed 3
cut partial
`
	if diff := cmp.Diff(want, doc.Text()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if got := Align(9).String() + Cut(9).String() + QRLevel(9).String(); got != "unknown(9)unknown(9)unknown(9)" {
		t.Errorf("unknown words: %s", got)
	}
}

func uniform(w, h int, c color.Color) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(5, 7, 5+w, 7+h))
	for y := range h {
		for x := range w {
			img.Set(5+x, 7+y, c)
		}
	}
	return img
}

func blackShare(i Image) float64 {
	n := 0
	for y := range i.HeightDots {
		for x := range i.WidthDots {
			if i.Bits[y*i.Stride()+x/8]&(0x80>>(x%8)) != 0 {
				n++
			}
		}
	}
	return float64(n) / float64(i.WidthDots*i.HeightDots)
}

func TestDitherKeepsTheShade(t *testing.T) {
	tests := []struct {
		name string
		c    color.Color
		want float64
	}{
		{"black", color.Black, 1},
		{"white", color.White, 0},
		{"transparent-black-is-paper", color.NRGBA{}, 0},
		{"half-transparent-black", color.NRGBA{A: 128}, 0.5},
		{"quarter", color.Gray{Y: 191}, 0.25},
		{"green-is-brighter-than-blue", color.NRGBA{G: 255, A: 255}, 1 - 0.587},
		{"blue", color.NRGBA{B: 255, A: 255}, 1 - 0.114},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Dither(uniform(100, 60, tt.c), 50)
			if err := got.Validate(); err != nil || got.WidthDots != 50 || got.HeightDots != 30 {
				t.Fatalf("%d×%d, %v", got.WidthDots, got.HeightDots, err)
			}
			if share := blackShare(got); share < tt.want-0.02 || share > tt.want+0.02 {
				t.Errorf("%.3f black, want %.3f", share, tt.want)
			}
		})
	}
}

// What is black and white already stays as it is, dot for dot.
func TestDitherKeepsBlackAndWhite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 40).Draw(t, "w"), rapid.IntRange(1, 20).Draw(t, "h")
		dots := rapid.SliceOfN(rapid.Bool(), w*h, w*h).Draw(t, "dots")
		src := image.NewGray(image.Rect(0, 0, w, h))
		for i, black := range dots {
			if !black {
				src.Pix[i] = 255
			}
		}
		got := Dither(src, w+rapid.IntRange(0, 9).Draw(t, "room"))
		if err := got.Validate(); err != nil || got.WidthDots != w || got.HeightDots != h {
			t.Fatalf("%d×%d became %d×%d, %v", w, h, got.WidthDots, got.HeightDots, err)
		}
		for i, black := range dots {
			x, y := i%w, i/w
			if (got.Bits[y*got.Stride()+x/8]&(0x80>>(x%8)) != 0) != black {
				t.Fatalf("dot %d, %d changed", x, y)
			}
		}
	})
}

func TestDitherOfNothing(t *testing.T) {
	for _, img := range []Image{Dither(image.NewGray(image.Rectangle{}), 100), Dither(uniform(3, 3, color.Black), 0)} {
		if err := img.Validate(); !errors.Is(err, ErrImage) {
			t.Errorf("%+v: %v", img, err)
		}
	}
	if thin := Dither(uniform(1000, 1, color.Black), 10); thin.HeightDots != 1 {
		t.Errorf("a thin line vanished: %+v", thin)
	}
}
