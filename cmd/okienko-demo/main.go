// Command okienko-demo shows a branch at work on one page, with nothing configured.
//
// Per branch it makes a directory, an emulated ticket printer on a pseudo-terminal and tokens, and
// runs the production agent (okienko-agent) as a child process that it may kill and restart. Its
// page, its reverse proxy and its machine endpoints (design/5-interfaces.md, "The demo") are served
// from one address; one stream of server-sent events carries everything that the page shows.
//
// Data flows one way: agent and printer → feed → hub → stream → page. Commands go from the page
// through the proxy to the agent's own API and come back as events.
//
// Town owns the goroutines of its branches and stops them in reverse order of their start; when run
// returns there is no process, no pseudo-terminal and no file left.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
