package printer

import "time"

// Options are the driver's times. Every zero means its default.
type Options struct {
	// Poll is the time between status rounds at idle; default 1.5 s, so that a change of the paper
	// is seen within 2 s.
	Poll time.Duration
	// Reply is how long an answer may take; default the profile's, or 500 ms.
	Reply time.Duration
	// Job bounds one job, without its time on the wire; default 10 s.
	Job time.Duration
	// Stall is how long a write may make no progress; default 2.5 s.
	Stall time.Duration
	// Settle is how long the line must be quiet before good news is believed; default 100 ms.
	Settle time.Duration
	// Taken is how long a presenter's ticket is waited for before the next job; default 4 s.
	Taken time.Duration
	// BackoffMin and BackoffMax bound the pause before a port is opened again; defaults 0.2 s and
	// 5 s, doubling.
	BackoffMin, BackoffMax time.Duration
}

func (o Options) withDefaults(reply time.Duration) Options {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&o.Poll, 1500 * time.Millisecond},
		{&o.Reply, reply},
		{&o.Reply, 500 * time.Millisecond},
		{&o.Job, 10 * time.Second},
		{&o.Stall, 2500 * time.Millisecond},
		{&o.Settle, 100 * time.Millisecond},
		{&o.Taken, 4 * time.Second},
		{&o.BackoffMin, 200 * time.Millisecond},
		{&o.BackoffMax, 5 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	return o
}
