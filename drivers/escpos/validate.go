package escpos

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The words that a profile may use.
const (
	rasterText = "raster" // in text.order

	rasterGSV0 = "gsv0"
	rasterGSL  = "gsL"

	cutGSVA = "gsvA"
	cutGSVB = "gsvB"
	cutESCI = "esci"
	cutNone = "none"
)

// Capabilities lists the YAML paths of everything a profile claims of its printer; Validate wants
// a source for each.
func Capabilities() []string {
	return []string{
		"media.dots", "media.dpi", "media.columns", "media.cutter_dots", "media.near_end",
		"text.order", "text.pages", "text.kanji_cancel",
		"qr.native", "qr.max_module", "qr.max_bytes", "qr.level_offset",
		"raster.cmd", "raster.max_band", "raster.nv_logo",
		"cut.cmd", "cut.partial", "cut.feed_dots", "cut.eject",
		"status.dialect", "status.asb", "status.reply", "completion",
		"serial.baud", "serial.flow", "serial.rx_buffer", "serial.pace",
	}
}

// SourceOf returns where a capability is from: the source of its own path, else of its group.
func (p Profile) SourceOf(capability string) (Source, bool) {
	for path := capability; ; {
		if s, ok := p.Sources[path]; ok {
			return s, true
		}
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return Source{}, false
		}
		path = path[:dot]
	}
}

// Validate reports everything in the profile that no printer can be, or that names no source.
func (p Profile) Validate() error {
	faults := slices.Concat(
		p.Media.faults(), p.Text.faults(), p.QR.faults(), p.Raster.faults(p.Media.Dots),
		p.Cut.faults(), p.wayBackFaults(), p.Serial.faults(), p.sourceFaults())
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("printer profile %q: %w", p.Name, errors.Join(faults...))
}

// rules collects what is wrong, each with its YAML path.
type rules []error

func (r *rules) between(path string, value, low, high int) {
	if value < low || value > high {
		*r = append(*r, fmt.Errorf("%s is %d, must be %d to %d", path, value, low, high))
	}
}

func (r *rules) oneOf(path, value string, words ...string) {
	if !slices.Contains(words, value) {
		*r = append(*r, fmt.Errorf("%s is %q, must be one of %s", path, value, strings.Join(words, ", ")))
	}
}

func (r *rules) holds(ok bool, format string, args ...any) {
	if !ok {
		*r = append(*r, fmt.Errorf(format, args...))
	}
}

func (m Media) faults() rules {
	var r rules
	r.between("media.dots", m.Dots, 192, 1024)
	r.holds(m.Dots%8 == 0, "media.dots is %d, must be a multiple of 8", m.Dots)
	r.between("media.dpi", m.DPI, 150, 400)
	r.between("media.columns.a", m.Columns.A, 16, m.Dots/cellWidth)
	if m.Columns.B != 0 {
		r.between("media.columns.b", m.Columns.B, m.Columns.A, m.Dots/6)
	}
	r.between("media.cutter_dots", m.CutterDots, 0, 400)
	return r
}

func (t TextCaps) faults() rules {
	var r rules
	r.holds(len(t.Order) > 0, "text.order is empty")
	for i, name := range t.Order {
		if name == rasterText {
			r.holds(i == len(t.Order)-1, "text.order: raster must be last")
			continue
		}
		_, numbered := t.Pages[name]
		r.holds(numbered, "text.order names %s, text.pages does not", name)
	}
	for name, number := range t.Pages {
		r.holds(charmaps(name) != nil, "text.pages: unknown code page %s", name)
		r.between("text.pages."+name, number, 0, 255)
	}
	return r
}

func (q QRCaps) faults() rules {
	var r rules
	if q.Native {
		r.between("qr.max_module", q.MaxModule, 1, 16)
		r.between("qr.max_bytes", q.MaxBytes, 1, 7089)
	}
	r.between("qr.level_offset", q.LevelOffset, 0, 1)
	return r
}

func (c Raster) faults(dots int) rules {
	var r rules
	r.oneOf("raster.cmd", c.Cmd, rasterGSV0, rasterGSL)
	r.between("raster.max_band", c.MaxBand, 8, 4095)
	if c.Cmd == rasterGSL {
		const most = 0xffff - 10 // GS ( L counts its bytes in 16 bits
		r.holds(c.MaxBand*dots/8 <= most, "raster.max_band is %d, too many bytes for GS ( L", c.MaxBand)
	}
	return r
}

func (c CutCaps) faults() rules {
	var r rules
	r.oneOf("cut.cmd", c.Cmd, cutGSVA, cutGSVB, cutESCI, cutNone)
	r.between("cut.feed_dots", c.FeedDots, 0, 255)
	_, err := hex.DecodeString(strings.ReplaceAll(c.Eject, " ", ""))
	r.holds(err == nil, "cut.eject is %q, must be hex bytes such as 1D 65 05", c.Eject)
	return r
}

func (p Profile) wayBackFaults() rules {
	var r rules
	r.oneOf("status.dialect", p.Status.Dialect, "epson", "custom", "none")
	if p.Status.Dialect != "none" {
		inRange := p.Status.Reply >= 10*time.Millisecond && p.Status.Reply <= 10*time.Second
		r.holds(inRange, "status.reply is %s, must be 10ms to 10s", p.Status.Reply)
	}
	r.holds(len(p.Completion) > 0, "completion is empty; write [none] where there is no proof")
	for _, c := range p.Completion {
		r.oneOf("completion", c, "gsH", "gsr", "presenter", "none")
	}
	return r
}

func (s Serial) faults() rules {
	var r rules
	r.holds(slices.Contains([]int{9600, 19200, 38400, 57600, 115200}, s.Baud), "serial.baud is %d", s.Baud)
	r.oneOf("serial.flow", s.Flow, "rtscts", "xonxoff", "none")
	r.between("serial.rx_buffer", s.RxBuffer, 16, 1<<20)
	r.holds(s.Pace >= 0 && s.Pace <= time.Minute, "serial.pace is %s", s.Pace)
	r.holds(s.Flow != "none" || s.Pace > 0, "serial.pace is needed where there is no flow control")
	return r
}

func (p Profile) sourceFaults() rules {
	var r rules
	for _, c := range Capabilities() {
		_, ok := p.SourceOf(c)
		r.holds(ok, "%s has no source", c)
	}
	for path, s := range p.Sources {
		r.oneOf("sources."+path+".kind", s.Kind, "documented", "database", "probed", "assumed")
		r.holds(s.Ref != "", "sources.%s.ref is empty", path)
		_, err := time.Parse(time.DateOnly, s.Date)
		r.holds(err == nil, "sources.%s.date is %q, must be YYYY-MM-DD", path, s.Date)
	}
	return r
}
