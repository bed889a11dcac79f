package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// The exit codes of design/5-interfaces.md.
const (
	exitDone   = 0
	exitFailed = 1
	exitUse    = 2
)

// streams are the process's standard streams, so that tests can stand in for them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// errUse marks an error that is the caller's: wrong use or wrong configuration.
var errUse = errors.New("wrong use")

// commands is the command line.
type commands struct {
	Run         runCommand     `cmd:"" help:"Run the branch."`
	CheckConfig checkCommand   `cmd:"" help:"Check a configuration file and name every fault."`
	Ticket      ticketCommand  `cmd:"" help:"Write the ESC/POS bytes of one ticket to stdout."`
	Paper       paperCommand   `cmd:"" help:"Show what a printer would print for ESC/POS bytes."`
	Journal     journalCommand `cmd:"" help:"Look at a branch's journal."`
	Token       tokenCommand   `cmd:"" help:"Make bearer tokens for the JSON API."`
	Clerk       clerkCommand   `cmd:"" help:"Make clerks’ accounts and PINs."`
	Voice       voiceCommand   `cmd:"" help:"Make and check voice packs."`
	Say         sayCommand     `cmd:"" help:"Announce a call: print it, and play it or write it to a file."`
	Detect      detectCommand  `cmd:"" help:"Find what is attached and write it as a commented configuration."`
	Test        testCommand    `cmd:"" help:"Drive a real device and see whether it answers."`
	Version     versionCommand `cmd:"" help:"Print the version."`

	VerifyJournal verifyChild `cmd:"" hidden:"" help:"Verify a journal file (child process)."`
}

// run is the whole program but for the process's own exit.
func run(ctx context.Context, args []string, std streams) (code int) {
	var cli commands
	exited := false
	parser, err := kong.New(&cli,
		kong.Name("okienko-agent"),
		kong.Description("Okienko in a branch: tickets, counters, devices."),
		kong.Writers(std.out, std.err),
		kong.Exit(func(c int) { code, exited = c, true }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		return report(std, err)
	}
	parsed, err := parser.Parse(args)
	if exited {
		return code // -h
	}
	if err != nil {
		return report(std, fmt.Errorf("%w (okienko-agent -h shows the commands): %w", errUse, err))
	}
	return report(std, parsed.Run())
}

// report prints an error once and turns it into the exit code.
func report(std streams, err error) int {
	if err == nil {
		return exitDone
	}
	if code, told := errors.AsType[exitCode](err); told {
		return int(code)
	}
	_, _ = fmt.Fprintf(std.err, "okienko-agent: %v\n", err)
	if errors.Is(err, errUse) {
		return exitUse
	}
	return exitFailed
}

// exitCode is an error that has already been told.
type exitCode int

// Error names the code.
func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }
