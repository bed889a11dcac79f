package journal

import "fmt"

// remapAfter is how many bytes of the file may have come into memory before it is mapped anew.
// bbolt reads through a mapping, and every page once read counts as the process's memory until the
// kernel wants it back; a replay of a year would look like a leak on a Raspberry Pi.
const remapAfter = 4 << 20

// trim gives the file's pages back to the kernel when many have been read and nobody is writing.
func (j *Journal) trim() {
	if j.touched.Load() < remapAfter || !j.mu.TryLock() {
		return
	}
	defer j.mu.Unlock()
	if err := j.remap(); err != nil {
		j.log.Warn("journal not mapped anew", "error", err)
	}
}

// remap closes and opens the file if much of it is in memory. It is called with mu held and only
// between commits. After an error the next Append verifies and opens the file again.
func (j *Journal) remap() error {
	if j.touched.Load() < remapAfter || j.closed || j.pending != nil || j.suspect != nil || j.store == nil {
		return nil
	}
	j.dbMu.Lock()
	defer j.dbMu.Unlock()
	j.touched.Store(0)
	readOnly := j.store.db.IsReadOnly()
	j.store.close()
	fresh, err := openStore(j.opts.Dir, readOnly, j.opts.LockTimeout)
	if err != nil {
		j.store, j.suspect = nil, classify(err)
		return fmt.Errorf("map journal anew: %w", err)
	}
	j.store = fresh
	return nil
}
