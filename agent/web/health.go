package web

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

// healthz says that the process lives and answers; nothing more, so that a supervisor does not
// restart an agent for a full disk.
func (s *Server) healthz(x *exchange) error {
	x.answer(http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// readyz says whether tickets can be issued and visitors called; 503 with the reasons when not.
func (s *Server) readyz(x *exchange) error {
	reasons := []string{}
	now, _ := s.look(x.r.Context()) // without a picture the alarms say that nobody answers
	for _, a := range s.alarms(now) {
		if a.stops != "" {
			reasons = append(reasons, a.stops)
		}
	}
	status, word := http.StatusOK, "ready"
	if len(reasons) > 0 {
		status, word = http.StatusServiceUnavailable, "not ready"
	}
	x.answer(status, map[string]any{"status": word, "reasons": reasons})
	return nil
}

// series writes Prometheus text format 0.0.4 by hand: few lines, no library.
type series struct{ w *strings.Builder }

func (m series) head(name, kind, help string) {
	fmt.Fprintf(m.w, "# HELP okienko_%s %s\n# TYPE okienko_%s %s\n", name, help, name, kind)
}

func (m series) one(name, kind, help string, value float64) {
	m.head(name, kind, help)
	m.line(name, "", value)
}

// line adds a sample; labels are ready-made, as k="v".
func (m series) line(name, labels string, value float64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	fmt.Fprintf(m.w, "okienko_%s%s %s\n", name, labels, strconv.FormatFloat(value, 'g', -1, 64))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (s *Server) metrics(x *exchange) error {
	var text strings.Builder
	m := series{&text}
	now, _ := s.look(x.r.Context()) // what is known without the engine still tells the story
	if now != nil {
		queueMetrics(m, now)
	}
	s.alarmMetrics(m, now)
	h := s.Engine.Health()
	seq, _ := s.Engine.Committed()
	m.one("journal_seq", "counter", "Number of the newest durable event.", float64(seq))
	m.one("events_in_memory", "gauge", "Events that are not on disk yet.", float64(h.InMemory))
	m.one("degraded", "gauge", "1 while the disk fails and no ticket is issued.", truth(h.State != engine.OK))
	m.one("commits_total", "counter", "Commits since the start.", float64(h.Commits))
	m.one("commit_seconds_total", "counter", "Time spent in commits since the start.", h.CommitTotal.Seconds())
	m.one("commit_seconds_max", "gauge", "The slowest commit since the start.", h.CommitMax.Seconds())
	s.printerMetrics(m)
	m.head("device_ready", "gauge", "1 while the device works without a person.")
	for _, d := range s.devices() {
		m.line("device_ready", fmt.Sprintf("device=%q,kind=%q", d.Name, d.Kind), truth(d.State == drivers.Ready))
	}
	m.one("streams", "gauge", "Live event streams.", float64(s.streams.Load()))
	m.one("uptime_seconds", "gauge", "Time since the web server was made.", time.Since(s.started).Seconds())
	m.one("resident_bytes", "gauge", "Resident memory of the agent.", float64(residentBytes()))
	m.one("goroutines", "gauge", "Goroutines of the agent.", float64(runtime.NumGoroutine()))
	m.head("build_info", "gauge", "The agent's version.")
	m.line("build_info", fmt.Sprintf("version=%q", s.Version), 1)
	x.w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if _, err := io.WriteString(x.w, text.String()); err != nil {
		return nil //nolint:nilerr // the client has gone
	}
	if s.Metrics != nil {
		s.Metrics(x.w)
	}
	return nil
}

func queueMetrics(m series, now *picture) {
	m.one("tickets_today", "gauge", "Tickets of the office day.", float64(now.issued))
	m.one("called_today", "gauge", "Tickets of the office day that were called.", float64(now.called))
	m.head("waiting", "gauge", "People who wait, by service.")
	const most = 12 // services with a line of their own; the rest share one
	rest := 0
	for i, v := range now.clerk.Services {
		if i >= most {
			rest += v.Waiting
			continue
		}
		m.line("waiting", fmt.Sprintf("service=%q", v.ID), float64(v.Waiting))
	}
	if len(now.clerk.Services) > most {
		m.line("waiting", `service="other"`, float64(rest))
	}
	open := 0
	for _, c := range now.clerk.Counters {
		if c.State == queue.CounterIsOpen {
			open++
		}
	}
	m.one("counters_open", "gauge", "Counters that are open.", float64(open))
}

func (s *Server) printerMetrics(m series) {
	if s.Printer == nil {
		return
	}
	h := s.Printer()
	m.one("printer_usable", "gauge", "1 when tickets can be printed.", truth(s.paper().prints()))
	m.head("printer_state", "gauge", "The printer's state and reason.")
	m.line("printer_state", fmt.Sprintf("state=%q,reason=%q", h.State, h.Reason), 1)
}

// residentBytes reads the second field of /proc/self/statm (proc(5)), 0 where there is none.
func residentBytes() int {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}

func (s *Server) devices() []devices.Status {
	if s.Devices == nil {
		return []devices.Status{}
	}
	return s.Devices.Devices()
}

func (s *Server) getDevices(x *exchange) error {
	x.answer(http.StatusOK, map[string]any{"devices": s.devices()})
	return nil
}

type statusLine struct{ Name, Value string }

type statusService struct {
	Letter, Name, Last, Issuing string
	Waiting, Open               int
}

type statusDevice struct{ Name, State, Since string }

type statusAlarm struct {
	Text, Detail string
	Note         bool
}

// statusPage is for people who were sent to look at the machine. It tells no detail that only an
// administrator may see, and opens also when the engine does not answer.
func (s *Server) statusPage(x *exchange) error {
	status := http.StatusOK
	now, err := s.look(x.r.Context())
	alarms := s.alarms(now)
	if err != nil {
		status, now = http.StatusServiceUnavailable, &picture{zone: time.UTC}
	}
	p := s.pageData(x, x.lang, "status", now.branch)
	say := func(key string) string { return s.texts.text(x.lang, key) }
	p["Title"] = say("status.title")
	p["Verdict"], p["Fine"] = say("status.fine"), true
	switch {
	case len(alarms) == 0 || alarms[0].note: // they come by weight
	case alarms[0].stops != "":
		p["Verdict"], p["Fine"] = say("status.stopped"), false
	default:
		p["Verdict"], p["Fine"] = say("status.attention"), false
	}
	p["Alarms"] = s.statusAlarms(x, alarms)
	p["Lines"] = []statusLine{
		{say("status.time"), now.clerk.Time},
		{say("status.day"), string(now.clerk.Day)},
		{say("status.hours"), s.hours(now)},
		{say("status.events"), strconv.FormatUint(now.clerk.Seq, 10)},
		{say("status.version"), s.Version},
		{say("status.up"), time.Since(s.started).Round(time.Second).String()},
	}
	p["Services"] = s.statusServices(x, now)
	var list []statusDevice
	for _, d := range s.devices() {
		list = append(list, statusDevice{d.Name, deviceState(d.Health), d.Since.In(now.zone).Format("15:04")})
	}
	p["Devices"] = list
	return s.render(x, status, "status", p)
}

func (s *Server) statusAlarms(x *exchange, alarms []alarm) []statusAlarm {
	_, admin := x.all.may(access.Admin)
	list := make([]statusAlarm, len(alarms))
	for i, a := range alarms {
		list[i] = statusAlarm{Text: s.texts.text(x.lang, "alarm."+a.key, a.pairs...), Note: a.note}
		if admin {
			list[i].Detail = a.detail
		}
	}
	return list
}

func deviceState(h drivers.Health) string {
	if h.Reason == "" {
		return string(h.State)
	}
	return string(h.State) + " (" + h.Reason + ")"
}

func (s *Server) hours(now *picture) string {
	if now.office.Opens == now.office.Closes {
		return "–"
	}
	clock := func(at protocol.Instant) string { return at.Time().In(now.zone).Format("15:04") }
	return clock(now.office.Opens) + "–" + clock(now.office.Closes)
}

func (s *Server) statusServices(x *exchange, now *picture) []statusService {
	list := make([]statusService, len(now.clerk.Services))
	for i, v := range now.clerk.Services {
		issuing := s.texts.text(x.lang, "status.issues")
		if !v.Open {
			issuing = s.texts.text(x.lang, "reason."+string(v.Code))
		}
		list[i] = statusService{v.Letter, nameIn(v.Names, x.lang), v.LastCalled, issuing, v.Waiting, v.CountersOpen}
	}
	return list
}
