package blueprint

import (
	"errors"
	"fmt"
	"strings"
)

// Steps 1 and 2: the bytes, as pure functions. A frame of the Halina 4 is STX, four characters, ETX
// and the XOR of these six bytes; the board answers ACK when it shows them, NAK when the XOR is wrong.
const (
	stx, etx, ack, nak = 0x02, 0x03, 0x06, 0x15
	places             = 4
)

var (
	errNoAnswer = errors.New("no answer")
	errRefused  = errors.New("the board says that the frame was damaged")
)

// encode is the frame that shows a text, which stands on the right.
func encode(text string) ([]byte, error) {
	if len(text) > places {
		return nil, fmt.Errorf("%q has %d characters, the board %d", text, len(text), places)
	}
	frame := append([]byte{stx}, strings.Repeat(" ", places-len(text))+text...)
	frame = append(frame, etx)
	var sum byte
	for _, c := range frame {
		sum ^= c
	}
	return append(frame, sum), nil
}

// verdict judges what came back; done is false while more may come. Noise before the answer is left out.
func verdict(got []byte) (done bool, err error) {
	for _, c := range got {
		switch c {
		case ack:
			return true, nil
		case nak:
			return true, errRefused
		}
	}
	return false, nil
}
