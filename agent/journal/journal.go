package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Options says where a journal lives and how it is kept. The zero value of each field but Dir and Logger
// has a default.
type Options struct {
	// Dir is the data directory of the branch. It is created if missing.
	Dir string
	// Logger gets what is repaired or goes wrong in the background. It must not be nil.
	Logger *slog.Logger
	// VerifyCommand is the command line, before depth and path, of the process that runs VerifyMain. Default: this
	// program with the arguments "journal verify-file"; it must then call VerifyChild first.
	VerifyCommand []string
	// VerifyTimeout is the longest silence of that process before it counts as hung. Default 10 s.
	VerifyTimeout time.Duration
	// LockTimeout is how long Open waits for another process to let go. Default 1.5 s.
	LockTimeout time.Duration
	// BallastBytes is the size of the file that is freed when the disk is full. 0 means 16 MiB, negative none.
	BallastBytes int64
	// LedgerSync is the longest time that a record stands in the ledger unsynced, and a cursor unwritten.
	// Default 1 s.
	LedgerSync time.Duration
	// KeepLedgerDays is how many of the newest ledger files are kept. Default 400.
	KeepLedgerDays int

	// lightAbove is the size above which a cleanly stopped file is verified lightly. A damaged branch page may
	// then stay unnoticed until a read or the next full verification meets it; Read never returns wrong data
	// for that.
	lightAbove int64
}

// Report says what Open found and did, so that the engine can journal it and the administrator can see it.
type Report struct {
	// Fresh says that a new journal was created.
	Fresh bool
	// CleanStop says that the journal had been closed and not touched since.
	CleanStop bool
	// Verified is how deeply the file was verified, empty if there was none to verify.
	Verified Depth
	// Damage says in words why the file could not be used; empty when it could.
	Damage string
	// Quarantined is the path of the kept copy of the damaged file.
	Quarantined string
	// RestoredFromLedger counts the records of a rebuilt journal that came from the ledger, FilledFromDamaged
	// those found loose in the damaged file and proved by the chain of checksums.
	RestoredFromLedger, FilledFromDamaged int
	// CaughtUp counts the records that the bbolt file had lost though it looked whole (a card that lies about
	// fsync).
	CaughtUp int
	// LedgerCaughtUp counts the records that the ledger lacked.
	LedgerCaughtUp int
	// LedgerTorn says that a torn frame was cut off the end of the ledger.
	LedgerTorn bool
	// LedgerDiverged says that the ledger contradicted the journal and was set aside and written anew.
	LedgerDiverged bool
	// Repaired and Unreadable are single damaged records: put right from the ledger, or not. Read fails at the
	// latter.
	Repaired, Unreadable []uint64
	// MayMissTail says that records of the last second before the stop may be missing, acknowledged ones among
	// them. Numbers must then continue above what one more second could have printed.
	MayMissTail bool
	// Leftover are records seen on the card that could not be restored, in no strict order, the newest 4,096
	// or more. Some may never have been committed. Numbers must continue above theirs.
	Leftover []Record
	// CursorsLost says that cursors start again from 0.
	CursorsLost bool
	// ReadOnly says that the disk accepts no writes: the journal can be read only.
	ReadOnly bool
	// First and Last are the numbers of the first and the last record, 0 when there are none.
	First, Last uint64
	// Took is how long Open took.
	Took time.Duration
}

// Journal is an open journal. See the package's documentation for its guarantees.
type Journal struct {
	opts Options
	log  *slog.Logger
	lock *os.File

	// mu is held by everything that writes.
	mu      sync.Mutex
	ledger  *ledger
	health  Health
	pending error // why the outcome of the last Append is unknown; only Recover clears it
	suspect error // why the file must be reopened before the next commit
	closed  bool
	buf     []byte
	ends    []int
	cursors map[string]uint64
	dirty   map[string]bool
	// checkpoint is the frame of one that is not in the file yet, nil for none.
	checkpoint []byte

	// dbMu keeps store open while a reader is in it, and guards last and first for readers.
	dbMu        sync.RWMutex
	store       *store
	first, last uint64
	shut        bool
	touched     atomic.Int64 // bytes of the file that came into memory since it was mapped

	minFree      uint64 // 0 in tests that want the disk itself to say no
	ballastFreed bool
	damaged      bool // a reader met damage: the next Open must verify fully

	kick   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// Append appends records as one commit: all of them or none. Their numbers must continue the journal. It
// returns nil when they are durable. ctx only ends the waiting for a verification after a full disk.
// Errors: ErrSequence, ErrTooLarge, ErrBadDay, ErrClosed, ErrFull, ErrReadOnly and ErrIO mean that nothing
// was appended, unless ErrUnknownOutcome is wrapped with them: then call Recover before anything else.
func (j *Journal) Append(ctx context.Context, recs []Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(recs) == 0 {
		return nil
	}
	if err := j.remap(); err != nil {
		j.log.Warn("journal not mapped anew", "error", err)
	}
	if err := j.ready(ctx); err != nil {
		return fmt.Errorf("append record %d: %w", recs[0].Seq, err)
	}
	if err := j.encode(recs); err != nil {
		return fmt.Errorf("append record %d: %w", recs[0].Seq, err)
	}
	if err := j.commit(ctx, recs[0].Seq); err != nil {
		return fmt.Errorf("append record %d: %w", recs[0].Seq, err)
	}
	j.extendLedger(recs)
	return nil
}

// ready says whether a commit may be tried.
func (j *Journal) ready(ctx context.Context) error {
	switch {
	case j.closed:
		return ErrClosed
	case j.pending != nil:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, j.pending)
	case j.suspect != nil || j.store == nil:
		// A commit of cursors alone failed, or a reopening; no record hangs on it, so the file is simply reopened.
		return j.reopen(ctx, true)
	case j.store.db.IsReadOnly():
		return ErrReadOnly
	}
	return nil
}

