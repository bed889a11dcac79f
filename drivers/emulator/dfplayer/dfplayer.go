// Package dfplayer emulates a DFPlayer Mini on the level of bytes, behind a pseudo-terminal.
//
// It checks the driver and so shares no code with drivers/speaker: what the module does is worked out from
// DFRobot's manual (DFR0299) and from what modules in the field do, such as telling the end of a track
// twice. It keeps what it played, and a warning for everything that a real module would have lost. Run
// owns the goroutines; all other methods may be called from any goroutine.
package dfplayer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers/emulator/terminal"
)

// The faults of modules in the field.
const (
	// FaultNone puts all right.
	FaultNone = "none"
	// FaultUnplug pulls the cable; the module loses its power.
	FaultUnplug = "unplug"
	// FaultSilent takes nothing and answers nothing.
	FaultSilent = "silent"
	// FaultStall plays a track for ever.
	FaultStall = "stall"
	// FaultGarbage sends noise before each frame.
	FaultGarbage = "garbage"
	// FaultChecksum damages each frame that it sends.
	FaultChecksum = "wrong-checksum"
	// FaultDeaf loses every second frame that it gets, as with a poor ground.
	FaultDeaf = "deaf"
	// FaultNoAck is a clone that never acknowledges.
	FaultNoAck = "no-ack"
	// FaultLies says that a track has ended as soon as it begins.
	FaultLies = "lies"
	// FaultNoCard has no SD card.
	FaultNoCard = "no-card"
	// FaultReset is a dip of the supply: what plays is cut, the volume forgotten. The module then works again.
	FaultReset = "reset"
)

// ErrFault is the cause when a module has no such fault.
var ErrFault = errors.New("the DFPlayer has no such fault")

const (
	gap          = 100 * time.Millisecond // between commands
	secondFinish = 30 * time.Millisecond  // the second message of a track's end comes so much later
	startDelay   = 40 * time.Millisecond  // to read the card before the first sound
	bootTime     = 300 * time.Millisecond // a real one needs 1.5 to 3 s
	defaultLevel = 30
)

// Track is one file that was played.
type Track struct {
	Folder, File int
	// Whole is set when it was heard to its end.
	Whole bool
}

// Module is the emulated player.
type Module struct {
	link    string
	lengths func(folder, file int) (time.Duration, bool)

	mu       sync.Mutex
	master   *os.File
	fault    string
	replug   chan struct{}
	changed  chan struct{}
	volume   int
	played   []Track
	playing  bool
	sequence int // of plays, so that an old timer knows that it is out of date
	last     time.Time
	dropped  bool
	hurried  int
	warnings []string
	timers   map[*time.Timer]struct{}
	booting  bool // deaf until it tells that it is there
}

// New makes a module. link is the symbolic link that a driver opens; lengths says how long a file on the
// card lasts, or that there is none.
func New(link string, lengths func(folder, file int) (time.Duration, bool)) *Module {
	return &Module{
		link: link, lengths: lengths, fault: FaultNone, volume: defaultLevel,
		replug: make(chan struct{}, 1), changed: make(chan struct{}), timers: map[*time.Timer]struct{}{},
	}
}

// Faults lists what Set knows.
func (*Module) Faults() []string {
	return []string{
		FaultUnplug, FaultSilent, FaultStall, FaultGarbage, FaultChecksum, FaultDeaf, FaultNoAck, FaultLies,
		FaultNoCard, FaultReset, FaultNone,
	}
}

// Set gives the module a fault in place of the one that it has.
func (m *Module) Set(fault string) error {
	if !slices.Contains(m.Faults(), fault) {
		return fmt.Errorf("%w: %q", ErrFault, fault)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.fault
	m.fault = fault
	switch {
	case fault == FaultUnplug:
		m.cutLocked()
		m.hangUpLocked()
	case fault == FaultReset:
		m.fault = FaultNone
		m.bootLocked()
	case fault == FaultNoCard:
		m.cutLocked()
		m.sendLocked(0x3b, 2)
	case before == FaultNoCard:
		m.sendLocked(0x3a, 2)
	}
	m.tellLocked()
	select {
	case m.replug <- struct{}{}:
	default:
	}
	return nil
}

// Busy is the level of the BUSY line, true while it plays. It never fails.
func (m *Module) Busy() (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.playing, nil
}

// Volume is what it is set to, 0 to 30; 30 after power-on.
func (m *Module) Volume() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.volume
}

// Played lists the tracks that were begun, oldest first.
func (m *Module) Played() []Track {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.played)
}

// Hurried counts the commands that came too soon after the one before, and that a real module may lose. On
// a busy machine this program may itself be late to read the one before.
func (m *Module) Hurried() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hurried
}

// Warnings lists what a real module would have lost or misunderstood.
func (m *Module) Warnings() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.warnings)
}

// Changed returns a channel that is closed at the next change of what is played, or of the fault.
func (m *Module) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

func (m *Module) tellLocked() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *Module) warnLocked(format string, args ...any) {
	m.warnings = append(m.warnings, fmt.Sprintf(format, args...))
}

// Run serves the line until ctx ends, through any number of unplugs.
func (m *Module) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.hangUpLocked()
	})
	defer stop()
	defer m.forget()
	for ctx.Err() == nil {
		master, near, err := m.plug(ctx)
		if err != nil {
			return err
		}
		if master == nil {
			select {
			case <-m.replug:
			case <-ctx.Done():
			}
			continue
		}
		m.serve(master)
		_ = near.Close()
	}
	return nil
}

// forget stops what was to come.
func (m *Module) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for t := range m.timers {
		t.Stop()
	}
}

