package web

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/drivers"
)

// StartNotes is what the last start found on the disk.
type StartNotes struct {
	// Unclean says that the run before was cut off instead of being stopped.
	Unclean bool
	// Damage says in words why the journal could not be used; empty when it could.
	Damage string
	// Restored counts the events that came from the ledger or were found in the damaged file.
	Restored int
	// TailMissing says that events of the last second before the stop may be lost.
	TailMissing bool
	// Quarantined is the path of the kept copy of the damaged journal; empty when there is none.
	Quarantined string
}

// alarm is one thing that somebody should know or do.
type alarm struct {
	// key chooses the sentence alarm.KEY, which says what happened and what to do; pairs fill it.
	key   string
	pairs []string
	// detail is for administrators only: it may name places on the disk.
	detail string
	// stops says in /readyz why no tickets are issued; empty while they are.
	stops string
	// note marks what is over and asks for nothing today.
	note bool
}

// alarms lists all that is wrong, what stops tickets first. now is nil when the engine does not
// answer.
func (s *Server) alarms(now *picture) []alarm {
	list := s.engineAlarms(now)
	if s.Journal != nil {
		list = append(list, journalAlarms(s.Journal())...)
	}
	if s.Printer != nil && !s.paper().prints() {
		list = append(list, alarm{key: "printer_fails"})
	}
	list = append(list, deviceAlarms(s.devices())...)
	if now != nil {
		list = append(list, dayAlarms(now)...)
	}
	list = append(list, startAlarms(s.Started)...)
	slices.SortStableFunc(list, func(a, b alarm) int { return a.weight() - b.weight() })
	return list
}

func (a alarm) weight() int {
	switch {
	case a.stops != "":
		return 0
	case a.note:
		return 2
	default:
		return 1
	}
}

func (s *Server) engineAlarms(now *picture) []alarm {
	var list []alarm
	h := s.Engine.Health()
	if h.State != engine.OK {
		list = append(list, alarm{
			key: "engine_" + string(h.State), detail: h.Reason, stops: "engine " + string(h.State),
		})
	}
	if h.InMemory > 0 {
		list = append(list, alarm{
			key: "in_memory", pairs: []string{"n", strconv.Itoa(h.InMemory)},
			stops: fmt.Sprintf("journal: %d events are not on disk", h.InMemory),
		})
	}
	if now == nil {
		list = append(list, alarm{key: "engine_silent", stops: "engine does not answer"})
	}
	return list
}

// deviceAlarms lists the boards, loudspeakers and buttons that a person has to look at.
func deviceAlarms(all []devices.Status) []alarm {
	var list []alarm
	for _, d := range all {
		if d.State == drivers.Ready || d.Reason == drivers.ReasonStarting {
			continue
		}
		switch {
		case d.Kind == "speaker":
			list = append(list, alarm{key: "speaker_fails", detail: d.Reason + ": " + d.Detail})
		case d.Kind == "panel" && d.State == drivers.Degraded:
			list = append(list, alarm{key: "button_fails", detail: d.Reason + ": " + d.Detail})
		case d.Kind == "panel":
			list = append(list, alarm{key: "panel_fails", detail: d.Reason + ": " + d.Detail})
		}
		counter, board := strings.CutPrefix(d.Name, "board-")
		if !board {
			continue
		}
		list = append(list, alarm{
			key: "board_fails", pairs: []string{"counter", counter}, detail: d.Reason + ": " + d.Detail,
		})
	}
	return list
}

func journalAlarms(h journal.Health) []alarm {
	var list []alarm
	switch h.State {
	case journal.StateOK:
	case journal.StateBallastFreed:
		list = append(list, alarm{key: "journal_ballast-freed", detail: h.Detail})
	case journal.StateFull, journal.StateReadOnly, journal.StateFailed:
		list = append(list, alarm{
			key: "journal_" + string(h.State), detail: h.Detail, stops: "journal " + string(h.State),
		})
	}
	if h.Doubtful {
		list = append(list, alarm{key: "journal_doubtful", stops: "journal doubtful"})
	}
	if h.LedgerError != "" {
		list = append(list, alarm{key: "ledger_fails", detail: h.LedgerError})
	}
	if h.Repaired > 0 {
		list = append(list, alarm{key: "journal_repaired"})
	}
	return list
}

func dayAlarms(now *picture) []alarm {
	var list []alarm
	if now.office.Doubted {
		a := alarm{key: "clock_doubted", detail: now.office.Doubt}
		if !now.office.Open {
			a.stops = "clock doubted: the office day cannot begin"
		}
		list = append(list, a)
	}
	if len(now.overflow) > 0 {
		letters := strings.Join(slices.Sorted(maps.Keys(now.overflow)), ", ")
		list = append(list, alarm{key: "number_overflow", pairs: []string{"letters", letters}})
	}
	return list
}

func startAlarms(n StartNotes) []alarm {
	var list []alarm
	if n.Damage != "" || n.Restored > 0 {
		detail := strings.Trim(n.Damage+"; "+n.Quarantined, "; ")
		list = append(list, alarm{key: "restored", pairs: []string{"n", strconv.Itoa(n.Restored)}, detail: detail})
	}
	if n.TailMissing {
		list = append(list, alarm{key: "tail_missing"})
	}
	if n.Unclean {
		list = append(list, alarm{key: "unclean_start", note: true})
	}
	return list
}

func (s *Server) alarmMetrics(m series, now *picture) {
	if now != nil {
		above := 0
		for _, n := range now.overflow {
			above += n
		}
		m.one("clock_doubted", "gauge", "1 while date and time are not trusted.", truth(now.office.Doubted))
		m.one("number_overflow", "gauge", "Tickets of the office day above their range.", float64(above))
	}
	m.one("restored_events", "gauge", "Events that the last start had to restore.", float64(s.Started.Restored))
	m.one("unclean_start", "gauge", "1 when the run before was cut off.", truth(s.Started.Unclean))
	if s.Journal == nil {
		return
	}
	h := s.Journal()
	m.head("journal_state", "gauge", "The state of the journal.")
	m.line("journal_state", fmt.Sprintf("state=%q", h.State), 1)
	m.one("journal_ledger_behind", "gauge", "Events that the second copy lacks.", float64(h.LedgerBehind))
}
