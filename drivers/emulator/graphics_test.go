package emulator

import (
	"fmt"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// qrCommands is model, module, error correction, store and print as the manual has them.
func qrCommands(text string, level byte, module byte) string {
	n := len(text) + 3
	return "\x1d(k\x04\x001A2\x00" + "\x1d(k\x03\x001C" + string([]byte{module}) +
		"\x1d(k\x03\x001E" + string([]byte{level}) +
		"\x1d(k" + string([]byte{byte(n), byte(n >> 8)}) + "1P0" + text + "\x1d(k\x03\x001Q0"
}

// raster is GS v 0 with full rows of the given byte.
func raster(widthBytes, rows int, fill byte) string {
	return "\x1dv0\x00" + string([]byte{byte(widthBytes), byte(widthBytes >> 8), byte(rows), byte(rows >> 8)}) +
		strings.Repeat(string([]byte{fill}), widthBytes*rows)
}

// graphicsCommand is GS ( L fn 112 with full rows, and fn 50 to print it.
func graphicsCommand(dots, rows int) string {
	data := strings.Repeat("\xff", (dots+7)/8*rows)
	n := len(data) + 10
	return "\x1d(L" + string([]byte{byte(n), byte(n >> 8)}) + "0p0\x01\x011" +
		string([]byte{byte(dots), byte(dots >> 8), byte(rows), byte(rows >> 8)}) + data + "\x1d(L\x02\x0002"
}

// ink is the smallest rectangle around everything darker than mid-grey, from the corner of the
// printable area.
func ink(t *testing.T, tk Ticket) image.Rectangle {
	t.Helper()
	img, ok := tk.Image().(*image.Gray)
	if !ok {
		t.Fatalf("image is %T", tk.Image())
	}
	var r image.Rectangle
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if img.GrayAt(x, y).Y < 0x80 {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r.Sub(image.Pt((img.Rect.Dx()-tk.sheet.dots)/2, topMargin))
}

func TestQR(t *testing.T) {
	const url = "https://kolejka.torun.pl/t/8f3k2m9q7w4x1z6b5n0c/a45?k=7h2d9s"
	for i, level := range []byte("0123") {
		modules := []int{33, 33, 37, 45}[i] // escpos.md 4.2
		t.Run(fmt.Sprintf("level-%c", level), func(t *testing.T) {
			got := render(t, "\x1ba\x01"+qrCommands(url, level, 6)+"\x1dV\x00", Options{})
			if d := cmp.Diff([]string{url}, got.QR); d != "" {
				t.Fatal(d)
			}
			side := modules * 6
			want := image.Rect(288-side/2, 0, 288+side/2, side)
			if r := ink(t, got); r != want {
				t.Errorf("symbol at %v, want %v", r, want)
			}
			bmp, err := gozxing.NewBinaryBitmapFromImage(got.Image())
			if err != nil {
				t.Fatal(err)
			}
			read, err := qrcode.NewQRCodeReader().Decode(bmp, map[gozxing.DecodeHintType]any{
				gozxing.DecodeHintType_PURE_BARCODE: true, // its search among other print misses version 7
			})
			if err != nil {
				t.Fatalf("gozxing: %v", err)
			}
			if read.GetText() != url {
				t.Errorf("gozxing read %q", read.GetText())
			}
		})
	}
}

func TestQRFaults(t *testing.T) {
	for _, c := range []struct {
		name, data string
		opt        Options
		want       string
	}{
		{"too-wide", qrCommands(strings.Repeat("x", 300), '3', 8), Options{}, "QR too wide for paper"},
		{"level-is-a-size", "\x1d(k\x03\x001E\x06", Options{}, "size byte out of range: QR error correction 06"},
		{"module-17", "\x1d(k\x03\x001C\x11", Options{}, "size byte out of range: QR module 17"},
		{"model", "\x1d(k\x04\x001A9\x00", Options{}, "size byte out of range: QR model 57"},
		{"nothing-stored", "\x1d(k\x03\x001Q0", Options{}, "no QR data stored to print"},
		{"in-a-line", "x" + qrCommands("a", '0', 3), Options{}, "command 1D 28 6B only allowed at line start"},
		{"no-qr", qrCommands("a", '0', 3), Options{Missing: []Feature{FeatureQR}}, "this printer has no 1D 28 6B"},
		{"too-long", "\x1d(k\xff\xff1P0" + strings.Repeat("x", 65532), Options{}, "1D 28 6B with 65535 bytes skipped"},
		{"pdf417", "\x1d(k\x03\x000Q0", Options{}, "symbol type 48 is not emulated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, c.data+"\x1dV\x00", c.opt)
			if len(got.QR) != 0 || len(got.Warnings) == 0 || !strings.HasPrefix(got.Warnings[0], c.want) {
				t.Errorf("qr %q, warnings %q, want %q", got.QR, got.Warnings, c.want)
			}
		})
	}
}

func TestRasterPlaces(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       image.Rectangle
		images     int
	}{
		{"left", raster(2, 8, 0xff), image.Rect(0, 0, 16, 8), 1},
		{"centre", "\x1ba\x01" + raster(2, 8, 0xff), image.Rect(280, 0, 296, 8), 1},
		{"right", "\x1ba2" + raster(2, 8, 0xff), image.Rect(560, 0, 576, 8), 1},
		{"margin", "\x1dL\x10\x00" + raster(2, 8, 0xff), image.Rect(16, 0, 32, 8), 1},
		{"double", "\x1dv0\x03\x01\x00\x04\x00\xff\xff\xff\xff", image.Rect(0, 0, 16, 8), 1},
		{"bands-are-one-picture", raster(2, 8, 0xff) + raster(2, 8, 0xff), image.Rect(0, 0, 16, 16), 1},
		{"two-pictures", raster(2, 8, 0xff) + "\n" + raster(2, 8, 0xff), image.Rect(0, 0, 16, 46), 2},
		{"graphics", graphicsCommand(13, 8), image.Rect(0, 0, 16, 8), 1},
		{"column-24", "\x1b*\x21\x08\x00" + strings.Repeat("\xff\xff\xff", 8) + "\n", image.Rect(0, 0, 8, 24), 1},
		{"column-8", "\x1b*\x00\x08\x00" + strings.Repeat("\xff", 8) + "\n", image.Rect(0, 0, 16, 24), 1},
		{
			"column-strips-are-one-picture",
			"\x1b3\x18" + strings.Repeat("\x1b*\x21\x08\x00"+strings.Repeat("\xff\xff\xff", 8)+"\n", 3),
			image.Rect(0, 0, 8, 72), 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, c.data+"\x1dV\x00", Options{})
			if r := ink(t, got); r.Intersect(image.Rect(0, 0, 576, 1000)) != c.want && !strings.HasPrefix(c.name, "graphics") {
				t.Errorf("ink at %v, want %v", r, c.want)
			}
			if got.Images != c.images || got.Warnings != nil {
				t.Errorf("%d images, want %d; warnings %q", got.Images, c.images, got.Warnings)
			}
		})
	}
}

