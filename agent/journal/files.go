package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/okienko/okienko/agent/atomicfile"
)

// Names inside the data directory. journal.db and ledger/ are promised to outsiders.
const (
	dbName          = "journal.db"
	ledgerName      = "ledger"
	quarantineName  = "quarantine"
	lockName        = "journal.lock"
	provisionedName = "journal.provisioned"
	cleanName       = "journal.clean"
	doubtName       = "journal.doubt"
	ballastName     = "ballast"
	asideSuffix     = atomicfile.Aside
)

const (
	fileMode = 0o600
	dirMode  = 0o700
	// quarantineKeep is how many damaged files are kept for the administrator; more would fill the card.
	quarantineKeep = 2
	// headBytes covers both meta pages of a bbolt file with pages of 4 KiB; they change with every commit.
	headBytes    = 8 << 10
	lockInterval = 20 * time.Millisecond
)

// provisioned is the content of the file that says that this directory has held a journal.
type provisioned struct {
	Format int `json:"format"`
}

// cleanStop is the content of the file that Close leaves. It vouches for exactly one state of journal.db.
type cleanStop struct {
	Last uint64 `json:"last"`
	Size int64  `json:"size"`
	Head uint32 `json:"head"`
}

// lockDir takes the lock of the directory, exclusively or shared, and holds it until the returned file is
// closed. bbolt's own lock would not do: it must be free while the child process verifies.
func lockDir(dir string, exclusive bool, timeout time.Duration) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if errors.Is(err, syscall.EROFS) {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	how := syscall.LOCK_SH | syscall.LOCK_NB
	if exclusive {
		how = syscall.LOCK_EX | syscall.LOCK_NB
	}
	for start := time.Now(); ; time.Sleep(lockInterval) {
		err = syscall.Flock(int(f.Fd()), how) //nolint:gosec // a descriptor fits an int
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		if time.Since(start) >= timeout {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, ErrLocked), f.Close())
		}
	}
}

// syncFile flushes what the page cache holds of a file, also what an earlier process wrote and died.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("sync file: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// removeDurably removes name from dir, and it stays removed after a power cut. A missing file is no error.
func removeDurably(dir, name string) error {
	err := os.Remove(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return atomicfile.SyncDir(dir)
}

// readProvisioned says whether the directory was provisioned. A marker that cannot be parsed counts as present.
func readProvisioned(dir string) (bool, error) {
	b, err := os.ReadFile(filepath.Join(dir, provisionedName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", provisionedName, err)
	}
	var p provisioned
	if json.Unmarshal(b, &p) == nil && p.Format > Format {
		return true, fmt.Errorf("format %d: %w", p.Format, ErrNewerFormat)
	}
	return true, nil
}

func writeProvisioned(dir string) error {
	b, err := json.Marshal(provisioned{Format: Format})
	if err != nil {
		return fmt.Errorf("encode %s: %w", provisionedName, err)
	}
	return atomicfile.Write(filepath.Join(dir, provisionedName), append(b, '\n'), fileMode)
}

// measure describes journal.db as it is now, for cleanStop.
func measure(dir string, last uint64) (cleanStop, error) {
	f, err := os.Open(filepath.Join(dir, dbName))
	if err != nil {
		return cleanStop{}, fmt.Errorf("measure journal: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return cleanStop{}, fmt.Errorf("measure journal: %w", err)
	}
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return cleanStop{}, fmt.Errorf("measure journal: %w", err)
	}
	return cleanStop{Last: last, Size: info.Size(), Head: crc32.Checksum(head[:n], castagnoli())}, nil
}

// readClean returns the mark of a clean stop if there is one and it vouches for journal.db as it is now.
// known says that there is a mark at all, whose Last is then at least a lower bound of what the journal
// held.
func readClean(dir string) (mark cleanStop, valid, known bool) {
	b, err := os.ReadFile(filepath.Join(dir, cleanName))
	if err != nil || json.Unmarshal(b, &mark) != nil {
		return cleanStop{}, false, false
	}
	now, err := measure(dir, mark.Last)
	return mark, err == nil && now == mark, true
}

func writeClean(dir string, last uint64) error {
	mark, err := measure(dir, last)
	if err != nil {
		return err
	}
	b, err := json.Marshal(mark)
	if err != nil {
		return fmt.Errorf("encode %s: %w", cleanName, err)
	}
	return atomicfile.Write(filepath.Join(dir, cleanName), append(b, '\n'), fileMode)
}

// quarantine moves a damaged file or folder of dir aside under a name with the time, keeps the newest
// quarantineKeep, and returns the new path.
func quarantine(dir, name string, now time.Time) (string, error) {
	folder := filepath.Join(dir, quarantineName)
	if err := os.MkdirAll(folder, dirMode); err != nil {
		return "", fmt.Errorf("quarantine %s: %w", name, err)
	}
	stamp := now.UTC().Format("20060102T150405.000")
	target := filepath.Join(folder, stamp+"-"+name)
	for i := 1; ; i++ {
		if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
			break
		}
		target = filepath.Join(folder, fmt.Sprintf("%s-%d-%s", stamp, i, name))
	}
	if err := os.Rename(filepath.Join(dir, name), target); err != nil {
		return "", fmt.Errorf("quarantine %s: %w", name, err)
	}
	pruneQuarantine(dir, quarantineKeep, target)
	return target, errors.Join(atomicfile.SyncDir(folder), atomicfile.SyncDir(dir))
}

// pruneQuarantine removes all but the newest keep entries; spare is kept whatever its name says, since a
// clock that was reset to 1970 makes the newest look oldest. What cannot be removed stays: it only costs
// space.
func pruneQuarantine(dir string, keep int, spare string) {
	folder := filepath.Join(dir, quarantineName)
	names, err := listNames(folder)
	if err != nil {
		return
	}
	names = slices.DeleteFunc(names, func(n string) bool { return filepath.Join(folder, n) == spare })
	if spare != "" {
		keep--
	}
	for _, n := range names[:max(0, len(names)-max(0, keep))] {
		_ = os.RemoveAll(filepath.Join(folder, n)) // best effort, see above
	}
}

// removeAsides removes what an interrupted creation or replacement left behind.
func removeAsides(dir string) {
	names, err := listNames(dir)
	if err != nil {
		return
	}
	for _, n := range names {
		if strings.HasSuffix(n, asideSuffix) {
			_ = os.Remove(filepath.Join(dir, n)) // a leftover is harmless: it is truncated before use
		}
	}
}

// listNames returns the sorted names in a folder; a missing folder is empty.
func listNames(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list folder: %w", err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// freeBytes says how much an unprivileged process may still write to the disk of dir. ok is false when unknown.
func freeBytes(dir string) (free uint64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true //nolint:gosec,unconvert // a block size is positive; its type varies by GOARCH
}
