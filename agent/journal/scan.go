package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// scanWindow is how much of a file scanFrames reads at a time.
const scanWindow = 256 << 10

// located is a valid frame and where it lies in its file.
type located struct {
	frame
	offset, end int64
}

// scanFrames yields the valid frames of r in order of place and steps over everything else by searching for
// the next magic. It never yields a frame with a wrong checksum. A read error is yielded last. Frames share
// memory with the window they were read in, so whoever keeps one should keep a copy.
func scanFrames(r io.Reader) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		w := window{r: r}
		for {
			f, err := decodeFrame(w.buf)
			switch {
			case err == nil:
				at := w.offset
				w.skip(len(f.raw))
				if !yield(located{frame: f, offset: at, end: w.offset}, nil) {
					return
				}
			case errors.Is(err, errShortFrame) && !w.eof:
				if err := w.fill(); err != nil {
					yield(located{}, err)
					return
				}
			case len(w.buf) == 0:
				return
			default:
				w.skipToMagic()
			}
		}
	}
}

// window is the part of a file that a scan looks at.
type window struct {
	r      io.Reader
	buf    []byte
	offset int64
	eof    bool
}

func (w *window) skip(n int) {
	w.buf = w.buf[n:]
	w.offset += int64(n)
}

// skipToMagic drops the first byte and all others before the next possible beginning of a frame.
func (w *window) skipToMagic() {
	if i := bytes.Index(w.buf[1:], []byte(frameMagic)); i >= 0 {
		w.skip(1 + i)
		return
	}
	keep := 0
	for n := min(len(frameMagic)-1, len(w.buf)-1); n > 0; n-- {
		if string(w.buf[len(w.buf)-n:]) == frameMagic[:n] {
			keep = n
			break
		}
	}
	w.skip(len(w.buf) - keep)
}

// fill appends more of the file. It moves to a new buffer: frames already yielded may still be in use.
func (w *window) fill() error {
	size := scanWindow
	if len(w.buf) > size/2 {
		size = len(w.buf) + scanWindow
	}
	next := make([]byte, size)
	n := copy(next, w.buf)
	m, err := io.ReadFull(w.r, next[n:])
	w.buf = next[:n+m]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		w.eof = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("scan for records: %w", err)
	}
	return nil
}

// scanFile yields the valid frames of a file.
func scanFile(path string) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(located{}, fmt.Errorf("scan for records: %w", err))
			return
		}
		defer func() { _ = f.Close() }() // only read
		for at, err := range scanFrames(f) {
			if !yield(at, err) {
				return
			}
		}
	}
}

// undated is the ledger file of records before the first office day; it sorts before all dates.
const undated = "0000-00-00"

// ledgerFiles returns the paths of the ledger's files in order, which is the order of their records.
func ledgerFiles(dir string) ([]string, error) {
	folder := filepath.Join(dir, ledgerName)
	names, err := listNames(folder)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, n := range names {
		day, isLog := strings.CutSuffix(n, ".log")
		if _, err := packDay(day); isLog && (err == nil || day == undated) {
			paths = append(paths, filepath.Join(folder, n))
		}
	}
	return paths, nil
}

// scanLedger yields every valid frame of the ledger in order of files and places. Numbers may repeat or
// leave gaps.
func scanLedger(paths []string) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		for _, path := range paths {
			for at, err := range scanFile(path) {
				if !yield(at, err) || err != nil {
					return
				}
			}
		}
	}
}

// firstSeq is the number of the first valid frame of a file, 0 when it has none.
func firstSeq(path string) (uint64, error) {
	for at, err := range scanFile(path) {
		return at.Seq, err
	}
	return 0, nil
}

// fromSeq drops the leading files that cannot hold record seq or later ones.
func fromSeq(paths []string, seq uint64) ([]string, error) {
	for i := len(paths) - 1; i > 0; i-- {
		first, err := firstSeq(paths[i])
		if err != nil {
			return nil, err
		}
		if first != 0 && first <= seq {
			return paths[i:], nil
		}
	}
	return paths, nil
}
