package printer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/paper"
)

// The proofs of Profile.Completion.
const (
	proofProcess   = "gsH"
	proofQueued    = "gsr"
	proofPresenter = "presenter"
	proofNone      = "none"
)

// job is one call of Print on its way to the owner.
type job struct {
	ctx    context.Context //nolint:containedctx // the caller's, for the length of its own call
	doc    paper.Document
	result chan drivers.Result // buffered: the owner never waits for the caller
}

// attempt is one job under way.
type attempt struct {
	session *session
	// fault is what the last look at the printer found, for the reason of an unknown outcome.
	fault verdict
}

// watchEvery is how often the printer is looked at while a proof is awaited.
const watchEvery = time.Second

// print carries out one job.
func (s *session) print(ctx context.Context, j *job) drivers.Result {
	body, cut, err := s.p.encoder.EncodeParts(j.doc)
	if err != nil {
		return drivers.Result{Outcome: drivers.NotStarted, Reason: ReasonError, Err: err}
	}
	limit := s.p.options.Job + s.line.wire(len(body)+len(cut))
	jobCtx, cancel := context.WithTimeout(j.ctx, limit)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()

	const rounds = 3
	v, err := s.prepare(jobCtx, rounds)
	if err == nil && !v.usable() {
		err = errors.New("the printer cannot print now")
		if v.detail != "" {
			err = errors.New(v.detail)
		}
	}
	if err != nil {
		return drivers.Result{Outcome: drivers.NotStarted, Reason: v.reason, Err: err}
	}
	a := attempt{session: s}
	grade, err := a.run(jobCtx, body, cut)
	switch {
	case err == nil:
		s.p.stub = nil
		return drivers.Result{Outcome: drivers.Printed, Grade: grade}
	case s.p.stub == nil:
		s.trouble(err)
		return drivers.Result{Outcome: drivers.NotStarted, Reason: reasonOf(err), Err: err}
	}
	return a.unknown(err)
}

// unknown ends a job that left bytes and no proof.
func (a *attempt) unknown(err error) drivers.Result {
	reason := reasonOf(err)
	if errors.Is(err, context.DeadlineExceeded) && !a.fault.usable() && a.fault.reason != "" {
		reason = a.fault.reason
	}
	if a.session.line.dead == nil {
		a.session.discard()
	}
	var fault *faultError
	switch {
	case errors.As(err, &fault):
		reason = fault.verdict.reason
		a.session.p.report(fault.verdict)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	default:
		a.session.trouble(err)
	}
	return drivers.Result{Outcome: drivers.Unknown, Reason: reason, Err: err}
}

// faultError is a fault that the printer itself named after the job.
type faultError struct{ verdict verdict }

func (e *faultError) Error() string { return "the printer reports " + e.verdict.reason }

// run sends the job in the way of the best proof that the printer gives.
func (a *attempt) run(ctx context.Context, body, cut []byte) (drivers.Grade, error) {
	s := a.session
	for _, proof := range s.p.profile.Completion {
		switch {
		case proof == proofProcess && s.process == supported:
			return a.byProcess(ctx, body, cut)
		case proof == proofPresenter && !s.ticketOut:
			return a.byPresenter(ctx, body, cut)
		case proof == proofQueued && s.queued == supported:
			return a.byQueue(ctx, body, cut)
		case proof == proofNone:
			return a.byBytes(ctx, body, cut)
		}
	}
	return a.byBytes(ctx, body, cut)
}

// byProcess asks for an acknowledgement after the text and another after the cut.
func (a *attempt) byProcess(ctx context.Context, body, cut []byte) (drivers.Grade, error) {
	for _, part := range []struct {
		data    []byte
		purpose byte
	}{{body, 'P'}, {cut, 'C'}} {
		if len(part.data) == 0 {
			continue
		}
		if err := a.put(ctx, part.data); err != nil {
			return "", err
		}
		token := a.session.p.nextToken(part.purpose)
		if err := a.put(ctx, escpos.ProcessRequest(token)); err != nil {
			return "", err
		}
		err := a.until(ctx, func(ctx context.Context, wait time.Duration) error {
			return a.session.awaitToken(ctx, token, wait)
		})
		if err != nil {
			return "", err
		}
	}
	return drivers.GradeProcess, a.cutter(ctx)
}

// cutter looks at the printer once more after the proof: a stuck cutter holds the ticket back.
// Anything else found now is news for the next job, not for this one.
func (a *attempt) cutter(ctx context.Context) error {
	f, err := a.session.survey(ctx)
	if err != nil || !f.answered || !f.clean {
		return nil //nolint:nilerr // the job is proved; the session sees a dead line by itself
	}
	v := judge(f.condition)
	if f.condition.CutterError {
		return &faultError{v}
	}
	a.session.p.report(v)
	return nil
}

