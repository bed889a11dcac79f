package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/protocol"
)

// field is one key that a body may have.
type field struct {
	name string
	into any    // *string, *int, *bool or a pointer to one of them for "not said"
	kind string // what the value must be, in the words of the message
}

// faultError says what is wrong with a body: key is the JSON key, empty for the whole.
type faultError struct{ key, what string }

func (e *faultError) Error() string {
	if e.key == "" {
		return e.what
	}
	return fmt.Sprintf("%q: %s", e.key, e.what)
}

// readBody reads at most maxBody bytes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, problem{code: "body_too_large"}
	}
	if err != nil {
		return nil, problem{code: "bad_json", detail: "the body ended early"}
	}
	return body, nil
}

// parseObject reads one JSON object strictly: unknown, doubled and wrongly typed keys are errors
// that name the key. An empty body is an empty object, and null is a key that is not said.
// Keys are compared exactly, unlike encoding/json.
func parseObject(body []byte, fields ...field) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if !utf8.Valid(body) {
		return &faultError{what: "the body is not UTF-8"}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') {
		return &faultError{what: "the body is not a JSON object"}
	}
	var seen []string
	for dec.More() {
		token, err := dec.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return &faultError{what: "the body is not valid JSON"}
		}
		if slices.Contains(seen, key) {
			return &faultError{key: shorten(key), what: "stands there twice"}
		}
		seen = append(seen, key)
		if err := readField(dec, key, fields); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return &faultError{what: "the body is not valid JSON"}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &faultError{what: "something follows the JSON object"}
	}
	return nil
}

func readField(dec *json.Decoder, key string, fields []field) error {
	at := slices.IndexFunc(fields, func(f field) bool { return f.name == key })
	if at < 0 {
		return &faultError{key: shorten(key), what: "is not a known key" + knownKeys(fields)}
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return &faultError{what: "the body is not valid JSON"}
	}
	if err := json.Unmarshal(raw, fields[at].into); err != nil {
		return &faultError{key: key, what: "must be " + fields[at].kind}
	}
	return nil
}

func knownKeys(fields []field) string {
	if len(fields) == 0 {
		return ": this call takes no body"
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return "; known are " + strings.Join(names, ", ")
}

// shorten bounds what of a foreign key is repeated in a message.
func shorten(s string) string {
	const limit = 40
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// maxText bounds reasons and other free words, in characters.
const maxText = 200

func tooLong(key, s string) error {
	if utf8.RuneCountInString(s) > maxText {
		return &faultError{key: key, what: fmt.Sprintf("must have at most %d characters", maxText)}
	}
	return nil
}

func missing(key string) error { return &faultError{key: key, what: "is missing"} }

type takeBody struct {
	service  protocol.ServiceID
	language protocol.Language
	priority bool
	override bool
	paper    bool
}

func parseTake(body []byte) (takeBody, error) {
	b := takeBody{language: protocol.Polish, paper: true}
	err := parseObject(body,
		field{"service", &b.service, "text"}, field{"language", &b.language, "text"},
		field{"priority", &b.priority, "true or false"}, field{"override", &b.override, "true or false"},
		field{"paper", &b.paper, "true or false"})
	switch {
	case err != nil:
		return b, err
	case b.service == "":
		return b, missing("service")
	case !slices.Contains([]protocol.Language{"pl", "en", "uk", "de"}, b.language):
		return b, &faultError{key: "language", what: "must be pl, en, uk or de"}
	}
	return b, nil
}

type seenBody struct {
	seen    *protocol.TicketID
	outcome string
}

func parseSeen(body []byte) (seenBody, error) {
	var b seenBody
	return b, parseObject(body, field{"seen", &b.seen, "text"})
}

func parseFinish(body []byte) (seenBody, error) {
	var b seenBody
	err := parseObject(body, field{"seen", &b.seen, "text"}, field{"outcome", &b.outcome, "text"})
	if err == nil {
		err = tooLong("outcome", b.outcome)
	}
	return b, err
}

type callBody struct {
	ticket protocol.TicketID
	reason string
}

func parseCall(body []byte) (callBody, error) {
	var b callBody
	err := parseObject(body, field{"ticket", &b.ticket, "text"}, field{"reason", &b.reason, "text"})
	switch {
	case err != nil:
		return b, err
	case b.ticket == "":
		return b, missing("ticket")
	}
	return b, tooLong("reason", b.reason)
}

func parseTransfer(body []byte) (queue.Transfer, error) {
	var t queue.Transfer
	err := parseObject(body, field{"service", &t.Service, "text"}, field{"counter", &t.Counter, "a number"},
		field{"as_new", &t.AsNew, "true or false"}, field{"back_to_me", &t.BackToMe, "true or false"})
	switch {
	case err != nil:
		return t, err
	case (t.Service == "") == (t.Counter == 0):
		return t, &faultError{what: "say either service or counter"}
	}
	return t, nil
}

// parseText reads a body of one key with text.
func parseText(key string, required bool) func(body []byte) (string, error) {
	return func(body []byte) (string, error) {
		var s string
		err := parseObject(body, field{key, &s, "text"})
		switch {
		case err != nil:
			return "", err
		case required && s == "":
			return "", missing(key)
		}
		return s, tooLong(key, s)
	}
}

func parseNothing(body []byte) (struct{}, error) { return struct{}{}, parseObject(body) }

func parseMark(body []byte) (queue.Mark, error) {
	mark := queue.MarkCopy
	err := parseObject(body, field{"mark", &mark, "text"})
	if err == nil && mark != queue.MarkCopy && mark != queue.MarkReprint {
		err = &faultError{key: "mark", what: "must be copy or reprint"}
	}
	return mark, err
}

func parseIssuing(body []byte) (queue.IssuingMode, error) {
	var mode queue.IssuingMode
	err := parseObject(body, field{"mode", &mode, "text"})
	modes := []queue.IssuingMode{queue.IssuingAuto, queue.IssuingOn, queue.IssuingStopped}
	if err == nil && !slices.Contains(modes, mode) {
		err = &faultError{key: "mode", what: "must be auto, on or stopped"}
	}
	return mode, err
}

// tokenOf takes a token out of what a scanner read: the token itself or the e-ticket's address.
func tokenOf(scanned string) string {
	scanned = strings.TrimSpace(scanned)
	if at := strings.LastIndex(scanned, "/t/"); at >= 0 {
		scanned = scanned[at+len("/t/"):]
	}
	scanned, _, _ = strings.Cut(scanned, "?")
	return strings.Trim(scanned, "/")
}
