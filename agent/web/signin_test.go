package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/web"
)

// signIn posts the form and gives the cookie as a request carries it.
func (b *branch) signIn(pin, old string) (reply, string) {
	b.t.Helper()
	form := url.Values{"name": {access.FirstClerk}, "pin": {pin}}.Encode()
	got := b.ask("", "POST", "/clerk/sign-in", form, "Content-Type", "application/x-www-form-urlencoded", "Cookie", old)
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	return got, cookie
}

func TestSignIn(t *testing.T) {
	b := open(t)
	wrong := "000000"
	if b.pin == wrong {
		wrong = "000001"
	}
	if got, cookie := b.signIn(wrong, ""); got.status != http.StatusUnauthorized || cookie != "" {
		t.Fatalf("a wrong PIN: %d %q", got.status, cookie)
	}
	got, cookie := b.signIn(b.pin, "")
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/clerk") {
		t.Fatalf("the right PIN: %d %s", got.status, got.body)
	}
	if set := got.header.Get("Set-Cookie"); !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") {
		t.Errorf("cookie %q", set)
	}
	var counter struct{ Clerk string }
	b.ask("", "POST", "/api/v1/counters/1/open", "", "Cookie", cookie).into(t, 200, &counter)
	if counter.Clerk != access.FirstClerk {
		t.Errorf("the counter was opened by %q", counter.Clerk)
	}
	if got := b.ask("", "GET", "/api/v1/devices", "", "Cookie", cookie); got.status != http.StatusForbidden {
		t.Errorf("a clerk reads devices: %d", got.status)
	}
	_, fresh := b.signIn(b.pin, cookie)
	if fresh == cookie {
		t.Error("the session identifier survived a sign-in")
	}
	if got := b.ask("", "GET", "/api/v1/counters", "", "Cookie", cookie); got.status != http.StatusUnauthorized {
		t.Errorf("the replaced session: %d", got.status)
	}
	b.ask("", "POST", "/clerk/sign-out", "", "Cookie", fresh)
	if got := b.ask("", "GET", "/api/v1/counters", "", "Cookie", fresh); got.status != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", got.status)
	}
}

func TestSignInBacksOff(t *testing.T) {
	b := open(t)
	var last reply
	for range 5 {
		last, _ = b.signIn("x", "")
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
		t.Errorf("the fifth failure: %d, Retry-After %q", last.status, last.header.Get("Retry-After"))
	}
}

func TestSessionCookieBehindTLS(t *testing.T) {
	b := open(t, func(o *web.Options) { o.BehindTLS = true })
	got, _ := b.signIn(b.pin, "")
	set := got.header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "__Host-okienko_test_session=") || !strings.Contains(set, "Secure") || !strings.Contains(set, "Path=/") {
		t.Errorf("cookie %q", set)
	}
}
