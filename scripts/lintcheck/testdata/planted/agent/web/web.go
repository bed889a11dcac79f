// Package web holds planted faults of a shell.
package web

import (
	"context"
	"crypto/md5" // want gosec
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/okienko/okienko/central" // want depguard
)

// ErrGone is a cause.
var ErrGone = errors.New("gone")

// Server keeps a context.
type Server struct {
	ctx context.Context // want containedctx
	log *slog.Logger
}

// New logs globally.
func New(ctx context.Context, l *slog.Logger) *Server {
	slog.Info("started")                 // want sloglint
	l.Info(fmt.Sprintf("started %d", 1)) // want sloglint
	return &Server{ctx: ctx, log: l}
}

// Fetch forgets the body, the context and the error.
func (s *Server) Fetch(url string, err error) (int, error) {
	if err == ErrGone { // want errorlint
		return 0, nil
	}
	r, err := http.Get(url) // want bodyclose forbidigo noctx gosec
	if err != nil {
		return 0, nil // want nilerr
	}
	os.Remove("x")                             // want errcheck
	s.log.Info("fetched", "sum", md5.Sum(nil)) // want gosec
	fmt.Println(central.Name)                  // want forbidigo
	total, n := 0, r.StatusCode
	for i := 0; i < n; i++ { // want modernize
		total += int(i) // want unconvert
	}
	return total, fmt.Errorf("fetch %s: %v", url, ErrGone) // want errorlint
}

// Quiet silences every linter at once.
func Quiet() int { return 1 } //nolint // want nolintlint

func forgotten() {} // want unused
