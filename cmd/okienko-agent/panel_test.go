//go:build slow

package main_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers/emulator"
	"github.com/okienko/okienko/drivers/emulator/chip"
)

// panelConfig has two buttons; the second prints a test page when it is held.
const panelConfig = `panel:
  chip: %q
  buttons:
    - {line: BTN_A, lamp: LED_A, service: A}
    - {line: BTN_B, lamp: LED_B, service: %s, hold: test-print}
`

// withPanel adds a panel behind a Unix socket to a branch that has not been started.
func withPanel(t *testing.T, b *branch) *chip.Chip {
	t.Helper()
	path := filepath.Join(b.dir, "panel")
	c := chip.New()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Serve(ctx, path); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	b.configure(fmt.Sprintf(panelConfig, "tap:"+path, "A"))
	return c
}

// printed is the text of what the printer has cut.
func printed(em *emulator.Printer) string {
	var text strings.Builder
	for _, ticket := range em.Tickets() {
		text.WriteString(strings.Join(ticket.Lines, "\n") + "\n---\n")
	}
	return text.String()
}

// TestRow21Buttons: bounce, hammering and a stuck button. The visitor gets one ticket for a press, the
// others are served, and the office is told which button needs a hand. Two buttons at once are a matter
// of 50 ms and so of virtual time, in drivers/panel.
func TestRow21Buttons(t *testing.T) {
	port := filepath.Join(t.TempDir(), "printer")
	em := startPrinter(t, port)
	b := newBranch(t, port)
	c := withPanel(t, b)
	b.start()
	b.await("the panel", func() bool { return b.device("panel") == "ready" && b.device("printer") == "ready" })
	b.await("its lamps", func() bool { return c.Lit(0) && c.Lit(1) })

	press := func(button int, held time.Duration) {
		c.Push(button)
		pause := time.NewTimer(held)
		<-pause.C
		c.LetGo(button)
	}
	bounce := func(button int) {
		for range 20 {
			c.Push(button)
			c.LetGo(button)
		}
	}
	bounce(0)
	press(0, 300*time.Millisecond)
	bounce(0)
	b.await("one ticket for a press that bounces", func() bool { return strings.Contains(printed(em), "A1") })
	begun := time.Now()
	for range 12 { // a child hammers on the other one for a second
		press(1, 40*time.Millisecond)
		pause := time.NewTimer(40 * time.Millisecond)
		<-pause.C
	}
	b.await("a ticket for the hammering", func() bool { return strings.Contains(printed(em), "A2") })
	if n, most := len(em.Tickets())-1, 1+int(time.Since(begun)/(2*time.Second)); n > most {
		t.Errorf("%d tickets for hammering, want at most %d:\n%s", n, most, printed(em))
	}

	c.Push(1)
	b.await("the test page of a long press", func() bool { return strings.Contains(printed(em), "Zażółć gęślą jaźń") })
	b.await("the stuck button", func() bool { return b.device("panel") == "degraded stuck" && !c.Lit(1) })
	if page := b.get("/status?lang=pl"); !strings.Contains(page, "Jeden z przycisków automatu biletowego jest zablokowany") {
		t.Error("/status does not say that a button is stuck")
	}
	if page := b.get("/api/v1/devices"); !strings.Contains(page, "BTN_B") {
		t.Errorf("the administrator is not told which button is stuck: %s", page)
	}
	before := len(em.Tickets())
	press(0, 300*time.Millisecond)
	b.await("a ticket by the other button", func() bool { return len(em.Tickets()) == before+1 })
	c.LetGo(1)
	b.await("the button's return", func() bool { return b.device("panel") == "ready" && c.Lit(1) })
}

// TestRow22ChipAbsent: without a chip the branch starts and serves by touch screen, says what is wrong,
// and takes the buttons into use when the chip is there.
func TestRow22ChipAbsent(t *testing.T) {
	port := filepath.Join(t.TempDir(), "printer")
	em := startPrinter(t, port)
	b := newBranch(t, port)
	c := withPanel(t, b)
	c.Unplug()
	b.start()
	b.await("the fault", func() bool { return b.device("panel") == "absent unplugged" })
	b.take("touch-1")
	b.await("a ticket by touch screen", func() bool { return strings.Contains(printed(em), "A1") })
	if page := b.get("/status?lang=en"); !strings.Contains(page, "The buttons of the ticket machine do not work") {
		t.Error("/status does not say that the buttons do not work")
	}
	c.Replug()
	b.await("the buttons", func() bool { return b.device("panel") == "ready" && c.Lit(0) })
	c.Push(0)
	b.await("a ticket by button", func() bool { return strings.Contains(printed(em), "A2") })
	c.LetGo(0)
	c.Unplug() // a chip that is gone reads as if every button were pressed
	b.await("the fault again", func() bool { return b.device("panel") == "absent unplugged" })
	if n := len(em.Tickets()); n != 2 {
		t.Errorf("%d tickets were cut, not 2:\n%s", n, printed(em))
	}
	c.Replug()
	b.await("the buttons again", func() bool { return b.device("panel") == "ready" })
	b.halt()
	if c.Lit(0) || c.Lit(1) {
		t.Error("a lamp is lit after the end")
	}
}

// TestChipOfTheKernelAbsent is the same without a tap: this machine has no such chip.
func TestChipOfTheKernelAbsent(t *testing.T) {
	b := newBranch(t, withoutPrinter)
	b.configure(fmt.Sprintf(panelConfig, "pinctrl-none", "A"))
	b.start()
	b.await("the fault", func() bool { return strings.HasPrefix(b.device("panel"), "absent unplugged") })
	b.take("touch-1")
}
