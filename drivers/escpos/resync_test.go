package escpos

import (
	"bytes"
	"slices"
	"testing"

	"github.com/okienko/okienko/drivers/paper"
)

// Whatever prefix of a job reached the printer, Resync's bytes end in commands that the printer
// takes as commands: ESC @ and, if anything is on paper, one cut of the stub.
func TestResyncAfterEveryPrefix(t *testing.T) {
	doc := paper.Document{Elements: []paper.Element{
		paper.Logo{Key: [2]byte{'O', '1'}},
		paper.Text{Value: "Urząd", Align: paper.Center, Bold: true, Reverse: true},
		paper.Text{Value: "A45", Width: 8, Height: 8},
		paper.Image{WidthDots: 20, HeightDots: 30, Bits: bytes.Repeat([]byte{0xF0, 0x1D, 0x10}, 30)},
		paper.Text{Value: "Київ ą", Small: true},
		paper.QR{Value: "https://example.org/t/1", Align: paper.Center, WidthDots: 60},
		paper.Rule{},
		paper.Feed{Lines: 5},
	}}
	for _, name := range append(ProfileNames(), "old-cutter") {
		t.Run(name, func(t *testing.T) {
			e := resyncEncoder(t, name)
			job, err := e.Encode(doc)
			if err != nil {
				t.Fatal(err)
			}
			fence := fromHex(t, "1D28480600303050303031 1D7201")
			job = slices.Concat(job, fence)
			for n := range len(job) + 1 {
				checkResync(t, e, job[:n])
			}
		})
	}
}

func resyncEncoder(t *testing.T, name string) *Encoder {
	t.Helper()
	if name == "old-cutter" {
		return encoderFor(t, "generic-80", func(p *Profile) { p.Cut.Cmd = cutESCI })
	}
	return encoderFor(t, name, nil, [2]byte{'O', '1'})
}

func checkResync(t *testing.T, e *Encoder, sent []byte) {
	t.Helper()
	tail := e.Resync(sent)
	if len(sent) == 0 {
		if tail != nil {
			t.Fatalf("nothing was sent, and yet % X", tail)
		}
		return
	}
	tokens, err := tokenizeAborted(slices.Concat(sent, tail))
	if err != nil {
		t.Fatalf("after %d bytes …% X: %v", len(sent), sent[max(0, len(sent)-12):], err)
	}
	initAt := -1
	var stub, cuts int // printing and cuts before and after the last ESC @
	for i, tok := range tokens {
		switch {
		case tok.is("ESC @"):
			initAt, cuts = i, 0
		case isCutToken(tok):
			stub, cuts = 0, cuts+1
		case tok.is("text", "LF", "ESC d", "ESC J", "GS v 0"):
			if initAt <= 0 || cuts == 0 {
				stub++
			}
		case tok.is("GS ( k"):
			stub += int(bit(tok.args[1] == 0x51))
		case tok.is("GS ( L"):
			stub += int(bit(tok.args[1] == 0x32 || tok.args[1] == 0x45))
		}
	}
	if initAt <= 0 && len(sent) > 2 {
		t.Fatalf("after %d bytes: ESC @ was swallowed: % X", len(sent), tail)
	}
	if e.profile.Cut.Cmd != cutNone && stub > 0 {
		t.Fatalf("after %d bytes: a stub is left in the printer: % X", len(sent), tail)
	}
	if cuts > 1 {
		t.Fatalf("after %d bytes: %d cuts", len(sent), cuts)
	}
}

func isCutToken(tok token) bool {
	return tok.is("cut", "cut part", "cut B", "cut B part", "ESC i", "ESC m")
}

// tokenizeAborted allows what only an aborted job has: a completed command with empty contents.
func tokenizeAborted(b []byte) ([]token, error) {
	var out []token
	for len(b) > 0 {
		if bytes.HasPrefix(b, []byte{0x1d, 0x65, 0}) {
			b = b[3:]
			continue
		}
		tok, n, err := oneToken(b)
		if err != nil {
			return nil, err
		}
		if len(tok.args) < 2 && tok.is("GS ( k", "GS ( L") {
			tok.args = []byte{0, 0}
		}
		out = append(out, tok)
		b = b[n:]
	}
	return out, nil
}

// A ticket that was cut but not presented is presented; it is not cut again.
func TestResyncPresentsACutTicket(t *testing.T) {
	e := encoderFor(t, "custom-vkp80iii", nil)
	body, cut, err := e.EncodeParts(paper.Document{Elements: []paper.Element{paper.Text{Value: "A45"}}})
	if err != nil {
		t.Fatal(err)
	}
	got := e.Resync(slices.Concat(body, cut[:3]))
	if want := fromHex(t, "1B40 1D6505"); !bytes.Equal(got, want) {
		t.Errorf("got % X, want % X", got, want)
	}
}

// The declared rest of a picture is filled with white before anything else is said.
func TestResyncFinishesAPicture(t *testing.T) {
	e := encoderFor(t, "generic-80", nil)
	out := encode(t, e, paper.Image{WidthDots: 64, HeightDots: 100, Bits: bytes.Repeat([]byte{0xAA}, 800)})
	start := bytes.Index(out, []byte{0x1d, 'v', '0'})
	got := e.Resync(out[:start+8+300])
	want := append(make([]byte, 500), fromHex(t, "1B40 1C2E 1B6404 1D5600")...)
	if !bytes.Equal(got, want) {
		t.Errorf("got %d bytes ending % X", len(got), got[max(0, len(got)-16):])
	}
}
