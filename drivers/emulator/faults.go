package emulator

import (
	"fmt"
	"time"
)

// triggers count down to a fault; negative means not armed.
type triggers struct {
	stall, power, unplug int // bytes still to be received
	paper, cover         int // bytes still to be interpreted
}

func (t *triggers) reset() { *t = triggers{-1, -1, -1, -1, -1} }

// count takes one byte off a trigger and reports whether it fires.
func count(n *int) bool {
	if *n < 0 {
		return false
	}
	*n--
	if *n > 0 {
		return false
	}
	*n = -1
	return true
}

// fireReceived is called after each received byte. The lock is held.
func (p *Printer) fireReceived() {
	if count(&p.triggers.stall) {
		p.stalled = true
	}
	if count(&p.triggers.unplug) {
		p.unplug()
	}
	if count(&p.triggers.power) {
		p.powerOff()
	}
}

// firePrinted is called after each interpreted byte. The lock is held.
func (p *Printer) firePrinted() {
	if count(&p.triggers.paper) {
		p.sens.paper = PaperOut
		p.notify()
	}
	if count(&p.triggers.cover) {
		p.openCover()
		p.notify()
	}
}

// change runs f under the lock, goes on printing if that is now possible, and tells everybody.
func (p *Printer) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.pump()
	p.flowControl()
	p.notify()
}

// SetPaper changes the roll. Without paper printing stops at the line it has reached, and goes on
// there after a new roll is in, as real printers do.
func (p *Printer) SetPaper(paper Paper) { p.change(func() { p.sens.paper = paper }) }

// OpenCover stops printing. Opened in the middle of a ticket, it is also an error that closing it
// cures.
func (p *Printer) OpenCover() { p.change(p.openCover) }

func (p *Printer) openCover() {
	begun := len(p.in.page.elements) > 0 || p.in.line.dirty
	p.sens.coverPrinting = p.sens.coverPrinting || p.moving || p.busy() || p.print.open() || begun
	p.sens.cover = true
}

// CloseCover lets printing go on.
func (p *Printer) CloseCover() {
	p.change(func() { p.sens.cover, p.sens.coverPrinting = false, false })
}

// SetCutterError sets or cures a jammed cutter. DLE ENQ 1 and 2 cure it too.
func (p *Printer) SetCutterError(on bool) { p.change(func() { p.sens.cutter = on }) }

// JamNextCut makes the next cut fail with a cutter error; it is made up for when the error is cured.
func (p *Printer) JamNextCut() { p.change(func() { p.jamNext = true }) }

// SetHeadHot stops printing until the head has cooled down.
func (p *Printer) SetHeadHot(on bool) { p.change(func() { p.sens.headHot = on }) }

// SetUnrecoverable sets the error that only a power cycle or a technician cures.
func (p *Printer) SetUnrecoverable(on bool) { p.change(func() { p.sens.unrecoverable = on }) }

// SetOffline is the off-line button of the panel.
func (p *Printer) SetOffline(on bool) { p.change(func() { p.sens.forcedOffline = on }) }

// FeedButton presses and releases the feed button: one line of paper.
func (p *Printer) FeedButton() {
	p.change(func() { p.sens.feedButton = true })
	p.change(func() {
		p.sens.feedButton = false
		if p.canPrint() {
			p.in.page.feed(defaultLineSpacing)
		}
	})
}

// TakeTicket takes what the presenter holds out, and reports whether there was a ticket.
func (p *Printer) TakeTicket() bool {
	taken := false
	p.change(func() {
		taken = p.history.present(PresentedOut, PresentedTaken)
		p.sens.ticketOut = false
	})
	return taken
}

// Stall makes the printer stop reading, or read again. What it has read already goes on printing.
func (p *Printer) Stall(on bool) { p.change(func() { p.stalled = on }) }

// StallAfter stalls the printer after n more received bytes.
func (p *Printer) StallAfter(n int) { p.arm(&p.triggers.stall, n) }

// CutPowerAfter switches the printer off after n more received bytes.
func (p *Printer) CutPowerAfter(n int) { p.arm(&p.triggers.power, n) }

// UnplugAfter pulls the cable after n more received bytes.
func (p *Printer) UnplugAfter(n int) { p.arm(&p.triggers.unplug, n) }

