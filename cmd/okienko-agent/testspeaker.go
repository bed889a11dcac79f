package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/okienko/okienko/agent/announce"
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
	device, err := speakerOf(conf, logger(std, "error"))
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
	if err := device.Play(ctx, announcement(language, ids, conf.Voice.Gong)); err != nil {
		return errors.Join(fmt.Errorf("the loudspeaker does not work: %w", err), device.Halt())
	}
	_, err = fmt.Fprintf(std.out, "The loudspeaker has played: %s\n", announce.Text(language, place, call))
	return errors.Join(err, device.Halt())
}
