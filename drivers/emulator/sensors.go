package emulator

// Paper is what the paper sensors see.
type Paper uint8

// The states of the paper.
const (
	PaperOK Paper = iota
	PaperNearEnd
	PaperOut
)

// sensors is the physical condition of the printer, as far as replies show it.
type sensors struct {
	paper         Paper
	noNearEnd     bool
	cover         bool
	coverPrinting bool // the cover was opened while printing: auto-recoverable error
	cutter        bool
	headHot       bool
	unrecoverable bool
	forcedOffline bool
	drawerHigh    bool
	feedButton    bool
	ticketOut     bool // presenter: a ticket waits to be taken
	moving        bool
}

// offline reports whether the printer refuses to print.
func (s sensors) offline() bool {
	return s.paper == PaperOut || s.cover || s.failed() || s.forcedOffline
}

// failed is the error bit: something that paper and a closed cover do not cure.
func (s sensors) failed() bool {
	return s.cutter || s.headHot || s.unrecoverable || s.coverPrinting
}

// withBits sets bit n of the result for each true condition.
func withBits(b byte, set map[int]bool) byte {
	for n, on := range set {
		if on {
			b |= 1 << n
		}
	}
	return b
}

// fixedEOT is the pattern of every DLE EOT reply: bits 1 and 4 are 1, bits 0 and 7 are 0.
const fixedEOT = 0x12

// eot answers DLE EOT n (Epson command reference). ok is false for an n that has no answer.
func (s sensors) eot(n byte) (reply byte, ok bool) {
	switch n {
	case 1:
		return withBits(fixedEOT, map[int]bool{2: s.drawerHigh, 3: s.offline(), 6: s.feedButton}), true
	case 2:
		return withBits(fixedEOT, map[int]bool{
			2: s.cover, 3: s.feedButton, 5: s.paper == PaperOut, 6: s.failed(),
		}), true
	case 3:
		return withBits(fixedEOT, map[int]bool{
			3: s.cutter, 5: s.unrecoverable, 6: s.headHot || s.coverPrinting,
		}), true
	case 4:
		near, out := s.paperBits()
		return withBits(fixedEOT, map[int]bool{2: near, 3: near, 5: out, 6: out}), true
	}
	return 0, false
}

// paperBits are the near-end and the end sensor. Both see nothing when the roll is gone.
func (s sensors) paperBits() (near, out bool) {
	out = s.paper == PaperOut
	near = (s.paper == PaperNearEnd || out) && !s.noNearEnd
	return near, out
}

// paperStatus answers GS r 1: bits 0, 1 near end, bits 2, 3 end, bits 4 and 7 are 0.
func (s sensors) paperStatus() byte {
	near, out := s.paperBits()
	return withBits(0, map[int]bool{0: near, 1: near, 2: out, 3: out})
}

// asbFrame is the automatic status: four bytes of which only the first has bit 4 set.
func (s sensors) asbFrame() [4]byte {
	return [4]byte{
		withBits(0x10, map[int]bool{2: s.drawerHigh, 3: s.offline(), 5: s.cover, 6: s.feedButton}),
		withBits(0, map[int]bool{1: s.feedButton, 3: s.cutter, 5: s.unrecoverable, 6: s.headHot || s.coverPrinting}),
		s.paperStatus(),
		0x0F,
	}
}

// asbGroups tells which bits of GS a n a frame's bits belong to: 0 drawer, 1 online, 2 error,
// 3 paper, 6 panel.
func (s sensors) asbGroups(other sensors) byte {
	a, b := s.asbFrame(), other.asbFrame()
	d0, d1 := a[0]^b[0], a[1]^b[1]
	return withBits(0, map[int]bool{
		0: d0&0x04 != 0,
		1: d0&0x28 != 0,
		2: d1&0x6C != 0,
		3: a[2] != b[2],
		6: d0&0x40 != 0 || d1&0x02 != 0,
	})
}

// customFull answers 10 04 14 of Custom's kiosk printers: 10 0F, then paper, user, recoverable and
// unrecoverable errors (KPM150H command specification).
func (s sensors) customFull() []byte {
	near, out := s.paperBits()
	return []byte{
		0x10, 0x0F,
		withBits(0, map[int]bool{0: out, 2: near, 5: s.ticketOut}),
		withBits(0, map[int]bool{0: s.cover, 1: s.cover, 3: s.moving, 5: s.feedButton}),
		withBits(0, map[int]bool{0: s.headHot}),
		withBits(0, map[int]bool{0: s.cutter, 3: s.unrecoverable}),
	}
}
