package speaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/serialport"
)

const (
	// dfGap is what the module needs between two commands; closer ones are lost (measured by many).
	dfGap = 100 * time.Millisecond
	// dfTries is how often a command is sent before the module counts as silent.
	dfTries = 3
	// dfReplyLimit is how long a reply may take; modules need 10 to 80 ms.
	dfReplyLimit = 300 * time.Millisecond
	// dfLate is how much later than its length a track may end: the card has to be read first.
	dfLate = 1500 * time.Millisecond
	// dfBusyStep is how often the BUSY line is read while a track plays.
	dfBusyStep = 20 * time.Millisecond
	// dfBusyStart is when BUSY must have come on; the manual promises nothing, modules need up to 200 ms.
	dfBusyStart = 700 * time.Millisecond
	// dfInbox is how many frames may wait to be looked at; the oldest are dropped.
	dfInbox = 32
	// dfStopLimit is for the last command, which is sent after the context has ended.
	dfStopLimit = 150 * time.Millisecond
)

// ReasonNoCard says that the DFPlayer has no SD card, or not the files that the index promises.
const ReasonNoCard = "no-card"

var (
	errSilent = errors.New("the DFPlayer does not answer")
	errEnd    = errors.New("the DFPlayer did not say that the track has ended")
	errReset  = errors.New("the DFPlayer has started anew; look at its supply")
	errCard   = errors.New("the DFPlayer does not find the track on its card")
)

// Busy is the BUSY line of a DFPlayer. It says whether sound is played now, whatever the line's level.
type Busy interface {
	Busy() (bool, error)
}

// Serial is the line to the module: a *serialport.Port.
type Serial interface {
	String() string
	// Run keeps the line open until ctx ends.
	Run(ctx context.Context) error
	// Opened counts the openings, 0 while it is closed; the channel is closed at the next change.
	Opened() (generation uint64, changed <-chan struct{})
	// Err says why the line is not open.
	Err() error
	Write(ctx context.Context, b []byte) (int, error)
	Read(ctx context.Context, b []byte) (int, error)
}

// DFPlayer plays the tracks on the SD card of a DFPlayer Mini, one for each clip. Run must be running. It
// implements drivers.Speaker.
//
// The BUSY line is the truth about what is heard. Without it a track is over when the module says so, and
// an announcement has failed when it does not within the track's length and 1.5 s.
type DFPlayer struct {
	vitals
	port     Serial
	busy     Busy // nil without the line
	dir      string
	language string
	volume   int
	in       chan dfFrame
	turn     chan struct{} // holds a value while somebody talks to the module, who owns what follows
	ready    uint64        // the opening of the line that the module was set up in
	acks     bool          // the module acknowledges; some clones never do
	sent     time.Time
	tracks   map[drivers.Clip]track
	written  time.Time // of the index that tracks are from
}

// NewDFPlayer makes the speaker. dir is the pack's folder with the index of BuildCard, language the one of
// every announcement, volume 0 to 30, busy nil if the line is not wired. It does not matter whether the
// module is there.
func NewDFPlayer(port Serial, busy Busy, dir, language string, volume int, log *slog.Logger) *DFPlayer {
	return &DFPlayer{
		vitals: newVitals("DFPlayer at "+port.String(), log), port: port, busy: busy,
		dir: dir, language: language, volume: volume, in: make(chan dfFrame, dfInbox),
		turn: make(chan struct{}, 1),
	}
}

// Run serves the line and looks after the module until ctx ends. It returns when the line is closed.
func (d *DFPlayer) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.port.Run(ctx) }) // it returns nil
	wg.Go(func() { d.receive(ctx) })
	defer wg.Wait()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		_, changed := d.port.Opened()
		d.lookIdle(ctx)
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return d.Halt()
		}
	}
}

// Halt tells that the driver has let go. What is playing ends with the context of Play.
func (d *DFPlayer) Halt() error {
	d.Report(drivers.Absent, drivers.ReasonHalted, "")
	return nil
}

// receive hands over what the module says.
func (d *DFPlayer) receive(ctx context.Context) {
	var p dfParser
	buffer := make([]byte, 64)
	for ctx.Err() == nil {
		n, err := d.port.Read(ctx, buffer)
		if err != nil {
			p = dfParser{} // what the next opening brings does not belong to it
			generation, changed := d.port.Opened()
			if generation > 0 {
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		for _, f := range p.take(buffer[:n]) {
			d.handOver(f)
		}
	}
}

// handOver drops the oldest frame if nobody looks at them.
func (d *DFPlayer) handOver(f dfFrame) {
	for {
		select {
		case d.in <- f:
			return
		default:
		}
		select {
		case <-d.in:
		default:
		}
	}
}

// lookIdle looks after the module unless it plays: then Play does.
func (d *DFPlayer) lookIdle(ctx context.Context) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	default:
		return
	}
	switch err := d.look(ctx); {
	case ctx.Err() != nil:
	case errors.Is(err, ErrPack):
		d.tell(drivers.Absent, ReasonNoPack, err.Error())
	case err != nil:
		state, reason := dfFault(err)
		d.tell(state, reason, err.Error())
	case d.Health().State != drivers.Failed: // a fault of the last announcement stays until the next
		d.tell(drivers.Ready, "", "")
	}
}

