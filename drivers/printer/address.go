package printer

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/okienko/okienko/drivers/escpos"
)

// defaultTCPPort is the raw printing port of nearly every network printer.
const defaultTCPPort = "9100"

// The speed of a serial line that neither the address nor the profile names.
const defaultBaud = 19200

// NewTransport returns the transport for an address:
//
//	serial:/dev/serial/by-id/usb-...?baud=19200&flow=rtscts   flow: rtscts, xonxoff or none
//	usb:/dev/usb/lp0
//	tcp:192.168.1.50:9100
//
// What the address leaves out comes from line. It fails only for an address that can never work.
func NewTransport(address string, line escpos.Serial) (Transport, error) {
	kind, rest, found := strings.Cut(address, ":")
	if !found || rest == "" {
		return nil, fmt.Errorf("printer address %q: want serial:PATH, usb:PATH or tcp:HOST:PORT", address)
	}
	var t Transport
	var err error
	switch kind {
	case "serial":
		t, err = parseSerial(rest, line)
	case "usb":
		t, err = parseUSB(rest)
	case "tcp":
		t, err = parseTCP(rest)
	default:
		err = fmt.Errorf("unknown kind %q; known are serial, usb and tcp", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("printer address %q: %w", address, err)
	}
	return t, nil
}

func parseSerial(rest string, line escpos.Serial) (Transport, error) {
	path, query, _ := strings.Cut(rest, "?")
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("path %q is not absolute", path)
	}
	s := serial{path: path, baud: line.Baud, flow: line.Flow}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("after the question mark: %w", err)
	}
	for key, value := range values {
		switch key {
		case "baud":
			if s.baud, err = strconv.Atoi(value[0]); err != nil {
				return nil, fmt.Errorf("baud %q is not a number", value[0])
			}
		case "flow":
			s.flow = value[0]
		default:
			return nil, fmt.Errorf("unknown setting %q; known are baud and flow", key)
		}
	}
	if s.baud == 0 {
		s.baud = defaultBaud
	}
	if s.flow == "" {
		s.flow = flowHardware
	}
	if _, ok := speedCode(s.baud); !ok {
		return nil, fmt.Errorf("baud %d is not a speed of serial lines", s.baud)
	}
	if s.flow != flowHardware && s.flow != flowSoftware && s.flow != flowNone {
		return nil, fmt.Errorf("unknown flow %q; known are rtscts, xonxoff and none", s.flow)
	}
	return s, nil
}

func parseUSB(path string) (Transport, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("path %q is not absolute", path)
	}
	return usb{path: path, kernel: linuxUSB{}}, nil
}

func parseTCP(rest string) (Transport, error) {
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		var addr *net.AddrError
		if !errors.As(err, &addr) || addr.Err != "missing port in address" {
			return nil, err
		}
		host, port = strings.Trim(rest, "[]"), defaultTCPPort
	}
	if host == "" {
		return nil, errors.New("no host")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	return tcp{address: net.JoinHostPort(host, port)}, nil
}
