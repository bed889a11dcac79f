package protocol

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds that Validate sets. They are wide: they catch slips, not policies.
const (
	// MaxPenaltyMinutes is the most that a counter may put a service back.
	MaxPenaltyMinutes = 24 * 60
	// MaxRangeNumber is the highest number of a range; numbers above it are for the overflow.
	MaxRangeNumber = 1000
	maxCounter     = 999
	minutesADay    = 24 * 60
	secondsADay    = 24 * 3600
)

// Validate reports every fault of the settings as one joined error, each with the path of the
// field and a plain sentence; nil when there is none. Whether the zone exists is for the caller
// to check, since this package opens no files.
func (s Settings) Validate() error {
	f := &faults{}
	f.check(validBranch(string(s.Branch)), "branch", "must be 1 to 40 lower-case letters, digits and hyphens")
	f.check(s.Name != "", "name", "must not be empty")
	f.check(s.Zone != "", "zone", "must name a time zone such as Europe/Warsaw")
	f.check(len(s.Services) > 0, "services", "must list at least one service")
	s.checkServices(f)
	s.checkRanges(f)
	s.checkCounters(f)
	f.week("hours", s.Hours)
	for i, day := range s.Closed {
		_, err := time.Parse(time.DateOnly, string(day))
		f.check(err == nil, fmt.Sprintf("closed[%d]", i), "%q is not a date like 2026-12-25", day)
	}
	s.Rules.validate(f)
	return errors.Join(f.list...)
}

type faults struct{ list []error }

func (f *faults) check(ok bool, path, format string, args ...any) {
	if !ok {
		f.list = append(f.list, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
}

func (f *faults) within(path string, v, low, high int) {
	f.check(low <= v && v <= high, path, "must be %d to %d, not %d", low, high, v)
}

func validBranch(s string) bool { return ValidID(s, 40) && s == strings.ToLower(s) }

func (s Settings) checkServices(f *faults) {
	seen := map[ServiceID]bool{}
	for i, v := range s.Services {
		path := fmt.Sprintf("services[%d]", i)
		f.check(ValidID(string(v.ID), 20), path+".id", "must be 1 to 20 letters, digits and hyphens")
		f.check(!seen[v.ID], path+".id", "%q is there twice", v.ID)
		seen[v.ID] = true
		letter := len(v.Letter) == 1 && v.Letter[0] >= 'A' && v.Letter[0] <= 'Z'
		f.check(letter, path+".letter", "must be one capital letter A to Z, not %q", v.Letter)
		f.check(v.Names[Polish] != "", path+".names.pl", "must not be empty")
		f.numbers(path+".walk_in", v.WalkIn, v.BookingOnly)
		f.numbers(path+".booked", v.Booked, true)
		f.check(v.Quota >= 0, path+".quota", "must not be negative")
		f.within(path+".mean_seconds", v.MeanSeconds, 0, secondsADay)
		if v.Hours != nil {
			f.week(path+".hours", v.Hours)
		}
	}
}

func (f *faults) numbers(path string, r NumberRange, mayBeNone bool) {
	if mayBeNone && r == (NumberRange{}) {
		return
	}
	f.check(1 <= r.First && r.First <= r.Last && r.Last <= MaxRangeNumber, path,
		"must run upwards within 1 to %d, not %d to %d", MaxRangeNumber, r.First, r.Last)
}

// checkRanges makes sure that no number can be issued from two ranges. A draining service issues
// nothing more.
func (s Settings) checkRanges(f *faults) {
	type named struct {
		path   string
		letter string
		NumberRange
	}
	var ranges []named
	for i, v := range s.Services {
		if v.Draining {
			continue
		}
		for path, r := range map[string]NumberRange{"walk_in": v.WalkIn, "booked": v.Booked} {
			if r != (NumberRange{}) {
				ranges = append(ranges, named{fmt.Sprintf("services[%d].%s", i, path), v.Letter, r})
			}
		}
	}
	slices.SortFunc(ranges, func(a, b named) int { return strings.Compare(a.path, b.path) })
	for i, a := range ranges {
		for _, b := range ranges[:i] {
			apart := a.letter != b.letter || a.Last < b.First || b.Last < a.First
			f.check(apart, a.path, "shares numbers of letter %s with %s", a.letter, b.path)
		}
	}
}

func (s Settings) checkCounters(f *faults) {
	services := map[ServiceID]bool{}
	for _, v := range s.Services {
		services[v.ID] = true
	}
	seen := map[CounterID]bool{}
	for i, c := range s.Counters {
		path := fmt.Sprintf("counters[%d]", i)
		f.within(path+".id", int(c.ID), 1, maxCounter)
		f.check(!seen[c.ID], path+".id", "%d is there twice", c.ID)
		seen[c.ID] = true
		for _, id := range slices.Sorted(maps.Keys(c.Skills)) {
			skill := path + ".skills." + string(id)
			f.check(services[id], skill, "there is no such service")
			f.within(skill, c.Skills[id], 0, MaxPenaltyMinutes)
		}
	}
}

func (f *faults) week(path string, w Week) {
	for _, day := range slices.Sorted(maps.Keys(w)) {
		f.check(0 <= day && day <= 6, fmt.Sprintf("%s.%d", path, day), "days are 0 (Sunday) to 6 (Saturday)")
		last := 0
		for i, p := range w[day] {
			at := fmt.Sprintf("%s.%d[%d]", path, day, i)
			f.check(0 <= p.Opens && p.Opens < p.Closes && p.Closes <= minutesADay, at,
				"must open before it closes, within 0 to %d minutes", minutesADay)
			f.check(last <= p.Opens, at, "must come after the period before it")
			last = p.Closes
		}
	}
}

func (r Rules) validate(f *faults) {
	const week = 7 * minutesADay
	f.within("rules.booked_head_start_minutes", r.BookedHeadStartMinutes, 0, week)
	f.within("rules.priority_head_start_minutes", r.PriorityHeadStartMinutes, 0, week)
	f.within("rules.max_calls", r.MaxCalls, 1, 10)
	f.within("rules.served_between_calls", r.ServedBetweenCalls, 1, 100)
	f.within("rules.recall_seconds", r.RecallSeconds, 1, 3600)
	f.within("rules.check_in_late_minutes", r.CheckInLateMinutes, 0, minutesADay)
	f.within("rules.reentry_minutes", r.ReentryMinutes, 0, minutesADay)
	f.within("rules.undo_seconds", r.UndoSeconds, 0, 300)
	f.within("rules.late_max_minutes", r.LateMaxMinutes, 0, minutesADay)
	stop, again := r.StopIssuingBelow, r.IssueAgainAbove
	f.check(0 <= stop && stop <= 1, "rules.stop_issuing_below", "must be a probability 0 to 1, not %g", stop)
	f.check(stop <= again && again <= 1, "rules.issue_again_above", "must be a probability from %g to 1, not %g",
		stop, again)
}
