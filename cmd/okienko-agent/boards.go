package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/okienko/okienko/agent"
	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/drivers/board"
	"github.com/okienko/okienko/drivers/gpio"
)

// boardSpec is a board of the configuration in the driver's words.
func boardSpec(b config.Board) board.Spec {
	return board.Spec{
		Name: fmt.Sprintf("board-%d", b.Counter), Kind: board.Kind(b.Kind), Address: b.Address,
		Unit: b.Unit, Digits: b.Digits, Brightness: b.Brightness, Frame: board.Frame(b.Frame),
	}
}

// checkBoard says why a board cannot be as described or cannot show the largest numbers of the
// ranges, such as A999.
func checkBoard(b config.Board, letters []string) error {
	spec := boardSpec(b)
	if err := board.Check(spec); err != nil {
		return err
	}
	var all []error
	for _, letter := range letters {
		all = append(all, board.CheckText(spec, letter+"999"))
	}
	return errors.Join(all...)
}

// boardsOf makes the drivers of the configured boards; nil for a branch without.
func boardsOf(c config.Config, chips *gpio.Chips, log *slog.Logger) (*agent.Boards, error) {
	if len(c.Boards) == 0 {
		return nil, nil //nolint:nilnil // a branch without boards is an ordinary one
	}
	var specs []board.Spec
	for _, b := range c.Boards {
		specs = append(specs, boardSpec(b))
	}
	set, err := board.Open(specs, chips, log.With("part", "boards"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUse, err)
	}
	boards := &agent.Boards{Run: set.Run}
	for i, b := range set.Boards() {
		boards.List = append(boards.List, agent.Board{Counter: c.Boards[i].Counter, Board: b})
	}
	return boards, nil
}
