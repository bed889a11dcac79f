package board

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Modbus RTU, as far as boards need it: function 16, "write multiple registers" (Modbus application
// protocol V1.1b3, 6.12; Modbus over serial line V1.02, 2.5.1).
const (
	funcWriteRegisters = 16
	exceptionBit       = 0x80
	replyBytes         = 8 // unit, function, register, count, CRC
	exceptionBytes     = 5
)

// The ways in which a board answers wrongly.
var (
	errNoAnswer      = errors.New("no answer")
	errWrongChecksum = errors.New("the answer's checksum is wrong")
	errWrongUnit     = errors.New("another board answered")
	errRefused       = errors.New("the board refused")
)

// crc16 is the Modbus checksum: polynomial 0xA001, beginning with 0xFFFF.
func crc16(b []byte) uint16 {
	crc := uint16(0xffff)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0xa001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}

// checks reports whether a message ends with its checksum.
func checks(message []byte) bool {
	end := len(message) - 2
	return binary.LittleEndian.Uint16(message[end:]) == crc16(message[:end])
}

// writeRegisters is the request that puts a text, two letters a register or one, from a register on.
func writeRegisters(unit byte, register uint16, values []uint16) []byte {
	b := []byte{unit, funcWriteRegisters}
	b = binary.BigEndian.AppendUint16(b, register)
	b = binary.BigEndian.AppendUint16(b, uint16(len(values))) //nolint:gosec // at most 6 registers
	b = append(b, byte(2*len(values)&0xff))
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return binary.LittleEndian.AppendUint16(b, crc16(b))
}

// parseReply looks at what came after a request. done is false while bytes are missing. The
// adapter's echo of the request, which some send, is left out.
func parseReply(request, got []byte) (done bool, err error) {
	switch {
	case bytes.HasPrefix(got, request):
		got = got[len(request):]
	case len(got) >= replyBytes && checks(got[:replyBytes]):
	case bytes.HasPrefix(request, got):
		return false, nil // an echo on its way, or the beginning of an answer, which looks the same
	}
	want := replyBytes
	if len(got) >= 2 && got[1]&exceptionBit != 0 {
		want = exceptionBytes
	}
	if len(got) < want {
		return false, nil
	}
	got = got[:want]
	switch {
	case !checks(got):
		return true, errWrongChecksum
	case got[0] != request[0]:
		return true, fmt.Errorf("%w: unit %d instead of %d", errWrongUnit, got[0], request[0])
	case want == exceptionBytes:
		return true, fmt.Errorf("%w: exception %d", errRefused, got[2])
	case string(got[:6]) != string(request[:6]):
		return true, fmt.Errorf("%w: it answered something else", errRefused)
	}
	return true, nil
}
