// Command okienko-agent is the branch: it issues tickets, calls visitors and drives the devices,
// with or without a network. The other subcommands help to install and to look after it.
//
// Exit codes: 0 done, 1 failed, 2 wrong use or wrong configuration. Results go to stdout,
// progress and logs to stderr.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}
