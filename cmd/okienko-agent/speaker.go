package main

import (
	"fmt"
	"log/slog"

	"github.com/okienko/okienko/agent"
	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/drivers/serialport"
	"github.com/okienko/okienko/drivers/speaker"
)

// speakerOf makes the driver of the loudspeaker; nil for a branch that is not announced.
func speakerOf(c config.Config, log *slog.Logger) (agent.Speaker, error) {
	if c.Voice.Output == config.NoVoice {
		return nil, nil //nolint:nilnil // a branch without voice is an ordinary one
	}
	language := string(c.Branch.Languages[0])
	log = log.With("part", "speaker")
	switch c.Voice.Output {
	case config.ALSAVoice:
		return speaker.NewALSA(c.Voice.Device, c.Voice.Pack, language, log), nil
	case config.DFPlayerVoice:
		line, err := serialport.Parse(c.Voice.Address)
		if err != nil {
			return nil, fmt.Errorf("%w: voice.address: %w", errUse, err)
		}
		return speaker.NewDFPlayer(serialport.New(line, log), nil, c.Voice.Pack, language, c.Voice.Volume, log), nil
	}
	device, err := speaker.NewCommand(c.Voice.Command, c.Voice.Pack, language, log)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUse, err)
	}
	return device, nil
}

// checkVoice says why the line of a DFPlayer cannot be as described.
func checkVoice(v config.Voice) error {
	_, err := serialport.Parse(v.Address)
	return err
}
