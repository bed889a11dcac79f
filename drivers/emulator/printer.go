package emulator

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// motionStep is how much paper movement is put together into one wait, so that a fast head does not
// need a timer for each row of dots.
const motionStep = 8 * time.Millisecond

// Printer is an emulated ESC/POS ticket printer: interpreter, mechanism, sensors and the back
// channel. It is driven by one of the transports (Serve, PTY, TCP) and by the methods that play the
// world around it: paper, cover, cable, mains. All methods may be called from any goroutine.
type Printer struct {
	mu      sync.Mutex
	opt     Options
	changed chan struct{}

	// Receiving side.
	ring     *ring
	lex      lexer    // finds the places where real-time commands are taken out of the stream
	rt       realtime // finds real-time commands anywhere
	hold     []byte   // bytes that may turn out to be a real-time command
	received int64
	overruns int64
	xoff     bool

	// Printing side.
	in     *interp
	print  lexer
	held   event // a barrier command that waits for the paper to come to rest, or evNone
	debt   int   // dots that the paper still has to move
	moving bool
	timer  *time.Timer
	epoch  int // power cycles; a timer of an older one is void

	powered   bool
	unplugged bool
	stalled   bool
	sens      sensors
	asb       byte
	asbSent   sensors
	jamNext   bool
	triggers  triggers
	replies   replyFaults
	history   history
	conn      *conn
}

// State is a snapshot of a printer, for status pages and tests.
type State struct {
	Powered, Unplugged, Stalled, Offline bool
	Paper                                Paper
	CoverOpen, CutterError, HeadHot      bool
	// Received counts all bytes since New; Buffered are waiting in the receive buffer.
	Received int64
	Buffered int
	// Overruns counts bytes lost for want of flow control.
	Overruns int64
	// Printing is true while the paper moves or data waits that the printer can print.
	Printing bool
	// Tickets is how many pieces of paper have come out since New.
	Tickets int
}

// New returns a printer that is switched on, plugged in and has paper.
func New(opts Options) *Printer {
	o := opts.withDefaults()
	p := &Printer{
		opt: o, changed: make(chan struct{}), ring: newRing(o.BufferSize), in: newInterp(o),
		rt: realtime{custom: o.Dialect == DialectCustom}, powered: true, asb: o.ASB,
		sens: sensors{drawerHigh: !o.DrawerPinLow, noNearEnd: o.NoNearEndSensor},
	}
	p.asbSent = p.sens
	p.triggers.reset()
	return p
}

// Changed returns a channel that is closed at the next change of State or Tickets. Get it before
// looking at the state, wait on it after.
func (p *Printer) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// State returns a snapshot.
func (p *Printer) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return State{
		Powered: p.powered, Unplugged: p.unplugged, Stalled: p.stalled, Offline: p.sens.offline(),
		Paper: p.sens.paper, CoverOpen: p.sens.cover, CutterError: p.sens.cutter, HeadHot: p.sens.headHot,
		Received: p.received, Buffered: p.ring.n, Overruns: p.overruns, Tickets: p.history.total,
		Printing: p.moving || p.canPrint() && p.busy(),
	}
}

// Tickets returns the pieces of paper that have come out, oldest first, at most the last 500 and
// 64 MiB. The slice is the caller's.
func (p *Printer) Tickets() []Ticket {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Ticket(nil), p.history.tickets...)
}

// WaitTickets waits until n pieces of paper in all have come out since New.
func (p *Printer) WaitTickets(ctx context.Context, n int) error {
	if err := p.WaitState(ctx, func(s State) bool { return s.Tickets >= n }); err != nil {
		return fmt.Errorf("wait for ticket %d: %w", n, err)
	}
	return nil
}

