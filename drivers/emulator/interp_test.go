package emulator

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Commands as the manuals write them.
const (
	escInit  = "\x1b@"
	cp852    = "\x1bt\x12"
	cutPart  = "\x1dVB\x00"
	zazolc   = "Za\xbe\xa2\x88\x86 g\xa9\x98l\xa5 ja\xab\xe4" // CP852, escpos.md 1.4
	zazolcPL = "Zażółć gęślą jaźń"
)

// render interprets one ticket and fails unless there is exactly one.
func render(t *testing.T, data string, o Options) Ticket {
	t.Helper()
	all := Render([]byte(data), o)
	if len(all) != 1 {
		t.Fatalf("%d tickets, want 1: %+v", len(all), all)
	}
	return all[0]
}

// textCase is a stream and what it says.
type textCase struct {
	name, data string
	opt        Options
	lines      []string
	warnings   []string
}

func codePageCases() []textCase {
	return []textCase{
		{name: "cp852", data: cp852 + zazolc + "\n", lines: []string{zazolcPL}},
		{
			name: "default-page-is-cp437", data: zazolc + "\n", // what a visitor sees when the page is not chosen
			lines: []string{"Za╛óêå g⌐ÿlÑ ja½Σ"},
		},
		{
			name: "cp1250", data: "\x1bt\x2dZa\xbf\xf3\xb3\xe6 g\xea\x9cl\xb9 ja\x9f\xf1 \x84x\x94 \x96 \x85\x80\n",
			lines: []string{zazolcPL + " „x” – …€"},
		},
		{name: "iso8859-2", data: "\x1bt\x27Za\xbf\xf3\xb3\xe6 g\xea\xb6l\xb1 ja\xbc\xf1\n", lines: []string{zazolcPL}},
		{
			name: "page-numbers-are-the-printers", data: "\x1bt\x06" + zazolc + "\n",
			opt: Options{CodePages: map[int]string{0: "cp437", 6: "cp852"}}, lines: []string{zazolcPL},
		},
		{
			name: "page-not-in-printer", data: "\x1bt\x12a\xa5\n",
			opt: Options{CodePages: map[int]string{0: "cp437"}}, lines: []string{"aÑ"},
			warnings: []string{"code page 18 is not in this printer, ignored at byte 2"},
		},
		{
			name: "hole-in-page", data: "\x1bt\x15\xfc\n", lines: []string{"\ufffd"},
			warnings: []string{"text outside code page: byte FC at byte 3"},
		},
		{
			name: "utf8", data: "\x1c(C\x02\x000\x02Zażółć\n\x1c(C\x02\x0001" + cp852 + "\xa5\n",
			lines: []string{"Zażółć", "ą"},
		},
		{
			name: "kanji-clone", data: escInit + cp852 + "l\xa5 x\n", opt: Options{KanjiOnInit: true},
			lines: []string{"l〓x"}, warnings: []string{"double-byte mode is on: bytes printed as Chinese"},
		},
		{
			name: "kanji-clone-cancelled", data: escInit + "\x1c." + cp852 + "l\xa5\n",
			opt: Options{KanjiOnInit: true}, lines: []string{"lą"},
		},
	}
}

