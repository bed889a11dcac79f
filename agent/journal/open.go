package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Open opens the journal of a branch, creating it if the directory never held one, and verifying, repairing
// or restoring it as needed. The Report is meaningful also with an error. Errors: ErrLocked within
// LockTimeout, ErrLost, ErrNewerFormat, ErrVerifier, or what the disk said. On a read-only disk a sound
// journal opens for reading, see Report.ReadOnly. ctx bounds Open only; Close ends the journal.
func Open(ctx context.Context, opts Options) (*Journal, Report, error) {
	began := time.Now()
	o := opener{opts: withDefaults(opts)}
	j, err := o.open(ctx)
	if err != nil && errors.Is(classify(err), ErrFull) && os.Remove(filepath.Join(opts.Dir, ballastName)) == nil {
		// The first thing that found no room may have been one of Open's own; the ballast is for that too.
		opts.Logger.Warn("disk full, ballast freed to open the journal")
		err = o.unlock(nil)
		o = opener{opts: o.opts}
		if err == nil {
			j, err = o.open(ctx)
		}
	}
	o.report.Took = time.Since(began)
	if err != nil {
		return nil, o.report, fmt.Errorf("open journal in %s: %w", opts.Dir, o.unlock(err))
	}
	return j, o.report, nil
}

func withDefaults(o Options) Options {
	const (
		ballast    = 16 << 20
		ledgerDays = 400
		verify     = 10 * time.Second
		lock       = 1500 * time.Millisecond
		// Ten days of records; checking more in full would delay a Raspberry Pi by more than half a second.
		lightSize = 16 << 20
	)
	if len(o.VerifyCommand) == 0 {
		o.VerifyCommand = defaultVerifyCommand()
	}
	o.VerifyTimeout = cmp.Or(o.VerifyTimeout, verify)
	o.LockTimeout = cmp.Or(o.LockTimeout, lock)
	o.BallastBytes = cmp.Or(o.BallastBytes, ballast)
	o.LedgerSync = cmp.Or(o.LedgerSync, time.Second)
	o.KeepLedgerDays = cmp.Or(o.KeepLedgerDays, ledgerDays)
	o.lightAbove = cmp.Or(o.lightAbove, lightSize)
	return o
}

// opener is the state of one Open.
type opener struct {
	opts   Options
	report Report
	lock   *os.File
	// bad are single damaged records that the verification named.
	bad []uint64
}

// unlock gives the lock back after a failure and returns err.
func (o *opener) unlock(err error) error {
	if o.lock == nil {
		return err
	}
	return errors.Join(err, o.lock.Close())
}

