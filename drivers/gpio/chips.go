// Package gpio drives the lines of the kernel's GPIO chips: buttons, lamps, relays, and the two wires
// of a small display.
//
// It uses one path of periph, gpioioctl on the character device, and not host.Init(), whose
// memory-mapped path is wrong on a Raspberry Pi 5 (reference/hardware.md section 1.1). It also keeps
// clear of what was measured there to go wrong: endless waits, levels read from a chip that is gone,
// and Chip.Close, which closes descriptors that are not its own.
package gpio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"periph.io/x/conn/v3/driver"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/host/v3/gpioioctl"
)

// The errors of this package; they come with words around them.
var (
	// ErrNoChip: the machine has no such chip now.
	ErrNoChip = errors.New("there is no such GPIO chip")
	// ErrNoLine: the chip has no line of this name.
	ErrNoLine = errors.New("there is no such GPIO line")
	// ErrTaken: another program, or another part of this one, holds the line.
	ErrTaken = errors.New("the GPIO line is in use")
	// ErrGone: the chip was there and does not answer any more.
	ErrGone = errors.New("the GPIO chip is gone")
)

// Chips finds the GPIO chips of this machine, also those that come later. The zero value is ready; a
// program needs one, since periph's list of chips is one as well. Its methods may be called from any
// goroutine.
type Chips struct {
	mu   sync.Mutex
	seen string // what /dev held at the last scan
}

// pattern is where the kernel puts the chips.
const pattern = "/dev/gpiochip*"

// find gives the chip with a label; without one the first, where those of a Raspberry Pi's own
// header, pinctrl-*, come before others.
func (c *Chips) find(label string) (*gpioioctl.GPIOChip, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.scan(); err != nil {
		return nil, err
	}
	var labels []string
	for _, chip := range gpioioctl.Chips {
		if label == "" || chip.Label() == label || chip.Name() == label {
			return chip, nil
		}
		labels = append(labels, chip.Label())
	}
	return nil, fmt.Errorf("%w: %q; there are: %s", ErrNoChip, label, strings.Join(labels, ", "))
}

// scan lets periph look for chips when those below /dev are others than at the last time.
//
// The chips of an earlier scan are dropped and not closed: their Close also closes descriptor 0.
func (c *Chips) scan() error {
	seen, err := present()
	if err != nil || seen == c.seen {
		return err
	}
	state, err := driverreg.Init()
	if err != nil {
		return fmt.Errorf("look for GPIO chips: %w", err)
	}
	if c.seen != "" || len(gpioioctl.Chips) == 0 {
		for _, pin := range gpioreg.All() {
			if err := gpioreg.Unregister(pin.Name()); err != nil {
				return fmt.Errorf("forget the GPIO line %s: %w", pin, err)
			}
		}
		gpioioctl.Chips = nil
		if _, err := scanner(state).Init(); err != nil {
			return fmt.Errorf("look for GPIO chips: %w", err)
		}
	}
	c.seen = seen
	return nil
}

// present describes the chips below /dev, or says why none can be used.
func present() (string, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return "", fmt.Errorf("look for GPIO chips: %w", err)
	}
	if len(paths) == 0 {
		return "", fmt.Errorf("%w: this machine has none", ErrNoChip)
	}
	var seen strings.Builder
	var denied error
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				denied = fmt.Errorf("open the GPIO chip (is the user in the group gpio?): %w", err)
			}
			continue
		}
		info, err := f.Stat()
		if err = errors.Join(err, f.Close()); err != nil {
			continue // it has just been pulled out
		}
		fmt.Fprint(&seen, path, identity(info), "\n")
	}
	if seen.Len() == 0 {
		return "", errors.Join(ErrNoChip, denied)
	}
	return seen.String(), nil
}

// identity tells a chip that came back from the one that was there before.
func identity(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(stat.Ino, stat.Ctim)
	}
	return info.ModTime().String()
}

// scanner is periph's driver that lists the chips.
func scanner(s *driverreg.State) driver.Impl {
	for _, d := range s.Loaded {
		if d.String() == "ioctl-gpio" {
			return d
		}
	}
	for _, failure := range append(s.Skipped, s.Failed...) {
		if failure.D.String() == "ioctl-gpio" {
			return failure.D
		}
	}
	return nothing{}
}

// nothing stands for a periph that has no such driver any more.
type nothing struct{ driver.Impl }

// Init always fails.
func (nothing) Init() (bool, error) { return false, errors.New("this periph cannot list GPIO chips") }

// line gives a line of a chip by its name. Names that several chips have are made distinct by periph.
func line(chip *gpioioctl.GPIOChip, name string) (*gpioioctl.GPIOLine, error) {
	for _, candidate := range []string{name, chip.Name() + "-" + name} {
		if l := chip.ByName(candidate); l != nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%w: %q on %s; gpioinfo lists them", ErrNoLine, name, chip.Label())
}

// Labels lists the chips with the names of their lines, for an installer.
func (c *Chips) Labels() (map[string][]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.scan(); err != nil {
		return nil, err
	}
	labels := map[string][]string{}
	for _, chip := range gpioioctl.Chips {
		names := []string{}
		for _, l := range chip.Lines() {
			if l.Name() != "" {
				names = append(names, l.Name())
			}
		}
		labels[chip.Label()] = names
	}
	return labels, nil
}

// wrap turns the kernel's errors into this package's.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("%w: %w", ErrTaken, err)
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EIO), errors.Is(err, syscall.EBADF):
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}