// TestRasterBits compares a picture with every bit pattern dot by dot.
func TestRasterBits(t *testing.T) {
	var b strings.Builder
	for i := range 256 {
		b.WriteByte(byte(i))
	}
	got := render(t, "\x1dv0\x00\x01\x00\x00\x01"+b.String()+"\x1dV\x00", Options{})
	img := got.Image().(*image.Gray) //nolint:forcetypeassert // Image says so in TestRasterPlaces
	left := (img.Rect.Dx() - 576) / 2
	for y := range 256 {
		for x := range 8 {
			black := img.GrayAt(left+x, topMargin+y).Y == 0
			if black != (y&(0x80>>x) != 0) {
				t.Fatalf("bit %d of %08b is black: %v", x, y, black)
			}
		}
	}
}

func TestRasterFaults(t *testing.T) {
	big := "\x1d8L\x00\x00\x00\x40" + "0p0\x01\x011\xff\xff\xff\xff" // 1 GiB announced
	for _, c := range []struct {
		name, data string
		opt        Options
		want       string
	}{
		{"wider-than-paper", raster(80, 2, 0xff), Options{}, "raster of 640 dots is wider than the paper"},
		{"after-text", "x" + raster(2, 2, 0xff), Options{}, "command 1D 76 30 only allowed at line start"},
		{"mode", "\x1dv0\x07\x01\x00\x01\x00\xff", Options{}, "size byte out of range: raster mode 7"},
		{"too-high", raster(1, 5000, 0), Options{}, "size byte out of range: raster of 5000 rows"},
		{"left-open", "a\n\x1dv0\x00\x30\x00\xff\x00\x01", Options{}, "raster left open: 1D 76 30"},
		{"huge-left-open", "a\n" + big + "x", Options{}, "size byte out of range in 1D 38 4C"},
		{"nothing-stored", "a\n\x1d(L\x02\x0002", Options{}, "no graphics stored to print"},
		{"no-graphics", "a\n" + graphicsCommand(8, 8), Options{Missing: []Feature{FeatureGraphics}}, "this printer has no 1D 28 4C"},
		{"kenshaw-inverts-the-prefix", "\x1b(L\x03\x00abcx\n", Options{}, "unsupported command 1B 28 4C"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := Render([]byte(c.data), c.opt)
			if len(all) != 1 || len(all[0].Warnings) == 0 || !strings.HasPrefix(all[0].Warnings[0], c.want) {
				t.Errorf("got %+v, want %q", all, c.want)
			}
		})
	}
}

func TestNVLogo(t *testing.T) {
	define := "\x1d(L" + string([]byte{11 + 8, 0}) + "0C0G1\x01\x08\x00\x08\x001" + strings.Repeat("\xff", 8)
	print1 := "\x1d(L\x06\x000EG1\x02\x02"
	all := Render([]byte(define+print1+"\x1dV\x00"+escInit+print1+"\x1dV\x00"+"\x1d(L\x06\x000EZZ\x01\x01\x1dV\x00"), Options{})
	if len(all) != 3 {
		t.Fatalf("%d tickets", len(all))
	}
	for i, tk := range all[:2] {
		if r := ink(t, tk); tk.Images != 1 || r != image.Rect(0, 0, 16, 16) {
			t.Errorf("ticket %d: %d images, ink %v", i, tk.Images, r)
		}
	}
	if w := all[2].Warnings; len(w) != 1 || !strings.HasPrefix(w[0], "no graphics under key 5A 5A") {
		t.Errorf("warnings %q", w)
	}
}

