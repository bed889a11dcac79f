package drivertest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/okienko/okienko/drivers"
)

// PanelEnv is a panel driver that runs and a hand on its buttons.
type PanelEnv struct {
	Panel drivers.Panel
	// Buttons are the names of two buttons, each with a lamp. The first one has a long press.
	Buttons [2]string
	// Hold is the time of the long press.
	Hold time.Duration
	// Push and LetGo move a button, Lit tells of its lamp.
	Push, LetGo func(button string)
	Lit         func(button string) bool
	// Unplug takes the device away, and Replug brings it back.
	Unplug, Replug func()
	// Stop ends the driver and waits for it.
	Stop func()
}

// Panel checks that a driver keeps the contract of drivers.Panel, in virtual time. start is called once
// for every check, in a bubble of its own, and returns a fresh device whose driver already runs; it
// registers its own clean-up with t.
func Panel(t *testing.T, start func(t *testing.T) PanelEnv) {
	t.Helper()
	for _, check := range []struct {
		name string
		run  func(*testing.T, PanelEnv)
	}{
		{"press", checkPanelPress},
		{"long-press", checkPanelLong},
		{"hammered", checkPanelHammered},
		{"stuck", checkPanelStuck},
		{"lamps", checkPanelLamps},
		{"unplug", checkPanelUnplug},
		{"full", checkPanelFull},
		{"stop", checkPanelStop},
	} {
		t.Run(check.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := start(t)
				if e.Panel.String() == "" {
					t.Error("the panel has no name")
				}
				time.Sleep(time.Second)
				if h := e.Panel.Health(); h.State != drivers.Ready {
					t.Fatalf("the panel is not ready: %+v", h)
				}
				check.run(t, e)
			})
		})
	}
}

// wants checks which presses were told since the last look.
func (e PanelEnv) wants(t *testing.T, presses ...drivers.Press) {
	t.Helper()
	synctest.Wait()
	for _, want := range presses {
		select {
		case got := <-e.Panel.Presses():
			if got.Button != want.Button || got.Long != want.Long {
				t.Errorf("told %+v, want %+v", got, want)
			}
			if age := time.Since(got.At); age < 0 || age > time.Minute {
				t.Errorf("the press is %v old", age)
			}
		default:
			t.Fatalf("no press was told, want %+v", want)
		}
	}
	select {
	case got := <-e.Panel.Presses():
		t.Errorf("told %+v as well", got)
	default:
	}
}

// press pushes a button for a time.
func (e PanelEnv) press(button string, held time.Duration) {
	e.Push(button)
	time.Sleep(held)
	e.LetGo(button)
	time.Sleep(100 * time.Millisecond)
}

func checkPanelPress(t *testing.T, e PanelEnv) {
	for range 3 {
		for _, b := range e.Buttons {
			e.press(b, 150*time.Millisecond)
			e.wants(t, drivers.Press{Button: b})
		}
		time.Sleep(3 * time.Second)
	}
}

func checkPanelLong(t *testing.T, e PanelEnv) {
	e.press(e.Buttons[0], e.Hold+time.Second)
	e.wants(t, drivers.Press{Button: e.Buttons[0]}, drivers.Press{Button: e.Buttons[0], Long: true})
}

func checkPanelHammered(t *testing.T, e PanelEnv) {
	for range 30 { // 20 times a second for 1.5 s
		e.Push(e.Buttons[1])
		time.Sleep(25 * time.Millisecond)
		e.LetGo(e.Buttons[1])
		time.Sleep(25 * time.Millisecond)
	}
	e.wants(t, drivers.Press{Button: e.Buttons[1]})
}