func layoutCases() []textCase {
	return []textCase{
		{
			name:  "styles-leave-text-alone",
			data:  "\x1bE\x01A\x1bE\x00\x1b-\x02B\x1b-0\x1dB\x01C\x1dB\x00\x1b!\x38D\x1b!\x00\x1bV\x01E\x1bV\x00\x1bG\x01F\x1bG\x00\n",
			lines: []string{"ABCDEF"},
		},
		{name: "blank-lines-and-padding", data: "\n   A 45  \n\n\n", lines: []string{"A 45"}},
		{name: "tab", data: "ab\tc\n", lines: []string{"ab      c"}},
		{name: "own-tabs", data: "\x1bD\x04\x0a\x00ab\tc\td\n", lines: []string{"ab  c     d"}},
		{name: "absolute-position", data: "x\x1b$\x78\x00y\n", lines: []string{"x         y"}},
		{name: "backwards", data: "\x1b$\x78\x00y\x1b$\x00\x00x\n", lines: []string{"x         y"}},
		{name: "relative-position", data: "a\x1b\\\x0c\x00b\x1b\\\xe8\xffc\n", lines: []string{"acb"}},
		{
			name: "wrap", data: strings.Repeat("x", 49) + "\n", lines: []string{strings.Repeat("x", 48), "x"},
			warnings: []string{"line wider than the paper, wrapped"},
		},
		{name: "exactly-full", data: strings.Repeat("x", 48) + "\n", lines: []string{strings.Repeat("x", 48)}},
		{name: "font-b-64", data: "\x1bM\x01" + strings.Repeat("x", 64) + "\n", lines: []string{strings.Repeat("x", 64)}},
		{name: "double-width-24", data: "\x1d!\x10" + strings.Repeat("x", 24) + "\n", lines: []string{strings.Repeat("x", 24)}},
		{
			name: "narrow-area", data: "\x1dL\x18\x00\x1dW\x3c\x00" + "123456\n", lines: []string{"12345", "6"},
			warnings: []string{"line wider than the paper, wrapped"},
		},
	}
}

func commandCases() []textCase {
	return []textCase{
		{name: "init-clears-the-line", data: "lost" + escInit + "kept\n", lines: []string{"kept"}},
		{name: "print-and-feed", data: "a\x1bd\x03b\x1bJ\x40c\n", lines: []string{"a", "b", "c"}},
		{name: "feed-commands", data: "\x1b3\x10a\n\x1b2b\n\x1be\x01\x1bK\x01", lines: []string{"a", "b"}},
		{
			name: "realtime-between-commands", data: "a\x10\x04\x01b\x10\x05\x02c\x10\x14\x01\x00\x01d\n",
			lines: []string{"abcd"},
		},
		{
			name: "no-ops", lines: []string{"x"},
			data: "\x1b=\x01\x1bc5\x00\x1bU\x01\x1br\x00\x1bp\x00\x19\xfa\x1b(A\x04\x000\x01\x01\x01\x1bB\x02\x02" +
				"\x1db\x01\x1dP\xb4\xb4\x1d(K\x02\x002\x05\x1d(A\x02\x00\x00\x01\x1c-\x00\x1cS\x00\x00\x1cW\x00\x1c!\x00x\n",
		},
		{
			name: "unknown-command", data: "a\x1b\x99b\n", lines: []string{"ab"},
			warnings: []string{"unknown command 1B 99 at byte 2"},
		},
		{
			name: "unknown-with-length", data: "\x1d(Z\x03\x00abc!\n", lines: []string{"!"},
			warnings: []string{"unsupported command 1D 28 5A at byte 7"},
		},
		{
			name: "size-out-of-range", data: "\x1d!\xffA\n", lines: []string{"A"},
			warnings: []string{"size byte out of range: GS ! FF at byte 2"},
		},
		{
			name: "only-at-line-start", data: "a\x1ba\x01\x1b{\x01b\n", lines: []string{"ab"},
			warnings: []string{
				"command 1B 61 only allowed at line start, ignored at byte 3",
				"command 1B 7B only allowed at line start, ignored at byte 6",
			},
		},
		{
			name: "line-left", data: "a\nb", lines: []string{"a"},
			warnings: []string{`line left unprinted: "b"`},
		},
		{
			name: "star-qr-is-text-on-epson", data: "\x1dZ\x02\x1bZ\x02M\x06\x01\x00u\n", // @node-escpos/core
			lines: []string{"Mu"},
			warnings: []string{
				"unknown command 1D 5A at byte 1", "control character 02 ignored at byte 2",
				"unknown command 1B 5A at byte 4", "control character 02 ignored at byte 5",
				"control character 06 ignored at byte 7", "control character 01 ignored at byte 8",
			},
		},
	}
}

