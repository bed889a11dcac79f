package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPageSpeaksThreeLanguages: every text exists in each of them, with the same blanks to fill in.
func TestPageSpeaksThreeLanguages(t *testing.T) {
	data, err := webFiles.ReadFile("web/js/i18n.js")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]map[string][]string{}
	language := ""
	for line := range strings.SplitSeq(string(data), "\n") {
		if m := regexp.MustCompile(`^  (\w\w): \{$`).FindStringSubmatch(line); m != nil {
			language = m[1]
			texts[language] = map[string][]string{}
		}
		for _, m := range regexp.MustCompile(`'([\w.-]+)': '([^']*)'`).FindAllStringSubmatch(line, -1) {
			blanks := regexp.MustCompile(`\{\w+\}`).FindAllString(m[2], -1)
			slices.Sort(blanks)
			texts[language][m[1]] = blanks
		}
	}
	if got := slices.Sorted(maps.Keys(texts)); !slices.Equal(got, []string{"en", "pl", "uk"}) {
		t.Fatalf("languages: %v", got)
	}
	for _, other := range []string{"pl", "uk"} {
		if diff := cmp.Diff(texts["en"], texts[other]); diff != "" {
			t.Errorf("en and %s differ (-en +%s):\n%s", other, other, diff)
		}
	}
}