// look sets a module up that has come back, and asks one that is there whether it is.
func (d *DFPlayer) look(ctx context.Context) error {
	if err := d.readIndex(); err != nil {
		return err
	}
	if _, ok := d.tracks[drivers.Clip(d.language+"/gong")]; !ok {
		return fmt.Errorf("%w: the index of the card has nothing in %s", ErrPack, d.language)
	}
	if err := d.setUp(ctx); err != nil {
		return err
	}
	return d.ask(ctx, dfFrame{command: dfStatus}, dfStatus)
}

// readIndex reads the index of the card if it is another one than before.
func (d *DFPlayer) readIndex() error {
	info, err := os.Stat(cardIndexPath(d.dir))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPack, err)
	}
	if d.tracks != nil && info.ModTime().Equal(d.written) {
		return nil
	}
	tracks, err := readCard(d.dir)
	if err != nil {
		return err
	}
	d.tracks, d.written = tracks, info.ModTime()
	return nil
}

// news takes what the module has said since the last command.
func (d *DFPlayer) news() (err error) {
	for {
		select {
		case f := <-d.in:
			switch f.command {
			case dfOnline, dfCardIn:
				d.ready, err = 0, nil // it has forgotten its volume
			case dfCardOut:
				err = errCard
			}
		default:
			return err
		}
	}
}

// setUp sets the volume of a module that has come back, and learns whether it acknowledges.
func (d *DFPlayer) setUp(ctx context.Context) error {
	if err := d.news(); err != nil {
		return err
	}
	generation, _ := d.port.Opened()
	if generation == 0 {
		return fmt.Errorf("reach the DFPlayer: %w", d.port.Err())
	}
	if generation == d.ready {
		return nil
	}
	d.ready, d.acks = 0, true
	volume := dfFrame{command: dfVolume, reply: true, value: uint16(d.volume)} //nolint:gosec // 0 to 30
	err := d.ask(ctx, volume, dfAck)
	if errors.Is(err, errSilent) {
		// A clone without acknowledgements still answers this; so it is known to be there. It may also have
		// been starting until now, and is asked again.
		if err = d.ask(ctx, dfFrame{command: dfStatus}, dfStatus); err == nil {
			again := d.ask(ctx, volume, dfAck)
			if d.acks = !errors.Is(again, errSilent); d.acks {
				err = again
			}
		}
	}
	if err != nil {
		return err
	}
	d.ready = generation
	if d.Health().State == drivers.Failed {
		d.tell(drivers.Ready, "", "")
	}
	return nil
}

// dfFault is what an error says of the module.
func dfFault(err error) (drivers.State, string) {
	switch {
	case errors.Is(err, ErrPack):
		return drivers.Failed, ReasonNoPack
	case errors.Is(err, errCard):
		return drivers.Failed, ReasonNoCard
	case errors.Is(err, errSilent):
		return drivers.Failed, drivers.ReasonNoAnswer
	case errors.Is(err, errEnd):
		return drivers.Failed, drivers.ReasonStalled
	case errors.Is(err, serialport.ErrStalled):
		return drivers.Failed, drivers.ReasonStalled
	case errors.Is(err, serialport.ErrAbsent), errors.Is(err, serialport.ErrHungUp):
		return drivers.Absent, drivers.ReasonUnplugged
	}
	return drivers.Failed, drivers.ReasonError
}

// Play plays the clips; see drivers.Speaker.
func (d *DFPlayer) Play(ctx context.Context, clips []drivers.Clip) error {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return fmt.Errorf("announce by %s: %w", d.name, ctx.Err())
	}
	err := d.play(ctx, clips)
	if err == nil {
		d.tell(drivers.Ready, "", "")
		return nil
	}
	if ctx.Err() == nil {
		state, reason := dfFault(err)
		d.tell(state, reason, err.Error())
	}
	return fmt.Errorf("announce by %s: %w", d.name, err)
}