func (m *Module) hangUpLocked() {
	if m.master != nil {
		_ = os.Remove(m.link)
		_ = m.master.Close()
		m.master = nil
	}
}

// plug opens a pair; nothing while the cable is pulled or ctx has ended.
func (m *Module) plug(ctx context.Context) (master, near *os.File, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault == FaultUnplug || ctx.Err() != nil {
		return nil, nil, nil
	}
	if master, near, err = terminal.Open(); err != nil {
		return nil, nil, err
	}
	if err := terminal.Link(m.link, near.Name()); err != nil {
		return nil, nil, errors.Join(err, master.Close(), near.Close())
	}
	m.master = master
	m.bootLocked()
	return master, near, nil
}

// bootLocked is power-on: it knows nothing of before, and hears nothing until it says that it is there.
func (m *Module) bootLocked() {
	m.cutLocked()
	m.volume, m.booting = defaultLevel, true
	m.laterLocked(bootTime, func() {
		m.booting = false
		m.sendLocked(0x3f, 2)
	})
}

// serve reads until the line is hung up.
func (m *Module) serve(master *os.File) {
	var unread []byte
	buffer := make([]byte, 64)
	for {
		n, err := master.Read(buffer)
		if err != nil {
			return
		}
		unread = m.Take(append(unread, buffer[:n]...))
	}
}

// Take reads what is on the line and returns what it does not understand yet.
func (m *Module) Take(data []byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(data) >= 10 {
		if data[0] != 0x7e {
			m.warnLocked("a byte %02x between frames", data[0])
			data = data[1:]
			continue
		}
		m.frameLocked([10]byte(data[:10]))
		data = data[10:]
	}
	return data
}

// frameLocked takes one frame of ten bytes.
func (m *Module) frameLocked(f [10]byte) {
	now := time.Now()
	if since := now.Sub(m.last); since < gap-5*time.Millisecond { // a serial line is not exact
		m.hurried++
	}
	m.last = now
	if m.fault == FaultSilent || m.booting {
		return
	}
	if m.dropped = !m.dropped; m.fault == FaultDeaf && m.dropped {
		return
	}
	sum := 0
	for _, b := range f[1:7] {
		sum += int(b)
	}
	switch {
	case f[1] != 0xff || f[2] != 6 || f[9] != 0xef:
		m.warnLocked("a frame % x that is none", f)
		m.sendLocked(0x40, 1)
		return
	case (sum+int(f[7])<<8+int(f[8]))&0xffff != 0:
		m.warnLocked("a frame % x with a wrong sum", f)
		m.sendLocked(0x40, 2)
		return
	}
	if f[4] == 1 && m.fault != FaultNoAck {
		m.sendLocked(0x41, 0)
	}
	m.commandLocked(f[3], f[5], f[6])
}

// commandLocked does what a command says.
func (m *Module) commandLocked(command, high, low byte) {
	switch command {
	case 0x06:
		if low > 30 {
			m.warnLocked("a volume of %d", low)
		}
		m.volume = min(int(low), 30)
	case 0x0f:
		m.playLocked(high, low)
	case 0x16:
		m.cutLocked()
	case 0x42:
		var state uint16
		if m.playing {
			state = 1
		}
		m.sendLocked(0x42, state)
	default:
		m.warnLocked("the unknown command %02x", command)
	}
	m.tellLocked()
}

// playLocked begins a track; one that still plays is cut.
func (m *Module) playLocked(folder, file byte) {
	m.cutLocked()
	lasts, known := m.lengths(int(folder), int(file))
	if !known || m.fault == FaultNoCard {
		m.warnLocked("no track %02d/%03d", folder, file)
		m.sendLocked(0x40, 6)
		return
	}
	m.playing = true
	m.played = append(m.played, Track{Folder: int(folder), File: int(file)})
	m.sequence++
	sequence := m.sequence
	if m.fault == FaultLies {
		m.sendLocked(0x3d, uint16(file))
	}
	m.laterLocked(startDelay+lasts, func() { m.finishLocked(sequence, uint16(file)) })
}

// finishLocked ends a track, unless another has begun meanwhile.
func (m *Module) finishLocked(sequence int, file uint16) {
	if !m.playing || sequence != m.sequence || m.fault == FaultStall {
		return
	}
	m.playing = false
	m.played[len(m.played)-1].Whole = true
	if m.fault != FaultSilent {
		m.sendLocked(0x3d, file)
		m.laterLocked(secondFinish, func() { m.sendLocked(0x3d, file) })
	}
	m.tellLocked()
}

// cutLocked ends what plays without a word, as a real module does.
func (m *Module) cutLocked() {
	m.playing = false
	m.sequence++
}

// laterLocked does something after a while, with the lock held.
func (m *Module) laterLocked(after time.Duration, do func()) {
	var timer *time.Timer
	timer = time.AfterFunc(after, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.timers, timer)
		do()
	})
	m.timers[timer] = struct{}{}
}

// sendLocked sends a frame, as well as the fault lets it.
func (m *Module) sendLocked(command byte, value uint16) {
	if m.master == nil || m.fault == FaultSilent {
		return
	}
	f := binary.BigEndian.AppendUint16([]byte{0x7e, 0xff, 0x06, command, 0}, value)
	var sum uint16
	for _, b := range f[1:] {
		sum += uint16(b)
	}
	f = append(binary.BigEndian.AppendUint16(f, -sum), 0xef)
	switch m.fault {
	case FaultChecksum:
		f[8] ^= 0x55
	case FaultGarbage:
		f = append([]byte{0x00, 0x7e, 0xff, 0x7e, 0x06, 0xef}, f...)
	}
	_, _ = m.master.Write(f) // a driver that is gone hears nothing
}
