package web_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/web"
	"github.com/okienko/okienko/protocol"
)

// base strips a plural form, of which the languages have different ones.
func base(key string) string {
	for _, form := range []string{".one", ".few", ".many", ".other"} {
		if trimmed, ok := strings.CutSuffix(key, form); ok {
			return trimmed
		}
	}
	return key
}

func TestLanguagesSayTheSame(t *testing.T) {
	texts, err := web.Texts()
	fatal(t, err)
	hole := regexp.MustCompile(`\{\w+\}`)
	for lang, own := range texts {
		for other, theirs := range texts {
			for key, text := range own {
				form := key
				if base(key) != key {
					form = base(key) + "." + web.Plural(other, 5)
				}
				translation, ok := theirs[form]
				if !ok {
					t.Errorf("%s has %s, %s has no %s", lang, key, other, form)
					continue
				}
				a, b := hole.FindAllString(text, -1), hole.FindAllString(translation, -1)
				slices.Sort(a)
				slices.Sort(b)
				if !slices.Equal(a, b) {
					t.Errorf("%s: %s %v, %s %v", key, lang, a, other, b)
				}
			}
		}
		for _, n := range []int{0, 1, 2, 5, 12, 21, 22, 101, 112} {
			if _, ok := own["people.waiting."+web.Plural(lang, n)]; !ok {
				t.Errorf("%s has no form for %d people", lang, n)
			}
		}
	}
}

func TestPlural(t *testing.T) {
	for _, c := range []struct {
		lang protocol.Language
		n    int
		want string
	}{
		{"pl", 0, "many"},
		{"pl", 1, "one"},
		{"pl", 2, "few"},
		{"pl", 5, "many"},
		{"pl", 12, "many"},
		{"pl", 21, "many"},
		{"pl", 22, "few"},
		{"pl", 112, "many"},
		{"uk", 1, "one"},
		{"uk", 11, "many"},
		{"uk", 21, "one"},
		{"uk", 24, "few"},
		{"uk", 111, "many"},
		{"en", 1, "one"},
		{"en", 0, "other"},
		{"en", 21, "other"},
	} {
		if got := web.Plural(c.lang, c.n); got != c.want {
			t.Errorf("%s %d: %s, want %s", c.lang, c.n, got, c.want)
		}
	}
}

// TestEveryKeyIsThere finds the keys that templates and scripts use, and the error codes.
func TestEveryKeyIsThere(t *testing.T) {
	texts, err := web.Texts()
	fatal(t, err)
	polish := texts[protocol.Polish]
	uses := regexp.MustCompile(`(?:t \$?\.Lang "|text\('|count\('|texts\.text\([\w.]+, "|say\(")([\w.]+)["']`)
	files, err := filepath.Glob("*.go")
	fatal(t, err)
	for _, pattern := range []string{"templates/*.html", "static/*.js"} {
		more, err := filepath.Glob(pattern)
		fatal(t, err)
		files = append(files, more...)
	}
	found := 0
	for _, name := range files {
		source, err := os.ReadFile(name)
		fatal(t, err)
		for _, m := range uses.FindAllStringSubmatch(string(source), -1) {
			found++
			key := m[1]
			_, whole := polish[key]
			_, plural := polish[key+".many"]
			if !whole && !plural && !strings.HasSuffix(key, "_") && !strings.HasSuffix(key, ".") {
				t.Errorf("%s uses %s, which no language has", name, key)
			}
		}
	}
	if found < 80 {
		t.Errorf("only %d uses found", found)
	}
	for _, code := range []queue.Code{
		queue.NoSuchTicket, queue.NoSuchCounter, queue.NoSuchService, queue.NoSuchBooking, queue.WrongState,
		queue.CounterNotOpen, queue.CounterBusy, queue.CounterFree, queue.StaleView, queue.OutsideHours, queue.QuotaReached,
		queue.IssuingIsOff, queue.BookingsOnly, queue.NotYourService, queue.ReasonMissing, queue.NothingToUndo, queue.UndoTooLate,
		queue.ChangedSince, queue.AlreadyLate, queue.TooEarly, queue.BadSettings, queue.BadValue, queue.DayNotOpen, queue.DuplicateTicket,
	} {
		if polish["error."+string(code)] == "" {
			t.Errorf("no sentence for %s", code)
		}
		if status := web.StatusOf(code); status < 400 || status >= 500 {
			t.Errorf("%s is %d, but a refusal is the asker's affair", code, status)
		}
	}
}
