package announce_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/protocol"
)

var update = flag.Bool("update", false, "write the goldens") //nolint:gochecknoglobals // a flag of the test

// TestNumbers compares all numbers from 0 to 999 with the lists in testdata, which agree with those of the
// npm package n2words but for spaces and hyphens.
func TestNumbers(t *testing.T) {
	for _, l := range announce.Languages() {
		var got strings.Builder
		for n := range 1000 {
			fmt.Fprintf(&got, "%d %s\n", n, announce.Number(l, n))
		}
		path := filepath.Join("testdata", "numbers."+string(l)+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil { //nolint:gosec // a golden
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s is not what %s says; -update writes it anew", l, path)
		}
	}
}

// TestGrammar holds the cases of reference/ux.md section 4.
func TestGrammar(t *testing.T) {
	number := func(letter string, n int) protocol.TicketNumber { return protocol.TicketNumber{Letter: letter, N: n} }
	for _, c := range []struct {
		language protocol.Language
		place    announce.Place
		call     announce.Call
		want     string
	}{
		{"pl", announce.Counter, announce.Call{Number: number("A", 45), Counter: 3}, "Numer a czterdzieści pięć, proszę do stanowiska trzy."},
		{"pl", announce.Cash, announce.Call{Number: number("Z", 222), Counter: 2}, "Numer zet dwieście dwadzieścia dwa, proszę do kasy dwa."},
		{"pl", announce.Room, announce.Call{Number: number("W", 7), Counter: 121}, "Numer wu siedem, proszę do pokoju sto dwadzieścia jeden."},
		{"pl", announce.Hall, announce.Call{Number: number("A", 100), Counter: 1}, "Numer a sto, proszę do sali jeden."},
		{"pl", announce.Window, announce.Call{Number: number("A", 12), Counter: 12, Again: true}, "Wezwanie ponowne, numer a dwanaście, proszę do okienka dwanaście."},
		{"pl", announce.Counter, announce.Call{Number: number("A", 1001), Counter: 3}, "Numer a tysiąc jeden, proszę do stanowiska trzy."},
		{"en", announce.Counter, announce.Call{Number: number("A", 45), Counter: 3}, "Ticket ay forty-five, please go to counter three."},
		{"en", announce.Cash, announce.Call{Number: number("W", 999), Counter: 10}, "Ticket double you nine hundred and ninety-nine, please go to cash desk ten."},
		{"en", announce.Counter, announce.Call{Number: number("A", 1001), Counter: 3}, "Ticket ay one thousand and one, please go to counter three."},
		{"uk", announce.Counter, announce.Call{Number: number("A", 45), Counter: 3}, "Номер а сорок п'ять, пройдіть до вікна три."},
		{"uk", announce.Cash, announce.Call{Number: number("C", 590), Counter: 4}, "Номер це п'ятсот дев'яносто, пройдіть до каси чотири."},
		{"de", announce.Counter, announce.Call{Number: number("A", 21), Counter: 3}, "Nummer A einundzwanzig, bitte zu Schalter drei."},
		{"de", announce.Cash, announce.Call{Number: number("J", 676), Counter: 1}, "Nummer Jott sechshundert sechsundsiebzig, bitte zu Kasse eins."},
		{"fr", announce.Cash, announce.Call{Number: number("J", 676), Counter: 1}, ""},
	} {
		if got := announce.Text(c.language, c.place, c.call); got != c.want {
			t.Errorf("%s: %q\nnot %q", c.language, got, c.want)
		}
	}
}

// TestComplete: whatever is called, each recording of its phrase is in the table, and each recording
// of the table has a text, an id of its own and a use.
func TestComplete(t *testing.T) {
	for _, l := range announce.Languages() {
		unused := map[string]bool{announce.Pause: true}
		for _, r := range announce.Recordings(l) {
			if _, twice := unused[r.ID]; twice || r.Text == "" || strings.ContainsAny(r.ID, "/ ") {
				t.Errorf("%s: recording %+v", l, r)
			}
			unused[r.ID] = true
		}
		use := func(place announce.Place, c announce.Call) {
			for _, id := range announce.Phrase(l, place, c) {
				if _, known := unused[id]; !known {
					t.Fatalf("%s: %+v needs %q", l, c, id)
				}
				unused[id] = false
			}
		}
		for n := range 1000 {
			letter := string(rune('A' + n%26))
			place := announce.Places()[n%5]
			use(place, announce.Call{Number: protocol.TicketNumber{Letter: letter, N: n}, Counter: 1, Again: n%2 == 0})
			use(place, announce.Call{Number: protocol.TicketNumber{Letter: letter, N: 1000 + 9*n}, Counter: protocol.CounterID(max(n, 1))})
		}
		for id, never := range unused {
			if never && id != "n0.end" { // a counter is never 0
				t.Errorf("%s: %s is never played", l, id)
			}
		}
	}
}
