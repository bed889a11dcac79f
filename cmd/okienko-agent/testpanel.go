package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/gpio"
	"github.com/okienko/okienko/drivers/panel"
)

// testPanel is okienko-agent test panel. The agent itself must be stopped: a line has one owner.
type testPanel struct {
	Config string        `type:"path" required:"" help:"Take the buttons from this configuration."`
	Wait   time.Duration `default:"30s" help:"How long to wait for each button."`
}

// panelLimit is how long the chip may take to be there.
const panelLimit = 5 * time.Second

var errSilentButtons = errors.New("not every button works; the lines above say which")

// Run lights the buttons one after the other and waits until each was pressed, so that an installer
// sees which lamp belongs to which button and which line is which.
func (c testPanel) Run(ctx context.Context, std streams) error {
	conf, err := load(std, c.Config)
	if err != nil {
		return err
	}
	if len(conf.Panel.Buttons) == 0 {
		return fmt.Errorf("%w: %s has no buttons", errUse, c.Config)
	}
	device := newPanel(conf.Panel, &gpio.Chips{})
	owner, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- device.Run(owner) }()
	if h := awaitReady(ctx, device, panelLimit); h.State == drivers.Ready || h.State == drivers.Degraded {
		err = c.each(ctx, std, conf.Panel.Buttons, device)
	} else {
		err = fmt.Errorf("the panel does not work: %s (%s)", h.Reason, h.Detail)
	}
	stop()
	return errors.Join(err, <-stopped)
}

// each waits for a press of each button.
func (c testPanel) each(ctx context.Context, std streams, buttons []config.Button, device *panel.Panel) error {
	silent := 0
	for _, b := range buttons {
		_, _ = fmt.Fprintf(std.out, "press the lit button %s (service %s)\n", b.Line, b.Service)
		device.Light(b.Line, drivers.LampReady)
		got, ok := awaitPress(ctx, device, c.Wait)
		device.Light(b.Line, drivers.LampClosed)
		switch {
		case !ok:
			_, _ = fmt.Fprintf(std.out, "%s was not pressed in %v\n", b.Line, c.Wait)
			silent++
		case got != b.Line:
			_, _ = fmt.Fprintf(std.out, "%s was pressed instead of %s\n", got, b.Line)
			silent++
		default:
			_, _ = fmt.Fprintf(std.out, "%s works\n", b.Line)
		}
	}
	if silent > 0 {
		return errSilentButtons
	}
	return nil
}

// awaitPress waits for a short press of any button.
func awaitPress(ctx context.Context, device *panel.Panel, limit time.Duration) (string, bool) {
	t := time.NewTimer(limit)
	defer t.Stop()
	for {
		select {
		case press := <-device.Presses():
			if !press.Long {
				return press.Button, true
			}
		case <-t.C:
			return "", false
		case <-ctx.Done():
			return "", false
		}
	}
}
