package speaker

import (
	"bytes"
	"encoding/binary"
)

// The frames of a DFPlayer Mini (DFRobot's manual DFR0299, section 3): 7E FF 06, the command, 1 if a reply
// is wanted, two bytes of value, two of checksum, EF.
const (
	dfFrameBytes = 10
	dfStart      = 0x7e
	dfVersion    = 0xff
	dfLength     = 0x06
	dfEnd        = 0xef
)

// What is sent.
const (
	dfVolume = 0x06 // 0 to 30
	dfTrack  = 0x0f // high byte the folder, low byte the file
	dfStop   = 0x16
	dfStatus = 0x42 // asks whether it plays, and is answered by itself
)

// What is received.
const (
	dfCardIn    = 0x3a
	dfCardOut   = 0x3b
	dfUDiskDone = 0x3c
	dfTrackDone = 0x3d
	dfFlashDone = 0x3e
	dfOnline    = 0x3f
	dfError     = 0x40
	dfAck       = 0x41
	// dfErrAgain is the last of the errors of the line: the manual counts busy, not whole and wrong sum
	// from 0, other sources 1 to 4 (with asleep). Higher ones are about tracks and the card.
	dfErrAgain = 4
)

// dfFrame is one message in either direction.
type dfFrame struct {
	command byte
	reply   bool // wanted
	value   uint16
}

// encode is the frame on the line.
func (f dfFrame) encode() []byte {
	b := []byte{dfStart, dfVersion, dfLength, f.command, 0, 0, 0, 0, 0, dfEnd}
	if f.reply {
		b[4] = 1
	}
	binary.BigEndian.PutUint16(b[5:], f.value)
	binary.BigEndian.PutUint16(b[7:], dfChecksum(b[1:7]))
	return b
}

// dfChecksum makes the sum of everything from the version to the value zero, in 16 bits.
func dfChecksum(b []byte) uint16 {
	var sum uint16
	for _, v := range b {
		sum -= uint16(v)
	}
	return sum
}

// dfParser finds frames in what a module sends. Noise between them and damaged ones are passed over.
type dfParser struct{ unread []byte }

// take adds bytes and returns the frames that are whole now. It keeps at most 9 bytes.
func (p *dfParser) take(b []byte) []dfFrame {
	var all []dfFrame
	data := append(p.unread, b...)
	for {
		at := bytes.IndexByte(data, dfStart)
		if at < 0 {
			data = nil
			break
		}
		if data = data[at:]; len(data) < dfFrameBytes {
			break
		}
		if data[1] != dfVersion || data[2] != dfLength || data[9] != dfEnd ||
			binary.BigEndian.Uint16(data[7:]) != dfChecksum(data[1:7]) {
			data = data[1:] // no frame begins here
			continue
		}
		all = append(all, dfFrame{command: data[3], reply: data[4] == 1, value: binary.BigEndian.Uint16(data[5:])})
		data = data[dfFrameBytes:]
	}
	p.unread = bytes.Clone(data)
	return all
}