// WaitState waits until ok holds for the state. ok must not call methods of the printer.
func (p *Printer) WaitState(ctx context.Context, ok func(State) bool) error {
	for {
		changed := p.Changed()
		if ok(p.State()) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Paper returns what has been printed since the last cut, as a ticket with CutNone and N 0, without
// touching it.
func (p *Printer) Paper() Ticket {
	p.mu.Lock()
	defer p.mu.Unlock()
	copied := p.in.page
	copied.elements = append([]element(nil), copied.elements...)
	for i, e := range copied.elements {
		if e.bits != nil {
			b := *e.bits
			copied.elements[i].bits = &b
		}
	}
	copied.lines = append([]string(nil), copied.lines...)
	copied.qr = append([]string(nil), copied.qr...)
	copied.warnings = append([]string(nil), copied.warnings...)
	copied.raw = append([]byte(nil), copied.raw...)
	return *copied.finish(p.opt, CutNone)
}

// notify tells waiters and the host that something changed. The lock is held.
func (p *Printer) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
	p.sendASB()
}

// canPrint reports whether the mechanism takes the next byte. The lock is held.
func (p *Printer) canPrint() bool { return p.powered && !p.sens.offline() }

// busy reports whether anything waits to be printed. The lock is held.
func (p *Printer) busy() bool { return p.held.kind != evNone || p.ring.n > 0 }

// receive takes bytes from the cable until all are taken or the buffer is full, the printer stalls,
// or the cable is out. It returns how many it took.
func (p *Printer) receive(data []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := 0
	for taken < len(data) && p.listening() && !p.stalled && !p.full() {
		p.received++
		p.receiveByte(data[taken])
		p.pump()
		p.fireReceived()
		taken++
	}
	if !p.listening() {
		taken = len(data) // lost on the way
	}
	p.flowControl()
	p.notify()
	return taken
}

// listening reports whether bytes on the cable reach anything. The lock is held.
func (p *Printer) listening() bool { return p.powered && !p.unplugged }

// full reports whether the printer refuses more bytes. The lock is held.
func (p *Printer) full() bool {
	return p.opt.Flow != FlowNone && p.ring.room() <= len(p.hold)
}

// receiveByte looks for real-time commands and puts everything else into the receive buffer.
func (p *Printer) receiveByte(b byte) {
	cmd, isCommand := p.rt.feed(b)
	p.hold = append(p.hold, b)
	ev := p.lex.feed(b)
	switch {
	case p.lex.inRealtime():
	case ev.kind == evCommand && ev.op>>8 == op(dle):
		p.hold = p.hold[:0]
	default:
		for _, h := range p.hold {
			if !p.ring.push(h) {
				p.overruns++
			}
		}
		p.hold = p.hold[:0]
	}
	if isCommand {
		p.realtime(cmd)
	}
}

// realtime answers or obeys at once, whatever the mechanism is doing. The lock is held.
func (p *Printer) realtime(c rtCommand) {
	switch c.op {
	case opEOT:
		if c.arg == 0x14 {
			p.sens.moving = p.moving
			p.send(p.sens.customFull())
			return
		}
		if b, ok := p.sens.eot(c.arg); ok {
			p.send([]byte{b})
		}
	case opENQ:
		if p.sens.cutter && c.arg > 0 {
			if c.arg == 2 {
				p.clearBuffers()
			}
			p.sens.cutter = false
			p.notify()
		}
	case opDC4:
		p.clearBuffers()
		p.send([]byte{0x37, 0x25, 0x00})
	default:
	}
}

// clearBuffers empties receive and print buffer; paper and modes stay. The lock is held.
func (p *Printer) clearBuffers() {
	p.ring.clear()
	p.hold = p.hold[:0]
	p.lex.reset()
	p.print.reset()
	p.held = event{}
	p.in.line = line{}
	p.in.sink = nil
	p.in.store = nil
}

// pump prints what can be printed now and starts the timer for what takes time. The lock is held.
func (p *Printer) pump() {
	for !p.moving && p.canPrint() && p.next() {
		if p.debt > 0 && p.duration(p.debt) >= motionStep {
			p.move()
		}
	}
	if p.debt > 0 && !p.moving && p.powered {
		p.move()
	}
}

// next interprets one byte, or the command that was held; false means there is nothing to do now.
func (p *Printer) next() bool {
	if p.held.kind != evNone {
		ev := p.held
		p.held = event{}
		return p.execute(ev)
	}
	b, ok := p.ring.pop()
	if !ok {
		return false
	}
	if p.in.page.started.IsZero() {
		p.in.page.started = time.Now()
	}
	p.in.page.record(b)
	ev := p.print.feed(b)
	if ev.barrier() && p.debt > 0 {
		p.held = ev
		p.move()
		return false
	}
	done := p.execute(ev)
	p.firePrinted()
	return done
}

// execute carries out one event; false means that the mechanism got stuck on it.
func (p *Printer) execute(ev event) bool {
	if p.jamNext && ev.kind == evCommand && isCut(ev.op) {
		p.jamNext = false
		p.sens.cutter = true
		p.held = ev
		p.notify()
		return false
	}
	moved := p.in.apply(ev)
	if p.opt.Speed > 0 {
		p.debt += moved
	}
	if ev.kind == evCommand && ev.op == opInit {
		p.asb = p.opt.ASB
	}
	for _, fx := range p.in.takeEffects() {
		p.effect(fx)
	}
	return true
}

func isCut(o op) bool { return o == opCut || o == opCutFull || o == opCutPart }

// duration is how long the paper needs for n dots.
func (p *Printer) duration(n int) time.Duration {
	dotsPerSecond := float64(p.opt.Speed) * float64(p.opt.DPI) / 25.4
	return time.Duration(float64(n) / dotsPerSecond * float64(time.Second))
}

// move lets the paper run for the dots owed and goes on when it has come to rest.
func (p *Printer) move() {
	p.moving = true
	epoch := p.epoch
	p.timer = time.AfterFunc(p.duration(p.debt), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if epoch != p.epoch {
			return
		}
		p.moving = false
		p.debt = 0
		p.pump()
		p.flowControl()
		p.notify()
	})
}