func TestBarcode(t *testing.T) {
	for name, data := range map[string]string{
		"A":       "\x1dk\x04A45\x00",
		"B":       "\x1dk\x45\x03A45",
		"code128": "\x1dw\x02\x1dh\x50\x1dk\x49\x05{BA45",
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, "\x1dH\x02"+data+"\x1dV\x00", Options{})
			if d := cmp.Diff([]string{"A45"}, got.Lines); d != "" || got.Warnings != nil {
				t.Errorf("%s%q", d, got.Warnings)
			}
		})
	}
}

// TestReadQRFromRaster draws symbols of all sizes as raster and expects their text back.
func TestReadQRFromRaster(t *testing.T) {
	for _, text := range []string{
		"A45", "0123456789", "HELLO WORLD $%*+-./:", "https://kolejka.torun.pl/t/8f3k2m9q7w4x1z6b5n0c/a45?k=7h2d9s",
		zazolcPL, strings.Repeat("1234567", 60), strings.Repeat("dłuższy tekst ", 20),
	} {
		for _, module := range []int{1, 2, 5} {
			symbol := render(t, qrCommands(text, '1', byte(module))+"\x1dV\x00", Options{})
			bits := symbol.sheet.elements[0]
			var rows strings.Builder
			side := bits.w
			for y := range side {
				row := make([]byte, (side+7)/8)
				for x := range side {
					if bits.bits.black(x/module, y/module) {
						row[x/8] |= 0x80 >> (x % 8)
					}
				}
				if y%100 == 0 { // bands, as drivers cut them
					h := min(100, side-y)
					fmt.Fprintf(&rows, "\x1dv0\x00%c\x00%c\x00", (side+7)/8, h)
				}
				rows.Write(row)
			}
			got := render(t, "x\n\x1ba\x01"+rows.String()+"y\n\x1dV\x00", Options{})
			if d := cmp.Diff([]string{text}, got.QR); d != "" {
				t.Errorf("module %d: %s", module, d)
			}
		}
	}
}

// TestReadQRGivesUp draws nothing but finder patterns.
func TestReadQRGivesUp(t *testing.T) {
	var rows strings.Builder
	for range 2000 {
		rows.WriteString("\x1dv0\x00\x48\x00\x02\x00" + strings.Repeat("\xba", 72) + strings.Repeat("\x00", 72))
	}
	begun := time.Now()
	if got := render(t, rows.String()+"\x1dV\x00", Options{}); got.QR != nil {
		t.Errorf("read %q", got.QR)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestTextIsDrawnWhereItStands(t *testing.T) {
	for _, c := range []struct {
		name, data string
		cell       image.Rectangle
	}{
		{"font-a", "M\n", image.Rect(0, 0, 12, 24)},
		{"font-b", "\x1bM\x01M\n", image.Rect(0, 0, 9, 17)},
		{"quad", "\x1d!\x33M\n", image.Rect(0, 0, 48, 96)},
		{"tall", "\x1d!\x03M\n", image.Rect(0, 0, 12, 96)},
		{"wide", "\x1d!\x30M\n", image.Rect(0, 0, 48, 24)},
		{"centre", "\x1ba1M\n", image.Rect(282, 0, 294, 24)},
		{"right", "\x1ba2M\n", image.Rect(564, 0, 576, 24)},
		{"upside-down", "\x1b{\x01M\n", image.Rect(564, 0, 576, 24)},
		{"rotated", "\x1bV1M\n", image.Rect(0, 0, 24, 12)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ink(t, render(t, c.data+"\x1dV\x00", Options{}))
			if r.Empty() || !r.In(c.cell) {
				t.Errorf("ink %v outside cell %v", r, c.cell)
			}
			if 2*r.Dx() < c.cell.Dx() && 2*r.Dy() < c.cell.Dy() {
				t.Errorf("ink %v much smaller than cell %v", r, c.cell)
			}
		})
	}
	if r := ink(t, render(t, "\x1dB1 \n\x1dV\x00", Options{})); r != image.Rect(0, 0, 12, 24) {
		t.Errorf("a reversed blank is inked at %v", r)
	}
	if r := ink(t, render(t, "\x1b-2 \n\x1dV\x00", Options{})); r != image.Rect(0, 22, 12, 24) {
		t.Errorf("an underlined blank is inked at %v", r)
	}
}

func TestPaperWidth(t *testing.T) {
	for _, c := range []struct{ dots, dpi, want int }{{576, 203, 639}, {384, 203, 463}, {512, 180, 566}, {832, 203, 895}} {
		if got := paperWidth(c.dots, c.dpi); got != c.want {
			t.Errorf("%d dots at %d dpi on %d dots of paper, want %d", c.dots, c.dpi, got, c.want)
		}
	}
}
