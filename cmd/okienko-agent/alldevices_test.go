//go:build slow

package main_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// mostMB is what the agent may take of a Raspberry Pi's memory (design/1-mission.md).
const mostMB = 40

// TestMemoryWithAllDevices: with a printer, two boards, a panel and a voice that all have worked, the
// agent stays below 40 MB.
func TestMemoryWithAllDevices(t *testing.T) {
	port := filepath.Join(t.TempDir(), "printer")
	em := startPrinter(t, port)
	b := newBranch(t, port)
	spi, _ := withBoards(t, b)
	c := withPanel(t, b)
	pack := filepath.Join(b.dir, "voice")
	b.okay("voice", "build", "--language", "pl", "--out", pack)
	b.configure(fmt.Sprintf("voice:\n  output: command\n  command: [sh, -c, \"cat > /dev/null\"]\n  pack: %q\n", pack))
	b.start()
	for _, name := range []string{"printer", "board-1", "board-2", "panel", "speaker"} {
		b.await(name, func() bool { return b.device(name) == "ready" })
	}
	b.clerk("1/open", "open-1")
	b.clerk("2/open", "open-2")
	for n := range 12 {
		c.Push(n % 2)
		b.await("a ticket", func() bool { return len(em.Tickets()) == n+1 })
		c.LetGo(n % 2)
		b.clerk(fmt.Sprintf("%d/next", 1+n%2), fmt.Sprint("next-", n))
		pause := time.NewTimer(1500 * time.Millisecond) // two seconds lie between the presses of a button
		<-pause.C
	}
	b.await("the last number", func() bool { return spi.Picture().Text() == " A11" })
	if rss := b.memory(t, "VmRSS:"); rss >= mostMB {
		t.Errorf("the agent takes %.1f MB, want below %d", rss, mostMB)
	} else {
		t.Logf("%.1f MB", rss)
	}
}
