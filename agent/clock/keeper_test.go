package clock_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/protocol"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestStart(t *testing.T) {
	last := protocol.InstantOf(at("2026-11-23T16:00:00Z"))
	tests := []struct {
		name string
		last protocol.Instant
		r    clock.Reading
		want string
		now  string
	}{
		{"first-start", 0, clock.Reading{Wall: at("2026-11-23T08:00:00Z")}, "", "2026-11-23T08:00:00Z"},
		{"rtc", last, clock.Reading{Wall: at("2026-11-24T08:00:00Z"), Set: true}, "", "2026-11-24T08:00:00Z"},
		{"just-booted-without-rtc", last, clock.Reading{Wall: at("2026-11-23T16:05:00Z")}, clock.DoubtUnset, "2026-11-23T16:00:00Z"},
		{"year-1970", last, clock.Reading{Wall: at("1970-01-01T00:00:09Z")}, clock.DoubtNoTime, "2026-11-23T16:00:00Z"},
		{"year-1970-and-no-journal", 0, clock.Reading{Wall: at("1970-01-01T00:00:09Z")}, clock.DoubtNoTime, "1970-01-01T00:00:09Z"},
		{"an-hour-behind", last, clock.Reading{Wall: at("2026-11-23T15:00:00Z"), Set: true}, clock.DoubtBehind, "2026-11-23T16:00:00Z"},
		{"a-second-behind", last, clock.Reading{Wall: at("2026-11-23T15:59:59Z"), Set: true}, "", "2026-11-23T16:00:00Z"},
		{"years-ahead", last, clock.Reading{Wall: at("2031-11-23T15:00:00Z"), Set: true}, clock.DoubtGap, "2026-11-23T16:00:00Z"},
		{"years-ahead-but-synced", last, clock.Reading{Wall: at("2031-11-23T15:00:00Z"), Synced: true}, "", "2031-11-23T15:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now, doubt := clock.NewKeeper(tt.last, "", tt.r).Now(tt.r)
			if doubt != tt.want || now != protocol.InstantOf(at(tt.now)) {
				t.Errorf("now %v, doubt %q; want %v, %q", now.Time(), doubt, tt.now, tt.want)
			}
		})
	}
}

func TestRunningSteps(t *testing.T) {
	start := at("2026-11-23T08:00:00Z")
	tests := []struct {
		name   string
		step   time.Duration
		synced bool
		doubt  string
		moved  time.Duration // engine time that passes over one minute with the step in it
	}{
		{"none", 0, false, "", time.Minute},
		{"small-forward", 2 * time.Minute, false, "", 3 * time.Minute},
		{"small-back", -2 * time.Minute, false, "", 0},
		{"forward", time.Hour, false, clock.DoubtForward, time.Minute},
		{"forward-by-sync", time.Hour, true, "", time.Hour + time.Minute},
		{"back", -time.Hour, false, clock.DoubtBack, time.Minute},
		{"back-by-sync", -time.Hour, true, "", 0},
		{"five-years", 5 * 365 * 24 * time.Hour, false, clock.DoubtForward, time.Minute},
		{"minus-fifty-years", -50 * 365 * 24 * time.Hour, true, clock.DoubtBack, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := clock.Reading{Wall: start, Set: true}
			k := clock.NewKeeper(0, "", r)
			before, _ := k.Now(r)
			r = clock.Reading{
				Wall: start.Add(time.Minute + tt.step), Steady: time.Minute, Set: true, Synced: tt.synced,
			}
			now, doubt := k.Now(r)
			if got := now.Sub(before); got != tt.moved || doubt != tt.doubt {
				t.Errorf("moved %v, doubt %q; want %v, %q", got, doubt, tt.moved, tt.doubt)
			}
		})
	}
}

func TestDoubtEndsBySyncOrWord(t *testing.T) {
	start := at("2026-11-23T08:00:00Z")
	r := clock.Reading{Wall: start, Set: true}
	k := clock.NewKeeper(0, "", r)
	jumped := clock.Reading{Wall: start.Add(26 * time.Hour), Steady: time.Hour, Set: true}
	if _, doubt := k.Now(jumped); doubt != clock.DoubtForward {
		t.Fatalf("doubt %q after a jump of a day", doubt)
	}
	k.Trust(jumped)
	if now, doubt := k.Now(jumped); doubt != "" || now != protocol.InstantOf(jumped.Wall) {
		t.Errorf("after the operator's word: %v, doubt %q", now.Time(), doubt)
	}
}

// TestNeverFalls runs a year of random steps, restarts and syncs: engine time never falls, and
// while in doubt it advances exactly with the steady clock.
func TestNeverFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wall := at("2026-06-01T06:00:00Z")
		var steady time.Duration
		var last protocol.Instant
		doubted := ""
		k := clock.NewKeeper(0, "", clock.Reading{Wall: wall, Set: true})
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			pass := time.Duration(rapid.Int64Range(0, int64(36*time.Hour)).Draw(t, "pass"))
			jump := time.Duration(rapid.Int64Range(-int64(50*time.Hour), int64(50*time.Hour)).Draw(t, "jump"))
			if rapid.Bool().Draw(t, "calm") {
				jump = 0
			}
			wall, steady = wall.Add(pass+jump), steady+pass
			r := clock.Reading{
				Wall: wall, Steady: steady, Synced: rapid.Bool().Draw(t, "synced"), Set: rapid.Bool().Draw(t, "set"),
			}
			if rapid.IntRange(0, 20).Draw(t, "restart") == 0 {
				k = clock.NewKeeper(last, doubted, r)
			}
			now, doubt := k.Now(r)
			if now < last {
				t.Fatalf("time fell from %v to %v", last.Time(), now.Time())
			}
			if r.Synced && doubt != "" {
				t.Fatalf("doubt %q with a disciplined clock", doubt)
			}
			if _, again := k.Now(r); again != doubt {
				t.Fatalf("the same reading gives doubt %q, then %q", doubt, again)
			}
			if doubted != "" && doubt == "" && !r.Synced {
				t.Fatalf("doubt %q ended without sync", doubted)
			}
			last, doubted = now, doubt
		}
	})
}

func TestScaled(t *testing.T) {
	base := &fake{r: clock.Reading{Wall: at("2026-11-23T08:00:00Z"), Steady: time.Hour}}
	s := clock.NewScaled(base, 30)
	base.r.Wall, base.r.Steady = base.r.Wall.Add(time.Minute), base.r.Steady+time.Minute
	got := s.Read()
	if want := at("2026-11-23T08:30:00Z"); !got.Wall.Equal(want) || got.Steady != time.Hour+30*time.Minute {
		t.Errorf("after a minute at 30×: %v, %v; want %v", got.Wall, got.Steady, want)
	}
	s.After(30 * time.Second)
	if base.asked != time.Second {
		t.Errorf("a timer of 30 s asked the base for %v; want 1s", base.asked)
	}
}

type fake struct {
	r     clock.Reading
	asked time.Duration
}

func (f *fake) Read() clock.Reading { return f.r }

func (f *fake) After(d time.Duration) (<-chan time.Time, func()) {
	f.asked = d
	return nil, func() {}
}
