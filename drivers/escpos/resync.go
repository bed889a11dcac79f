package escpos

import (
	"encoding/binary"
	"slices"

	"github.com/okienko/okienko/drivers/paper"
)

// Resync returns what brings the printer back to where a new job may start, after only the bytes
// sent of a job have reached it: the rest of a command that is still open (zeros, which are white
// dots, for the declared rest of a picture), ESC @, and a feed and cut of the stub that has been
// printed. Without this the printer would take the next job for the rest of the picture (Sunil9162
// 8, DantSu 415). It returns nil when nothing was sent.
//
// sent must be from the first byte of the job, as Encode, EncodeParts and Query.Request made it.
func (e *Encoder) Resync(sent []byte) []byte {
	if len(sent) == 0 {
		return nil
	}
	rest := e.openRest(sent)
	end := scan(slices.Concat(sent, rest))
	out := appendInit(rest, e.profile.Text.KanjiCancel)
	switch {
	case end.printed:
		out = appendFeed(out, e.finalFeed(paper.CutFull))
		return e.appendCut(out, paper.CutFull)
	case end.cut:
		return append(out, e.eject...) // the ticket may still lie in the presenter
	}
	return out
}

// openRest completes the command that sent ends in, if it ends in one.
func (e *Encoder) openRest(sent []byte) []byte {
	for len(sent) > 0 {
		n := commandSize(sent)
		if n > len(sent) {
			return e.complete(sent, n)
		}
		sent = sent[n:]
	}
	return nil
}

// complete returns what an open command lacks. Where it is not yet decided which command it is, it
// becomes a harmless one.
func (e *Encoder) complete(open []byte, size int) []byte {
	if len(open) == 1 {
		switch open[0] {
		case esc:
			return []byte{'@'}
		case gs:
			return []byte{'B', 0}
		case fsp:
			return []byte{'.'}
		}
	}
	if open[0] == gs && open[1] == 'V' {
		own := e.appendCut(nil, paper.CutFull)
		if n := commandSize(own); n > len(open) && own[1] == 'V' {
			return own[len(open):n]
		}
	}
	if open[0] == dle { // the argument of a status request, which zero is not
		return []byte{1}
	}
	padded := append(slices.Clone(open), make([]byte, size-len(open))...)
	if open[0] == gs && len(open) == 2 {
		switch open[1] {
		case 'v':
			padded[2] = '0'
		case '(':
			padded[2] = 'k'
		}
	}
	// With the lengths filled in, the size may turn out larger.
	total := max(commandSize(padded), size)
	padded = append(padded, make([]byte, total-len(padded))...)
	return padded[len(open):]
}

// progress is where a job has got to.
type progress struct {
	printed bool // something is on paper since the last cut
	cut     bool // there was a cut
}

func scan(job []byte) progress {
	var p progress
	for len(job) > 0 {
		n := min(commandSize(job), len(job))
		switch c := job[:n]; {
		case isCut(c):
			p = progress{cut: true}
		case printsPaper(c):
			p.printed = true
		}
		job = job[n:]
	}
	return p
}

func isCut(c []byte) bool {
	return len(c) > 1 && (c[0] == gs && c[1] == 'V' || c[0] == esc && (c[1] == 'i' || c[1] == 'm'))
}

// printsPaper reports whether a command moves paper. What only stores or selects does not.
func printsPaper(c []byte) bool {
	switch c[0] {
	case esc:
		return len(c) > 1 && (c[1] == 'd' || c[1] == 'J')
	case gs:
		return len(c) > 1 && (c[1] == 'v' || c[1] == '(' && len(c) > 6 && printsStored(c[2], c[6]))
	}
	return c[0] == lf || c[0] >= 0x20
}

// printsStored tells the functions of GS ( k and GS ( L that print what was stored before.
func printsStored(letter, function byte) bool {
	switch letter {
	case 'k':
		return function == qrPrint
	case 'L':
		return function == 0x32 || function == 0x45
	}
	return false
}

// commandSize is the size of the command that b begins with, counting the data that it declares.
// Where b ends before the size is decided, it is the size of the shortest such command, and so
// more than len(b). It knows the commands that this package sends.
func commandSize(b []byte) int {
	if len(b) == 1 {
		if b[0] == esc || b[0] == gs || b[0] == fsp {
			return 2
		}
		return 1
	}
	switch b[0] {
	case esc:
		switch b[1] {
		case '@', 'i', 'm':
			return 2
		}
		return 3
	case fsp:
		return sizeFS(b)
	case gs:
		return sizeGS(b)
	case dle:
		if b[1] == 0x04 || b[1] == 0x05 {
			return 3
		}
	}
	return 1
}

func sizeFS(b []byte) int {
	switch b[1] {
	case '.':
		return 2
	case 'P': // Custom: cut and present
		return 6
	}
	return 3
}

func sizeGS(b []byte) int {
	switch b[1] {
	case 'V':
		if len(b) > 2 && b[2] >= 'A' {
			return 4
		}
	case 'e': // Custom: GS e 3 m, else GS e n
		if len(b) > 2 && b[2] == 3 {
			return 4
		}
	case '(':
		if len(b) < 5 {
			return 5
		}
		return 5 + int(binary.LittleEndian.Uint16(b[3:]))
	case '8':
		if len(b) < 7 {
			return 7
		}
		return 7 + int(binary.LittleEndian.Uint32(b[3:]))
	case 'v':
		if len(b) < 8 {
			return 8
		}
		return 8 + int(binary.LittleEndian.Uint16(b[4:]))*int(binary.LittleEndian.Uint16(b[6:]))
	}
	return 3
}
