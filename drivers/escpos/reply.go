package escpos

import "slices"

// Kind is what a group of bytes from the printer is, told by its value alone.
type Kind uint8

// The kinds of reply.
const (
	// KindNoise is a byte, or the remains of a broken reply, that means nothing.
	KindNoise Kind = iota
	// KindRealtime is one byte 0xx1xx10: the answer to DLE EOT 1 to 4.
	KindRealtime
	// KindQueued is one byte 0xx0xxxx outside a frame: the answer to GS r.
	KindQueued
	// KindASB is a frame of four bytes, the first 0xx1xx00 (GS a).
	KindASB
	// KindFull is Custom's full status: 10 0F and four bytes.
	KindFull
	// KindProcess is 37 22 d1 d2 d3 d4 00 (GS ( H); Data holds the four token bytes.
	KindProcess
	// KindText is 5F text 00 (GS I); Data holds the text.
	KindText
	// KindBlock is any other block 37 ... 00; Data holds what is between.
	KindBlock
	// KindXON and KindXOFF are flow control: 11 and 13.
	KindXON
	KindXOFF
)

// Reply is one classified reply.
type Reply struct {
	Kind Kind
	// Query is the outstanding query that this reply answers, or QueryNone.
	Query Query
	// Data holds the reply's bytes; for blocks without header and terminator.
	Data []byte
}

// maxBlock bounds a block's content: the longest text answers known are under 80 bytes.
const maxBlock = 80

// Parser sorts the bytes that come from a printer into replies, byte by byte, by their value
// (appendix tables of the Epson, Citizen CBM1000 and CT-S310, and Bematech MP-4000 manuals).
// What is expected only breaks ties: it decides to whom an answer is credited, and whether 10 0F
// begins Custom's full status or an ASB frame. A real-time answer is credited to the oldest
// outstanding DLE EOT and never to a queued request; with none outstanding it stays unasked, as
// when a picture that is being printed happens to contain 10 04 01.
//
// The zero value is ready for use. A Parser never fails and never panics; it holds at most one
// unfinished reply of bounded size. It has one owner.
type Parser struct {
	expected []Query // oldest first; the caller bounds it by asking one thing at a time
	partial  []byte  // an unfinished reply, its first byte included
	full     bool    // partial is a full status, not an ASB frame
}

// Expect notes that q has been asked.
func (p *Parser) Expect(q Query) { p.expected = append(p.expected, q) }

// Forget drops every expectation of q: the caller waits no longer.
func (p *Parser) Forget(q Query) {
	kept := p.expected[:0]
	for _, e := range p.expected {
		if e != q {
			kept = append(kept, e)
		}
	}
	p.expected = kept
}

// Abandon gives up an unfinished reply, which was noise after all, and reports whether there was
// one. Call it when nothing has come for a reply's time.
func (p *Parser) Abandon() bool {
	unfinished := len(p.partial) > 0
	p.partial, p.full = p.partial[:0], false
	return unfinished
}

// Reset forgets everything, as after the port was opened anew.
func (p *Parser) Reset() {
	p.Abandon()
	p.expected = p.expected[:0]
}

// Parse appends to dst the replies that data completes and returns it. The replies do not alias
// data.
func (p *Parser) Parse(dst []Reply, data []byte) []Reply {
	for _, b := range data {
		dst = p.next(dst, b)
	}
	return dst
}

func (p *Parser) next(dst []Reply, b byte) []Reply {
	if len(p.partial) > 0 {
		if b == xon || b == xoff {
			if !p.full { // any value may stand in a full status
				return append(dst, flow(b))
			}
		}
		switch p.partial[0] & headerMask {
		case headerASB:
			return p.frame(dst, b)
		default:
			return p.block(dst, b)
		}
	}
	return p.first(dst, b)
}

// The classes of a first byte under the mask 93h.
const (
	headerMask     = 0x93
	headerASB      = 0x10
	headerRealtime = 0x12
	queuedMask     = 0x90 // bits 4 and 7 are 0 in GS r answers and in ASB bytes 2 to 4

	xon, xoff     = 0x11, 0x13
	blockHeader   = 0x37
	textHeader    = 0x5F
	processMarker = 0x22
	fullMarker    = 0x0F
)

