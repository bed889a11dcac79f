package printer

import (
	"context"
	"errors"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/escpos"
)

// session is what is known of a printer while one port to it is open. It belongs to the owner
// goroutine.
type session struct {
	p    *Printer
	line *line

	seen   map[escpos.Query]bool // queries this printer has answered
	silent map[escpos.Query]int  // how often a query got no answer, others did, and it never had
	missed int                   // status rounds in a row without any answer
	noisy  int                   // status rounds in a row with noise
	mute   time.Time             // since when nothing is answered

	overdue bool // answers to status questions may still come that nobody waits for
	padded  bool // the stub's open command was ended on this connection

	process, queued support      // the proofs, as tried out on this connection
	token           escpos.Token // the newest that the printer repeated
	queuedAnswers   int
	ticketOut       bool // as of the last survey
	automatic       bool // ASB was switched on since the last job, whose ESC @ may end it
	frame           bool // an ASB frame came that the health does not reflect
}

// support is whether a printer gives a proof.
type support uint8

const (
	untried support = iota
	supported
	missing
)

const (
	// tries is how often an unanswered request is repeated before it counts as missing.
	tries = 2
	// muteLimit is how long a port may be silent before it is opened anew.
	muteLimit = 30 * time.Second
	// retryPoll is the pause after a status round that told nothing.
	retryPoll = 200 * time.Millisecond
)

// errMute asks for the port to be opened anew although the device has not vanished.
var errMute = errors.New("the printer has been silent for long")

func newSession(p *Printer, port Port) *session {
	s := &session{
		p:      p,
		line:   newLine(port, p.transport.Rate(), p.profile.Serial, p.options.Stall),
		seen:   map[escpos.Query]bool{},
		silent: map[escpos.Query]int{},
	}
	s.line.hear = s.hear
	return s
}

// hear takes the replies that nobody is waiting for right now.
func (s *session) hear(r escpos.Reply) {
	switch r.Kind {
	case escpos.KindProcess:
		s.token = escpos.Token(r.Data)
	case escpos.KindQueued:
		if r.Query == escpos.QueryQueuedPaper {
			s.queuedAnswers++
		}
	case escpos.KindASB:
		s.frame = s.frame || judge(escpos.Condition{}.With(r)).reason != s.p.Health().Reason
	default:
	}
}

// run serves the port until it is gone or ctx ends.
func (s *session) run(ctx context.Context) error {
	poll := time.NewTimer(0)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			s.farewell()
			return ctx.Err()
		case j := <-s.p.jobs:
			j.result <- s.print(ctx, j)
			s.automatic = false
			poll.Reset(0)
		case <-poll.C:
			if err := s.idle(ctx); err != nil && ctx.Err() == nil {
				s.p.logger.Debug("printer check ended early", "printer", s.p.String(), "err", err)
			}
			poll.Reset(s.nextPoll())
		case data := <-s.line.incoming:
			s.line.sort(data, escpos.QueryNone)
			if s.frame {
				s.frame = false
				poll.Reset(s.p.options.Settle)
			}
		case err := <-s.line.broken:
			_ = s.line.fail(err)
		}
		if s.line.dead != nil {
			return s.line.dead
		}
		if !s.mute.IsZero() && time.Since(s.mute) > muteLimit {
			return errMute
		}
	}
}

// idle looks at the printer and gets it ready for the next job before that comes.
func (s *session) idle(ctx context.Context) error {
	v, err := s.prepare(ctx, 1)
	if err != nil || !v.usable() || s.automatic || !s.p.profile.Status.ASB {
		return err
	}
	if _, err := s.line.write(ctx, escpos.EnableASB()); err != nil {
		s.trouble(err)
		return err
	}
	s.automatic = true
	return nil
}

func (s *session) nextPoll() time.Duration {
	if (s.missed > 0 && s.missed <= tries) || (s.noisy > 0 && s.noisy <= tries) || s.p.stub != nil {
		return min(retryPoll, s.p.options.Poll)
	}
	return s.p.options.Poll
}

// farewell leaves the printer at command level when the driver ends, if that can be had quickly.
func (s *session) farewell() {
	if s.p.stub == nil || s.line.dead != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := s.line.write(ctx, s.p.resyncBytes()); err == nil {
		_ = s.line.drain(ctx, time.Second) // nothing more can be done
	}
}

// prepare brings the printer to where it can take a job: status, command level, proofs tried out.
// attempts is how many status rounds may tell nothing before that is the answer.
func (s *session) prepare(ctx context.Context, attempts int) (verdict, error) {
	v, err := s.check(ctx, attempts)
	if err != nil || !v.usable() {
		return v, err
	}
	if s.p.stub != nil {
		if err := s.resync(ctx); err != nil {
			return s.trouble(err), err
		}
	}
	v, err = s.probe(ctx, v)
	if err == nil && v.usable() {
		s.p.report(v)
	}
	return v, err
}

// trouble reports a failure to talk to the printer and returns it as a verdict.
func (s *session) trouble(err error) verdict {
	v := verdict{drivers.Failed, reasonOf(err), err.Error()}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return v // somebody's patience ended, which says nothing about the printer
	case v.reason == ReasonUnplugged:
		v.state = drivers.Absent
	case v.reason == ReasonNoAnswer && s.p.Health().Reason == ReasonStalled:
		v.reason = ReasonStalled // it stalled before it fell silent, which tells more
	}
	s.p.report(v)
	return v
}

