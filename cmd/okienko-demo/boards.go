package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/okienko/okienko/drivers/emulator/board"
)

const (
	// boardDigits is how many places each board has.
	boardDigits = 4
	// longestSocket is what a path in a sockaddr_un holds (unix(7)), less its final zero.
	longestSocket = 107
)

// boardDevice is an emulated board of either kind.
type boardDevice interface {
	Picture() board.Picture
	Set(fault string) error
	PowerCut()
}

// counterBoard is the board at one counter.
type counterBoard struct {
	boardConfig
	device boardDevice
	// pulled is the emulator's fault that pulls this board's own cable.
	pulled string
	// fault is what was set last: unplug or none.
	fault string
}

// boardConfig is what stands of it in the branch's configuration.
type boardConfig struct {
	Counter       int
	Kind, Address string
	Unit          int
}

// counterBoards are the emulated LED boards of one branch: two share an RS-485 line behind a
// pseudo-terminal, the third hangs on SPI. They publish what is lit, worked out from the bytes on
// the wires, at each change. All methods may be called from any goroutine.
type counterBoards struct {
	branch string
	hub    *hub
	line   *board.Line
	chips  *board.Cascade
	folder *os.File // of the SPI socket when its own path is too long; else nil

	mu   sync.Mutex
	list []*counterBoard
}

// newCounterBoards hangs the boards up in dir. The caller must call Run, which also takes them away.
//
// The boards on RS-485 are spoken to in Modbus, because such a board answers: the branch notices
// when one of them is pulled off the line while the other goes on.
func newCounterBoards(branch, dir string, h *hub) (*counterBoards, error) {
	tty := filepath.Join(dir, "rs485")
	spi, folder, err := socketPath(dir, "spi")
	if err != nil {
		return nil, fmt.Errorf("hang up the boards of %s: %w", branch, err)
	}
	c := &counterBoards{
		branch: branch, hub: h, folder: folder,
		line: board.NewLine(tty), chips: board.NewDigits(spi, boardDigits),
	}
	for unit := range 2 {
		c.list = append(c.list, &counterBoard{
			boardConfig: boardConfig{unit + 1, "led485-modbus", "serial:" + tty + "?baud=9600", unit + 1},
			device:      c.line.Add(byte(unit+1), boardDigits, board.Modbus{First: 0x70, Letters: 2}),
			pulled:      board.FaultSilent, fault: board.FaultNone,
		})
	}
	c.list = append(c.list, &counterBoard{
		boardConfig: boardConfig{Counter: 3, Kind: "max7219", Address: "spi:" + spi},
		device:      c.chips, pulled: board.FaultUnplug, fault: board.FaultNone,
	})
	return c, nil
}

// socketPath names a socket in dir. Where that is too long for one, it is named through the
// descriptor of dir, which stays open.
func socketPath(dir, name string) (string, *os.File, error) {
	if path := filepath.Join(dir, name); len(path) <= longestSocket {
		return path, nil, nil
	}
	f, err := os.Open(dir) //nolint:gosec // the demo's own directory
	if err != nil {
		return "", nil, fmt.Errorf("shorten the name of a socket: %w", err)
	}
	return fmt.Sprintf("/proc/%d/fd/%d/%s", os.Getpid(), f.Fd(), name), f, nil
}

// config lists the boards for the branch's configuration.
func (c *counterBoards) config() []boardConfig {
	list := make([]boardConfig, len(c.list))
	for i, b := range c.list {
		list[i] = b.boardConfig
	}
	return list
}

// Run serves the wires and tells the pages what is lit, until ctx ends.
func (c *counterBoards) Run(ctx context.Context) error {
	err := runTogether(ctx, c.line.Run, c.chips.Run, c.watch)
	if c.folder != nil {
		err = errors.Join(err, c.folder.Close())
	}
	return err
}

func (c *counterBoards) watch(ctx context.Context) error {
	for {
		line, chips := c.line.Changed(), c.chips.Changed()
		if err := c.publish(); err != nil {
			return err
		}
		select {
		case <-line:
		case <-chips:
		case <-ctx.Done():
			return nil
		}
	}
}

// publish tells the pages all boards. The lock keeps an older view from following a newer one.
func (c *counterBoards) publish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hub.publish(kindBoards, c.branch, c.viewLocked())
}

// boardView is a board as /demo/boards.json and the stream tell it.
type boardView struct {
	// Name is that of the agent's own list of devices.
	Name    string `json:"name"`
	Counter int    `json:"counter"`
	Kind    string `json:"kind"`
	Fault   string `json:"fault"`
	// Text is what people read, Segments what is lit: for each digit from the left bit 0 is the
	// segment a, bit 6 g, bit 7 the point.
	Text     string `json:"text"`
	Segments []int  `json:"segments"`
}

// views are the boards as they are now.
func (c *counterBoards) views() []boardView {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.viewLocked()
}

func (c *counterBoards) viewLocked() []boardView {
	views := make([]boardView, len(c.list))
	for i, b := range c.list {
		picture := b.device.Picture()
		views[i] = boardView{
			Name: b.name(), Counter: b.Counter, Kind: b.Kind, Fault: b.fault, Text: strings.TrimSpace(picture.Text()),
		}
		for _, lit := range picture.Segments {
			views[i].Segments = append(views[i].Segments, int(lit))
		}
	}
	return views
}

func (b *counterBoard) name() string { return fmt.Sprintf("board-%d", b.Counter) }

// names lists the boards for messages.
func (c *counterBoards) names() []string {
	list := make([]string, len(c.list))
	for i, b := range c.list {
		list[i] = b.name()
	}
	return list
}

// boardFaults are the faults that set knows.
func boardFaults() []string { return []string{board.FaultUnplug, board.FaultNone} }

// set pulls a board's cable or puts it back. A board without its cable has no power either.
func (c *counterBoards) set(name, fault string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.list, func(b *counterBoard) bool { return b.name() == name })
	if i < 0 {
		return fmt.Errorf("there is no board %q", name)
	}
	b := c.list[i]
	if fault == board.FaultUnplug {
		if err := b.device.Set(b.pulled); err != nil {
			return err
		}
		b.device.PowerCut()
	} else if err := b.device.Set(board.FaultNone); err != nil {
		return err
	}
	b.fault = fault
	return c.hub.publish(kindBoards, c.branch, c.viewLocked())
}
