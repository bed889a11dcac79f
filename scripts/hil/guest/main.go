// Command guest is the first program of the machine that make hil boots. It sets up the kernel's
// interfaces, starts okienko-agent on them, plays the world outside of it (buttons, paper, cables,
// clerks), reports each step of the scenario on the console and switches the machine off.
//
// What goes over the wires is judged by drivers/emulator, which shares no code with the drivers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers/emulator/board"
	hil "github.com/okienko/okienko/scripts/hil"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: this is the first program of the machine of make hil and nothing else")
		os.Exit(2)
	}
	if err := run(); err != nil {
		r := hil.NewRecord("guest")
		r.Fault = err.Error()
		if line, err := r.Line(); err == nil {
			_, _ = os.Stdout.Write(line)
		}
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// run sets up the machine and plays the scenario.
func run() error {
	if err := mountAll(); err != nil {
		return err
	}
	if err := loopback(); err != nil {
		return err
	}
	w := &world{out: os.Stdout, first: board.NewDigits("", 4), last: map[int]string{}}
	var err error
	if w.devices, err = newHotplug(); err != nil {
		return err
	}
	ended := make(chan error, 4)
	go func() { ended <- w.devices.run() }()
	if err := loadModules(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if w.panel, err = newChip(); err != nil {
		return err
	}
	if w.printer, err = newTicketPrinter(); err != nil {
		return err
	}
	if w.second, err = newRS485(); err != nil {
		return err
	}
	go func() { ended <- w.printer.run(ctx, w.devices) }()
	go func() { ended <- w.second.run(ctx, w.devices) }()
	go func() { ended <- serveCascade(w.first) }()
	if err := errors.Join(w.printer.plug(), w.second.cable.plug()); err != nil {
		return err
	}
	if err := w.awaitDevices(ctx); err != nil {
		return err
	}
	if w.agent, err = newAgent(ctx); err != nil {
		return err
	}
	played := make(chan error, 1)
	go func() { played <- w.play() }()
	select {
	case err = <-played:
	case err = <-ended:
		err = fmt.Errorf("a part of the world ended: %w", err)
	}
	return err
}

// awaitDevices waits until the kernel has told of everything that the agent uses.
func (w *world) awaitDevices(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	for _, name := range []string{"usb/lp", "ttyACM", "gpiochip", "spidev", "snd/pcm", "watchdog"} {
		if err := w.devices.await(ctx, true, name); err != nil {
			return err
		}
	}
	return nil
}

// loopback brings up the interface that the agent listens on.
func loopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the loopback interface: %w", err)
	}
	defer func() { _ = unix.Close(socket) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("name the loopback interface: %w", err)
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, request); err != nil {
		return fmt.Errorf("look at the loopback interface: %w", err)
	}
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bring up the loopback interface: %w", err)
	}
	return nil
}
