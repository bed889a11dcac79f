package gpio

import (
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// rise is how long a line with the chip's weak pull-up, some 50 kΩ, is given to follow on a metre of
// cable: three times 50 kΩ × 30 pF.
const rise = 5 * time.Microsecond

// Drain is a row of lines that are either pulled low or let go, so that the device at the other end may
// pull them low as well. It belongs to one goroutine.
type Drain struct {
	lines []*gpioioctl.GPIOLine
}

// OpenDrain takes lines of a chip and lets them go.
func (c *Chips) OpenDrain(label string, names ...string) (*Drain, error) {
	chip, err := c.find(label)
	if err != nil {
		return nil, err
	}
	d := &Drain{}
	for i, name := range names {
		l, err := line(chip, name)
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		d.lines = append(d.lines, l)
		if err := d.Put(i, true); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// Put lets the nth line go when high, or pulls it low.
func (d *Drain) Put(n int, high bool) error {
	var err error
	if high {
		err = d.lines[n].In(gpio.PullUp, gpio.NoEdge)
	} else {
		err = d.lines[n].Out(gpio.Low)
	}
	if err != nil {
		return fmt.Errorf("drive the GPIO line %s: %w", d.lines[n].Name(), wrap(err))
	}
	for begun := time.Now(); time.Since(begun) < rise; { //nolint:revive // shorter than any sleep
	}
	return nil
}

// High reads the nth line, which was let go before.
func (d *Drain) High(n int) bool { return bool(d.lines[n].Read()) }

// Close gives the lines back as inputs.
func (d *Drain) Close() error {
	for i, l := range d.lines {
		_ = d.Put(i, true) // a chip that is gone drives nothing
		l.Close()
	}
	return nil
}
