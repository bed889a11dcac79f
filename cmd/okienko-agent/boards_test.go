//go:build slow

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	emulator "github.com/okienko/okienko/drivers/emulator/board"
)

// get returns the body of a page or answer.
func (b *branch) get(path string) string {
	b.t.Helper()
	status, body, err := b.send(b.t.Context(), http.MethodGet, path, "admin", "", nil)
	if err != nil || status != http.StatusOK {
		b.t.Fatalf("%s: %d %v", path, status, err)
	}
	return string(body)
}

// device is a device's state and reason as administrators see them.
func (b *branch) device(name string) string {
	b.t.Helper()
	var list struct {
		Devices []struct{ Name, Kind, State, Reason string }
	}
	if err := json.Unmarshal([]byte(b.get("/api/v1/devices")), &list); err != nil {
		b.t.Fatal(err)
	}
	for _, d := range list.Devices {
		if d.Name == name {
			return strings.TrimSpace(d.State + " " + d.Reason)
		}
	}
	return "not on the list"
}

// called is the number that a counter has called.
func (b *branch) called(counter int) string {
	b.t.Helper()
	var queue struct {
		Called []struct {
			Number  string
			Counter int
		}
	}
	if err := json.Unmarshal([]byte(b.get("/api/v1/queue")), &queue); err != nil {
		b.t.Fatal(err)
	}
	for _, c := range queue.Called {
		if c.Counter == counter {
			return c.Number
		}
	}
	b.t.Fatalf("counter %d has called nobody", counter)
	return ""
}

// TestRow19Boards: a board that is silent, answers wrongly or is unplugged alarms the office within
// 5 s, and neither the other board nor the calling notices.
func TestRow19Boards(t *testing.T) {
	b := newBranch(t, withoutPrinter)
	spi, rs485 := withBoards(t, b)
	b.start()
	b.await("both boards", func() bool { return b.device("board-1") == "ready" && b.device("board-2") == "ready" })
	for n := range 6 {
		b.take(fmt.Sprint("press-", n))
	}
	b.clerk("1/open", "open-1")
	b.clerk("2/open", "open-2")
	b.clerk("1/next", "next-1")
	b.await("A1 at counter 1", func() bool { return spi.Picture().Text() == "  A1" })
	b.clerk("2/next", "next-2")
	b.await("A2 at counter 2", func() bool { return rs485.Text() == "  A2" })

	for fault, want := range map[string]string{
		emulator.FaultSilent: "failed no-answer", emulator.FaultChecksum: "failed wrong-checksum", emulator.FaultUnplug: "absent unplugged",
	} {
		broken := time.Now()
		if err := rs485.Set(fault); err != nil {
			t.Fatal(err)
		}
		b.await(fault, func() bool { return b.device("board-2") == want })
		if took := time.Since(broken); took > 5*time.Second {
			t.Errorf("%s was told after %v", fault, took)
		}
		if page := b.get("/status?lang=pl"); !strings.Contains(page, "Tablica przy stanowisku 2 nie działa") {
			t.Errorf("%s: /status does not say so", fault)
		}
		if page := b.get("/metrics"); !strings.Contains(page, `okienko_device_ready{device="board-2",kind="board"} 0`) {
			t.Errorf("%s: /metrics does not know the board:\n%s", fault, page)
		}
		b.clerk("1/next", "next-1-"+fault)
		number := b.called(1)
		b.await("the other board", func() bool { return strings.TrimSpace(spi.Picture().Text()) == number })
		if err := rs485.Set(emulator.FaultNone); err != nil {
			t.Fatal(err)
		}
		b.await("the board's return", func() bool { return b.device("board-2") == "ready" && strings.TrimSpace(rs485.Text()) == "A2" })
	}

	spi.PowerCut()
	number := b.called(1)
	b.await("the number after a dip", func() bool { return strings.TrimSpace(spi.Picture().Text()) == number })
	b.restart()
	b.await("the same numbers after a restart", func() bool {
		return strings.TrimSpace(spi.Picture().Text()) == number && strings.TrimSpace(rs485.Text()) == "A2"
	})
	b.halt()
	command := []string{"test", "board", "--config", b.config, "--show", "0s"}
	out, err := exec.CommandContext(t.Context(), b.binary, command...).CombinedOutput() //nolint:gosec // our own binary
	if err != nil || string(out) != "board-1 shows 1\nboard-2 shows 2\n" {
		t.Errorf("test board: %v\n%s", err, out)
	}
	if err := rs485.Set(emulator.FaultSilent); err != nil {
		t.Fatal(err)
	}
	out, err = exec.CommandContext(t.Context(), b.binary, append(command, "board-2")...).CombinedOutput() //nolint:gosec // likewise
	if err == nil || !strings.Contains(string(out), "board-2 does not work: no-answer") {
		t.Errorf("test board of a silent one: %v\n%s", err, out)
	}
	if err := rs485.Set(emulator.FaultNone); err != nil {
		t.Fatal(err)
	}
	if spi.Picture().Text() != "    " || strings.TrimSpace(rs485.Text()) != "" {
		t.Errorf("after the stop the boards show %q and %q", spi.Picture().Text(), rs485.Text())
	}
}
