// Package queue holds planted faults of a pure package.
package queue

import (
	"os" // want depguard
	"time"
)

// Kind is a kind of command.
type Kind int

// The kinds.
const (
	Take Kind = iota
	Call
)

var state = map[string]int{} // want gochecknoglobals

func init() { state["a"] = 1 } // want gochecknoinits

// Decide forgets a command and asks the clock.
func Decide(k Kind) time.Time {
	switch k { // want exhaustive
	case Take:
		state["b"]++
	}
	_, _ = os.Getwd()
	return time.Now() // want forbidigo
}

func Undocumented() {} // want revive
