package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/agent"
	"github.com/okienko/okienko/agent/config"
)

// watchdogOf finds who watches the agent: the device of the configuration, else systemd, else nobody.
func watchdogOf(c config.Config, log *slog.Logger) (agent.Watchdog, error) {
	if c.Watchdog != "" {
		return openDevice(c.Watchdog, log)
	}
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil, nil //nolint:nilnil // started by hand
	}
	// sd_watchdog_enabled(3): the time is in microseconds, and may be meant for another process.
	patience, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err != nil || patience <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		patience = int64(time.Hour / time.Microsecond) // systemd wants to know that the agent is ready, no more
	}
	return &systemd{socket: socket, every: time.Duration(patience) * time.Microsecond / 3}, nil
}

// systemd is the service manager that started the agent (sd_notify(3)).
type systemd struct {
	socket string
	every  time.Duration
	told   bool // that the agent is ready
}

// Every is a third of the unit's WatchdogSec.
func (s *systemd) Every() time.Duration { return s.every }

// Feed tells that the agent is ready, the first time, and alive.
func (s *systemd) Feed() error {
	text := "WATCHDOG=1"
	if !s.told {
		text = "READY=1\n" + text
	}
	err := s.tell(text)
	s.told = s.told || err == nil
	return err
}

// Stop tells that the agent ends.
func (s *systemd) Stop() error { return s.tell("STOPPING=1") }

func (s *systemd) tell(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.every)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unixgram", s.socket) // @ begins an abstract name in both conventions
	if err != nil {
		return fmt.Errorf("reach systemd: %w", err)
	}
	_, err = conn.Write([]byte(text))
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("tell systemd %q: %w", text, err)
	}
	return nil
}

// devicePatience is what the machine is given: a Raspberry Pi's watchdog counts to 15 s at most
// (reference/hardware.md section 2).
const devicePatience = 14 * time.Second

// device is a watchdog of the kernel (linux: Documentation/watchdog/watchdog-api.rst).
type device struct{ file *os.File }

func openDevice(path string, log *slog.Logger) (*device, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: open the watchdog: %w", errUse, err)
	}
	// A kernel that cannot set the time keeps its own, which is usually longer.
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.WDIOC_SETTIMEOUT, int(devicePatience/time.Second)); err != nil {
		log.Warn("watchdog keeps its own time", "device", path, "error", err)
	}
	return &device{f}, nil
}

// Every is a third of its patience.
func (*device) Every() time.Duration { return devicePatience / 3 }

// Feed puts the machine's restart off.
func (d *device) Feed() error {
	_, err := d.file.Write([]byte{0})
	return err
}

// Stop switches the watchdog off by the magic close, where the kernel allows that.
func (d *device) Stop() error {
	_, err := d.file.WriteString("V")
	return errors.Join(err, d.file.Close())
}
