package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// proxy hands the page's commands to the branch's agent. It adds the token of the weakest role that
// may do it, so that the page itself never holds one.
func (s *server) proxy() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, ok := s.wanted(w, r.PathValue("branch"))
		if !ok {
			return
		}
		target, err := url.Parse(b.url)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "branch_url", err.Error())
			return
		}
		path := "/api/v1/" + r.PathValue("rest")
		forward := &httputil.ReverseProxy{
			Transport: b.feed.client.Transport,
			Rewrite: func(p *httputil.ProxyRequest) {
				p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = target.Scheme, target.Host, ""
				p.Out.URL.Path, p.Out.URL.RawPath = path, ""
				cleanHeader(p.Out.Header)
				p.Out.Header.Set("Authorization", "Bearer "+b.tokens.of(r.Method, path))
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
				refuse(w, http.StatusBadGateway, "branch_down", "the branch has no power; it will be back in a second")
			},
		}
		forward.ServeHTTP(w, r)
	})
}

// cleanHeader takes away what belongs between the browser and the demo only. Cookies of one host
// are the same on all its ports, so the agent's own sessions would come along.
func cleanHeader(h http.Header) {
	h.Del("Cookie")
	h.Del("Origin")
	h.Del("Referer")
	for name := range h {
		if strings.HasPrefix(name, "Sec-Fetch-") {
			h.Del(name)
		}
	}
}

// of returns the token of the weakest role that may do the call (design/5-interfaces.md, "The
// branch's JSON API").
func (t tokens) of(method, path string) string {
	path = strings.TrimPrefix(path, "/api/v1/")
	switch {
	case path == "queue" || path == "events":
		return t.Screen
	case path == "devices":
		return t.Admin
	case method == http.MethodPost && (path == "tickets" || path == "tickets/return" || path == "checkin"):
		return t.Kiosk
	default:
		return t.Clerk
	}
}
