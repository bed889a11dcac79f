package web_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/web"
)

func TestBodyFaultsNameTheKey(t *testing.T) {
	b := open(t)
	for _, c := range []struct{ path, body, want string }{
		{"tickets", `{}`, `"service": is missing`},
		{"tickets", `{"service":1}`, `"service": must be text`},
		{"tickets", `{"service":"A","priority":"yes"}`, `"priority": must be true or false`},
		{"tickets", `{"service":"A","language":"xx"}`, `"language": must be pl, en, uk or de`},
		{"tickets", `{"service":"A","color":1}`, `"color": is not a known key; known are service, language, priority, override, paper`},
		{"tickets", `{"service":"A","service":"C"}`, `"service": stands there twice`},
		{"tickets", `{"service":"A"}{}`, "something follows"},
		{"tickets", `[]`, "not a JSON object"},
		{"counters/1/next", `{"sen":"x"}`, `"sen": is not a known key; known are seen`},
		{"counters/1/pause", `{"a":1}`, `this call takes no body`},
		{"counters/1/call", `{"reason":"x"}`, `"ticket": is missing`},
		{"counters/1/call", `{"ticket":"x","reason":"` + strings.Repeat("ą", 201) + `"}`, `"reason": must have at most 200`},
		{"tickets/X/transfer", `{}`, "say either service or counter"},
		{"tickets/X/transfer", `{"counter":"4"}`, `"counter": must be a number`},
		{"tickets/X/transfer", `{"service":"A","counter":4}`, "say either"},
		{"tickets/X/reprint", `{"mark":"gold"}`, `"mark": must be copy or reprint`},
		{"services/A/issuing", `{"mode":"maybe"}`, `"mode": must be auto, on or stopped`},
	} {
		var got struct {
			Error struct{ Code, Message string }
		}
		b.ask(access.Admin, "POST", "/api/v1/"+c.path, c.body).into(t, 400, &got)
		if got.Error.Code != "bad_json" || !strings.Contains(got.Error.Message, c.want) {
			t.Errorf("%s %s: %+v, want %q", c.path, c.body, got.Error, c.want)
		}
	}
}

func bodySeeds(f *testing.F) {
	f.Helper()
	for _, s := range []string{
		"", " ", "{}", "null", `{"service":"A","language":"pl","priority":false}`, `{"seen":""}`, `{"seen":null}`,
		`{"ticket":"X","reason":"powód"}`, `{"service":"B","as_new":true}`, `{"counter":4,"back_to_me":true}`, `{"token":"https://x/t/abc?y"}`,
		`{"mark":"copy"}`, `{"mode":"on"}`, `{"a":{"b":[1,2,{"c":null}]}}`, `{"seen":"\ud800"}`, `{"seen":1e999}`, "{\"a\":\x00}",
	} {
		f.Add([]byte(s))
	}
}

// FuzzJSONBodies gives every decoder of bodies any bytes: it must not panic, and its errors must
// be short, printable and in one line, since they are shown to people.
func FuzzJSONBodies(f *testing.F) {
	bodySeeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for i, err := range web.ParseAll(body) {
			if err == nil {
				continue
			}
			text := err.Error()
			if len(text) > 400 || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x00") {
				t.Errorf("decoder %d on %q: %q", i, body, text)
			}
		}
	})
}

// FuzzAPI sends any method, path and body to the whole site with an administrator's token: no
// panic, no answer of 500, and JSON where JSON is promised.
func FuzzAPI(f *testing.F) {
	for _, rt := range web.RouteTable() {
		f.Add(rt.Method, concrete(rt.Path), []byte(`{"service":"A"}`), "key-1")
		f.Add(rt.Method, concrete(rt.Path), []byte(`{"seen":""}`), "")
	}
	b := open(f)
	f.Fuzz(func(t *testing.T, method, path string, body []byte, key string) {
		got, ok := b.raw(t, method, path, body, key)
		if !ok {
			return
		}
		if got.status == 500 || got.status >= 600 {
			t.Errorf("%s %q %q: %d %s", method, path, body, got.status, got.body)
		}
		if got.status >= 400 && strings.HasPrefix(path, "/api/") && got.code() == "" {
			t.Errorf("%s %q %q: %d without a code: %s", method, path, body, got.status, got.body)
		}
	})
}
