package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
)

// problem is an answer other than the wished one. code is for programs and chooses the status
// and the sentence that people read; detail names the place of the fault.
type problem struct {
	code   string
	detail string
	after  time.Duration  // for Retry-After
	state  map[string]any // the true state, beside "error" in the body
}

// Error gives the code and the detail.
func (p problem) Error() string {
	if p.detail == "" {
		return p.code
	}
	return p.code + ": " + p.detail
}

// statusOf is the one place where error codes become HTTP statuses.
func statusOf(code string) int {
	switch code {
	case "bad_json", "bad_key", "bad_request":
		return http.StatusBadRequest
	case "unauthorized", "wrong_pin":
		return http.StatusUnauthorized
	case "forbidden", "cross_origin":
		return http.StatusForbidden
	case "not_found", string(queue.NoSuchTicket), string(queue.NoSuchCounter),
		string(queue.NoSuchService), string(queue.NoSuchBooking):
		return http.StatusNotFound
	case "method_not_allowed":
		return http.StatusMethodNotAllowed
	case "body_too_large":
		return http.StatusRequestEntityTooLarge
	case "key_reused", string(queue.ReasonMissing), string(queue.BadValue), string(queue.BadSettings):
		return http.StatusUnprocessableEntity
	case "too_many":
		return http.StatusTooManyRequests
	case "degraded", "unknown", "starting", "busy":
		return http.StatusServiceUnavailable
	case "internal":
		return http.StatusInternalServerError
	default: // every other refusal of the rules: it contradicts the present state
		return http.StatusConflict
	}
}

// translate turns any error into a problem. known is false for an error that nobody foresaw.
func translate(err error) (p problem, known bool) {
	if p, ok := errors.AsType[problem](err); ok {
		return p, true
	}
	if f, ok := errors.AsType[*faultError](err); ok {
		return problem{code: "bad_json", detail: f.Error()}, true
	}
	if r, ok := errors.AsType[*queue.Refusal](err); ok {
		return problem{code: string(r.Code)}, true
	}
	if b, ok := errors.AsType[*access.BackOffError](err); ok {
		return problem{code: "too_many", after: b.After}, true
	}
	switch {
	case errors.Is(err, access.ErrWrongPIN):
		return problem{code: "wrong_pin"}, true
	case errors.Is(err, engine.ErrKeyReused):
		return problem{code: "key_reused"}, true
	case errors.Is(err, engine.ErrDegraded):
		return problem{code: "degraded", after: 5 * time.Second}, true
	case errors.Is(err, engine.ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		return problem{code: "unknown", after: time.Second}, true
	case errors.Is(err, engine.ErrStopped), errors.Is(err, context.Canceled):
		return problem{code: "starting", after: 2 * time.Second}, true
	}
	return problem{code: "internal"}, false
}

// fail answers an error as JSON, in the language that was asked for.
func (s *Server) fail(x *exchange, err error) {
	p, known := translate(err)
	if !known {
		s.Logger.Error("request failed", "method", x.r.Method, "route", x.r.Pattern, "error", err)
	}
	body := map[string]any{"error": map[string]string{"code": p.code, "message": s.message(x, p)}}
	maps.Copy(body, p.state)
	setRetry(x.w, p)
	if p.code == "unauthorized" {
		x.w.Header().Set("WWW-Authenticate", "Bearer")
	}
	x.answer(statusOf(p.code), body)
}

func setRetry(w http.ResponseWriter, p problem) {
	if p.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.after+time.Second-1)/time.Second)))
	}
}

// message is a plain sentence that says what to do.
func (s *Server) message(x *exchange, p problem) string {
	text, ok := s.texts.find(x.lang, "error."+p.code)
	if !ok {
		text = s.texts.text(x.lang, "error.conflict")
	}
	if p.detail != "" {
		text += " (" + p.detail + ")"
	}
	return text
}

// answer writes v as JSON.
func (x *exchange) answer(status int, v any) {
	data := encode(v)
	x.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	x.w.WriteHeader(status)
	_, _ = x.w.Write(append(data, '\n'))
}

// encode makes JSON of an answer. Every answer is plain data, so that a failure is a fault of the
// program.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode an answer: %v", err))
	}
	return data
}
