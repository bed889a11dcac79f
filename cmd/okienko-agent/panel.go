package main

import (
	"context"
	"time"

	"github.com/okienko/okienko/agent"
	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/drivers/gpio"
	"github.com/okienko/okienko/drivers/panel"
)

// The times of long presses: reading aloud is for visitors (reference/ux.md section 1), a test page for
// a technician (reference/hardware.md section 2).
const (
	holdToRead  = 2 * time.Second
	holdToPrint = 5 * time.Second
)

// panelOf makes the driver of the buttons; nil for a branch without.
func panelOf(c config.Config, chips *gpio.Chips) agent.Panel {
	if len(c.Panel.Buttons) == 0 {
		return nil
	}
	return newPanel(c.Panel, chips)
}

func newPanel(c config.Panel, chips *gpio.Chips) *panel.Panel {
	var list []panel.Button
	for _, b := range c.Buttons {
		made := panel.Button{Name: b.Line, Line: b.Line, Lamp: b.Lamp}
		switch b.Hold {
		case config.HoldTestPrint:
			made.Hold = holdToPrint
		case config.HoldReadAloud:
			made.Hold, made.OnRelease = holdToRead, true
		}
		list = append(list, made)
	}
	request := panel.Request(c.Chip, list)
	return panel.New("panel", list, func(ctx context.Context) (panel.Lines, error) {
		return chips.Connect(ctx, request)
	})
}
