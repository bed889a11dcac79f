package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/web"
)

// document is the part of the OpenAPI document that tests look at.
type document struct {
	Paths map[string]map[string]struct {
		Role        string `json:"x-role"`
		RequestBody *struct {
			Content map[string]struct {
				Schema  json.RawMessage
				Example json.RawMessage
			}
		} `json:"requestBody"`
		Responses map[string]struct {
			Content map[string]struct{ Schema json.RawMessage }
		}
	}
}

// contract checks answers against the document that the server itself gives out.
type contract struct {
	document
	compiler *jsonschema.Compiler
}

func readContract(t testing.TB, b *branch) contract {
	t.Helper()
	got := b.ask("", "GET", "/api/openapi.json", "")
	var c contract
	got.into(t, http.StatusOK, &c.document)
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(got.body))
	fatal(t, err)
	c.compiler = jsonschema.NewCompiler()
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	fatal(t, c.compiler.AddResource("http://okienko/openapi.json", root))
	return c
}

// pointer escapes a path for a JSON pointer in a URL fragment.
func pointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(s)
}

// check validates data against the schema below the pointer of an operation.
func (c contract) check(t testing.TB, path, method, where string, data []byte) {
	t.Helper()
	at := fmt.Sprintf("http://okienko/openapi.json#/paths/%s/%s/%s", pointer(path), strings.ToLower(method), where)
	schema, err := c.compiler.Compile(at)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	fatal(t, err)
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s %s: %v\n%s", method, path, err, data)
	}
}

const jsonBody = "content/application~1json/schema"

// answer validates an answer against its status's schema.
func (c contract) answer(t testing.TB, path, method string, got reply) {
	t.Helper()
	c.check(t, path, method, fmt.Sprintf("responses/%d/%s", got.status, jsonBody), got.body)
}

func TestOpenAPIHasEveryRoute(t *testing.T) {
	c := readContract(t, open(t))
	promised := map[string]bool{}
	for _, rt := range web.RouteTable() {
		if !rt.API {
			continue
		}
		promised[rt.Method+" "+rt.Path] = true
		op, ok := c.Paths[rt.Path][strings.ToLower(rt.Method)]
		if !ok {
			t.Errorf("%s %s is not in openapi.json", rt.Method, rt.Path)
			continue
		}
		if op.Role != string(rt.Role) {
			t.Errorf("%s %s: openapi.json says role %s, the route %s", rt.Method, rt.Path, op.Role, rt.Role)
		}
	}
	for path, methods := range c.Paths {
		for method, op := range methods {
			if !promised[strings.ToUpper(method)+" "+path] {
				t.Errorf("openapi.json has %s %s, which is no route", method, path)
			}
			if op.RequestBody == nil {
				continue
			}
			if example := op.RequestBody.Content["application/json"].Example; example != nil {
				c.check(t, path, method, "requestBody/"+jsonBody, example)
			}
		}
	}
}

// call is one step of a conversation whose answer is checked against the document.
type call struct {
	role                 access.Role
	method, path, actual string
	body                 string
	status               int
}

