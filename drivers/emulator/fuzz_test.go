package emulator

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
)

// FuzzEmulator feeds arbitrary bytes. Nothing may panic, what is kept must stay within the
// documented bounds, and drawing must work.
func FuzzEmulator(f *testing.F) {
	for _, s := range fragments() {
		f.Add([]byte(s), uint8(0))
	}
	f.Add([]byte(everyByte()+cp852+zazolc+"\n"+qrCommands("https://a.pl", '3', 6)+cutPart), uint8(1))
	f.Add([]byte("\x1cq\xff\xff\xff\xff\xff"), uint8(2))
	f.Add([]byte("\x1b&\xff\x00\xff"+string(make([]byte, 100))), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, kind uint8) {
		o := Options{KanjiOnInit: kind&1 != 0, Presenter: kind&2 != 0, Dots: []int{576, 384}[kind>>2&1]}
		if kind&8 != 0 {
			o.Dialect = DialectCustom
		}
		p := New(o)
		p.conn = &conn{out: make(chan reply, maxReplies)}
		for part := data; len(part) > 0; {
			n := p.receive(part)
			if n == 0 {
				break // a cutter error cannot come from bytes alone, a full buffer could
			}
			part = part[n:]
		}
		if w := p.in.page.weight; w > maxPageBytes || p.history.weight > maxHistoryBytes+2*maxPageBytes {
			t.Fatalf("%d bytes kept of the page, %d of tickets", w, p.history.weight)
		}
		for i, tk := range Render(data, o) {
			if len(tk.Warnings) > maxWarnings {
				t.Fatalf("%d warnings", len(tk.Warnings))
			}
			if i == 0 && tk.sheet.height < 1000 && tk.Image().Bounds().Empty() {
				t.Fatal("empty picture")
			}
		}
	})
}

// TestDeclaredSizesAreNotAllocated announces gigabytes and sends nothing.
func TestDeclaredSizesAreNotAllocated(t *testing.T) {
	for _, s := range []string{
		"\x1dv0\x00\xff\xff\xff\xffx", "\x1d8L\xff\xff\xff\xff0p0\x01\x011\x60\x09\x60\x09x",
		"\x1d8L\xff\xff\xff\xff0C0ab\x01\x60\x09\x60\x091x", "\x1cq\xff\xff\xff\xff\xffx", "\x1b*\x21\xff\xffx",
		"\x1d(k\xff\xff1P0x", "\x1d*\xff\xffx",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Render([]byte(s), Options{})
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
			t.Errorf("% X: %d bytes allocated", s, n)
		}
	}
}

// TestEndlessTicketIsBounded prints far more than a roll without ever cutting, and then a heavy
// picture over and over at the same place.
func TestEndlessTicketIsBounded(t *testing.T) {
	long := New(Options{})
	for range 20 {
		long.receive([]byte(raster(1, 4000, 0x55)))
	}
	if h, limit := long.Paper().sheet.height, maxPaperMM*10*defaultDPI/254; h != limit {
		t.Errorf("ticket is %d dots long, limit %d", h, limit)
	}
	const w, h = 576 / 8, 255
	heavy := New(Options{})
	heavy.receive([]byte("\x1d(L" + string([]byte{(11 + w*h) & 0xFF, (11 + w*h) >> 8}) + "0C0G1\x01\x40\x02\xff\x001" +
		strings.Repeat("\xff", w*h)))
	for range 1000 {
		heavy.receive([]byte("\x1d(L\x06\x000EG1\x01\x01\x1bK\xff"))
	}
	if weight := heavy.in.page.weight; weight > maxPageBytes || weight < maxPageBytes/2 {
		t.Errorf("%d bytes kept of a ticket, limit %d", weight, maxPageBytes)
	}
	for _, p := range []*Printer{long, heavy} {
		if w := p.Paper().Warnings; len(w) == 0 || !strings.Contains(w[0], "the rest is lost") {
			t.Errorf("warnings %q", w)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	data := []byte(escInit + "\x1c." + cp852 + "\x1ba1" + raster(48, 120, 0x55) + zazolc + "\n\x1d!\x33A 45\n\x1d!\x00" +
		qrCommands("https://kolejka.torun.pl/t/8f3k2m9q7w4x1z6b5n0c/a45?k=7h2d9s", '1', 6) + cutPart)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Render(data, Options{})
	}
}

func BenchmarkPNG(b *testing.B) {
	t := Render([]byte(cp852+zazolc+"\n\x1d!\x33A 45\n"+qrCommands("https://a.pl", '1', 6)+cutPart), Options{})[0]
	for b.Loop() {
		if err := t.WritePNG(&bytes.Buffer{}); err != nil {
			b.Fatal(err)
		}
	}
}
