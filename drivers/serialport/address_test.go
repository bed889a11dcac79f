package serialport_test

import (
	"errors"
	"testing"

	"github.com/okienko/okienko/drivers/serialport"
)

func TestParse(t *testing.T) {
	full := serialport.Config{Path: "/dev/serial/by-id/x", Baud: 19200, Parity: 'E', StopBits: 2, RS485: true}
	for address, want := range map[string]serialport.Config{
		"serial:/dev/ttyS0": {Path: "/dev/ttyS0", Baud: 9600, Parity: 'N', StopBits: 1},
		"serial:/dev/serial/by-id/x?baud=19200&parity=E&stop=2&rs485=true": full,
	} {
		if got, err := serialport.Parse(address); err != nil || got != want {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
	for _, address := range []string{
		"", "usb:/dev/usb/lp0", "serial:ttyS0", "serial:/dev/x?baud=1", "serial:/dev/x?parity=M",
		"serial:/dev/x?stop=3", "serial:/dev/x?rs485=maybe", "serial:/dev/x?flow=none", "serial:/dev/x?baud=%",
	} {
		if _, err := serialport.Parse(address); !errors.Is(err, serialport.ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// FuzzParse: any text gives an error or a line whose address is read back as the same.
func FuzzParse(f *testing.F) {
	f.Add("serial:/dev/serial/by-id/x?baud=19200&parity=E&stop=2&rs485=true")
	f.Fuzz(func(t *testing.T, address string) {
		c, err := serialport.Parse(address)
		if err != nil {
			return
		}
		again, err := serialport.Parse(c.String())
		if err != nil || again != c {
			t.Errorf("%q is %+v, written as %s: %+v, %v", address, c, c, again, err)
		}
	})
}
