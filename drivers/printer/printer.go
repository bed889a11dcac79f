package printer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/paper"
)

// Encoder turns documents into the bytes of one printer model. It is called from one goroutine.
type Encoder interface {
	// EncodeParts returns the document's text and, apart from it, its cut (and ejection).
	EncodeParts(doc paper.Document) (body, cut []byte, err error)
	// Resync returns the bytes that bring a printer that received exactly sent back to command
	// level, and cut off what stands on the paper. Its length is at least what an open command in
	// sent still lacks.
	Resync(sent []byte) []byte
}

// Config says which printer to drive.
type Config struct {
	// Address is as NewTransport describes it.
	Address string
	// Profile is the printer's model.
	Profile escpos.Profile
	// Stored names the logos in this very printer's memory.
	Stored [][2]byte
	// Interrupted says that an earlier process may have ended in the middle of a job. Its stub is
	// then cut off before the first job. The printer is brought to command level in any case.
	Interrupted bool
	// Encoder replaces the one made from Profile and Stored; nil, but for tests.
	Encoder Encoder
	// Options are the driver's times; zero means the defaults.
	Options Options
}

// Printer is an ESC/POS printer behind one address. Run drives it.
type Printer struct {
	transport Transport
	profile   escpos.Profile
	encoder   Encoder
	options   Options
	logger    *slog.Logger

	jobs   chan *job // unbuffered: a job waits in its caller's Print
	halted chan struct{}

	mu      sync.Mutex
	health  drivers.Health
	changed chan struct{}
	running chan struct{} // closed when Run has returned; nil before Run
	stopped bool

	// The owner's memory across connections.
	stub    []byte // bytes of a job that did not end well; nil when the printer is at command level
	resyncs int    // how often it was tried to end the stub
	fresh   bool   // nothing is known yet of what an earlier process left in the printer
	torn    bool   // it may have left a part of a ticket on the paper
	tokens  uint32
}

var _ drivers.Printer = (*Printer)(nil)

// Open returns the printer that c describes, in state Absent until Run has found it. It fails only
// for a configuration that can never work, never because the device is away.
func Open(c Config, logger *slog.Logger) (*Printer, error) {
	transport, err := NewTransport(c.Address, c.Profile.Serial)
	if err != nil {
		return nil, err
	}
	return New(transport, c, logger)
}

// New is Open with a transport of the caller's; c.Address is not read.
func New(t Transport, c Config, logger *slog.Logger) (*Printer, error) {
	if err := c.Profile.Validate(); err != nil {
		return nil, err
	}
	if c.Encoder == nil {
		encoder, err := escpos.NewEncoder(c.Profile, c.Stored...)
		if err != nil {
			return nil, fmt.Errorf("printer profile %q: %w", c.Profile.Name, err)
		}
		c.Encoder = encoder
	}
	return &Printer{
		transport: t,
		fresh:     true,
		torn:      c.Interrupted,
		profile:   c.Profile,
		encoder:   c.Encoder,
		options:   c.Options.withDefaults(c.Profile.Status.Reply),
		logger:    logger,
		jobs:      make(chan *job),
		halted:    make(chan struct{}),
		changed:   make(chan struct{}),
		// A token of an earlier run that a printer still holds must not be one of this run's.
		tokens: uint32(time.Now().UnixMilli()), //nolint:gosec // the low bits are wanted
		health: drivers.Health{
			State: drivers.Absent, Reason: ReasonUnplugged, Detail: "not opened yet", Since: time.Now(),
		},
	}, nil
}

// String returns the printer's address and model.
func (p *Printer) String() string {
	return "printer " + p.transport.String() + " (" + p.profile.Name + ")"
}

// Print prints doc and reports what became of it. While the device is absent it returns at once.
func (p *Printer) Print(ctx context.Context, doc paper.Document) drivers.Result {
	notStarted := func(reason string, err error) drivers.Result {
		return drivers.Result{Outcome: drivers.NotStarted, Reason: reason, Err: err}
	}
	if h := p.Health(); h.State == drivers.Absent {
		return notStarted(h.Reason, fmt.Errorf("%s is absent: %s", p, h.Detail))
	}
	j := &job{ctx: ctx, doc: doc, result: make(chan drivers.Result, 1)}
	timer := time.NewTimer(p.options.Job)
	defer timer.Stop()
	select {
	case p.jobs <- j:
		return <-j.result
	case <-ctx.Done():
		return notStarted(ReasonCancelled, ctx.Err())
	case <-p.halted:
		return notStarted(ReasonUnplugged, errHalted)
	case <-timer.C:
		return notStarted(ReasonStalled, errors.New("an earlier job still holds the printer"))
	}
}

