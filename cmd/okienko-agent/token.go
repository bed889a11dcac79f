package main

import (
	"fmt"

	"github.com/okienko/okienko/agent/access"
)

// tokenCommand groups what there is to do with bearer tokens.
type tokenCommand struct {
	Create tokenCreate `cmd:"" help:"Make a bearer token and print it; it is shown only this once."`
}

// tokenCreate is okienko-agent token create.
type tokenCreate struct {
	Data  string `required:"" type:"path" help:"The branch's data directory."`
	Role  string `required:"" enum:"kiosk,clerk,screen,admin" help:"What the token may do: ${enum}."`
	Label string `default:"" help:"A note on who or what it is for."`
}

// Run makes the token. A running agent knows it at once.
func (c tokenCreate) Run(std streams) error {
	role, err := access.ParseRole(c.Role)
	if err != nil {
		return fmt.Errorf("%w: %w", errUse, err)
	}
	if err := makeDataDir(c.Data); err != nil {
		return err
	}
	store, err := access.Open(c.Data, access.Options{})
	if err != nil {
		return err
	}
	token, err := store.CreateToken(role, c.Label)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, token)
	return err
}
