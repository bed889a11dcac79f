package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/configs"
)

// edit changes the shipped sample as an office would, at one place.
type edit struct {
	name     string
	from, to string // the first occurrence of from becomes to
	line     string // the text of the line that the fault must point at
	message  string // part of the message
	hint     string // part of the hint
}

func mistakes() []edit {
	return []edit{
		{"misspelt-key", "listen:", "lissten:", "lissten: 127", `unknown key "lissten"`, `did you mean "listen"`},
		{"hyphen-for-underscore", "data_dir:", "data-dir:", "data-dir:", "unknown key", `did you mean "data_dir"`},
		{"capital-key", "hours:\n  mon", "Hours:\n  mon", "Hours:", `unknown key "Hours"`, `did you mean "hours"`},
		{"key-of-another-group", "log_level: info", "zone: Europe/Warsaw", "zone: Europe", `unknown key "zone"`, `belongs to "branch"`},
		{"invented-key", "log_level: info", "colour: red", "colour: red", `unknown key "colour"`, "the keys known here are version"},
		{"duplicate-key", "log_level: info", "listen: 127.0.0.1:8071", "listen: 127.0.0.1:8071", "a second time", "the first is on line"},
		{"tab", "  mon: [", "\tmon: [", "\tmon: [", "indented with a tab", "spaces"},
		{"lost-indentation", "  id: oddzial-1", "id: oddzial-1", "  name: Urząd", "this is not YAML", "check the indentation"},
		{"nothing-below", "listen: 127.0.0.1:8070", "listen:", "listen:", `"listen" has no value`, "indent"},
		{"yes-for-true", "open_pages: false", "open_pages: yes", "open_pages: yes", "true or false", "write true"},
		{"tak-for-true", "call_after_finish: false", "call_after_finish: tak", "call_after", "true or false", "write true"},
		{"number-with-unit", "recall_seconds: 120", "recall_seconds: 120s", "recall_seconds", "whole number", "without a unit"},
		{"quoted-number", "max_calls: 3", `max_calls: "3"`, "max_calls", "whole number", "without quotes"},
		{"comma-for-point", "stop_issuing_below: 0.8", "stop_issuing_below: 0,8", "stop_issuing_below", "number", "a point"},
		{"leading-zero", "max_calls: 3", "max_calls: 03", "max_calls", "whole number", "zeros"},
		{"percent", "stop_issuing_below: 0.8", "stop_issuing_below: 80", "stop_issuing_below", "not a probability", "80 % is 0.80"},
		{"thresholds-crossed", "issue_again_above: 0.9", "issue_again_above: 0.5", "issue_again_above", "stopped and issued again", "not be below"},
		{"no-calls", "max_calls: 3", "max_calls: 0", "max_calls", "not possible", "1 to 10"},
		{"hours-not-a-list", `mon: ["8:00-16:00"]`, `mon: "8:00-16:00"`, "mon:", "must be a list", "in brackets: [8:00-16:00]"},
		{"hours-without-minutes", `mon: ["8:00-16:00"]`, `mon: ["8-16"]`, "mon:", "not opening hours", `"8:00-18:00"`},
		{"hours-reversed", `mon: ["8:00-16:00"]`, `mon: ["16:00-8:00"]`, "mon:", "closes before it opens", "the earlier hour"},
		{"hours-overlap", `mon: ["8:00-16:00"]`, `mon: ["8:00-12:00", "11:00-16:00"]`, "mon:", "overlap", "in their order"},
		{"polish-weekday", "  mon:", "  pon:", "pon:", `unknown key "pon"`, `did you mean`},
		{"mean-without-unit", "mean: 8m", "mean: 8", "mean: 8", "a time with its unit", "8m"},
		{"mean-in-hours", "mean: 8m", "mean: 8h", "mean: 8h", "no time to serve", "8m"},
		{"small-letter", "letter: A ", "letter: a ", "letter: a", "not a letter", "capital"},
		{"polish-letter", "letter: A ", "letter: Ł ", "letter: Ł", "not a letter", "A to Z"},
		{"emergency-letter", "letter: C", "letter: X", "letter: X", "emergency", "another letter"},
		{"same-letter-twice", "letter: C", "letter: A", "letter: A", "also that of service 1", "own letter"},
		{"same-id-twice", "id: C", "id: A", "id: A", "also that of service 1", "its own"},
		{"no-polish-name", "{pl: Kasa, en", "{en", "names: {en: Payments", "Polish name is missing", "pl:"},
		{"country-for-language", "languages: [pl, en, uk]", "languages: [pl, en, ua]", "languages:", `"ua" is not known`, "uk"},
		{"language-without-pages", "languages: [pl, en, uk]", "languages: [pl, de]", "languages:", `no pages in the language "de" yet`, "leave it out"},
		{"ranges-overlap", "booked: 601-999", "booked: 500-999", "booked: 500", "overlap", "twice"},
		{"range-of-one", "walk_in: 1-599", "walk_in: 599", "walk_in: 599", "not a range", "1-599"},
		{"range-too-high", "booked: 601-999", "booked: 601-1200", "id: A", "above 999", "1001"},
		{"unknown-skill", "skills: [A, C]", "skills: [A, D]", "skills: [A, D]", `no service "D"`, "list of services"},
		{"same-counter-twice", "id: 2", "id: 1", "id: 1", "counter 1 is there twice", "own number"},
		{"counter-zero", "id: 2", "id: 0", "id: 0", "cannot be a counter", "1 to 999"},
		{"day-in-words", "closed: []", "closed: [24.12.2026]", "closed:", "not a day", "2026-12-25"},
		{"impossible-day", "closed: []", "closed: [2026-02-30]", "closed:", "not a day", "2026-12-25"},
		{"unknown-zone", "zone: Europe/Warsaw", "zone: Warszawa", "zone:", "not a time zone", "Europe/Warsaw"},
		{"branch-id-with-spaces", "id: oddzial-1", "id: Oddział 1", "id: Oddział", "cannot be the id", "lower-case"},
		{"relative-folder", "data_dir: /var", "data_dir: var", "data_dir:", "not a whole path", "begin it with /"},
		{"port-alone", "listen: 127.0.0.1:8070", "listen: 8070", "listen: 8070", "not an address", "host:port"},
		{"address-without-https", `public_url: ""`, `public_url: kolejka.example.pl`, "public_url:", "not the beginning", "https://"},
		{"unknown-level", "log_level: info", "log_level: verbose", "log_level:", "not a level", "debug, info"},
		{"unknown-profile", "profile: generic-80", "profile: epson", "profile: epson", "not known", "epson-tm-t20iii"},
		{"printer-by-name", "address: none", "address: EPSON", "address: EPSON", "not a printer's address", "usb:/dev/usb/lp0"},
		{"printer-speed", "address: none", "address: serial:/dev/ttyS0?baud=12345", "address: serial", "not a speed", "9600"},
		{"printer-option", "address: none", "address: serial:/dev/ttyS0?speed=9600", "address: serial", "unknown option", "baud"},
		{"relative-device", "address: none", "address: usb:lp0", "address: usb", "not the path of a device", "/dev/"},
		{"anchor", "listen: 127.0.0.1:8070", "listen: &here 127.0.0.1:8070", "listen: &here", "anchors", "write the value out"},
		{"unclosed-quote", `name: Urząd Miasta`, `name: "Urząd Miasta`, "", "this is not YAML", ""},
		{"no-version", "\nversion: 1", "", "", "does not say its version", "version: 1"},
		{"newer-version", "version: 1", "version: 9", "version: 9", "this program knows 1", "newer"},
		{"second-document", "log_level: info", "---", "", "second document", "---"},
		{"screen-in-inches", "width_mm: 950", "width_mm: 43", "width_mm: 43", "not 43 mm wide", "43 inches are 950"},
		{"unknown-voice", "output: none", "output: pulse", "output: pulse", "not known", "none, alsa, dfplayer or command"},
		{"card-by-alsa-name", "output: none\n", "output: alsa\n  device: \"hw:1,0\"\n#", "device:", "not a sound card", "/proc/asound/cards"},
		{"capture-device", "output: none\n", "output: alsa\n  device: /dev/snd/pcmC1D0c\n#", "device:", "not a sound card", "/dev/snd/pcmC1D0p"},
		{"volume-in-percent", "output: none\n", "output: dfplayer\n  volume: 80\n#", "volume: 80", "not a volume", "0 to 30"},
		{"kiosk-in-inches", "width_mm: 340", "width_mm: 15", "width_mm: 15", "not 15 mm wide", "15.6 inches"},
	}
}

