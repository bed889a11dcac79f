package config_test

import (
	"errors"
	"testing"

	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/configs"
)

// FuzzConfig feeds any text to the reader. It must not panic; what it refuses it refuses with a
// place inside the text, and what it accepts is valid.
func FuzzConfig(f *testing.F) {
	for _, name := range []string{"agent.yaml", "branches/starowka.yaml", "branches/galeria.yaml"} {
		data, err := configs.Samples.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		"", "version: 1", "version: 1\nservices: [{}]", "? a\n: b", "a: &a [*a]", "- version", "\x00", "{", "version: 1\n\thours: x",
		"version: 1\nhours: {mon: [\"8:00-24:00\"]}", "version: 1\nprinter: {address: \"tcp:[::1]:9\"}", "version: 1\n<<: {a: b}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, err := config.Read("fuzz.yaml", data, config.Known{})
		if err == nil {
			if invalid := c.Validate(); invalid != nil {
				t.Fatalf("accepted and not valid: %v", invalid)
			}
			c.Settings()
			return
		}
		faults, ok := errors.AsType[configs.Faults](err)
		if !ok || len(faults) == 0 {
			t.Fatalf("refused without faults: %v", err)
		}
		for _, fault := range faults {
			if fault.Line < 1 || fault.Column < 1 || fault.Message == "" || fault.File != "fuzz.yaml" {
				t.Fatalf("a fault without a place: %+v", fault)
			}
			_ = fault.Error()
		}
	})
}
