package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/okienko/okienko/drivers/emulator"
	"github.com/okienko/okienko/drivers/escpos"
)

// paperCommand is okienko-agent paper: the printer emulator as a command.
type paperCommand struct {
	Profile string `help:"The printer that the bytes are meant for; left out: one that can do everything."`
	PNG     string `name:"png" help:"Picture of the first ticket; further ones get -2, -3 … before the ending."`
	JSON    string `name:"json" help:"What was printed, as JSON; - or nothing writes it to stdout."`
	File    string `arg:"" help:"ESC/POS bytes; - reads stdin."`
}

// Run interprets the bytes and writes the pictures and the account.
func (c paperCommand) Run(std streams) error {
	options, err := c.printer()
	if err != nil {
		return err
	}
	data, err := readInput(std, c.File)
	if err != nil {
		return err
	}
	tickets := emulator.Render(data, options)
	if c.PNG != "" {
		for i, t := range tickets {
			if err := writeFile(numbered(c.PNG, i+1), t.WritePNG); err != nil {
				return err
			}
		}
	}
	account := struct {
		Tickets []emulator.Ticket `json:"tickets"`
	}{append([]emulator.Ticket{}, tickets...)}
	write := func(w io.Writer) error { return json.NewEncoder(w).Encode(account) }
	if c.JSON == "" || c.JSON == "-" {
		return write(std.out)
	}
	return writeFile(c.JSON, write)
}

// printer is what shall be emulated: the printer of the profile, or one that can do everything.
func (c paperCommand) printer() (emulator.Options, error) {
	if c.Profile == "" {
		return emulator.Options{}, nil
	}
	profile, err := escpos.LoadProfile(c.Profile, nil)
	if err != nil {
		return emulator.Options{}, fmt.Errorf("%w: %w", errUse, err)
	}
	return emulated(profile), nil
}

// emulated sets the emulator up as the printer of a profile.
func emulated(p escpos.Profile) emulator.Options {
	o := emulator.Options{
		Dots: p.Media.Dots, DPI: p.Media.DPI, KanjiOnInit: p.Text.KanjiCancel,
		NoNearEndSensor: !p.Media.NearEnd, CutterDots: p.Media.CutterDots, Dialect: emulator.Dialect(p.Status.Dialect),
	}
	if len(p.Text.Pages) > 0 {
		o.CodePages = map[int]string{}
		for name, number := range p.Text.Pages {
			o.CodePages[number] = name
		}
	}
	if !p.QR.Native {
		o.Missing = append(o.Missing, emulator.FeatureQR)
	}
	return o
}

// numbered puts the number of a ticket before a file's ending, but for the first.
func numbered(path string, n int) string {
	if n == 1 {
		return path
	}
	end := filepath.Ext(path)
	return strings.TrimSuffix(path, end) + "-" + strconv.Itoa(n) + end
}

// writeFile makes or replaces a file.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path) //nolint:gosec // the user names the file
	if err != nil {
		return fmt.Errorf("%w: %w", errUse, err)
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
