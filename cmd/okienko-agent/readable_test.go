//go:build slow

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okienko/okienko/drivers/escpos"
)

// TestTicketsAreReadable lets independent programs read the picture of a ticket of every profile:
// zbarimg the code, tesseract the Polish lines.
func TestTicketsAreReadable(t *testing.T) {
	data := write(t, "ticket.json", sampleTicket)
	for _, name := range escpos.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			picture := filepath.Join(t.TempDir(), "ticket.png")
			_, stream, errs := call(t, "", "ticket", "--profile", name, "--data", data)
			if code, _, errs2 := call(t, stream, "paper", "--profile", name, "--png", picture, "-"); code != exitDone {
				t.Fatalf("%s %s", errs, errs2)
			}
			code, err := exec.CommandContext(t.Context(), "zbarimg", "--nodbus", "-q", "--raw", picture).Output()
			if err != nil || strings.TrimSpace(string(code)) != "https://kolejka.torun.pl/t/OkJpcRtnYSdLPJ6yGEtflw" {
				t.Errorf("zbarimg reads %q, %v", code, err)
			}
			text, err := exec.CommandContext(t.Context(), "tesseract", picture, "-", "-l", "pol", "--psm", "4").Output()
			if err != nil {
				t.Fatalf("tesseract: %v", err)
			}
			for _, want := range []string{"Zażółć gęślą jaźń", "A45", "Przed Tobą: 12 osób"} {
				if best := nearest(string(text), want); best > len([]rune(want))/10 {
					t.Errorf("tesseract reads %q; nothing in it is within %d letters of %q", text, len([]rune(want))/10, want)
				}
			}
		})
	}
}

// nearest is the smallest edit distance between want and a line of text, in letters and without
// regard to capitals, which tesseract confuses where they differ only in size.
func nearest(text, want string) int {
	best := len([]rune(want))
	for line := range strings.Lines(text) {
		a, b := []rune(strings.ToLower(strings.TrimSpace(line))), []rune(strings.ToLower(want))
		best = min(best, distance(a, b))
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
