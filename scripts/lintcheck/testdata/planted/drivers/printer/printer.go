// Package printer imports what a driver must not.
package printer

import (
	"github.com/okienko/okienko/agent/queue" // want depguard
)

// Kind is from the wrong side.
const Kind = queue.Take
