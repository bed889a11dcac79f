package gpio_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/okienko/okienko/drivers/emulator/chip"
	"github.com/okienko/okienko/drivers/gpio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tapped serves an emulated chip and returns its name.
func tapped(t *testing.T) (*chip.Chip, string) {
	t.Helper()
	c, path := chip.New(), filepath.Join(t.TempDir(), "chip")
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Serve(ctx, path); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return c, gpio.TapPrefix + path
}

// eventually asks until ok, for there is another program at the end of a tap.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("%s did not come", what)
		}
	}
}

// TestSingleLines: an output and an input come into use when their chip does, are lost with it, and come
// back with it; nothing is left on.
func TestSingleLines(t *testing.T) {
	c, name := tapped(t)
	var chips gpio.Chips
	amplifier, busy := chips.Output(name, "AMP"), chips.Input(name, "BUSY")
	eventually(t, "the output", func() bool { return amplifier.Set(true) == nil && c.Lit(0) })
	eventually(t, "the input, high", func() bool { low, err := busy.Low(); return err == nil && !low })
	c.Push(0)
	eventually(t, "the input, low", func() bool { low, err := busy.Low(); return err == nil && low })
	c.LetGo(0)
	eventually(t, "the input, high again", func() bool { low, err := busy.Low(); return err == nil && !low })

	c.Unplug()
	eventually(t, "the loss", func() bool {
		_, err := busy.Low()
		return err != nil && amplifier.Set(true) != nil
	})
	if err := amplifier.Set(true); !errors.Is(err, gpio.ErrNoChip) {
		t.Errorf("without a chip: %v", err)
	}
	c.Replug()
	eventually(t, "the return", func() bool { return amplifier.Set(true) == nil && c.Lit(0) })
	if err := errors.Join(amplifier.Close(), busy.Close()); err != nil {
		t.Error(err)
	}
	eventually(t, "the output's end", func() bool { return !c.Lit(0) })
}

// TestLinesOfTheKernel: a set of lines is refused with the reason, before and after chips were looked for.
func TestLinesOfTheKernel(t *testing.T) {
	var chips gpio.Chips
	for range 2 {
		if _, err := chips.Connect(t.Context(), gpio.Request{Chip: "none-of-this-name", In: []string{"A"}}); !errors.Is(err, gpio.ErrNoChip) {
			t.Errorf("an unknown chip: %v", err)
		}
	}
	if _, err := chips.Connect(t.Context(), gpio.Request{}); err == nil {
		t.Error("a set without lines was taken")
	}
}
