package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/gpio"
)

// testBoard is okienko-agent test board. The agent itself must be stopped: a line has one owner.
type testBoard struct {
	Name   string        `arg:"" optional:"" help:"Only this board, such as board-3."`
	Config string        `type:"path" required:"" help:"Take the boards from this configuration."`
	Show   time.Duration `default:"10s" help:"How long the numbers stay."`
}

// boardLimit is how long a board may take to answer.
const boardLimit = 5 * time.Second

var errSilentBoards = errors.New("not every board works; the lines above say which")

// Run shows on each board its counter's number, so that an installer sees which hangs where and
// whether two are swapped.
func (c testBoard) Run(ctx context.Context, std streams) error {
	conf, err := load(std, c.Config)
	if err != nil {
		return err
	}
	boards, err := boardsOf(conf, &gpio.Chips{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if boards == nil {
		return fmt.Errorf("%w: %s has no boards", errUse, c.Config)
	}
	owner, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- boards.Run(owner) }()
	tested, broken := 0, 0
	for _, b := range boards.List {
		name := fmt.Sprintf("board-%d", b.Counter)
		if c.Name != "" && c.Name != name {
			continue
		}
		tested++
		b.Board.Show(drivers.Face{Text: strconv.Itoa(int(b.Counter))})
		h := awaitReady(ctx, b.Board, boardLimit)
		if h.State == drivers.Ready {
			_, _ = fmt.Fprintf(std.out, "%s shows %d\n", name, b.Counter)
			continue
		}
		broken++
		_, _ = fmt.Fprintf(std.out, "%s does not work: %s (%s)\n", name, h.Reason, h.Detail)
	}
	if tested > broken {
		pause := time.NewTimer(c.Show)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
	stop()
	err = <-stopped
	switch {
	case tested == 0:
		return errors.Join(fmt.Errorf("%w: %s has no %s", errUse, c.Config, c.Name), err)
	case broken > 0:
		return errors.Join(errSilentBoards, err)
	}
	return err
}

// vital is a device that tells when its health changes.
type vital interface {
	Health() drivers.Health
	Changed() <-chan struct{}
}

// awaitReady waits until a device works, at most for the limit.
func awaitReady(ctx context.Context, d vital, most time.Duration) drivers.Health {
	limit := time.NewTimer(most)
	defer limit.Stop()
	for {
		changed := d.Changed()
		h := d.Health()
		if h.State == drivers.Ready {
			return h
		}
		select {
		case <-changed:
		case <-limit.C:
			return h
		case <-ctx.Done():
			return h
		}
	}
}
