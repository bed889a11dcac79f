package main

import (
	"fmt"
	"log/slog"

	"github.com/okienko/okienko/agent"
	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/drivers/gpio"
	"github.com/okienko/okienko/drivers/serialport"
	"github.com/okienko/okienko/drivers/speaker"
)

// speakerOf makes the driver of the loudspeaker; nil for a branch that is not announced.
func speakerOf(c config.Config, chips *gpio.Chips, log *slog.Logger) (agent.Speaker, error) {
	if c.Voice.Output == config.NoVoice {
		return nil, nil //nolint:nilnil // a branch without voice is an ordinary one
	}
	log = log.With("part", "speaker")
	device, err := outputOf(c, chips, log)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUse, err)
	}
	if c.Voice.Amplifier == "" {
		return device, nil
	}
	return speaker.WithAmplifier(device, chips.Output(c.Voice.Chip, c.Voice.Amplifier), log), nil
}

// outputOf makes the driver of what makes the sound.
func outputOf(c config.Config, chips *gpio.Chips, log *slog.Logger) (agent.Speaker, error) {
	language := string(c.Branch.Languages[0])
	switch c.Voice.Output {
	case config.ALSAVoice:
		return speaker.NewALSA(c.Voice.Device, c.Voice.Pack, language, log), nil
	case config.DFPlayerVoice:
		line, err := serialport.Parse(c.Voice.Address)
		if err != nil {
			return nil, fmt.Errorf("voice.address: %w", err)
		}
		var busy speaker.Busy
		if c.Voice.Busy != "" {
			busy = busyPin{chips.Input(c.Voice.Chip, c.Voice.Busy)}
		}
		return speaker.NewDFPlayer(serialport.New(line, log), busy, c.Voice.Pack, language, c.Voice.Volume, log), nil
	}
	return speaker.NewCommand(c.Voice.Command, c.Voice.Pack, language, log)
}

// busyPin is a DFPlayer's BUSY, which is low while it plays (DFRobot's manual of the module).
type busyPin struct{ *gpio.Single }

// Busy says whether the module plays.
func (b busyPin) Busy() (bool, error) { return b.Low() }

// checkVoice says why the line of a DFPlayer cannot be as described.
func checkVoice(v config.Voice) error {
	_, err := serialport.Parse(v.Address)
	return err
}
