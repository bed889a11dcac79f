package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/queue"
)

// maxKey bounds an idempotency key, in bytes.
const maxKey = 200

// keyOf reads the Idempotency-Key. A caller that sends none gets a random one: his command is
// carried out, but if he repeats it after a lost answer it counts as another.
func keyOf(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return rand.Text(), nil
	}
	if len(key) > maxKey {
		return "", problem{code: "bad_key"}
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			return "", problem{code: "bad_key"}
		}
	}
	return key, nil
}

// do carries one command out for the caller, under the request's idempotency key.
func (s *Server) do(x *exchange, c queue.Command) (engine.Answer, error) {
	key, err := keyOf(x.r)
	if err != nil {
		return engine.Answer{}, err
	}
	return s.doAs(x, key, c)
}

func (s *Server) doAs(x *exchange, key string, c queue.Command) (engine.Answer, error) {
	ctx, cancel := context.WithTimeout(x.r.Context(), commandLimit)
	defer cancel()
	return s.Engine.Do(ctx, engine.Request{Key: key, Actor: x.who.actor, Command: c})
}

// read reads and parses the body.
func read[T any](x *exchange, parse func([]byte) (T, error)) (T, error) {
	body, err := readBody(x.w, x.r)
	if err != nil {
		var none T
		return none, err
	}
	return parse(body)
}

// contradicts reports whether the rules refused the command because of the present state, which
// the caller then wants to see.
func contradicts(err error) bool {
	refused, ok := errors.AsType[*queue.Refusal](err)
	return ok && statusOf(string(refused.Code)) == http.StatusConflict
}
