package web

import (
	"net/http"
	"strings"

	"github.com/okienko/okienko/agent/access"
)

func (s *Server) clerkPage(x *exchange) error {
	if done, err := s.enterByToken(x); done || err != nil {
		return err
	}
	now, err := s.look(x.r.Context())
	if err != nil {
		return err
	}
	who, ok := x.all.may(access.Clerk)
	if !ok {
		return s.signInForm(x, http.StatusOK, now.branch, "", nil)
	}
	x.who = who
	p := s.pageData(x, x.lang, "clerk", now.branch)
	p["Title"] = s.texts.text(x.lang, "clerk.title")
	_, p["Name"], _ = strings.Cut(who.actor, ":")
	p["Data"] = s.scriptData(x.lang, map[string]any{"queue": now.clerk, "zone": now.zone.String()}, "clerk.")
	return s.render(x, http.StatusOK, "clerk", p)
}

func (s *Server) signInForm(x *exchange, status int, branch, name string, fault error) error {
	p := s.pageData(x, x.lang, "clerk", branch)
	p["Title"] = s.texts.text(x.lang, "clerk.sign_in")
	p["Name"], p["Error"] = name, ""
	if fault != nil {
		told, _ := translate(fault)
		setRetry(x.w, told)
		p["Error"] = s.message(x, told)
		p["Title"] = s.texts.text(x.lang, "common.error") + ": " + s.texts.text(x.lang, "clerk.sign_in")
	}
	return s.render(x, status, "signin", p)
}

// enterByToken turns a clerk's bearer token in the address into a session, so that idle and
// absolute time hold for it too. A demonstration opens its terminals so.
func (s *Server) enterByToken(x *exchange) (done bool, err error) {
	query := x.r.URL.Query()
	token := query.Get("token")
	if token == "" {
		return false, nil
	}
	found, ok := s.Access.LookUp(token)
	if !ok || found.Role != access.Clerk {
		return true, problem{code: "unauthorized"}
	}
	name := found.Label
	if name == "" {
		name = access.FirstClerk
	}
	id := s.Access.Enter(access.Person{Name: name, Role: found.Role}, s.cookie(x.r, sessionCookie))
	s.setCookie(x.w, x.r, sessionCookie, id, 0)
	s.withoutToken(x, query)
	return true, nil
}

func (s *Server) signIn(x *exchange) error {
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, maxBody)
	if err := x.r.ParseForm(); err != nil {
		return problem{code: "bad_request", detail: "form"}
	}
	name, pin := strings.TrimSpace(x.r.PostForm.Get("name")), x.r.PostForm.Get("pin")
	id, who, err := s.Access.SignIn(name, pin, clientAddress(x.r), s.cookie(x.r, sessionCookie))
	if err != nil {
		told, known := translate(err)
		if !known {
			return err
		}
		s.Logger.Warn("sign-in refused", "address", clientAddress(x.r), "code", told.code)
		return s.signInForm(x, statusOf(told.code), "", name, err)
	}
	s.Logger.Info("clerk signed in", "clerk", who.Name, "address", clientAddress(x.r))
	s.setCookie(x.w, x.r, sessionCookie, id, 0)
	http.Redirect(x.w, x.r, "/clerk?lang="+string(x.lang), http.StatusSeeOther)
	return nil
}

func (s *Server) signOut(x *exchange) error {
	s.Access.SignOut(s.cookie(x.r, sessionCookie))
	s.setCookie(x.w, x.r, sessionCookie, "", -1)
	http.Redirect(x.w, x.r, "/clerk?lang="+string(x.lang), http.StatusSeeOther)
	return nil
}
