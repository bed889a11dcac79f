package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
	"time"
	_ "time/tzdata" // Warsaw is known on every machine
)

// maxBranches bounds the town; each branch is a process, a port and a pseudo-terminal.
const maxBranches = 20

// site is a branch before it exists.
type site struct {
	ID, Name string
}

// sites returns the first n branches of the town: the five places of the office in Toruń that the
// project started from, then numbered ones.
func sites(n int) []site {
	town := []site{
		{"torun-waly", "Urząd Miasta Torunia, Wały gen. Sikorskiego 8"},
		{"torun-grudziadzka", "Urząd Miasta Torunia, Grudziądzka 126b"},
		{"torun-legionow", "Urząd Miasta Torunia, Legionów 220"},
		{"torun-plaza", "Punkt Informacyjny, Toruń Plaza"},
		{"torun-copernicus", "Punkt Informacyjny, Atrium Copernicus"},
	}
	for i := len(town) + 1; i <= n; i++ {
		town = append(town, site{fmt.Sprintf("torun-%d", i), fmt.Sprintf("Urząd Miasta Torunia, oddział %d", i)})
	}
	return town[:n]
}

//go:embed branch.yaml.tmpl
var branchConfig string

// configValues fill the configuration of one branch.
type configValues struct {
	site
	DataDir, Listen, Printer, Zone string
	Boards                         []boardConfig
	Digits                         int // of each board
	Panel                          panelConfig
	Voice                          *voiceConfig // nil: no loudspeaker
}

// voiceConfig is what stands of the loudspeaker in the configuration.
type voiceConfig struct{ Player, Command, Socket, Pack string }

// evening is the local hour from which the town moves to another zone: hours before the office day
// ends, so that nobody's demonstration runs into midnight, when every ticket expires, nor into the
// stop of issuing before it.
const evening = 18

// zone is Warsaw's, or in the evening one where it is about eight in the morning.
func zone(now time.Time) string {
	const home = "Europe/Warsaw"
	warsaw, err := time.LoadLocation(home)
	if err == nil && now.In(warsaw).Hour() < evening {
		return home
	}
	east := 8 - now.UTC().Hour()
	if east < -12 {
		east += 24
	}
	return fmt.Sprintf("Etc/GMT%+d", -east) // these names count westwards
}

// writeConfig writes the agent's configuration file into dir and returns its path.
func writeConfig(dir string, v configValues) (string, error) {
	parsed, err := template.New("branch.yaml").Option("missingkey=error").Parse(branchConfig)
	if err != nil {
		return "", fmt.Errorf("read the configuration template: %w", err)
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, v); err != nil {
		return "", fmt.Errorf("fill in the configuration of %s: %w", v.ID, err)
	}
	path := filepath.Join(dir, "agent.yaml")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("write the configuration of %s: %w", v.ID, err)
	}
	return path, nil
}
