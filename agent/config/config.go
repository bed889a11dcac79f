// Package config reads the configuration file of one branch.
//
// Load reads a file strictly: every fault is told with its line, a caret and a hint, all at once
// and in the office's words. Defaults gives a branch that works as it is. The file holds no
// secrets. A Config is plain data; nothing in this package keeps state or starts a goroutine.
package config

import (
	"time"

	"github.com/okienko/okienko/protocol"
)

// Version is the version of the configuration format that this program writes.
const Version = 1

// Config is the whole configuration of a branch, as configs/agent.yaml explains it.
type Config struct {
	// Version is the format's version; a file must state it.
	Version int `yaml:"version" doc:"version of this format; always 1"`
	// DataDir is where the journal, the ledger and the tokens are kept: an absolute path.
	DataDir string `yaml:"data_dir" doc:"folder of the journal, an absolute path"`
	// Listen is the TCP address of the branch's pages and API, host:port.
	Listen string `yaml:"listen" doc:"address of the pages and the API, host:port"`
	// PublicURL is the beginning of the address in the ticket's QR code; empty prints no QR code.
	PublicURL string `yaml:"public_url" doc:"beginning of the e-ticket's address in the QR code"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `yaml:"log_level" enum:"debug,info,warn,error" doc:"how much is logged"`
	// OpenPages lets /kiosk and /screen be opened without a token.
	OpenPages bool `yaml:"open_pages" doc:"open /kiosk and /screen to everybody who reaches the address"`
	// BehindTLS says that a proxy speaks HTTPS to the browsers and plain HTTP to the agent.
	BehindTLS bool `yaml:"behind_tls" doc:"a proxy in front of the agent speaks HTTPS to the browsers"`
	// Watchdog is a watchdog device of the kernel, an absolute path; empty leaves that to systemd.
	Watchdog string `yaml:"watchdog" doc:"/dev/watchdog, where systemd does not look after it"`

	Branch   Branch    `yaml:"branch" doc:"who this branch is"`
	Services []Service `yaml:"services" doc:"the matters that people come for"`
	Counters []Counter `yaml:"counters" doc:"the places where people are served"`
	// Hours are the opening hours of the branch.
	Hours Week `yaml:"hours" doc:"opening hours by weekday"`
	// Closed lists days on which the branch does not open.
	Closed []Day `yaml:"closed" doc:"days on which the branch does not open"`
	// Rules are the queue rules that an office may set.
	Rules protocol.Rules `yaml:"rules" doc:"the queue rules"`

	Printer Printer `yaml:"printer" doc:"the ticket printer"`
	Boards  []Board `yaml:"boards" doc:"the boards at the counters"`
	Panel   Panel   `yaml:"panel" doc:"the buttons of the ticket machine"`
	Voice   Voice   `yaml:"voice" doc:"the loudspeaker in the hall"`
	Screen  Screen  `yaml:"screen" doc:"the screen in the hall"`
	Kiosk   Kiosk   `yaml:"kiosk" doc:"the touch screen of the ticket machine"`
}

// Branch says who the branch is.
type Branch struct {
	// ID names the branch for programs; it never changes.
	ID protocol.BranchID `yaml:"id" doc:"lower-case letters, digits and hyphens; never changes"`
	// Name is shown to visitors and printed on tickets.
	Name string `yaml:"name" doc:"shown to visitors and printed on tickets"`
	// Zone is an IANA time zone.
	Zone string `yaml:"zone" doc:"IANA time zone, such as Europe/Warsaw"`
	// Languages are those that the kiosk offers, in its order; the first is the one it starts in.
	Languages []protocol.Language `yaml:"languages" doc:"pl, en, uk; the first is the kiosk's own"`
}

// Service is a matter that people come for.
type Service struct {
	// ID names the service for programs; it never changes.
	ID protocol.ServiceID `yaml:"id" doc:"letters, digits and hyphens; never changes"`
	// Letter begins the ticket numbers.
	Letter string `yaml:"letter" pattern:"^[A-Z]$" doc:"the letter in front of the numbers"`
	// Names holds the name by language.
	Names map[protocol.Language]string `yaml:"names" doc:"the name by language; pl is always there"`
	// WalkIn and Booked are the number ranges; left out they are 1-599 and 601-999.
	WalkIn Range `yaml:"walk_in" pattern:"^[0-9]+-[0-9]+$" doc:"numbers of visitors who just come, 1-599"`
	Booked Range `yaml:"booked" pattern:"^[0-9]+-[0-9]+$" doc:"numbers of booked visits, 601-999"`
	// Quota is the most walk-in tickets a day; 0 is no limit.
	Quota int `yaml:"quota" doc:"the most tickets a day without booking; 0 is no limit"`
	// Mean is the usual time from call to finish; left out it is 8 minutes.
	Mean time.Duration `yaml:"mean" doc:"usual time from call to finish, such as 8m"`
	// Hours narrows the branch's hours; nil means the same hours.
	Hours *Week `yaml:"hours" doc:"hours of this service, inside those of the branch"`
	// BookingOnly services give no tickets to visitors without a booking.
	BookingOnly bool `yaml:"booking_only" doc:"only visitors with a booking"`
}

// Counter is a place where visitors are served.
type Counter struct {
	// ID is the number on its board.
	ID protocol.CounterID `yaml:"id" doc:"the number on its board, 1 to 999"`
	// Name is for the screen; empty means "stanowisko" and the number.
	Name string `yaml:"name" doc:"for the screen; left out: stanowisko and the number"`
	// Skills are the services that it serves; none means all.
	Skills []protocol.ServiceID `yaml:"skills" doc:"ids of the services; left out: all of them"`
	// Penalties are the minutes by which a skill is served later here than elsewhere.
	Penalties map[protocol.ServiceID]int `yaml:"penalties" doc:"minutes by service: helps out there later"`
}

// Week holds the opening hours by weekday; a day without any is closed.
type Week struct {
	Mon []Span `yaml:"mon"`
	Tue []Span `yaml:"tue"`
	Wed []Span `yaml:"wed"`
	Thu []Span `yaml:"thu"`
	Fri []Span `yaml:"fri"`
	Sat []Span `yaml:"sat"`
	Sun []Span `yaml:"sun"`
}

// days pairs each weekday's key with its hours, Sunday first as in time.Weekday.
func (w Week) days() [7]struct {
	key   string
	spans []Span
} {
	return [7]struct {
		key   string
		spans []Span
	}{
		{"sun", w.Sun},
		{"mon", w.Mon},
		{"tue", w.Tue},
		{"wed", w.Wed},
		{"thu", w.Thu},
		{"fri", w.Fri},
		{"sat", w.Sat},
	}
}

// Printer is the ticket printer.
type Printer struct {
	// Address says where the printer is connected.
	Address Address `yaml:"address" doc:"serial:/dev/serial/by-id/...?baud=19200, usb:/dev/usb/lp0, tcp:HOST:9100, none"`
	// Profile names the model.
	Profile string `yaml:"profile" doc:"the model, such as epson-tm-t20iii or generic-80"`
	// Logo is a PNG file with an absolute path, printed at the top of a ticket; empty prints none.
	Logo string `yaml:"logo" doc:"PNG file printed on top of each ticket"`
}

// Board is the board at one counter.
type Board struct {
	// Counter is the counter that it hangs at.
	Counter protocol.CounterID `yaml:"counter" doc:"the counter that it hangs at"`
	// Kind is the family of the board, as docs/drivers lists them.
	Kind string `yaml:"kind" doc:"max7219, max7219-matrix, tm1637, led485-ascii, led485-modbus, dm36 or frame"`
	// Address is spi:/dev/spidev0.0, gpio:CHIP?clk=LINE&dio=LINE or
	// serial:/dev/serial/by-id/NAME?baud=9600. Boards on RS-485 may share one.
	Address string `yaml:"address" doc:"spi:/dev/spidev0.0, gpio:?clk=GPIO5&dio=GPIO6 or serial:/dev/serial/by-id/NAME"`
	// Unit is the board's own address on RS-485.
	Unit int `yaml:"unit" doc:"the board's address on RS-485, 1 to 247"`
	// Digits is how many places or modules it has; left out it is 4.
	Digits int `yaml:"digits" doc:"places, or 8x8 modules; left out: 4"`
	// Brightness is 1 to 15; left out it is 8.
	Brightness int `yaml:"brightness" doc:"1 to 15, on SPI; left out: 8"`
	// Frame is the message of the kind frame.
	Frame Frame `yaml:"frame" doc:"the message of the kind frame"`
}

// Frame is the message of a board that has no driver of its own; drivers/board says how it is put
// together.
type Frame struct {
	Start     string `yaml:"start" doc:"before the address; \\xNN, \\r, \\n, \\t"`
	Address   string `yaml:"address" doc:"how the unit is written: %d, %02d, %03d, %02X or %c"`
	Separator string `yaml:"separator" doc:"between address and text"`
	End       string `yaml:"end" doc:"at the end"`
	Checksum  string `yaml:"checksum" doc:"none, xor, sum, crc16, xor-hex, sum-hex or crc16-hex"`
}

// Panel is the row of buttons at the ticket machine.
type Panel struct {
	// Chip is the label of the GPIO chip; empty takes the first, a Raspberry Pi's own header.
	Chip string `yaml:"chip" doc:"label of the GPIO chip; left out: the first"`
	// Buttons are its buttons; none is a branch without a panel.
	Buttons []Button `yaml:"buttons" doc:"the buttons, one entry each"`
}

// Button is one button of the panel.
type Button struct {
	// Line is the GPIO line that it connects to ground.
	Line string `yaml:"line" doc:"GPIO line of the button, such as GPIO17"`
	// Lamp is the GPIO line that lights it; empty is a button without a lamp.
	Lamp string `yaml:"lamp" doc:"GPIO line of its lamp; left out: none"`
	// Service is what a press takes a ticket for.
	Service protocol.ServiceID `yaml:"service" doc:"id of the service that a press takes a ticket for"`
	// Hold is what a long press does; empty is nothing.
	Hold string `yaml:"hold" doc:"long press: test-print (5 s), read-aloud (2 s); left out: nothing"`
}

// What a long press of a button does.
const (
	// HoldTestPrint prints a test page, for the technician.
	HoldTestPrint = "test-print"
	// HoldReadAloud reads out what the buttons are for.
	HoldReadAloud = "read-aloud"
)

// Voice is the loudspeaker in the hall.
type Voice struct {
	// Output is how sound is made.
	Output string `yaml:"output" enum:"none,alsa,dfplayer,command" doc:"none, a sound card, a DFPlayer or a program"`
	// Device is the sound card of alsa: a path such as /dev/snd/pcmC1D0p, an id as in /proc/asound/cards,
	// or empty for the first.
	Device string `yaml:"device" doc:"sound card of alsa: path or id; empty: the first"`
	// Address is the serial line of dfplayer, as for boards: serial:/dev/serial/by-id/NAME?baud=9600.
	Address string `yaml:"address" doc:"serial line of dfplayer, such as serial:/dev/serial/by-id/NAME?baud=9600"`
	// Volume is that of dfplayer, 0 to 30; other outputs have a mixer of their own.
	Volume int `yaml:"volume" doc:"volume of dfplayer, 0 to 30"`
	// Chip is the label of the GPIO chip of the next two; empty takes the first.
	Chip string `yaml:"chip" doc:"label of the GPIO chip of amplifier and busy; left out: the first"`
	// Amplifier is the GPIO line of the amplifier's relay; empty is an amplifier that is always on.
	Amplifier string `yaml:"amplifier" doc:"GPIO line of the amplifier's relay, on while there is sound; left out: none"`
	// Busy is the GPIO line of a DFPlayer's BUSY pin; empty relies on its messages.
	Busy string `yaml:"busy" doc:"GPIO line of the BUSY pin of dfplayer; left out: none"`
	// Command is the program that plays a WAV file from its standard input.
	Command []string `yaml:"command" doc:"program and arguments; it gets a WAV file on its input"`
	// Pack is the folder of the recordings, an absolute path.
	Pack string `yaml:"pack" doc:"folder that okienko-agent voice build made"`
	// Gong sounds before each announcement.
	Gong bool `yaml:"gong" doc:"a gong before each announcement"`
	// Place is what the counters are called.
	Place string `yaml:"place" enum:"stanowisko,okienko,pokoj,sala,kasa" doc:"what the counters are called"`
	// Silent are the services that are not announced.
	Silent []protocol.ServiceID `yaml:"silent" doc:"ids of services that are not announced"`
	// Hours are when the voice speaks; without any it always does.
	Hours Week `yaml:"hours" doc:"when the voice speaks; without any: always"`
}

// The ways to make sound.
const (
	NoVoice       = "none"
	ALSAVoice     = "alsa"
	DFPlayerVoice = "dfplayer"
	CommandVoice  = "command"
)

// Week is when the voice speaks, in the words of the queue's settings.
func (v Voice) Week() protocol.Week { return v.Hours.protocol() }

// Screen is the group screen in the hall. The sizes of its letters follow from the two lengths.
type Screen struct {
	// WidthMM is the width of the picture in millimetres.
	WidthMM int `yaml:"width_mm" doc:"width of the picture in millimetres"`
	// ViewingDistanceM is how far the last chair stands, in metres.
	ViewingDistanceM float64 `yaml:"viewing_distance_m" doc:"metres from the screen to the last chair"`
}

// Kiosk is the touch screen of the ticket machine.
type Kiosk struct {
	// WidthMM is the width of the picture in millimetres; buttons are made at least 20 mm high.
	WidthMM int `yaml:"width_mm" doc:"width of the picture in millimetres"`
}

// The values of a service that does not mention them.
const (
	defaultMean    = 8 * time.Minute
	defaultBaud    = 19200
	defaultProfile = "generic-80"
	defaultDigits  = 4 // A999
	// defaultBrightness is half: boards hang indoors.
	defaultBrightness = 8
	// defaultVolume leaves an amplifier's knob room in both directions.
	defaultVolume = 24
)

// defaultWalkIn and defaultBooked are the ranges of design/3-queue-rules.md, "numbers".
func defaultWalkIn() Range { return Range{First: 1, Last: 599} }
func defaultBooked() Range { return Range{First: 601, Last: 999} }

// Defaults is a small branch that works as it is: two services, two counters, no printer. The
// sample configs/agent.yaml says the same with comments.
func Defaults() Config {
	day := []Span{{Opens: 8 * 60, Closes: 16 * 60}}
	service := func(letter, pl, en, uk string) Service {
		return Service{
			ID: protocol.ServiceID(letter), Letter: letter,
			Names:  map[protocol.Language]string{protocol.Polish: pl, protocol.English: en, protocol.Ukrainian: uk},
			WalkIn: defaultWalkIn(), Booked: defaultBooked(), Mean: defaultMean,
		}
	}
	return Config{
		Version: Version, DataDir: "/var/lib/okienko", Listen: "127.0.0.1:8070", LogLevel: "info",
		Branch: Branch{
			ID: "oddzial-1", Name: "Urząd Miasta", Zone: "Europe/Warsaw",
			Languages: []protocol.Language{protocol.Polish, protocol.English, protocol.Ukrainian},
		},
		Services: []Service{
			service("A", "Sprawy ogólne", "General matters", "Загальні справи"),
			service("C", "Kasa", "Payments", "Каса"),
		},
		Counters: []Counter{
			{ID: 1, Skills: []protocol.ServiceID{"A"}},
			{ID: 2, Skills: []protocol.ServiceID{"A", "C"}},
		},
		Hours:   Week{Mon: day, Tue: day, Wed: day, Thu: day, Fri: day},
		Rules:   protocol.DefaultRules(),
		Printer: Printer{Address: Address{Kind: NoPrinter}, Profile: defaultProfile},
		Boards:  []Board{},
		Panel:   Panel{Buttons: []Button{}},
		Voice: Voice{
			Output: NoVoice, Command: []string{"aplay", "-q", "-"}, Pack: "/var/lib/okienko/voice",
			Volume: defaultVolume, Gong: true, Silent: []protocol.ServiceID{},
			Place: "stanowisko",
		},
		Screen: Screen{WidthMM: 950, ViewingDistanceM: 6},
		Kiosk:  Kiosk{WidthMM: 340},
	}
}
