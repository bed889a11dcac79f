// Package atomicfile replaces small files so that a power cut leaves the old content or the new,
// never a part of either.
//
// The content is written aside in the same directory, flushed, renamed over the name and the
// directory is flushed (rename(2) is atomic, and fsync(2) says that flushing a file does not flush
// its entry in the directory). It starts no goroutine. Two writers of one path must be kept apart
// by their callers: both use the same name aside.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Aside is what the name of a file being written ends with. Such a file that outlived a power cut
// is harmless and is overwritten by the next Write; nobody else may use names with this ending.
const Aside = ".new"

// Write replaces path by data with exactly this mode, durably. After an error the old content still
// stands, unless only the last step, flushing the directory, failed: then either may survive a
// power cut. What was written aside is removed, so that a full disk is not filled further.
func Write(path string, data []byte, mode fs.FileMode) error {
	aside := path + Aside
	if err := fill(aside, data, mode); err != nil {
		_ = os.Remove(aside) // gives its space back; a leftover is harmless
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(aside, path); err != nil {
		_ = os.Remove(aside) // as above
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// fill writes a file anew and flushes it.
func fill(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode) //nolint:gosec // the caller's own path
	if err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil { // a leftover keeps its mode, and the umask takes from a new one
		return errors.Join(err, f.Close())
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// SyncDir makes creations, renames and removals in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the caller's own path
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