var (
	errHalted  = errors.New("the printer's driver was halted")
	errRunning = errors.New("the printer's driver runs already or was halted")
)

// Run drives the printer until ctx ends or Halt is called; it returns only after its goroutines
// have. It may be called once.
func (p *Printer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	if p.running != nil || p.stopped {
		p.mu.Unlock()
		return errRunning
	}
	running := make(chan struct{})
	p.running = running
	p.mu.Unlock()
	defer close(running)

	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-p.halted:
			cancel()
		case <-ctx.Done():
		}
	}()
	p.drive(ctx)
	cancel()
	<-watching
	p.stop()
	p.report(verdict{drivers.Absent, ReasonUnplugged, "the driver has ended"})
	return nil
}

// drive opens the port again and again until ctx ends.
func (p *Printer) drive(ctx context.Context) {
	pause := p.options.BackoffMin
	for ctx.Err() == nil {
		port, err := p.transport.Open(ctx)
		if err != nil {
			if ctx.Err() == nil {
				p.report(verdict{drivers.Absent, ReasonUnplugged, err.Error()})
				p.rest(ctx, pause)
			}
			pause = min(2*pause, p.options.BackoffMax)
			continue
		}
		s := newSession(p, port)
		err = s.run(ctx)
		if closing := s.line.close(); closing != nil {
			p.logger.Debug("closing the printer's port failed", "printer", p.String(), "err", closing)
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errMute) {
			p.report(verdict{drivers.Absent, ReasonUnplugged, err.Error()})
		}
		if len(s.seen) > 0 || p.profile.Status.Dialect == dialectNone {
			pause = p.options.BackoffMin
		}
		p.rest(ctx, pause)
		pause = min(2*pause, p.options.BackoffMax)
	}
}

// rest waits between two attempts to open the port and turns jobs away meanwhile.
func (p *Printer) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case j := <-p.jobs:
			h := p.Health()
			j.result <- drivers.Result{
				Outcome: drivers.NotStarted, Reason: h.Reason, Err: fmt.Errorf("%s: %s", p, h.Detail),
			}
		}
	}
}

// haltLimit is what Halt promises.
const haltLimit = 5 * time.Second

// Halt ends Run, which leaves the printer at command level where it can, and waits for it up to
// 5 s. A job under way ends as Unknown, or NotStarted if no byte had left. Later calls of Print
// return NotStarted. It may be called more than once.
func (p *Printer) Halt() error {
	running := p.stop()
	if running == nil {
		return nil
	}
	timer := time.NewTimer(haltLimit)
	defer timer.Stop()
	select {
	case <-running:
		return nil
	case <-timer.C:
		return fmt.Errorf("halt %s: still running after %v", p, haltLimit)
	}
}

// stop marks the printer as halted and returns the channel that tells the end of Run.
func (p *Printer) stop() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.stopped = true
		close(p.halted)
	}
	return p.running
}

func (p *Printer) nextToken(purpose byte) escpos.Token {
	p.tokens++
	return escpos.NewToken(purpose, p.tokens)
}

// padding returns zeros that end any command that a part of the stub may have left open: white dots
// of a picture, empty lengths, and nothing at all at command level. How much of the stub arrived is
// not known, because the system may have held bytes when the line broke, so they are enough for the
// largest command.
func (p *Printer) padding() []byte {
	const (
		step   = 16       // of the parts that are looked at
		margin = step + 8 // a command's header may begin between two of them
	)
	open := 0
	for n := len(p.stub); n > 0; n -= step {
		open = max(open, len(p.encoder.Resync(p.stub[:n])))
	}
	return make([]byte, open+margin)
}

// inherit returns what clears up after an earlier process: unless the printer has just proved to be
// at command level, zeros for the largest command that any job may have left open and a reset; and
// the cut of a stub, if there may be one.
func (p *Printer) inherit(atCommandLevel bool) []byte {
	var data []byte
	if !atCommandLevel {
		const header, text = 64, 4096 // beside a picture's band: a QR code, a stored line
		band := p.profile.Raster.MaxBand * (p.profile.Media.Dots + 7) / 8
		data = append(make([]byte, header+max(band, text)), 0x1B, '@')
	}
	if p.torn {
		data = append(data, p.encoder.Resync([]byte{'\n'})...)
	}
	return data
}

// resyncBytes returns the padding and what the encoder sends after a line of its own: reset, cut.
func (p *Printer) resyncBytes() []byte {
	return append(p.padding(), p.encoder.Resync([]byte{'\n'})...)
}
