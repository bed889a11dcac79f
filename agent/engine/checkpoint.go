package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

const (
	// checkpointEvery is how many events may pass until the state is saved again. It bounds the
	// replay of a start: 20,000 events take a Raspberry Pi about a quarter of a second.
	checkpointEvery = 20_000
	// eventBytes is about what an event takes in the journal. A state that outweighs checkpointEvery
	// events is saved again when as much has been journalled since, so that saving stays a small
	// part of the work however long a day becomes.
	eventBytes = uint64(250)
	// keysBefore is how many events before a checkpoint are read for their idempotency keys: those
	// of the newest day or days. Nobody asks again for what is older.
	keysBefore = 5_000
)

var errUseless = errors.New("checkpoint cannot be used")

// base is what the events are folded onto.
type base struct {
	state *queue.State
	keys  *keyring
	size  uint64 // of the snapshot that it began with, in bytes
}

func (e *Engine) empty() base { return base{state: queue.New(e.opts.Zones), keys: newKeyring()} }

// saved is where the last checkpoint stands, and its size in bytes.
type saved struct {
	seq  uint64
	day  protocol.Day
	size uint64
}

// due reports whether a state of this number and day is to be saved.
func (m saved) due(seq uint64, day protocol.Day) bool {
	return day != m.day || seq-m.seq >= max(checkpointEvery, m.size/eventBytes)
}

// load gives the state and the keys of the journal. It begins at the checkpoint; when that cannot
// be used, at the first event.
func (e *Engine) load() (base, error) {
	b, err := e.resume()
	mark := saved{}
	if b.state != nil {
		mark.seq, _ = b.state.Last()
		mark.day, mark.size = b.state.Office().Day, b.size
		err = e.replay(b)
	}
	if err != nil {
		e.log.Warn("checkpoint not used, the whole journal is folded", "seq", mark.seq, "error", err)
	}
	if b.state == nil || err != nil {
		b, mark = e.empty(), saved{}
		if err := e.replay(b); err != nil {
			return base{}, err
		}
	}
	e.saved = mark
	return b, nil
}

// replay folds the events after those that b knows.
func (e *Engine) replay(b base) error {
	last, _ := b.state.Last()
	for record, err := range e.opts.Journal.Read(last + 1) {
		if err != nil {
			return fmt.Errorf("read the journal after event %d: %w", record.Seq, err)
		}
		event, err := queue.DecodeEvent(record.Data)
		if err != nil {
			return fmt.Errorf("decode event %d: %w", record.Seq, err)
		}
		b.state.Apply(event)
		b.keys.note(event)
	}
	if err := b.state.Check(); err != nil {
		return fmt.Errorf("check the folded state: %w", err)
	}
	return nil
}

// resume gives the state of the checkpoint and the keys before it; no state when there is none.
func (e *Engine) resume() (base, error) {
	seq, data, err := e.opts.Journal.Checkpoint()
	if err != nil || seq == 0 {
		return base{}, err
	}
	snapshot, ours := bytes.CutPrefix(data, e.stamp())
	if !ours {
		return base{}, fmt.Errorf("another version wrote it: %w", errUseless)
	}
	state, err := queue.Restore(e.opts.Zones, snapshot)
	if err != nil {
		return base{}, err
	}
	if last, _ := state.Last(); last != seq {
		return base{}, fmt.Errorf("state of event %d in the checkpoint of %d: %w", last, seq, errUseless)
	}
	keys := newKeyring()
	if err := e.reread(keys, seq); err != nil {
		return base{}, err
	}
	return base{state: state, keys: keys, size: uint64(len(snapshot))}, nil
}

// reread notes the keys of the newest events up to last. A command that began before them is left
// out, since its answer would be incomplete.
func (e *Engine) reread(keys *keyring, last uint64) error {
	whole := last <= keysBefore
	for record, err := range e.opts.Journal.Read(last - min(last, keysBefore) + 1) {
		if err != nil {
			return fmt.Errorf("read the journal before event %d: %w", last, err)
		}
		if record.Seq > last {
			break
		}
		event, err := queue.DecodeEvent(record.Data)
		if err != nil {
			return fmt.Errorf("decode event %d: %w", record.Seq, err)
		}
		if whole = whole || event.Part == 0; whole {
			keys.note(event)
		}
	}
	return nil
}

// stamp begins every checkpoint. Another version of the program may fold the same events to
// another state, so it never goes on from this one's.
func (e *Engine) stamp() []byte { return []byte("okienko " + e.opts.Start.Version + "\n") }

// checkpoint saves the state when a new day has begun or much has happened since the last time.
// All of the state must be durable. A failure is only logged: the next start takes longer.
func (e *Engine) checkpoint() {
	seq, _ := e.state.Last()
	day := e.state.Office().Day
	if !e.saved.due(seq, day) || e.Health().State == Degraded {
		return
	}
	snapshot, err := e.state.Snapshot()
	e.saved = saved{seq: seq, day: day, size: uint64(len(snapshot))} // also if it fails: not again with every press
	if err == nil {
		err = e.opts.Journal.SetCheckpoint(seq, append(e.stamp(), snapshot...))
	}
	if err != nil {
		e.log.Warn("checkpoint not written", "seq", seq, "error", err)
	}
}
