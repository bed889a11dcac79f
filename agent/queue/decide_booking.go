package queue

import (
	"slices"
	"time"

	"github.com/okienko/okienko/protocol"
)

// setBooking takes over what the centre says, in whatever order and however often it comes. The
// branch refuses no sold booking; a cancelled one never comes back.
func (d *decision) setBooking(c SetBooking) error {
	b := c.Booking
	if err := checkBooking(&b); err != nil {
		return err
	}
	old := d.bookings[b.ID]
	if old != nil && (old.Booking == b || old.Cancelled && !b.Cancelled) {
		return nil
	}
	switch {
	case old != nil && old.state == bookingEntered:
		d.changeEntered(old, b)
	case old != nil && old.arrived && old.unsettled() && b.Cancelled:
		d.emit(BookingSet{Booking: b, Note: NoteEntered}) // he stands in the hall
	case !b.Cancelled && d.dayOver(b.Day):
		d.emit(BookingSet{Booking: b, Note: NoteExpired})
	default:
		d.emit(BookingSet{Booking: b})
		news := old == nil || old.Hour != b.Hour || old.Day != b.Day
		now := d.bookings[b.ID]
		if news && d.zone != nil && d.working() && d.isDue(now) && d.at >= b.Hour {
			d.enter(now, true) // too late to ask for a check-in
		}
	}
	return nil
}

func checkBooking(b *protocol.Booking) error {
	if err := checkName("booking", b.ID); err != nil {
		return err
	}
	if err := checkName("service", b.Service); err != nil {
		return err
	}
	for _, h := range []protocol.TokenHash{b.TokenHash, b.CodeHash} {
		if err := checkHash(h); err != nil {
			return err
		}
	}
	if _, err := time.Parse(time.DateOnly, string(b.Day)); err != nil || b.Hour <= 0 {
		return refuse(BadValue, "booking %s on %q at %d", b.ID, b.Day, b.Hour)
	}
	if n := b.Number; n != (protocol.TicketNumber{}) {
		if _, err := protocol.ParseTicketNumber(n.String()); err != nil {
			return refuse(BadValue, "booking %s: %v", b.ID, err)
		}
	}
	var err error
	b.Language, err = languageOf(b.Language)
	return err
}

// dayOver reports whether bookings of a day can no longer enter.
func (d *decision) dayOver(day protocol.Day) bool {
	return day < d.office.day || day == d.office.day && !d.working()
}

// changeEntered deals with a change of a booking that has entered. Somebody who only waits by
// his hour, and has not checked in, is taken out by a cancellation; else the queue knows better.
func (d *decision) changeEntered(old *booking, b protocol.Booking) {
	t := d.tickets[old.ticket]
	waits := t != nil && (t.State == StateWaiting || t.State == StateAbsent)
	if b.Cancelled && waits && !old.arrived {
		d.emit(BookingSet{Booking: b})
		d.emit(TicketCancelled{Ticket: t.ID, Reason: ReasonBookingCancelled})
		return
	}
	d.emit(BookingSet{Booking: b, Note: NoteEntered})
}

// bookingsDue lets bookings enter at their hour, or expire when nobody checked in.
func (d *decision) bookingsDue() {
	for _, b := range slices.Clone(d.due) {
		switch {
		case d.at < d.entersAt(b):
		case d.expires(b):
			d.emit(BookingExpired{Booking: b.ID, Reason: ReasonNoCheckIn})
		default:
			d.enter(b, false)
		}
	}
}

// enter makes a ticket of a booking, with the booked hour as its base. Its id is the booking's,
// since the centre's ids are as unique and as meaningless as ours.
func (d *decision) enter(b *booking, lateSync bool) {
	number, overflow := d.bookedNumber(b)
	d.emit(TicketTaken{
		Ticket: d.bookedTicketID(b.ID), Number: number, Service: b.Service, Class: Booked,
		Priority: b.Priority, Base: b.Hour, Language: b.Language, TokenHash: b.TokenHash,
		Booking: b.ID, Ahead: d.ahead(b.Service, b.Hour-headStart(&d.settings.Rules, Booked, b.Priority)),
		NoPaper: true, LateSync: lateSync, Overflow: overflow,
	})
}

