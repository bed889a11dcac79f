package printer

import (
	"context"
	"errors"
	"io"
	"time"
)

// Port is an open line to a printer.
//
// Read blocks until bytes come; io.EOF and every other error mean that the line is gone. Write
// reports how many bytes were taken even when it fails, and obeys the write deadline. Close makes a
// Read in progress return. A port may also be a Presence, a Queue or a Sensor.
type Port interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
}

// Presence is a port that can tell whether the device it was opened for is still there, even when
// reads look like silence.
type Presence interface {
	// Gone returns nil while the device is there, or why it is not.
	Gone() error
}

// Queue is a port whose operating system holds bytes that the device has not yet taken.
type Queue interface {
	// Unsent returns the number of such bytes; for USB, 1 stands for any number.
	Unsent() (int, error)
	// Discard throws them away where that is possible.
	Discard() error
}

// Sensor is a port with status lines of its own, apart from what the printer answers.
type Sensor interface {
	// Lines reads them. known is false when the device does not use them.
	Lines() (lines Lines, known bool, err error)
}

// Lines are the status lines of a printer port (IEEE 1284, kept by the USB printer class).
type Lines struct {
	PaperOut, Offline, Error bool
}

// Transport opens ports to one address.
type Transport interface {
	// String returns the address, for people and logs.
	String() string
	// Open opens the port. It fails when the device is absent and may be called again.
	Open(ctx context.Context) (Port, error)
	// Rate is the speed of the line in bytes a second.
	Rate() int
}

// fastRate is taken for USB and TCP: far below what they carry, far above what a head prints.
const fastRate = 100_000

var (
	errStalled  = errors.New("the printer takes no bytes")
	errReplaced = errors.New("the port's name now belongs to another device")
)
