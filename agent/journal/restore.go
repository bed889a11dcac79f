package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// leftoverLimit bounds Report.Leftover; the newest are kept. It is more than a branch prints in a day.
const leftoverLimit = 4096

// importRecords is how many records a rebuild puts into one commit.
const importRecords = 1000

// restoration rebuilds journal.db from the ledger.
type restoration struct {
	dir    string
	report *Report
	// loose are frames found in the damaged file that fill gaps of the ledger, by number. nil marks numbers
	// for which two different frames were found: such a number was tried twice and only one of the two was
	// ever committed.
	loose map[uint64][]byte
	// last is the number of the last restored record.
	last uint64
}

// restore moves what is left of journal.db to quarantine and rebuilds it from the longest valid prefix of
// the ledger. A gap in the ledger is filled from the damaged file if the frames found there are chained to
// both sides of the gap. It returns the number of the last restored record.
func restore(dir string, report *Report) (last uint64, err error) {
	paths, err := ledgerFiles(dir)
	if err != nil {
		return 0, err
	}
	gaps, found, err := surveyLedger(paths)
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, fmt.Errorf("restore journal: %w", ErrLost)
	}
	damaged := filepath.Join(dir, dbName)
	if _, err := os.Lstat(damaged); err == nil {
		if damaged, err = quarantine(dir, dbName, time.Now()); err != nil {
			return 0, err
		}
		report.Quarantined = damaged
	}
	r := restoration{dir: dir, report: report, loose: carve(damaged, gaps)}
	err = buildFile(dir, func(s *store) error { return r.fill(s, paths) })
	if errors.Is(classify(err), ErrFull) {
		// The ballast is for this. Older quarantined files have already gone.
		if os.Remove(filepath.Join(dir, ballastName)) == nil {
			*report = Report{Damage: report.Damage, Quarantined: report.Quarantined, Verified: report.Verified}
			err = buildFile(dir, func(s *store) error { return r.fill(s, paths) })
		}
	}
	if err != nil {
		return 0, fmt.Errorf("restore journal from the ledger: %w", err)
	}
	if len(report.Leftover) > 0 {
		// What follows the prefix must not be taken for a ledger that is ahead.
		report.LedgerDiverged = true
		if err := setLedgerAside(dir); err != nil {
			return 0, err
		}
	}
	r.leftInDamaged(damaged)
	return r.last, nil
}

// setLedgerAside moves the ledger to quarantine and begins an empty one.
func setLedgerAside(dir string) error {
	if _, err := quarantine(dir, ledgerName, time.Now()); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, ledgerName), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("new ledger: %w", err)
	}
	return nil
}

// span is a range of record numbers, both ends included.
type span struct{ from, to uint64 }

// surveyLedger finds the gaps between the ledger's first and last record. A gap as long as gapLimit is not
// worth filling.
func surveyLedger(paths []string) (gaps []span, found bool, err error) {
	var last uint64
	for at, err := range scanLedger(paths) {
		if err != nil {
			return nil, found, fmt.Errorf("survey ledger: %w", err)
		}
		if found && at.Seq > last+1 && len(gaps) < maxBad {
			gaps = append(gaps, span{last + 1, min(at.Seq-1, last+importRecords)})
		}
		if !found || at.Seq > last {
			last = at.Seq
		}
		found = true
	}
	return gaps, found, nil
}

// carve searches the bytes of a damaged bbolt file for the frames of the given numbers.
func carve(path string, gaps []span) map[uint64][]byte {
	if len(gaps) == 0 {
		return nil
	}
	loose := make(map[uint64][]byte)
	for at, err := range scanFile(path) {
		if err != nil {
			break // what was found so far still helps
		}
		for _, g := range gaps {
			if at.Seq < g.from || at.Seq > g.to {
				continue
			}
			if old, seen := loose[at.Seq]; !seen {
				loose[at.Seq] = bytes.Clone(at.raw)
			} else if !bytes.Equal(old, at.raw) {
				loose[at.Seq] = nil
			}
		}
	}
	return loose
}

// fill copies the longest valid prefix into s and remembers what comes after it.
func (r *restoration) fill(s *store, paths []string) error {
	b := builder{store: s}
	for at, err := range scanLedger(paths) {
		if err != nil {
			return err
		}
		switch {
		case b.next == 0 || (at.Seq == b.next && at.prev == b.crc):
			err = b.add(at.frame)
		case at.Seq < b.next:
			continue // written again after a failed sync
		default:
			var bridged bool
			if bridged, err = r.bridge(&b, at.frame); !bridged {
				r.report.left(at.Record)
			}
		}
		if err != nil {
			return err
		}
	}
	if err := b.commit(); err != nil {
		return err
	}
	r.last = s.last
	r.report.RestoredFromLedger = b.count - r.report.FilledFromDamaged
	return s.db.Sync()
}

// bridge adds the loose frames between b and f, and f, if they form one chain.
func (r *restoration) bridge(b *builder, f frame) (bool, error) {
	var missing []frame
	crc := b.crc
	for seq := b.next; seq < f.Seq; seq++ {
		loose, err := decodeFrame(r.loose[seq])
		if err != nil || loose.prev != crc {
			return false, nil //nolint:nilerr // no such frame, so no bridge
		}
		missing = append(missing, loose)
		crc = loose.crc
	}
	if f.prev != crc || f.Seq < b.next {
		return false, nil
	}
	for _, m := range append(missing, f) {
		if err := b.add(m); err != nil {
			return true, err
		}
	}
	r.report.FilledFromDamaged += len(missing)
	return true, nil
}

