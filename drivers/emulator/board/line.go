package board

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/okienko/okienko/drivers/emulator/terminal"
)

// Line is an RS-485 line with boards, behind a pseudo-terminal.
type Line struct {
	news
	link   string
	units  []*Unit
	master *os.File
	fault  string
	replug chan struct{}
	// Echo sends back what is received, as half-duplex adapters do. Set it before Run.
	Echo bool
}

// NewLine makes a line; link is the symbolic link that a driver opens, as below /dev/serial/by-id.
func NewLine(link string) *Line {
	return &Line{link: link, fault: FaultNone, replug: make(chan struct{}, 1)}
}

// Dialect reads the messages of one family of boards. It is given all unread bytes, oldest first,
// and says how many of them it used: 0 when more are needed or they are not for it.
type Dialect interface {
	// read returns the text for the unit of this address (nil: none) and the answer.
	read(address byte, digits int, data []byte) (used int, text *string, answer []byte)
}

// Unit is one board on a line.
type Unit struct {
	line    *Line
	dialect Dialect
	// Guarded by the line's lock.
	address byte
	text    string
	digits  int
	fault   string
}

// Add puts a board on the line. Call it before Run.
func (l *Line) Add(address byte, digits int, d Dialect) *Unit {
	u := &Unit{line: l, dialect: d, address: address, digits: digits, fault: FaultNone}
	l.units = append(l.units, u)
	return u
}

// SetAddress gives the board another address, as an installer who swaps two boards does.
func (u *Unit) SetAddress(address byte) {
	u.line.Lock()
	defer u.line.Unlock()
	u.address = address
}

// Text is what the board shows, padded with spaces.
func (u *Unit) Text() string {
	u.line.Lock()
	defer u.line.Unlock()
	return u.text
}

// Picture is what is lit now.
func (u *Unit) Picture() Picture {
	text := []byte(u.Text())
	p := Picture{Level: 15, Segments: make([]byte, u.digits)}
	for i := range min(len(text), u.digits) {
		p.Segments[i] = segmentsOf(text[i])
	}
	return p
}

// Changed returns a channel that is closed at the next change on the line.
func (u *Unit) Changed() <-chan struct{} { return u.line.Changed() }

// Faults lists what Set knows.
func (*Unit) Faults() []string { return []string{FaultUnplug, FaultSilent, FaultChecksum, FaultNone} }

// Set gives the board a fault; unplug pulls the adapter of the whole line.
func (u *Unit) Set(fault string) error {
	if !slices.Contains(u.Faults(), fault) {
		return unknownFault(fault)
	}
	l := u.line
	l.Lock()
	defer l.Unlock()
	u.fault, l.fault = FaultNone, FaultNone
	if fault == FaultUnplug {
		l.fault = fault
		l.hangUpLocked()
	} else {
		u.fault = fault
	}
	l.tellLocked()
	select {
	case l.replug <- struct{}{}:
	default:
	}
	return nil
}

// PowerCut takes the power for a moment: the board is dark.
func (u *Unit) PowerCut() {
	u.line.Lock()
	defer u.line.Unlock()
	u.text = ""
	u.line.tellLocked()
}

func (l *Line) hangUpLocked() {
	if l.master != nil {
		_ = os.Remove(l.link)
		_ = l.master.Close()
		l.master = nil
	}
}

// Run serves the line until ctx ends, through any number of unplugs; each time it is another tty
// under the same link.
func (l *Line) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		l.Lock()
		defer l.Unlock()
		l.hangUpLocked()
	})
	defer stop()
	for ctx.Err() == nil {
		master, near, err := l.plug(ctx)
		if err != nil {
			return err
		}
		if master == nil {
			select {
			case <-l.replug:
			case <-ctx.Done():
			}
			continue
		}
		release, err := terminal.ReleaseOnClose(near)
		if err != nil {
			return errors.Join(err, master.Close(), near.Close())
		}
		l.serve(master)
		release()
		_ = near.Close()
	}
	return nil
}

// plug opens a pair; nothing while the adapter is unplugged or ctx has ended. The emulator keeps
// the near end open as well, so that the driver may come and go.
func (l *Line) plug(ctx context.Context) (master, near *os.File, err error) {
	l.Lock()
	defer l.Unlock()
	if l.fault == FaultUnplug || ctx.Err() != nil {
		return nil, nil, nil
	}
	if master, near, err = terminal.Open(); err != nil {
		return nil, nil, err
	}
	if err := terminal.Link(l.link, near.Name()); err != nil {
		return nil, nil, errors.Join(err, master.Close(), near.Close())
	}
	l.master = master
	return master, near, nil
}