// encode makes the frames of recs in j.buf.
func (j *Journal) encode(recs []Record) error {
	want := j.store.last + 1
	crc := j.store.lastCRC
	j.buf, j.ends = j.buf[:0], j.ends[:0]
	for _, r := range recs {
		if r.Seq != want {
			return fmt.Errorf("record %d after %d: %w", r.Seq, want-1, ErrSequence)
		}
		var err error
		if j.buf, crc, err = appendFrame(j.buf, r, crc); err != nil {
			return err
		}
		j.ends = append(j.ends, len(j.buf))
		want++
	}
	return nil
}

// extendLedger writes the frames in j.buf to the ledger. It does not fail the Append, which is durable
// already: a ledger that cannot be written is shown by Health and filled from the bbolt file as soon as it
// can.
func (j *Journal) extendLedger(recs []Record) {
	first := recs[0].Seq
	if j.ledger.next != first {
		j.catchUpLedger()
	} else {
		start, from := 0, 0
		for i := range recs {
			if i+1 < len(recs) && recs[i+1].Day == recs[from].Day {
				continue
			}
			err := j.ledger.write(recs[from].Seq, recs[from].Day, j.buf[start:j.ends[i]], i+1-from)
			if err != nil {
				j.log.Error("ledger not written", "seq", recs[from].Seq, "error", err)
				break
			}
			start, from = j.ends[i], i+1
		}
	}
	if cap(j.buf) > MaxData {
		j.buf = nil
	}
	j.wake()
}

// catchUpLedger copies to the ledger what it lacks.
func (j *Journal) catchUpLedger() int {
	count := 0
	// Only what is surely committed: while an Append is in doubt, store.last is the end before it.
	for j.ledger.next <= j.store.last {
		frames, err := j.store.batch(j.ledger.next, j.store.last)
		for _, f := range frames {
			if err := j.ledger.write(f.Seq, f.Day, f.raw, 1); err != nil {
				j.log.Error("ledger not written", "seq", f.Seq, "error", err)
				return count
			}
			count++
		}
		if err != nil {
			j.log.Error("ledger not filled", "seq", j.ledger.next, "error", err)
			j.ledger.err = err
			return count
		}
	}
	return count
}

// First returns the number of the first record, 0 when there is none. It is above 1 only after a restore
// from a ledger whose oldest files had been pruned.
func (j *Journal) First() uint64 {
	j.dbMu.RLock()
	defer j.dbMu.RUnlock()
	return j.first
}

// Last returns the number of the last record known to be committed, 0 when there is none.
func (j *Journal) Last() uint64 {
	j.dbMu.RLock()
	defer j.dbMu.RUnlock()
	return j.last
}

// Read yields the records from number from (or the first, if that is later) to the last one committed when
// it gets there. Each batch is one short transaction, so a slow consumer holds nothing but one batch. A
// damaged record is put right from the ledger and logged. Otherwise the error is yielded last:
// *CorruptError, ErrDamaged, ErrClosed.
func (j *Journal) Read(from uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for next := max(from, j.First(), 1); ; {
			frames, err := j.fetch(next)
			for _, f := range frames {
				if !yield(f.Record, nil) {
					return
				}
			}
			next += uint64(len(frames))
			j.trim()
			if err != nil {
				j.noteRead(err)
				yield(Record{}, fmt.Errorf("read record %d: %w", next, err))
				return
			}
			if len(frames) == 0 {
				return
			}
		}
	}
}

// fetch returns the batch that begins with number next, after repairing its first record if that is damaged. If
// a later one is damaged it returns those before; the damaged one is then the first of the next batch.
func (j *Journal) fetch(next uint64) ([]frame, error) {
	frames, err := j.batch(next)
	bad, ok := errorsAsCorrupt(err)
	switch {
	case !ok:
		return frames, err
	case bad.Seq != next:
		return frames, nil //nolint:nilerr // the error comes again with the next batch
	}
	if err := j.repair(next); err != nil {
		return nil, err
	}
	frames, err = j.batch(next)
	if _, ok := errorsAsCorrupt(err); ok && len(frames) > 0 {
		return frames, nil
	}
	return frames, err
}

// batch reads from the store under its lock. It never shows a record whose commit is in doubt.
func (j *Journal) batch(from uint64) ([]frame, error) {
	j.dbMu.RLock()
	defer j.dbMu.RUnlock()
	if from > j.last && !j.shut {
		return nil, nil
	}
	if j.shut {
		return nil, ErrClosed
	}
	if j.store == nil {
		return nil, fmt.Errorf("%w: the file could not be reopened", ErrIO)
	}
	frames, err := j.store.batch(from, j.last)
	for _, f := range frames {
		j.touched.Add(int64(len(f.raw)))
	}
	return frames, err
}

// noteRead remembers that the file is damaged, so that the next Open verifies it fully.
func (j *Journal) noteRead(err error) {
	if !errors.Is(err, ErrDamaged) {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.damaged = true
	j.note(err)
}

func (j *Journal) repair(seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	if j.store == nil || j.store.db.IsReadOnly() || j.suspect != nil || j.pending != nil {
		return &CorruptError{Seq: seq}
	}
	if _, err := j.store.batch(seq, seq); err == nil {
		return nil // another reader was here first
	}
	if err := repair(j.opts.Dir, j.store, seq); err != nil {
		if _, ok := errorsAsCorrupt(err); !ok {
			j.suspect = err
		}
		return err
	}
	j.health.Repaired++
	j.log.Warn("damaged record restored from the ledger", "seq", seq)
	return nil
}
