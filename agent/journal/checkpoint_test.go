package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// wantCheckpoint wants the checkpoint of seq with these bytes; 0 for none.
func wantCheckpoint(t *testing.T, j *Journal, seq uint64, data string) {
	t.Helper()
	gotSeq, got, err := j.Checkpoint()
	if err != nil || gotSeq != seq || string(got) != data {
		t.Fatalf("Checkpoint = %d, %.40q, %v; want %d, %.40q", gotSeq, got, err, seq, data)
	}
}

func mustSetCheckpoint(t *testing.T, j *Journal, seq uint64, data string) {
	t.Helper()
	if err := j.SetCheckpoint(seq, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

// edit changes journal.db behind the journal's back.
func edit(t *testing.T, dir string, f func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, dbName), fileMode, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestCheckpointIsKept(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	wantCheckpoint(t, j, 0, "")
	mustAppend(t, j, 1, 5)
	mustSetCheckpoint(t, j, 3, "three")
	wantCheckpoint(t, j, 3, "three")
	mustAppend(t, j, 6, 6) // it rides along
	if j.checkpoint != nil {
		t.Error("the checkpoint still waits after a commit")
	}
	wantCheckpoint(t, j, 3, "three")
	mustSetCheckpoint(t, j, 6, "six")
	mustClose(t, j) // Close writes it
	if _, _, err := j.Checkpoint(); !errors.Is(err, ErrClosed) {
		t.Errorf("Checkpoint of a closed journal: %v", err)
	}
	j, _ = mustOpen(t, testOptions(dir))
	wantCheckpoint(t, j, 6, "six")
	large := string(bytes.Repeat([]byte("x"), 3<<20))
	mustSetCheckpoint(t, j, 5, large)
	mustClose(t, j)
	j, report := mustOpen(t, testOptions(dir))
	if report.Damage != "" || report.Last != 6 {
		t.Errorf("report %+v", report)
	}
	wantCheckpoint(t, j, 5, large)
	wantRecords(t, j, 1, 6)
	mustClose(t, j)
}

func TestCheckpointIsFlushed(t *testing.T) {
	opts := testOptions(t.TempDir())
	opts.LedgerSync = time.Millisecond
	j, _ := mustOpen(t, opts)
	mustAppend(t, j, 1, 2)
	mustSetCheckpoint(t, j, 2, "two")
	await(t, func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return j.checkpoint == nil
	})
	wantCheckpoint(t, j, 2, "two")
	mustClose(t, j)
}

func TestSetCheckpointRefuses(t *testing.T) {
	j, _ := mustOpen(t, testOptions(t.TempDir()))
	if err := j.SetCheckpoint(0, nil); !errors.Is(err, ErrSequence) {
		t.Errorf("at 0: %v", err)
	}
	mustAppend(t, j, 1, 2)
	if err := j.SetCheckpoint(3, nil); !errors.Is(err, ErrSequence) {
		t.Errorf("beyond the end: %v", err)
	}
	if err := j.SetCheckpoint(2, make([]byte, MaxCheckpoint+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	mustClose(t, j)
	if err := j.SetCheckpoint(2, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestForeignCheckpointIsIgnored: whatever stands in the bucket, only a checkpoint of this very
// history is returned, and the records are not touched by it.
func TestForeignCheckpointIsIgnored(t *testing.T) {
	for name, change := range map[string]func(raw []byte) []byte{
		"flipped-data":   func(raw []byte) []byte { raw[checkpointHead] ^= 1; return raw },
		"flipped-seq":    func(raw []byte) []byte { raw[15] ^= 1; return raw },
		"flipped-length": func(raw []byte) []byte { raw[7] ^= 1; return raw },
		"cut":            func(raw []byte) []byte { return raw[:len(raw)-1] },
		"header-cut":     func(raw []byte) []byte { return raw[:10] },
		"empty":          func([]byte) []byte { return []byte{} },
		"other-magic":    func(raw []byte) []byte { raw[3]++; return raw },
		"too-new":        func([]byte) []byte { return checkpointFrame(7, 1, []byte("seven")) },
		"at-zero":        func([]byte) []byte { return checkpointFrame(0, 0, []byte("zero")) },
		"other-chain":    func([]byte) []byte { return checkpointFrame(4, 12345, []byte("four")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j, _ := mustOpen(t, testOptions(dir))
			mustAppend(t, j, 1, 6)
			mustSetCheckpoint(t, j, 4, "four")
			mustClose(t, j)
			edit(t, dir, func(tx *bbolt.Tx) error {
				b := tx.Bucket([]byte(bucketCheckpoint))
				return b.Put([]byte(keyCheckpoint), change(bytes.Clone(b.Get([]byte(keyCheckpoint)))))
			})
			j, report := mustOpen(t, testOptions(dir))
			if report.Damage != "" {
				t.Errorf("the journal counts as damaged: %s", report.Damage)
			}
			wantCheckpoint(t, j, 0, "")
			wantRecords(t, j, 1, 6)
			mustSetCheckpoint(t, j, 6, "six") // and it is replaced
			wantCheckpoint(t, j, 6, "six")
			mustClose(t, j)
		})
	}
}

// TestRebuiltJournalHasNoCheckpoint: a file made from the ledger starts without one.
func TestRebuiltJournalHasNoCheckpoint(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	mustAppend(t, j, 1, 6)
	mustSetCheckpoint(t, j, 4, "four")
	mustClose(t, j)
	if err := os.Remove(filepath.Join(dir, dbName)); err != nil {
		t.Fatal(err)
	}
	j, report := mustOpen(t, testOptions(dir))
	if report.RestoredFromLedger != 6 {
		t.Errorf("report %+v", report)
	}
	wantCheckpoint(t, j, 0, "")
	mustClose(t, j)
}

// TestCheckpointInDoubt: while the outcome of an Append is unknown nothing new is taken, and after
// Recover the checkpoint before it stands.
func TestCheckpointInDoubt(t *testing.T) {
	j, _ := mustOpen(t, testOptions(t.TempDir()))
	mustAppend(t, j, 1, 2)
	mustSetCheckpoint(t, j, 2, "two")
	mustAppend(t, j, 3, 3)
	if err := failCommit(t, j, makeRecords(4, 4), false); !errors.Is(err, ErrUnknownOutcome) {
		t.Fatalf("commit: %v", err)
	}
	if err := j.SetCheckpoint(3, []byte("three")); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("set in doubt: %v", err)
	}
	if last, err := j.Recover(t.Context()); err != nil || last != 3 {
		t.Fatalf("Recover = %d, %v", last, err)
	}
	wantCheckpoint(t, j, 2, "two")
	mustClose(t, j)
}

// TestFormat1GetsACheckpoint: a file of the first version opens, has none, and can keep one.
func TestFormat1GetsACheckpoint(t *testing.T) {
	dir := copyDir(t, sampleDir)
	j, _ := mustOpen(t, testOptions(dir))
	wantCheckpoint(t, j, 0, "")
	last := j.Last()
	mustSetCheckpoint(t, j, last, "old")
	mustClose(t, j)
	j, report := mustOpen(t, testOptions(dir))
	if report.Damage != "" || report.Last != last {
		t.Errorf("report %+v", report)
	}
	wantCheckpoint(t, j, last, "old")
	mustClose(t, j)
}

// FuzzCheckpoint: any bytes are refused or are a frame as it would be written.
func FuzzCheckpoint(f *testing.F) {
	f.Add(checkpointFrame(7, 8, []byte("seven")))
	f.Add([]byte(checkpointMagic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		seq, chain, data, err := decodeCheckpoint(raw)
		if err == nil && !bytes.Equal(checkpointFrame(seq, chain, data), raw) {
			t.Errorf("%x was read as %d, %d, %x", raw, seq, chain, data)
		}
	})
}
