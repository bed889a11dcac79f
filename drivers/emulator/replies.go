package emulator

import (
	"io"
	"time"
)

// maxReplies bounds the replies that wait for the host; the newest is dropped when full.
const maxReplies = 64

// reply is a piece of the back channel.
type reply struct {
	data  []byte
	delay time.Duration
}

// replyFaults is what happens to the next replies.
type replyFaults struct {
	drop, duplicate, delayed int
	delay                    time.Duration
}

// send queues a reply for the connected host; without one it is lost. The lock is held.
func (p *Printer) send(data []byte) {
	if p.opt.Dialect == DialectNone || p.conn == nil || !p.powered || p.unplugged {
		return
	}
	if p.replies.drop > 0 {
		p.replies.drop--
		return
	}
	r := reply{data: data}
	if p.replies.delayed > 0 {
		p.replies.delayed--
		r.delay = p.replies.delay
	}
	times := 1
	if p.replies.duplicate > 0 {
		p.replies.duplicate--
		times = 2
	}
	for range times {
		select {
		case p.conn.out <- r:
		default:
		}
	}
}

// sendASB sends an automatic status frame if something changed that the host asked to hear of. The
// lock is held.
func (p *Printer) sendASB() {
	if !p.powered || p.asb&p.sens.asbGroups(p.asbSent) == 0 {
		return
	}
	p.asbSent = p.sens
	f := p.sens.asbFrame()
	p.send(f[:])
}

// flowControl sends XOFF when the buffer is nearly full and XON when there is room again. The lock
// is held.
func (p *Printer) flowControl() {
	const xon, xoff = 0x11, 0x13
	if p.opt.Flow != FlowXonXoff {
		return
	}
	room := p.ring.room()
	switch {
	case !p.xoff && room < p.opt.BufferSize/8:
		p.xoff = true
		p.send([]byte{xoff})
	case p.xoff && room > p.opt.BufferSize/4:
		p.xoff = false
		p.send([]byte{xon})
	}
}

// writeReplies sends queued replies in order until the connection ends.
func (c *conn) writeReplies(w io.Writer) error {
	for {
		select {
		case <-c.done:
			return nil
		case r := <-c.out:
			if !c.pause(r.delay) {
				return nil
			}
			if _, err := w.Write(r.data); err != nil {
				return err
			}
		}
	}
}

// pause waits for d; false means that the connection ended meanwhile.
func (c *conn) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.done:
		return false
	}
}
