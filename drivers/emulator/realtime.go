package emulator

import "bytes"

// rtCommand is a real-time command, acted on as soon as its last byte has arrived.
type rtCommand struct {
	op  op
	arg byte
}

// realtime watches the raw stream for real-time commands wherever they stand, inside raster data
// too (TM-U295 specification), because a real printer looks for them in its receive interrupt.
type realtime struct {
	window []byte
	custom bool
}

// clearSequence is DLE DC4 fn 8: clear buffers.
func clearSequence() []byte { return []byte{dle, 0x14, 8, 1, 3, 20, 1, 6, 2, 8} }

func (r *realtime) feed(b byte) (rtCommand, bool) {
	const size = 10
	if len(r.window) == size {
		copy(r.window, r.window[1:])
		r.window = r.window[:size-1]
	}
	r.window = append(r.window, b)
	n := len(r.window)
	if n == size && b == 8 && bytes.Equal(r.window, clearSequence()) {
		return rtCommand{op: opDC4, arg: 8}, true
	}
	if n < 3 || r.window[n-3] != dle {
		return rtCommand{}, false
	}
	switch r.window[n-2] {
	case 0x04:
		if b >= 1 && b <= 4 || r.custom && b == 0x14 {
			return rtCommand{op: opEOT, arg: b}, true
		}
	case 0x05:
		if b <= 2 {
			return rtCommand{op: opENQ, arg: b}, true
		}
	}
	return rtCommand{}, false
}

func (r *realtime) reset() { r.window = r.window[:0] }
