package escpos

import "time"

// Profile is what the encoder and the driver must know of one printer model. Profiles are YAML
// data in the profiles folder; every capability names its source. A Profile is not changed after
// LoadProfile and may be shared.
type Profile struct {
	Name     string   `yaml:"name"`     // the file's, which a file need not repeat
	Title    string   `yaml:"title"`    // maker and model for people
	Inherits string   `yaml:"inherits"` // name of the profile whose values are the defaults
	Media    Media    `yaml:"media"`
	Text     TextCaps `yaml:"text"`
	QR       QRCaps   `yaml:"qr"`
	Raster   Raster   `yaml:"raster"`
	Cut      CutCaps  `yaml:"cut"`
	Status   Status   `yaml:"status"`
	Serial   Serial   `yaml:"serial"`
	// Completion lists the proofs of a finished job to try, best first: gsH (GS ( H fn 48),
	// gsr (GS r 1), presenter, none.
	Completion []string `yaml:"completion"`
	// Sources says for each capability where it is from, by its YAML path: qr.native, or qr for
	// all of that group that has no path of its own.
	Sources map[string]Source `yaml:"sources"`
}

// Source is where a capability's value is from.
type Source struct {
	Kind string `yaml:"kind"` // documented, database, probed or assumed
	Ref  string `yaml:"ref"`
	Date string `yaml:"date"` // YYYY-MM-DD
}

// Media is the paper path.
type Media struct {
	Dots       int     `yaml:"dots"`    // printable width
	DPI        int     `yaml:"dpi"`     // dots per inch, 180 or 203
	Columns    Columns `yaml:"columns"` // characters a line at size 1
	CutterDots int     `yaml:"cutter_dots"`
	NearEnd    bool    `yaml:"near_end"` // has a near-end sensor
}

// Columns is the number of characters a line of each font.
type Columns struct {
	A int `yaml:"a"`
	B int `yaml:"b"`
}

// TextCaps is how letters get on paper.
type TextCaps struct {
	// Order lists what to try for Polish text: names of Pages, or raster.
	Order []string `yaml:"order"`
	// Pages maps cp852, cp1250, iso8859-2, cp437, ... to the printer's ESC t number.
	Pages       map[string]int `yaml:"pages"`
	KanjiCancel bool           `yaml:"kanji_cancel"` // send FS . after ESC @
}

// QRCaps is the printer's own QR function, GS ( k.
type QRCaps struct {
	Native    bool `yaml:"native"`
	MaxModule int  `yaml:"max_module"` // dots
	MaxBytes  int  `yaml:"max_bytes"`
	// LevelOffset is what the maker adds to Epson's numbers of the error correction: 1 at Custom.
	LevelOffset int `yaml:"level_offset"`
}

// Raster is the printer's graphics command.
type Raster struct {
	Cmd     string `yaml:"cmd"` // gsv0 or gsL
	MaxBand int    `yaml:"max_band"`
	NVLogo  bool   `yaml:"nv_logo"` // keeps graphics in memory (GS ( L fn 67, 69)
}

// CutCaps is the cutter and what follows it.
type CutCaps struct {
	Cmd     string `yaml:"cmd"` // gsvA, gsvB (feed and cut), esci, none
	Partial bool   `yaml:"partial"`
	// FeedDots are fed before the cut; with gsvB, which feeds to the cutter by itself, it is the
	// blank margin beyond.
	FeedDots int    `yaml:"feed_dots"`
	Eject    string `yaml:"eject"` // hex bytes for a presenter, e.g. 1D 65 05
}

// Status is the way back.
type Status struct {
	Dialect string        `yaml:"dialect"` // epson, custom or none
	ASB     bool          `yaml:"asb"`
	Reply   time.Duration `yaml:"reply"` // how long a reply may take
}

// Serial is what a serial line to this printer needs; ignored on USB and TCP.
type Serial struct {
	Baud     int    `yaml:"baud"`
	Flow     string `yaml:"flow"` // rtscts, xonxoff or none
	RxBuffer int    `yaml:"rx_buffer"`
	// Pace is a pause after every RxBuffer bytes where there is no flow control.
	Pace time.Duration `yaml:"pace"`
}
