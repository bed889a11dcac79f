package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/okienko/okienko/agent/atomicfile"
)

// Layout of journal.db, format 1: three buckets, and one that comes with the first checkpoint.
//
//	meta     "format" → uint32
//	records  sequence number (uint64) → frame
//	cursors  name → sequence number (uint64), CRC-32C of name and number
//	checkpoint  "state" → frame, see checkpoint.go
const (
	bucketMeta    = "meta"
	bucketRecords = "records"
	bucketCursors = "cursors"
	keyFormat     = "format"
)

const (
	// pageSize is fixed so that kernels with pages of 16 KiB (Raspberry Pi 5) do not quadruple what a commit
	// writes.
	pageSize = 4096
	// allocSize is the step by which the file grows, about 2,000 records; bbolt's own 16 MiB is much for a
	// small card.
	allocSize = 1 << 20
	// initialMmap holds about a month of records, so that growing seldom waits for readers; it is address
	// space only and small beside the 3 GiB that a 32-bit process has.
	initialMmap = 64 << 20
	// A batch bounds how long a read transaction lives and what a reader holds in memory.
	batchRecords = 256
	batchBytes   = 256 << 10
	closeTimeout = 2 * time.Second
)

// store is the open bbolt file. It does no locking of its own.
type store struct {
	db *bbolt.DB
	// first and last are the numbers of the first and last record, 0 when empty; lastCRC is the checksum of
	// the last.
	first, last uint64
	lastCRC     uint32
}

// openBolt opens an existing, verified file. It never creates one: bbolt would silently start an empty
// database.
func openBolt(path string, readOnly bool, timeout time.Duration) (*bbolt.DB, error) {
	var db *bbolt.DB
	err := guard(func() error {
		var err error
		db, err = bbolt.Open(path, fileMode, &bbolt.Options{
			Timeout:         timeout,
			ReadOnly:        readOnly,
			FreelistType:    bbolt.FreelistMapType,
			PreLoadFreelist: true,
			InitialMmapSize: initialMmap,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				return os.OpenFile(name, flag&^os.O_CREATE, mode)
			},
		})
		return err
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	db.AllocSize = allocSize
	return db, nil
}

// createStore makes an empty journal file at path, which must not be in use. It is not synced: buildFile
// does that.
func createStore(path string) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{
		PageSize: pageSize, FreelistType: bbolt.FreelistMapType, NoSync: true, InitialMmapSize: initialMmap,
	})
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	db.AllocSize = allocSize
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{bucketRecords, bucketCursors} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		meta, err := tx.CreateBucket([]byte(bucketMeta))
		if err != nil {
			return err
		}
		return meta.Put([]byte(keyFormat), binary.BigEndian.AppendUint32(nil, Format))
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create journal: %w", err), db.Close())
	}
	return db, nil
}

// buildFile creates journal.db aside, lets fill put records into it, syncs it and renames it into place.
// Until the rename nothing of it can be seen, so that a power cut leaves either the whole file or none.
func buildFile(dir string, fill func(*store) error) error {
	path := filepath.Join(dir, dbName)
	aside := path + asideSuffix
	if err := os.RemoveAll(aside); err != nil {
		return fmt.Errorf("create journal: %w", err)
	}
	db, err := createStore(aside)
	if err != nil {
		return err
	}
	err = fill(&store{db: db})
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("fill new journal: %w", err)
	}
	if err := syncFile(aside); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return fmt.Errorf("create journal: %w", err)
	}
	return atomicfile.SyncDir(dir)
}

// openStore opens journal.db and reads where it begins and ends.
func openStore(dir string, readOnly bool, timeout time.Duration) (*store, error) {
	db, err := openBolt(filepath.Join(dir, dbName), readOnly, timeout)
	if err != nil {
		return nil, err
	}
	s := &store{db: db}
	if err := s.view(s.readEnds); err != nil {
		s.close()
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return s, nil
}

func (s *store) readEnds(tx *bbolt.Tx) error {
	if err := checkFormat(tx); err != nil {
		return err
	}
	c := tx.Bucket([]byte(bucketRecords)).Cursor()
	first, _ := c.First()
	last, value := c.Last()
	if last == nil {
		return nil
	}
	s.first, s.last = keySeq(first), keySeq(last)
	if len(value) >= headerLen {
		// Also of a damaged frame: if its checksum itself is hit, the repair finds that out by the ledger's copy.
		s.lastCRC = binary.BigEndian.Uint32(value[crcAt:])
	}
	return nil
}

// checkFormat refuses files without the three buckets and files of a later format.
func checkFormat(tx *bbolt.Tx) error {
	for _, name := range []string{bucketMeta, bucketRecords, bucketCursors} {
		if tx.Bucket([]byte(name)) == nil {
			return fmt.Errorf("bucket %s is missing: %w", name, ErrDamaged)
		}
	}
	value := tx.Bucket([]byte(bucketMeta)).Get([]byte(keyFormat))
	if len(value) != 4 || binary.BigEndian.Uint32(value) == 0 {
		return fmt.Errorf("no format version: %w", ErrDamaged)
	}
	if v := binary.BigEndian.Uint32(value); v > Format {
		return fmt.Errorf("format %d: %w", v, ErrNewerFormat)
	}
	return nil
}

// close closes the file. bbolt may hang here after a panic inside it; then the file stays locked until the
// process ends.
func (s *store) close() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = guard(s.db.Close) // every commit was synced before; there is nothing left to lose
	}()
	select {
	case <-done:
	case <-time.After(closeTimeout):
	}
}

