package access

import (
	"net/netip"
	"time"
)

// The back-off after failed sign-ins. The first freeTries failures of one account from one
// address cost nothing, then each doubles the wait, up to maxBackOff: 10 failures take 4 minutes,
// and a PIN of 6 digits years. Only that account at that address waits, so that nobody can lock
// the office out by failing on purpose.
//
// Against one attacker with many addresses there is a second bound: an account takes at most
// strangersPerHour failures an hour from addresses that it never signed in from; its own desks
// are not touched by that.
const (
	freeTries        = 3
	maxBackOff       = 5 * time.Minute
	forgetAfter      = time.Hour
	strangersPerHour = 60
	maxTries         = 4096
)

type place struct{ name, address string }

type fault struct {
	count int
	last  time.Time
}

type budget struct {
	count int
	from  time.Time
}

// tries remembers failures. It is bounded: when full, the oldest entry goes, and the bound per
// account still holds.
type tries struct {
	faults    map[place]fault
	known     map[place]time.Time // signed in from there before
	strangers map[string]budget
}

func newTries() tries {
	return tries{faults: map[place]fault{}, known: map[place]time.Time{}, strangers: map[string]budget{}}
}

// begin gives the time to wait, or 0 and counts the try as failed until settle says otherwise.
func (t *tries) begin(name, address string, now time.Time) time.Duration {
	at := place{name, network(address)}
	f := t.faults[at]
	if now.Sub(f.last) > forgetAfter {
		f = fault{}
	}
	if wait := f.last.Add(backOff(f.count)).Sub(now); f.count > 0 && wait > 0 {
		return wait
	}
	if _, home := t.known[at]; !home {
		b := t.strangers[name]
		if now.Sub(b.from) >= time.Hour {
			b = budget{from: now}
		}
		if b.count >= strangersPerHour {
			return b.from.Add(time.Hour).Sub(now)
		}
		b.count++
		bound(t.strangers, func(b budget) time.Time { return b.from })
		t.strangers[name] = b
	}
	bound(t.faults, func(f fault) time.Time { return f.last })
	t.faults[at] = fault{count: f.count + 1, last: now}
	return 0
}

// settle forgives the failures of a place after a right PIN.
func (t *tries) settle(name, address string, right bool, now time.Time) {
	if !right {
		return
	}
	at := place{name, network(address)}
	delete(t.faults, at)
	if _, home := t.known[at]; !home {
		b := t.strangers[name]
		b.count = max(0, b.count-1)
		t.strangers[name] = b
	}
	bound(t.known, func(seen time.Time) time.Time { return seen })
	t.known[at] = now
}

func backOff(failures int) time.Duration {
	if failures <= freeTries {
		return 0
	}
	return min(maxBackOff, time.Second<<min(failures-freeTries-1, 20))
}

// network is the address itself, or the /64 of an IPv6 address, which one household holds.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// bound makes room for one more entry by dropping the oldest.
func bound[K comparable, V any](m map[K]V, age func(V) time.Time) {
	if len(m) < maxTries {
		return
	}
	var oldest K
	first := true
	for k, v := range m {
		if first || age(v).Before(age(m[oldest])) {
			oldest, first = k, false
		}
	}
	delete(m, oldest)
}