// Each typical mistake is told with file, line, caret and hint, and never taken silently.
func TestMistakes(t *testing.T) {
	for _, m := range mistakes() {
		t.Run(m.name, func(t *testing.T) {
			text := string(sample(t, "agent.yaml"))
			if !strings.Contains(text, m.from) {
				t.Fatalf("the sample does not hold %q", m.from)
			}
			text = strings.Replace(text, m.from, m.to, 1)
			_, _, err := config.Read("agent.yaml", []byte(text), config.Known{Profiles: profiles()})
			faults, ok := errors.AsType[configs.Faults](err)
			if !ok {
				t.Fatalf("no faults: %v", err)
			}
			for _, f := range faults {
				if matches(f, m) {
					wellFormed(t, f, text)
					return
				}
			}
			t.Errorf("no fault at %q with %q and hint %q in:\n%v", m.line, m.message, m.hint, err)
		})
	}
}

func matches(f configs.Fault, m edit) bool {
	return strings.Contains(f.Source, m.line) && strings.Contains(f.Message, m.message) && strings.Contains(f.Hint, m.hint)
}

// wellFormed checks that the fault's place is really that line, and its text shows place and caret.
func wellFormed(t *testing.T, f configs.Fault, text string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	if f.Line < 1 || f.Line > len(lines) || lines[f.Line-1] != f.Source {
		t.Errorf("line %d is not %q", f.Line, f.Source)
	}
	if f.Column < 1 || f.Column > len([]rune(f.Source))+1 {
		t.Errorf("column %d is outside of %q", f.Column, f.Source)
	}
	told := f.Error()
	if !strings.HasPrefix(told, fmt.Sprintf("agent.yaml:%d:%d: ", f.Line, f.Column)) {
		t.Errorf("no place in %q", told)
	}
	if strings.TrimSpace(f.Source) != "" && !strings.Contains(told, "^") {
		t.Errorf("no caret in:\n%s", told)
	}
	if f.Hint == "" || !strings.Contains(told, "hint: ") {
		t.Errorf("no hint in:\n%s", told)
	}
}

