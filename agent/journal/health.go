package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/okienko/okienko/agent/atomicfile"
)

// State says in one word how the journal is.
type State string

// The states, from good to bad.
const (
	// StateOK means that both copies are written.
	StateOK State = "ok"
	// StateBallastFreed means that the disk was full; the ballast is gone and some hundred tickets still fit.
	StateBallastFreed State = "ballast-freed"
	// StateFull means that the disk is full even without the ballast. Nothing can be appended.
	StateFull State = "full"
	// StateReadOnly means that the disk is read-only. Reading goes on.
	StateReadOnly State = "read-only"
	// StateFailed means that the disk refuses data or the file is damaged. Reading goes on as far as it can.
	StateFailed State = "failed"
)

// Health is what the administrator should see.
type Health struct {
	State State
	// Detail is the last error, empty when there is none.
	Detail string
	// Doubtful says that the outcome of an Append is unknown and Recover has not succeeded yet.
	Doubtful bool
	// LedgerBehind is how many records the ledger lacks; LedgerError says why.
	LedgerBehind uint64
	LedgerError  string
	// Repaired counts the damaged records put right from the ledger since Open.
	Repaired uint64
}

const (
	// pressureLedgerDays are the ledger files kept when the disk is full: the 30 days of 4-sync and today.
	pressureLedgerDays = 31
	retryInterval      = 10 * time.Second
	ballastChunk       = 64 << 10
)

// Health returns the present state.
func (j *Journal) Health() Health {
	j.mu.Lock()
	defer j.mu.Unlock()
	h := j.health
	h.Doubtful = j.pending != nil
	if j.store != nil && j.ledger != nil && j.ledger.next <= j.store.last {
		h.LedgerBehind = j.store.last - j.ledger.next + 1
	}
	if j.ledger != nil && j.ledger.err != nil {
		h.LedgerError = j.ledger.err.Error()
	}
	return h
}

// note sets the state after an error, or after a commit that went well.
func (j *Journal) note(err error) {
	old := j.health.State
	j.health.Detail = ""
	switch {
	case err == nil && j.ballastFreed:
		j.health.State = StateBallastFreed
	case err == nil:
		j.health.State = StateOK
	case errors.Is(err, ErrFull):
		j.health.State = StateFull
	case errors.Is(err, ErrReadOnly):
		j.health.State = StateReadOnly
	default:
		j.health.State = StateFailed
	}
	if err != nil {
		j.health.Detail = err.Error()
	}
	if j.health.State != old {
		j.log.Warn("journal state changed", "from", string(old), "to", string(j.health.State), "error", err)
		j.wake()
	}
}

// room says whether a commit may be tried, after freeing the ballast if need be.
func (j *Journal) room() bool {
	need := j.minFree + 4*uint64(len(j.buf))
	enough := func() bool {
		free, known := freeBytes(j.opts.Dir)
		return !known || j.minFree == 0 || free >= need
	}
	if enough() || (j.freeBallast() && enough()) {
		return true
	}
	j.note(ErrFull)
	return false
}

// freeBallast gives the ballast back to the disk, and old logs with it. It says whether there was a ballast.
func (j *Journal) freeBallast() bool {
	if os.Remove(filepath.Join(j.opts.Dir, ballastName)) != nil {
		return false
	}
	j.ballastFreed = true
	pruneQuarantine(j.opts.Dir, 1, "")
	removed := pruneLedger(j.opts.Dir, pressureLedgerDays)
	// Some file systems give blocks back only with their own commit, which this brings about.
	if err := atomicfile.SyncDir(j.opts.Dir); err != nil {
		j.log.Warn("ballast freed but folder not synced", "error", err)
	}
	j.log.Warn("disk full, ballast freed", "old_ledger_files_removed", removed)
	j.note(nil)
	return true
}

// makeBallast creates the ballast if it is missing and at least as much would still be free beside it.
func (j *Journal) makeBallast(ctx context.Context) {
	size := j.opts.BallastBytes
	path := filepath.Join(j.opts.Dir, ballastName)
	if info, err := os.Lstat(path); size <= 0 || (err == nil && info.Size() == size) {
		return
	}
	free, known := freeBytes(j.opts.Dir)
	if !known || free < 2*uint64(size)+minFree {
		j.noBallast()
		return
	}
	if err := writeBallast(ctx, path, size); err != nil {
		j.log.Warn("ballast not written", "error", err)
		_ = os.Remove(path + asideSuffix) // it must not eat the space it was to reserve
		j.noBallast()
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ballastFreed = false
	if j.health.State == StateBallastFreed || j.health.State == StateFull {
		j.note(nil)
	}
}

// noBallast shows that there is no room for the ballast.
func (j *Journal) noBallast() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ballastFreed = true
	if j.health.State == StateOK {
		j.note(nil)
	}
}

// writeBallast writes real blocks: a file with a hole would reserve nothing. The bytes are not zeros, since
// some flash and file systems store zeros as nothing.
func writeBallast(ctx context.Context, path string, size int64) error {
	f, err := os.OpenFile(path+asideSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return fmt.Errorf("write ballast: %w", err)
	}
	chunk := make([]byte, ballastChunk)
	for i := range chunk {
		chunk[i] = byte(i*i>>3) ^ 0xa5 //nolint:gosec // any byte will do
	}
	for left := size; left > 0 && err == nil; left -= int64(len(chunk)) {
		_, err = f.Write(chunk[:min(left, int64(len(chunk)))])
		err = errors.Join(err, ctx.Err())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write ballast: %w", err)
	}
	if err := os.Rename(path+asideSuffix, path); err != nil {
		return fmt.Errorf("write ballast: %w", err)
	}
	return nil
}

// wake asks the background goroutine to flush soon. It never blocks: one request pending is enough.
func (j *Journal) wake() {
	select {
	case j.kick <- struct{}{}:
	default:
	}
}

// run syncs the ledger and the cursors at most LedgerSync after they changed and restores the ballast. It
// sleeps without a timer while there is nothing to do.
func (j *Journal) run(ctx context.Context) {
	defer close(j.done)
	j.makeBallast(ctx)
	for {
		var retry <-chan time.Time
		if j.needsRetry() {
			retry = time.After(retryInterval)
		}
		select {
		case <-ctx.Done():
			return
		case <-retry:
			j.makeBallast(ctx)
		case <-j.kick:
			select {
			case <-ctx.Done():
				return
			case <-time.After(j.opts.LedgerSync):
			}
		}
		j.flush(ctx)
	}
}

func (j *Journal) needsRetry() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ballastFreed || j.ledger.err != nil
}

// flush writes cursors, fills and syncs the ledger. Appends go on while the ledger is synced.
func (j *Journal) flush(ctx context.Context) {
	j.mu.Lock()
	if j.store == nil || j.store.db.IsReadOnly() {
		j.mu.Unlock()
		return
	}
	if err := j.flushCursors(ctx); err != nil {
		j.log.Error("cursors not written", "error", err)
	}
	if j.store != nil {
		j.catchUpLedger()
	}
	l := j.ledger
	if !l.dirty() {
		j.mu.Unlock()
		return
	}
	file, size, next, created := l.file, l.size, l.next, l.created
	j.mu.Unlock()

	err := l.flush(file, created)

	j.mu.Lock()
	defer j.mu.Unlock()
	if err := l.synced(file, size, next, err); err != nil {
		j.log.Error("ledger not synced", "error", err)
	}
}
