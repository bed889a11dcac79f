package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers/emulator/terminal"
)

// boardLink is the name by which the agent knows the adapter of its RS-485 line; udev makes such names.
const boardLink = "/dev/serial/by-id/usb-okienko_rs485"

// The user of the agent, as its systemd unit has it, and the groups that Debian's udev gives devices to.
const (
	agentUser     = 1000
	groupLP       = 7
	groupDialout  = 20
	groupAudio    = 29
	groupGPIO     = 993
	groupSPI      = 994
	groupWatchdog = 995
)

// groupOf is the group of a device, by the beginning of its name.
func groupOf(name string) (int, bool) {
	for _, rule := range []struct {
		prefix string
		group  int
	}{
		{"usb/lp", groupLP},
		{"ttyACM", groupDialout},
		{"snd/", groupAudio},
		{"gpiochip", groupGPIO},
		{"spidev", groupSPI},
		{"watchdog", groupWatchdog},
	} {
		if strings.HasPrefix(name, rule.prefix) {
			return rule.group, true
		}
	}
	return 0, false
}

// own gives a device to its group. One that has gone meanwhile has no owner.
func own(name string) error {
	group, ruled := groupOf(name)
	if !ruled {
		return nil
	}
	path := "/dev/" + name
	err := errors.Join(os.Chown(path, 0, group), os.Chmod(path, 0o660)) //nolint:gosec // as udev does
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("give a device to its group: %w", err)
	}
	return nil
}

// hotplug does udev's work: it hears from the kernel which devices come and go, gives
// them to their groups and keeps boardLink.
type hotplug struct {
	socket int

	mu      sync.Mutex
	there   map[string]bool // by name below /dev
	changed chan struct{}
}

// newHotplug hears of everything that happens from now on.
func newHotplug() (*hotplug, error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("open the kernel's news of devices: %w", err)
	}
	if err := unix.Bind(socket, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		return nil, fmt.Errorf("hear the kernel's news of devices: %w", err)
	}
	if err := os.MkdirAll("/dev/serial/by-id", 0o755); err != nil { //nolint:gosec // as udev does
		return nil, fmt.Errorf("make the folder of links: %w", err)
	}
	return &hotplug{socket: socket, there: map[string]bool{}, changed: make(chan struct{})}, nil
}

// run hears the kernel for ever.
func (h *hotplug) run() error {
	buffer := make([]byte, 1<<16)
	for {
		n, _, err := unix.Recvfrom(h.socket, buffer, 0)
		if err != nil {
			return fmt.Errorf("read the kernel's news of devices: %w", err)
		}
		news := map[string]string{}
		for word := range bytes.SplitSeq(buffer[:n], []byte{0}) {
			key, value, _ := strings.Cut(string(word), "=")
			news[key] = value
		}
		if err := h.take(news["ACTION"], news["DEVNAME"]); err != nil {
			return err
		}
	}
}

// take is one piece of news.
func (h *hotplug) take(action, name string) error {
	if name == "" || action != "add" && action != "remove" {
		return nil
	}
	if action == "add" {
		if err := own(name); err != nil {
			return err
		}
	}
	if strings.HasPrefix(name, "ttyACM") && action == "add" {
		if err := terminal.Link(boardLink, "/dev/"+name); err != nil {
			return err
		}
	}
	if target, err := os.Readlink(boardLink); err == nil && target == "/dev/"+name && action == "remove" {
		_ = os.Remove(boardLink)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.there[name] = action == "add"
	close(h.changed)
	h.changed = make(chan struct{})
	return nil
}

// await waits until one of the devices is there, or all are gone.
func (h *hotplug) await(ctx context.Context, there bool, prefix string) error {
	for {
		h.mu.Lock()
		found := false
		for name, now := range h.there {
			found = found || now && strings.HasPrefix(name, prefix)
		}
		changed := h.changed
		h.mu.Unlock()
		if found == there {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for /dev/%s: %w", prefix, ctx.Err())
		}
	}
}
