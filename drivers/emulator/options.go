package emulator

import "slices"

// Dialect is how a printer answers status questions.
type Dialect string

// The status dialects.
const (
	// DialectEpson answers DLE EOT 1–4 with the bits of Epson's manuals. It is the default.
	DialectEpson Dialect = "epson"
	// DialectCustom answers the same and, in addition, the full status request 10 04 14 of Custom's
	// kiosk printers (KPM150H command specification).
	DialectCustom Dialect = "custom"
	// DialectNone answers nothing at all, as a printer behind a write-only cable does.
	DialectNone Dialect = "none"
)

// Flow is what happens when bytes come faster than the head can print.
type Flow string

// The kinds of flow control.
const (
	// FlowHardware stops reading while the receive buffer is full (RTS/CTS, USB, TCP). The default.
	FlowHardware Flow = "hardware"
	// FlowXonXoff is FlowHardware that also sends 13h when the buffer is nearly full and 11h when
	// there is room again.
	FlowXonXoff Flow = "xonxoff"
	// FlowNone reads on and loses what does not fit; State.Overruns counts the lost bytes.
	FlowNone Flow = "none"
)

// Feature names a command group that a printer may lack.
type Feature string

// The features that Options.Missing can take away. A printer without one swallows the command and
// its data, as real ones do, and the ticket gets a warning.
const (
	FeatureQR        Feature = "qr"         // GS ( k
	FeatureGraphics  Feature = "graphics"   // GS ( L and GS 8 L
	FeatureProcessID Feature = "process-id" // GS ( H
	FeaturePaperGSr  Feature = "gs-r"       // GS r
	FeatureASB       Feature = "asb"        // GS a
	FeatureUTF8      Feature = "utf8"       // FS ( C
	FeatureCutter    Feature = "cutter"     // GS V, ESC i, ESC m
)

// DefaultSpeed is the head speed of a common ticket printer in mm/s.
const DefaultSpeed = 150

const (
	defaultDots   = 576
	defaultDPI    = 203
	defaultBuffer = 4096
)

// Identity is what GS I answers. Clones lie here, so nothing should be decided by it.
type Identity struct {
	// Model, Type and ROM are the one-byte answers of GS I 1–3; bits 4 and 7 must be 0.
	Model, Type, ROM byte
	// Firmware, Maker, Name and Serial are the texts of GS I 65–68.
	Firmware, Maker, Name, Serial string
}

// Options says which printer is emulated. The zero value is a healthy 80 mm Epson-like printer that
// prints in no time.
type Options struct {
	// Dots is the printable width; 0 means 576.
	Dots int
	// DPI is dots per inch in both directions; 0 means 203.
	DPI int
	// CodePages maps the number of ESC t to a character table by name: cp437, cp850, cp852, cp858,
	// cp1250, iso8859-2 and others (see charmapByName). Nil means the table of current Epson
	// printers. A number that is not in the table is refused with a warning.
	CodePages map[int]string
	// KanjiOnInit makes power-on and ESC @ switch double-byte characters on, as many clones do; the
	// host must then send FS . before any Polish letter.
	KanjiOnInit bool
	// Missing lists what this printer cannot do.
	Missing []Feature
	// Dialect of status replies; empty means DialectEpson.
	Dialect Dialect
	// NoNearEndSensor makes DLE EOT 4 answer 72h instead of 7Eh without paper.
	NoNearEndSensor bool
	// DrawerPinLow turns off the bit that an unconnected drawer socket sets: DLE EOT 1 then answers
	// 12h instead of 16h.
	DrawerPinLow bool
	// ASB is the automatic status mask at power-on; GS a changes it, ESC @ brings it back.
	ASB byte
	// Presenter keeps the cut ticket inside until GS e ejects it and TakeTicket takes it.
	Presenter bool
	// CutterDots is the distance from head to cutter. If it is not 0, a cut that goes through the
	// text gives a warning.
	CutterDots int
	// BufferSize of the receive buffer in bytes; 0 means 4096.
	BufferSize int
	// Speed of the paper in mm/s; 0 means that printing takes no time.
	Speed int
	// Flow control; empty means FlowHardware.
	Flow Flow
	// Identity answers GS I; the zero value gives a plausible Epson.
	Identity Identity
}

// withDefaults returns o with every zero that means something else filled in.
func (o Options) withDefaults() Options {
	if o.Dots <= 0 {
		o.Dots = defaultDots
	}
	o.Dots = min(o.Dots, maxDots)
	if o.DPI <= 0 {
		o.DPI = defaultDPI
	}
	if o.BufferSize <= 0 {
		o.BufferSize = defaultBuffer
	}
	if o.Dialect == "" {
		o.Dialect = DialectEpson
	}
	if o.Flow == "" {
		o.Flow = FlowHardware
	}
	if o.Identity == (Identity{}) {
		o.Identity = Identity{
			Model: 0x20, Type: 0x02, ROM: 0x01,
			Firmware: "1.00 EMU", Maker: "EPSON", Name: "TM-EMULATOR", Serial: "EMU0000001",
		}
	}
	return o
}

func (o Options) lacks(f Feature) bool {
	return slices.Contains(o.Missing, f)
}
