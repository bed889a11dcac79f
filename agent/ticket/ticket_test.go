package ticket

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for machines without zone files

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"pgregory.net/rapid"

	"github.com/okienko/okienko/drivers/paper"
)

//nolint:gochecknoglobals // a test flag must be registered before TestMain parses
var update = flag.Bool("update", false, "write the goldens in testdata anew")

// sample is the example of design/5-interfaces.md.
const sample = `{"number":"A45","service":"Dowody osobiste","ahead":12,
"url":"https://kolejka.example.pl/t/8f3k2m9q7w4x1z6b5n0c","branch":"Urząd Miasta Torunia",
"time":"2026-11-23T10:15:00+01:00","wait":{"low":600,"high":1500},"language":"pl","mark":""}`

func parse(t testing.TB, s string) Data {
	t.Helper()
	d, err := ParseData([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLayoutGoldens(t *testing.T) {
	base := parse(t, sample)
	tests := []struct {
		name    string
		change  func(*Data)
		options Options
	}{
		{"pl", func(*Data) {}, Options{}},
		{"en", func(d *Data) { d.Language, d.Service = "en", "Identity cards" }, Options{}},
		{"uk", func(d *Data) { d.Language, d.Service = "uk", "Посвідчення особи" }, Options{}},
		{"copy", func(d *Data) { d.Mark = MarkCopy }, Options{}},
		{"reprint", func(d *Data) { d.Mark = MarkReprint }, Options{}},
		{"bare", func(d *Data) { d.URL, d.Wait, d.Service, d.Branch, d.Ahead = "", nil, "", "", 0 }, Options{}},
		{"large", func(d *Data) { d.Service = "Rejestracja pojazdów i prawa jazdy" }, Options{Large: true}},
		{"logo-and-hint", func(*Data) {}, Options{Logo: paper.Logo{Key: [2]byte{'O', '1'}}, Hint: "Sala 12, parter"}},
		{"no-hint", func(*Data) {}, Options{Hint: " "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := base
			tt.change(&d)
			got := Layout(d, tt.options).Text()
			file := filepath.Join("testdata", tt.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("ticket changed; if that is right, run go test -update (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPeopleAhead(t *testing.T) {
	tests := map[string]map[int]string{
		"pl": {
			0: "Nikt nie czeka przed Tobą", 1: "Przed Tobą: 1 osoba", 2: "Przed Tobą: 2 osoby", 4: "Przed Tobą: 4 osoby",
			5: "Przed Tobą: 5 osób", 12: "Przed Tobą: 12 osób", 14: "Przed Tobą: 14 osób", 21: "Przed Tobą: 21 osób",
			22: "Przed Tobą: 22 osoby", 101: "Przed Tobą: 101 osób", 112: "Przed Tobą: 112 osób",
		},
		"en": {
			0: "Nobody is ahead of you", 1: "1 person ahead of you", 2: "2 people ahead of you",
			21: "21 people ahead of you",
		},
		"uk": {
			0: "Перед Вами нікого немає", 1: "Перед Вами: 1 особа", 2: "Перед Вами: 2 особи", 5: "Перед Вами: 5 осіб",
			11: "Перед Вами: 11 осіб", 12: "Перед Вами: 12 осіб", 21: "Перед Вами: 21 особа", 22: "Перед Вами: 22 особи",
			111: "Перед Вами: 111 осіб",
		},
	}
	for lang, cases := range tests {
		for n, want := range cases {
			if got := aheadLine(n, phrases(lang)); got != want {
				t.Errorf("%s %d: %q, want %q", lang, n, got, want)
			}
		}
	}
}

// The grammatical numbers are those of Unicode CLDR, as x/text has them.
func TestFormsAgreeWithCLDR(t *testing.T) {
	rules := map[language.Tag]func(int) form{
		language.Polish: polishForm, language.Ukrainian: ukrainianForm, language.English: englishForm,
	}
	names := map[plural.Form]form{plural.One: one, plural.Few: few, plural.Many: many, plural.Other: many}
	for tag, rule := range rules {
		for n := range 2000 {
			if want := names[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]; rule(n) != want {
				t.Fatalf("%s %d: form %d, CLDR %d", tag, n, rule(n), want)
			}
		}
	}
}

func TestInterval(t *testing.T) {
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	odd := time.FixedZone("odd", 5*3600+45*60) // Nepal
	at := func(h, m, s int) time.Time { return time.Date(2026, 11, 23, h, m, s, 0, warsaw) }
	tests := []struct {
		name   string
		issued time.Time
		wait   Wait
		want   string
	}{
		{"documented", at(10, 15, 0), Wait{600, 1500}, "10:25–10:40"},
		{"outwards", at(10, 16, 30), Wait{600, 1500}, "10:25–10:45"},
		{"now", at(10, 16, 0), Wait{0, 60}, "10:15–10:20"},
		{"point", at(10, 15, 0), Wait{600, 600}, "10:25"},
		{"just-past-a-step", at(10, 15, 1), Wait{600, 600}, "10:25–10:30"},
		{"an-hour", at(10, 15, 0), Wait{2400, 3600}, "10:55–11:15"},
		{"beyond-an-hour", at(10, 15, 0), Wait{2400, 3601}, "10:50–11:20"},
		{"over-midnight", at(23, 50, 0), Wait{300, 900}, "23:55–00:05"},
		{"odd-zone", time.Date(2026, 11, 23, 10, 15, 0, 0, odd), Wait{3700, 4300}, "11:10–11:30"},
		{"clock-goes-back", time.Date(2026, 10, 25, 0, 55, 0, 0, time.UTC).In(warsaw), Wait{600, 1200}, "02:05–02:15"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := interval(tt.issued, tt.wait); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// The interval never promises less than the estimate and never exaggerates by a whole step.
func TestIntervalRoundsOutwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		issued := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "issued"), 0).UTC()
		low := rapid.IntRange(0, 8000).Draw(t, "low")
		w := Wait{Low: low, High: low + rapid.IntRange(0, 8000).Draw(t, "more")}
		from, to, ok := strings.Cut(interval(issued, w), "–")
		if !ok {
			to = from
		}
		step := 5 * time.Minute
		if w.High > 3600 {
			step = 10 * time.Minute
		}
		check := func(name, clock string, exact time.Time, sign int) {
			shown, err := time.Parse("15:04", clock)
			if err != nil {
				t.Fatal(err)
			}
			seconds := func(t time.Time) int { return t.Hour()*3600 + t.Minute()*60 + t.Second() }
			const day = 24 * 60 * 60
			off := time.Duration((sign*(seconds(shown)-seconds(exact))+day)%day) * time.Second
			if off >= step || shown.Minute()%int(step.Minutes()) != 0 {
				t.Fatalf("%s: %s for %s", name, clock, exact)
			}
		}
		check("low", from, issued.Add(time.Duration(w.Low)*time.Second), -1)
		check("high", to, issued.Add(time.Duration(w.High)*time.Second), 1)
	})
}

func TestParseData(t *testing.T) {
	d := parse(t, sample)
	if d.Number != "A45" || d.Ahead != 12 || *d.Wait != (Wait{600, 1500}) || d.Time.Format("15:04") != "10:15" {
		t.Errorf("parsed %+v", d)
	}
	d = parse(t, `{"number":"A1","ahead":0,"time":"2026-11-23T10:15:00+01:00","wait":null}`)
	if d.Language != "pl" || d.Wait != nil {
		t.Errorf("defaults: %+v", d)
	}
}

func TestParseDataRefuses(t *testing.T) {
	tests := []struct{ name, old, change, want string }{
		{"unknown-key", `"mark"`, `"colour"`, "colour"},
		{"no-number", `"A45"`, `""`, "number"},
		{"long-number", `"A45"`, `"A4512345678901234"`, "number"},
		{"no-ahead", `"ahead":12,`, ``, "ahead and time are needed"},
		{"negative-ahead", `:12`, `:-1`, "ahead is -1"},
		{"fraction", `:12`, `:1.5`, "ahead"},
		{"no-time", `"time":"2026-11-23T10:15:00+01:00",`, ``, "ahead and time are needed"},
		{"bad-time", `2026-11-23T10:15:00+01:00`, `10:15`, "parsing time"},
		{"script-url", `https:`, `javascript:`, "url"},
		{"control-in-url", `8f3k`, `8f\u001b3k`, "url"},
		{"space-in-url", `8f3k`, `8f 3k`, "url"},
		{"wait-falls", `"low":600`, `"low":6000`, "wait is 6000 to 1500"},
		{"language", `"pl"`, `"de"`, `language is "de"`},
		{"mark", `"mark":""`, `"mark":"void"`, `mark is "void"`},
		{"after", `"mark":""}`, `"mark":""} {}`, "follows"},
		{"not-json", `{"number"`, `number`, "invalid"},
		{"not-utf8", `Dowody`, "Dow\xffdy", "UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(sample, tt.old, tt.change, 1)
			if text == sample {
				t.Fatal("the sample was not changed")
			}
			_, err := ParseData([]byte(text))
			if !errors.Is(err, ErrData) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// FuzzParseData: whatever is accepted can be laid out, and reads the same when written again.
func FuzzParseData(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"number":"A1","ahead":0,"time":"2026-11-23T10:15:00Z"}`))
	f.Add([]byte(`{"number":"\u001b@","ahead":1,"time":"0001-01-01T00:00:00Z","mark":"copy"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseData(data)
		if err != nil {
			return
		}
		doc := Layout(d, Options{Large: len(data)%2 == 0})
		if err := doc.Validate(); err != nil {
			t.Fatalf("%+v: %v", d, err)
		}
		again, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		twin, err := ParseData(again)
		if err != nil || !cmp.Equal(d, twin) {
			t.Fatalf("%s\nread again: %v %s", again, err, cmp.Diff(d, twin))
		}
	})
}
