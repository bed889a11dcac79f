package serialport

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Config is how a line is set up. Zero values mean 9600 baud, no parity, one stop bit.
type Config struct {
	// Path is the device; a name below /dev/serial/by-id survives a change of sockets.
	Path string
	// Baud is the rate in bits a second.
	Baud int
	// Parity is N, E or O.
	Parity byte
	// StopBits is 1 or 2.
	StopBits int
	// RS485 lets the kernel switch the direction of the line by RTS, where its driver can.
	RS485 bool
}

// defaultBaud is what LED boards and the DFPlayer are delivered with.
const defaultBaud = 9600

// rates are those of the boards and players in docs/drivers.
func rates() []int { return []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200} }

// ErrAddress is the cause when a text is not the address of a serial line.
var ErrAddress = errors.New("not the address of a serial line")

// Parse reads an address such as serial:/dev/serial/by-id/NAME?baud=9600&parity=E&stop=2&rs485=true.
func Parse(address string) (Config, error) {
	rest, ok := strings.CutPrefix(address, "serial:")
	if !ok {
		return Config{}, fmt.Errorf("%q: %w: write serial:/dev/serial/by-id/NAME", address, ErrAddress)
	}
	path, query, _ := strings.Cut(rest, "?")
	if !strings.HasPrefix(path, "/") {
		return Config{}, fmt.Errorf("%q: %w: the path must begin with /", address, ErrAddress)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Config{}, fmt.Errorf("%q: %w: %w", address, ErrAddress, err)
	}
	c := Config{Path: path, Baud: defaultBaud, Parity: 'N', StopBits: 1}
	for key, list := range values {
		if err := c.set(key, list[len(list)-1]); err != nil {
			return Config{}, fmt.Errorf("%q: %w", address, err)
		}
	}
	return c, nil
}

func (c *Config) set(key, value string) error {
	switch key {
	case "baud":
		n, err := strconv.Atoi(value)
		if err != nil || !slices.Contains(rates(), n) {
			return fmt.Errorf("%w: baud is one of %v", ErrAddress, rates())
		}
		c.Baud = n
	case "parity":
		if value != "N" && value != "E" && value != "O" {
			return fmt.Errorf("%w: parity is N, E or O", ErrAddress)
		}
		c.Parity = value[0]
	case "stop":
		if value != "1" && value != "2" {
			return fmt.Errorf("%w: stop is 1 or 2", ErrAddress)
		}
		c.StopBits = int(value[0] - '0')
	case "rs485":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%w: rs485 is true or false", ErrAddress)
		}
		c.RS485 = on
	default:
		return fmt.Errorf("%w: %q is not known; there are baud, parity, stop and rs485", ErrAddress, key)
	}
	return nil
}

// String is the address that Parse reads.
func (c Config) String() string {
	text := fmt.Sprintf("serial:%s?baud=%d", c.Path, c.Baud)
	if c.Parity != 0 && c.Parity != 'N' {
		text += "&parity=" + string(c.Parity)
	}
	if c.StopBits == 2 {
		text += "&stop=2"
	}
	if c.RS485 {
		text += "&rs485=true"
	}
	return text
}
