package board

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/okienko/okienko/drivers/gpio"
	"github.com/okienko/okienko/drivers/serialport"
)

// Set is the boards of a branch with the lines that they hang on.
type Set struct {
	boards []*Board
	ports  []*serialport.Port
	buses  []*bus
}

// checkAddress checks what comes after the scheme.
func checkAddress(transport, address string) error {
	var err error
	switch transport {
	case "spi":
		_, err = parseSPI(address)
	case "gpio":
		_, err = parsePair(address)
	case "serial":
		_, err = serialport.Parse(address)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return nil
}

// Open makes the boards; nothing is opened before Run. Boards with the same address share a line. chips
// are for boards on GPIO lines.
func Open(specs []Spec, chips *gpio.Chips, log *slog.Logger) (*Set, error) {
	set, lines := &Set{}, map[string]*bus{}
	for _, s := range specs {
		if err := Check(s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		u := lines[s.Address]
		if u == nil {
			var err error
			if u, err = set.line(s, chips, log); err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name, err)
			}
			lines[s.Address] = u
		} else if capabilities()[s.Kind].transport != "serial" {
			return nil, fmt.Errorf("%s: %w: only boards on RS-485 share a line", s.Name, ErrSpec)
		}
		b := newBoard(s, u.wake)
		u.boards = append(u.boards, b)
		set.boards = append(set.boards, b)
	}
	return set, nil
}

// line makes the bus at a board's address.
func (s *Set) line(spec Spec, chips *gpio.Chips, log *slog.Logger) (*bus, error) {
	u := &bus{wake: make(chan struct{}, 1), log: log}
	switch capabilities()[spec.Kind].transport {
	case "spi":
		address, err := parseSPI(spec.Address)
		if err != nil {
			return nil, err
		}
		u.wire = &spiWire{address: address}
	case "gpio":
		address, err := parsePair(spec.Address)
		if err != nil {
			return nil, err
		}
		u.wire = &twoWire{address: address, chips: chips}
	default:
		config, err := serialport.Parse(spec.Address)
		if err != nil {
			return nil, err
		}
		port := serialport.New(config, log)
		u.wire = serialWire{port}
		s.ports = append(s.ports, port)
	}
	s.buses = append(s.buses, u)
	return u, nil
}

// Boards lists the boards in the order of their descriptions.
func (s *Set) Boards() []*Board { return s.boards }

// Run drives all boards until ctx ends, blanks them and lets go of the lines.
func (s *Set) Run(ctx context.Context) error {
	var buses, ports sync.WaitGroup
	open, closePorts := context.WithCancel(context.WithoutCancel(ctx)) // the last thing sent is nothing
	ended := make([]error, len(s.buses)+len(s.ports))
	for i, p := range s.ports {
		ports.Go(func() { ended[len(s.buses)+i] = p.Run(open) })
	}
	for i, u := range s.buses {
		buses.Go(func() { ended[i] = u.run(ctx) })
	}
	buses.Wait()
	closePorts()
	ports.Wait()
	return errors.Join(ended...)
}
