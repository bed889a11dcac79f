package journal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// MaxCheckpoint is the largest size of a checkpoint in bytes: ten times that of a large branch.
const MaxCheckpoint = 16 << 20

// The checkpoint stands in a bucket of its own, which files of format 1 may lack, in one frame. That
// is, in big-endian order:
//
//	 0 magic  4  "OKC" and the version of this frame
//	 4 length 4  of data
//	 8 seq    8  the record after which data is the folded state
//	16 chain  4  crc of that record's frame, by which another history is told from this one
//	20 crc    4  CRC-32C of bytes 0–19 and of data
//	24 data
const (
	bucketCheckpoint = "checkpoint"
	keyCheckpoint    = "state"
	checkpointMagic  = "OKC\x01"
	checkpointHead   = 24
	checkpointCRC    = 20
)

var errBadCheckpoint = errors.New("damaged checkpoint")

// riders is what a commit carries besides records.
type riders struct {
	cursors    map[string]uint64
	checkpoint []byte // its frame, nil for none
}

// SetCheckpoint keeps data as a cache of what the records up to seq fold to. Like a cursor it costs
// no commit of its own: it is written with the next Append, or after Options.LedgerSync, or by Close; a
// crash before that, a full disk or a restore loses it, and the one before it may stand again. A
// journal keeps one checkpoint. data is not changed and must not be. Errors: ErrSequence for a number
// that no record has, ErrTooLarge beyond MaxCheckpoint, ErrClosed, ErrUnknownOutcome while an Append is
// in doubt, or what reading the record said.
func (j *Journal) SetCheckpoint(seq uint64, data []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	switch {
	case j.closed:
		err = ErrClosed
	case seq < max(j.first, 1) || seq > j.last:
		err = ErrSequence
	case len(data) > MaxCheckpoint:
		err = ErrTooLarge
	case j.pending != nil:
		err = ErrUnknownOutcome
	default:
		var chain uint32
		if chain, err = j.chainAt(seq); err == nil {
			j.checkpoint = checkpointFrame(seq, chain, data)
			j.wake()
			return nil
		}
	}
	return fmt.Errorf("set checkpoint at %d: %w", seq, err)
}

// Checkpoint returns the newest checkpoint, or 0 and nil when there is none that may be used: none
// was set, it is damaged, or it is not of this history. The reason is logged. Errors: ErrClosed, or
// what reading the file said.
func (j *Journal) Checkpoint() (seq uint64, data []byte, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return 0, nil, fmt.Errorf("read checkpoint: %w", ErrClosed)
	}
	raw := j.checkpoint
	if raw == nil && j.store != nil {
		if raw, err = j.store.checkpoint(); err != nil {
			return 0, nil, fmt.Errorf("read checkpoint: %w", err)
		}
	}
	if raw == nil {
		return 0, nil, nil
	}
	seq, chain, data, err := decodeCheckpoint(raw)
	if err == nil {
		err = j.belongs(seq, chain)
	}
	if err != nil {
		j.log.Warn("checkpoint of the journal ignored", "seq", seq, "error", err)
		return 0, nil, nil
	}
	return seq, data, nil
}

// belongs says why a checkpoint at seq is not one of this history.
func (j *Journal) belongs(seq uint64, chain uint32) error {
	if seq < max(j.first, 1) || seq > j.last {
		return fmt.Errorf("the records are %d to %d: %w", j.first, j.last, ErrSequence)
	}
	have, err := j.chainAt(seq)
	if err != nil {
		return err
	}
	if have != chain {
		return fmt.Errorf("record %d is another: %w", seq, errBadCheckpoint)
	}
	return nil
}

// chainAt returns the checksum of a record's frame.
func (j *Journal) chainAt(seq uint64) (uint32, error) {
	if j.store == nil {
		return 0, fmt.Errorf("%w: the file could not be reopened", ErrIO)
	}
	frames, err := j.store.batch(seq, seq)
	if err != nil {
		return 0, err
	}
	return frames[0].crc, nil
}

// riders returns what the next commit should carry, nil for nothing.
func (j *Journal) riders() *riders {
	cursors := j.dirtyCursors()
	if cursors == nil && j.checkpoint == nil {
		return nil
	}
	return &riders{cursors: cursors, checkpoint: j.checkpoint}
}

// landed notes that the riders are in the file.
func (j *Journal) landed() {
	clear(j.dirty)
	j.checkpoint = nil
}

// spareCheckpoint drops a checkpoint that has not been written when the disk has no room to waste:
// records and the ballast come first.
func (j *Journal) spareCheckpoint() {
	if j.checkpoint == nil {
		return
	}
	need := j.minFree + 4*uint64(len(j.buf)+len(j.checkpoint))
	if free, known := freeBytes(j.opts.Dir); known && j.minFree > 0 && free < need {
		j.checkpoint = nil
	}
}

// checkpoint copies the frame of the checkpoint out of the file; nil when there is none.
func (s *store) checkpoint() (raw []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte(bucketCheckpoint)); b != nil {
			raw = append(raw, b.Get([]byte(keyCheckpoint))...)
		}
		return nil
	})
	return raw, err
}

// write puts the riders into a commit.
func (r *riders) write(tx *bbolt.Tx) error {
	if r == nil {
		return nil
	}
	b := tx.Bucket([]byte(bucketCursors))
	for name, seq := range r.cursors {
		if err := b.Put([]byte(name), cursorValue(name, seq)); err != nil {
			return err
		}
	}
	if r.checkpoint == nil {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists([]byte(bucketCheckpoint))
	if err != nil {
		return err
	}
	return b.Put([]byte(keyCheckpoint), r.checkpoint)
}

func checkpointFrame(seq uint64, chain uint32, data []byte) []byte {
	raw := make([]byte, 0, checkpointHead+len(data))
	raw = append(raw, checkpointMagic...)
	raw = binary.BigEndian.AppendUint32(raw, uint32(len(data))) //nolint:gosec // bounded by MaxCheckpoint
	raw = binary.BigEndian.AppendUint64(raw, seq)
	raw = binary.BigEndian.AppendUint32(raw, chain)
	raw = binary.BigEndian.AppendUint32(raw, frameCRC(raw[:checkpointCRC], data))
	return append(raw, data...)
}

// decodeCheckpoint reads a frame. data aliases raw.
func decodeCheckpoint(raw []byte) (seq uint64, chain uint32, data []byte, err error) {
	if len(raw) < checkpointHead || string(raw[:4]) != checkpointMagic {
		return 0, 0, nil, errBadCheckpoint
	}
	data = raw[checkpointHead:]
	if uint64(binary.BigEndian.Uint32(raw[4:])) != uint64(len(data)) ||
		binary.BigEndian.Uint32(raw[checkpointCRC:]) != frameCRC(raw[:checkpointCRC], data) {
		return 0, 0, nil, errBadCheckpoint
	}
	return binary.BigEndian.Uint64(raw[8:]), binary.BigEndian.Uint32(raw[16:]), data, nil
}
