package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

// paper is what a visitor must know of the printer before he presses.
type paper string

const (
	paperFine   paper = "ok"
	paperLow    paper = "low"    // prints, but somebody should come
	paperOut    paper = "out"    // the number is shown only
	paperBroken paper = "broken" // likewise, for another reason
	paperNone   paper = "none"   // the branch has no printer
)

// kioskView is all that the touch page shows.
type kioskView struct {
	State    engine.Condition `json:"state"`
	Paper    paper            `json:"paper"`
	Services []serviceView    `json:"services"`
}

func (s *Server) paper() paper {
	if s.Printer == nil {
		return paperNone
	}
	h := s.Printer()
	switch {
	case h.State == drivers.Ready:
		return paperFine
	case h.State == drivers.Degraded:
		return paperLow
	case h.Reason == "paper-out":
		return paperOut
	default:
		return paperBroken
	}
}

// prints reports whether a ticket taken now would come out on paper.
func (p paper) prints() bool { return p == paperFine || p == paperLow }

func (s *Server) kioskPicture(ctx context.Context) (kioskView, error) {
	now, err := s.look(ctx)
	if err != nil {
		return kioskView{}, err
	}
	return kioskView{State: s.Engine.Health().State, Paper: s.paper(), Services: now.clerk.Services}, nil
}

func (s *Server) getKiosk(x *exchange) error {
	view, err := s.kioskPicture(x.r.Context())
	if err != nil {
		return err
	}
	x.answer(http.StatusOK, view)
	return nil
}

// button is one service on the touch page.
type button struct {
	ID                              protocol.ServiceID
	Letter, Name, People, Wait, Why string
	Closed                          bool
}

func (s *Server) kioskPage(x *exchange) error {
	if done, err := s.pair(x, access.Kiosk); done || err != nil {
		return err
	}
	if err := s.admitPage(x, access.Kiosk); err != nil {
		return err
	}
	view, err := s.kioskPicture(x.r.Context())
	if err != nil {
		return err
	}
	now, err := s.look(x.r.Context())
	if err != nil {
		return err
	}
	lang := s.kioskLanguage(x)
	p := s.pageData(x, lang, "kiosk", now.branch)
	p["Title"] = s.texts.text(lang, "kiosk.title")
	p["SizeQuery"] = sizeQuery("kiosk", x.r)
	p["Key"] = rand.Text()
	p["Banner"] = s.kioskBanner(lang, view)
	p["Refresh"] = "30"
	p["Services"] = s.buttons(lang, view)
	start := map[string]any{"kiosk": view, "language": s.Languages[0]}
	p["Data"] = s.scriptData(lang, start, "kiosk.", "people.", "wait.", "reason.")
	return s.render(x, http.StatusOK, "kiosk", p)
}

// kioskLanguage ignores the browser's own language, which the next visitor did not choose, and
// languages that the office does not offer.
func (s *Server) kioskLanguage(x *exchange) protocol.Language {
	asked := protocol.Language(x.r.URL.Query().Get("lang"))
	if slices.Contains(s.Languages, asked) {
		return asked
	}
	return s.Languages[0]
}

func (s *Server) kioskBanner(lang protocol.Language, view kioskView) string {
	switch {
	case view.State != engine.OK:
		return s.texts.text(lang, "kiosk.out_of_order")
	case view.Paper == paperOut:
		return s.texts.text(lang, "kiosk.no_paper")
	case view.Paper == paperBroken:
		return s.texts.text(lang, "kiosk.no_printer")
	default:
		return ""
	}
}

func (s *Server) buttons(lang protocol.Language, view kioskView) []button {
	list := make([]button, len(view.Services))
	for i, service := range view.Services {
		b := button{ID: service.ID, Letter: service.Letter, Name: nameIn(service.Names, lang)}
		b.Closed = !service.Open || view.State != engine.OK
		if service.Open {
			b.People = s.texts.count(lang, "people.waiting", service.Waiting)
			if service.Wait != nil {
				b.Wait = s.waitText(lang, service.Wait)
			}
		} else {
			b.Why = s.texts.text(lang, "reason."+string(service.Code))
		}
		list[i] = b
	}
	return list
}

func nameIn(names map[protocol.Language]string, lang protocol.Language) string {
	if name := names[lang]; name != "" {
		return name
	}
	return names[protocol.Polish]
}

// waitText says a span of seconds in whole minutes, outwards.
func (s *Server) waitText(lang protocol.Language, w *queue.Wait) string {
	if w == nil {
		return s.texts.text(lang, "wait.unknown")
	}
	low, high := w.Low/60, max(1, (w.High+59)/60)
	switch {
	case high <= 1:
		return s.texts.text(lang, "wait.short")
	case low == high:
		return s.texts.text(lang, "wait.about", "n", strconv.Itoa(high))
	default:
		return s.texts.text(lang, "wait.span", "low", strconv.Itoa(low), "high", strconv.Itoa(high))
	}
}

// kioskTake is the press without JavaScript: the key in the form makes a second press of the
// same page the same press.
func (s *Server) kioskTake(x *exchange) error {
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, maxBody)
	if err := x.r.ParseForm(); err != nil {
		return problem{code: "bad_request", detail: "form"}
	}
	key := x.r.PostForm.Get("key")
	if key == "" || len(key) > maxKey {
		return problem{code: "bad_key"}
	}
	lang := s.kioskLanguage(x)
	ticket, err := s.issue(x, key, takeBody{
		service: protocol.ServiceID(x.r.PostForm.Get("service")), language: lang, paper: s.paper().prints(),
	})
	if err != nil {
		return err
	}
	http.Redirect(x.w, x.r, "/kiosk/ticket/"+string(ticket.ID)+"?lang="+string(lang), http.StatusSeeOther)
	return nil
}

// kioskTicket shows the number in big type for those who cannot take paper.
func (s *Server) kioskTicket(x *exchange) error {
	ticket, err := s.lookAtTicket(x.r.Context(), ticketOf(x.r))
	if err != nil {
		return err
	}
	lang := s.kioskLanguage(x)
	p := s.pageData(x, lang, "kiosk", "")
	p["Title"] = ticket.Number.String()
	p["SizeQuery"] = sizeQuery("kiosk", x.r)
	p["Number"] = ticket.Number.String()
	words := s.texts.count(lang, "people.ahead", ticket.ticketDetails.Ahead)
	if ticket.ticketDetails.Wait != nil {
		words += " · " + s.waitText(lang, ticket.ticketDetails.Wait)
	}
	p["Text"] = words
	p["Print"] = s.texts.text(lang, "kiosk.printing")
	if ticket.Print == queue.PrintNone {
		p["Print"] = s.texts.text(lang, "kiosk.remember")
	}
	return s.render(x, http.StatusOK, "taken", p)
}
