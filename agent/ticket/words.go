package ticket

import (
	"fmt"
	"slices"
)

// Languages lists what a ticket can be printed in; the first is the default.
func Languages() []string { return []string{"pl", "en", "uk"} }

func known(language string) bool { return slices.Contains(Languages(), language) }

// words are the phrases of one language.
type words struct {
	nobody string
	// ahead is the sentence for people waiting before this ticket, by grammatical number.
	ahead        func(n int) string
	about        string // before a time or an interval of times
	date         string // time layout
	copy         string
	reprint      string
	scan, screen string // the hint, with and without a QR code
}

// phrases returns the words of a language, Polish for one that is not known.
func phrases(language string) words {
	switch language {
	case "en":
		return words{
			nobody: "Nobody is ahead of you",
			ahead: func(n int) string {
				return fmt.Sprintf("%d %s ahead of you", n, choose(englishForm(n), "person", "people", "people"))
			},
			about: "Your turn: about ", date: "2 Jan 2006 15:04",
			copy: "COPY", reprint: "REPRINT",
			scan: "Scan to follow the queue", screen: "Please watch the screen",
		}
	case "uk":
		return words{
			nobody: "Перед Вами нікого немає",
			ahead: func(n int) string {
				return fmt.Sprintf("Перед Вами: %d %s", n, choose(ukrainianForm(n), "особа", "особи", "осіб"))
			},
			about: "Ваша черга: прибл. ", date: "02.01.2006 15:04",
			copy: "КОПІЯ", reprint: "ПОВТОРНИЙ ДРУК",
			scan: "Скануйте код, щоб стежити за чергою", screen: "Слідкуйте за екраном",
		}
	}
	return words{
		nobody: "Nikt nie czeka przed Tobą",
		ahead: func(n int) string {
			return fmt.Sprintf("Przed Tobą: %d %s", n, choose(polishForm(n), "osoba", "osoby", "osób"))
		},
		about: "Wezwanie: ok. ", date: "02.01.2006 15:04",
		copy: "KOPIA", reprint: "WYDRUK PONOWNY",
		scan: "Zeskanuj kod i śledź kolejkę", screen: "Prosimy śledzić ekran",
	}
}

// form is a grammatical number of Unicode CLDR's plural rules for whole numbers.
type form uint8

const (
	one form = iota
	few
	many
)

func choose(f form, ofOne, ofFew, ofMany string) string {
	return [...]string{one: ofOne, few: ofFew, many: ofMany}[f]
}

func englishForm(n int) form {
	if n == 1 {
		return one
	}
	return many
}

// polishForm: 1 osoba; 2, 3, 4, 22 osoby; 0, 5 to 21, 112 osób.
func polishForm(n int) form {
	switch {
	case n == 1:
		return one
	case endsInFew(n):
		return few
	}
	return many
}

// ukrainianForm: 1, 21 особа; 2, 3, 4, 22 особи; 0, 5 to 20, 111 осіб.
func ukrainianForm(n int) form {
	switch {
	case n%10 == 1 && n%100 != 11:
		return one
	case endsInFew(n):
		return few
	}
	return many
}

func endsInFew(n int) bool {
	return n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14)
}
