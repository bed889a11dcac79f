package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/okienko/okienko/agent/atomicfile"
)

// ledger appends frames to the file of their day. Journal.mu guards everything but the fsync itself.
//
// It follows the bbolt file like a reader with a cursor: next is the number it wants. When a write or a
// sync fails, next goes back to what is surely in the file, and the missing records are copied from the
// bbolt file later.
type ledger struct {
	dir string
	// keep is how many of the newest files stay when a new day begins.
	keep int
	// next is the number of the record to be written next, 0 before the first one is known.
	next uint64
	// day and file are the file being written; size is where its last whole frame ends.
	day  string
	file *os.File
	size int64
	// synced* is the state after the last successful sync of file.
	syncedNext uint64
	syncedSize int64
	created    bool
	err        error
	// syncMu keeps file open while it is synced outside Journal.mu.
	syncMu sync.Mutex
}

// write appends frames, given by their bytes and the end of each, to the file of day. Days never go back: a
// record of an older day goes to the present file, so that the order of files is the order of records.
func (l *ledger) write(first uint64, day string, raw []byte, count int) error {
	if l.next != 0 && first != l.next {
		return fmt.Errorf("ledger wants record %d, not %d: %w", l.next, first, ErrSequence)
	}
	if err := l.rotate(max(day, l.day)); err != nil {
		return l.fail(err)
	}
	n, err := l.file.WriteAt(raw, l.size)
	if err != nil || n < len(raw) {
		// Readers step over a torn frame; removing it is tidier, and if it fails the next write goes over it.
		_ = l.file.Truncate(l.size)
		return l.fail(fmt.Errorf("write ledger: %w", err))
	}
	l.size += int64(n)
	l.next = first + uint64(count) //nolint:gosec // count is the length of a batch
	l.err = nil
	return nil
}

func (l *ledger) fail(err error) error {
	l.err = classify(err)
	return l.err
}

// rotate makes day's file the one being written. The file before it is synced first, so that what is not
// yet synced is always in the present file.
func (l *ledger) rotate(day string) error {
	if day == "" {
		day = undated
	}
	if l.file != nil && day == l.day {
		return nil
	}
	if l.file != nil {
		if err := l.sync(); err != nil {
			return err
		}
		if err := l.close(); err != nil {
			return err
		}
	}
	path := filepath.Join(l.dir, day+".log")
	_, err := os.Lstat(path)
	l.created = errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open ledger: %w", err), f.Close())
	}
	l.syncMu.Lock()
	l.file = f
	l.syncMu.Unlock()
	l.day, l.size = day, info.Size()
	l.syncedNext, l.syncedSize = l.next, l.size
	if l.created {
		pruneLedger(filepath.Dir(l.dir), l.keep)
	}
	return nil
}

// dirty says whether there is something to sync.
func (l *ledger) dirty() bool {
	return l.file != nil && (l.created || l.size != l.syncedSize)
}

// sync makes everything written durable; the caller holds Journal.mu. A failed sync may have dropped what
// was written (Linux marks such pages clean), so the ledger goes back to the last sync and is filled from
// the bbolt file again.
func (l *ledger) sync() error {
	if !l.dirty() {
		return nil
	}
	return l.synced(l.file, l.size, l.next, l.flush(l.file, l.created))
}

// flush does the fsync; it needs no lock but its own.
func (l *ledger) flush(f *os.File, created bool) error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if l.file != f {
		return nil // rotated meanwhile, and synced by that
	}
	err := f.Sync()
	if err == nil && created {
		err = atomicfile.SyncDir(l.dir)
	}
	if err != nil {
		return fmt.Errorf("sync ledger: %w", err)
	}
	return nil
}

// synced notes the result of a flush of file as it was with this size and next number.
func (l *ledger) synced(file *os.File, size int64, next uint64, err error) error {
	if l.file != file {
		return err
	}
	if err != nil {
		if l.syncedNext != 0 {
			_ = l.file.Truncate(l.syncedSize) // what cannot be removed is written over
			l.size, l.next = l.syncedSize, l.syncedNext
		}
		return l.fail(err)
	}
	l.syncedSize, l.syncedNext, l.created = size, next, false
	return nil
}

func (l *ledger) close() error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	if err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

// ledgerTail is what the end of the ledger looks like.
type ledgerTail struct {
	// last is the number of the last valid frame, 0 for none, and crc its checksum.
	last uint64
	crc  uint32
	// path is the newest file with a valid frame, end where its last one ends, size how large the file is.
	path      string
	end, size int64
}

// readTail finds the last valid frame of the ledger. It reads only the newest file, unless that holds none.
func readTail(paths []string) (ledgerTail, error) {
	for _, path := range slices.Backward(paths) {
		t := ledgerTail{path: path}
		for at, err := range scanFile(path) {
			if err != nil {
				return ledgerTail{}, err
			}
			t.last, t.crc, t.end = at.Seq, at.crc, at.end
		}
		if t.last == 0 {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return ledgerTail{}, fmt.Errorf("read ledger: %w", err)
		}
		t.size = info.Size()
		return t, nil
	}
	return ledgerTail{}, nil
}

// cutTorn removes the torn frame that a power cut left at the end of the ledger, and every newer file,
// which can only hold torn frames. Nothing valid follows, so nothing is lost.
func cutTorn(paths []string, t ledgerTail) (cut bool, err error) {
	for i := len(paths) - 1; i >= 0 && paths[i] != t.path; i-- {
		if err := os.Remove(paths[i]); err != nil {
			return cut, fmt.Errorf("remove torn ledger: %w", err)
		}
		cut = true
	}
	if t.path == "" || t.size == t.end {
		return cut, nil
	}
	if err := os.Truncate(t.path, t.end); err != nil {
		return cut, fmt.Errorf("cut torn ledger: %w", err)
	}
	return true, nil
}

// pruneLedger removes the oldest files beyond keep. Failing to is no error: it only costs space.
func pruneLedger(dir string, keep int) (removed int) {
	paths, err := ledgerFiles(dir)
	if err != nil {
		return 0
	}
	for _, path := range paths[:max(0, len(paths)-keep)] {
		if os.Remove(path) == nil {
			removed++
		}
	}
	return removed
}
