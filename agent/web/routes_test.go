package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/web"
)

// concrete fills the parameters of a route's path.
func concrete(path string) string {
	return strings.NewReplacer("{id}", "NOBODY", "{n}", "1", "{$}", "").Replace(path)
}

// status asks and looks at the status only: event streams do not end.
func (b *branch) status(role access.Role, method, path string, headers ...string) reply {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(""))
	fatal(b.t, err)
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+b.tokens[role])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	fatal(b.t, err)
	fatal(b.t, answer.Body.Close())
	return reply{status: answer.StatusCode, header: answer.Header}
}

func TestEveryRouteForEveryRole(t *testing.T) {
	b := open(t)
	for _, rt := range web.RouteTable() {
		for _, role := range []access.Role{"", access.Screen, access.Kiosk, access.Clerk, access.Admin} {
			t.Run(fmt.Sprintf("%s_%s_%s", rt.Method, rt.Path, role), func(t *testing.T) {
				got := b.status(role, rt.Method, concrete(rt.Path)).status
				switch {
				case rt.Role == "" || role != "" && role.Allows(rt.Role):
					if got == http.StatusUnauthorized && rt.Path != "/clerk/sign-in" || got == http.StatusForbidden || got >= 500 {
						t.Errorf("status %d, want it allowed", got)
					}
				case role == "" && got != http.StatusUnauthorized:
					t.Errorf("status %d, want 401", got)
				case role != "" && got != http.StatusForbidden:
					t.Errorf("status %d, want 403", got)
				}
			})
		}
	}
}

func TestRolesOfTheDesign(t *testing.T) {
	want := map[string]access.Role{ // design/5-interfaces.md
		"POST /api/v1/tickets": access.Kiosk, "GET /api/v1/tickets/{id}": access.Kiosk, "GET /api/v1/queue": access.Screen,
		"GET /api/v1/events": access.Screen, "POST /api/v1/counters/{n}/next": access.Clerk, "GET /api/v1/counters": access.Clerk,
		"POST /api/v1/tickets/return": access.Kiosk, "POST /api/v1/checkin": access.Kiosk, "GET /api/v1/devices": access.Admin,
	}
	for name := range strings.FieldsSeq("open close pause resume recall start no-show finish undo call") {
		want["POST /api/v1/counters/{n}/"+name] = access.Clerk
	}
	for name := range strings.FieldsSeq("transfer park return reprint cancel") {
		want["POST /api/v1/tickets/{id}/"+name] = access.Clerk
	}
	for _, rt := range web.RouteTable() {
		key := rt.Method + " " + rt.Path
		if role, ok := want[key]; ok && role != rt.Role {
			t.Errorf("%s needs %s, want %s", key, rt.Role, role)
		}
		delete(want, key)
	}
	for key := range want {
		t.Errorf("%s is missing", key)
	}
}

