package panel_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/drivertest"
	"github.com/okienko/okienko/drivers/emulator/chip"
	"github.com/okienko/okienko/drivers/gpio"
	"github.com/okienko/okienko/drivers/panel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a driver with buttons A and B on an emulated chip.
func start(t *testing.T, open func(context.Context) (panel.Lines, error)) (*panel.Panel, func()) {
	t.Helper()
	p := panel.New("panel", []panel.Button{
		{Name: "A", Line: "BTN_A", Lamp: "LED_A", Hold: 5 * time.Second},
		{Name: "B", Line: "BTN_B", Lamp: "LED_B"},
	}, open)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return p, stop
}

func TestPanelConformance(t *testing.T) {
	place := map[string]int{"A": 0, "B": 1}
	drivertest.Panel(t, func(t *testing.T) drivertest.PanelEnv {
		c := chip.New()
		p, stop := start(t, func(context.Context) (panel.Lines, error) { return c.Open() })
		return drivertest.PanelEnv{
			Panel: p, Buttons: [2]string{"A", "B"}, Hold: 5 * time.Second,
			Push:   func(b string) { c.Push(place[b]) },
			LetGo:  func(b string) { c.LetGo(place[b]) },
			Lit:    func(b string) bool { return c.Lit(place[b]) },
			Unplug: c.Unplug, Replug: c.Replug, Stop: stop,
		}
	})
}

// TestOverflow: 200 edges while the driver looked elsewhere; the kernel kept 16.
func TestOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := chip.New()
		p, _ := start(t, func(context.Context) (panel.Lines, error) { return c.Open() })
		time.Sleep(time.Second)
		for range 100 {
			c.Push(0)
			c.LetGo(0)
		}
		c.Push(0)
		time.Sleep(time.Second)
		select {
		case <-p.Presses():
		default:
			t.Error("the press after the burst was lost")
		}
		c.LetGo(0)
		time.Sleep(time.Second)
		if n := len(p.Presses()); n != 0 {
			t.Errorf("%d more presses", n)
		}
	})
}

// TestWhatAPersonHasToDo: each failure to open has a reason of its own, and the panel works as soon as
// the reason is gone (row 22).
func TestWhatAPersonHasToDo(t *testing.T) {
	for reason, fault := range map[string]error{
		panel.ReasonNoLine: gpio.ErrNoLine, panel.ReasonTaken: gpio.ErrTaken,
		drivers.ReasonUnplugged: gpio.ErrNoChip, drivers.ReasonError: errors.New("strange"),
	} {
		synctest.Test(t, func(t *testing.T) {
			c, broken := chip.New(), atomic.Bool{}
			broken.Store(true)
			p, _ := start(t, func(context.Context) (panel.Lines, error) {
				if broken.Load() {
					return nil, fault
				}
				return c.Open()
			})
			time.Sleep(time.Minute)
			if h := p.Health(); h.Reason != reason || h.State == drivers.Ready {
				t.Errorf("%v: %+v", fault, h)
			}
			broken.Store(false)
			time.Sleep(6 * time.Second)
			if h := p.Health(); h.State != drivers.Ready {
				t.Errorf("%v, put right: %+v", fault, h)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c := chip.New()
		c.Deny(true)
		p, _ := start(t, func(context.Context) (panel.Lines, error) { return c.Open() })
		time.Sleep(time.Minute)
		if h := p.Health(); h.Reason != panel.ReasonDenied || h.State != drivers.Failed {
			t.Errorf("not allowed: %+v", h)
		}
	})
}

// TestChipOfThisMachine: a machine without chips, as most are that run this, says so; one with chips
// does not have this one. A chip with buttons is pressed by make hil.
func TestChipOfThisMachine(t *testing.T) {
	var chips gpio.Chips
	if labels, err := chips.Labels(); !errors.Is(err, gpio.ErrNoChip) && len(labels) == 0 {
		t.Errorf("no chip and no error: %v", err)
	}
	_, err := chips.Open(panel.Request("none-of-this-name", []panel.Button{{Name: "A", Line: "GPIO17", Lamp: "GPIO27"}}))
	if !errors.Is(err, gpio.ErrNoChip) {
		t.Errorf("no chip: %v", err)
	}
}
