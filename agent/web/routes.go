package web

import (
	"net/http"
	"strings"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/protocol"
)

// exchange is one request with what is known about it.
type exchange struct {
	w    http.ResponseWriter
	r    *http.Request
	who  caller // the proof that let the request in
	all  callers
	lang protocol.Language
}

// kind says who reads the answer of a route.
type kind int

const (
	api    kind = iota // a program: errors are JSON, and the route is in the OpenAPI document
	inner              // our own pages' scripts: as api, but no promise
	page               // a person
	probe              // a machine that watches; anybody may ask
	stream             // as api; the request only listens
)

// route is one line of the table that the mux, the tests and the OpenAPI check share.
type route struct {
	method, path string
	role         access.Role // empty: anybody
	kind         kind
	handle       func(*Server, *exchange) error
}

const apiRoot = "/api/v1"

// routes is the whole site but for static files.
func routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	list := []route{
		{post, apiRoot + "/tickets", access.Kiosk, api, (*Server).takeTicket},
		{get, apiRoot + "/tickets/{id}", access.Kiosk, api, (*Server).getTicket},
		{post, apiRoot + "/tickets/return", access.Kiosk, api, (*Server).returnByToken},
		{post, apiRoot + "/checkin", access.Kiosk, api, (*Server).checkIn},
		{get, apiRoot + "/queue", access.Screen, api, (*Server).getQueue},
		{get, apiRoot + "/events", access.Screen, stream, (*Server).getEvents},
		{get, apiRoot + "/counters", access.Clerk, api, (*Server).getCounters},
		{post, apiRoot + "/counters/{n}/next", access.Clerk, api, (*Server).nextTicket},
		{post, apiRoot + "/tickets/{id}/transfer", access.Clerk, api, (*Server).transferTicket},
		{post, apiRoot + "/tickets/{id}/park", access.Clerk, api, (*Server).parkTicket},
		{post, apiRoot + "/tickets/{id}/return", access.Clerk, api, (*Server).returnTicket},
		{post, apiRoot + "/tickets/{id}/reprint", access.Clerk, api, (*Server).reprintTicket},
		{post, apiRoot + "/tickets/{id}/cancel", access.Clerk, api, (*Server).cancelTicket},
		{post, apiRoot + "/services/{id}/issuing", access.Admin, api, (*Server).setIssuing},
		{post, apiRoot + "/clock/trust", access.Admin, api, (*Server).trustClock},
		{get, apiRoot + "/devices", access.Admin, api, (*Server).getDevices},

		{get, apiRoot + "/kiosk", access.Kiosk, inner, (*Server).getKiosk},
		{get, apiRoot + "/kiosk/events", access.Kiosk, stream, (*Server).getKioskEvents},

		{get, "/api/openapi.json", "", probe, (*Server).getOpenAPI},
		{get, "/healthz", "", probe, (*Server).healthz},
		{get, "/readyz", "", probe, (*Server).readyz},
		{get, "/metrics", "", probe, (*Server).metrics},

		{get, "/{$}", "", page, (*Server).home},
		{get, "/status", "", page, (*Server).statusPage},
		{get, "/kiosk", "", page, (*Server).kioskPage}, // says how to pair when nothing is proved
		{post, "/kiosk/take", access.Kiosk, page, (*Server).kioskTake},
		{get, "/kiosk/ticket/{id}", access.Kiosk, page, (*Server).kioskTicket},
		{get, "/screen", "", page, (*Server).screenPage},
		{get, "/clerk", "", page, (*Server).clerkPage}, // shows the sign-in form
		{post, "/clerk/sign-in", "", page, (*Server).signIn},
		{post, "/clerk/sign-out", "", page, (*Server).signOut},
		{get, "/size.css", "", page, (*Server).sizeSheet},
	}
	return append(list, counterRoutes()...)
}

// mux builds the handler of all routes.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes() {
		mux.HandleFunc(rt.method+" "+rt.path, s.serve(rt))
	}
	mux.Handle("GET /static/", staticHandler())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			s.serve(route{kind: kindOf(r.URL.Path), handle: nowhere(mux, r)})(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// nowhere tells a wrong method from a wrong path.
func nowhere(mux *http.ServeMux, r *http.Request) func(*Server, *exchange) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	return func(_ *Server, x *exchange) error {
		if len(allowed) == 0 {
			return problem{code: "not_found"}
		}
		x.w.Header().Set("Allow", strings.Join(allowed, ", "))
		return problem{code: "method_not_allowed"}
	}
}

func kindOf(path string) kind {
	if strings.HasPrefix(path, "/api/") {
		return api
	}
	return page
}

// serve checks who asks and tells errors in the fitting form.
func (s *Server) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{w: w, r: r, lang: s.language(r)}
		x.all = s.identify(r, rt.kind == stream)
		who, ok := x.all.may(rt.role)
		x.who = who
		var err error
		switch {
		case ok:
			err = rt.handle(s, x)
		case x.all.anonymous():
			err = problem{code: "unauthorized"}
		default:
			err = problem{code: "forbidden"}
		}
		switch {
		case err == nil:
		case rt.kind == page:
			s.failPage(x, err)
		default:
			s.fail(x, err)
		}
	}
}

// guard wraps everything: headers, the origin check and a last resort for panics, which must
// not tell a visitor how the program is built.
func (s *Server) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(&exchange{w: w, r: r, lang: s.language(r)}, problem{code: "cross_origin"})
	}))
	inner := crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.setHeaders(w, r)
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { //nolint:errorlint // the documented sentinel, panicked as it is
					panic(v)
				}
				s.Logger.Error("request panicked", "method", r.Method, "route", r.Pattern, "panic", v)
				s.fail(&exchange{w: w, r: r, lang: s.language(r)}, problem{code: "internal"})
			}
		}()
		inner.ServeHTTP(w, r)
	})
}

// setHeaders sets what every answer carries (design/7-security.md, 43).
func (s *Server) setHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if s.secure(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
