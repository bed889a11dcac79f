package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/alecthomas/kong"
)

// The exit codes of design/5-interfaces.md, "Commands".
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are the command line.
type options struct {
	Listen   string  `default:"127.0.0.1:8080" help:"Address of the page, host:port." placeholder:"ADDR"`
	Branches int     `default:"1" help:"How many branches the town has, 1 to 20." placeholder:"N"`
	Speed    float64 `default:"1" help:"How fast the office clock runs. Only 1 until the centre is there." placeholder:"X"`
	Voice    string  `help:"Folder that keeps the voice pack, made if it is not there; or off." placeholder:"DIR"`
	Verbose  bool    `short:"v" help:"Also print what the agents log."`
}

// run is the program: it returns the exit code when ctx ends, or earlier when it cannot go on.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 2 && args[0] == playCommand {
		if err := play(ctx, args[1], os.Stdin); err != nil {
			fmt.Fprintln(stderr, err) //nolint:errcheck // nobody is left to tell
			return exitFailed
		}
		return exitDone
	}
	var o options
	usage := false
	parser, err := kong.New(&o, kong.Name("okienko-demo"), kong.Writers(stdout, stderr),
		kong.Exit(func(int) { usage = true }), kong.Description("A city office on one page, with nothing configured."))
	if err != nil {
		fmt.Fprintln(stderr, "okienko-demo:", err) //nolint:errcheck // nobody is left to tell
		return exitFailed
	}
	if _, err = parser.Parse(args); usage {
		return exitDone
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		fmt.Fprintln(stderr, "okienko-demo:", err) //nolint:errcheck // nobody is left to tell
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if err := o.demo(ctx, stdout, stderr, log); err != nil {
		fmt.Fprintln(stderr, "okienko-demo:", err) //nolint:errcheck // nobody is left to tell
		return exitFailed
	}
	return exitDone
}

// check refuses what kong cannot know.
func (o options) check() error {
	if o.Branches < 1 || o.Branches > maxBranches {
		return fmt.Errorf("--branches %d: a town has 1 to %d branches", o.Branches, maxBranches)
	}
	if o.Speed != 1 {
		return fmt.Errorf("--speed %v: the clock cannot be sped up yet, that comes with the centre; leave it at 1", o.Speed)
	}
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return fmt.Errorf("--listen %s: write host:port, such as 127.0.0.1:8080", o.Listen)
	}
	return nil
}

// demo makes the town in a directory of its own, runs it until ctx ends and removes it.
func (o options) demo(ctx context.Context, stdout, stderr io.Writer, log *slog.Logger) (err error) {
	program, err := findAgent()
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("%w\nchoose another address with --listen, such as --listen 127.0.0.1:8081", err)
	}
	dir, err := os.MkdirTemp("", "okienko-demo-")
	if err != nil {
		return errors.Join(fmt.Errorf("make a directory for the demo: %w", err), l.Close())
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h := newHub()
	v, err := newVoice(o.Voice, dir, program, h)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	t, err := newTown(ctx, program, dir, o.Branches, v, h)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if o.Verbose {
		t.echo(stderr)
	}
	s, err := newServer(t, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	greet := func(ctx context.Context) error { return t.greet(ctx, stdout, l.Addr()) }
	return runInOrder(ctx, func(ctx context.Context) error { return s.Run(ctx, l) }, t.Run, greet)
}

// greet says what to do once the town is ready, then waits like any part.
func (t *town) greet(ctx context.Context, out io.Writer, at net.Addr) error {
	select {
	case <-t.ready:
	case <-ctx.Done():
		return nil
	}
	first := t.branches[0]
	_, err := fmt.Fprintf(out, `Okienko is running. Open http://%s in a browser.

  Press a button of the ticket machine, watch the ticket being cut, then open
  a counter and press Next. The page tells the rest in six steps.

  The branch's own pages: %s/kiosk  /clerk  /screen
  To sign in at /clerk: name %s, PIN %s

Ctrl-C ends it and leaves nothing behind.
`, at, first.url, t.describe()[0].Clerk, first.pin)
	if err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	<-ctx.Done()
	return nil
}

// echo prints what the agents log as well.
func (t *town) echo(out io.Writer) {
	for _, b := range t.branches {
		b.agent.echo = out
	}
}

// findAgent finds the production agent: the one in $OKIENKO_AGENT, or the one beside this program.
func findAgent() (string, error) {
	const hint = "start the demo with: make run (it builds both programs), or name the agent in $OKIENKO_AGENT"
	if named := os.Getenv("OKIENKO_AGENT"); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("$OKIENKO_AGENT: %w\n%s", err, hint)
		}
		return filepath.Abs(path)
	}
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the agent: %w\n%s", err, hint)
	}
	path := filepath.Join(filepath.Dir(own), "okienko-agent")
	if _, err := exec.LookPath(path); err != nil {
		return "", fmt.Errorf("the agent is not there: %w\n%s", err, hint)
	}
	return path, nil
}