// byQueue puts a queued status request behind the text and another behind the cut.
func (a *attempt) byQueue(ctx context.Context, body, cut []byte) (drivers.Grade, error) {
	s := a.session
	for _, part := range [][]byte{body, cut} {
		if len(part) == 0 {
			continue
		}
		if err := a.put(ctx, part); err != nil {
			return "", err
		}
		before := s.queuedAnswers
		s.line.parser.Forget(escpos.QueryQueuedPaper)
		if err := a.put(ctx, escpos.QueryQueuedPaper.Request()); err != nil {
			return "", err
		}
		s.line.parser.Expect(escpos.QueryQueuedPaper)
		err := a.until(ctx, func(ctx context.Context, wait time.Duration) error {
			if s.queuedAnswers > before {
				return nil
			}
			_, err := s.line.await(ctx, escpos.QueryQueuedPaper, wait)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return drivers.GradeStatus, a.healthy(ctx)
}

// byPresenter waits until the presenter holds the ticket and, for a while, until it is taken.
func (a *attempt) byPresenter(ctx context.Context, body, cut []byte) (drivers.Grade, error) {
	if err := a.put(ctx, slices.Concat(body, cut)); err != nil {
		return "", err
	}
	err := a.until(ctx, func(ctx context.Context, wait time.Duration) error {
		return a.presenter(ctx, true, wait)
	})
	if err != nil {
		return "", err
	}
	if a.presenter(ctx, false, a.session.p.options.Taken) == nil {
		return drivers.GradeProcess, nil
	}
	return drivers.GradeStatus, nil
}

// presenter waits until the presenter holds a ticket, or holds none, or errSilence after limit.
func (a *attempt) presenter(ctx context.Context, full bool, limit time.Duration) error {
	for end := time.Now().Add(limit); ; {
		f, err := a.session.survey(ctx)
		switch {
		case err != nil:
			return err
		case f.clean && f.answered && f.condition.TicketOut == full:
			return nil
		case !time.Now().Before(end):
			return errSilence
		}
		if err := sleep(ctx, retryPoll/2); err != nil {
			return err
		}
	}
}

// byBytes is for printers that say nothing of their jobs.
func (a *attempt) byBytes(ctx context.Context, body, cut []byte) (drivers.Grade, error) {
	s := a.session
	if err := a.put(ctx, slices.Concat(body, cut)); err != nil {
		return "", err
	}
	if err := s.line.drain(ctx, s.p.options.Stall+s.line.wire(len(body)+len(cut))); err != nil {
		return "", err
	}
	if err := s.line.gone(); err != nil {
		return "", err
	}
	return drivers.GradeBytes, a.healthy(ctx)
}

// healthy asks for the status behind a job and fails unless it is good.
func (a *attempt) healthy(ctx context.Context) error {
	const rounds = 2
	v, err := a.session.check(ctx, rounds)
	if err == nil && !v.usable() {
		return &faultError{v}
	}
	return err
}

// put writes data as a part of the job and remembers what of it may have reached the printer.
func (a *attempt) put(ctx context.Context, data []byte) error {
	n, err := a.session.line.write(ctx, data)
	if n > 0 {
		a.session.p.stub = append(a.session.p.stub, data[:n]...)
	}
	if err != nil {
		return fmt.Errorf("write %d bytes, %d taken: %w", len(data), n, err)
	}
	return nil
}

// until waits for a proof until ctx ends. In between it looks at the printer, so that the cause is
// known and shown while somebody can still put it right: a proof may come late, when the cover is
// closed again.
func (a *attempt) until(ctx context.Context, proof func(context.Context, time.Duration) error) error {
	for {
		err := proof(ctx, watchEvery)
		if !errors.Is(err, errSilence) {
			return err
		}
		if err := a.watch(ctx); err != nil {
			return err
		}
	}
}

// watch looks at the printer during a job. Pictures may hold bytes that make it answer unasked, so
// only bad news that is heard twice is reported.
func (a *attempt) watch(ctx context.Context) error {
	s := a.session
	if err := s.line.gone(); err != nil {
		return err
	}
	if len(queries(s.p.profile.Status.Dialect)) == 0 {
		return nil
	}
	f, err := s.survey(ctx)
	if err != nil {
		return err
	}
	v := verdict{drivers.Failed, ReasonNoAnswer, ""}
	if f.answered {
		v = judge(f.condition)
	}
	if f.answered && !f.clean {
		return nil
	}
	if !v.usable() && v.reason == a.fault.reason {
		s.p.report(v)
	}
	a.fault = v
	return nil
}
