package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// checkVoice checks the loudspeaker and warns of letters that are hard to tell apart when called
// (reference/ux.md section 4).
func (c Config) checkVoice(p *problems, able func(v Voice) error) {
	v := c.Voice
	if !slices.Contains([]string{NoVoice, ALSAVoice, DFPlayerVoice, CommandVoice}, v.Output) {
		p.wrong("voice.output", fmt.Sprintf("the output %q is not known", v.Output), "write none, alsa, dfplayer or command")
	}
	if !slices.Contains([]string{"stanowisko", "okienko", "pokoj", "sala", "kasa"}, v.Place) {
		p.wrong("voice.place", fmt.Sprintf("people are not called to %q", v.Place),
			"write stanowisko, okienko, pokoj, sala or kasa")
	}
	checkWeek(p, "voice.hours", v.Hours)
	for i, id := range v.Silent {
		if !slices.ContainsFunc(c.Services, func(s Service) bool { return s.ID == id }) {
			p.follows(fmt.Sprintf("voice.silent[%d]", i), fmt.Sprintf("there is no service %q", id),
				"write the id of a service from the list of services")
		}
	}
	if v.Output == NoVoice {
		return
	}
	v.checkOutput(p, able)
	c.checkVoiceLines(p)
	if !filepath.IsAbs(v.Pack) {
		p.wrong("voice.pack", fmt.Sprintf("%q is not a whole path", v.Pack), "begin it with /")
	}
	c.checkConfusion(p)
}

// checkVoiceLines checks the GPIO lines against each other and those of the panel.
func (c Config) checkVoiceLines(p *problems) {
	v := c.Voice
	if v.Busy != "" && v.Output != DFPlayerVoice {
		p.wrong("voice.busy", "only a DFPlayer has a BUSY pin", "leave it out")
	}
	if v.Busy != "" && v.Busy == v.Amplifier {
		p.wrong("voice.busy", fmt.Sprintf("the amplifier uses the line %s", v.Busy), "give each a line of its own")
	}
	for i, b := range c.Panel.Buttons {
		for key, line := range map[string]string{"voice.busy": v.Busy, "voice.amplifier": v.Amplifier} {
			if line != "" && (line == b.Line || line == b.Lamp) && v.Chip == c.Panel.Chip {
				p.wrong(key, fmt.Sprintf("panel.buttons[%d] uses the line %s", i, line), "give each a line of its own")
			}
		}
	}
}

// checkOutput checks what the kind of output needs.
func (v Voice) checkOutput(p *problems, able func(v Voice) error) {
	switch v.Output {
	case CommandVoice:
		if len(v.Command) == 0 || v.Command[0] == "" {
			p.wrong("voice.command", "no program is given that plays", "write [aplay, -q, -]")
		}
	case ALSAVoice:
		if !validCard(v.Device) {
			p.wrong("voice.device", fmt.Sprintf("%q is not a sound card", v.Device),
				"write /dev/snd/pcmC1D0p, the id of a card as in /proc/asound/cards, or nothing for the first")
		}
	case DFPlayerVoice:
		if v.Volume < 0 || v.Volume > 30 {
			p.wrong("voice.volume", fmt.Sprintf("%d is not a volume of a DFPlayer", v.Volume), "write 0 to 30")
		}
		if able == nil {
			return
		}
		if err := able(v); err != nil {
			p.wrong("voice.address", err.Error(), "write serial:/dev/serial/by-id/NAME?baud=9600; detect lists the names")
		}
	}
}

// validCard tells a path of a playback device, or an id, from other words.
func validCard(device string) bool {
	if strings.HasPrefix(device, "/") {
		name := filepath.Base(device)
		return strings.HasPrefix(name, "pcmC") && strings.HasSuffix(name, "p")
	}
	return !strings.ContainsAny(device, "/:, ")
}

// checkConfusion warns of services whose letters sound alike.
func (c Config) checkConfusion(p *problems) {
	letters := map[string]int{}
	for i, s := range c.Services {
		letters[s.Letter] = i
	}
	for _, pair := range []string{"BE", "PT", "DP", "HK", "BP"} {
		first, second := pair[:1], pair[1:]
		i, one := letters[first]
		if _, two := letters[second]; one && two {
			p.doubt(fmt.Sprintf("services[%d].letter", i),
				fmt.Sprintf("%s and %s sound alike when they are called", first, second),
				"give one of them another letter; A C E F H J L U are told apart best")
		}
	}
	for letter, i := range letters {
		if strings.Contains("IOQ", letter) {
			p.doubt(fmt.Sprintf("services[%d].letter", i),
				fmt.Sprintf("%s is easily taken for a digit or another letter", letter),
				"give it another letter; A C E F H J L U are told apart best")
		}
	}
}
