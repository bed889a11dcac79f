package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mounts are the file systems that a first program finds missing.
func mountAll() error {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/data"}, {"tmpfs", "/tmp"},
	} {
		if err := os.MkdirAll(m.at, 0o755); err != nil { //nolint:gosec // nobody else lives here
			return fmt.Errorf("make %s: %w", m.at, err)
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	return nil
}

// loadModules loads what kernel.sh chose, in its order and with its parameters.
func loadModules() error {
	order, err := os.ReadFile("/modules/order")
	if err != nil {
		return fmt.Errorf("read the order of modules: %w", err)
	}
	for line := range strings.Lines(string(order)) {
		name, parameters, _ := strings.Cut(strings.TrimSpace(line), " ")
		f, err := os.Open(filepath.Join("/modules", name))
		if err != nil {
			return fmt.Errorf("load a module: %w", err)
		}
		err = unix.FinitModule(int(f.Fd()), parameters, 0)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
	}
	if err := unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, ""); err != nil {
		return fmt.Errorf("mount configfs: %w", err)
	}
	return nil
}

// attribute writes one attribute of sysfs or configfs; its folder is made if need be.
func attribute(path, value string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the kernel sets the mode
		return fmt.Errorf("make the folder of %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
		return fmt.Errorf("set %s to %q: %w", path, value, err)
	}
	return nil
}

// attributes writes some of one folder, in the order given: name, value, name, value ...
func attributes(folder string, pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := attribute(filepath.Join(folder, pairs[i]), pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// gadget is the device's side of a USB cable, on a controller of its own.
type gadget struct{ folder, controller string }

// newGadget describes a device with one function of the kernel; it is not plugged in.
func newGadget(name, function, product, controller string, options ...string) (*gadget, error) {
	g := &gadget{folder: "/sys/kernel/config/usb_gadget/" + name, controller: controller}
	at := filepath.Join(g.folder, "functions", function)
	err := errors.Join(
		attributes(g.folder, "idVendor", "0x04b8", "idProduct", product, "strings/0x409/product", name,
			"strings/0x409/serialnumber", "1", "configs/c.1/MaxPower", "100"),
		os.MkdirAll(at, 0o755), //nolint:gosec // the kernel sets the mode
		attributes(at, options...),
	)
	if err != nil {
		return nil, err
	}
	if err := os.Symlink(at, filepath.Join(g.folder, "configs/c.1", function)); err != nil {
		return nil, fmt.Errorf("give %s its function: %w", name, err)
	}
	return g, nil
}

func (g *gadget) plug() error   { return attribute(filepath.Join(g.folder, "UDC"), g.controller) }
func (g *gadget) unplug() error { return attribute(filepath.Join(g.folder, "UDC"), "") }

// chip is the wires of a GPIO chip: buttons to ground, and lamps.
type chip struct{ folder string }

// buttons is how many there are; scripts/hil/agent.yaml has as many.
const buttons = 12

// newChip makes a chip with the lines BTN_A, LED_A, BTN_B, LED_B ...
func newChip() (*chip, error) {
	const device = "/sys/kernel/config/gpio-sim/okienko"
	bank := filepath.Join(device, "bank0")
	err := attributes(bank, "num_lines", fmt.Sprint(2*buttons), "label", "pinctrl-okienko")
	for i := range buttons {
		letter := string(rune('A' + i))
		err = errors.Join(err,
			attribute(fmt.Sprintf("%s/line%d/name", bank, 2*i), "BTN_"+letter),
			attribute(fmt.Sprintf("%s/line%d/name", bank, 2*i+1), "LED_"+letter))
	}
	if err = errors.Join(err, attribute(filepath.Join(device, "live"), "1")); err != nil {
		return nil, err
	}
	var names []string
	for _, path := range []string{filepath.Join(device, "dev_name"), filepath.Join(bank, "chip_name")} {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("ask for the chip's name: %w", err)
		}
		names = append(names, strings.TrimSpace(string(data)))
	}
	return &chip{folder: filepath.Join("/sys/devices/platform", names[0], names[1])}, nil
}

// press holds a button down, or lets it go.
func (c *chip) press(button int, down bool) error {
	pull := "pull-up"
	if down {
		pull = "pull-down"
	}
	return attribute(fmt.Sprintf("%s/sim_gpio%d/pull", c.folder, 2*button), pull)
}

// lit counts the lamps that are on.
func (c *chip) lit() int {
	on := 0
	for i := range buttons {
		value, err := os.ReadFile(fmt.Sprintf("%s/sim_gpio%d/value", c.folder, 2*i+1))
		if err == nil && strings.TrimSpace(string(value)) == "1" {
			on++
		}
	}
	return on
}