// Faults of different kinds and places are told together, in the order of the lines.
func TestAllFaultsAtOnce(t *testing.T) {
	text := string(sample(t, "agent.yaml"))
	for from, to := range map[string]string{
		"log_level: info": "log_levle: info", "max_calls: 3": "max_calls: 0", "letter: C": "letter: cc",
		"recall_seconds: 120": "recall_seconds: soon", "zone: Europe/Warsaw": "zone: Europe/Torun",
	} {
		text = strings.Replace(text, from, to, 1)
	}
	_, _, err := config.Read("agent.yaml", []byte(text), config.Known{Profiles: profiles()})
	faults, ok := errors.AsType[configs.Faults](err)
	if !ok || len(faults) != 5 {
		t.Fatalf("5 faults expected:\n%v", err)
	}
	for i := 1; i < len(faults); i++ {
		if faults[i].Line < faults[i-1].Line {
			t.Errorf("not in order:\n%v", err)
		}
	}
}

// A part that cannot be read raises no second complaints about what refers to it.
func TestNoFaultsThatFollow(t *testing.T) {
	text := strings.Replace(string(sample(t, "agent.yaml")), "\nservices:", "\nservcies:", 1)
	text = strings.Replace(text, "skills: [A, C]", "skills: [A, D]", 1)
	_, _, err := config.Read("agent.yaml", []byte(text), config.Known{})
	if faults, ok := errors.AsType[configs.Faults](err); !ok || len(faults) != 1 || !strings.Contains(faults[0].Hint, `"services"`) {
		t.Errorf("only the misspelt key should be told:\n%v", err)
	}
}
