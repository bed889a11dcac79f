package board

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is a family of boards.
type Kind string

// The kinds. Their wiring and settings are in docs/drivers.
const (
	Max7219      Kind = "max7219"        // seven segments, up to 8 digits, on SPI
	Max7219Dots  Kind = "max7219-matrix" // 8×8 dots a module, on SPI
	TM1637       Kind = "tm1637"         // seven segments, up to 6 digits, on two GPIO lines; for a desk
	LED485ASCII  Kind = "led485-ascii"   // LED-485-xxx in its text mode, on RS-485
	LED485Modbus Kind = "led485-modbus"  // LED-485-xxx by Modbus RTU
	DM36         Kind = "dm36"           // DM36 and DM56 by Modbus RTU
	Framed       Kind = "frame"          // any board with a text frame, on RS-485
)

// Spec is one board as an installer describes it.
type Spec struct {
	// Name is for logs, such as board-3.
	Name string
	Kind Kind
	// Address is spi:/dev/spidev0.0?speed=1000000, gpio:CHIP?clk=LINE&dio=LINE or
	// serial:/dev/...?baud=9600.
	Address string
	// Unit is the board's address on RS-485, 1 to 247; 0 elsewhere.
	Unit int
	// Digits is how many places (or 8×8 modules) the board has.
	Digits int
	// Brightness is 0 to 15; boards on RS-485 have their own setting.
	Brightness int
	// Frame is the frame of the kind frame.
	Frame Frame
}

// capability is what a kind can do.
type capability struct {
	transport string // the address's scheme
	most      int    // places
	segments  bool   // seven segments: not every letter can be told apart
}

// capabilities come from the chips' data sheets (8 digits) and, for RS-485, from
// reference/hardware.md section 2.
func capabilities() map[Kind]capability {
	return map[Kind]capability{
		Max7219:      {transport: "spi", most: 8, segments: true},
		Max7219Dots:  {transport: "spi", most: 16},
		TM1637:       {transport: "gpio", most: 6, segments: true},
		LED485ASCII:  {transport: "serial", most: 6, segments: true},
		LED485Modbus: {transport: "serial", most: 6, segments: true},
		DM36:         {transport: "serial", most: 6, segments: true},
		Framed:       {transport: "serial", most: 32},
	}
}

// Kinds lists the names of the kinds.
func Kinds() []string {
	var list []string
	for kind := range capabilities() {
		list = append(list, string(kind))
	}
	slices.Sort(list)
	return list
}

// legible are the letters that seven segments show without doubt. O, S, Z, I and G look like 0, 5,
// 2, 1 and 6, and K, M, V, W and X cannot be made (reference/ux.md section 4).
const legible = "ABCDEFHJLPU"

// ErrSpec is the cause of everything that is wrong with a description.
var ErrSpec = errors.New("not possible with this board")

// Check says what is wrong with a description by itself.
func Check(s Spec) error {
	c, known := capabilities()[s.Kind]
	if !known {
		return fmt.Errorf("%w: the kind %q is not known; there are %s", ErrSpec, s.Kind, strings.Join(Kinds(), ", "))
	}
	var all []error
	wrong := func(format string, args ...any) {
		all = append(all, fmt.Errorf("%w: %s", ErrSpec, fmt.Sprintf(format, args...)))
	}
	if !strings.HasPrefix(s.Address, c.transport+":") {
		wrong("a %s is connected to %s:..., not %s", s.Kind, c.transport, s.Address)
	} else if err := checkAddress(c.transport, s.Address); err != nil {
		all = append(all, err)
	}
	if s.Digits < 1 || s.Digits > c.most {
		wrong("a %s has 1 to %d places, not %d", s.Kind, c.most, s.Digits)
	}
	if s.Brightness < 0 || s.Brightness > 15 {
		wrong("the brightness is 0 to 15, not %d", s.Brightness)
	}
	if c.transport == "serial" && (s.Unit < 1 || s.Unit > 247) {
		wrong("the unit on RS-485 is 1 to 247, not %d", s.Unit)
	}
	if s.Kind == Framed {
		if _, err := s.Frame.Encode(s.Unit, "A1"); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// CheckText says why a board of this description cannot show a text; nil when it can.
func CheckText(s Spec, text string) error {
	c := capabilities()[s.Kind]
	if len(text) > s.Digits {
		return fmt.Errorf("%w: %s has %d places, the board %d", ErrSpec, text, len(text), s.Digits)
	}
	for _, r := range text {
		digit, letter := r >= '0' && r <= '9', r >= 'A' && r <= 'Z'
		switch {
		case digit || letter && !c.segments:
		case letter && strings.ContainsRune(legible, r):
		case letter:
			return fmt.Errorf("%w: seven segments cannot show %q so that it is told from a digit or at all; they can show %s",
				ErrSpec, string(r), legible)
		default:
			return fmt.Errorf("%w: it shows letters A to Z and digits, not %q", ErrSpec, string(r))
		}
	}
	return nil
}

// pad puts a text to the right of a board's places; a longer one loses its end, which Check and
// CheckText have refused before.
func pad(text string, places int) string {
	text = text[:min(len(text), places)]
	return strings.Repeat(" ", places-len(text)) + text
}
