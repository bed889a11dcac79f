package emulator

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// fragments are what streams are made of in random tests: whole commands, halves and noise.
func fragments() []string {
	return []string{
		"A 45\n", cp852 + zazolc + "\n", "\t", "\x1b@", "\x1c.", "\x1c&", "\x1ba\x01", "\x1d!\x33", "\x1b!\x38",
		"\x1b$\x20\x00", "\x1b\\\x10\x00", "\x1bd\x02", "\x1bJ\x20", "\x1be\x01", "\x1d!\xff", "\x1bD\x04\x08\x00",
		"\x1c(C\x02\x0002", "\x1dL\x20\x00", "\x1dW\x00\x01", "\x1b{\x01", "\x1bV1",
		raster(4, 3, 0xaa), "\x1dv0\x00\xff\xff\xff\xff", "\x1b*\x21\x02\x00abcdef", graphicsCommand(9, 3),
		"\x1d8L\xff\xff\xff\xff0p0\x01\x011\xff\x00\xff\x00", qrCommands("https://a.pl/1", '1', 3), "\x1d(k\x03\x001C\x10",
		"\x1dk\x04A45\x00", "\x1dk\x49\x05{BA45", "\x1dV\x00", cutPart, "\x1bi", askID, "\x1dr\x01", "\x1dI\x42",
		"\x1da\xff", "\x10\x04\x01", "\x10\x04\x14", "\x10\x05\x02", "\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08",
		"\x1de\x05", "\x1de\x03\x04", "\x1cq\x01\x01\x00\x01\x0012345678", "\x1b&\x03\x41\x41\x01abc", "\x1d*\x01\x01abcdefgh",
		"\x1b", "\x1d", "\x10", "\x1d(", "\x00", "\xff", "\xa5",
	}
}

func drawStream(t *rapid.T) []byte {
	parts := rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom(fragments()),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 4), func(b []byte) string { return string(b) }),
	), 0, 30).Draw(t, "parts")
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString(p)
	}
	return b.Bytes()
}

func drawOptions(t *rapid.T) Options {
	return Options{
		Dots:        rapid.SampledFrom([]int{0, 384, 512, 576}).Draw(t, "dots"),
		KanjiOnInit: rapid.Bool().Draw(t, "kanji"),
		Presenter:   rapid.Bool().Draw(t, "presenter"),
		CutterDots:  rapid.SampledFrom([]int{0, 96}).Draw(t, "cutter"),
		Dialect:     rapid.SampledFrom([]Dialect{DialectEpson, DialectCustom, DialectNone}).Draw(t, "dialect"),
	}
}

// TestFramingNeverDependsOnChunks feeds one printer at once and the other in random pieces: tickets
// and replies must be the same, and the live printer must agree with Render.
func TestFramingNeverDependsOnChunks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data := drawStream(rt)
		opts := drawOptions(rt)
		whole := feed(opts, data, []int{len(data)})
		pieces := feed(opts, data, rapid.SliceOfN(rapid.IntRange(1, 9), 1, 50).Draw(rt, "sizes"))
		if whole != pieces {
			rt.Fatalf("at once\n%s\nin pieces\n%s", whole, pieces)
		}
	})
}

// feed runs bytes through a printer in pieces of the given sizes, again and again, and describes
// what came of it.
func feed(opts Options, data []byte, sizes []int) string {
	p := New(opts)
	c := &conn{out: make(chan reply, 10000)}
	p.conn = c
	for i := 0; len(data) > 0; i++ {
		n := min(max(sizes[i%len(sizes)], 1), len(data))
		for part := data[:n]; len(part) > 0; {
			part = part[p.receive(part):]
		}
		data = data[n:]
	}
	var replies []byte
	for len(c.out) > 0 {
		replies = append(replies, (<-c.out).data...)
	}
	out, err := json.Marshal([]any{p.Tickets(), p.Paper(), replies})
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// TestLiveEqualsOffline: without real-time commands, a printer that never fails makes what Render
// makes.
func TestLiveEqualsOffline(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data := bytes.ReplaceAll(drawStream(rt), []byte{dle}, nil)
		opts := drawOptions(rt)
		opts.Presenter = false // the mechanism's warnings about presenters are not the interpreter's
		p := New(opts)
		p.receive(data)
		live := p.Tickets()
		offline := Render(data, opts)
		if len(offline) < len(live) || len(offline) > len(live)+1 {
			rt.Fatalf("%d tickets live, %d offline", len(live), len(offline))
		}
		for i := range live {
			a, b := mustJSON(rt, live[i]), mustJSON(rt, offline[i])
			if a != b && !p.in.opt.Presenter && !bytes.Contains(data, []byte{gs, 'r'}) &&
				!bytes.Contains(data, []byte{gs, 'I'}) && !bytes.Contains(data, []byte{gs, 'e'}) {
				rt.Fatalf("ticket %d\nlive    %s\noffline %s", i, a, b)
			}
		}
	})
}

func mustJSON(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestNothingIsLostOrDoubled: whatever stops the printer in the middle, as long as the power stays
// on every line comes out exactly once and in order.
func TestNothingIsLostOrDoubled(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		speed := rapid.SampledFrom([]int{0, 50, 250}).Draw(rt, "speed")
		at := rapid.IntRange(1, 30).Draw(rt, "at")
		fault := rapid.SampledFrom([]string{"paper", "cover", "stall", "jam"}).Draw(rt, "fault")
		synctest.Test(t, func(t *testing.T) {
			p := New(Options{Speed: speed, BufferSize: 16})
			h := connect(t, p)
			switch fault {
			case "paper":
				p.PaperOutAfter(at)
			case "cover":
				p.OpenCoverAfter(at)
			case "stall":
				p.StallAfter(at)
			case "jam":
				p.JamNextCut()
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = h.conn.Write([]byte("one\ntwo\nthree\n\x1dV\x00four\n\x1dV\x00"))
			}()
			_ = p.WaitState(t.Context(), func(s State) bool { return s.Offline || s.Stalled || s.Tickets == 2 })
			synctest.Wait()
			if err := p.Fault("none"); err != nil {
				t.Fatal(err)
			}
			if err := p.WaitTickets(t.Context(), 2); err != nil {
				t.Fatal(err)
			}
			<-done
			got, want := "", "[one two three][four]"
			for _, tk := range p.Tickets() {
				got += "["
				for i, l := range tk.Lines {
					if i > 0 {
						got += " "
					}
					got += l
				}
				got += "]"
			}
			if got != want {
				rt.Fatalf("%s after %s at %d, want %s", got, fault, at, want)
			}
		})
	})
}
