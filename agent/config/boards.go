package config

import (
	"fmt"

	"github.com/okienko/okienko/protocol"
)

// checkBoards checks the boards against the counters, each other and what their drivers can do.
func (c Config) checkBoards(p *problems, able func(b Board, letters []string) error) {
	counters := map[protocol.CounterID]bool{}
	for _, counter := range c.Counters {
		counters[counter.ID] = true
	}
	type place struct {
		address string
		unit    int
	}
	at, units := map[protocol.CounterID]int{}, map[place]int{}
	for i, b := range c.Boards {
		path := fmt.Sprintf("boards[%d]", i)
		if !counters[b.Counter] {
			p.follows(path+".counter", fmt.Sprintf("there is no counter %d", b.Counter), "write the id of one of the counters")
		}
		if first, twice := at[b.Counter]; twice {
			p.wrong(path+".counter", fmt.Sprintf("counter %d has a board already, entry %d", b.Counter, first+1), "keep one")
		}
		at[b.Counter] = i
		if first, twice := units[place{b.Address, b.Unit}]; twice {
			p.wrong(path+".unit", fmt.Sprintf("the board of entry %d is unit %d of this line already", first+1, b.Unit),
				"give each board on a line a unit of its own, on the board as well")
		}
		units[place{b.Address, b.Unit}] = i
		if able == nil {
			continue
		}
		if err := able(b, c.letters(b.Counter)); err != nil {
			p.wrong(path, err.Error(), "docs/drivers tells what each kind can do")
		}
	}
}

// letters lists those of the services that a counter serves.
func (c Config) letters(id protocol.CounterID) []string {
	var list []string
	for _, counter := range c.Settings().Counters {
		if counter.ID != id {
			continue
		}
		for _, s := range c.Services {
			if _, skill := counter.Skills[s.ID]; skill {
				list = append(list, s.Letter)
			}
		}
	}
	return list
}
