package main

import (
	"errors"
	"fmt"

	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/configs"
	"github.com/okienko/okienko/drivers/escpos"
)

// checkCommand is okienko-agent check-config.
type checkCommand struct {
	File   string `arg:"" optional:"" help:"The configuration file."`
	Schema bool   `help:"Print the JSON schema of the file for editors, and do nothing else."`
}

// Run checks the file; every fault goes to stderr, with exit code 2.
func (c checkCommand) Run(std streams) error {
	if c.Schema {
		if c.File != "" {
			return fmt.Errorf("%w: --schema takes no file", errUse)
		}
		schema, err := config.Schema()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "%s\n", schema)
		return err
	}
	if c.File == "" {
		return fmt.Errorf("%w: name the configuration file", errUse)
	}
	if _, err := load(std, c.File); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "%s is in order.\n", c.File)
	return err
}

// load reads a configuration, tells its warnings, and makes its faults the caller's error.
func load(std streams, path string) (config.Config, error) {
	known := config.Known{Profiles: escpos.ProfileNames(), Board: checkBoard, Voice: checkVoice}
	c, warnings, err := config.LoadWarn(path, known)
	if faults, bad := errors.AsType[configs.Faults](err); bad {
		_, _ = fmt.Fprintln(std.err, faults)
		return config.Config{}, exitCode(exitUse)
	}
	if err != nil {
		return config.Config{}, fmt.Errorf("%w: %w", errUse, err)
	}
	if len(warnings) > 0 {
		_, _ = fmt.Fprintf(std.err, "%v\n", warnings)
	}
	return c, nil
}
