package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/okienko/okienko/agent/atomicfile"
)

// minFree is how much must be free before a commit is tried, besides four times the batch: its pages, the
// freelist and the ledger. A commit not tried has no unknown outcome.
const minFree = 64 << 10

// commit writes the frames in j.buf, which begin with number first.
func (j *Journal) commit(ctx context.Context, first uint64) error {
	last := first + uint64(len(j.ends)) - 1
	j.spareCheckpoint()
	if !j.room() {
		return fmt.Errorf("%w: %w", ErrFull, syscall.ENOSPC)
	}
	for attempt := 0; ; attempt++ {
		err := classify(j.store.put(first, j.buf, j.ends, j.riders()))
		if err == nil {
			j.committed()
			return nil
		}
		if !errors.Is(err, ErrFull) {
			return j.doubt(err)
		}
		lighter := j.checkpoint != nil
		j.checkpoint = nil // it must not cost a ticket
		// The write that found no room came before the meta page, so most probably nothing happened; but only the
		// reopened file may say so.
		freed := j.freeBallast()
		if reopenErr := j.reopen(ctx, false); reopenErr != nil {
			return j.doubt(errors.Join(err, reopenErr))
		}
		if j.store.last >= last {
			if settleErr := j.reopen(ctx, true); settleErr != nil {
				return j.doubt(errors.Join(err, settleErr))
			}
			j.committed()
			return nil
		}
		if !freed && !lighter || attempt > 0 {
			j.note(err)
			return err
		}
	}
}

// committed publishes the batch to readers.
func (j *Journal) committed() {
	j.landed()
	j.touched.Add(int64(len(j.buf)))
	j.dbMu.Lock()
	j.first, j.last = j.store.first, j.store.last
	j.dbMu.Unlock()
	if j.health.State != StateOK {
		j.note(nil)
	}
}

// doubt notes that the outcome of an Append is unknown. The mark on disk makes the next Open distrust the
// page cache; on a disk that refuses it, nothing more can be done.
func (j *Journal) doubt(err error) error {
	j.pending = err
	j.note(err)
	_ = os.WriteFile(filepath.Join(j.opts.Dir, doubtName), nil, fileMode) // see above
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// Recover finds out what became of an Append that returned ErrUnknownOutcome. It closes the file, verifies
// it in a child process, writes it anew (a failed fsync may leave pages in memory that are not on the
// disk), and opens it again. With a nil error last is the true and durable end of the journal: if it is the
// last number of the batch, the batch is committed; if it is the number before its first, the batch does
// not exist. With an error nothing is known yet; call again later, or on ErrDamaged close and Open. Readers
// go on meanwhile and never see the batch in doubt.
func (j *Journal) Recover(ctx context.Context) (last uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return 0, fmt.Errorf("recover journal: %w", ErrClosed)
	}
	if j.pending == nil && j.suspect == nil {
		return j.store.last, nil
	}
	if err := j.reopen(ctx, true); err != nil {
		return j.last, fmt.Errorf("recover journal: %w", err)
	}
	if err := removeDurably(j.opts.Dir, doubtName); err != nil {
		return j.last, fmt.Errorf("recover journal: %w", classify(err))
	}
	j.pending = nil
	j.committed()
	if n := j.catchUpLedger(); n > 0 {
		j.wake()
	}
	j.log.Warn("journal reopened after a failed commit", "last", j.store.last)
	return j.store.last, nil
}

// reopen closes, verifies and opens the file. With settle the whole file is written to new places first, so
// that what is then read is on the disk. On failure j.suspect is set and readers keep what they have, as
// far as it can be opened.
func (j *Journal) reopen(ctx context.Context, settle bool) error {
	j.suspect = ErrDamaged // replaced below; it stands if this function panics
	if err := probe(j.opts.Dir); err != nil && !errors.Is(classify(err), ErrFull) {
		j.suspect = classify(err)
		j.note(j.suspect)
		return j.suspect
	}
	j.dbMu.Lock()
	defer j.dbMu.Unlock()
	if j.store != nil {
		j.store.close()
		j.store = nil
	}
	err := j.verifyAgain(ctx)
	if err == nil {
		err = settleFile(j.opts.Dir, settle)
		if errors.Is(classify(err), ErrFull) && j.freeBallast() {
			err = settleFile(j.opts.Dir, settle)
		}
		var openErr error
		// A disk that does not let the file settle may still let it be read.
		j.store, openErr = openStore(j.opts.Dir, err != nil, j.opts.LockTimeout)
		err = errors.Join(err, openErr)
	}
	if err != nil {
		j.suspect = classify(err)
		j.note(j.suspect)
		return j.suspect
	}
	j.suspect = nil
	return nil
}

func (j *Journal) verifyAgain(ctx context.Context) error {
	path := filepath.Join(j.opts.Dir, dbName)
	result, err := verifyChild(ctx, j.opts.VerifyCommand, DepthFull, path, j.opts.VerifyTimeout)
	if err != nil {
		return err
	}
	if result.Verdict != VerdictOK {
		return fmt.Errorf("%w: %s", ErrDamaged, result.Detail)
	}
	return nil
}

// settleFile makes journal.db as the page cache shows it durable: by writing a copy and renaming it over
// the file if an fsync has failed before, else by one more fsync.
func settleFile(dir string, failed bool) error {
	path := filepath.Join(dir, dbName)
	if !failed {
		return syncFile(path)
	}
	if err := copyFile(path, path+asideSuffix); err != nil {
		_ = os.Remove(path + asideSuffix) // give its space back
		return err
	}
	if err := os.Rename(path+asideSuffix, path); err != nil {
		return fmt.Errorf("replace journal: %w", err)
	}
	return atomicfile.SyncDir(dir)
}

// probe says whether the disk takes data at all, without touching the journal.
func probe(dir string) error {
	path := filepath.Join(dir, "journal.probe"+asideSuffix)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return fmt.Errorf("probe disk: %w", err)
	}
	_, err = f.WriteString("okienko")
	if err = errors.Join(err, f.Sync(), f.Close(), os.Remove(path)); err != nil {
		return fmt.Errorf("probe disk: %w", err)
	}
	return nil
}
