package emulator

import (
	"golang.org/x/text/encoding/charmap"
)

// codeTable holds the characters of the bytes 80h–FFh. 0 means that the page has none there.
type codeTable [128]rune

const (
	pageKatakana = "katakana"
	// pageUnknown stands for a page that the printer has and the emulator cannot decode.
	pageUnknown = "undecoded"
)

// epsonPages is the ESC t table of current Epson printers (ESC/POS reference, "Character code
// tables"; the same numbers stand in printer-db's default profile).
func epsonPages() map[int]string {
	return map[int]string{
		0: "cp437", 1: pageKatakana, 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865",
		11: pageUnknown, 12: pageUnknown, 13: pageUnknown, 14: pageUnknown,
		15: "iso8859-7", 16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858",
		20: pageUnknown, 21: "cp874", 26: pageUnknown, 30: pageUnknown, 31: pageUnknown,
		32: pageUnknown, 33: pageUnknown, 34: "cp855", 35: pageUnknown, 36: "cp862",
		37: pageUnknown, 38: pageUnknown, 39: "iso8859-2", 40: "iso8859-15", 41: pageUnknown,
		42: pageUnknown, 43: pageUnknown, 44: pageUnknown, 45: "cp1250", 46: "cp1251",
		47: "cp1253", 48: "cp1254", 49: "cp1255", 50: "cp1256", 51: "cp1257", 52: "cp1258",
		53: pageUnknown,
	}
}

// charmapByName returns the encoding behind a page name, or nil.
func charmapByName(name string) *charmap.Charmap {
	return map[string]*charmap.Charmap{
		"cp437": charmap.CodePage437, "cp850": charmap.CodePage850, "cp852": charmap.CodePage852,
		"cp855": charmap.CodePage855, "cp858": charmap.CodePage858, "cp860": charmap.CodePage860,
		"cp862": charmap.CodePage862, "cp863": charmap.CodePage863, "cp865": charmap.CodePage865,
		"cp866": charmap.CodePage866, "cp874": charmap.Windows874,
		"cp1250": charmap.Windows1250, "cp1251": charmap.Windows1251, "cp1252": charmap.Windows1252,
		"cp1253": charmap.Windows1253, "cp1254": charmap.Windows1254, "cp1255": charmap.Windows1255,
		"cp1256": charmap.Windows1256, "cp1257": charmap.Windows1257, "cp1258": charmap.Windows1258,
		"iso8859-1": charmap.ISO8859_1, "iso8859-2": charmap.ISO8859_2,
		"iso8859-5": charmap.ISO8859_5, "iso8859-7": charmap.ISO8859_7,
		"iso8859-15": charmap.ISO8859_15, "iso8859-16": charmap.ISO8859_16,
	}[name]
}

// newCodeTable builds the table of a page; a name that is not known gives an empty one.
func newCodeTable(name string) *codeTable {
	var t codeTable
	if name == pageKatakana {
		return katakanaTable()
	}
	m := charmapByName(name)
	if m == nil {
		return &t
	}
	for i := range t {
		if r := m.DecodeByte(byte(0x80 + i)); r != '\uFFFD' && (r < 0x80 || r > 0x9F) {
			t[i] = r
		}
	}
	return &t
}

// katakanaTable is page 1 of Epson's printers: ruled lines at 80h–9Fh, half-width katakana at
// A1h–DFh (JIS X 0201) and a few signs behind them, which the emulator leaves out.
func katakanaTable() *codeTable {
	var t codeTable
	for i, r := range []rune("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉┼┴┬┤├▔─│▕┌┐└┘╭╮╰╯") {
		t[i] = r
	}
	for i := range 0xDF - 0xA1 + 1 {
		t[0xA1-0x80+i] = rune(0xFF61 + i)
	}
	return &t
}

// pageSet is one printer's code pages. Tables are built when first selected.
type pageSet struct {
	names  map[int]string
	tables map[int]*codeTable
}

func newPageSet(names map[int]string) *pageSet {
	if names == nil {
		names = epsonPages()
	}
	return &pageSet{names: names, tables: map[int]*codeTable{}}
}

// table returns page n, or nil if the printer has no such page.
func (s *pageSet) table(n int) *codeTable {
	if t, ok := s.tables[n]; ok {
		return t
	}
	name, ok := s.names[n]
	if !ok {
		return nil
	}
	t := newCodeTable(name)
	s.tables[n] = t
	return t
}