func checkPanelStuck(t *testing.T, e PanelEnv) {
	e.Panel.Light(e.Buttons[1], drivers.LampReady)
	e.Push(e.Buttons[1])
	time.Sleep(15 * time.Second)
	e.wants(t, drivers.Press{Button: e.Buttons[1]})
	if h := e.Panel.Health(); h.State != drivers.Degraded {
		t.Errorf("with a button held down for 15 s: %+v", h)
	}
	if e.Lit(e.Buttons[1]) {
		t.Error("the lamp of a stuck button is lit")
	}
	e.press(e.Buttons[0], 150*time.Millisecond)
	e.wants(t, drivers.Press{Button: e.Buttons[0]})
	e.LetGo(e.Buttons[1])
	time.Sleep(time.Second)
	if h := e.Panel.Health(); h.State != drivers.Ready {
		t.Errorf("after it was let go: %+v", h)
	}
	e.press(e.Buttons[1], 150*time.Millisecond)
	e.wants(t, drivers.Press{Button: e.Buttons[1]})
}

func checkPanelLamps(t *testing.T, e PanelEnv) {
	blinks := func() (n int) {
		before := e.Lit(e.Buttons[0])
		for range 200 { // 2 s
			time.Sleep(10 * time.Millisecond)
			if now := e.Lit(e.Buttons[0]); now != before {
				before = now
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		lamp  drivers.Lamp
		turns [2]int // in 2 s, at least and at most
		lit   bool
	}{
		{drivers.LampClosed, [2]int{0, 0}, false},
		{drivers.LampReady, [2]int{0, 0}, true},
		{drivers.LampBusy, [2]int{2, 5}, false},
		{drivers.LampFault, [2]int{6, 11}, false},
	} {
		e.Panel.Light(e.Buttons[0], c.lamp)
		time.Sleep(time.Second)
		if n := blinks(); n < c.turns[0] || n > c.turns[1] {
			t.Errorf("lamp %s turned %d times in 2 s, want %v", c.lamp, n, c.turns)
		}
		if c.turns[1] == 0 && e.Lit(e.Buttons[0]) != c.lit {
			t.Errorf("lamp %s is lit: %v", c.lamp, !c.lit)
		}
	}
	e.Panel.Light("nobody", drivers.LampReady)
}

// checkPanelUnplug: a chip that is gone reads as if every button were pressed.
func checkPanelUnplug(t *testing.T, e PanelEnv) {
	e.Panel.Light(e.Buttons[0], drivers.LampReady)
	e.Unplug()
	time.Sleep(5 * time.Second)
	e.wants(t)
	if h := e.Panel.Health(); h.State != drivers.Absent {
		t.Errorf("unplugged for 5 s: %+v", h)
	}
	e.Replug()
	time.Sleep(6 * time.Second)
	if h := e.Panel.Health(); h.State != drivers.Ready {
		t.Errorf("replugged for 6 s: %+v", h)
	}
	if !e.Lit(e.Buttons[0]) {
		t.Error("the lamp that was lit before is dark")
	}
	e.press(e.Buttons[0], 150*time.Millisecond)
	e.wants(t, drivers.Press{Button: e.Buttons[0]})
}

// checkPanelFull: when nobody takes the presses, the newest are dropped and Health says so.
func checkPanelFull(t *testing.T, e PanelEnv) {
	const kept = 16
	var want []drivers.Press
	for range kept + 3 {
		e.press(e.Buttons[1], 100*time.Millisecond)
		time.Sleep(2 * time.Second)
		if len(want) < kept {
			want = append(want, drivers.Press{Button: e.Buttons[1]})
		}
	}
	if h := e.Panel.Health(); h.State != drivers.Degraded {
		t.Errorf("with presses dropped: %+v", h)
	}
	e.wants(t, want...)
	time.Sleep(2 * time.Minute)
	if h := e.Panel.Health(); h.State != drivers.Ready {
		t.Errorf("two minutes later: %+v", h)
	}
}

func checkPanelStop(t *testing.T, e PanelEnv) {
	e.Panel.Light(e.Buttons[0], drivers.LampReady)
	time.Sleep(time.Second)
	e.Stop()
	if e.Lit(e.Buttons[0]) {
		t.Error("a lamp is lit after the end")
	}
	if err := e.Panel.Halt(); err != nil {
		t.Error(err)
	}
	if h := e.Panel.Health(); h.State != drivers.Absent {
		t.Errorf("after the end: %+v", h)
	}
	e.press(e.Buttons[0], 150*time.Millisecond)
	e.wants(t)
}
