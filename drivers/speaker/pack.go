package speaker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okienko/okienko/configs"
)

// packVersion is the version of pack.yaml.
const packVersion = 1

// pauseSeconds is the silence between the halves of a sentence.
const pauseSeconds = 0.25

// Manifest is pack.yaml, beside the recordings of one language.
type Manifest struct {
	Version  int    `yaml:"version" doc:"version of this format; always 1"`
	Language string `yaml:"language" doc:"language of the recordings"`
	// Rate is that of all recordings, in samples a second.
	Rate int `yaml:"rate" doc:"samples a second"`
	// Voice says who or what speaks, Licence under which terms.
	Voice   string `yaml:"voice" doc:"who or what speaks"`
	Licence string `yaml:"licence" doc:"terms of the recordings"`
	// Recordings are the ids in the order of the files; players with a card number them by it.
	Recordings []string `yaml:"recordings" doc:"ids of the recordings, in order"`
}

// ErrPack is the cause when a folder is not a pack that can be played.
var ErrPack = errors.New("not a usable voice pack")

const manifestName = "pack.yaml"

// ReadManifest reads the pack.yaml of a language below a pack's folder.
func ReadManifest(dir, language string) (Manifest, error) {
	path := filepath.Join(dir, language, manifestName)
	data, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrPack, err)
	}
	return ParseManifest(path, data)
}

// ParseManifest reads the text of a pack.yaml.
func ParseManifest(name string, data []byte) (Manifest, error) {
	var m Manifest
	doc, err := configs.Parse(name, data)
	if err == nil {
		err = doc.Decode(&m)
	}
	switch {
	case err != nil:
		return Manifest{}, fmt.Errorf("%w: %w", ErrPack, err)
	case m.Version != packVersion:
		return Manifest{}, fmt.Errorf("%w: %s has version %d, this program knows %d", ErrPack, name, m.Version, packVersion)
	case m.Rate < minRate || m.Rate > maxRate:
		return Manifest{}, fmt.Errorf("%w: %s says %d samples a second", ErrPack, name, m.Rate)
	}
	for _, id := range m.Recordings {
		if !validID(id) {
			return Manifest{}, fmt.Errorf("%w: %s names a recording %q", ErrPack, name, id)
		}
	}
	return m, nil
}

// validID keeps an id from leaving its folder.
func validID(id string) bool {
	return id != "" && id[0] != '.' && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}

// Prompt is one recording to be made.
type Prompt struct{ ID, Text string }

// Plan is a pack to be made.
type Plan struct {
	// Dir is the pack's folder; the language's own is below it.
	Dir, Language  string
	Voice, Licence string
	Prompts        []Prompt
	// Say reads a text. All its sounds have one rate.
	Say func(ctx context.Context, p Prompt) (Sound, error)
	// Told, if not nil, is called after each recording with how many there are of how many.
	Told func(done, all int)
}

// Build makes the recordings of one language: every one at the same loudness, besides a gong and a
// pause. The folder is replaced at the end, or not at all.
func Build(ctx context.Context, p Plan) error {
	target := filepath.Join(p.Dir, p.Language)
	next := target + ".new"
	err := errors.Join(os.RemoveAll(next), os.MkdirAll(next, 0o755)) //nolint:gosec // recordings are no secret
	if err != nil {
		return fmt.Errorf("make the folder of the pack: %w", err)
	}
	m := Manifest{Version: packVersion, Language: p.Language, Voice: p.Voice, Licence: p.Licence}
	for i, prompt := range p.Prompts {
		sound, err := p.Say(ctx, prompt)
		if err == nil {
			sound, err = Level(sound, SpeechLUFS)
		}
		if err == nil && m.Rate != 0 && sound.Rate != m.Rate {
			err = fmt.Errorf("%w: %d samples a second beside %d", ErrPack, sound.Rate, m.Rate)
		}
		if err != nil {
			return fmt.Errorf("record %q: %w", prompt.Text, err)
		}
		m.Rate = sound.Rate
		if err := m.add(next, prompt.ID, sound); err != nil {
			return err
		}
		if p.Told != nil {
			p.Told(i+1, len(p.Prompts))
		}
	}
	gong, err := Level(MakeGong(m.Rate), GongLUFS)
	if err != nil {
		return fmt.Errorf("make the gong: %w", err)
	}
	pause := Sound{Rate: m.Rate, Samples: make([]float64, int(pauseSeconds*float64(m.Rate)))}
	if err := errors.Join(m.add(next, "gong", gong), m.add(next, "pause", pause), m.write(next)); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(target), os.Rename(next, target)); err != nil {
		return fmt.Errorf("put the pack in its place: %w", err)
	}
	return nil
}

// add writes one recording.
func (m *Manifest) add(dir, id string, s Sound) error {
	m.Recordings = append(m.Recordings, id)
	if err := os.WriteFile(filepath.Join(dir, id+".wav"), EncodeWAV(s), 0o644); err != nil { //nolint:gosec // no secret
		return fmt.Errorf("write recording %s: %w", id, err)
	}
	return nil
}

func (m *Manifest) write(dir string) error {
	text := fmt.Appendf(nil, "version: %d\nlanguage: %s\nrate: %d\n", m.Version, m.Language, m.Rate)
	text = fmt.Appendf(text, "voice: %q\nlicence: %q\nrecordings:\n", m.Voice, m.Licence)
	for _, id := range m.Recordings {
		text = fmt.Appendf(text, "  - %q\n", id)
	}
	if err := os.WriteFile(filepath.Join(dir, manifestName), text, 0o644); err != nil { //nolint:gosec // no secret
		return fmt.Errorf("write %s: %w", manifestName, err)
	}
	return nil
}

// Lint says what is wrong with the recordings of a language: missing ones, other rates, levels that
// differ by more than 1 LU, peaks above PeakDBTP, and recordings far longer than the rest.
func Lint(dir, language string, wanted []Prompt) error {
	m, err := ReadManifest(dir, language)
	if err != nil {
		return err
	}
	var all []error
	wrong := func(format string, args ...any) {
		all = append(all, fmt.Errorf("%w: "+format, append([]any{ErrPack}, args...)...))
	}
	for _, p := range append(slices.Clone(wanted), Prompt{ID: "gong"}, Prompt{ID: "pause"}) {
		data, err := os.ReadFile(filepath.Join(dir, language, p.ID+".wav"))
		if err != nil {
			wrong("%s/%s is missing", language, p.ID)
			continue
		}
		s, err := DecodeWAV(data)
		if err != nil {
			wrong("%s/%s: %w", language, p.ID, err)
			continue
		}
		if s.Rate != m.Rate {
			wrong("%s/%s has %d samples a second, the pack %d", language, p.ID, s.Rate, m.Rate)
		}
		if p.Text == "" {
			continue
		}
		if l := Loudness(s); l < SpeechLUFS-0.5 || l > SpeechLUFS+0.5 {
			wrong("%s/%s has %.1f LUFS, not %.0f", language, p.ID, l, SpeechLUFS)
		}
		if peak := TruePeak(s); peak > PeakDBTP {
			wrong("%s/%s peaks at %.1f dBTP", language, p.ID, peak)
		}
		if seconds := float64(len(s.Samples)) / float64(s.Rate); seconds > 3 {
			wrong("%s/%s is %.1f s long", language, p.ID, seconds)
		}
	}
	return errors.Join(all...)
}
