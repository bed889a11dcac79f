package main_test

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRow46Watchdog: systemd is told that the agent is ready, alive, and stopping; nothing while it hangs.
func TestRow46Watchdog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "900000")
	b := newBranch(t, withoutPrinter)
	b.start()
	hear := func(limit time.Duration) string {
		if err := socket.SetReadDeadline(time.Now().Add(limit)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		n, err := socket.Read(buf)
		if err != nil {
			return err.Error()
		}
		return string(buf[:n])
	}
	if got := hear(10 * time.Second); got != "READY=1\nWATCHDOG=1" {
		t.Errorf("first %q", got)
	}
	for range 3 {
		if got := hear(10 * time.Second); got != "WATCHDOG=1" {
			t.Errorf("then %q", got)
		}
	}
	if err := b.process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ { // what was sent before the signal
		got := hear(2 * time.Second)
		if strings.Contains(got, "timeout") {
			break
		}
		if n > 3 {
			t.Fatalf("an agent that hangs says %q", got)
		}
	}
	if err := b.process.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := b.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for got := ""; got != "STOPPING=1"; {
		if got = hear(10 * time.Second); strings.Contains(got, "timeout") {
			t.Fatal("the end was not told")
		}
	}
}