// PaperOutAfter lets the paper end after n more interpreted bytes.
func (p *Printer) PaperOutAfter(n int) { p.arm(&p.triggers.paper, n) }

// OpenCoverAfter opens the cover after n more interpreted bytes.
func (p *Printer) OpenCoverAfter(n int) { p.arm(&p.triggers.cover, n) }

// arm sets a trigger; n below 1 means at the next byte.
func (p *Printer) arm(trigger *int, n int) { p.change(func() { *trigger = max(n, 1) }) }

// DropReplies loses the next n replies.
func (p *Printer) DropReplies(n int) { p.change(func() { p.replies.drop = n }) }

// DuplicateReplies sends each of the next n replies twice.
func (p *Printer) DuplicateReplies(n int) { p.change(func() { p.replies.duplicate = n }) }

// DelayReplies holds each of the next n replies back for d.
func (p *Printer) DelayReplies(n int, d time.Duration) {
	p.change(func() { p.replies.delayed, p.replies.delay = n, d })
}

// SendRaw writes bytes to the host as if the line had made them up: noise for the reply parser.
func (p *Printer) SendRaw(data []byte) {
	p.change(func() { p.send(append([]byte(nil), data...)) })
}

// Unplug pulls the data cable: connections end, a PTY's device and link vanish. The printer keeps
// what it has received and goes on printing it.
func (p *Printer) Unplug() { p.change(p.unplug) }

func (p *Printer) unplug() {
	p.unplugged = true
	if p.conn != nil {
		p.conn.end(ErrUnplugged)
	}
}

// Replug puts the cable back; a PTY comes back as a new device under the same link.
func (p *Printer) Replug() { p.change(func() { p.unplugged = false }) }

// PowerOff loses the receive buffer, the print buffer, all modes and automatic status. Paper that
// was printed since the last cut becomes a torn ticket with CutNone. Bytes that arrive while the
// power is off are lost; TCP connections end.
func (p *Printer) PowerOff() { p.change(p.powerOff) }

func (p *Printer) powerOff() {
	if !p.powered {
		return
	}
	p.powered = false
	p.epoch++
	if p.timer != nil {
		p.timer.Stop()
	}
	stub := p.in.flush(p.print.openCommand())
	p.moving, p.debt, p.xoff = false, 0, false
	p.clearBuffers()
	p.rt.reset()
	p.in.initialise()
	p.asb = p.opt.ASB
	p.sens.coverPrinting, p.sens.cutter, p.sens.unrecoverable = false, false, false
	if stub != nil {
		stub.Torn = true
		p.keep(stub)
	}
	if p.conn != nil && p.conn.network {
		p.conn.end(errPowerOff)
	}
}

// PowerOn switches the printer on again, with an empty buffer and default modes.
func (p *Printer) PowerOn() {
	p.change(func() {
		p.powered = true
		p.asbSent = p.sens
	})
}

// FaultNames lists the faults that Fault knows, as the demo offers them.
func FaultNames() []string {
	return []string{"paper-out", "paper-near-end", "cover-open", "stall", "unplug", "none"}
}

// Fault sets one fault by its name of design/5-interfaces.md; "none" cures all of them, switches the
// printer on and disarms what was to come.
func (p *Printer) Fault(name string) error {
	switch name {
	case "paper-out":
		p.SetPaper(PaperOut)
	case "paper-near-end":
		p.SetPaper(PaperNearEnd)
	case "cover-open":
		p.OpenCover()
	case "stall":
		p.Stall(true)
	case "unplug":
		p.Unplug()
	case "none":
		p.cure()
	default:
		return fmt.Errorf("emulate printer fault %q: not one of %q", name, FaultNames())
	}
	return nil
}

func (p *Printer) cure() {
	p.change(func() {
		drawer, out := p.sens.drawerHigh, p.sens.ticketOut
		p.sens = sensors{drawerHigh: drawer, ticketOut: out, noNearEnd: p.opt.NoNearEndSensor}
		p.stalled, p.unplugged, p.powered, p.jamNext = false, false, true, false
		p.triggers.reset()
		p.replies = replyFaults{}
	})
}
