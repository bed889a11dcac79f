package journal

import (
	"context"
	"errors"
	"fmt"
)

// Cursor returns where the reader of that name has got to: the number of the last record it is done with, 0
// for none.
func (j *Journal) Cursor(name string) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return 0, fmt.Errorf("cursor %s: %w", name, ErrClosed)
	}
	return j.cursors[name], nil
}

// SetCursor notes that the reader of that name is done with all records up to seq. It costs no commit of
// its own: it is written with the next Append, or after Options.LedgerSync, or by Close. A crash may
// therefore put it back by as much; readers must take a record twice. seq may go back. Errors: ErrSequence
// for a number beyond Last, ErrClosed.
func (j *Journal) SetCursor(name string, seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return fmt.Errorf("set cursor %s: %w", name, ErrClosed)
	case name == "":
		return errors.New("set cursor: the name is empty")
	case seq > j.last:
		return fmt.Errorf("set cursor %s to %d beyond %d: %w", name, seq, j.last, ErrSequence)
	}
	if old, ok := j.cursors[name]; ok && old == seq {
		return nil
	}
	j.cursors[name] = seq
	j.dirty[name] = true
	j.wake()
	return nil
}

// dirtyCursors returns the cursors that are not yet in the file.
func (j *Journal) dirtyCursors() map[string]uint64 {
	if len(j.dirty) == 0 {
		return nil
	}
	out := make(map[string]uint64, len(j.dirty))
	for name := range j.dirty {
		out[name] = j.cursors[name]
	}
	return out
}

// flushCursors writes the cursors and the checkpoint by a commit of their own. If that fails the file must
// be reopened before the next one.
func (j *Journal) flushCursors(ctx context.Context) error {
	if (len(j.dirty) == 0 && j.checkpoint == nil) || j.pending != nil {
		return nil //nolint:nilerr // an Append in doubt comes first; the cursors stay dirty
	}
	if err := j.ready(ctx); errors.Is(err, ErrReadOnly) {
		return nil // shown by Health
	} else if err != nil {
		return err
	}
	j.buf = j.buf[:0]
	j.spareCheckpoint()
	if err := j.store.put(0, nil, nil, j.riders()); err != nil {
		j.checkpoint = nil // not worth a second failure
		j.suspect = classify(err)
		j.note(j.suspect)
		return fmt.Errorf("write cursors: %w", j.suspect)
	}
	j.landed()
	return nil
}