// bookedTicketID is the booking's id, lengthened in the event that a ticket bears it already.
func (d *decision) bookedTicketID(id protocol.BookingID) protocol.TicketID {
	t := protocol.TicketID(id)
	for d.tickets[t] != nil {
		t += "-b"
	}
	return t
}

// checkInOpens is how long before his hour a visitor may check in.
const checkInOpens = 60 * time.Minute

// checkIn notes that a booked visitor is in the hall. Before his turn that is all; an absent one
// waits again; one who has missed his turn gets a walk-in ticket, once.
func (d *decision) checkIn(c CheckIn) error {
	b := d.bookingByHash(c.CodeHash)
	switch {
	case b == nil:
		return refuse(NoSuchBooking, "")
	case b.Cancelled && b.state == bookingPending && !b.arrived:
		return refuse(WrongState, "booking %s is cancelled", b.ID)
	case b.Day > d.office.day:
		return refuse(TooEarly, "booking %s is for %s", b.ID, b.Day)
	case b.Day < d.office.day || !d.working():
		return refuse(DayNotOpen, "booking %s was for %s", b.ID, b.Day)
	case b.state == bookingExpired:
		return d.again(b, c)
	case b.state == bookingEntered:
		return d.checkInEntered(b, c)
	case d.at < b.Hour.Add(-checkInOpens):
		return refuse(TooEarly, "booking %s", b.ID)
	}
	if d.expires(b) && d.at >= d.entersAt(b) {
		d.emit(BookingExpired{Booking: b.ID, Reason: ReasonNoCheckIn})
		return d.again(d.bookings[b.ID], c)
	}
	d.arrive(b)
	if d.at >= b.Hour {
		d.enter(d.bookings[b.ID], false)
	}
	return nil
}

func (d *decision) arrive(b *booking) {
	if !b.arrived {
		d.emit(BookingArrived{Booking: b.ID})
	}
}

func (d *decision) checkInEntered(b *booking, c CheckIn) error {
	t := d.tickets[b.ticket]
	switch {
	case t == nil:
		return refuse(WrongState, "booking %s has ended", b.ID)
	case t.State == StateRemoved:
		if d.at > t.EndedAt+span(d.settings.Rules.ReentryMinutes, time.Minute) {
			return wrongState(t)
		}
		return d.again(b, c)
	case t.State.Terminal():
		return wrongState(t)
	}
	d.arrive(b)
	if t.State == StateAbsent || t.State == StateParked {
		d.emit(TicketReturned{Ticket: t.ID})
	}
	return nil
}

// again gives a walk-in ticket to the holder of a booking that was missed. It is his right, so
// neither hours nor quota nor a stop stand against it.
func (d *decision) again(b *booking, c CheckIn) error {
	v := d.services[b.Service]
	if v == nil {
		return refuse(NoSuchService, "%s", b.Service)
	}
	if b.again {
		return refuse(WrongState, "booking %s has had its walk-in ticket", b.ID)
	}
	if err := d.checkNewTicket(c.ID, c.Token); err != nil {
		return err
	}
	number, overflow := d.walkInNumber(v)
	d.emit(TicketTaken{
		Ticket: c.ID, Number: number, Service: v.ID, Class: WalkIn, Priority: b.Priority,
		Base: d.at, Language: b.Language, TokenHash: c.Token, Again: b.ID,
		Ahead: d.AheadOfNew(v.ID, b.Priority, d.at), Overflow: overflow,
	})
	return nil
}

// bookingByHash finds a booking by its code or its e-ticket token; the present day's comes
// first. A check-in is rare, so there is no index.
func (s *State) bookingByHash(h protocol.TokenHash) *booking {
	var found *booking
	better := func(b *booking) bool {
		if found == nil {
			return true
		}
		if today := b.Day == s.office.day; today != (found.Day == s.office.day) {
			return today
		}
		return byHour(b, found) < 0
	}
	for _, b := range s.bookings {
		if h != "" && (b.CodeHash == h || b.TokenHash == h) && better(b) {
			found = b
		}
	}
	return found
}
