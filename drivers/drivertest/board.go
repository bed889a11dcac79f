package drivertest

import (
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers"
)

// BoardEnv is a board driver that runs and a hand on its device.
type BoardEnv struct {
	Board drivers.Board
	// Shows reports whether the device shows a text now; empty means that nothing is lit.
	Shows func(text string) bool
	// Changed is closed at the next change of what the device shows.
	Changed func() <-chan struct{}
	// Fault makes the device fail: unplug, and what else it knows; none puts all right.
	Fault func(name string) error
	// PowerCut takes the device's power for a moment, so that it loses what it was told.
	PowerCut func()
	// Answers is set for a device that acknowledges what it is told.
	Answers bool
	// Stop ends the driver and waits for it.
	Stop func()
}

// The times that a board has, with a margin for a busy machine: a call is to be on the board in 150
// ms, set-up and content are sent again every 2 s, an unplugged board is noticed in 5 s.
const (
	boardShows   = 2 * time.Second
	boardRefresh = 5 * time.Second
)

// Board checks that a driver keeps the contract of drivers.Board. start is called once for every
// check and returns a fresh device whose driver already runs; it registers its own clean-up with t.
// The texts are A45, C7 and the empty one.
func Board(t *testing.T, start func(t *testing.T) BoardEnv) {
	t.Helper()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, check := range []struct {
		name string
		run  func(*testing.T, BoardEnv)
	}{
		{"shows", checkBoardShows},
		{"newest-wins", checkBoardNewest},
		{"blinks", checkBoardBlinks},
		{"forgets", checkBoardForgets},
		{"unplug", checkBoardUnplug},
		{"silent", checkBoardSilent},
		{"halt", checkBoardHalt},
		{"stop", checkBoardStop},
	} {
		wg.Go(func() {
			t.Run(check.name, func(t *testing.T) {
				e := start(t)
				if e.Board.String() == "" {
					t.Error("the board has no name")
				}
				awaitBoard(t, e, returnLimit, drivers.Ready)
				check.run(t, e)
			})
		})
	}
}

func awaitBoard(t *testing.T, e BoardEnv, limit time.Duration, want drivers.State) {
	t.Helper()
	over := time.After(limit)
	for {
		changed := e.Board.Changed()
		h := e.Board.Health()
		if h.State == want {
			return
		}
		select {
		case <-changed:
		case <-over:
			t.Fatalf("the board is not %s after %v: %+v", want, limit, h)
		}
	}
}

func awaitFace(t *testing.T, e BoardEnv, limit time.Duration, text string) {
	t.Helper()
	over := time.After(limit)
	for {
		changed := e.Changed()
		if e.Shows(text) {
			return
		}
		select {
		case <-changed:
		case <-over:
			t.Fatalf("the board does not show %q after %v", text, limit)
		}
	}
}

func checkBoardShows(t *testing.T, e BoardEnv) {
	if !e.Shows("") {
		t.Error("a board shows something before it was told to")
	}
	for _, text := range []string{"A45", "C7", "A45", ""} {
		e.Board.Show(drivers.Face{Text: text})
		awaitFace(t, e, boardShows, text)
	}
}

func checkBoardNewest(t *testing.T, e BoardEnv) {
	for range 50 {
		e.Board.Show(drivers.Face{Text: "C7"})
		e.Board.Show(drivers.Face{Text: "A45"})
	}
	awaitFace(t, e, boardShows, "A45")
	e.Board.Show(drivers.Face{Text: "C7"})
	awaitFace(t, e, boardShows, "C7")
}

func checkBoardBlinks(t *testing.T, e BoardEnv) {
	e.Board.Show(drivers.Face{Text: "A45", Blink: true})
	for range 2 {
		awaitFace(t, e, boardShows, "A45")
		awaitFace(t, e, boardShows, "")
	}
	e.Board.Show(drivers.Face{Text: "A45"})
	awaitFace(t, e, boardShows, "A45")
}

func checkBoardForgets(t *testing.T, e BoardEnv) {
	e.Board.Show(drivers.Face{Text: "A45"})
	awaitFace(t, e, boardShows, "A45")
	e.PowerCut()
	awaitFace(t, e, boardRefresh, "A45")
}

func checkBoardUnplug(t *testing.T, e BoardEnv) {
	e.Board.Show(drivers.Face{Text: "A45"})
	awaitFace(t, e, boardShows, "A45")
	if err := e.Fault("unplug"); err != nil {
		t.Fatal(err)
	}
	awaitBoard(t, e, unplugLimit, drivers.Absent)
	if e.Board.Health().Reason == "" {
		t.Error("an absent board gives no reason")
	}
	e.Board.Show(drivers.Face{Text: "C7"})
	if err := e.Fault("none"); err != nil {
		t.Fatal(err)
	}
	awaitBoard(t, e, returnLimit, drivers.Ready)
	awaitFace(t, e, boardShows, "C7")
}

func checkBoardSilent(t *testing.T, e BoardEnv) {
	if !e.Answers {
		return // nobody can tell
	}
	if err := e.Fault("silent"); err != nil {
		t.Fatal(err)
	}
	e.Board.Show(drivers.Face{Text: "A45"})
	awaitBoard(t, e, unplugLimit, drivers.Failed)
	if reason := e.Board.Health().Reason; reason != drivers.ReasonNoAnswer {
		t.Errorf("reason %q", reason)
	}
	if err := e.Fault("none"); err != nil {
		t.Fatal(err)
	}
	awaitFace(t, e, returnLimit, "A45")
	awaitBoard(t, e, returnLimit, drivers.Ready)
}

func checkBoardHalt(t *testing.T, e BoardEnv) {
	e.Board.Show(drivers.Face{Text: "A45"})
	awaitFace(t, e, boardShows, "A45")
	begun := time.Now()
	if err := e.Board.Halt(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > haltLimit {
		t.Errorf("Halt took %v", took)
	}
	awaitFace(t, e, boardShows, "")
}

func checkBoardStop(t *testing.T, e BoardEnv) {
	e.Board.Show(drivers.Face{Text: "A45"})
	awaitFace(t, e, boardShows, "A45")
	e.Stop()
	awaitFace(t, e, boardShows, "")
	if h := e.Board.Health(); h.State != drivers.Absent || h.Reason != drivers.ReasonHalted {
		t.Errorf("a stopped board says %+v", h)
	}
}
