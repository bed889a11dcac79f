package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/gpio"
)

// detectCommand is okienko-agent detect.
type detectCommand struct {
	Root string `default:"/" hidden:"" type:"path" help:"Look below this folder instead."`
}

// Run looks for devices by their files alone, so that nothing is opened, printed or lit, and writes
// what it found as the commented sections of a configuration.
func (c detectCommand) Run(std streams) error {
	sections := []string{
		"# What okienko-agent detect found. Take what you need into your configuration and check it with\n" +
			"# okienko-agent check-config FILE and okienko-agent test.\n",
		c.printers(), c.serial(), c.spi(), c.gpio(), c.sound(),
	}
	_, err := fmt.Fprint(std.out, strings.Join(sections, "\n"))
	return err
}

// found lists the names that match a pattern below the root, as the agent would write them.
func (c detectCommand) found(pattern string) []string {
	list, err := filepath.Glob(filepath.Join(c.Root, pattern))
	if err != nil {
		return nil // the patterns are ours
	}
	for i, path := range list {
		list[i] = "/" + strings.TrimPrefix(strings.TrimPrefix(path, filepath.Clean(c.Root)), "/")
	}
	slices.Sort(list)
	return list
}

func (c detectCommand) read(path string) string {
	data, err := os.ReadFile(filepath.Join(c.Root, path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// each writes a line for each of a list.
func each(list []string, format string) string {
	var text strings.Builder
	for _, one := range list {
		fmt.Fprintf(&text, format, strings.TrimSpace(one))
	}
	return text.String()
}

func (c detectCommand) printers() string {
	list := c.found("dev/usb/lp*")
	if len(list) == 0 {
		return "# No USB printer (/dev/usb/lp*). One on the network is tcp:HOST:9100.\n"
	}
	var text strings.Builder
	for _, path := range list {
		id := c.read("sys/class/usbmisc/" + filepath.Base(path) + "/device/ieee1284_id")
		maker, model := field(id, "MFG", "MANUFACTURER"), field(id, "MDL", "MODEL")
		profile := profileOf(maker, model)
		fmt.Fprintf(&text, "# USB printer: %s\nprinter:\n  address: usb:%s\n  profile: %s\n",
			strings.TrimSpace(maker+" "+model), path, profile)
	}
	return text.String()
}

// field takes a value out of an IEEE 1284 device id such as MFG:EPSON;MDL:TM-T20III;.
func field(id string, names ...string) string {
	for part := range strings.SplitSeq(id, ";") {
		name, value, _ := strings.Cut(part, ":")
		if slices.Contains(names, strings.ToUpper(strings.TrimSpace(name))) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// profileOf finds the profile whose name is made of the maker's and the model's.
func profileOf(maker, model string) string {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	}
	wanted := plain(maker) + plain(model)
	for _, name := range escpos.ProfileNames() {
		if _, after, ok := strings.Cut(name, "-"); ok && wanted != "" && !strings.HasPrefix(name, "generic") &&
			strings.Contains(wanted, plain(after)) {
			return name
		}
	}
	return "generic-80    # the model is not known; generic-58 for narrow paper"
}

func (c detectCommand) serial() string {
	list := c.found("dev/serial/by-id/*")
	if len(list) == 0 {
		return "# No serial adapter (/dev/serial/by-id is empty).\n"
	}
	return "# Serial adapters. For a printer: address: serial:NAME?baud=19200; for boards on RS-485\n" +
		"# and for a DFPlayer (voice.address):\n" +
		each(list, "#   address: serial:%s?baud=9600\n")
}

func (c detectCommand) spi() string {
	list := c.found("dev/spidev*")
	if len(list) == 0 {
		return "# No SPI (on a Raspberry Pi: dtparam=spi=on in config.txt).\n"
	}
	return "# SPI, one board with a MAX7219 on each:\n" +
		each(list, "# boards:\n#   - {counter: 1, kind: max7219, address: spi:%s, digits: 4}\n")
}

func (c detectCommand) gpio() string {
	list := c.found("dev/gpiochip*")
	if len(list) == 0 {
		return "# No GPIO chip.\n"
	}
	text := "# GPIO chips: " + strings.Join(list, " ") + "\n"
	if c.Root != "/" {
		return text
	}
	var chips gpio.Chips
	lines, err := chips.Labels()
	if err != nil {
		return text + "#   " + err.Error() + "\n"
	}
	for _, label := range slices.Sorted(maps.Keys(lines)) {
		text += fmt.Sprintf("# panel:\n#   chip: %s\n#   lines: %s\n", label, strings.Join(lines[label], " "))
	}
	return text
}

func (c detectCommand) sound() string {
	list := c.found("dev/snd/pcmC*D*p")
	if len(list) == 0 {
		return "# No sound card.\n"
	}
	names := map[string]string{}
	for line := range strings.SplitSeq(c.read("proc/asound/cards"), "\n") {
		if number, name, ok := strings.Cut(line, "["); ok {
			names[strings.TrimSpace(number)] = "[" + name
		}
	}
	var text strings.Builder
	text.WriteString("# Sound cards; the word in brackets is an id that survives a change of numbers:\n")
	for _, path := range list {
		card, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), "pcmC"), "D")
		fmt.Fprintf(&text, "#   %s  %s\n", path, names[card])
	}
	fmt.Fprintf(&text, "# voice:\n#   output: alsa\n#   device: %s\n#   pack: /var/lib/okienko/voice\n", list[0])
	return text.String()
}
