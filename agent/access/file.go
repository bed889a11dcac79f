package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// secretMode is the mode of both files: only the agent's user reads them.
const secretMode = 0o600

// stamp tells whether a file has changed since it was read: a rename gives a new inode, and a
// write in place another time or size.
type stamp struct{ info fs.FileInfo }

func (s stamp) same(now fs.FileInfo) bool {
	if s.info == nil || now == nil {
		return s.info == nil && now == nil
	}
	return os.SameFile(s.info, now) && s.info.Size() == now.Size() && s.info.ModTime().Equal(now.ModTime())
}

// statOrNil gives nil when the file does not exist.
func statOrNil(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // a missing file is an ordinary answer here
	}
	return info, err
}

// readJSON reads the file into v, strictly; a missing file leaves v as it is.
func readJSON(path string, v any) error {
	f, err := os.Open(path) //nolint:gosec // the path is made of the data directory and a constant
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// writeJSON replaces the file by v so that a power cut leaves the old or the new one, whole.
func writeJSON(path string, v any) (err error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err = fillAndSync(f, append(data, '\n')); err != nil {
		return err
	}
	if err = ownAs(dir, f.Name()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func fillAndSync(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return errors.Join(err, f.Chmod(secretMode), f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the data directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ownAs gives the file to the owner of the directory: root makes tokens for an agent that runs
// as another user and could not read a file of root's.
func ownAs(dir, name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(name, int(owner.Uid), int(owner.Gid))
}

// locked runs f while no other process changes the files of dir.
func locked(dir string, f func() error) (err error) {
	lock, err := os.OpenFile(filepath.Join(dir, "access.lock"), os.O_CREATE|os.O_RDWR, secretMode) //nolint:gosec // ours
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // closing releases the lock
	if err := ownAs(dir, lock.Name()); err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { //nolint:gosec // a small number
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	return f()
}
