package emulator

import "encoding/binary"

// op names a command by its prefix bytes: ESC @ is 1B40h, GS ( k is 1D286Bh.
type op uint32

// last is the last byte of the name.
func (o op) last() byte { return byte(o & 0xFF) }

// The prefix bytes.
const (
	dle byte = 0x10
	esc byte = 0x1B
	fs  byte = 0x1C
	gs  byte = 0x1D
)

// maxArgs bounds the bytes of one command that are kept together; the longest legal one is QR data
// with 7092 bytes (GS ( k fn 180).
const maxArgs = 8192

type eventKind uint8

const (
	evNone    eventKind = iota // the byte continues something
	evText                     // b is a character
	evControl                  // b is a control character such as LF
	evCommand                  // op and args are complete
	evOpen                     // op and args are a header, payload follows byte by byte
	evData                     // b is one payload byte; last marks the end
	evUnknown                  // args are bytes that begin no known command
)

// event is what one byte completes. args is only valid until the next feed.
type event struct {
	kind eventKind
	b    byte
	last bool
	op   op
	args []byte
	size int64 // declared payload, for evOpen
}

type lexState uint8

const (
	lexGround lexState = iota
	lexPrefix
	lexLetter // third byte of GS ( x and the like
	lexArgs
	lexNUL
	lexPayload
)

// lexer finds where commands end. It knows lengths, not meanings, takes one byte at a time and can
// stop and go on anywhere.
type lexer struct {
	state lexState
	op    op
	args  []byte
	need  int
	left  int64
}

// step is what a command still needs after the arguments read so far.
type step struct {
	more    int
	payload int64
	nul     bool
}

// feed takes one byte and returns the one event that it completes.
func (l *lexer) feed(b byte) event {
	switch l.state {
	case lexGround:
		return l.ground(b)
	case lexPrefix:
		return l.prefix(b)
	case lexLetter:
		return l.letter(b)
	case lexArgs:
		l.args = append(l.args, b)
		l.need--
		if l.need > 0 {
			return event{}
		}
		return l.advance()
	case lexNUL:
		if b != 0 {
			if len(l.args) < maxArgs {
				l.args = append(l.args, b)
			}
			return event{}
		}
		return l.done()
	case lexPayload:
		l.left--
		if l.left > 0 {
			return event{kind: evData, b: b, op: l.op}
		}
		l.state = lexGround
		return event{kind: evData, b: b, op: l.op, last: true}
	}
	return event{}
}

func (l *lexer) ground(b byte) event {
	switch {
	case b == dle || b == esc || b == fs || b == gs:
		l.state = lexPrefix
		l.op = op(b)
		return event{}
	case b < 0x20:
		return event{kind: evControl, b: b}
	}
	return event{kind: evText, b: b}
}

func (l *lexer) prefix(b byte) event {
	first := l.op.last()
	l.op = l.op<<8 | op(b)
	if takesLetter(l.op) {
		l.state = lexLetter
		return event{}
	}
	if n, ok := fixedArgs(l.op); ok {
		return l.start(n)
	}
	l.state = lexGround
	l.args = append(l.args[:0], first, b)
	return event{kind: evUnknown, args: l.args}
}

// letter takes the third byte of a name. GS v and GS 8 have one known letter each, the rest carry
// their length and so can be skipped even when unknown.
func (l *lexer) letter(b byte) event {
	second := l.op.last()
	l.op = l.op<<8 | op(b)
	if second == '(' || l.op == opRaster || l.op == opGraphics8 {
		return l.start(2)
	}
	l.state = lexGround
	l.args = append(l.args[:0], gs, second, b)
	return event{kind: evUnknown, args: l.args}
}

// start begins a command whose first n argument bytes are always there.
func (l *lexer) start(n int) event {
	l.args = l.args[:0]
	l.need = n
	if n > 0 {
		l.state = lexArgs
		return event{}
	}
	return l.advance()
}

// advance asks what else the command has, now that all expected arguments are read.
func (l *lexer) advance() event {
	s := nextStep(l.op, l.args)
	switch {
	case s.more > 0:
		l.state = lexArgs
		l.need = s.more
		return event{}
	case s.nul:
		l.state = lexNUL
		return event{}
	case s.payload > 0:
		l.state = lexPayload
		l.left = s.payload
		return event{kind: evOpen, op: l.op, args: l.args, size: s.payload}
	}
	return l.done()
}

func (l *lexer) done() event {
	l.state = lexGround
	return event{kind: evCommand, op: l.op, args: l.args}
}

// open reports whether the next byte belongs to a command that has begun.
func (l *lexer) open() bool { return l.state != lexGround }

// inRealtime reports whether the lexer is inside a DLE command that stands at a command's place.
func (l *lexer) inRealtime() bool {
	switch l.state {
	case lexPrefix:
		return l.op.last() == dle
	case lexArgs:
		return l.op>>8 == op(dle)
	case lexGround, lexLetter, lexNUL, lexPayload:
	}
	return false
}

func (l *lexer) reset() { *l = lexer{args: l.args[:0]} }

func le16(lo, hi byte) int { return int(lo) | int(hi)<<8 }

func le32(b []byte) int64 {
	return int64(binary.LittleEndian.Uint32(b))
}
