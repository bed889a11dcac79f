package panel

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// trace is a row of level changes of one button.
type trace []struct {
	at  time.Duration
	low bool
}

const ms = time.Millisecond

// bounced is a press as recorded from a worn switch: 6 ms of bounce at both ends
// (reference/hardware.md section 2).
func bounced(at, held time.Duration) trace {
	return trace{
		{at, true},
		{at + 1*ms, false},
		{at + 2*ms, true},
		{at + 3*ms, false},
		{at + 6*ms, true},
		{at + held, false},
		{at + held + 2*ms, true},
		{at + held + 6*ms, false},
	}
}

// play runs traces, one a button, through a debouncer whose clock jumps from one cause to the next.
func play(d *debouncer, traces []trace, end time.Duration) (list []told) {
	var low uint64
	wake := make([]time.Duration, 0, 8)
	for _, one := range traces {
		for _, change := range one {
			wake = append(wake, change.at)
		}
	}
	slices.Sort(wake)
	_, next := d.look(0, 0, 0)
	for now := time.Duration(0); now < end; {
		at := end
		if len(wake) > 0 {
			at = wake[0]
		}
		if next > now && next < at {
			at = next
		}
		now = at
		var edges uint64
		for i, one := range traces {
			for _, change := range one {
				if change.at == now {
					low &^= 1 << i
					if change.low {
						low |= 1 << i
					}
					edges |= 1 << i
				}
			}
		}
		for len(wake) > 0 && wake[0] <= now {
			wake = wake[1:]
		}
		var found []told
		found, next = d.look(now, low, edges)
		list = append(list, found...)
	}
	return list
}

func TestOnePressIsToldOnce(t *testing.T) {
	var hammered, bouncing trace
	for at := time.Second; at < 5*time.Second; at += 50 * ms {
		hammered = append(hammered, trace{{at, true}, {at + 25*ms, false}}...)
		bouncing = append(bouncing, bounced(at, 30*ms)...)
	}
	for name, c := range map[string]struct {
		rules  []rules
		traces []trace
		want   []told
	}{
		"bounce": {
			traces: []trace{bounced(time.Second, 200*ms)}, want: []told{{0, false, 1006 * ms}},
		},
		"spike of interference": {
			traces: []trace{{{time.Second, true}, {time.Second + 15*ms, false}}},
		},
		"hammered at 20 Hz": {
			traces: []trace{hammered}, want: []told{{0, false, 1000 * ms}, {0, false, 3000 * ms}},
		},
		"hammered so that it never rests": {
			rules: []rules{{hold: 2 * time.Second}}, traces: []trace{bouncing}, want: []told{{0, false, 1006 * ms}},
		},
		"two at once": {
			traces: []trace{bounced(time.Second, 300*ms), bounced(time.Second+30*ms, 300*ms)},
			want:   []told{{0, false, 1006 * ms}},
		},
		"two after each other": {
			traces: []trace{bounced(time.Second, 300*ms), bounced(time.Second+60*ms, 300*ms)},
			want:   []told{{0, false, 1006 * ms}, {1, false, 1066 * ms}},
		},
		"long": {
			rules: []rules{{hold: 5 * time.Second}}, traces: []trace{bounced(time.Second, 6*time.Second)},
			want: []told{{0, false, 1006 * ms}, {0, true, 1006 * ms}},
		},
		"long instead of short": {
			rules: []rules{{hold: 2 * time.Second, onRelease: true}}, traces: []trace{bounced(time.Second, 3*time.Second)},
			want: []told{{0, true, 1006 * ms}},
		},
		"short, told at its end": {
			rules: []rules{{hold: 2 * time.Second, onRelease: true}}, traces: []trace{bounced(time.Second, time.Second)},
			want: []told{{0, false, 1006 * ms}},
		},
		"stuck, and the other works": {
			traces: []trace{bounced(time.Second, time.Hour), bounced(20*time.Second, 100*ms)},
			want:   []told{{0, false, 1006 * ms}, {1, false, 20006 * ms}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			list := c.rules
			for len(list) < len(c.traces) {
				list = append(list, rules{})
			}
			if got := play(newDebouncer(list), c.traces, time.Minute); !slices.Equal(got, c.want) {
				t.Errorf("told %v, want %v", got, c.want)
			}
		})
	}
}

func TestStuckButtonIsKnownUntilItIsLetGo(t *testing.T) {
	d := newDebouncer(make([]rules, 2))
	play(d, []trace{{{time.Second, true}}, nil}, 10*time.Second)
	if got := d.stuck(); got != nil {
		t.Errorf("stuck after 9 s: %v", got)
	}
	d.look(12*time.Second, 1, 0)
	if got := d.stuck(); !slices.Equal(got, []int{0}) {
		t.Errorf("stuck after 11 s: %v, want the first button", got)
	}
	d.look(13*time.Second, 0, 1)
	d.look(13*time.Second+steady, 0, 0)
	if got := d.stuck(); got != nil {
		t.Errorf("stuck after it was let go: %v", got)
	}
}

// TestButtonHeldAtTheStartIsNoPress: a card in the button's slot, or a chip that comes back low.
func TestButtonHeldAtTheStartIsNoPress(t *testing.T) {
	d := newDebouncer(make([]rules, 1))
	for now := time.Duration(0); now < 20*time.Second; now += 10 * ms {
		if got, _ := d.look(now, 1, 0); got != nil {
			t.Fatalf("told %v at %v", got, now)
		}
	}
	if d.stuck() == nil {
		t.Error("a button that was down from the start and for 20 s is not stuck")
	}
}

// TestDebouncerProperties: whatever the levels do, presses of a button are 2 s apart, a press was low
// for 20 ms, and no button keeps another from being told.
func TestDebouncerProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDebouncer(make([]rules, 3))
		var now time.Duration
		last := map[int]time.Duration{}
		since := [3]time.Duration{}
		var before uint64
		for range rapid.IntRange(1, 200).Draw(t, "looks") {
			now += time.Duration(rapid.IntRange(0, 400).Draw(t, "ms")) * ms
			low := rapid.Uint64Range(0, 7).Draw(t, "low")
			for i := range since {
				if before>>i&1 != low>>i&1 {
					since[i] = now
				}
			}
			found, next := d.look(now, low, before^low)
			before = low
			if next != 0 && next <= now-steady {
				t.Fatalf("at %v it wants to look at %v", now, next)
			}
			for _, one := range found {
				if low>>one.button&1 == 0 || now-since[one.button] < steady {
					t.Fatalf("told %v at %v, low since %v", one, now, since[one.button])
				}
				if at, twice := last[one.button]; twice && one.at-at < lockOut {
					t.Fatalf("told %v, and the one before was at %v", one, at)
				}
				last[one.button] = one.at
			}
		}
		// All let go: the next press of each is told.
		d.look(now+time.Second, 0, before)
		d.look(now+2*time.Second, 0, 0)
		for i := range 3 {
			at := now + time.Duration(4+i)*time.Second
			d.look(at, 1<<i, 1<<i)
			if found, _ := d.look(at+steady, 1<<i, 0); len(found) != 1 {
				t.Fatalf("button %d is dead afterwards", i)
			}
			d.look(at+steady+ms, 0, 1<<i)
			d.look(at+3*steady, 0, 0)
		}
	})
}
