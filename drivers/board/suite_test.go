package board_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/board"
	"github.com/okienko/okienko/drivers/drivertest"
	emulator "github.com/okienko/okienko/drivers/emulator/board"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// device is an emulated board.
type device interface {
	Picture() emulator.Picture
	Changed() <-chan struct{}
	Set(fault string) error
	PowerCut()
}

// run starts a device and the driver of one board, and returns it with what stops the driver.
func run(t *testing.T, serve func(ctx context.Context) error, specs ...board.Spec) ([]*board.Board, func()) {
	t.Helper()
	set, err := board.Open(specs, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	start := func(f func(ctx context.Context) error) func() {
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := f(ctx); err != nil {
				t.Error(err)
			}
		})
		stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
		t.Cleanup(stop)
		return stop
	}
	start(serve)
	return set.Boards(), start(set.Run)
}

func env(b *board.Board, d device, shows func(text string) bool, answers bool, stop func()) drivertest.BoardEnv {
	return drivertest.BoardEnv{
		Board: b, Shows: shows, Changed: d.Changed, Fault: d.Set, PowerCut: d.PowerCut, Answers: answers, Stop: stop,
	}
}

// reads compares what people read on four digits.
func reads(d device) func(string) bool {
	return func(text string) bool {
		want := "    "[len(text):] + text
		return d.Picture().Text() == want
	}
}

func TestMax7219(t *testing.T) {
	t.Parallel()
	drivertest.Board(t, func(t *testing.T) drivertest.BoardEnv {
		path := filepath.Join(t.TempDir(), "spi")
		d := emulator.NewDigits(path, 4)
		list, stop := run(t, d.Run, board.Spec{Name: "board-1", Kind: board.Max7219, Address: "spi:" + path, Digits: 4, Brightness: 8})
		return env(list[0], d, reads(d), false, stop)
	})
}

func TestMax7219Dots(t *testing.T) {
	t.Parallel()
	drivertest.Board(t, func(t *testing.T) drivertest.BoardEnv {
		path := filepath.Join(t.TempDir(), "spi")
		d := emulator.NewDots(path, 3)
		list, stop := run(t, d.Run, board.Spec{Name: "board-1", Kind: board.Max7219Dots, Address: "spi:" + path, Digits: 3, Brightness: 15})
		return env(list[0], d, func(text string) bool { return art(d.Picture()) == faces()[text] }, false, stop)
	})
}

func TestTM1637(t *testing.T) {
	t.Parallel()
	drivertest.Board(t, func(t *testing.T) drivertest.BoardEnv {
		path := filepath.Join(t.TempDir(), "wires")
		d := emulator.NewTwoWire(path, 4)
		list, stop := run(t, d.Run, board.Spec{
			Name: "board-1", Kind: board.TM1637, Address: "gpio:tap:" + path + "?clk=A&dio=B", Digits: 4, Brightness: 15,
		})
		return env(list[0], d, reads(d), true, stop)
	})
}

func TestRS485(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec    board.Spec
		dialect emulator.Dialect
		echo    bool
		answers bool
	}{
		"led485-ascii":  {board.Spec{Kind: board.LED485ASCII}, emulator.ASCII{}, false, false},
		"led485-modbus": {board.Spec{Kind: board.LED485Modbus}, emulator.Modbus{First: 0x70, Letters: 2}, false, true},
		"echo":          {board.Spec{Kind: board.LED485Modbus}, emulator.Modbus{First: 0x70, Letters: 2}, true, true},
		"dm36":          {board.Spec{Kind: board.DM36}, emulator.Modbus{First: 0, Letters: 1}, false, true},
		"frame": {
			board.Spec{Kind: board.Framed, Frame: board.Frame{Start: `\x02`, Address: "%02d", End: `\x03`}},
			emulator.Pattern{Start: "\x02", Address: "05", End: "\x03"},
			false, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drivertest.Board(t, func(t *testing.T) drivertest.BoardEnv {
				link := filepath.Join(t.TempDir(), "by-id")
				line := emulator.NewLine(link)
				line.Echo = c.echo
				d := line.Add(5, 4, c.dialect)
				spec := c.spec
				spec.Name, spec.Address, spec.Unit, spec.Digits = "board-5", "serial:"+link, 5, 4
				list, stop := run(t, line.Run, spec)
				return env(list[0], d, reads(d), c.answers, stop)
			})
		})
	}
}

