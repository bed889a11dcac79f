// Package drivers holds the small interfaces between the branch and its devices, and Health,
// the one way in which every device says how it is.
//
// The agent imports this package and never a concrete driver; cmd wires the two together.
package drivers

import (
	"context"
	"time"

	"github.com/okienko/okienko/drivers/paper"
)

// State is how usable a device is, as seen by its own driver.
type State string

// The states of a device.
const (
	// Ready means that the device answered or, where it cannot answer, accepted its last bytes.
	Ready State = "ready"
	// Degraded means usable, but a person should come: paper near its end, no status replies.
	Degraded State = "degraded"
	// Absent means that the device is not there: no such port, unplugged, switched off.
	Absent State = "absent"
	// Failed means that the device is there and cannot work: paper out, cover open, stalled.
	Failed State = "failed"
)

// Health is a device's own account of itself at one moment.
type Health struct {
	State State `json:"state"`
	// Reason is a stable word for programs, such as paper-out, cover-open or stalled; empty
	// when the state is Ready.
	Reason string `json:"reason,omitempty"`
	// Detail is for the administrator; it may hold the operating system's words.
	Detail string `json:"detail,omitempty"`
	// Since is when State and Reason last changed.
	Since time.Time `json:"since"`
}

// Device is what every device can do.
type Device interface {
	// String names the device for logs: kind and address.
	String() string
	// Health may be called at any time from any goroutine and never blocks on the device.
	Health() Health
	// Halt brings the device to a safe state and releases it. It returns within 5 s.
	Halt() error
}

// Grade says how well it is known that a document is on paper.
type Grade string

// The grades, best first (design/6-failures.md).
const (
	// GradeProcess (A): the printer itself acknowledged the end of this very job (ESC/POS
	// GS ( H, or a presenter that saw the ticket taken).
	GradeProcess Grade = "A"
	// GradeStatus (B): the status before and after the job was healthy and a queued status
	// request behind the job was answered.
	GradeStatus Grade = "B"
	// GradeBytes (C): all bytes were handed to the transport; the printer says nothing.
	GradeBytes Grade = "C"
)

// Outcome is what became of one print job.
type Outcome string

// The outcomes. Only NotStarted may be tried again without telling anybody.
const (
	// Printed: with the grade in Result.
	Printed Outcome = "printed"
	// Unknown: bytes went out and no proof came back. It is never silently printed again.
	Unknown Outcome = "unknown"
	// NotStarted: failed before the first byte reached the printer.
	NotStarted Outcome = "failed"
)

// Result is the end of one print job.
type Result struct {
	Outcome Outcome
	// Grade is set when Outcome is Printed.
	Grade Grade
	// Reason is a stable word as in Health.Reason when Outcome is not Printed.
	Reason string
	// Err is the cause for the log; nil when printed.
	Err error
}

// Printer prints documents, one job at a time.
type Printer interface {
	Device
	// Print sends one document and reports what became of it. It returns within the printer's
	// job time-out or when ctx ends, whichever is first; a job cut short by ctx is Unknown
	// unless no byte had left. Calls are serialised by the driver.
	Print(ctx context.Context, doc paper.Document) Result
	// Changed returns a channel that is closed at the next change of Health.
	Changed() <-chan struct{}
}

// Face is what a board shows.
type Face struct {
	// Text is a ticket's number such as A45, at most as long as the board; empty blanks it.
	Text string
	// Blink makes the text flash until the next face.
	Blink bool
}

// Board is the display at one counter.
type Board interface {
	Device
	// Show replaces what the board shall show. It returns at once and may be called from any
	// goroutine: the driver sends the newest face as soon as its line is free, and again every few
	// seconds, since boards forget. A board shows nothing before the first face.
	Show(f Face)
	// Changed returns a channel that is closed at the next change of Health.
	Changed() <-chan struct{}
}

// Clip names one recording of a voice: a language, a slash and its id, such as pl/numer.
type Clip string

// Speaker plays announcements, one at a time.
type Speaker interface {
	Device
	// Play plays the clips one right after the other, and returns when the last sound has left
	// the device, or with an error when any of it was not heard: what was begun is not played
	// again. It stops within 300 ms when ctx ends. Calls are serialised by the driver.
	Play(ctx context.Context, clips []Clip) error
	// Changed returns a channel that is closed at the next change of Health.
	Changed() <-chan struct{}
}

// Lamp is what the light of a button says.
type Lamp string

// The lamps.
const (
	// LampClosed (off): no ticket can be had here now.
	LampClosed Lamp = "closed"
	// LampReady (on): a press gives a ticket.
	LampReady Lamp = "ready"
	// LampBusy (slow blink): a ticket is being printed.
	LampBusy Lamp = "busy"
	// LampFault (quick blink): a person has to come.
	LampFault Lamp = "fault"
)

// Press is one press of a button, free of bounce.
type Press struct {
	// Button is the button's name in the configuration.
	Button string
	// Long is set for the second Press of a button that was held down for its long time; the first
	// came when it went down.
	Long bool
	// At is when the button went down.
	At time.Time
}

// Panel is a row of buttons with lamps.
type Panel interface {
	Device
	// Presses delivers the presses. It holds 16; a press that finds it full is dropped and told by
	// Health, for nobody waits for a ticket that comes so late.
	Presses() <-chan Press
	// Light sets the lamp of a button. It returns at once and may be called from any goroutine. A
	// button without a lamp or an unknown one is ignored.
	Light(button string, lamp Lamp)
	// Changed returns a channel that is closed at the next change of Health.
	Changed() <-chan struct{}
}
