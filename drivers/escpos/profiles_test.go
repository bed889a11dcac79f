package escpos

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProfileNames(t *testing.T) {
	want := []string{
		"custom-vkp80iii", "epson-eu-m30", "epson-tm-t20iii", "epson-tm-t88vi", "generic-58", "generic-80",
		"posiflex-pp7700", "star-tsp650ii", "xprinter-n160ii",
	}
	if diff := cmp.Diff(want, ProfileNames()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// Every built-in profile is sane, complete and says for each capability where it is from.
func TestBuiltinProfiles(t *testing.T) {
	for _, name := range ProfileNames() {
		t.Run(name, func(t *testing.T) {
			p, err := LoadProfile(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != name || p.Title == "" {
				t.Errorf("name %q, title %q", p.Name, p.Title)
			}
			for _, c := range Capabilities() {
				if s, ok := p.SourceOf(c); !ok || s.Kind == "probed" {
					t.Errorf("%s: source %+v", c, s)
				}
			}
			if last := p.Text.Order[len(p.Text.Order)-1]; last != rasterText {
				t.Errorf("text.order ends with %s, so some letters would be lost", last)
			}
			if _, err := NewEncoder(p); err != nil {
				t.Error(err)
			}
		})
	}
}

// A value that a profile changes needs its own source: the inherited one spoke of another value.
func TestChangedValuesHaveTheirOwnSource(t *testing.T) {
	for _, name := range ProfileNames() {
		child, err := LoadProfile(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if child.Inherits == "" {
			continue
		}
		parent, err := LoadProfile(child.Inherits, nil)
		if err != nil {
			t.Fatal(err)
		}
		was, is := values(parent), values(child)
		for _, c := range Capabilities() {
			before, _ := parent.SourceOf(c)
			after, _ := child.SourceOf(c)
			if !cmp.Equal(was[c], is[c]) && before == after {
				t.Errorf("%s changes %s without a source of its own", name, c)
			}
		}
	}
}

func values(p Profile) map[string]any {
	return map[string]any{
		"media.dots": p.Media.Dots, "media.dpi": p.Media.DPI, "media.columns": p.Media.Columns,
		"media.cutter_dots": p.Media.CutterDots, "media.near_end": p.Media.NearEnd,
		"text.order": p.Text.Order, "text.pages": p.Text.Pages, "text.kanji_cancel": p.Text.KanjiCancel,
		"qr.native": p.QR.Native, "qr.max_module": p.QR.MaxModule, "qr.max_bytes": p.QR.MaxBytes,
		"qr.level_offset": p.QR.LevelOffset,
		"raster.cmd":      p.Raster.Cmd, "raster.max_band": p.Raster.MaxBand, "raster.nv_logo": p.Raster.NVLogo,
		"cut.cmd": p.Cut.Cmd, "cut.partial": p.Cut.Partial, "cut.feed_dots": p.Cut.FeedDots, "cut.eject": p.Cut.Eject,
		"status.dialect": p.Status.Dialect, "status.asb": p.Status.ASB, "status.reply": p.Status.Reply,
		"completion": p.Completion, "serial.baud": p.Serial.Baud, "serial.flow": p.Serial.Flow,
		"serial.rx_buffer": p.Serial.RxBuffer, "serial.pace": p.Serial.Pace,
	}
}

// values must not forget a capability, or the test above would not see it change.
func TestValuesKnowEveryCapability(t *testing.T) {
	known := values(Profile{})
	if len(known) != len(Capabilities()) {
		t.Errorf("%d values, %d capabilities", len(known), len(Capabilities()))
	}
	for _, c := range Capabilities() {
		if _, ok := known[c]; !ok {
			t.Errorf("no value for %s", c)
		}
	}
}

func TestUnknownProfileNamesTheNearest(t *testing.T) {
	for name, nearest := range map[string]string{
		"epson-tm-t20": "epson-tm-t20iii", "generic80": "generic-80", "": "generic-58", "../secret": "generic-80",
	} {
		_, err := LoadProfile(name, nil)
		if !errors.Is(err, ErrUnknownProfile) {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if name != "../secret" && !strings.Contains(err.Error(), "did you mean "+nearest+"?") {
			t.Errorf("%q: %v", name, err)
		}
		if !strings.Contains(err.Error(), "xprinter-n160ii") {
			t.Errorf("%q: the known names are missing: %v", name, err)
		}
	}
}

func TestOwnProfileExtendsTheBuiltIn(t *testing.T) {
	own := fstest.MapFS{"epson-tm-t20iii.yaml": {Data: []byte(`
inherits: epson-tm-t20iii
serial: {baud: 115200}
status: {reply: 2s}
sources:
  serial.baud: {kind: probed, ref: "registry, ground floor", date: "2026-11-24"}
`)}}
	got, err := LoadProfile("epson-tm-t20iii", own)
	if err != nil {
		t.Fatal(err)
	}
	want, err := LoadProfile("epson-tm-t20iii", nil)
	if err != nil {
		t.Fatal(err)
	}
	want.Inherits = "epson-tm-t20iii"
	want.Serial.Baud = 115200
	want.Status.Reply = 2 * time.Second
	want.Sources["serial.baud"] = Source{Kind: "probed", Ref: "registry, ground floor", Date: "2026-11-24"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	if s, _ := got.SourceOf("serial.flow"); s.Kind != "assumed" {
		t.Errorf("serial.flow lost its source: %+v", s)
	}
}

func TestBadProfilesAreRefused(t *testing.T) {
	tests := []struct {
		name, yaml, want string
	}{
		{"unknown-key", "inherits: generic-80\ncolour: red", "colour"},
		{"circle", "inherits: b", "circle"},
		{"other-name", "inherits: generic-80\nname: c", `its name says "c"`},
		{"no-parent", "inherits: nothing-such", "unknown printer profile"},
		{"dots", "inherits: generic-80\nmedia: {dots: 570}", "media.dots is 570"},
		{"columns", "inherits: generic-80\nmedia: {columns: {a: 60, b: 64}}", "media.columns.a is 60"},
		{"page-without-number", "inherits: generic-80\ntext: {order: [cp1250, raster]}", "text.order names cp1250"},
		{"unknown-page", "inherits: generic-80\ntext: {pages: {cp852: 18, cp999: 1}}", "cp999"},
		{"raster-not-last", "inherits: generic-80\ntext: {order: [raster, cp852]}", "raster must be last"},
		{"band", "inherits: generic-80\nraster: {cmd: gsL, max_band: 2000}", "too many bytes"},
		{"cut", "inherits: generic-80\ncut: {cmd: scissors}", `cut.cmd is "scissors"`},
		{"eject", "inherits: generic-80\ncut: {eject: 1D 6}", "cut.eject"},
		{"completion", "inherits: generic-80\ncompletion: []", "completion is empty"},
		{"reply", "inherits: generic-80\nstatus: {reply: 0s}", "status.reply"},
		{"pace", "inherits: generic-80\nserial: {flow: none}", "serial.pace is needed"},
		{"source", "inherits: generic-80\nsources: {qr: {kind: guessed, ref: x, date: soon}}", "guessed"},
		{"no-source", "media: {dots: 576}", "media.dots has no source"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			own := fstest.MapFS{"a.yaml": {Data: []byte(tt.yaml)}, "b.yaml": {Data: []byte("inherits: a")}}
			_, err := LoadProfile("a", own)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestProfileFilesAreAllYAML(t *testing.T) {
	files, err := fs.Glob(builtin, "profiles/*")
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(files, func(f string) bool { return !strings.HasSuffix(f, ".yaml") }) {
		t.Errorf("not only profiles are embedded: %v", files)
	}
}
