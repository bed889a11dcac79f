package agent

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

// readLimit bounds the reading of a panel's labels; 32 buttons take a minute.
const readLimit = time.Minute

// buttons makes the parts that turn presses into tickets.
func buttons(o Options, e *engine.Engine, list *devices.Registry, p Printer, key *secret.Secret) []part {
	if o.Panel == nil {
		return nil
	}
	list.Add("panel", "panel", o.Panel)
	log := o.Logger.With("part", "panel")
	rules := devices.PanelRules{
		Services: map[string]protocol.ServiceID{}, Long: map[string]func(context.Context){},
		Language: o.Config.Branch.Languages[0],
		NewTicket: func() (protocol.TicketID, protocol.TokenHash) {
			id := secret.TicketID()
			_, hash := key.Token(id)
			return id, hash
		},
	}
	if p != nil {
		rules.Printer = p
	}
	for _, b := range o.Config.Panel.Buttons {
		rules.Services[b.Line] = b.Service
		switch {
		case b.Hold == config.HoldTestPrint && p != nil:
			rules.Long[b.Line] = testPrint(o, p, log)
		case b.Hold == config.HoldReadAloud && o.Speaker != nil:
			rules.Long[b.Line] = readAloud(o, log)
		}
	}
	reader := devices.NewPressing(e, o.Panel, rules, log)
	return []part{
		{name: "panel", run: enduring(log, "panel", o.Panel.Run)},
		{name: "pressing", run: enduring(log, "pressing", reader.Run)},
	}
}

// testPrint makes what prints the test page.
func testPrint(o Options, p Printer, log *slog.Logger) func(context.Context) {
	return func(ctx context.Context) {
		if r := p.Print(ctx, o.TestPage); r.Outcome != drivers.Printed {
			log.Warn("test page not printed", "outcome", string(r.Outcome), "reason", r.Reason, "error", r.Err)
		}
	}
}

// readAloud makes what reads out the number and the service of each button, in the branch's language.
func readAloud(o Options, log *slog.Logger) func(context.Context) {
	language := o.Config.Branch.Languages[0]
	var clips []drivers.Clip
	for i, b := range o.Config.Panel.Buttons {
		for _, id := range announce.Label(language, i+1, b.Service) {
			clips = append(clips, drivers.Clip(fmt.Sprintf("%s/%s", language, id)))
		}
	}
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, readLimit)
		defer cancel()
		if err := o.Speaker.Play(ctx, clips); err != nil {
			log.Warn("labels not read aloud (was the pack built with --config?)", "error", err)
		}
	}
}
