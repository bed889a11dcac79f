package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/okienko/okienko/protocol"
)

// advice is an error that also knows what to do about itself.
type advice struct{ message, hint string }

// Error says what is wrong.
func (a advice) Error() string { return a.message }

// Hint says what to do about it.
func (a advice) Hint() string { return a.hint }

// Span is a part of a day in minutes after midnight, written 8:00-18:00.
type Span struct{ Opens, Closes int }

// UnmarshalText reads 8:00-18:00. Midnight at the end is 24:00.
func (s *Span) UnmarshalText(text []byte) error {
	bad := advice{fmt.Sprintf("%q are not opening hours", text), `write them like "8:00-18:00"`}
	from, to, ok := strings.Cut(strings.ReplaceAll(string(text), "–", "-"), "-")
	opens, ok1 := clockMinutes(from)
	closes, ok2 := clockMinutes(to)
	if !ok || !ok1 || !ok2 {
		return bad
	}
	if opens >= closes {
		return advice{
			fmt.Sprintf("%q closes before it opens", text),
			"the earlier hour comes first; hours over midnight are written as two days",
		}
	}
	*s = Span{Opens: opens, Closes: closes}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Span) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d:%02d-%d:%02d", s.Opens/60, s.Opens%60, s.Closes/60, s.Closes%60), nil
}

// clockMinutes reads H:MM as minutes after midnight, 0:00 to 24:00.
func clockMinutes(text string) (int, bool) {
	parts := regexp.MustCompile(`^\s*(\d{1,2}):(\d{2})\s*$`).FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	hour, _ := strconv.Atoi(parts[1])
	minute, _ := strconv.Atoi(parts[2])
	total := hour*60 + minute
	return total, minute < 60 && total <= 24*60
}

// Range is an inclusive range of ticket numbers, written 1-599.
type Range struct{ First, Last int }

// UnmarshalText reads 1-599.
func (r *Range) UnmarshalText(text []byte) error {
	parts := regexp.MustCompile(`^\s*(\d{1,4})\s*[-–]\s*(\d{1,4})\s*$`).FindStringSubmatch(string(text))
	if parts == nil {
		return advice{fmt.Sprintf("%q is not a range of numbers", text), "write the first and the last number, like 1-599"}
	}
	first, _ := strconv.Atoi(parts[1])
	last, _ := strconv.Atoi(parts[2])
	if first < 1 || first > last {
		return advice{fmt.Sprintf("%q is an empty range", text), "the smaller number comes first and is at least 1"}
	}
	*r = Range{First: first, Last: last}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (r Range) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d-%d", r.First, r.Last), nil }

// overlaps reports whether a number is in both ranges.
func (r Range) overlaps(o Range) bool { return r.First <= o.Last && o.First <= r.Last }

// Day is a calendar day, written 2026-12-25.
type Day protocol.Day

// UnmarshalText reads 2026-12-25.
func (d *Day) UnmarshalText(text []byte) error {
	if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
		return advice{fmt.Sprintf("%q is not a day", text), "write year-month-day with all digits, like 2026-12-25"}
	}
	*d = Day(text)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Day) MarshalText() ([]byte, error) { return []byte(d), nil }

// Kind is the way a printer is connected.
type Kind string

// The ways. NoPrinter is a branch that shows numbers on the kiosk only.
const (
	NoPrinter     Kind = "none"
	SerialPrinter Kind = "serial"
	USBPrinter    Kind = "usb"
	TCPPrinter    Kind = "tcp"
)

// Address says where a printer is connected: serial:/dev/serial/by-id/NAME?baud=19200,
// usb:/dev/usb/lp0, tcp:HOST:9100 or none.
type Address struct {
	Kind Kind
	// Place is the device's absolute path, or host:port for TCP; empty for none.
	Place string
	// Baud is the speed of a serial line; 0 on all others.
	Baud int
}

// UnmarshalText reads the forms above. A serial address without a speed means 19200 baud, a TCP
// address without a port 9100.
func (a *Address) UnmarshalText(text []byte) error {
	kind, rest, _ := strings.Cut(string(text), ":")
	var err error
	read := Address{Kind: Kind(kind)}
	switch {
	case read.Kind == NoPrinter && rest == "":
	case read.Kind == SerialPrinter:
		err = read.serial(rest)
	case read.Kind == USBPrinter:
		read.Place, err = devicePath(rest)
	case read.Kind == TCPPrinter:
		err = read.tcp(rest)
	default:
		err = advice{
			fmt.Sprintf("%q is not a printer's address", text),
			"write serial:/dev/serial/by-id/NAME?baud=19200, usb:/dev/usb/lp0, tcp:HOST:9100 or none",
		}
	}
	if err != nil {
		return err
	}
	*a = read
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// String writes the address as it stands in the file.
func (a Address) String() string {
	switch a.Kind {
	case SerialPrinter:
		return fmt.Sprintf("serial:%s?baud=%d", a.Place, a.Baud)
	case USBPrinter, TCPPrinter:
		return string(a.Kind) + ":" + a.Place
	case NoPrinter:
	}
	return string(NoPrinter)
}

// serial reads PATH?baud=N.
func (a *Address) serial(rest string) error {
	path, options, _ := strings.Cut(rest, "?")
	place, err := devicePath(path)
	if err != nil {
		return err
	}
	a.Place, a.Baud = place, defaultBaud
	values, err := url.ParseQuery(options)
	if err != nil {
		return advice{fmt.Sprintf("%q are not options of a serial line", options), "write ?baud=19200"}
	}
	for key := range values {
		if key != "baud" {
			return advice{fmt.Sprintf("unknown option %q of a serial line", key), "the only one is baud, as in ?baud=19200"}
		}
		a.Baud, err = strconv.Atoi(values.Get(key))
		if err != nil || !validBaud(a.Baud) {
			return advice{
				fmt.Sprintf("%q is not a speed", values.Get(key)),
				"printers use 9600, 19200, 38400, 57600 or 115200: print the self-test to see it",
			}
		}
	}
	return nil
}

// tcp reads HOST or HOST:PORT.
func (a *Address) tcp(rest string) error {
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.Trim(rest, "[]"), "9100"
	}
	n, err := strconv.Atoi(port)
	if host == "" || strings.ContainsAny(host, "/? ") || err != nil || n < 1 || n > 65535 {
		return advice{fmt.Sprintf("%q is not a host and a port", rest), "write tcp:192.168.1.50:9100"}
	}
	a.Place = net.JoinHostPort(host, port)
	return nil
}

// devicePath checks the path of a device file.
func devicePath(path string) (string, error) {
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return "", advice{fmt.Sprintf("%q is not the path of a device", path), "write the whole path, beginning with /dev/"}
	}
	return path, nil
}

// validBaud lists the speeds that receipt printers offer.
func validBaud(baud int) bool {
	switch baud {
	case 2400, 4800, 9600, 19200, 38400, 57600, 115200:
		return true
	}
	return false
}
