package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"
)

// Source says which copy an answer about a data directory comes from.
type Source string

// The sources.
const (
	// SourceJournal is journal.db.
	SourceJournal Source = "journal"
	// SourceLedger is the ledger: the journal is in use, or cannot be trusted.
	SourceLedger Source = "ledger"
)

// Dumped is an open view of a data directory for tools. Close it.
type Dumped struct {
	// Source is where the records come from, and Why says why it is not the journal.
	Source Source
	Why    string

	dir  string
	lock *os.File
	db   *store
}

// Dump opens the records of a data directory for reading, also while an agent runs on it: then, and when
// journal.db does not pass the verification, they come from the ledger. While a stopped directory is dumped
// an agent cannot start. Only Dir, VerifyCommand and VerifyTimeout of opts are used. It writes nothing
// except, once, the lock file.
func Dump(ctx context.Context, opts Options) (*Dumped, error) {
	opts = withDefaults(opts)
	d := &Dumped{Source: SourceLedger, dir: opts.Dir}
	if _, err := os.Stat(filepath.Join(opts.Dir, ledgerName)); err != nil {
		return nil, fmt.Errorf("dump journal: %w", err)
	}
	lock, err := lockDir(opts.Dir, false, 0)
	if errors.Is(err, ErrLocked) || errors.Is(err, fs.ErrPermission) {
		d.Why = "the journal is in use"
		return d, nil
	}
	if err != nil {
		return nil, fmt.Errorf("dump journal: %w", err)
	}
	d.lock = lock
	path := filepath.Join(opts.Dir, dbName)
	result, err := verifyChild(ctx, opts.VerifyCommand, DepthFull, path, opts.VerifyTimeout)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("dump journal: %w", err), d.Close())
	}
	if result.Verdict != VerdictOK {
		d.Why = fmt.Sprintf("the journal is %s: %s", result.Verdict, result.Detail)
		return d, nil
	}
	if d.db, err = openStore(opts.Dir, true, time.Second); err != nil {
		return nil, errors.Join(fmt.Errorf("dump journal: %w", err), d.Close())
	}
	d.Source = SourceJournal
	return d, nil
}

// Close lets go of the directory.
func (d *Dumped) Close() error {
	if d.db != nil {
		d.db.close()
		d.db = nil
	}
	if d.lock == nil {
		return nil
	}
	err := d.lock.Close()
	d.lock = nil
	return err
}

// Records yields the records from number from on, in order. From the ledger it yields the longest valid
// prefix; on a live directory that includes what had been appended when it got there. A damaged record ends
// it with an error.
func (d *Dumped) Records(from uint64) iter.Seq2[Record, error] {
	if d.db == nil {
		return d.ledgerRecords(from)
	}
	return func(yield func(Record, error) bool) {
		next := max(from, d.db.first, 1)
		for next <= d.db.last {
			frames, err := d.db.batch(next, d.db.last)
			for _, f := range frames {
				if !yield(f.Record, nil) {
					return
				}
				next++
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("read record %d: %w", next, err))
				return
			}
		}
	}
}

func (d *Dumped) ledgerRecords(from uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		paths, err := ledgerFiles(d.dir)
		if err != nil {
			yield(Record{}, err)
			return
		}
		var c chain
		for at, err := range scanLedger(paths) {
			if err != nil {
				yield(Record{}, err)
				return
			}
			switch c.judge(at.frame) {
			case repeated:
				continue
			case broken:
				yield(Record{}, fmt.Errorf("ledger: after record %d comes %d: %w", c.next-1, at.Seq, ErrDamaged))
				return
			case follows:
			}
			if at.Seq >= from && !yield(at.Record, nil) {
				return
			}
		}
	}
}

// link says how a frame stands to the chain before it.
type link int

const (
	follows  link = iota
	repeated      // written again after a failed sync
	broken
)

// chain follows frames of the ledger.
type chain struct {
	next uint64
	crc  uint32
}

func (c *chain) judge(f frame) link {
	switch {
	case c.next == 0, f.Seq == c.next && f.prev == c.crc:
		c.next, c.crc = f.Seq+1, f.crc
		return follows
	case f.Seq < c.next:
		return repeated
	}
	return broken
}

// LedgerResult is the answer of VerifyLedger.
type LedgerResult struct {
	// Files and Records count what was found; First and Last are the ends of the longest valid prefix.
	Files, Records int
	First, Last    uint64
	// Beyond counts valid records after the prefix, which a restore would not take by itself.
	Beyond int
	// BadBytes counts bytes that belong to no valid record.
	BadBytes int64
}

// VerifyLedger checks every record of the ledger of a data directory, live or not.
func VerifyLedger(dir string) (LedgerResult, error) {
	paths, err := ledgerFiles(dir)
	if err != nil {
		return LedgerResult{}, fmt.Errorf("verify ledger: %w", err)
	}
	r := LedgerResult{Files: len(paths)}
	var c chain
	for _, path := range paths {
		var seen int64
		for at, err := range scanFile(path) {
			if err != nil {
				return r, fmt.Errorf("verify ledger: %w", err)
			}
			r.BadBytes += at.offset - seen
			seen = at.end
			switch how := c.judge(at.frame); {
			case how == broken:
				r.Beyond++
			case how == follows && r.First == 0:
				r.First = at.Seq
				fallthrough
			case how == follows:
				r.Records++
				r.Last = at.Seq
			}
		}
		if info, err := os.Stat(path); err == nil && info.Size() > seen {
			r.BadBytes += info.Size() - seen
		}
	}
	return r, nil
}

// VerifyFile judges journal.db of a stopped directory in a child process, as Open does.
func VerifyFile(ctx context.Context, opts Options) (VerifyResult, error) {
	opts = withDefaults(opts)
	path := filepath.Join(opts.Dir, dbName)
	return verifyChild(ctx, opts.VerifyCommand, DepthFull, path, opts.VerifyTimeout)
}
