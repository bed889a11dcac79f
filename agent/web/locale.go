package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/okienko/okienko/protocol"
)

//go:embed locales/*.json
var localeFiles embed.FS

// pageLanguages are the languages of the pages.
func pageLanguages() []protocol.Language {
	return []protocol.Language{protocol.Polish, protocol.English, protocol.Ukrainian}
}

// catalogue holds every sentence by language and key.
type catalogue map[protocol.Language]map[string]string

func readCatalogue() (catalogue, error) {
	c := catalogue{}
	for _, lang := range pageLanguages() {
		data, err := localeFiles.ReadFile("locales/" + string(lang) + ".json")
		if err != nil {
			return nil, err
		}
		var texts map[string]string
		if err := json.Unmarshal(data, &texts); err != nil {
			return nil, fmt.Errorf("read locale %s: %w", lang, err)
		}
		c[lang] = texts
	}
	return c, nil
}

func (c catalogue) find(lang protocol.Language, key string) (string, bool) {
	text, ok := c[lang][key]
	return text, ok
}

// text gives the sentence with {name} replaced by the pairs' values. A key that is missing is
// shown as it is: a fault that a test finds, not a crash.
func (c catalogue) text(lang protocol.Language, key string, pairs ...string) string {
	text, ok := c.find(lang, key)
	if !ok {
		return key
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// count gives the sentence in the plural form for n; {n} is the number.
func (c catalogue) count(lang protocol.Language, key string, n int) string {
	return c.text(lang, key+"."+pluralForm(lang, n), "n", strconv.Itoa(n))
}

// pluralForm gives the CLDR cardinal category of a whole number; the browser's own
// Intl.PluralRules gives the same ones.
func pluralForm(lang protocol.Language, n int) string {
	if lang == protocol.English {
		if n == 1 {
			return "one"
		}
		return "other"
	}
	ten, hundred := n%10, n%100
	switch {
	case lang == protocol.Polish && n == 1, lang == protocol.Ukrainian && ten == 1 && hundred != 11:
		return "one"
	case ten >= 2 && ten <= 4 && (hundred < 12 || hundred > 14):
		return "few"
	default:
		return "many"
	}
}

// language chooses what people read: ?lang=, then Accept-Language, then the branch's own.
func (s *Server) language(r *http.Request) protocol.Language {
	if asked := protocol.Language(r.URL.Query().Get("lang")); slices.Contains(pageLanguages(), asked) {
		return asked
	}
	best, weight := s.Languages[0], 0.0
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if q := quality(params); q > weight && slices.Contains(pageLanguages(), protocol.Language(base)) {
			best, weight = protocol.Language(base), q
		}
	}
	return best
}

// quality reads the weight of RFC 9110, section 12.4.2; a malformed one counts as not wished.
func quality(params string) float64 {
	text, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
	if !found {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}
