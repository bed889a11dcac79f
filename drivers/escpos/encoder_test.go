package escpos

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okienko/okienko/drivers/paper"
)

// encoderFor makes the encoder of a built-in profile after change, if any.
func encoderFor(t testing.TB, name string, change func(*Profile), stored ...[2]byte) *Encoder {
	t.Helper()
	p, err := LoadProfile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&p)
	}
	e, err := NewEncoder(p, stored...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func encode(t testing.TB, e *Encoder, elements ...paper.Element) []byte {
	t.Helper()
	out, err := e.Encode(paper.Document{Elements: elements})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// between cuts off what every document begins and ends with on epson-tm-t20iii.
func between(t testing.TB, out []byte) []byte {
	t.Helper()
	body, ok := bytes.CutPrefix(out, fromHex(t, "1B40"))
	if !ok {
		t.Fatalf("no ESC @ in front: % X", out)
	}
	body, ok = bytes.CutSuffix(body, fromHex(t, "1D564120"))
	if !ok {
		t.Fatalf("no GS V 65 32 at the end: % X", out)
	}
	return body
}

// The expected bytes are written from the Epson ESC/POS reference, not from the encoder.
func TestElementBytes(t *testing.T) {
	text := func(s string) string { return hex.EncodeToString([]byte(s)) }
	tests := []struct {
		name     string
		elements []paper.Element
		want     string
	}{
		{"plain", []paper.Element{paper.Text{Value: "Ab 1"}}, text("Ab 1") + "0A"},
		{"empty", []paper.Element{paper.Text{}}, "0A"},
		{"center", []paper.Element{paper.Text{Value: "x", Align: paper.Center}}, "1B6101" + text("x") + "0A"},
		{"right", []paper.Element{paper.Text{Value: "x", Align: paper.Right}}, "1B6102" + text("x") + "0A"},
		{
			"back-to-left",
			[]paper.Element{paper.Text{Value: "x", Align: paper.Right}, paper.Text{Value: "y"}},
			"1B6102" + text("x") + "0A" + "1B6100" + text("y") + "0A",
		},
		{
			"bold-then-not",
			[]paper.Element{paper.Text{Value: "x", Bold: true}, paper.Text{Value: "y"}},
			"1B4501" + text("x") + "0A" + "1B4500" + text("y") + "0A",
		},
		{"reverse", []paper.Element{paper.Text{Value: "x", Reverse: true}}, "1D4201" + text("x") + "0A"},
		{"small", []paper.Element{paper.Text{Value: "x", Small: true}}, "1B4D01" + text("x") + "0A"},
		{"size", []paper.Element{paper.Text{Value: "A45", Width: 3, Height: 8}}, "1D2127" + text("A45") + "0A"},
		{"cp852-once", []paper.Element{paper.Text{Value: "ą"}, paper.Text{Value: "ż"}}, "1B7412" + "A50A" + "BE0A"},
		{
			"pangram",
			[]paper.Element{paper.Text{Value: "Zażółć gęślą jaźń"}},
			"1B7412" + "5A61BEA288862067A9986CA5206A61ABE4" + "0A",
		},
		{"typography", []paper.Element{paper.Text{Value: "„a” – b… 5 €"}}, text(`"a" - b... 5 EUR`) + "0A"},
		{
			"no-break-space",
			[]paper.Element{paper.Text{Value: "12\u00a0osób"}},
			"1B7412" + text("12 os") + "A2" + text("b") + "0A",
		},
		{"decomposed", []paper.Element{paper.Text{Value: "z\u0307"}}, "1B7412" + "BE0A"},
		{"ukrainian", []paper.Element{paper.Text{Value: "Ґі"}}, "1B742E" + "A5B3" + "0A"},
		{
			"two-pages",
			[]paper.Element{paper.Text{Value: "ś"}, paper.Text{Value: "я"}, paper.Text{Value: "ok"}},
			"1B7412" + "980A" + "1B742E" + "FF0A" + text("ok") + "0A",
		},
		{
			"control-bytes",
			[]paper.Element{paper.Text{Value: "a\x1b@\n\x10\x04\x01\x7f\u0085b"}},
			text("a?@??????b") + "0A",
		},
		{"feed-short", []paper.Element{paper.Feed{Lines: 2}}, "0A0A"},
		{"feed-long", []paper.Element{paper.Feed{Lines: 9}}, "1B6409"},
		{"rule", []paper.Element{paper.Rule{}}, "1D2170" + text("------") + "0A"},
		{
			"image",
			[]paper.Element{paper.Image{WidthDots: 16, HeightDots: 2, Bits: []byte{1, 2, 3, 4}}},
			"1D284C0E00" + "307030010131" + "1000" + "0200" + "01020304" + "1D284C02003032",
		},
		{
			"image-padding-is-white",
			[]paper.Element{paper.Image{WidthDots: 9, HeightDots: 2, Bits: []byte{0xff, 0xff, 0, 0xff}}},
			"1D284C0E00" + "307030010131" + "0900" + "0200" + "FF800080" + "1D284C02003032",
		},
		{
			"qr",
			[]paper.Element{paper.QR{Value: "HELLO", WidthDots: 100}},
			"1D286B0400 31413200" + "1D286B0300 314304" + "1D286B0300 314531" +
				"1D286B0800 315030" + text("HELLO") + "1D286B0300 315130",
		},
		{
			"qr-among-text",
			[]paper.Element{
				paper.Text{Value: "x"}, paper.QR{Value: "HELLO", WidthDots: 210, Align: paper.Center, Level: paper.LevelH},
			},
			text("x") + "0A" + "0A0A" + "1B6101" + "1D286B0400 31413200" + "1D286B0300 31430A" + "1D286B0300 314533" +
				"1D286B0800 315030" + text("HELLO") + "1D286B0300 315130",
		},
	}
	e := encoderFor(t, "epson-tm-t20iii", nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := between(t, encode(t, e, tt.elements...))
			if diff := cmp.Diff(hex.Dump(fromHex(t, tt.want)), hex.Dump(got)); diff != "" {
				t.Errorf("bytes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRasterGSV0(t *testing.T) {
	e := encoderFor(t, "generic-80", func(p *Profile) { p.Raster.MaxBand = 8 })
	img := paper.Image{WidthDots: 8, HeightDots: 20, Bits: bytes.Repeat([]byte{0xAA}, 20)}
	got := encode(t, e, img)
	want := fromHex(t, "1D763000 0100 0800 AAAAAAAAAAAAAAAA 1D763000 0100 0800 AAAAAAAAAAAAAAAA 1D763000 0100 0400 AAAAAAAA")
	if !bytes.Contains(got, want) {
		t.Errorf("no three bands of 8, 8 and 4 rows in\n% X", got)
	}
}

func TestImageWiderThanPaperIsCutOff(t *testing.T) {
	e := encoderFor(t, "generic-58", nil)
	got := encode(t, e, paper.Image{WidthDots: 400, HeightDots: 1, Bits: bytes.Repeat([]byte{0xFF}, 50)})
	want := append(fromHex(t, "1D763000 3000 0100"), bytes.Repeat([]byte{0xFF}, 48)...)
	if !bytes.Contains(got, append(want, 0x0A)) {
		t.Errorf("no row of 48 bytes followed by the feed in\n% X", got)
	}
}

// A picture must not make the printer act on DLE EOT, DLE ENQ or DLE DC4.
func TestImageHoldsNoRealtimeCommand(t *testing.T) {
	bits := []byte{0x10, 0x04, 0x01, 0x10, 0x05, 0x02, 0x10, 0x14, 0x08, 0x10, 0x10, 0x04, 0x10, 0x03, 0x04, 0x10}
	img := paper.Image{WidthDots: 8, HeightDots: len(bits), Bits: bytes.Clone(bits)}
	got := encode(t, encoderFor(t, "generic-80", nil), img)
	for _, command := range []string{"1004", "1005", "1014"} {
		if bytes.Contains(got, fromHex(t, command)) {
			t.Errorf("%s in % X", command, got)
		}
	}
	want := fromHex(t, "180401 180502 181408 101804 100304 10")
	if !bytes.Contains(got, want) {
		t.Errorf("more than the neighbouring dots changed: % X", got)
	}
	if !bytes.Equal(img.Bits, bits) {
		t.Error("the caller's picture was changed")
	}
}

// A band of 103 rows of 10 bytes would have the length 0410h, which is DLE EOT on the wire.
func TestBandLengthIsNoRealtimeCommand(t *testing.T) {
	img := paper.Image{WidthDots: 80, HeightDots: 103, Bits: make([]byte, 1030)}
	got := encode(t, encoderFor(t, "epson-tm-t20iii", nil), img)
	if bytes.Contains(got, fromHex(t, "1004")) {
		t.Errorf("DLE EOT in % X", got[:24])
	}
	if n := bytes.Count(got, fromHex(t, "3070300101315000")); n != 2 {
		t.Errorf("%d bands, want 102 rows and 1", n)
	}
}

func TestCuts(t *testing.T) {
	tests := []struct {
		name, profile string
		change        func(*CutCaps)
		cut           paper.Cut
		body, after   string // how the body ends after the line feed of "x", and the cut
	}{
		{"function-b", "epson-tm-t20iii", nil, paper.CutFull, "", "1D564120"},
		{"function-b-partial", "epson-tm-t20iii", nil, paper.CutPartial, "", "1D564220"},
		{"function-b-without-cut", "epson-tm-t20iii", nil, paper.CutNone, "1B6404", ""},
		{"function-a", "generic-80", nil, paper.CutFull, "1B6404", "1D5600"},
		{"function-a-partial", "generic-80", nil, paper.CutPartial, "1B6404", "1D5601"},
		{
			"no-partial-cutter", "generic-80", func(c *CutCaps) { c.Partial = false },
			paper.CutPartial, "1B6404", "1D5600",
		},
		{"old", "generic-80", func(c *CutCaps) { c.Cmd = cutESCI }, paper.CutFull, "1B6404", "1B69"},
		{"old-partial", "generic-80", func(c *CutCaps) { c.Cmd = cutESCI }, paper.CutPartial, "1B6404", "1B6D"},
		{"no-cutter", "generic-58", nil, paper.CutFull, "0A0A", ""},
		{"presenter", "custom-vkp80iii", nil, paper.CutFull, "1B6404", "1D5600 1D6505"},
		{"presenter-without-cut", "custom-vkp80iii", nil, paper.CutNone, "1B6404", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := encoderFor(t, tt.profile, func(p *Profile) {
				if tt.change != nil {
					tt.change(&p.Cut)
				}
			})
			doc := paper.Document{Elements: []paper.Element{paper.Text{Value: "x"}}, Cut: tt.cut}
			body, cut, err := e.EncodeParts(doc)
			if err != nil {
				t.Fatal(err)
			}
			if want := append([]byte("x\n"), fromHex(t, tt.body)...); !bytes.HasSuffix(body, want) {
				t.Errorf("body ends % X, want % X", body, want)
			}
			if want := fromHex(t, tt.after); !bytes.Equal(cut, want) {
				t.Errorf("cut % X, want % X", cut, want)
			}
			whole, err := e.Encode(doc)
			if err != nil || !bytes.Equal(whole, append(body, cut...)) {
				t.Errorf("Encode differs from its parts: % X, %v", whole, err)
			}
		})
	}
}

func TestKanjiModeIsCancelledAfterInit(t *testing.T) {
	out := encode(t, encoderFor(t, "xprinter-n160ii", nil), paper.Text{Value: "x"})
	if !bytes.HasPrefix(out, fromHex(t, "1B40 1C2E")) {
		t.Errorf("begins % X", out[:4])
	}
}

func TestLogo(t *testing.T) {
	key := [2]byte{'O', '1'}
	fallback := &paper.Image{WidthDots: 8, HeightDots: 1, Bits: []byte{0x81}, Align: paper.Center}
	native := fromHex(t, "1B6101 1D284C0600 3045 4F31 0101")
	drawn := fromHex(t, "1D763000 0100 0100 81")
	tests := []struct {
		name      string
		nv        bool
		stored    [][2]byte
		fallback  *paper.Image
		want, not []byte
	}{
		{"stored", true, [][2]byte{key}, fallback, native, drawn},
		{"not-set-up", true, nil, fallback, drawn, native},
		{"no-memory", false, [][2]byte{key}, fallback, drawn, native},
		{"neither", false, nil, nil, []byte("x\n"), native},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := encoderFor(t, "generic-80", func(p *Profile) { p.Raster.NVLogo = tt.nv }, tt.stored...)
			out := encode(t, e, paper.Logo{Key: key, Fallback: tt.fallback}, paper.Text{Value: "x", Align: paper.Center})
			if !bytes.Contains(out, tt.want) || bytes.Contains(out, tt.not) {
				t.Errorf("% X\nwant % X\nnot  % X", out, tt.want, tt.not)
			}
		})
	}
}

func TestStoreLogo(t *testing.T) {
	key := [2]byte{'O', '1'}
	small := paper.Image{WidthDots: 12, HeightDots: 2, Bits: []byte{0xff, 0xff, 0x10, 0x04}}
	got, err := StoreLogo(key, small)
	if err != nil {
		t.Fatal(err)
	}
	want := fromHex(t, "1D284C 0F00 304330 4F31 01 0C00 0200 31 FFF0 1000")
	if !bytes.Equal(got, want) {
		t.Errorf("got  % X\nwant % X", got, want)
	}
	large, err := StoreLogo(key, paper.Image{WidthDots: 576, HeightDots: 1000, Bits: make([]byte, 72000)})
	if err != nil || !bytes.HasPrefix(large, fromHex(t, "1D384C 4B190100 304330")) {
		t.Errorf("large logo begins % X, %v", large[:10], err)
	}
	if _, err := StoreLogo(key, paper.Image{WidthDots: 8, HeightDots: 2401, Bits: make([]byte, 2401)}); err == nil {
		t.Error("a logo of 2,401 rows was taken")
	}
	if _, err := StoreLogo([2]byte{0, '1'}, small); !errors.Is(err, paper.ErrLogoKey) {
		t.Errorf("bad key: %v", err)
	}
}

func TestRefusesBrokenDocuments(t *testing.T) {
	e := encoderFor(t, "generic-80", nil)
	tests := []struct {
		name    string
		element paper.Element
		want    error
	}{
		{"image", paper.Image{WidthDots: 8, HeightDots: 2, Bits: []byte{1}}, paper.ErrImage},
		{"qr-empty", paper.QR{}, paper.ErrQR},
		{"qr-long", paper.QR{Value: strings.Repeat("x", 1001)}, paper.ErrQR},
		{"size", paper.Text{Value: "x", Width: 9}, paper.ErrTextSize},
		{"nil", nil, paper.ErrElement},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dst := []byte("kept")
			got, err := e.Append(dst, paper.Document{Elements: []paper.Element{tt.element}})
			if !errors.Is(err, tt.want) || string(got) != "kept" {
				t.Errorf("%q, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// One encoder serves many goroutines; the race detector watches.
func TestEncoderIsShared(t *testing.T) {
	e := encoderFor(t, "posiflex-pp7700", nil)
	want := encode(t, e, paper.Text{Value: "Zażółć"})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				got, err := e.Encode(paper.Document{Elements: []paper.Element{paper.Text{Value: "Zażółć"}}})
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("differs: %v", err)
				}
			}
		})
	}
	group.Wait()
}
