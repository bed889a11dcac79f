package escpos

// Query is a request whose answer comes back from the printer.
type Query uint8

// The queries. QueryNone marks a reply that nobody asked for.
const (
	QueryNone Query = iota
	// QueryOnline is DLE EOT 1: online, drawer, waiting for recovery.
	QueryOnline
	// QueryOffline is DLE EOT 2: why the printer is offline.
	QueryOffline
	// QueryError is DLE EOT 3: cutter, recoverable and unrecoverable errors.
	QueryError
	// QueryPaper is DLE EOT 4: the paper sensors.
	QueryPaper
	// QueryFull is DLE EOT 20, the full status of Custom's printers.
	QueryFull
	// QueryQueuedPaper is GS r 1. Unlike DLE EOT it waits its turn behind the data before it,
	// and a printer that is offline does not answer it at all (Epson TM-T88III, TM-U220 specs).
	QueryQueuedPaper
	// QueryProcess is GS ( H function 48: the printer repeats a token once it has printed all
	// the data before it.
	QueryProcess
	// QueryIdentity is GS I n for a text answer. Clones lie about it.
	QueryIdentity
)

// String returns the query's name in the manuals.
func (q Query) String() string {
	names := [...]string{
		QueryNone: "none", QueryOnline: "DLE EOT 1", QueryOffline: "DLE EOT 2",
		QueryError: "DLE EOT 3", QueryPaper: "DLE EOT 4", QueryFull: "DLE EOT 20",
		QueryQueuedPaper: "GS r 1", QueryProcess: "GS ( H", QueryIdentity: "GS I",
	}
	if int(q) >= len(names) {
		return "unknown"
	}
	return names[q]
}

// Request returns the bytes that ask q: DLE EOT n (10 04 n) acted upon at once, even when the
// printer is offline, GS r 1 (1D 72 01) and GS I 67 (1D 49 43, the model's name) in their turn.
// It returns nil for QueryProcess, whose request carries a token (ProcessRequest).
func (q Query) Request() []byte {
	switch q {
	case QueryOnline, QueryOffline, QueryError, QueryPaper:
		return []byte{0x10, 0x04, byte(q)}
	case QueryFull:
		return []byte{0x10, 0x04, 0x14}
	case QueryQueuedPaper:
		return []byte{0x1D, 0x72, 0x01}
	case QueryIdentity:
		return []byte{0x1D, 0x49, 0x43}
	case QueryNone, QueryProcess:
	}
	return nil
}

// Token identifies one request of GS ( H; each byte is from 20h to 7Eh.
type Token [4]byte

// NewToken returns the n-th token for a purpose, such as 'P' for printed or 'C' for cut. Tokens of
// one purpose repeat after 830,584 (94³) calls.
func NewToken(purpose byte, n uint32) Token {
	const printable = 94
	digit := func(v uint32) byte { return byte('!' + v%printable) }
	return Token{purpose, digit(n / printable / printable), digit(n / printable), digit(n)}
}

// ProcessRequest returns GS ( H function 48 (1D 28 48 06 00 30 30 d1 d2 d3 d4): the printer
// answers 37 22 d1 d2 d3 d4 00 after the data before it is printed. When several are pending it
// may answer the newest only, so one at a time.
func ProcessRequest(t Token) []byte {
	return append([]byte{0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30}, t[:]...)
}

// EnableASB returns GS a 0Eh (1D 61 0E): the printer reports every change of online state, errors
// and paper on its own, beginning with the present state. The drawer and the panel are left out.
func EnableASB() []byte { return []byte{0x1D, 0x61, 0x0E} }

// Condition is the state of a printer as far as its replies tell. The zero value is a healthy
// printer, so a caller must know which queries were answered before it believes one.
type Condition struct {
	Offline   bool
	CoverOpen bool
	// PaperOut means that the printer cannot print for lack of paper.
	PaperOut bool
	// NearEnd means that the roll is near its end; many models have no such sensor.
	NearEnd     bool
	CutterError bool
	// Unrecoverable needs the power switched off and on, Recoverable a person's hand.
	Unrecoverable bool
	Recoverable   bool
	// HeadHot clears itself; Epson joins it with a cover opened while printing.
	HeadHot bool
	// RecoveryWait means that the printer waits for its feed button or for DLE ENQ.
	RecoveryWait bool
	// OtherError is the error bit of DLE EOT 2 with no word on its kind.
	OtherError bool
	Drawer     bool
	// TicketOut means that a printed ticket waits in the presenter (Custom).
	TicketOut bool
}

