package queue

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/okienko/okienko/protocol"
)

func (d *decision) start(c Start) error {
	d.emit(AgentStarted{
		Clean: c.Clean, Version: tidy(c.Version), Restored: c.Restored, TailLost: c.TailLost,
		Missing: max(0, c.Missing),
	})
	if c.Doubt != "" && !d.doubted() {
		d.emit(ClockDoubted{Reason: tidy(c.Doubt)})
	}
	d.doDue(0)
	return nil
}

func (d *decision) tick() error {
	d.doDue(0)
	return nil
}

func (d *decision) doubtClock(c DoubtClock) error {
	if !d.doubted() {
		d.emit(ClockDoubted{Reason: tidy(c.Reason)})
		d.doDue(0)
	}
	return nil
}

// trustClock ends a doubt and does what it held up. If the day turns over now, people who took
// their tickets during the doubt stand in the hall: they go over into the new day.
func (d *decision) trustClock() error {
	if d.doubted() {
		since := d.doubtSeq
		d.emit(ClockTrusted{})
		d.doDue(since)
	}
	return nil
}

// doDue lets happen what is due. Tickets issued after the event carry, if it is not 0, survive
// the turn of the day.
func (d *decision) doDue(carry uint64) {
	if d.zone == nil {
		return
	}
	d.turnDay(carry)
	if d.working() {
		d.bookingsDue()
	}
	if at, ok := d.dayMayEnd(); ok && d.at >= at {
		d.endDay(ReasonDayEnd, 0)
	}
	d.timedRecalls()
}

// turnDay begins the day of the clock when the known one is over. The first day of all begins
// even in doubt, since a branch must issue.
func (d *decision) turnDay(carry uint64) {
	today := d.dayOf(d.at)
	if d.office.day == "" {
		d.openDay(today)
		return
	}
	if d.doubted() || d.at < d.dayEnds(d.office.day) {
		return
	}
	d.endDay(ReasonDayEnd, carry)
	d.openDay(max(today, dayAfter(d.office.day, 1)))
}

func (d *decision) openDay(day protocol.Day) {
	for _, b := range slices.SortedFunc(maps.Values(d.bookings), byHour) {
		if b.Day < day && b.unsettled() {
			d.emit(BookingExpired{Booking: b.ID, Reason: ReasonDayEnd})
		}
	}
	opens, closes := d.bounds(day)
	d.emit(DayOpened{Day: day, Opens: opens, Closes: closes})
}

// endDay brings every ticket and booking of the day to its end. Tickets issued after the event
// carry, if it is not 0, are left alone.
func (d *decision) endDay(reason string, carry uint64) {
	for _, t := range slices.Clone(d.live) {
		if carry != 0 && t.Seq > carry {
			continue
		}
		held := d.holder(t)
		d.emit(TicketExpired{Ticket: t.ID, Reason: reason})
		if held != 0 {
			d.leaveIfAsked(held)
		}
	}
	for _, b := range slices.Clone(d.due) {
		d.emit(BookingExpired{Booking: b.ID, Reason: reason})
	}
	if d.office.open {
		d.emit(DayClosed{Day: d.office.day, Reason: reason})
	}
}

// holder is the counter where the ticket is called or served, or 0.
func (d *decision) holder(t *ticket) protocol.CounterID {
	if t.State == StateCalled || t.State == StateServing {
		return t.Counter
	}
	return 0
}

func (d *decision) closeDay(c CloseDay) error {
	if !d.office.open {
		return refuse(DayNotOpen, "the day has ended already")
	}
	d.endDay(cmp.Or(tidy(c.Reason), ReasonDayEnd), 0)
	return nil
}

// configure validates the settings as given, adds what must still drain, and takes note of the
// day's hours if they have changed.
func (d *decision) configure(c Configure) error {
	if err := c.Settings.Validate(); err != nil {
		return refuse(BadSettings, "%v", err)
	}
	if _, err := d.zones(c.Settings.Zone); err != nil {
		return refuse(BadSettings, "zone: %v", err)
	}
	settings, err := deepCopy(c.Settings)
	if err != nil {
		return refuse(BadSettings, "%v", err)
	}
	d.keepDraining(&settings)
	if d.settings != nil && reflect.DeepEqual(settings, *d.settings) {
		return nil
	}
	d.emit(Configured{Settings: settings})
	if opens, closes := d.bounds(d.office.day); d.office.open &&
		(opens != d.office.opens || closes != d.office.closes) {
		d.emit(HoursChanged{Opens: opens, Closes: closes})
	}
	return nil
}

// deepCopy gives settings of our own in the very form in which they come back from the journal.
func deepCopy(given protocol.Settings) (protocol.Settings, error) {
	var settings protocol.Settings
	text, err := json.Marshal(given)
	if err == nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil {
		return settings, fmt.Errorf("copy settings: %w", err)
	}
	return settings, nil
}

// keepDraining leaves a service that was taken out in the settings, issuing nothing more, while
// people wait for it; the counters that knew it go on knowing it.
func (d *decision) keepDraining(settings *protocol.Settings) {
	if d.settings == nil {
		return
	}
	needed := map[protocol.ServiceID]bool{}
	for _, t := range d.live {
		needed[t.Service] = true
		if t.BackService != "" {
			needed[t.BackService] = true
		}
	}
	for _, v := range d.settings.Services {
		given := func(g protocol.Service) bool { return g.ID == v.ID }
		if needed[v.ID] && !slices.ContainsFunc(settings.Services, given) {
			v.Draining = true
			settings.Services = append(settings.Services, v)
			d.keepSkill(settings.Counters, v.ID)
		}
	}
}

// keepSkill gives a skill back to those counters that have it now.
func (d *decision) keepSkill(counters []protocol.Counter, id protocol.ServiceID) {
	for i := range counters {
		c := &counters[i]
		old := d.counters[c.ID]
		if old == nil {
			continue
		}
		if penalty, knew := old.Skills[id]; knew {
			if c.Skills == nil {
				c.Skills = map[protocol.ServiceID]int{}
			}
			c.Skills[id] = penalty
		}
	}
}

func (d *decision) setIssuing(c SetIssuing) error {
	if d.services[c.Service] == nil {
		return refuse(NoSuchService, "%s", c.Service)
	}
	switch c.Mode {
	case IssuingAuto, IssuingOn, IssuingStopped:
	default:
		return refuse(BadValue, "issuing %q", c.Mode)
	}
	now := d.seriesOf(c.Service)
	override := c.Override && c.Mode != IssuingAuto
	if now.override && !c.Override || now.mode == c.Mode && now.override == override {
		return nil // a supervisor's word stands against the estimate
	}
	d.emit(IssuingSet{Service: c.Service, Mode: c.Mode, Override: override})
	return nil
}