func (d *DFPlayer) play(ctx context.Context, clips []drivers.Clip) (err error) {
	if err := d.readIndex(); err != nil {
		return err
	}
	list := make([]track, len(clips))
	for i, clip := range clips {
		one, ok := d.tracks[clip]
		if !ok {
			return fmt.Errorf("%w: the card has no recording %q", ErrPack, clip)
		}
		list[i] = one
	}
	if err := d.setUp(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.silence(ctx)
		}
	}()
	for _, one := range list {
		if err := d.playTrack(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// silence stops what may be playing, as well as can be, after the context has ended or a fault.
func (d *DFPlayer) silence(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dfStopLimit)
	defer cancel()
	_ = d.send(ctx, dfFrame{command: dfStop}) // the cause is told already
}

// begin begins a track, and waits for the module's word where it gives it.
func (d *DFPlayer) begin(ctx context.Context, t track) error {
	f := dfFrame{command: dfTrack, reply: d.acks, value: uint16(t.folder)<<8 | uint16(t.file)} //nolint:gosec // bytes
	if !d.acks {
		return d.send(ctx, f)
	}
	return d.ask(ctx, f, dfAck)
}

// playTrack plays one track to its end.
func (d *DFPlayer) playTrack(ctx context.Context, t track) error {
	if err := d.begin(ctx, t); err != nil {
		return err
	}
	begun := d.sent
	limit := time.NewTimer(time.Until(begun.Add(t.lasts + dfLate)))
	defer limit.Stop()
	line := busyLine{line: d.busy, begun: begun}
	tick := time.NewTicker(dfBusyStep)
	defer tick.Stop()
	for {
		select {
		case f := <-d.in:
			if err := f.trouble(); err != nil {
				d.ready = 0
				return err
			}
			// The last track's end is told twice by many, and the second may come after this one's begin. No
			// track is over much before its length.
			if f.ends() && d.busy == nil && time.Since(begun) > t.lasts*9/10 {
				return nil
			}
		case <-tick.C:
			if over, err := line.over(); over || err != nil {
				return err
			}
		case <-limit.C:
			return cmp.Or(d.ask(ctx, dfFrame{command: dfStatus}, dfStatus), errEnd)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ends reports whether a frame says that a track has ended.
func (f dfFrame) ends() bool {
	return f.command == dfTrackDone || f.command == dfUDiskDone || f.command == dfFlashDone
}

// trouble is what a frame says that is no reply and ends an announcement.
func (f dfFrame) trouble() error {
	switch f.command {
	case dfOnline:
		return errReset
	case dfCardOut:
		return errCard
	case dfError:
		if f.value > dfErrAgain {
			return fmt.Errorf("%w (code %d)", errCard, f.value)
		}
	}
	return nil
}

// busyLine follows the BUSY line through one track.
type busyLine struct {
	line   Busy
	begun  time.Time
	seen   bool
	silent int // readings in a row
}

// over reports whether the track was heard to its end. Two readings in a row are silence: at the change of
// blocks some modules let go of the line for a moment.
func (b *busyLine) over() (bool, error) {
	if b.line == nil {
		return false, nil
	}
	on, err := b.line.Busy()
	if err != nil {
		return false, fmt.Errorf("read the BUSY line: %w", err)
	}
	if on {
		b.seen, b.silent = true, 0
		return false, nil
	}
	b.silent++
	if !b.seen && time.Since(b.begun) > dfBusyStart {
		return false, fmt.Errorf("%w: BUSY stays off", errEnd)
	}
	return b.seen && b.silent > 1, nil
}

// ask sends a command until the reply comes, three times at most. The second sending of a track starts it
// anew, which is why only modules that acknowledge are asked for it.
func (d *DFPlayer) ask(ctx context.Context, f dfFrame, reply byte) error {
	for range dfTries {
		if err := d.send(ctx, f); err != nil {
			return err
		}
		answered, err := d.await(ctx, reply)
		if errors.Is(err, errReset) && f.command != dfTrack {
			continue // it has just come up, and did not hear this
		}
		if err != nil || answered {
			return err
		}
	}
	d.ready = 0 // when it is back, it has perhaps lost its power meanwhile
	return errSilent
}

// await waits for a reply. Without one, or when the module asks for the command again, it says false.
func (d *DFPlayer) await(ctx context.Context, reply byte) (bool, error) {
	limit := time.NewTimer(dfReplyLimit)
	defer limit.Stop()
	for {
		select {
		case f := <-d.in:
			if f.command == reply {
				return true, nil
			}
			if f.command == dfError && f.value <= dfErrAgain {
				return false, nil
			}
			if err := f.trouble(); err != nil {
				d.ready = 0
				return false, err
			}
		case <-limit.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// send writes a frame, not sooner than the module can take it.
func (d *DFPlayer) send(ctx context.Context, f dfFrame) error {
	gap := time.NewTimer(time.Until(d.sent.Add(dfGap)))
	defer gap.Stop()
	select {
	case <-gap.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := d.port.Write(ctx, f.encode())
	d.sent = time.Now()
	return err
}

var _ drivers.Speaker = (*DFPlayer)(nil)
