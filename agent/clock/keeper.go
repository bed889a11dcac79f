package clock

import (
	"time"

	"github.com/okienko/okienko/protocol"
)

// JumpLimit is how far the wall clock may step against the steady one before it is doubted
// (design/3-queue-rules.md).
const JumpLimit = 5 * time.Minute

// Gap is the longest absence that is believed at start without a disciplined clock: a branch may
// be switched off over a long holiday, hardly for longer.
const Gap = 60 * 24 * time.Hour

// The reasons for doubt. They stand in the journal and in the alarms.
const (
	DoubtNoTime  = "no-time"        // the wall clock is before this program was written
	DoubtBehind  = "behind-journal" // at start it is behind the last event
	DoubtGap     = "long-gap"       // at start it is implausibly far ahead
	DoubtUnset   = "not-set"        // the machine has just booted and nothing has set it
	DoubtForward = "jumped-forward"
	DoubtBack    = "jumped-back"
)

// epoch is the earliest believable office time: this program did not exist before.
func epoch() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Keeper turns readings into engine time. It is pure and belongs to one goroutine.
type Keeper struct {
	last   protocol.Instant // newest time given out
	wall   time.Time        // office time at steady
	steady time.Duration
	doubt  string
}

// NewKeeper starts from the time of the last journalled event, 0 for none, the doubt that stands in
// the journal, and a first reading. A restart does not end a doubt; a disciplined clock does.
func NewKeeper(last protocol.Instant, doubt string, r Reading) *Keeper {
	k := &Keeper{last: last, wall: r.Wall, steady: r.Steady, doubt: doubt}
	if now := doubtAtStart(last, r); now != "" || r.Synced {
		k.doubt = now
	}
	if k.doubt != "" && last != 0 {
		k.wall = last.Time()
	}
	return k
}

func doubtAtStart(last protocol.Instant, r Reading) string {
	switch {
	case r.Wall.Before(epoch()):
		return DoubtNoTime
	case r.Synced || last == 0:
		return ""
	case r.Wall.Before(last.Time().Add(-JumpLimit)):
		return DoubtBehind
	case r.Wall.After(last.Time().Add(Gap)):
		return DoubtGap
	case !r.Set:
		return DoubtUnset
	}
	return ""
}

// Now gives the engine time for a reading, and why it is doubted, or "". Time given out never
// falls. While in doubt it goes on by the steady clock; a disciplined clock ends the doubt.
func (k *Keeper) Now(r Reading) (now protocol.Instant, doubt string) {
	expected := k.wall.Add(r.Steady - k.steady)
	k.steady = r.Steady
	k.wall = k.judge(expected, r)
	k.last = max(k.last, protocol.InstantOf(k.wall))
	return k.last, k.doubt
}

// judge returns the office time to go on from and sets or ends the doubt.
func (k *Keeper) judge(expected time.Time, r Reading) time.Time {
	step := r.Wall.Sub(expected)
	switch {
	case r.Synced && !r.Wall.Before(epoch()):
		k.doubt = ""
		return r.Wall
	case k.doubt != "":
		return expected
	case step > JumpLimit:
		k.doubt = DoubtForward
		return expected
	case step < -JumpLimit:
		k.doubt = DoubtBack
		return expected
	}
	return r.Wall
}

// Trust accepts the wall clock of a reading by an operator's word.
func (k *Keeper) Trust(r Reading) {
	k.wall, k.steady, k.doubt = r.Wall, r.Steady, ""
}
