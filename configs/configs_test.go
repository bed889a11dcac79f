package configs_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/okienko/okienko/configs"
)

type inner struct {
	Width int    `yaml:"width" doc:"in dots"`
	Kind  string `yaml:"kind" enum:"full,partial"`
}

type word string

func (w *word) UnmarshalText(text []byte) error {
	if string(text) == "bad" {
		return errors.New("a bad word") //nolint:err113 // the text is the test
	}
	*w = word(strings.ToUpper(string(text)))
	return nil
}

type document struct {
	Name    string            `yaml:"name"`
	Count   int8              `yaml:"count"`
	Size    uint16            `yaml:"size"`
	Share   float64           `yaml:"share"`
	On      bool              `yaml:"on"`
	Wait    time.Duration     `yaml:"wait"`
	List    []inner           `yaml:"list"`
	Pages   map[string]int    `yaml:"pages"`
	ByDay   map[int]string    `yaml:"by_day"`
	Pointer *inner            `yaml:"pointer"`
	Word    word              `yaml:"word"`
	Words   map[word][]string `yaml:"words"`
	JSON    string            `json:"from_json,omitempty"`
	Hidden  string            `yaml:"-"`
	private string
}

func TestDecode(t *testing.T) {
	text := `
name: "Zażółć"
count: -3
size: 65535
share: 0.5
on: true
wait: 1m30s
list:
  - width: 512
    kind: full
  - {width: 384}
pages: {cp852: 18, cp1250: 72}
by_day: {1: mon}
pointer: {width: 1}
word: yes
words: {a: [x, y]}
from_json: |
  two
  lines
`
	got := document{Hidden: "kept", private: "kept", Pages: map[string]int{"gone": 1}}
	if err := configs.Decode("a.yaml", []byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := document{
		Name: "Zażółć", Count: -3, Size: 65535, Share: 0.5, On: true, Wait: 90 * time.Second,
		List:  []inner{{Width: 512, Kind: "full"}, {Width: 384}},
		Pages: map[string]int{"cp852": 18, "cp1250": 72}, ByDay: map[int]string{1: "mon"},
		Pointer: &inner{Width: 1}, Word: "YES", Words: map[word][]string{"A": {"x", "y"}},
		JSON: "two\nlines\n", Hidden: "kept", private: "kept",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(document{})); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeKeepsWhatIsNotMentioned(t *testing.T) {
	got := document{Name: "default", Count: 7, Pointer: &inner{Width: 3}}
	for _, text := range []string{"", "# only a comment\n", "---\n", "null\n", "count: 8\n", "\ufeffcount: 8\r\n"} {
		if err := configs.Decode("a.yaml", []byte(text), &got); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got.Name != "default" || got.Count != 8 || got.Pointer.Width != 3 {
		t.Errorf("%+v", got)
	}
}

// Each fault shows where it is: this is what a person sees, so the whole text is compared.
func TestFaultsAreTold(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown", "nmae: x\n", "a.yaml:1:1: unknown key \"nmae\"\n    nmae: x\n    ^\n    hint: did you mean \"name\"?"},
		{"home", "width: 3\n", "a.yaml:1:1: unknown key \"width\"\n    width: 3\n    ^\n    hint: \"width\" belongs to \"list\": check the indentation"},
		{"after-polish-letters", "pages: {żółć: x}\n", "a.yaml:1:15: pages.żółć must be a whole number\n    pages: {żółć: x}\n                  ^\n    hint: write digits only, without a unit, without zeros in front"},
		{"overflow", "count: 200\n", "a.yaml:1:8: count must be a whole number\n    count: 200\n           ^\n    hint: write digits only, without a unit, without zeros in front"},
		{"text", "word: bad\n", "a.yaml:1:7: word: a bad word\n    word: bad\n          ^"},
		{"list-entry", "list:\n  -\n", "a.yaml:2:4: list[0] is empty\n      -\n       ^\n    hint: remove the dash or write a value"},
		{"group", "pointer: 3\n", "a.yaml:1:10: pointer must be a group of keys\n    pointer: 3\n             ^\n    hint: write the keys below it, each indented by two spaces: width, kind"},
		{"map-group", "pages: 3\n", "a.yaml:1:8: pages must be a group of keys with values\n    pages: 3\n           ^\n    hint: write each as key: value, on a line of its own below, indented by two spaces"},
		{"scalar", "name: [a]\n", "a.yaml:1:7: name must be one value, not a list or a group of keys\n    name: [a]\n          ^"},
		{"not-utf8", "name: a\xffb\n", "a.yaml:1:8: these letters are not UTF-8\n    name: a b\n           ^\n    hint: save the file with the encoding UTF-8"},
		{"two-of-them", "nmae: x\non: yes\n", "a.yaml:1:1: unknown key \"nmae\"\n    nmae: x\n    ^\n    hint: did you mean \"name\"?\na.yaml:2:5: on must be true or false\n    on: yes\n        ^\n    hint: write true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := configs.Decode("a.yaml", []byte(tt.text), &document{})
			if err == nil {
				t.Fatal("taken without a word")
			}
			got := strings.ReplaceAll(err.Error(), "\uFFFD", " ")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHostileDocuments(t *testing.T) {
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for name, text := range map[string]string{
		"too-large":  "name: " + strings.Repeat("x", 300<<10),
		"deep":       "list: " + deep,
		"laughs":     "name: &a [x, x]\nlist: [*a, *a]",
		"merge":      "<<: {name: x}",
		"tag":        "count: !!binary x",
		"key-list":   "[a]: 3",
		"infinity":   "share: .inf",
		"nan":        "share: .nan",
		"octal":      "count: 0o7",
		"underscore": "size: 1_000",
		"nul":        "name: \"a\x00b\ncount: x",
	} {
		t.Run(name, func(t *testing.T) {
			var d document
			err := configs.Decode("a.yaml", []byte(text), &d)
			if faults, ok := errors.AsType[configs.Faults](err); !ok || len(faults) == 0 {
				t.Errorf("taken as %+v, error %v", d, err)
			}
		})
	}
}

func TestLongLinesAreCut(t *testing.T) {
	text := "name: " + strings.Repeat("ż", 400) + "\npages: {" + strings.Repeat("a: 1, ", 100) + "b: x}\n"
	err := configs.Decode("a.yaml", []byte(text), &document{})
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if len([]rune(line)) > 140 {
			t.Fatalf("a line of %d letters: %q", len([]rune(line)), line)
		}
	}
}

func TestFaultAt(t *testing.T) {
	doc, err := configs.Parse("a.yaml", []byte("list:\n  - width: 1\n  - kind: full\n    width: 2\nname: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][2]int{
		"list[1].width": {4, 12}, "list[1].kind": {3, 11}, "list": {1, 1}, "name": {5, 7},
		"list[0].kind": {2, 5}, "list[7].kind": {1, 1}, "nothing.here": {1, 1}, "": {1, 1},
	} {
		f := doc.FaultAt(path, "m", "h")
		if got := [2]int{f.Line, f.Column}; got != want {
			t.Errorf("%q is at %v, want %v", path, got, want)
		}
	}
	if text, ok := doc.Lookup("list[1].kind"); !ok || text != "full" {
		t.Errorf("Lookup gave %q, %v", text, ok)
	}
	if _, ok := doc.Lookup("list[9].kind"); ok {
		t.Error("Lookup found what is not there")
	}
}

func TestSchema(t *testing.T) {
	raw, err := configs.Schema("test", document{Count: 3, Wait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	properties, _ := got["properties"].(map[string]any)
	if len(properties) != 13 {
		t.Errorf("%d properties in %s", len(properties), raw)
	}
	want := map[string]any{"type": "integer", "default": 3.0}
	if diff := cmp.Diff(want, properties["count"]); diff != "" {
		t.Errorf("count: %s", diff)
	}
	want = map[string]any{"type": "string", "default": "1m0s"}
	if diff := cmp.Diff(want, properties["wait"]); diff != "" {
		t.Errorf("wait: %s", diff)
	}
	if _, there := properties["-"]; there || properties["from_json"] == nil {
		t.Error("the keys are not those of Decode")
	}
	if !strings.Contains(string(raw), `"enum": [`) || !strings.Contains(string(raw), `"description": "in dots"`) {
		t.Errorf("tags are missing in %s", raw)
	}
}