// effect does what a command asks for outside the paper. The lock is held.
func (p *Printer) effect(fx effect) {
	switch fx.kind {
	case fxTicket:
		p.keep(fx.ticket)
	case fxStatus:
		p.status(fx.arg)
	case fxIdentity:
		p.identify(fx.arg)
	case fxASB:
		p.asb = fx.arg
		if p.asb != 0 {
			p.asbSent = p.sens
			f := p.sens.asbFrame()
			p.send(f[:])
		}
	case fxProcessID:
		p.send(append(append([]byte{0x37, 0x22}, fx.data...), 0))
	case fxPresent:
		p.present(fx.arg)
	}
}

// keep puts a ticket into the history.
func (p *Printer) keep(t *Ticket) {
	if t == nil {
		return
	}
	t.DoneAt = time.Now()
	if p.opt.Presenter && t.Cut != CutNone {
		if p.history.present(PresentedHeld, PresentedOut) {
			t.Warnings = append(t.Warnings, "the ticket before was pushed out of the presenter")
			p.sens.ticketOut = true
		}
		t.Presented = PresentedHeld
	}
	p.history.add(t)
	p.notify()
}

// status answers GS r: 1 paper, 2 drawer.
func (p *Printer) status(n byte) {
	switch n {
	case 1, '1':
		p.send([]byte{p.sens.paperStatus()})
	case 2, '2':
		p.send([]byte{withBits(0, map[int]bool{0: p.sens.drawerHigh})})
	default:
		p.in.page.warnAt("size byte out of range: GS r %d", n)
	}
}

// identify answers GS I.
func (p *Printer) identify(n byte) {
	id := p.opt.Identity
	text := map[byte]string{65: id.Firmware, 66: id.Maker, 67: id.Name, 68: id.Serial}
	short := map[byte]byte{1: id.Model, '1': id.Model, 2: id.Type, '2': id.Type, 3: id.ROM, '3': id.ROM}
	if b, ok := short[n]; ok {
		p.send([]byte{b})
		return
	}
	if s, ok := text[n]; ok {
		p.send(append(append([]byte{0x5F}, s...), 0))
		return
	}
	p.in.page.warnAt("size byte out of range: GS I %d", n)
}

// Functions of GS e n (Custom KPM210 manual).
const (
	presentRetract = 2
	presentEject   = 5
)

// present is GS e.
func (p *Printer) present(n byte) {
	if !p.opt.Presenter {
		p.in.page.warnAt("this printer has no presenter")
		return
	}
	switch n {
	case presentProduce, presentEject:
		if p.history.present(PresentedHeld, PresentedOut) {
			p.sens.ticketOut = true
		}
	case presentRetract:
		p.history.present(PresentedHeld, PresentedRetracted)
		p.history.present(PresentedOut, PresentedRetracted)
		p.sens.ticketOut = false
	default:
		p.in.page.warnAt("presenter function %d is not emulated", n)
	}
	p.notify()
}