// leftInDamaged looks for records in the damaged file that are newer than all that could be restored. They
// are only reported: a loose frame at the end cannot be told from one whose commit failed.
func (r *restoration) leftInDamaged(path string) {
	for at, err := range scanFile(path) {
		if err != nil {
			return
		}
		if at.Seq > r.last {
			r.report.left(at.Record)
		}
	}
}

// left remembers a record that was seen but not restored.
func (r *Report) left(rec Record) {
	rec.Data = bytes.Clone(rec.Data)
	r.Leftover = append(r.Leftover, rec)
	if len(r.Leftover) >= 2*leftoverLimit {
		r.Leftover = append([]Record(nil), r.Leftover[len(r.Leftover)-leftoverLimit:]...)
	}
}

// builder adds chained frames to a store in large commits.
type builder struct {
	store *store
	// next is the number the builder wants, 0 at the very beginning; crc is the checksum of the frame before.
	next  uint64
	crc   uint32
	count int

	first uint64
	raw   []byte
	ends  []int
}

func (b *builder) add(f frame) error {
	if len(b.ends) == 0 {
		b.first = f.Seq
	}
	b.raw = append(b.raw, f.raw...)
	b.ends = append(b.ends, len(b.raw))
	b.next, b.crc = f.Seq+1, f.crc
	b.count++
	if len(b.ends) < importRecords && len(b.raw) < 4*batchBytes {
		return nil
	}
	return b.commit()
}

func (b *builder) commit() error {
	if len(b.ends) == 0 {
		return nil
	}
	err := b.store.put(b.first, b.raw, b.ends, nil)
	b.raw, b.ends = nil, nil
	return err
}

// reconcile makes the two copies equal after a start: the bbolt file gets what it lost though the ledger
// has it, the ledger gets what it has not seen. If they contradict each other the bbolt file stands and the
// ledger is set aside.
func reconcile(dir string, s *store, report *Report) (next uint64, err error) {
	paths, err := ledgerFiles(dir)
	if err != nil {
		return 0, err
	}
	t, err := readTail(paths)
	if err != nil {
		return 0, err
	}
	if report.LedgerTorn, err = cutTorn(paths, t); err != nil {
		return 0, err
	}
	if t.last == 0 {
		return max(s.first, 1), nil
	}
	same, err := agree(s, paths, t, report)
	if err != nil {
		return 0, err
	}
	if same {
		return min(t.last, s.last) + 1, nil
	}
	report.LedgerDiverged, report.MayMissTail = true, true
	if err := setLedgerAside(dir); err != nil {
		return 0, err
	}
	return max(s.first, 1), nil
}

// agree says whether the ledger's end continues or repeats the journal, and copies what the journal lacks.
func agree(s *store, paths []string, t ledgerTail, report *Report) (bool, error) {
	if t.last <= s.last {
		if t.last < s.first {
			return false, nil
		}
		return agreeAt(s, t.last, t.crc)
	}
	paths, err := fromSeq(paths, s.last+1)
	if err != nil {
		return false, err
	}
	had := s.last
	b := builder{store: s, next: had + 1, crc: s.lastCRC}
	var lost []Record
	for at, err := range scanLedger(paths) {
		if err != nil {
			return false, err
		}
		switch {
		case at.Seq <= had:
			continue // in both
		case had == 0 && b.count == 0, at.Seq == b.next && at.prev == b.crc:
			if err := b.add(at.frame); err != nil {
				return false, err
			}
		case at.Seq >= b.next:
			lost = append(lost, at.Record)
		}
	}
	if err := b.commit(); err != nil {
		return false, err
	}
	report.CaughtUp = b.count
	report.MayMissTail = true
	for _, rec := range lost {
		report.left(rec)
	}
	return len(lost) == 0, nil
}

// agreeAt says whether record seq of the journal has this checksum. A damaged record proves nothing and
// passes; it is repaired from the ledger later, if its neighbours fit.
func agreeAt(s *store, seq uint64, crc uint32) (bool, error) {
	frames, err := s.batch(seq, seq)
	if _, bad := errors.AsType[*CorruptError](err); bad {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return frames[0].crc == crc, nil
}

// findInLedger returns the frame of record seq.
func findInLedger(dir string, seq uint64) (frame, error) {
	paths, err := ledgerFiles(dir)
	if err != nil {
		return frame{}, err
	}
	if paths, err = fromSeq(paths, seq); err != nil {
		return frame{}, err
	}
	for at, err := range scanLedger(paths) {
		if err != nil {
			return frame{}, err
		}
		if at.Seq == seq {
			return at.frame, nil
		}
		if at.Seq > seq+batchRecords {
			break
		}
	}
	return frame{}, &CorruptError{Seq: seq}
}

// repair rewrites a record whose frame is damaged with the ledger's copy, provided that it is chained to
// both neighbours.
func repair(dir string, s *store, seq uint64) error {
	f, err := findInLedger(dir, seq)
	if err != nil {
		return err
	}
	if seq > s.first {
		if before, err := s.batch(seq-1, seq-1); err == nil && before[0].crc != f.prev {
			return &CorruptError{Seq: seq}
		}
	}
	if seq < s.last {
		if after, err := s.batch(seq+1, seq+1); err == nil && after[0].prev != f.crc {
			return &CorruptError{Seq: seq}
		}
	}
	if err := s.replace(seq, f.raw); err != nil {
		return fmt.Errorf("rewrite record %d: %w", seq, err)
	}
	if seq == s.last {
		s.lastCRC = f.crc
	}
	return nil
}
