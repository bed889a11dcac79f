// Package announce turns a call into what is said: the recordings to play one after the other, and
// the same as text.
//
// It is pure. A Phrase is made of few recordings, so that a voice needs some 300 of them in each
// language: whole numbers below 100, hundreds and thousands, letters by their names, and the
// sentence around them. Numbers are read as labels: never declined, without leading zeros
// (reference/ux.md section 4). Each number is there in two takes, one that goes on and one that
// ends the sentence.
package announce

import (
	"slices"
	"strconv"
	"strings"

	"github.com/okienko/okienko/protocol"
)

// Place is what the counters of a branch are called.
type Place string

// The places.
const (
	Counter Place = "stanowisko"
	Window  Place = "okienko"
	Room    Place = "pokoj"
	Hall    Place = "sala"
	Cash    Place = "kasa"
)

// Places lists them.
func Places() []Place { return []Place{Counter, Window, Room, Hall, Cash} }

// Call is one call of a ticket.
type Call struct {
	Number  protocol.TicketNumber
	Counter protocol.CounterID
	// Again is set when the number was called before.
	Again bool
}

// Recording is one recording of a voice.
type Recording struct {
	// ID names it inside of its language: letters, digits, points and hyphens.
	ID string
	// Text is what is read.
	Text string
	// Final recordings end a sentence: the voice falls.
	Final bool
}

// Sounds that are made, not read.
const (
	// Gong sounds before a sentence. The reader of calls plays it, Phrase does not hold it.
	Gong = "gong"
	// Pause is a quarter of a second of silence, between the ticket and the place.
	Pause = "pause"
)

// Languages lists the languages that calls are announced in.
func Languages() []protocol.Language {
	return []protocol.Language{protocol.Polish, protocol.English, protocol.Ukrainian, protocol.German}
}

// Phrase lists the ids of the recordings that announce a call, without the gong; nil for a language
// that is not announced. The number of the ticket is 0 to 9999, that of the counter 1 to 999.
func Phrase(l protocol.Language, p Place, c Call) []string {
	w, ok := words(l)
	if !ok {
		return nil
	}
	var ids []string
	if c.Again {
		ids = append(ids, "again")
	}
	ids = append(ids, "ticket")
	if c.Number.Letter != "" {
		ids = append(ids, "letter-"+c.Number.Letter)
	}
	ids = append(ids, w.number(c.Number.N, false)...)
	ids = append(ids, Pause, "to-"+string(p))
	return append(ids, w.number(int(c.Counter), true)...)
}

// Label lists the ids of the recordings that tell what a button of the panel is for: its number, from
// 1 to 999, and the name of the service, which LabelID names. It is nil for a language that is not
// announced.
func Label(l protocol.Language, button int, service protocol.ServiceID) []string {
	w, ok := words(l)
	if !ok {
		return nil
	}
	return append(w.number(button, true), Pause, LabelID(service), Pause)
}

// LabelID is the id of the recording of a service's name, which only packs made with the branch's
// configuration hold.
func LabelID(service protocol.ServiceID) string { return "service-" + string(service) }

// Text is a call as a sentence, for people and logs.
func Text(l protocol.Language, p Place, c Call) string {
	known := map[string]string{}
	for _, r := range Recordings(l) {
		known[r.ID] = r.Text
	}
	var parts []string
	for _, id := range Phrase(l, p, c) {
		if id == Pause {
			parts[len(parts)-1] += ","
			continue
		}
		parts = append(parts, known[id])
	}
	text := strings.Join(parts, " ")
	if text == "" {
		return ""
	}
	return upperFirst(text) + "."
}

func upperFirst(s string) string {
	for i := range s {
		if i > 0 {
			return strings.ToUpper(s[:i]) + s[i:]
		}
	}
	return strings.ToUpper(s)
}

// Recordings lists all recordings of a language, in the order of a pack; nil for one that is not
// announced.
func Recordings(l protocol.Language) []Recording {
	w, ok := words(l)
	if !ok {
		return nil
	}
	list := []Recording{{ID: "ticket", Text: w.ticket}, {ID: "again", Text: w.again}}
	for _, p := range Places() {
		list = append(list, Recording{ID: "to-" + string(p), Text: w.please + " " + w.places[p]})
	}
	for i, name := range strings.Fields(w.letters) {
		list = append(list, Recording{ID: "letter-" + string(rune('A'+i)), Text: strings.ReplaceAll(name, "_", " ")})
	}
	both := func(id, text string) {
		list = append(list, Recording{ID: id, Text: text}, Recording{ID: id + ".end", Text: text, Final: true})
	}
	for n := range 100 {
		both(w.small(n), w.below100(n))
	}
	for n := 1; n < 10; n++ {
		both("hundred-"+strconv.Itoa(n), w.hundreds[n])
		list = append(list, Recording{ID: "thousand-" + strconv.Itoa(n), Text: w.thousands[n]}) // no counter has it
	}
	if w.and != "" {
		list = append(list, Recording{ID: "and", Text: w.and})
	}
	return list
}

// number lists the recordings of a number; last says that it ends the sentence.
func (w vocabulary) number(n int, last bool) []string {
	var ids []string
	if n >= 1000 {
		ids = append(ids, "thousand-"+strconv.Itoa(n/1000%10))
		n %= 1000
		if n > 0 && n < 100 && w.and != "" {
			ids = append(ids, "and")
		}
	}
	if n >= 100 {
		ids = append(ids, "hundred-"+strconv.Itoa(n/100))
		n %= 100
		if n > 0 && w.and != "" {
			ids = append(ids, "and")
		}
	}
	if n > 0 || len(ids) == 0 {
		ids = append(ids, w.small(n))
	}
	if last {
		ids[len(ids)-1] += ".end"
	}
	return ids
}

func (vocabulary) small(n int) string { return "n" + strconv.Itoa(n) }

// Number is a number as it is read.
func Number(l protocol.Language, n int) string {
	w, ok := words(l)
	if !ok {
		return ""
	}
	known := Recordings(l)
	var parts []string
	for _, id := range w.number(n, false) {
		at := slices.IndexFunc(known, func(r Recording) bool { return r.ID == id })
		parts = append(parts, known[at].Text)
	}
	return strings.Join(parts, " ")
}