func flow(b byte) Reply {
	if b == xon {
		return Reply{Kind: KindXON, Data: []byte{b}}
	}
	return Reply{Kind: KindXOFF, Data: []byte{b}}
}

// first classifies a byte that stands outside any frame or block.
func (p *Parser) first(dst []Reply, b byte) []Reply {
	switch {
	case b == xon || b == xoff:
		return append(dst, flow(b))
	case b == blockHeader || b == textHeader || b&headerMask == headerASB:
		p.partial = append(p.partial, b)
		return dst
	case b&headerMask == headerRealtime:
		q := p.take(func(q Query) bool { return q >= QueryOnline && q <= QueryPaper })
		return append(dst, Reply{Kind: KindRealtime, Query: q, Data: []byte{b}})
	case b&queuedMask == 0:
		q := p.take(func(q Query) bool { return q == QueryQueuedPaper })
		return append(dst, Reply{Kind: KindQueued, Query: q, Data: []byte{b}})
	}
	return append(dst, noise(b))
}

// frame adds b to an ASB frame or a full status.
func (p *Parser) frame(dst []Reply, b byte) []Reply {
	if len(p.partial) == 1 && p.partial[0] == 0x10 && b == fullMarker {
		p.full = slices.Contains(p.expected, QueryFull)
	}
	at := len(p.partial)
	if !p.full && at < 3 && b&queuedMask != 0 {
		return p.broken(dst, b)
	}
	p.partial = append(p.partial, b)
	switch {
	case p.full && at == 5:
		q := p.take(func(q Query) bool { return q == QueryFull })
		return p.complete(dst, Reply{Kind: KindFull, Query: q, Data: slices.Clone(p.partial)})
	case !p.full && at == 3:
		return p.complete(dst, Reply{Kind: KindASB, Data: slices.Clone(p.partial)})
	}
	return dst
}

// block adds b to a block 37h or 5Fh.
func (p *Parser) block(dst []Reply, b byte) []Reply {
	isProcess := len(p.partial) > 1 && p.partial[0] == blockHeader && p.partial[1] == processMarker
	const processSize = 6 // 37 22 d1 d2 d3 d4
	switch {
	case b == 0 && isProcess && len(p.partial) != processSize:
		p.partial = append(p.partial, b) // its terminator is not a GS r answer
		return p.complete(dst, noise(p.partial...))
	case b == 0:
		return p.complete(dst, p.finished(isProcess))
	case b < ' ' || b > '~', len(p.partial) > maxBlock, isProcess && len(p.partial) == processSize:
		return p.broken(dst, b)
	}
	p.partial = append(p.partial, b)
	return dst
}

// finished names the block in partial, whose terminator has come.
func (p *Parser) finished(isProcess bool) Reply {
	switch {
	case isProcess:
		q := p.take(func(q Query) bool { return q == QueryProcess })
		return Reply{Kind: KindProcess, Query: q, Data: slices.Clone(p.partial[2:])}
	case p.partial[0] == textHeader:
		q := p.take(func(q Query) bool { return q == QueryIdentity })
		return Reply{Kind: KindText, Query: q, Data: slices.Clone(p.partial[1:])}
	}
	return Reply{Kind: KindBlock, Data: slices.Clone(p.partial[1:])}
}

// broken reports the unfinished reply as noise and begins anew with b. The remains are not read a
// second time: text such as a token's has the look of real-time answers.
func (p *Parser) broken(dst []Reply, b byte) []Reply {
	dst = append(dst, noise(p.partial...))
	p.Abandon()
	return p.first(dst, b)
}

func (p *Parser) complete(dst []Reply, r Reply) []Reply {
	p.Abandon()
	return append(dst, r)
}

// take removes and returns the oldest expectation that match accepts.
func (p *Parser) take(match func(Query) bool) Query {
	for i, q := range p.expected {
		if match(q) {
			p.expected = append(p.expected[:i], p.expected[i+1:]...)
			return q
		}
	}
	return QueryNone
}

func noise(b ...byte) Reply { return Reply{Kind: KindNoise, Data: slices.Clone(b)} }
