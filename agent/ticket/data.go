package ticket

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Mark says that a ticket was printed before.
type Mark string

// The marks. A copy was asked for by the visitor or the clerk; a reprint is made because nobody
// knows whether the first print came out (design, print rule).
const (
	MarkNone    Mark = ""
	MarkCopy    Mark = "copy"
	MarkReprint Mark = "reprint"
)

// Data is what stands on a ticket: the shape of `okienko-agent ticket --data`.
type Data struct {
	// Number as it is called, such as A45.
	Number string `json:"number"`
	// Service in the visitor's language.
	Service string `json:"service"`
	// Ahead is how many people wait before this ticket.
	Ahead int `json:"ahead"`
	// URL is the e-ticket's address; empty prints no QR code.
	URL string `json:"url"`
	// Branch is the office's name.
	Branch string `json:"branch"`
	// Time is when the ticket was issued, in the zone of the office.
	Time time.Time `json:"time"`
	// Wait is how long it will probably take; nil when unknown.
	Wait *Wait `json:"wait"`
	// Language is pl, en or uk.
	Language string `json:"language"`
	Mark     Mark   `json:"mark"`
}

// Wait is the expected time until the call, in seconds from Data.Time.
type Wait struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

// The limits of ParseData.
const (
	maxNumber = 16   // characters
	maxName   = 200  // characters of a service or a branch
	maxURL    = 300  // bytes, so that a QR code stays readable at arm's length
	maxAhead  = 9999 // people
	maxWait   = 24 * 60 * 60
)

// ErrData is what every fault found by ParseData and Data.Validate is, for errors.Is.
var ErrData = errors.New("ticket data")

// ParseData reads one JSON object strictly: an unknown key, a missing number, number of people or
// time, or anything after the object is an error. A missing language is pl. The texts may hold any
// characters; what a printer cannot print is its encoder's concern.
func ParseData(data []byte) (Data, error) {
	if !utf8.Valid(data) {
		return Data{}, fmt.Errorf("%w: not UTF-8", ErrData)
	}
	var raw struct {
		Data
		Ahead *int       `json:"ahead"`
		Time  *time.Time `json:"time"`
	}
	raw.Language = "pl"
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&raw); err != nil {
		return Data{}, fmt.Errorf("%w: %w", ErrData, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Data{}, fmt.Errorf("%w: something follows the object", ErrData)
	}
	if raw.Ahead == nil || raw.Time == nil {
		return Data{}, fmt.Errorf("%w: ahead and time are needed", ErrData)
	}
	d := raw.Data
	d.Ahead, d.Time = *raw.Ahead, *raw.Time
	return d, d.Validate()
}

// Validate reports what Layout could not show rightly.
func (d Data) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrData}, args...)...))
		}
	}
	check(d.Number != "" && utf8.RuneCountInString(d.Number) <= maxNumber,
		"number must have 1 to %d characters", maxNumber)
	check(utf8.RuneCountInString(d.Service) <= maxName, "service has more than %d characters", maxName)
	check(utf8.RuneCountInString(d.Branch) <= maxName, "branch has more than %d characters", maxName)
	check(d.Ahead >= 0 && d.Ahead <= maxAhead, "ahead is %d, must be 0 to %d", d.Ahead, maxAhead)
	check(!d.Time.IsZero() && d.Time.Year() > 0 && d.Time.Year() < 10000, "time is %v", d.Time)
	check(d.URL == "" || webAddress(d.URL), "url must be an http or https address of at most %d bytes", maxURL)
	if w := d.Wait; w != nil {
		check(w.Low >= 0 && w.Low <= w.High && w.High <= maxWait,
			"wait is %d to %d s, must rise and be within a day", w.Low, w.High)
	}
	check(known(d.Language), "language is %q, must be one of %s", d.Language, strings.Join(Languages(), ", "))
	check(d.Mark == MarkNone || d.Mark == MarkCopy || d.Mark == MarkReprint,
		"mark is %q, must be empty, %s or %s", d.Mark, MarkCopy, MarkReprint)
	return errors.Join(faults...)
}

// webAddress accepts what may go into a QR code: no white space and no control characters, which a
// scanner would stumble over.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(s) <= maxURL &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}