func TestText(t *testing.T) {
	for _, c := range slices.Concat(codePageCases(), layoutCases(), commandCases()) {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, c.data, c.opt)
			if d := cmp.Diff(c.lines, got.Lines); d != "" {
				t.Errorf("lines (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.warnings, got.Warnings); d != "" {
				t.Errorf("warnings (-want +got):\n%s", d)
			}
			if got.Cut != CutNone {
				t.Errorf("cut %q, want none", got.Cut)
			}
		})
	}
}

func TestCutForms(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want Cut
	}{
		"A-full": {"\x1dV\x00", CutFull}, "A-partial": {"\x1dV\x01", CutPartial},
		"A-full-ascii": {"\x1dV0", CutFull}, "A-partial-ascii": {"\x1dV1", CutPartial},
		"B-full": {"\x1dVA\x03", CutFull}, "B-partial": {"\x1dVB\x03", CutPartial},
		"C-full": {"\x1dVa\x03", CutFull}, "C-partial": {"\x1dVb\x03", CutPartial},
		"D-full": {"\x1dVg\x03", CutFull}, "D-partial": {"\x1dVh\x03", CutPartial},
		"old-full": {"\x1bi", CutFull}, "old-partial": {"\x1bm", CutPartial},
	} {
		t.Run(name, func(t *testing.T) {
			all := Render([]byte("one\n"+c.data+"two\n"+c.data), Options{})
			if len(all) != 2 || all[0].Cut != c.want || all[1].N != 2 {
				t.Fatalf("got %+v", all)
			}
			if d := cmp.Diff([]string{"two"}, all[1].Lines); d != "" {
				t.Error(d)
			}
			if got := string(all[1].Bytes); got != "two\n"+c.data {
				t.Errorf("bytes of the second ticket %q", got)
			}
		})
	}
}

func TestCutWarnings(t *testing.T) {
	for _, c := range []struct {
		name, data string
		opt        Options
		lines      []string
		want       string
	}{
		{"in-a-line", "A 45\x1dV\x00", Options{}, []string{"A 45"}, "cut only allowed at line start at byte 6"},
		{"bad-mode", "a\n\x1dV\x09", Options{}, []string{"a"}, "size byte out of range: cut 9 at byte 4"},
		{
			"through-the-print", "a\n\x1dV\x00",
			Options{CutterDots: 96},
			[]string{"a"},
			"cut goes through the print: feed 90 dots more at byte 4",
		},
		{"no-cutter", "a\n\x1dV\x00", Options{Missing: []Feature{FeatureCutter}}, []string{"a"}, "this printer has no cutter at byte 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, c.data, c.opt)
			if d := cmp.Diff(c.lines, got.Lines); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff([]string{c.want}, got.Warnings); d != "" {
				t.Error(d)
			}
		})
	}
	if got := render(t, "a\n\x1dVA\x00", Options{CutterDots: 96}); got.Warnings != nil {
		t.Errorf("function B feeds to the cutter itself, got %q", got.Warnings)
	}
}

func TestNothingPrintedIsNoTicket(t *testing.T) {
	for _, data := range []string{"", escInit, "\x1dr\x01", "\n\n", escInit + "\x1d(H\x06\x0000P001"} {
		if all := Render([]byte(data), Options{}); len(all) != 0 {
			t.Errorf("%q gave %d tickets", data, len(all))
		}
	}
}

func TestTicketJSON(t *testing.T) {
	all := Render([]byte("\n"+cutPart), Options{})
	all = append(all, Render([]byte(cp852+zazolc+"\n\x1b\x99"+qrCommands("https://a.pl", '1', 4)+"\x1dV\x00"), Options{})...)
	got, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"lines":[],"qr":[],"images":0,"cut":"partial","warnings":[]},` +
		`{"lines":["Zażółć gęślą jaźń"],"qr":["https://a.pl"],"images":0,"cut":"full",` +
		`"warnings":["unknown command 1B 99 at byte 22"]}]`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	got := render(t, strings.Repeat("\x1b\x99", 1000), Options{})
	if len(got.Warnings) != maxWarnings || got.Warnings[maxWarnings-1] != "more warnings left out" {
		t.Errorf("%d warnings, last %q", len(got.Warnings), got.Warnings[len(got.Warnings)-1])
	}
}
