//go:build slow

package web_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowloris holds 500 connections open with half a request each: others are answered at once,
// and the 500 are cut off.
func TestSlowloris(t *testing.T) {
	url, _, end := serve(t)
	var slow []net.Conn
	for range 500 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")) //nolint:noctx // a test's own port
		fatal(t, err)
		_, err = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A")
		fatal(t, err)
		slow = append(slow, c)
	}
	began := time.Now()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/healthz", http.NoBody)
	fatal(t, err)
	answer, err := http.DefaultTransport.RoundTrip(r)
	fatal(t, err)
	fatal(t, answer.Body.Close())
	if took := time.Since(began); answer.StatusCode != 200 || took > time.Second {
		t.Errorf("%d after %s", answer.StatusCode, took)
	}
	for _, c := range slow {
		fatal(t, c.SetReadDeadline(began.Add(10*time.Second)))
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Fatalf("a half request was not cut off: %v", err)
		}
		fatal(t, c.Close())
	}
	fatal(t, end())
}