// Silence ends a message that was begun. On a wire it is 3.5 characters (Modbus over serial line V1.02,
// 2.5.1.1); a pseudo-terminal between two busy processes is given more.
const Silence = 100 * time.Millisecond

// serve reads until the line is hung up.
func (l *Line) serve(master *os.File) {
	var unread []byte
	buffer := make([]byte, 256)
	last := time.Now()
	for {
		n, err := master.Read(buffer)
		if err != nil {
			return
		}
		if time.Since(last) > Silence {
			unread = nil
		}
		last = time.Now()
		if l.Echo {
			_, _ = master.Write(buffer[:n])
		}
		unread = append(unread, buffer[:n]...)
		var answers [][]byte
		unread, answers = l.Take(unread)
		for _, answer := range answers {
			_, _ = master.Write(answer)
		}
	}
}

// maxUnread is when bytes that nobody understands are dropped.
const maxUnread = 512

// Take lets the boards read what is on the line and returns what is left and what they answer.
func (l *Line) Take(data []byte) (rest []byte, answers [][]byte) {
	l.Lock()
	defer l.Unlock()
	for len(data) > 0 {
		used := 0
		for _, u := range l.units {
			n, text, answer := u.dialect.read(u.address, u.digits, data)
			used = max(used, n)
			if u.fault == FaultSilent {
				continue
			}
			if text != nil && *text != u.text {
				u.text = *text
				l.tellLocked()
			}
			if len(answer) > 0 && u.fault == FaultChecksum {
				answer[len(answer)-1] ^= 0x55
			}
			if len(answer) > 0 {
				answers = append(answers, answer)
			}
		}
		if used == 0 {
			break
		}
		data = data[used:]
	}
	if len(data) > maxUnread {
		data = nil
	}
	return data, answers
}

// ASCII is the LED-485 family in its text mode: $001,A45#.
type ASCII struct{}

func (ASCII) read(address byte, digits int, data []byte) (int, *string, []byte) {
	end := slices.Index(data, '#')
	if end < 0 {
		return 0, nil, nil
	}
	used := end + 1
	message := data[:end]
	if start := slices.Index(message, '$'); start >= 0 {
		message = message[start:]
	}
	if len(message) < 5 || message[0] != '$' || message[4] != ',' {
		return used, nil, nil
	}
	if n, err := strconv.Atoi(string(message[1:4])); err != nil || n != int(address) {
		return used, nil, nil
	}
	text := string(message[5:min(len(message), 5+digits)])
	return used, &text, nil
}

// Modbus is a board that takes its text by Modbus RTU function 16, from register First on.
type Modbus struct {
	First   uint16
	Letters int // a register: 1 or 2
}

func (m Modbus) read(address byte, digits int, data []byte) (int, *string, []byte) {
	if len(data) < 9 || len(data) < 9+int(data[6]) {
		return 0, nil, nil
	}
	used := 9 + int(data[6])
	message := data[:used]
	if message[0] != address {
		return used, nil, nil
	}
	if remainder(message[:used-2]) != binary.LittleEndian.Uint16(message[used-2:]) {
		return used, nil, nil // a slave keeps silent
	}
	register := uint16(message[2])<<8 | uint16(message[3])
	count := int(message[4])<<8 | int(message[5])
	if message[1] != 16 || register != m.First || 2*count != int(message[6]) || count*m.Letters > digits+1 {
		return used, nil, sealed([]byte{address, message[1] | 0x80, 2})
	}
	var text []byte
	for i := range count {
		high, low := message[7+2*i], message[8+2*i]
		if m.Letters == 2 {
			text = append(text, high)
		}
		text = append(text, low)
	}
	shown := string(text[:min(len(text), digits)])
	return used, &shown, sealed(slices.Clone(message[:6]))
}

// remainder is the CRC of Modbus, bit by bit over the message as a polynomial.
func remainder(message []byte) uint16 {
	sum := uint16(0xffff)
	for _, b := range message {
		sum ^= uint16(b)
		for range 8 {
			carry := sum & 1
			sum >>= 1
			if carry != 0 {
				sum ^= 0xa001
			}
		}
	}
	return sum
}

func sealed(message []byte) []byte {
	return binary.LittleEndian.AppendUint16(message, remainder(message))
}

// Pattern is a board with a text frame of its own: Start and Address, the text, then End.
type Pattern struct{ Start, Address, End string }

func (p Pattern) read(_ byte, digits int, data []byte) (int, *string, []byte) {
	head := p.Start + p.Address
	whole := len(head) + digits + len(p.End)
	if len(data) < whole {
		return 0, nil, nil
	}
	if string(data[:len(head)]) != head || string(data[whole-len(p.End):whole]) != p.End {
		return 1, nil, nil
	}
	text := string(data[len(head) : len(head)+digits])
	return whole, &text, nil
}
