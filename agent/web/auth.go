package web

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/okienko/okienko/agent/access"
)

// caller is one proof of who asks: a bearer token, a session, a paired device or this machine.
type caller struct {
	role    access.Role
	actor   string
	session string // identifier, when it is a session
}

// callers are all proofs of a request. A bearer token stands alone; a browser may hold several
// cookies, for one machine may show a kiosk and a clerk's terminal.
type callers []caller

// may finds the weakest proof that suffices, so that a kiosk page in a clerk's browser acts as
// the kiosk.
func (cs callers) may(role access.Role) (caller, bool) {
	if role == "" {
		return caller{}, true
	}
	for _, strength := range access.Roles() {
		for _, c := range cs {
			if c.role == strength && c.role.Allows(role) {
				return c, true
			}
		}
	}
	return caller{}, false
}

// cookieName differs by branch, since cookies do not tell ports apart and a demonstration runs
// several branches on one host. __Host- makes the browser enforce Secure and Path.
func (s *Server) cookieName(r *http.Request, kind string) string {
	name := "okienko_" + string(s.Branch) + "_" + kind
	if s.secure(r) {
		return "__Host-" + name
	}
	return name
}

func (s *Server) secure(r *http.Request) bool { return r.TLS != nil || s.BehindTLS }

const (
	sessionCookie = "session"
	yearSeconds   = 400 * 24 * 3600 // the longest that browsers keep a cookie
)

func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, kind, value string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the connection: a branch LAN may be plain
		Name: s.cookieName(r, kind), Value: value, Path: "/", MaxAge: age,
		Secure: s.secure(r), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func (s *Server) cookie(r *http.Request, kind string) string {
	c, err := r.Cookie(s.cookieName(r, kind))
	if err != nil {
		return ""
	}
	return c.Value
}

// identify collects the proofs. listens says that the request only follows events, which must
// not keep a session alive that nobody uses.
func (s *Server) identify(r *http.Request, listens bool) callers {
	if header := r.Header.Get("Authorization"); header != "" {
		token, ok := strings.CutPrefix(header, "Bearer ")
		if !ok {
			return nil
		}
		return s.byToken(strings.TrimSpace(token))
	}
	var found callers
	if id := s.cookie(r, sessionCookie); id != "" {
		who, ok := s.Access.Alive(id)
		if ok && !listens {
			who, ok = s.Access.Session(id)
		}
		if ok {
			found = append(found, caller{role: who.Role, actor: actorName("clerk", who.Name), session: id})
		}
	}
	for _, role := range []access.Role{access.Kiosk, access.Screen} {
		token := s.cookie(r, string(role))
		switch {
		case token == "":
		case subtle.ConstantTimeCompare([]byte(token), []byte(s.visitors+string(role))) == 1:
			found = append(found, caller{role: role, actor: string(role)})
		default:
			found = append(found, s.byToken(token)...)
		}
	}
	return found
}

// admitPage lets a page of the hall be opened: by a device that was paired, and without that by a
// browser on this machine, or by any browser when OpenPages says so. Such a browser gets a cookie
// that holds until the agent starts again, so that only who opened the page can call the API.
func (s *Server) admitPage(x *exchange, role access.Role) error {
	if who, ok := x.all.may(role); ok {
		x.who = who
		return nil
	}
	if !s.OpenPages && !fromThisMachine(x.r) {
		return problem{code: "unpaired_" + string(role)}
	}
	s.setCookie(x.w, x.r, string(role), s.visitors+string(role), 0)
	x.who = caller{role: role, actor: string(role)}
	return nil
}

func (s *Server) byToken(token string) callers {
	t, ok := s.Access.LookUp(token)
	if !ok {
		return nil
	}
	return callers{{role: t.Role, actor: actorName(string(t.Role), t.Label)}}
}

func actorName(kind, name string) string {
	if name == "" {
		return kind
	}
	return kind + ":" + name
}

// fromThisMachine is true for a browser on the same machine that asked for this machine by a
// loopback name. A foreign name that resolves to 127.0.0.1 (DNS rebinding) and whatever comes
// through a proxy do not count.
func fromThisMachine(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	return isLoopback(clientAddress(r)) && isLoopback(hostOnly(r.Host))
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func clientAddress(r *http.Request) string { return hostOnly(r.RemoteAddr) }

func hostOnly(hostPort string) string {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	return strings.Trim(host, "[]")
}

// anonymous reports whether nothing at all was proved, which asks for 401 instead of 403.
func (cs callers) anonymous() bool { return len(cs) == 0 }

// clerk tells whether the caller sees what only clerks see.
func (c caller) clerk() bool {
	return slices.Contains([]access.Role{access.Clerk, access.Admin}, c.role)
}