func TestCrossOriginIsRefused(t *testing.T) {
	b := open(t)
	for _, rt := range web.RouteTable() {
		if rt.Method == http.MethodGet {
			continue
		}
		for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
			got := b.ask(access.Admin, rt.Method, concrete(rt.Path), "{}", header...)
			if got.status != http.StatusForbidden || got.code() != "cross_origin" {
				t.Errorf("%s %s with %s: %d %s", rt.Method, rt.Path, header, got.status, got.body)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	b := open(t)
	for _, path := range []string{"/status", "/clerk", "/kiosk", "/screen", "/api/v1/queue", "/healthz", "/nowhere"} {
		h := b.ask(access.Screen, "GET", path, "").header
		csp := h.Get("Content-Security-Policy")
		if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: CSP %q", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Strict-Transport-Security": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	secure := open(t, func(o *web.Options) { o.BehindTLS = true })
	if h := secure.ask("", "GET", "/status", "").header; h.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS behind TLS")
	}
}

func TestWrongPathsAndMethods(t *testing.T) {
	b := open(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api/v1/nothing", 404, ""},
		{"DELETE", "/api/v1/queue", 405, "GET"},
		{"GET", "/api/v1/counters/1/next", 405, "POST"},
		{"PUT", "/api/v1/tickets", 405, "POST"},
		{"GET", "/static/", 404, ""},
		{"GET", "/static/../server.go", 404, ""},
		{"POST", "/api/v1/counters/01/next", 404, ""},
		{"POST", "/api/v1/counters/9999/next", 404, ""},
	} {
		got := b.ask(access.Admin, c.method, c.path, "")
		if got.status != c.status || got.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d Allow %q, want %d %q", c.method, c.path, got.status, got.header.Get("Allow"), c.status, c.allow)
		}
	}
}

func TestBadRequestsTellNothing(t *testing.T) {
	b := open(t)
	bodies := []string{
		"{", "[]", "null", `"x"`, `{"service":1}`, `{"service":"A","service":"A"}`, `{"Service":"A"}`, `{"x":{}}`, "\xff\xfe",
		`{"service":"A"} x`, strings.Repeat("[", 5000), `{"service":"` + strings.Repeat("A", 1000) + `"}`,
		strings.Repeat("x", 70<<10), `{"ticket":"../../etc/passwd"}`, `{"service":"' OR 1=1 --"}`,
	}
	asked := 0
	for _, rt := range web.RouteTable() {
		if rt.Method == http.MethodGet || strings.HasPrefix(rt.Path, "/clerk/sign-out") {
			continue
		}
		for _, body := range bodies {
			asked++
			got := b.ask(access.Admin, rt.Method, concrete(rt.Path), body)
			if got.status < 400 || got.status >= 500 {
				t.Errorf("%s %s %.40q: %d %s", rt.Method, rt.Path, body, got.status, got.body)
			}
			for _, leak := range []string{"goroutine", ".go:", "panic", "runtime", "/work/", "bbolt"} {
				if strings.Contains(string(got.body), leak) {
					t.Errorf("%s %s %.40q tells %q: %s", rt.Method, rt.Path, body, leak, got.body)
				}
			}
		}
	}
	if asked < 200 {
		t.Errorf("only %d bad requests", asked)
	}
}

func TestOpenPages(t *testing.T) {
	b := open(t)
	page := b.ask("", "GET", "/kiosk", "")
	if page.status != http.StatusOK {
		t.Fatalf("/kiosk on this machine: %d", page.status)
	}
	cookie, _, _ := strings.Cut(page.header.Get("Set-Cookie"), ";")
	if got := b.ask("", "POST", "/api/v1/tickets", `{"service":"A"}`, "Cookie", cookie); got.status != http.StatusCreated {
		t.Errorf("press of an open page: %d %s", got.status, got.body)
	}
	if got := b.ask("", "GET", "/api/v1/queue", "", "Cookie", cookie); got.status != http.StatusUnauthorized && got.status != http.StatusForbidden {
		t.Errorf("a kiosk's cookie reads the queue: %d", got.status)
	}
	if got := b.ask("", "GET", "/kiosk", "", "X-Forwarded-For", "10.0.0.1"); got.status != http.StatusUnauthorized {
		t.Errorf("through a proxy: %d, want 401", got.status)
	}
	free := open(t, func(o *web.Options) { o.OpenPages = true })
	if got := free.ask("", "GET", "/screen", "", "X-Forwarded-For", "10.0.0.1"); got.status != http.StatusOK {
		t.Errorf("open_pages: %d", got.status)
	}
}

func TestPairing(t *testing.T) {
	b := open(t)
	got := b.ask("", "GET", "/kiosk?lang=uk&token="+b.tokens[access.Kiosk], "")
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/kiosk?lang=uk" {
		t.Fatalf("%d to %q", got.status, got.header.Get("Location"))
	}
	set := got.header.Get("Set-Cookie")
	for _, want := range []string{"okienko_test_kiosk=", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(set, want) {
			t.Errorf("cookie %q has no %s", set, want)
		}
	}
	for _, role := range []access.Role{access.Admin, access.Clerk, access.Screen} {
		if got := b.ask("", "GET", "/kiosk?token="+b.tokens[role], ""); got.status != http.StatusUnauthorized || got.header.Get("Set-Cookie") != "" {
			t.Errorf("a %s token paired a kiosk: %d", role, got.status)
		}
	}
	secure := open(t, func(o *web.Options) { o.BehindTLS = true })
	if set := secure.ask("", "GET", "/kiosk?token="+secure.tokens[access.Kiosk], "").header.Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-") || !strings.Contains(set, "Secure") {
		t.Errorf("cookie behind TLS: %q", set)
	}
}
