package emulator

// ring is the receive buffer: first in, first out, of fixed size.
type ring struct {
	buf   []byte
	first int
	n     int
}

func newRing(size int) *ring { return &ring{buf: make([]byte, size)} }

// push stores b and reports whether there was room.
func (r *ring) push(b byte) bool {
	if r.n == len(r.buf) {
		return false
	}
	r.buf[(r.first+r.n)%len(r.buf)] = b
	r.n++
	return true
}

func (r *ring) pop() (byte, bool) {
	if r.n == 0 {
		return 0, false
	}
	b := r.buf[r.first]
	r.first = (r.first + 1) % len(r.buf)
	r.n--
	return b, true
}

func (r *ring) room() int { return len(r.buf) - r.n }

func (r *ring) clear() { r.first, r.n = 0, 0 }