// put is one commit: raw holds the frames of consecutive records, ends the offset after each; with is what
// rides along, or nil.
func (s *store) put(first uint64, raw []byte, ends []int, with *riders) error {
	err := s.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketRecords))
		b.FillPercent = 1 // records are only ever added at the end
		start := 0
		for i, end := range ends {
			if err := b.Put(seqKey(first+uint64(i)), raw[start:end]); err != nil { //nolint:gosec // i ≥ 0
				return err
			}
			start = end
		}
		return with.write(tx)
	})
	if err != nil || len(ends) == 0 {
		return err
	}
	if s.first == 0 {
		s.first = first
	}
	s.last = first + uint64(len(ends)) - 1
	start := 0
	if len(ends) > 1 {
		start = ends[len(ends)-2]
	}
	s.lastCRC = binary.BigEndian.Uint32(raw[start+crcAt:])
	return nil
}

// replace rewrites one record with the bytes of its frame.
func (s *store) replace(seq uint64, raw []byte) error {
	return s.update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketRecords)).Put(seqKey(seq), raw)
	})
}

// batch copies the frames from..to out of one short read transaction, at most batchRecords and about
// batchBytes. The error of a record that cannot be used is returned with the records before it:
// *CorruptError for a damaged frame, ErrDamaged when the file's structure is wrong.
func (s *store) batch(from, to uint64) ([]frame, error) {
	var frames []frame
	err := s.view(func(tx *bbolt.Tx) error {
		values := make([][]byte, 0, batchRecords)
		size := 0
		c := tx.Bucket([]byte(bucketRecords)).Cursor()
		want := from
		for k, v := c.Seek(seqKey(from)); want <= to && len(values) < batchRecords && size < batchBytes; k, v = c.Next() {
			if k == nil || keySeq(k) != want {
				return fmt.Errorf("record %d is missing: %w", want, ErrDamaged)
			}
			values = append(values, v)
			size += len(v)
			want++
		}
		raw := make([]byte, 0, size) // the values are the file's own pages and end with the transaction
		ends := make([]int, len(values))
		for i, v := range values {
			raw = append(raw, v...)
			ends[i] = len(raw)
		}
		var err error
		frames, err = splitFrames(from, raw, ends)
		return err
	})
	return frames, err
}

func splitFrames(first uint64, raw []byte, ends []int) ([]frame, error) {
	frames := make([]frame, 0, len(ends))
	start := 0
	for i, end := range ends {
		seq := first + uint64(i) //nolint:gosec // i ≥ 0
		f, err := decodeFrame(raw[start:end])
		if err != nil || f.Seq != seq || len(f.raw) != end-start {
			return frames, &CorruptError{Seq: seq}
		}
		frames = append(frames, f)
		start = end
	}
	return frames, nil
}

// cursors returns the named cursors; lost says that some were damaged and left out.
func (s *store) cursors() (found map[string]uint64, lost bool, err error) {
	found = make(map[string]uint64)
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketCursors)).ForEach(func(k, v []byte) error {
			if len(v) != 12 || string(cursorValue(string(k), binary.BigEndian.Uint64(v))) != string(v) {
				lost = true
				return nil
			}
			found[string(k)] = min(binary.BigEndian.Uint64(v), s.last)
			return nil
		})
	})
	return found, lost, err
}

func (s *store) view(fn func(*bbolt.Tx) error) error {
	return guard(func() error { return s.db.View(fn) })
}

func (s *store) update(fn func(*bbolt.Tx) error) error {
	return guard(func() error { return s.db.Update(fn) })
}

// guard turns bbolt's panics, and memory faults of its map, into ErrDamaged.
func guard(fn func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return fn()
}

func seqKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, seq)
}

// keySeq is the number in a key, or 0, which no record has, for a key of the wrong size.
func keySeq(k []byte) uint64 {
	if len(k) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(k)
}

func cursorValue(name string, seq uint64) []byte {
	v := binary.BigEndian.AppendUint64(nil, seq)
	crc := crc32.Update(crc32.Checksum([]byte(name), castagnoli()), castagnoli(), v)
	return binary.BigEndian.AppendUint32(v, crc)
}
