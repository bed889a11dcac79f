//go:build slow

package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// foreignTicket is what foreign/tickets.mjs lays out with each encoder.
type foreignTicket struct {
	Title  string   `json:"title"`
	Lines  []string `json:"lines"`
	Number string   `json:"number"`
	URL    string   `json:"url"`
}

// TestForeignEncoders sends tickets of three encoders by other authors through the emulator. The
// interpreter must give their text and QR exactly; from the picture, zbarimg must read the QR and
// tesseract the Polish lines.
func TestForeignEncoders(t *testing.T) {
	ticket := foreignTicket{
		Title: "URZĄD MIASTA TORUNIA",
		Lines: []string{
			"Wydział Spraw Administracyjnych", "Twój numer:", "Liczba osób oczekujących: 12",
			"Proszę śledzić wyświetlacz, 23.11.2026 10:15", zazolcPL,
		},
		Number: "A 45",
		URL:    "https://kolejka.torun.pl/t/8f3k2m9q7w4x1z6b5n0c/a45?k=7h2d9s",
	}
	wantLines := append(append([]string{ticket.Title}, ticket.Lines...), ticket.Number)
	for _, c := range []struct {
		encoder string
		images  int // receiptline draws the QR itself
		cut     Cut
	}{
		{"receipt-printer-encoder", 1, CutPartial},
		{"receiptline", 2, CutPartial},
		{"node-thermal-printer", 1, CutFull},
	} {
		t.Run(c.encoder, func(t *testing.T) {
			all := Render(encodeForeign(t, c.encoder, ticket), Options{})
			if len(all) != 1 {
				t.Fatalf("%d tickets", len(all))
			}
			got := all[0]
			if d := cmp.Diff(wantLines, got.Lines); d != "" {
				t.Errorf("lines (-want +got):\n%s", d)
			}
			if d := cmp.Diff([]string{ticket.URL}, got.QR); d != "" {
				t.Errorf("QR (-want +got):\n%s", d)
			}
			if got.Images != c.images || got.Cut != c.cut || len(got.Warnings) != 0 {
				t.Errorf("%d images, cut %s, warnings %q", got.Images, got.Cut, got.Warnings)
			}
			picture := writePNG(t, got)
			read := strings.TrimSpace(run(t, "zbarimg", "--nodbus", "-q", "--raw", picture))
			if read != ticket.URL {
				t.Errorf("zbarimg read %q", read)
			}
			seen := run(t, "tesseract", picture, "-", "-l", "pol", "--psm", "4")
			for _, line := range wantLines[:len(wantLines)-1] {
				if share := bestMatch(line, seen); share < 0.9 {
					t.Errorf("tesseract saw %.0f %% of %q in\n%s", 100*share, line, seen)
				}
			}
		})
	}
}

// encodeForeign runs one of the npm encoders. They are installed with `npm ci` in foreign/, which
// `make test` does.
func encodeForeign(t *testing.T, encoder string, ticket foreignTicket) []byte {
	t.Helper()
	if _, err := os.Stat(filepath.Join("foreign", "node_modules")); err != nil {
		t.Fatalf("foreign encoders are not installed: run `npm ci` in drivers/emulator/foreign (%v)", err)
	}
	in, err := json.Marshal(ticket)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "tickets.mjs", encoder)
	cmd.Dir = "foreign"
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node tickets.mjs %s (Node.js 20 or newer is needed): %v\n%s", encoder, err, stderrOf(err))
	}
	return out
}

func writePNG(t *testing.T, tk Ticket) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ticket.png")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := tk.WritePNG(f); err != nil {
		t.Fatal(err)
	}
	return name
}

// run returns what a reader program prints; without it the test fails and says what to install.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is missing: apt-get install zbar-tools tesseract-ocr tesseract-ocr-pol", name)
	}
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderrOf(err))
	}
	return string(out)
}

func stderrOf(err error) string {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(e.Stderr)
	}
	return ""
}

// bestMatch is the share of a line's letters and digits that the most similar line of text has,
// without regard to case.
func bestMatch(line, text string) float64 {
	want := letters(line)
	best := 0.0
	for l := range strings.Lines(text) {
		share := 1 - float64(distance(want, letters(l)))/float64(len(want))
		best = max(best, share)
	}
	return best
}

func letters(s string) []rune {
	var out []rune
	for _, r := range strings.ToLower(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, r)
		}
	}
	return out
}

// distance is Levenshtein's.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := 1
			if x == y {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
