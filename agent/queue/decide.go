package queue

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/okienko/okienko/protocol"
)

// decision is a command being decided: the state it sees includes its own events.
type decision struct {
	*State
	at     protocol.Instant
	cause  Cause
	events []Event
}

// Decide turns a command into the events that follow from it at the moment now, or refuses it
// with a *Refusal. No events and no error mean that there is nothing to do. The events are
// numbered from Last()+1, and their time is the later of now and the last event's time, so that
// engine time never falls. Decide leaves the state as it was; the caller stores the events and
// then gives them to Apply.
//
// The caller decides a Tick first when NextWake has come, so that a command meets the right day.
func (s *State) Decide(cmd Command, now protocol.Instant, cause Cause) ([]Event, error) {
	for _, text := range []string{cause.Key, cause.Print, cause.Actor} {
		if !utf8.ValidString(text) {
			return nil, refuse(BadValue, "cause %q is not UTF-8", text)
		}
	}
	d := &decision{State: s, at: max(s.at, now), cause: cause}
	if err := s.try(func() error { return d.decide(cmd) }); err != nil {
		return nil, err
	}
	return d.events, nil
}

// emit adds an event and lets the state see it.
func (d *decision) emit(b Body) {
	e := Event{Seq: d.last + 1, At: d.at, Part: len(d.events), Cause: d.cause, Body: b}
	d.fold(e)
	d.events = append(d.events, e)
}

func (d *decision) decide(cmd Command) error {
	switch c := cmd.(type) {
	case Configure:
		return d.configure(c)
	case Start:
		return d.start(c)
	case Tick:
		return d.tick()
	case DoubtClock:
		return d.doubtClock(c)
	case TrustClock:
		return d.trustClock()
	case SetBooking:
		return d.setBooking(c)
	}
	if d.settings == nil {
		return refuse(BadSettings, "there are no settings yet")
	}
	switch c := cmd.(type) {
	case CloseDay:
		return d.closeDay(c)
	case SetIssuing:
		return d.setIssuing(c)
	case CheckIn:
		return d.checkIn(c)
	case Take, Return, Late, Cancel, Transfer, Park, Reprint, RecordPrint:
		return d.decideTicket(c)
	default:
		return d.decideCounter(c)
	}
}

func (d *decision) decideTicket(cmd Command) error {
	switch c := cmd.(type) {
	case Take:
		return d.take(c)
	case Return:
		return d.comeBack(c)
	case Late:
		return d.late(c)
	case Cancel:
		return d.cancel(c)
	case Transfer:
		return d.transfer(c)
	case Park:
		return d.park(c)
	case Reprint:
		return d.reprint(c)
	case RecordPrint:
		return d.recordPrint(c)
	default:
		return refuse(BadValue, "unknown command %T", cmd)
	}
}

func (d *decision) decideCounter(cmd Command) error {
	switch c := cmd.(type) {
	case OpenCounter:
		return d.openCounter(c)
	case CloseCounter:
		return d.leaveCounter(c.Counter, CounterIsClosed)
	case PauseCounter:
		return d.leaveCounter(c.Counter, CounterIsPaused)
	case ResumeCounter:
		return d.resumeCounter(c)
	case SetSkills:
		return d.setSkills(c)
	case Next:
		return d.next(c)
	case CallTicket:
		return d.callTicket(c)
	case Recall:
		return d.callAgain(c)
	case StartService:
		return d.startService(c)
	case NoShow:
		return d.noShow(c)
	case Finish:
		return d.finish(c)
	case Undo:
		return d.undo(c)
	default:
		return refuse(BadValue, "unknown command %T", cmd)
	}
}

func refuse(code Code, format string, args ...any) error {
	return &Refusal{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// maxText bounds what clerks and devices may write into the journal, in bytes.
const maxText = 300

// tidy makes a free text fit for the journal: valid UTF-8 of bounded length.
func tidy(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}

// checkName refuses an identifier that is missing, too long or no text.
func checkName[T ~string](what string, name T) error {
	if name == "" || len(name) > 128 || !utf8.ValidString(string(name)) {
		return refuse(BadValue, "%s %q", what, name)
	}
	return nil
}

// checkHash refuses a hash that is too long or no text; none is allowed.
func checkHash(h protocol.TokenHash) error {
	if h == "" {
		return nil
	}
	return checkName("token hash", h)
}
