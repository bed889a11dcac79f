package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDetect looks at the files of a machine with everything, and of one with nothing.
func TestDetect(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"dev/usb/lp0": "", "dev/spidev0.0": "", "dev/gpiochip0": "", "dev/snd/pcmC0D0p": "", "dev/snd/pcmC1D0p": "",
		"dev/serial/by-id/usb-FTDI_RS485-if00-port0": "",
		"sys/class/usbmisc/lp0/device/ieee1284_id":   "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20III;CLS:PRINTER;",
		"proc/asound/cards": " 0 [Headphones     ]: bcm2835 - bcm2835 Headphones\n                      bcm2835 Headphones\n" +
			" 1 [Device         ]: USB-Audio - USB Audio Device\n",
	} {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := call(t, "", "detect", "--root", root)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{
		"  address: usb:/dev/usb/lp0\n  profile: epson-tm-t20iii\n",
		"address: serial:/dev/serial/by-id/usb-FTDI_RS485-if00-port0?baud=9600",
		"address: spi:/dev/spidev0.0", "# GPIO chips: /dev/gpiochip0",
		"#   /dev/snd/pcmC0D0p  [Headphones     ]: bcm2835 - bcm2835 Headphones\n#   /dev/snd/pcmC1D0p  [Device         ]: USB-Audio",
		"#   output: alsa\n#   device: /dev/snd/pcmC0D0p\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	code, out, errs = call(t, "", "detect", "--root", t.TempDir())
	if code != 0 || strings.Count(out, "# No ") != 5 {
		t.Errorf("of a machine with nothing: exit %d %s\n%s", code, errs, out)
	}
}
