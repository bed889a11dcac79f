package board

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/okienko/okienko/drivers/gpio"
)

// The commands of a TM1637 (Titan Micro data sheet V2.4, section 6).
const (
	tmData    = 0x40 // what follows goes to the display, addresses count up
	tmAddress = 0xc0 // the leftmost digit
	tmOn      = 0x88 // on, with the brightness in the lowest three bits
)

// tm1637Messages are what shows a text: each is one transfer from start to stop.
func tm1637Messages(text string, places int, brightness byte) [][]byte {
	content := []byte{tmAddress}
	for _, c := range []byte(pad(text, places)) {
		content = append(content, bits.Reverse8(segments(c))>>1)
	}
	return [][]byte{{tmData}, content, {tmOn | brightness>>1&0x07}}
}

// pairAddress is where a TM1637 hangs.
type pairAddress struct{ chip, clk, dio string }

func parsePair(address string) (pairAddress, error) {
	chip, query, _ := strings.Cut(strings.TrimPrefix(address, "gpio:"), "?")
	values, err := url.ParseQuery(query)
	a := pairAddress{chip, values.Get("clk"), values.Get("dio")}
	if err != nil || len(values) != 2 || a.clk == "" || a.dio == "" || a.clk == a.dio {
		return a, fmt.Errorf("%w: write gpio:?clk=GPIO5&dio=GPIO6, not %s", ErrSpec, address)
	}
	return a, nil
}

// pair is the two wires of a module.
type pair interface {
	// put sets the clock and the data line; high lets go of a line.
	put(clk, dio bool) error
	// low says whether the module pulls the data line down, which the driver has let go.
	low(clk bool) (bool, error)
	io.Closer
}

// twoWire drives the one module on a pair of lines.
type twoWire struct {
	address    pairAddress
	chips      *gpio.Chips
	line       pair
	generation uint64
}

func (w *twoWire) ready(ctx context.Context) (uint64, error) {
	if w.line != nil {
		return w.generation, nil
	}
	line, err := openPair(ctx, w.address, w.chips)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errLine, err)
	}
	w.line = line
	w.generation++
	return w.generation, nil
}

func (*twoWire) changed() <-chan struct{} { return nil }

func (w *twoWire) send(_ context.Context, s Spec, text string) error {
	for _, m := range tm1637Messages(text, s.Digits, byte(s.Brightness&0x0f)) {
		err := transmit(w.line, m)
		switch {
		case errors.Is(err, errNoAnswer):
			return err
		case err != nil:
			err = errors.Join(fmt.Errorf("%w: %w", errLine, err), w.line.Close())
			w.line = nil
			return err
		}
	}
	return nil
}

func (w *twoWire) close() error {
	if w.line == nil {
		return nil
	}
	return w.line.Close()
}

// transmit sends one message: data falls while the clock is high, then bytes with the lowest bit first,
// each acknowledged in a ninth clock, then data rises while the clock is high.
func transmit(p pair, message []byte) error {
	steps := []func() error{
		func() error { return p.put(true, true) },
		func() error { return p.put(true, false) },
	}
	for _, b := range message {
		steps = append(steps, func() error { return sendByte(p, b) })
	}
	steps = append(steps,
		func() error { return p.put(false, false) },
		func() error { return p.put(true, false) },
		func() error { return p.put(true, true) })
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func sendByte(p pair, b byte) error {
	for bit := range 8 {
		high := b>>bit&1 == 1
		for _, clk := range []bool{false, true} {
			if err := p.put(clk, high); err != nil {
				return err
			}
		}
	}
	if err := p.put(false, true); err != nil {
		return err
	}
	acknowledged, err := p.low(false)
	if err != nil {
		return err
	}
	for _, clk := range []bool{true, false} {
		if err := p.put(clk, true); err != nil {
			return err
		}
	}
	if !acknowledged {
		return errNoAnswer
	}
	return nil
}

// openPair opens the kernel's lines or, for a chip tap:PATH, a Unix socket: each state of the wires is
// a byte there, the clock in bit 0 and the data in bit 1; bit 7 asks for the data line, which is
// answered by a byte.
func openPair(ctx context.Context, a pairAddress, chips *gpio.Chips) (pair, error) {
	path, isTap := strings.CutPrefix(a.chip, gpio.TapPrefix)
	if !isTap {
		drain, err := chips.OpenDrain(a.chip, a.clk, a.dio)
		if err != nil {
			return nil, fmt.Errorf("take the wires: %w", err)
		}
		return &kernelPair{drain, true, true}, nil
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("reach the tap of the wires: %w", err)
	}
	return tapPair{conn}, nil
}

// kernelPair moves only the line that changes.
type kernelPair struct {
	*gpio.Drain
	clk, dio bool
}

func (k *kernelPair) put(clk, dio bool) error {
	if clk != k.clk {
		if err := k.Put(0, clk); err != nil {
			return err
		}
		k.clk = clk
	}
	if dio != k.dio {
		if err := k.Put(1, dio); err != nil {
			return err
		}
		k.dio = dio
	}
	return nil
}

func (k *kernelPair) low(bool) (bool, error) { return !k.High(1), nil }

type tapPair struct{ net.Conn }

func (t tapPair) exchange(state byte, answer []byte) error {
	if err := t.SetDeadline(time.Now().Add(tapLimit)); err != nil {
		return fmt.Errorf("set the deadline of the wires' tap: %w", err)
	}
	if _, err := t.Write([]byte{state}); err != nil {
		return fmt.Errorf("move the wires at the tap: %w", err)
	}
	if _, err := io.ReadFull(t, answer); err != nil {
		return fmt.Errorf("read a wire at the tap: %w", err)
	}
	return nil
}

func (t tapPair) put(clk, dio bool) error { return t.exchange(wires(clk, dio), nil) }

func (t tapPair) low(clk bool) (bool, error) {
	var answer [1]byte
	err := t.exchange(wires(clk, true)|0x80, answer[:])
	return answer[0] == 0, err
}

func wires(clk, dio bool) (state byte) {
	if clk {
		state |= 1
	}
	if dio {
		state |= 2
	}
	return state
}
