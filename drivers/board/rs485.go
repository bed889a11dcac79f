package board

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Port is a serial line, as serialport.Port is.
type Port interface {
	Write(ctx context.Context, b []byte) (n int, err error)
	Read(ctx context.Context, b []byte) (n int, err error)
	Flush()
	Opened() (generation uint64, changed <-chan struct{})
	Err() error
}

const (
	// answerLimit is how long a board may take to answer: a reply of 8 bytes takes 8 ms at 9600
	// baud, and slow boards think for some tens.
	answerLimit = 150 * time.Millisecond
	// gap is the silence of 3.5 characters between Modbus messages, at 9600 baud (Modbus over
	// serial line V1.02, 2.5.1.1); longer at faster rates, where 1.75 ms would do.
	gap = 4 * time.Millisecond
)

// serialWire sends to the boards on one RS-485 line. A line of the kernel's opens itself; see
// drivers/serialport.
type serialWire struct{ port Port }

func (w serialWire) ready(context.Context) (uint64, error) {
	generation, _ := w.port.Opened()
	if generation == 0 {
		return 0, errors.Join(errLine, w.port.Err())
	}
	return generation, nil
}

func (w serialWire) changed() <-chan struct{} {
	_, changed := w.port.Opened()
	return changed
}

func (w serialWire) close() error { return nil } // the port's own Run closes it

func (w serialWire) send(ctx context.Context, s Spec, text string) error {
	request, answers, err := encode(s, text)
	if err != nil {
		return err
	}
	w.port.Flush()
	if _, err := w.port.Write(ctx, request); err != nil {
		return err
	}
	if answers {
		if err := w.answer(ctx, request); err != nil {
			return err
		}
	}
	return pause(ctx, gap)
}

// encode is the message that shows a text on a board, and whether the board answers it.
func encode(s Spec, text string) (request []byte, answers bool, err error) {
	shown := pad(text, s.Digits)
	switch s.Kind {
	case LED485ASCII:
		return fmt.Appendf(nil, "$%03d,%s#", s.Unit, shown), false, nil
	case LED485Modbus:
		return writeRegisters(byte(s.Unit&0xff), ledText, pairs(shown)), true, nil
	case DM36:
		return writeRegisters(byte(s.Unit&0xff), dmText, singles(shown)), true, nil
	case Framed:
		request, err = s.Frame.Encode(s.Unit, shown)
		return request, false, err
	case Max7219, Max7219Dots, TM1637:
	}
	return nil, false, fmt.Errorf("%w: %s is not on RS-485", ErrSpec, s.Kind)
}

// The registers of a text (reference/hardware.md section 2): LED-485 takes pairs of letters from
// 0x70 on, DM36 and DM56 a letter a register from 0 on.
const (
	ledText = 0x70
	dmText  = 0
)

func pairs(text string) []uint16 {
	if len(text)%2 == 1 {
		text += " "
	}
	var values []uint16
	for ; text != ""; text = text[2:] {
		values = append(values, uint16(text[0])<<8|uint16(text[1]))
	}
	return values
}

func singles(text string) []uint16 {
	var values []uint16
	for _, c := range []byte(text) {
		values = append(values, uint16(c))
	}
	return values
}

// answer waits for the board's acknowledgement.
func (w serialWire) answer(ctx context.Context, request []byte) error {
	limit, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	var got []byte
	for buffer := make([]byte, 64); ; {
		n, err := w.port.Read(limit, buffer)
		got = append(got, buffer[:n]...)
		if n > 0 {
			if done, err := parseReply(request, got); done {
				return err
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case limit.Err() != nil && len(got) > 0 && string(got) != string(request):
			return fmt.Errorf("%w: it broke off after %d bytes", errWrongChecksum, len(got))
		case limit.Err() != nil:
			return errNoAnswer
		case err != nil:
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