func TestAnswersKeepTheContract(t *testing.T) {
	b := open(t)
	c := readContract(t, b)
	first, second := b.take("A"), b.take("C")
	third := b.take("A")
	_, _, token := cutLast(third.URL)
	const counters, tickets = "/api/v1/counters/{n}/", "/api/v1/tickets/{id}/"
	for _, step := range []call{
		{access.Kiosk, "POST", "/api/v1/tickets", "", `{"service":"A","language":"uk","priority":true}`, 201},
		{access.Kiosk, "POST", "/api/v1/tickets", "", `{"service":"F"}`, 409},
		{access.Kiosk, "POST", "/api/v1/tickets", "", `{"service":"Q"}`, 404},
		{access.Kiosk, "POST", "/api/v1/tickets", "", `{"service":"A","override":true}`, 403},
		{access.Kiosk, "GET", "/api/v1/tickets/{id}", "/api/v1/tickets/" + first.ID, "", 200},
		{access.Kiosk, "GET", "/api/v1/tickets/{id}", "/api/v1/tickets/NOBODY", "", 404},
		{access.Screen, "GET", "/api/v1/queue", "", "", 200},
		{access.Clerk, "GET", "/api/v1/queue", "", "", 200},
		{access.Clerk, "POST", counters + "next", "/api/v1/counters/1/next", "", 409},
		{access.Clerk, "POST", counters + "open", "/api/v1/counters/1/open", "", 200},
		{access.Clerk, "POST", counters + "next", "/api/v1/counters/1/next", `{"seen":""}`, 200},
		{access.Clerk, "POST", counters + "next", "/api/v1/counters/1/next", `{"seen":""}`, 409},
		{access.Clerk, "POST", counters + "recall", "/api/v1/counters/1/recall", "", 200},
		{access.Clerk, "POST", counters + "start", "/api/v1/counters/1/start", "", 200},
		{access.Clerk, "POST", counters + "no-show", "/api/v1/counters/1/no-show", "{}", 200},
		{access.Clerk, "POST", counters + "undo", "/api/v1/counters/1/undo", "{}", 200},
		{access.Clerk, "POST", counters + "pause", "/api/v1/counters/1/pause", "", 200},
		{access.Clerk, "POST", counters + "resume", "/api/v1/counters/1/resume", "", 200},
		{access.Clerk, "POST", counters + "finish", "/api/v1/counters/1/finish", `{"outcome":"done"}`, 200},
		{access.Clerk, "POST", counters + "call", "/api/v1/counters/1/call", `{"ticket":"` + second.ID + `"}`, 422},
		{access.Clerk, "POST", counters + "call", "/api/v1/counters/1/call", `{"ticket":"` + second.ID + `","reason":"infant"}`, 200},
		{access.Clerk, "POST", tickets + "park", "/api/v1/tickets/" + second.ID + "/park", "", 200},
		{access.Clerk, "GET", "/api/v1/queue", "", "", 200},
		{access.Clerk, "POST", tickets + "return", "/api/v1/tickets/" + second.ID + "/return", "", 200},
		{access.Clerk, "POST", tickets + "transfer", "/api/v1/tickets/" + second.ID + "/transfer", `{"service":"L"}`, 200},
		{access.Clerk, "POST", tickets + "reprint", "/api/v1/tickets/" + second.ID + "/reprint", "", 200},
		{access.Clerk, "POST", tickets + "cancel", "/api/v1/tickets/" + second.ID + "/cancel", `{"reason":"went home"}`, 200},
		{access.Clerk, "POST", tickets + "cancel", "/api/v1/tickets/" + second.ID + "/cancel", "", 409},
		{access.Kiosk, "POST", "/api/v1/tickets/return", "", `{"token":"` + third.URL + `"}`, 200},
		{access.Kiosk, "POST", "/api/v1/tickets/return", "", `{"token":"` + token + `x"}`, 404},
		{access.Kiosk, "POST", "/api/v1/checkin", "", `{"code":"123456"}`, 404},
		{access.Clerk, "GET", "/api/v1/counters", "", "", 200},
		{access.Clerk, "POST", counters + "close", "/api/v1/counters/1/close", "", 200},
		{access.Admin, "POST", "/api/v1/clock/trust", "/api/v1/clock/trust", "", 200},
		{access.Admin, "POST", "/api/v1/services/{id}/issuing", "/api/v1/services/A/issuing", `{"mode":"stopped"}`, 200},
		{access.Kiosk, "POST", "/api/v1/tickets", "", `{"service":"A"}`, 409},
		{access.Admin, "POST", "/api/v1/tickets", "", `{"service":"A","override":true,"paper":false}`, 201},
		{access.Admin, "GET", "/api/v1/devices", "", "", 200},
		{access.Screen, "GET", "/api/v1/devices", "", "", 403},
		{"", "GET", "/api/v1/queue", "", "", 401},
	} {
		actual := step.actual
		if actual == "" {
			actual = step.path
		}
		got := b.ask(step.role, step.method, actual, step.body)
		if got.status != step.status {
			t.Errorf("%s %s %s: %d, want %d: %s", step.method, actual, step.body, got.status, step.status, got.body)
			continue
		}
		c.answer(t, step.path, step.method, got)
	}
}

// cutLast cuts at the last slash.
func cutLast(s string) (before, slash, after string) {
	at := strings.LastIndex(s, "/")
	return s[:at], "/", s[at+1:]
}
