package speaker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/okienko/okienko/configs"
	"github.com/okienko/okienko/drivers"
)

// A DFPlayer finds its tracks by numbers: folders 01 to 99 with files 001 to 255.
const (
	cardFolder   = "dfplayer"
	cardIndex    = "index.yaml"
	cardVersion  = 1
	lastFolder   = 99
	lastFile     = 255
	longestTrack = time.Minute
)

// track is where a recording is on the card, and how long it lasts.
type track struct {
	folder, file int
	lasts        time.Duration
}

// cardFile is index.yaml beside the folders that are copied to the card.
type cardFile struct {
	Version int        `yaml:"version" doc:"version of this format; always 1"`
	Clips   []cardClip `yaml:"clips" doc:"where each recording is"`
}

// cardClip is one recording.
type cardClip struct {
	Clip   string `yaml:"clip" doc:"language, slash, id"`
	Folder int    `yaml:"folder" doc:"number of the folder, 1 to 99"`
	File   int    `yaml:"file" doc:"number of the file, 1 to 255"`
	MS     int    `yaml:"ms" doc:"length in milliseconds"`
}

// CardFolder is where BuildCard puts what has to be copied to the card.
func CardFolder(dir string) string { return filepath.Join(dir, cardFolder) }

func cardIndexPath(dir string) string { return filepath.Join(CardFolder(dir), cardIndex) }

// BuildCard makes the folders of a DFPlayer's SD card below the pack's folder from the packs of the
// languages, with an index for the driver. Each language begins a folder. The old ones are replaced at the
// end, or not at all.
func BuildCard(dir string, languages []string) error {
	target := CardFolder(dir)
	next := target + ".new"
	if err := os.RemoveAll(next); err != nil {
		return fmt.Errorf("make the folders of the card: %w", err)
	}
	text := fmt.Appendf(nil, "version: %d\nclips:\n", cardVersion)
	folder := 0
	for _, language := range languages {
		m, err := ReadManifest(dir, language)
		if err != nil {
			return err
		}
		for i, id := range m.Recordings {
			file := i%lastFile + 1
			if file == 1 {
				folder++
			}
			if folder > lastFolder {
				return fmt.Errorf("%w: a card holds %d recordings", ErrPack, lastFolder*lastFile)
			}
			lasts, err := copyTrack(filepath.Join(dir, language, id+".wav"), next, folder, file)
			if err != nil {
				return err
			}
			text = fmt.Appendf(text, "  - {clip: %s/%s, folder: %d, file: %d, ms: %d}\n",
				language, id, folder, file, lasts.Milliseconds())
		}
	}
	if err := os.WriteFile(filepath.Join(next, cardIndex), text, 0o644); err != nil { //nolint:gosec // no secret
		return fmt.Errorf("write the index of the card: %w", err)
	}
	if err := errors.Join(os.RemoveAll(target), os.Rename(next, target)); err != nil {
		return fmt.Errorf("put the folders of the card in their place: %w", err)
	}
	return nil
}

// copyTrack copies a recording to its number and says how long it lasts.
func copyTrack(from, dir string, folder, file int) (time.Duration, error) {
	data, err := os.ReadFile(from)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrPack, err)
	}
	s, err := DecodeWAV(data)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrPack, from, err)
	}
	dir = filepath.Join(dir, fmt.Sprintf("%02d", folder))
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // recordings are no secret
		return 0, fmt.Errorf("make the folders of the card: %w", err)
	}
	//nolint:gosec // recordings are no secret
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.wav", file)), data, 0o644); err != nil {
		return 0, fmt.Errorf("write a track of the card: %w", err)
	}
	return time.Duration(len(s.Samples)) * time.Second / time.Duration(s.Rate), nil
}

// readCard reads the index that BuildCard made.
func readCard(dir string) (map[drivers.Clip]track, error) {
	path := cardIndexPath(dir)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPack, err)
	}
	return parseCard(path, data)
}

func parseCard(name string, data []byte) (map[drivers.Clip]track, error) {
	var c cardFile
	doc, err := configs.Parse(name, data)
	if err == nil {
		err = doc.Decode(&c)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPack, err)
	}
	if c.Version != cardVersion {
		return nil, fmt.Errorf("%w: %s has version %d, this program knows %d", ErrPack, name, c.Version, cardVersion)
	}
	tracks := make(map[drivers.Clip]track, len(c.Clips))
	for _, one := range c.Clips {
		lasts := time.Duration(one.MS) * time.Millisecond
		if one.Folder < 1 || one.Folder > lastFolder || one.File < 1 || one.File > lastFile ||
			one.MS < 0 || lasts > longestTrack {
			return nil, fmt.Errorf("%w: %s: %+v cannot be on a card", ErrPack, name, one)
		}
		tracks[drivers.Clip(one.Clip)] = track{folder: one.Folder, file: one.File, lasts: lasts}
	}
	return tracks, nil
}
