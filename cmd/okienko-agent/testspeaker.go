package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/okienko/okienko/agent"
	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/gpio"
	"github.com/okienko/okienko/drivers/speaker"
	"github.com/okienko/okienko/protocol"
)

// testSpeaker is okienko-agent test speaker.
type testSpeaker struct {
	Config string `type:"path" required:"" help:"Take the loudspeaker from this configuration."`
}

// Run announces a call in the branch's language and says whether it was played.
func (c testSpeaker) Run(ctx context.Context, std streams) error {
	conf, err := load(std, c.Config)
	if err != nil {
		return err
	}
	device, err := speakerOf(conf, &gpio.Chips{}, logger(std, "error"))
	if err != nil {
		return err
	}
	if device == nil {
		return fmt.Errorf("%w: %s has no voice", errUse, c.Config)
	}
	ctx, cancel := context.WithTimeout(ctx, testLimit)
	defer cancel()
	language, place := conf.Branch.Languages[0], announce.Place(conf.Voice.Place)
	number := protocol.TicketNumber{Letter: conf.Services[0].Letter, N: 45}
	call := announce.Call{Number: number, Counter: conf.Counters[0].ID}
	ids := announce.Phrase(language, place, call)
	stop := serve(ctx, device)
	defer stop()
	if err := device.Play(ctx, announcement(language, ids, conf.Voice.Gong)); err != nil {
		return fmt.Errorf("the loudspeaker does not work: %w", err)
	}
	_, err = fmt.Fprintf(std.out, "The loudspeaker has played: %s\n", announce.Text(language, place, call))
	return err
}

// reachLimit is how long a loudspeaker may take to be reached: a DFPlayer starts for 3 s.
const reachLimit = 5 * time.Second

// serve runs the driver, which halts the device at its end, and waits until it is ready or does not become so.
func serve(ctx context.Context, device agent.Speaker) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = device.Run(ctx) }) // Play tells what is wrong
	limit := time.NewTimer(reachLimit)
	defer limit.Stop()
	for {
		changed := device.Changed()
		if h := device.Health(); h.State == drivers.Ready || h.Reason == speaker.ReasonNoPack {
			break
		}
		select {
		case <-changed:
			continue
		case <-limit.C:
		case <-ctx.Done():
		}
		break
	}
	return func() { cancel(); wg.Wait() }
}
