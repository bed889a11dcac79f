// Package emulator imports the encoder that it checks.
package emulator

import (
	"github.com/okienko/okienko/drivers/escpos" // want depguard
)

// Name is from the wrong side.
const Name = escpos.Name
