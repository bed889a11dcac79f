package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/drivers/drivertest/smoke"
	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/paper"
)

// testCommand groups the tests of real devices.
type testCommand struct {
	Printer testPrinter `cmd:"" help:"Print a test page and say how the printer answered."`
	Speaker testSpeaker `cmd:"" help:"Announce a call and say whether it was played."`
	Board   testBoard   `cmd:"" help:"Show on each board the number of its counter and say how it answered."`
	Panel   testPanel   `cmd:"" help:"Light each lamp in turn and say which buttons were pressed."`
}

// testPrinter is okienko-agent test printer. The agent itself must be stopped: the port has one
// owner.
type testPrinter struct {
	Config  string `type:"path" xor:"where" required:"" help:"Take the printer from this configuration."`
	Address string `xor:"where" required:"" help:"serial:PATH?baud=N, usb:/dev/usb/lp0 or tcp:HOST:PORT."`
	Profile string `default:"generic-80" help:"The printer's profile, with --address."`
}

// testLimit bounds the whole test.
const testLimit = 30 * time.Second

// Run prints the page and reports.
func (c testPrinter) Run(ctx context.Context, std streams) error {
	address, name := c.Address, c.Profile
	if c.Config != "" {
		conf, err := load(std, c.Config)
		if err != nil {
			return err
		}
		if conf.Printer.Address.Kind == config.NoPrinter {
			return fmt.Errorf("%w: %s has no printer", errUse, c.Config)
		}
		address, name = conf.Printer.Address.String(), conf.Printer.Profile
	}
	setup, err := printerConfig(address, name)
	if err != nil {
		return err
	}
	device, err := openPrinter(setup, slog.New(slog.NewTextHandler(std.err, nil)))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testLimit)
	defer cancel()
	owner, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- device.Run(owner) }()
	err = smoke.Printer(ctx, device, testPage(setup.Profile), func(line string) {
		_, _ = fmt.Fprintln(std.out, line)
	})
	stop()
	return errors.Join(err, <-stopped, device.Halt())
}

// testPageOf is the test page of the configured printer.
func testPageOf(c config.Config) paper.Document {
	profile, err := escpos.LoadProfile(c.Printer.Profile, nil)
	if err != nil {
		return paper.Document{} // the branch has no printer; otherwise the profile was checked
	}
	return testPage(profile)
}

// testPage shows what an installer checks by eye: Polish letters, sizes, a QR code, the cut.
func testPage(p escpos.Profile) paper.Document {
	return paper.Document{Elements: []paper.Element{
		paper.Text{Value: "Okienko", Align: paper.Center, Width: 2, Height: 2, Bold: true},
		paper.Text{Value: p.Title, Align: paper.Center},
		paper.Rule{},
		paper.Text{Value: "Zażółć gęślą jaźń", Align: paper.Center},
		paper.Text{Value: "ZAŻÓŁĆ GĘŚLĄ JAŹŃ", Align: paper.Center},
		paper.Text{Value: "A45", Align: paper.Center, Width: 6, Height: 6, Bold: true},
		paper.QR{Value: "https://example.org/okienko", Align: paper.Center},
		paper.Text{Value: "Ważne? 3 × tak: litery, kod, cięcie.", Align: paper.Center},
	}}
}
