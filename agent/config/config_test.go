package config_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/configs"
	"github.com/okienko/okienko/protocol"
)

// The names that design/5-interfaces.md promises.
func profiles() []string {
	return []string{
		"epson-tm-t20iii", "epson-tm-t88vi", "epson-eu-m30", "custom-vkp80iii", "star-tsp650ii",
		"xprinter-n160ii", "generic-80", "generic-58", "posiflex-pp7700",
	}
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(configs.Samples, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSampleEqualsDefaults(t *testing.T) {
	got, warnings, err := config.Read("agent.yaml", sample(t, "agent.yaml"), config.Known{Profiles: profiles()})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("agent.yaml: %v, warnings %v", err, warnings)
	}
	want := config.Defaults()
	want.Closed = []config.Day{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configs/agent.yaml is not what Defaults says (-defaults +sample):\n%s", diff)
	}
}

// Every key that exists is in the sample: what is not there nobody finds.
func TestSampleNamesEveryKey(t *testing.T) {
	text := string(sample(t, "agent.yaml"))
	raw, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"(\w+)": \{`).FindAllStringSubmatch(string(raw), -1) {
		key := m[1]
		switch key {
		case "properties", "items", "additionalProperties", "not", "sat", "sun":
			continue
		}
		if !strings.Contains(text, key+":") {
			t.Errorf("configs/agent.yaml does not mention %q", key)
		}
	}
}

func TestBranchesAreValid(t *testing.T) {
	found, err := fs.Glob(configs.Samples, "branches/*.yaml")
	if err != nil || len(found) < 2 {
		t.Fatalf("branches: %v, %v", found, err)
	}
	for _, name := range found {
		c, warnings, err := config.Read(name, sample(t, name), config.Known{Profiles: profiles()})
		if err != nil || len(warnings) > 0 {
			t.Errorf("%v\nwarnings: %v", err, warnings)
		}
		if s := c.Settings(); len(s.Counters) != len(c.Counters) || len(s.Services) != len(c.Services) {
			t.Errorf("%s: settings lost a counter or a service", name)
		}
	}
}

// What an office can switch off or cannot see working yet is said where it looks.
func TestSampleSaysWhenTicketsStop(t *testing.T) {
	text := string(sample(t, "agent.yaml"))
	rule := text[strings.Index(text, "# No tickets are given out when"):strings.Index(text, "stop_issuing_below:")]
	for _, want := range []string{"0 switches", "issue_again_above", "estimate"} {
		if !strings.Contains(rule, want) {
			t.Errorf("the comment does not say %q:\n%s", want, rule)
		}
	}
}

func TestBehindTLS(t *testing.T) {
	text := strings.Replace(string(sample(t, "agent.yaml")), "behind_tls: false", "behind_tls: true", 1)
	c, _, err := config.Read("agent.yaml", []byte(text), config.Known{Profiles: profiles()})
	if err != nil || !c.BehindTLS {
		t.Errorf("behind_tls: %v, %v", c.BehindTLS, err)
	}
}

func TestDefaultsAreValid(t *testing.T) {
	if err := config.Defaults().Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestValidateTellsTheKey(t *testing.T) {
	c := config.Defaults()
	c.Services[1].Letter, c.Rules.MaxCalls = "A", 0
	err := c.Validate()
	if err == nil || !strings.Contains(err.Error(), "services[1].letter") || !strings.Contains(err.Error(), "rules.max_calls") {
		t.Fatalf("both faults should be told: %v", err)
	}
}

func TestSettings(t *testing.T) {
	c := config.Defaults()
	c.Counters = append(c.Counters, config.Counter{ID: 3, Penalties: map[protocol.ServiceID]int{"C": 10}})
	c.Closed = []config.Day{"2026-12-25"}
	c.Services[1].Hours = &config.Week{Fri: []config.Span{{Opens: 540, Closes: 600}}}
	s := c.Settings()
	want := map[protocol.ServiceID]int{"A": 0, "C": 10}
	if diff := cmp.Diff(want, s.Counters[2].Skills); diff != "" {
		t.Errorf("a counter without skills serves everything: %s", diff)
	}
	if diff := cmp.Diff([]protocol.Period{{Opens: 480, Closes: 960}}, s.Hours[1]); diff != "" {
		t.Errorf("Monday: %s", diff)
	}
	if len(s.Hours[0])+len(s.Hours[6]) != 0 {
		t.Errorf("the week-end should be closed: %v", s.Hours)
	}
	if diff := cmp.Diff(protocol.Week{5: {{Opens: 540, Closes: 600}}}, s.Services[1].Hours); diff != "" {
		t.Errorf("hours of a service: %s", diff)
	}
	if s.Services[0].MeanSeconds != 480 || s.Services[0].Hours != nil || s.Closed[0] != "2026-12-25" {
		t.Errorf("settings: %+v", s)
	}
}

// The schema accepts every sample and refuses an unknown key, so an editor says what Read says.
func TestSchemaAcceptsTheSamples(t *testing.T) {
	raw, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(configs.Samples, "branches/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "agent.yaml") {
		var instance any
		if err := yaml.Unmarshal(sample(t, name), &instance); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(instance); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := resolved.Validate(map[string]any{"version": 1, "servces": 1}); err == nil {
		t.Error("the schema takes an unknown key")
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if _, err := config.Load(path, config.Known{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, sample(t, "agent.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(path, config.Known{}); err != nil {
		t.Error(err)
	}
	if _, err := config.Load(path, config.Known{Profiles: []string{"other-printer"}}); err == nil {
		t.Error("an unknown profile was taken")
	}
}

func TestWarnings(t *testing.T) {
	text := `version: 1
public_url: http://kolejka.example.pl
branch: {id: a, name: A, zone: Europe/Warsaw, languages: [pl, en]}
services:
  - {id: B, letter: B, names: {pl: Jedno}}
  - {id: E, letter: E, names: {pl: Drugie, en: Other}}
  - {id: O, letter: O, names: {pl: Trzecie, en: Third}, booking_only: true, quota: 3}
counters:
  - {id: 1, skills: [B, E]}
printer: {address: "serial:/dev/ttyUSB0"}
`
	_, warnings, err := config.Read("agent.yaml", []byte(text), config.Known{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"agent.yaml:2:13: the e-ticket's address is not encrypted",
		`agent.yaml:5:24: there is no name in the language "en"`,
		"agent.yaml:6:21: the letters B and E are easily misheard",
		`agent.yaml:7:10: no counter serves "O"`,
		"agent.yaml:7:21: the letter O looks like a digit",
		"agent.yaml:7:84: the quota has no effect",
		"agent.yaml:10:20: /dev/ttyUSB0 may be another device after a restart",
	} {
		if !strings.Contains(warnings.Error(), want) {
			t.Errorf("no warning %q in:\n%v", want, warnings)
		}
	}
}

// What the queue would refuse is refused here, with the key, should a check have been forgotten.
func TestValidateAsksTheQueue(t *testing.T) {
	c := config.Defaults()
	c.Closed = []config.Day{"soon"}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "closed[0]") {
		t.Errorf("a fault that only protocol knows: %v", err)
	}
}
