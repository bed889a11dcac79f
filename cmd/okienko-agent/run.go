package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/png" // logos are PNG files
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	_ "time/tzdata" // the office's zone is known on every machine

	"github.com/okienko/okienko/agent"
	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/gpio"
	"github.com/okienko/okienko/drivers/paper"
	"github.com/okienko/okienko/drivers/printer"
)

// runCommand is okienko-agent run.
type runCommand struct {
	Config string `required:"" type:"path" help:"The branch's configuration file."`
}

// gcPercent trades processor time, of which a branch has plenty, for memory, of which a Raspberry
// Pi shared with a browser has little. GOGC in the environment overrules it.
const gcPercent = 25

// Run runs the branch until a signal comes.
func (c runCommand) Run(ctx context.Context, std streams) error {
	conf, err := load(std, c.Config)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	log := logger(std, conf.LogLevel)
	if err := makeDataDir(conf.DataDir); err != nil {
		return err
	}
	open, logo, err := printerOf(conf, log)
	if err != nil {
		return err
	}
	chips := &gpio.Chips{}
	boards, err := boardsOf(conf, chips, log)
	if err != nil {
		return err
	}
	voice, err := speakerOf(conf, chips, log)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", conf.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s (is another agent running?): %w", conf.Listen, err)
	}
	watchdog, err := watchdogOf(conf, log)
	if err != nil {
		return err
	}
	options := agent.Options{
		Config: conf, OpenPrinter: open, Boards: boards, Speaker: voice, Panel: panelOf(conf, chips),
		Logo: logo, TestPage: testPageOf(conf), Watchdog: watchdog,
		Listener: listener, Clock: clock.NewSystem(),
		Logger:  log,
		Version: version(), Verify: verifyCommand(), Console: std.err,
	}
	// Under systemd stderr is a log that is kept, and a PIN does not belong there (systemd.exec(5)).
	if os.Getenv("JOURNAL_STREAM") != "" {
		options.Console = nil
		log.Info("no PIN is shown in the log; make clerks with okienko-agent clerk set", "data", conf.DataDir)
	}
	log.Info("agent starts", "version", version(), "branch", string(conf.Branch.ID), "listen", listener.Addr().String())
	err = agent.Run(ctx, options)
	if errors.Is(err, journal.ErrLocked) {
		return fmt.Errorf("another okienko-agent uses %s; stop it first: %w", conf.DataDir, err)
	}
	return err
}

// logger writes to stderr at the configured level.
func logger(std streams, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: l}))
}

// makeDataDir makes the data directory for its owner alone.
func makeDataDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	return nil
}

// printerOf checks the configured printer and returns how to open it, and its logo; nil and nil for
// a branch without one.
func printerOf(c config.Config, log *slog.Logger) (
	open func(interrupted bool) (agent.Printer, error), logo *paper.Image, err error,
) {
	if c.Printer.Address.Kind == config.NoPrinter {
		return nil, nil, nil
	}
	setup, err := printerConfig(c.Printer.Address.String(), c.Printer.Profile)
	if err != nil {
		return nil, nil, err
	}
	if logo, err = loadLogo(c.Printer.Logo, setup.Profile); err != nil {
		return nil, nil, err
	}
	return func(interrupted bool) (agent.Printer, error) {
		setup.Interrupted = interrupted
		return openPrinter(setup, log)
	}, logo, nil
}

// printerConfig is what the driver needs to know of the printer at an address.
func printerConfig(address, profile string) (printer.Config, error) {
	loaded, err := escpos.LoadProfile(profile, nil)
	if err != nil {
		return printer.Config{}, fmt.Errorf("%w: %w", errUse, err)
	}
	if _, err := printer.NewTransport(address, loaded.Serial); err != nil {
		return printer.Config{}, fmt.Errorf("%w: %w", errUse, err)
	}
	return printer.Config{Address: address, Profile: loaded}, nil
}

// openPrinter makes the driver; it does not matter whether the device is there.
func openPrinter(setup printer.Config, log *slog.Logger) (*printer.Printer, error) {
	device, err := printer.Open(setup, log.With("part", "printer"))
	if err != nil {
		return nil, fmt.Errorf("open the printer at %s: %w", setup.Address, err)
	}
	return device, nil
}

// loadLogo reads and dithers the logo once, to at most two thirds of the paper.
func loadLogo(path string, p escpos.Profile) (*paper.Image, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no logo is an ordinary choice
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: open the logo: %w", errUse, err)
	}
	defer func() { _ = f.Close() }()
	picture, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%w: read the logo %s: %w", errUse, path, err)
	}
	made := paper.Dither(picture, min(picture.Bounds().Dx(), p.Media.Dots*2/3))
	made.Align = paper.Center
	return &made, nil
}
