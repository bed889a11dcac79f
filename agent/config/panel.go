package config

import (
	"fmt"
	"slices"
)

// maxButtons is how many lines one request to the kernel may hold, buttons and lamps together.
const maxButtons = 32

// checkPanel checks the buttons against the services and each other.
func (c Config) checkPanel(p *problems) {
	if n := len(c.Panel.Buttons); n > maxButtons {
		p.wrong("panel.buttons", fmt.Sprintf("%d buttons are too many for one chip", n),
			fmt.Sprintf("keep %d", maxButtons))
	}
	used := map[string]int{}
	for i, b := range c.Panel.Buttons {
		path := fmt.Sprintf("panel.buttons[%d]", i)
		if b.Line == "" {
			p.wrong(path, "the button has no line", "write line: GPIO17; okienko-agent detect lists the lines")
		}
		for key, line := range map[string]string{"line": b.Line, "lamp": b.Lamp} {
			if first, twice := used[line]; twice && line != "" {
				p.wrong(path+"."+key, fmt.Sprintf("entry %d uses the line %s already", first+1, line),
					"give each button and each lamp a line of its own")
			}
			used[line] = i
		}
		if !slices.ContainsFunc(c.Services, func(s Service) bool { return s.ID == b.Service }) {
			p.follows(path+".service", fmt.Sprintf("there is no service %q", b.Service),
				"write the id of a service from the list of services")
		}
		switch b.Hold {
		case "", HoldTestPrint:
		case HoldReadAloud:
			if c.Voice.Output == NoVoice {
				p.follows(path+".hold", "nothing can be read aloud, for there is no voice", "set voice.output, or leave hold out")
			}
		default:
			p.wrong(path+".hold", fmt.Sprintf("a long press cannot do %q", b.Hold), "write test-print or read-aloud")
		}
	}
}
