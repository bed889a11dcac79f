package main

import (
	"bytes"
	"strings"
	"sync"
)

// tailLines is how much of a program's output is kept.
const tailLines = 30

// tail is a writer that keeps the last lines of what was written, at most 64 KiB. Its zero value is
// ready; it may be used from any goroutine.
type tail struct {
	mu   sync.Mutex
	data []byte
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - 64<<10; over > 0 {
		t.data = bytes.Clone(t.data[over:])
	}
	return len(p), nil
}

// String returns the last lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.data)), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
