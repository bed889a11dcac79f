package web

import (
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// RouteLine is one line of the route table for tests.
type RouteLine struct {
	Method, Path string
	Role         access.Role
	// API says that the route is a promise and stands in the OpenAPI document.
	API bool
}

// RouteTable gives the route table.
func RouteTable() []RouteLine {
	var list []RouteLine
	for _, rt := range routes() {
		promised := rt.kind == api || rt.path == apiRoot+"/events"
		list = append(list, RouteLine{rt.method, rt.path, rt.role, promised})
	}
	return list
}

// Hasten makes the streams of s beat more often; before its first request.
func (s *Server) Hasten(beat time.Duration) { s.heartbeat = beat }

// Texts and Plural let tests compare the languages.
func Texts() (map[protocol.Language]map[string]string, error) {
	c, err := readCatalogue()
	return c, err
}

// Plural is pluralForm.
func Plural(lang protocol.Language, n int) string { return pluralForm(lang, n) }

// StatusOf is the table of statuses.
func StatusOf(code queue.Code) int { return statusOf(string(code)) }

// ParseAll runs every decoder of bodies and gives their errors.
func ParseAll(body []byte) []error {
	_, take := parseTake(body)
	_, seen := parseSeen(body)
	_, finish := parseFinish(body)
	_, call := parseCall(body)
	_, transfer := parseTransfer(body)
	_, token := parseText("token", true)(body)
	_, reason := parseText("reason", false)(body)
	_, nothing := parseNothing(body)
	_, mark := parseMark(body)
	_, issuing := parseIssuing(body)
	return []error{take, seen, finish, call, transfer, token, reason, nothing, mark, issuing}
}
