// Package protocol is the vocabulary that the branch and the centre share: identifiers, ticket
// numbers, instants, the settings of a branch and its bookings.
//
// It is pure: values only, no I/O and no clock. Everything here may be copied freely and shared
// between goroutines as long as nobody changes it.
package protocol

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// BranchID names a branch: lower-case letters, digits and hyphens, at most 40 bytes. It is also
// the common name of the branch's certificate (design/4-sync.md).
type BranchID string

// ServiceID names a service (a matter people come for) within the whole organisation: letters,
// digits and hyphens, at most 20 bytes. Small offices use the ticket letter itself.
type ServiceID string

// CounterID is the number of a counter as it stands on its board: 1 to 999.
type CounterID int

// TicketID identifies one ticket for ever. It is random, made by the shell, and reveals nothing.
type TicketID string

// BookingID identifies one booking; it is made by the centre.
type BookingID string

// TokenHash is the lower-case hex SHA-256 of an e-ticket token. The token itself is stored nowhere.
type TokenHash string

// Language is an ISO 639-1 code: pl, en, uk or de.
type Language string

// The languages that visitors may choose.
const (
	Polish    Language = "pl"
	English   Language = "en"
	Ukrainian Language = "uk"
	German    Language = "de"
)

// Day is an office day as a local calendar date, YYYY-MM-DD. Days compare as strings.
type Day string

// Instant is a moment as milliseconds since 1970-01-01T00:00:00Z. The core counts in instants
// because they replay to the same bytes on every machine; only the shell knows time.Time.
type Instant int64

// InstantOf converts a time, cutting it to whole milliseconds.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time gives the instant as a time in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).UTC() }

// Add moves the instant by d, cut to whole milliseconds.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Milliseconds()) }

// Sub is the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Millisecond }

// TicketNumber is what a visitor reads and hears: a letter and a number without padding, A45.
type TicketNumber struct {
	// Letter is one capital letter, A to Z.
	Letter string
	// N is 1 or more.
	N int
}

// ErrTicketNumber is the cause when a text is not a ticket number.
var ErrTicketNumber = errors.New("not a ticket number")

// String writes the number as it is printed, such as A45; empty for the zero value.
func (n TicketNumber) String() string {
	if n == (TicketNumber{}) {
		return ""
	}
	return n.Letter + strconv.Itoa(n.N)
}

// ParseTicketNumber reads what String writes. It refuses padding, signs and other letters.
func ParseTicketNumber(s string) (TicketNumber, error) {
	if len(s) < 2 || s[0] < 'A' || s[0] > 'Z' {
		return TicketNumber{}, fmt.Errorf("%q: %w", s, ErrTicketNumber)
	}
	n, err := strconv.Atoi(s[1:])
	if err != nil || n < 1 || strconv.Itoa(n) != s[1:] {
		return TicketNumber{}, fmt.Errorf("%q: %w", s, ErrTicketNumber)
	}
	return TicketNumber{Letter: s[:1], N: n}, nil
}

// MarshalText writes the number for JSON; the zero value is the empty string.
func (n TicketNumber) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (n *TicketNumber) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*n = TicketNumber{}
		return nil
	}
	v, err := ParseTicketNumber(string(text))
	if err != nil {
		return err
	}
	*n = v
	return nil
}

// ValidID reports whether s is made of letters, digits and inner hyphens and has 1 to limit bytes.
func ValidID(s string, limit int) bool {
	if s == "" || len(s) > limit || strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-") {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
		default:
			return false
		}
	}
	return true
}