// CanPrint reports that nothing in c keeps the printer from printing.
func (c Condition) CanPrint() bool {
	return !c.Offline && !c.CoverOpen && !c.PaperOut && !c.CutterError && !c.Unrecoverable &&
		!c.Recoverable && !c.HeadHot && !c.RecoveryWait && !c.OtherError
}

// With returns c as changed by r. Only an answer to an outstanding query and an ASB frame change
// it: a byte that nobody asked for says nothing. A GS r answer may report paper out but never
// takes it back, because it may be older than the last DLE EOT answer.
func (c Condition) With(r Reply) Condition {
	switch {
	case r.Kind == KindASB && len(r.Data) == 4:
		return c.withASB(r.Data)
	case r.Kind == KindFull && r.Query == QueryFull && len(r.Data) == 6:
		return c.withFull(r.Data)
	case r.Kind == KindRealtime && len(r.Data) == 1:
		return c.withRealtime(r.Query, r.Data[0])
	case r.Kind == KindQueued && r.Query == QueryQueuedPaper && len(r.Data) == 1:
		c.NearEnd = c.NearEnd || r.Data[0]&0x03 != 0
		c.PaperOut = c.PaperOut || r.Data[0]&0x0C != 0
	}
	return c
}

// withRealtime reads one answer of DLE EOT (Epson's tables; reference/escpos.md 1.2).
func (c Condition) withRealtime(q Query, b byte) Condition {
	switch q {
	case QueryOnline:
		c.Drawer = b&0x04 != 0
		c.Offline = b&0x08 != 0
		c.RecoveryWait = b&0x20 != 0
	case QueryOffline:
		c.CoverOpen = b&0x04 != 0
		c.PaperOut = c.PaperOut || b&0x20 != 0
		c.OtherError = b&0x40 != 0
	case QueryError:
		c.Recoverable = b&0x04 != 0
		c.CutterError = b&0x08 != 0
		c.Unrecoverable = b&0x20 != 0
		c.HeadHot = b&0x40 != 0
	case QueryPaper:
		c.NearEnd = b&0x0C != 0
		c.PaperOut = b&0x60 != 0
	case QueryNone, QueryFull, QueryQueuedPaper, QueryProcess, QueryIdentity:
	}
	return c
}

// withASB reads the four bytes of Automatic Status Back; the fourth has no fixed meaning.
func (c Condition) withASB(f []byte) Condition {
	c.Drawer = f[0]&0x04 != 0
	c.Offline = f[0]&0x08 != 0
	c.CoverOpen = f[0]&0x20 != 0
	c.RecoveryWait = f[1]&0x01 != 0
	c.Recoverable = f[1]&0x04 != 0
	c.CutterError = f[1]&0x08 != 0
	c.Unrecoverable = f[1]&0x20 != 0
	c.HeadHot = f[1]&0x40 != 0
	c.NearEnd = f[2]&0x03 != 0
	c.PaperOut = f[2]&0x0C != 0
	c.OtherError = false
	return c
}

// withFull reads Custom's full status 10 0F, paper, user, recoverable, unrecoverable (KPM150H
// command manual). Bit 0 of the last byte is the cutter. It has no word on being offline.
func (c Condition) withFull(f []byte) Condition {
	paper, user, recoverable, unrecoverable := f[2], f[3], f[4], f[5]
	c.PaperOut = paper&0x41 != 0 // bit 6: virtual paper end
	c.NearEnd = paper&0x04 != 0
	c.TicketOut = paper&0x20 != 0
	c.CoverOpen = user&0x03 != 0 // head up or cover open
	c.HeadHot = recoverable&0x01 != 0
	c.Recoverable = recoverable&^0x01 != 0
	c.CutterError = unrecoverable&0x01 != 0
	c.Unrecoverable = unrecoverable&^0x01 != 0
	return c
}
