package blueprint

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/okienko/okienko/drivers/_blueprint/emulator"
	"github.com/okienko/okienko/drivers/drivertest"
	"github.com/okienko/okienko/drivers/serialport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBytes pins the bytes of step 1, here worked out by hand.
func TestBytes(t *testing.T) {
	for text, want := range map[string]string{"A45": "\x02 A45\x03\x61", "": "\x02    \x03\x01"} {
		if got, err := encode(text); err != nil || string(got) != want {
			t.Errorf("%q: %q, not %q: %v", text, got, want, err)
		}
	}
	if _, err := encode("A1000"); err == nil {
		t.Error("a text that is too long is no error")
	}
}

// FuzzVerdict: only an acknowledgement is taken for one.
func FuzzVerdict(f *testing.F) {
	f.Add([]byte{0xff, ack})
	f.Fuzz(func(t *testing.T, got []byte) {
		if done, err := verdict(got); done && err == nil && !slices.Contains(got, ack) {
			t.Errorf("%x was taken for an answer", got)
		}
	})
}

// FuzzFrames: no bytes stop the emulator or are kept without bound.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x02 A45\x03\x61"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if rest, _ := emulator.New("").Take(data); len(rest) >= 7 {
			t.Errorf("%d bytes are kept", len(rest))
		}
	})
}

// TestBoard is step 7: the suite that every board passes.
func TestBoard(t *testing.T) {
	drivertest.Board(t, func(t *testing.T) drivertest.BoardEnv {
		link := filepath.Join(t.TempDir(), "by-id")
		device := emulator.New(link)
		config, err := serialport.Parse("serial:" + link)
		if err != nil {
			t.Fatal(err)
		}
		port := serialport.New(config, slog.New(slog.DiscardHandler))
		b := New("board-1", port)
		start(t, device.Run)
		start(t, port.Run)
		return drivertest.BoardEnv{
			Board: b, Shows: func(text string) bool { return device.Text() == text }, Changed: device.Changed,
			Fault: device.Set, PowerCut: device.PowerCut, Answers: true, Stop: start(t, b.Run),
		}
	})
}

// start runs a part until the test's end or until it is stopped.
func start(t *testing.T, run func(ctx context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}
