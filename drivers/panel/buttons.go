package panel

import "time"

// The rules of reference/hardware.md section 2 and design/6-failures.md row 21.
const (
	// steady is how long a level must last to count. Buttons bounce for some 6 ms at worst.
	steady = 20 * time.Millisecond
	// together is the time in which a second button is a slip of the same hand: the first one wins.
	together = 50 * time.Millisecond
	// lockOut lies between two presses of one button: one ticket per 2 s.
	lockOut = 2 * time.Second
	// stuckAfter is when a button that is held down counts as stuck.
	stuckAfter = 10 * time.Second
)

// phase is where a button is.
type phase int

const (
	up      phase = iota
	falling       // low, not steady yet
	down          // a press, told or swallowed, until it is let go
	stuck         // held down for too long; it tells nothing until it is let go
)

// button is the state of one button.
type button struct {
	phase
	since    time.Duration // of the phase; in up and down of the newest level that disagrees, see loose
	loose    bool          // the level has disagreed with down or stuck since then
	pressed  time.Duration // when it went down
	firm     time.Duration // since when it has been low without a break
	accepted time.Duration // when the last press was told; negative before the first
	counts   bool          // this press was told or will be
	held     bool          // its long press was told
}

// rules are what differs between buttons.
type rules struct {
	// hold is when a press is a long one; 0: never.
	hold time.Duration
	// onRelease tells a short press when it is let go, so that a long press is not also a short one.
	onRelease bool
}

// told is a press that is to be delivered.
type told struct {
	button int
	long   bool
	at     time.Duration
}

// debouncer turns the levels of a panel into presses. It is pure: time comes in as an argument, and
// grows. Whatever lies between two looks was bounce.
type debouncer struct {
	rules   []rules
	buttons []button
	last    time.Duration // when any button was accepted; negative before the first
	begun   bool          // it has looked
}

// never is before every lock-out.
const never = -time.Hour

// newDebouncer begins with a panel that nobody has looked at.
func newDebouncer(r []rules) *debouncer {
	return &debouncer{rules: r, buttons: make([]button, len(r)), last: never}
}

// begin takes over a panel as it is: a button that is down was down before, which is no press.
func (d *debouncer) begin(now time.Duration, low uint64) {
	d.begun = true
	for i := range d.buttons {
		d.buttons[i] = button{accepted: never}
		if low>>i&1 == 1 {
			d.buttons[i] = button{phase: down, accepted: never, held: true, pressed: now, firm: now}
		}
	}
}

// look takes the inputs that are low at a moment, and those that had edges since the last look. It
// returns the presses, and when it must look again although nothing changes; 0 is not at all.
func (d *debouncer) look(now time.Duration, low, edges uint64) (list []told, next time.Duration) {
	if !d.begun {
		d.begin(now, low)
	}
	for i := range d.buttons {
		if t, ok := d.step(i, now, low>>i&1 == 1, edges>>i&1 == 1); ok {
			list = append(list, t)
		}
		if at := d.due(i); at > 0 && (next == 0 || at < next) {
			next = at
		}
	}
	return list, next
}

// step moves one button on.
func (d *debouncer) step(i int, now time.Duration, low, edge bool) (told, bool) {
	b := &d.buttons[i]
	switch b.phase {
	case up:
		if low {
			*b = button{phase: falling, since: now, pressed: now, accepted: b.accepted}
		}
	case falling:
		switch {
		case !low:
			b.phase = up
		case edge && now-b.since < steady:
			b.since = now
		case now-b.since >= steady:
			return d.press(i, now)
		}
	case down, stuck:
		return d.hold(i, now, low)
	}
	return told{}, false
}

// press is a button that is surely down.
func (d *debouncer) press(i int, now time.Duration) (told, bool) {
	b := &d.buttons[i]
	b.phase, b.since, b.loose, b.firm = down, now, false, b.pressed
	slip := b.pressed-d.last < together
	b.counts = !slip && b.pressed-b.accepted >= lockOut
	b.held = slip || d.rules[i].hold == 0 // a long press right after a short one is meant
	if !b.counts {
		return told{}, false
	}
	d.last, b.accepted = b.pressed, b.pressed
	return told{i, false, b.pressed}, !d.rules[i].onRelease
}

// hold is a button that is down, or has just been let go.
func (d *debouncer) hold(i int, now time.Duration, low bool) (told, bool) {
	b := &d.buttons[i]
	if !low {
		if !b.loose {
			b.loose, b.since = true, now
		}
		if now-b.since < steady {
			return told{}, false
		}
		short := told{i, false, b.pressed}
		counts := b.phase == down && b.counts && !b.held && d.rules[i].onRelease
		*b = button{accepted: b.accepted}
		return short, counts
	}
	if b.loose {
		b.loose, b.firm = false, now // somebody hammers on it
	}
	switch held := now - b.firm; {
	case b.phase == down && held >= stuckAfter:
		b.phase = stuck
	case b.phase == down && !b.held && held >= d.rules[i].hold:
		b.held = true
		return told{i, true, b.pressed}, true
	}
	return told{}, false
}

// due is when a button must be looked at again by itself; 0 is not at all.
func (d *debouncer) due(i int) time.Duration {
	b := d.buttons[i]
	switch {
	case b.phase == falling, b.loose:
		return b.since + steady
	case b.phase == down && !b.held:
		return b.firm + d.rules[i].hold
	case b.phase == down:
		return b.firm + stuckAfter
	}
	return 0
}

// stuck lists the buttons that are held down for too long.
func (d *debouncer) stuck() (list []int) {
	for i, b := range d.buttons {
		if b.phase == stuck {
			list = append(list, i)
		}
	}
	return list
}
