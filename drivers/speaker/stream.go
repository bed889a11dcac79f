package speaker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/okienko/okienko/drivers"
)

// stream is an announcement on its way from the pack to a player.
type stream struct {
	files []*os.File
	rate  int
	bytes int64
}

// openClips opens the recordings of an announcement. They must be files that Build made.
func openClips(dir string, clips []drivers.Clip) (s *stream, err error) {
	s = &stream{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, clip := range clips {
		language, id, ok := strings.Cut(string(clip), "/")
		if !ok || !validID(language) || !validID(id) {
			return s, fmt.Errorf("%w: there is no recording %q", ErrPack, clip)
		}
		f, err := os.Open(filepath.Join(dir, language, id+".wav")) //nolint:gosec // both parts were checked
		if err != nil {
			return s, fmt.Errorf("%w: %w", ErrPack, err)
		}
		s.files = append(s.files, f)
		if err := s.measure(f, clip); err != nil {
			return s, err
		}
	}
	return s, nil
}

// measure adds a file's length, and leaves it at its first sample.
func (s *stream) measure(f *os.File, clip drivers.Clip) error {
	var head [wavHead]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return fmt.Errorf("%w: read recording %s: %w", ErrPack, clip, err)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%w: look at recording %s: %w", ErrPack, clip, err)
	}
	samples := (info.Size() - wavHead) / 2
	sound, err := DecodeWAV(head[:])
	if err != nil {
		return fmt.Errorf("%w: recording %s: %w", ErrPack, clip, err)
	}
	if s.rate != 0 && s.rate != sound.Rate {
		return fmt.Errorf("%w: recording %s has %d samples a second, the others %d", ErrPack, clip, sound.Rate, s.rate)
	}
	s.rate = sound.Rate
	s.bytes += 2 * samples
	return nil
}

// WriteTo writes the announcement as one WAV file.
func (s *stream) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(appendHead(nil, s.rate, int(s.bytes/2)))
	total := int64(n)
	for _, f := range s.files {
		if err != nil {
			break
		}
		var n int64
		n, err = io.Copy(w, f)
		total += n
	}
	return total, err
}

// samples reads the announcement's samples, 16 bits each, without any header.
func (s *stream) samples() io.Reader {
	all := make([]io.Reader, len(s.files))
	for i, f := range s.files {
		all[i] = f
	}
	return io.MultiReader(all...)
}

// Close closes the files.
func (s *stream) Close() error {
	var all []error
	for _, f := range s.files {
		all = append(all, f.Close())
	}
	return errors.Join(all...)
}

// Mix writes an announcement as one WAV file.
func Mix(w io.Writer, dir string, clips []drivers.Clip) error {
	s, err := openClips(dir, clips)
	if err != nil {
		return err
	}
	_, err = s.WriteTo(w)
	return errors.Join(err, s.Close())
}
