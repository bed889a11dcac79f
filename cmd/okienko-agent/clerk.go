package main

import (
	"fmt"

	"github.com/okienko/okienko/agent/access"
)

// clerkCommand groups what there is to do with clerks' accounts.
type clerkCommand struct {
	Set clerkSet `cmd:"" help:"Make a clerk's account, or give it a new PIN, and print the PIN."`
}

// clerkSet is okienko-agent clerk set.
type clerkSet struct {
	Data string `required:"" type:"path" help:"The branch's data directory."`
	Role string `default:"clerk" enum:"clerk,admin" help:"clerk or admin."`
	Name string `arg:"" help:"The sign-in name."`
}

// Run makes the account. A running agent knows it at once; its open sessions end.
func (c clerkSet) Run(std streams) error {
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
	pin, err := store.SetClerk(c.Name, role)
	if err != nil {
		return fmt.Errorf("set the PIN of %s: %w", c.Name, err)
	}
	_, err = fmt.Fprintln(std.out, pin)
	return err
}
