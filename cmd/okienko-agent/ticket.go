package main

import (
	"fmt"
	"io"
	"os"

	"github.com/okienko/okienko/agent/ticket"
	"github.com/okienko/okienko/drivers/escpos"
)

// ticketCommand is okienko-agent ticket.
type ticketCommand struct {
	Profile string `default:"generic-80" help:"The printer's profile."`
	Data    string `required:"" help:"JSON file with the ticket's data; - reads stdin."`
}

// Run lays the ticket out and encodes it for the profile.
func (c ticketCommand) Run(std streams) error {
	profile, err := escpos.LoadProfile(c.Profile, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errUse, err)
	}
	text, err := readInput(std, c.Data)
	if err != nil {
		return err
	}
	data, err := ticket.ParseData(text)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errUse, c.Data, err)
	}
	encoder, err := escpos.NewEncoder(profile)
	if err != nil {
		return err
	}
	bytes, err := encoder.Encode(ticket.Layout(data, ticket.Options{}))
	if err != nil {
		return fmt.Errorf("encode ticket %s: %w", data.Number, err)
	}
	_, err = std.out.Write(bytes)
	return err
}

// maxInput bounds what is read of a file: far above any ticket.
const maxInput = 64 << 20

// readInput reads a file, or stdin for "-".
func readInput(std streams, path string) ([]byte, error) {
	from := std.in
	if path != "-" {
		f, err := os.Open(path) //nolint:gosec // the user names the file
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUse, err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	data, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", errUse, path, maxInput)
	}
	return data, nil
}