// reasonOf puts an error into the words of Result.Reason.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, errStalled):
		return ReasonStalled
	case errors.Is(err, errLine):
		return ReasonUnplugged
	case errors.Is(err, errSilence), errors.Is(err, context.DeadlineExceeded):
		return ReasonNoAnswer
	case errors.Is(err, context.Canceled):
		return ReasonCancelled
	}
	return ReasonError
}

// closeStub ends the command that an aborted job, or an earlier process, may have left open. It goes
// before any question: inside an unfinished command that would be taken for its lengths.
func (s *session) closeStub(ctx context.Context) error {
	if s.padded || s.p.stub == nil && !s.p.fresh {
		return nil
	}
	if _, err := s.line.write(ctx, s.p.padding()); err != nil {
		return err
	}
	s.padded = true
	return nil
}

// discard drops what the system holds for the printer.
func (s *session) discard() {
	s.line.discard()
	s.padded = false
}

// resync ends what an aborted job left open: the rest of a declared picture, then reset and cut.
func (s *session) resync(ctx context.Context) error {
	s.p.resyncs++
	if _, err := s.line.write(ctx, s.p.resyncBytes()); err != nil {
		return err
	}
	if s.process == supported {
		if err := s.acknowledged(ctx, 'R', s.p.options.Job); err != nil && s.p.resyncs <= tries {
			return err
		}
	}
	s.p.stub, s.p.resyncs = nil, 0
	return nil
}

// probe tries out the proofs that the profile lists and this connection has not shown yet, up to
// the first that works. It changes v when the printer turns out not to be ready after all.
//
// When an earlier process died inside a picture the printer is silent, too: so before the first job
// of this process, silence is answered with as many zeros as any picture may lack.
func (s *session) probe(ctx context.Context, v verdict) (verdict, error) {
	found, v, err := s.tryProofs(ctx, v)
	if err != nil || !v.usable() {
		return v, err
	}
	if !s.p.fresh {
		return v, nil
	}
	if _, err := s.line.write(ctx, s.p.inherit(found)); err != nil {
		return s.trouble(err), err
	}
	if !found {
		s.process, s.queued = untried, untried
		if _, v, err = s.tryProofs(ctx, v); err != nil || !v.usable() {
			return v, err
		}
	}
	s.p.fresh = false
	return v, nil
}

// tryProofs reports whether the printer gives any proof.
func (s *session) tryProofs(ctx context.Context, v verdict) (bool, verdict, error) {
	for _, name := range s.p.profile.Completion {
		state, ask := s.proof(name)
		if state == nil {
			continue
		}
		if *state == untried {
			found, err := s.try(ctx, ask)
			if err != nil {
				return false, s.trouble(err), err
			}
			if found == missing { // or it cannot answer for lack of paper, or is away
				v, err = s.check(ctx, tries)
				if err != nil || !v.usable() {
					return false, v, err
				}
				s.p.logger.Info("printer lacks a proof of printing", "printer", s.p.String(), "proof", name)
			}
			*state = found
		}
		if *state == supported {
			return true, v, nil
		}
	}
	return false, v, nil
}

// proof returns what is known of a proof and how to ask for it; nil for one that is not asked.
func (s *session) proof(name string) (*support, func(context.Context) error) {
	switch name {
	case proofProcess:
		return &s.process, func(ctx context.Context) error {
			return s.acknowledged(ctx, 'T', s.p.options.Reply)
		}
	case proofQueued:
		return &s.queued, func(ctx context.Context) error {
			_, err := s.line.ask(ctx, escpos.QueryQueuedPaper, s.p.options.Reply)
			return err
		}
	}
	return nil, nil
}

// try asks until there is an answer, a few times.
func (s *session) try(ctx context.Context, ask func(context.Context) error) (support, error) {
	for range tries {
		err := ask(ctx)
		if err == nil {
			return supported, nil
		}
		if !errors.Is(err, errSilence) {
			return untried, err
		}
		s.overdue = true
	}
	return missing, nil
}

// acknowledged sends GS ( H with a new token and waits for the printer to repeat it.
func (s *session) acknowledged(ctx context.Context, purpose byte, timeout time.Duration) error {
	token := s.p.nextToken(purpose)
	if _, err := s.line.write(ctx, escpos.ProcessRequest(token)); err != nil {
		return err
	}
	return s.awaitToken(ctx, token, s.line.lag()+timeout)
}

// awaitToken waits until the printer has repeated token.
func (s *session) awaitToken(ctx context.Context, token escpos.Token, timeout time.Duration) error {
	end := time.Now().Add(timeout)
	for s.token != token {
		s.line.parser.Forget(escpos.QueryProcess)
		s.line.parser.Expect(escpos.QueryProcess)
		r, err := s.line.await(ctx, escpos.QueryProcess, time.Until(end))
		if err != nil {
			return err
		}
		s.token = escpos.Token(r.Data)
	}
	return nil
}
