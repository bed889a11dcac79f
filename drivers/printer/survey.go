package printer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/escpos"
)

// The status dialects of profiles.
const (
	dialectEpson  = "epson"
	dialectCustom = "custom"
	dialectNone   = "none"
)

// queries returns what a status round asks in a dialect. The first is answered by every printer of
// that dialect.
func queries(dialect string) []escpos.Query {
	switch dialect {
	case dialectEpson:
		return []escpos.Query{
			escpos.QueryOnline, escpos.QueryOffline, escpos.QueryError, escpos.QueryPaper,
		}
	case dialectCustom:
		return []escpos.Query{escpos.QueryOnline, escpos.QueryFull}
	}
	return nil
}

// findings are what one status round found.
type findings struct {
	condition escpos.Condition
	// answered means that anything was answered at all, clean that every question had exactly one
	// answer and nothing else came.
	answered, clean bool
}

// survey asks for the whole status once. A silent printer is not an error, a dead line is. While
// answers are overdue from before, and whenever there is news, the round counts only if no extra
// answer follows it: each of these would have shifted all others by one question.
func (s *session) survey(ctx context.Context) (findings, error) {
	f, err := s.questions(ctx)
	if err != nil || !f.answered {
		s.overdue = true
		return f, err
	}
	if s.overdue || judge(f.condition).reason != s.p.Health().Reason {
		if err := s.line.listen(ctx, s.p.options.Settle); err != nil {
			return findings{}, err
		}
		f.clean = f.clean && !s.line.disturbed
		s.overdue = !f.clean
	}
	if f.clean {
		s.ticketOut = f.condition.TicketOut
	}
	return f, s.readLines(&f)
}

// questions asks each question of a status round.
func (s *session) questions(ctx context.Context) (findings, error) {
	if s.line.disturbed { // late answers must not be taken for the next ones
		if err := s.line.listen(ctx, s.p.options.Settle); err != nil {
			return findings{}, err
		}
		s.line.disturbed = false
	}
	f := findings{clean: true}
	for _, q := range queries(s.p.profile.Status.Dialect) {
		if s.silent[q] > tries {
			continue
		}
		r, err := s.line.ask(ctx, q, s.p.options.Reply)
		switch {
		case errors.Is(err, errSilence) && !f.answered:
			return findings{}, nil
		case errors.Is(err, errSilence):
			f.clean = false
			s.overdue = true
			if !s.seen[q] {
				s.silent[q]++
			}
			continue
		case err != nil:
			return findings{}, err
		}
		f.answered = true
		s.seen[q] = true
		f.condition = f.condition.With(r)
	}
	f.clean = f.clean && !s.line.disturbed
	return f, nil
}

// readLines adds what a port's own status lines say.
func (s *session) readLines(f *findings) error {
	sensor, ok := s.line.port.(Sensor)
	if !ok {
		return nil
	}
	lines, known, err := sensor.Lines()
	if err != nil {
		return s.line.fail(err)
	}
	if known {
		f.condition.PaperOut = f.condition.PaperOut || lines.PaperOut
		f.condition.Offline = f.condition.Offline || lines.Offline
		f.condition.OtherError = f.condition.OtherError || lines.Error
	}
	return nil
}

// check finds out how the printer is and reports what is bad. Up to attempts rounds may tell nothing.
func (s *session) check(ctx context.Context, attempts int) (verdict, error) {
	if err := s.line.gone(); err != nil {
		return s.trouble(err), err
	}
	if err := s.closeStub(ctx); err != nil {
		return s.trouble(err), err
	}
	if s.p.profile.Status.Dialect == dialectNone {
		var f findings
		if err := s.readLines(&f); err != nil {
			return s.trouble(err), err
		}
		v := judge(f.condition)
		if !v.usable() {
			s.p.report(v)
		}
		return v, nil
	}
	for {
		attempts--
		v, known, err := s.round(ctx)
		if err != nil {
			return s.trouble(err), err
		}
		if known || attempts <= 0 {
			return v, nil
		}
	}
}

// round makes one status round. known is false when it says nothing: then
// the verdict is that of a printer that cannot be asked.
func (s *session) round(ctx context.Context) (v verdict, known bool, err error) {
	f, err := s.survey(ctx)
	if err != nil {
		return verdict{}, false, err
	}
	if f.clean && f.answered && judge(f.condition).usable() && !s.p.usable() {
		f, err = s.confirm(ctx)
		if err != nil {
			return verdict{}, false, err
		}
	}
	switch {
	case !f.answered:
		return s.unanswered(), false, nil
	case !f.clean:
		return s.garbled(), false, nil
	}
	s.missed, s.noisy, s.mute = 0, 0, time.Time{}
	v = judge(f.condition)
	if !v.usable() || s.p.usable() {
		s.p.report(v) // good news is told by prepare, when everything else is ready as well
	}
	return v, true, nil
}

// confirm asks again before good news is believed, after the line was heard to be quiet.
func (s *session) confirm(ctx context.Context) (findings, error) {
	if err := s.line.listen(ctx, s.p.options.Settle); err != nil {
		return findings{}, err
	}
	if s.line.disturbed {
		return findings{answered: true}, nil
	}
	return s.survey(ctx)
}

// unanswered counts a round without answers; the second in a row is a fault.
func (s *session) unanswered() verdict {
	s.missed++
	if s.mute.IsZero() {
		s.mute = time.Now()
	}
	err := fmt.Errorf("%w to status questions", errSilence)
	if s.missed < tries {
		return verdict{drivers.Failed, ReasonNoAnswer, err.Error()}
	}
	if s.line.stuck() {
		err = fmt.Errorf("%w, nor answers", errStalled)
	}
	s.discard() // questions that were never sent shall not be answered all at once
	return s.trouble(err)
}

// garbled counts a round with noise. Noise alone takes nothing back and promises nothing.
func (s *session) garbled() verdict {
	s.noisy++
	s.missed, s.mute = 0, time.Time{}
	v := verdict{drivers.Degraded, ReasonNoAnswer, "noise on the line"}
	if s.noisy > tries && s.p.usable() {
		s.p.report(v)
	}
	v.state = drivers.Failed // for a job that wants to begin now
	return v
}

// usable reports whether the last known state allows printing.
func (p *Printer) usable() bool {
	state := p.Health().State
	return state == drivers.Ready || state == drivers.Degraded
}