func (o *opener) open(ctx context.Context) (*Journal, error) {
	if os.Getenv(childEnv) != "" {
		return nil, fmt.Errorf("%w: this process is itself a verifier; its program must call VerifyChild", ErrVerifier)
	}
	dir := o.opts.Dir
	if err := os.MkdirAll(filepath.Join(dir, ledgerName), dirMode); err != nil && !errors.Is(err, syscall.EROFS) {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	var err error
	if o.lock, err = lockDir(dir, true, o.opts.LockTimeout); err != nil {
		return nil, err
	}
	known, err := readProvisioned(dir)
	if err != nil {
		return nil, err
	}
	removeAsides(dir)
	o.report.ReadOnly = errors.Is(probe(dir), syscall.EROFS)
	if err := o.secure(ctx, known); err != nil {
		return nil, err
	}
	s, err := openStore(dir, o.report.ReadOnly, o.opts.LockTimeout)
	if err != nil {
		return nil, err
	}
	j, err := o.assemble(ctx, s, known)
	if err != nil {
		s.close()
		return nil, err
	}
	return j, nil
}

// secure leaves a verified journal.db in its place: the one that is there, a restored one, or a new one.
func (o *opener) secure(ctx context.Context, known bool) error {
	dir := o.opts.Dir
	mark, valid, marked := readClean(dir)
	o.report.CleanStop = valid
	info, err := os.Stat(filepath.Join(dir, dbName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		o.report.Damage = "journal.db is missing"
	case err != nil:
		return fmt.Errorf("look for journal: %w", err)
	case info.Size() == 0:
		o.report.Damage = "journal.db is empty"
	default:
		if err := o.verify(ctx, info.Size()); err != nil {
			return err
		}
		// From here on only a new clean stop may vouch for the file.
		if !o.report.ReadOnly {
			if err := removeDurably(dir, cleanName); err != nil {
				return err
			}
		}
		if o.report.Damage == "" {
			return nil
		}
	}
	paths, err := ledgerFiles(dir)
	if err != nil {
		return err
	}
	if t, err := readTail(paths); err != nil {
		return err
	} else if t.last == 0 && !known && (info == nil || info.Size() == 0) {
		o.report.Fresh, o.report.Damage = true, ""
		return buildFile(dir, func(*store) error { return nil })
	}
	last, err := restore(dir, &o.report)
	if err != nil {
		return err
	}
	o.report.CursorsLost = true
	o.report.MayMissTail = !marked || mark.Last > last
	return removeDurably(dir, cleanName)
}

// verify judges journal.db, which has this size. Damage is reported, not returned.
func (o *opener) verify(ctx context.Context, size int64) error {
	dir := o.opts.Dir
	if !o.report.ReadOnly {
		if err := o.settle(); err != nil {
			return err
		}
	}
	depth := DepthFull
	if o.report.CleanStop && size > o.opts.lightAbove {
		depth = DepthLight
	}
	o.report.Verified = depth
	path := filepath.Join(dir, dbName)
	result, err := verifyChild(ctx, o.opts.VerifyCommand, depth, path, o.opts.VerifyTimeout)
	if err != nil {
		return err
	}
	switch result.Verdict {
	case VerdictOK:
		o.bad = result.Bad
	case VerdictLocked:
		return ErrLocked
	case VerdictNewer:
		return fmt.Errorf("%w: %s", ErrNewerFormat, result.Detail)
	case VerdictDamaged:
		o.report.Damage = result.Detail
	}
	return nil
}

// settle makes durable what a process that died left in the page cache, before anybody acts on it.
func (o *opener) settle() error {
	dir := o.opts.Dir
	_, err := os.Lstat(filepath.Join(dir, doubtName))
	failed := err == nil
	err = settleFile(dir, failed)
	if failed && errors.Is(classify(errors.Join(err, ErrIO)), ErrFull) {
		o.opts.Logger.Warn("no room to write the journal anew after a failed sync")
		return syncFile(filepath.Join(dir, dbName))
	}
	if err != nil {
		return err
	}
	return removeDurably(dir, doubtName)
}

// assemble reconciles the two copies, repairs single records and starts the journal.
func (o *opener) assemble(ctx context.Context, s *store, known bool) (*Journal, error) {
	dir := o.opts.Dir
	j := &Journal{
		opts: o.opts, log: o.opts.Logger, lock: o.lock, store: s, minFree: minFree,
		health: Health{State: StateOK}, dirty: make(map[string]bool),
		kick: make(chan struct{}, 1), done: make(chan struct{}),
		ledger: &ledger{dir: filepath.Join(dir, ledgerName), keep: o.opts.KeepLedgerDays, next: s.last + 1},
	}
	if o.report.ReadOnly {
		j.health.State = StateReadOnly
	} else if err := o.mend(j, known); err != nil {
		return nil, err
	}
	var lost bool
	var err error
	if j.cursors, lost, err = s.cursors(); err != nil {
		return nil, err
	}
	o.report.CursorsLost = o.report.CursorsLost || lost
	j.first, j.last = s.first, s.last
	o.report.First, o.report.Last = s.first, s.last
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	j.cancel = cancel
	go j.run(runCtx)
	return j, nil
}

// mend writes what Open has to write.
func (o *opener) mend(j *Journal, known bool) error {
	dir := o.opts.Dir
	if !known {
		if err := writeProvisioned(dir); err != nil {
			return err
		}
	}
	for _, seq := range o.bad {
		err := repair(dir, j.store, seq)
		if _, corrupt := errorsAsCorrupt(err); corrupt {
			o.report.Unreadable = append(o.report.Unreadable, seq)
		} else if err != nil {
			return err
		} else {
			o.report.Repaired = append(o.report.Repaired, seq)
		}
	}
	next, err := reconcile(dir, j.store, &o.report)
	if err != nil {
		return err
	}
	j.ledger.next = next
	if paths, err := ledgerFiles(dir); err == nil && len(paths) > 0 {
		day := filepath.Base(paths[len(paths)-1])
		j.ledger.day = day[:len(day)-len(".log")]
	}
	o.report.LedgerCaughtUp = j.catchUpLedger()
	pruneLedger(dir, o.opts.KeepLedgerDays)
	if err := j.ledger.sync(); err != nil {
		j.log.Error("ledger not synced", "error", err)
	}
	return nil
}

// Close writes the cursors, syncs the ledger, closes the files and marks the stop as clean, unless the last
// commit failed. It returns when the journal's goroutine has ended. Closing twice is no error.
func (j *Journal) Close() error {
	j.cancel()
	<-j.done
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	sound := j.pending == nil && j.suspect == nil && j.store != nil && !j.store.db.IsReadOnly()
	var err error
	if sound {
		err = j.flushCursors(context.Background())
		sound = err == nil
		err = errors.Join(err, j.ledger.sync())
	}
	j.closed = true
	err = errors.Join(err, j.ledger.close())
	j.dbMu.Lock()
	if j.store != nil {
		j.store.close()
		j.store = nil
	}
	j.shut = true
	j.dbMu.Unlock()
	if sound && !j.damaged {
		err = errors.Join(err, writeClean(j.opts.Dir, j.last))
	}
	if err = errors.Join(err, j.lock.Close()); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// errorsAsCorrupt finds a *CorruptError in err.
func errorsAsCorrupt(err error) (*CorruptError, bool) {
	return errors.AsType[*CorruptError](err)
}

// copyFile writes a synced copy.
func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy journal: %w", err)
	}
	defer func() { _ = src.Close() }() // only read
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return fmt.Errorf("copy journal: %w", err)
	}
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Sync(), dst.Close()); err != nil {
		return fmt.Errorf("copy journal: %w", err)
	}
	return nil
}