// TestManyOnOneLine: a silent board and one with noise delay nobody, and each shows its own text.
func TestManyOnOneLine(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "by-id")
	line := emulator.NewLine(link)
	var units []*emulator.Unit
	var specs []board.Spec
	for n := range 8 {
		units = append(units, line.Add(byte(n+1), 4, emulator.Modbus{First: 0x70, Letters: 2}))
		specs = append(specs, board.Spec{
			Name: "board", Kind: board.LED485Modbus, Address: "serial:" + link, Unit: n + 1, Digits: 4,
		})
	}
	if err := units[0].Set(emulator.FaultSilent); err != nil {
		t.Fatal(err)
	}
	if err := units[1].Set(emulator.FaultChecksum); err != nil {
		t.Fatal(err)
	}
	boards, _ := run(t, line.Run, specs...)
	awaitHealth(t, boards[0], drivers.Failed, drivers.ReasonNoAnswer)
	awaitHealth(t, boards[1], drivers.Failed, board.ReasonWrongChecksum)
	for n := 2; n < 8; n++ {
		awaitHealth(t, boards[n], drivers.Ready, "")
	}
	begun := time.Now()
	texts := []string{"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"}
	for n, b := range boards {
		b.Show(drivers.Face{Text: texts[n]})
	}
	for n := 2; n < 8; n++ {
		awaitText(t, units[n], "  "+texts[n])
	}
	t.Logf("six boards beside two broken ones after %v", time.Since(begun))
}

// TestSwappedBoards: two boards were given each other's unit, one of them twice: the answer tells.
func TestSwappedBoards(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "by-id")
	line := emulator.NewLine(link)
	first := line.Add(1, 4, emulator.Modbus{First: 0x70, Letters: 2})
	boards, _ := run(t, line.Run,
		board.Spec{Name: "board-1", Kind: board.LED485Modbus, Address: "serial:" + link, Unit: 1, Digits: 4},
		board.Spec{Name: "board-2", Kind: board.LED485Modbus, Address: "serial:" + link, Unit: 2, Digits: 4})
	awaitHealth(t, boards[0], drivers.Ready, "")
	awaitHealth(t, boards[1], drivers.Failed, drivers.ReasonNoAnswer)
	boards[0].Show(drivers.Face{Text: "A1"})
	boards[1].Show(drivers.Face{Text: "A2"})
	awaitText(t, first, "  A1")
	first.SetAddress(2)
	awaitHealth(t, boards[0], drivers.Failed, drivers.ReasonNoAnswer)
	awaitText(t, first, "  A2")
}

func awaitHealth(t *testing.T, b *board.Board, state drivers.State, reason string) {
	t.Helper()
	over := time.After(15 * time.Second)
	for {
		changed := b.Changed()
		if h := b.Health(); h.State == state && h.Reason == reason {
			return
		}
		select {
		case <-changed:
		case <-over:
			t.Fatalf("%s is %+v, not %s %s", b, b.Health(), state, reason)
		}
	}
}

func awaitText(t *testing.T, u *emulator.Unit, text string) {
	t.Helper()
	over := time.After(15 * time.Second)
	for {
		changed := u.Changed()
		if u.Text() == text {
			return
		}
		select {
		case <-changed:
		case <-over:
			t.Fatalf("the board shows %q, not %q", u.Text(), text)
		}
	}
}

// art draws dots as text.
func art(p emulator.Picture) string {
	var out []byte
	for row := range 8 {
		for _, module := range p.Dots {
			for bit := 7; bit >= 0; bit-- {
				dot := byte('.')
				if module[row]>>bit&1 == 1 {
					dot = '#'
				}
				out = append(out, dot)
			}
		}
		out = append(out, '\n')
	}
	return string(out)
}

// faces are the texts of the suite as they must look on three modules.
func faces() map[string]string {
	return map[string]string{
		"": "........................\n........................\n........................\n........................\n" +
			"........................\n........................\n........................\n........................\n",
		"A45": "..###.......#....#####..\n" + ".#...#.....##....#......\n" + ".#...#....#.#....####...\n" +
			".#...#...#..#........#..\n" + ".#####...#####.......#..\n" + ".#...#......#....#...#..\n" +
			".#...#......#.....###...\n" + "........................\n",
		"C7": "..........###....#####..\n" + ".........#...#.......#..\n" + ".........#..........#...\n" +
			".........#.........#....\n" + ".........#........#.....\n" + ".........#...#....#.....\n" +
			"..........###.....#.....\n" + "........................\n",
	}
}
