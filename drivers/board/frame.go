package board

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Frame describes the text frame of a board that has no driver of its own: start, address, text,
// checksum, end. Start and End may hold \xNN, \r, \n, \t and \\.
type Frame struct {
	Start string
	// Address is how the unit is written: %d, %02d, %03d, %02X or %c (one byte); empty for none.
	Address string
	// Separator stands between address and text.
	Separator string
	End       string
	// Checksum is none, xor, sum or crc16 (that of Modbus, low byte first), or one of the last
	// three with -hex for hexadecimal digits. It covers everything before it.
	Checksum string
}

// Encode is the frame of a text for one unit.
func (f Frame) Encode(unit int, text string) ([]byte, error) {
	start, err := unescape(f.Start)
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	separator, err := unescape(f.Separator)
	if err != nil {
		return nil, fmt.Errorf("separator: %w", err)
	}
	end, err := unescape(f.End)
	if err != nil {
		return nil, fmt.Errorf("end: %w", err)
	}
	address, err := formatUnit(f.Address, unit)
	if err != nil {
		return nil, err
	}
	b := []byte(start + address + separator + text)
	sum, err := f.sum(b)
	if err != nil {
		return nil, err
	}
	return append(append(b, sum...), end...), nil
}

func (f Frame) sum(b []byte) ([]byte, error) {
	kind, hex := strings.CutSuffix(f.Checksum, "-hex")
	var sum []byte
	switch kind {
	case "", "none":
		if hex {
			return nil, fmt.Errorf("%w: there is no checksum %q", ErrSpec, f.Checksum)
		}
		return nil, nil
	case "xor":
		var x byte
		for _, c := range b {
			x ^= c
		}
		sum = []byte{x}
	case "sum":
		var x byte
		for _, c := range b {
			x += c
		}
		sum = []byte{x}
	case "crc16":
		sum = binary.LittleEndian.AppendUint16(nil, crc16(b))
	default:
		return nil, fmt.Errorf("%w: the checksum is none, xor, sum or crc16, the last three also with -hex, not %q",
			ErrSpec, f.Checksum)
	}
	if hex {
		return fmt.Appendf(nil, "%X", sum), nil
	}
	return sum, nil
}

func formatUnit(format string, unit int) (string, error) {
	switch format {
	case "":
		return "", nil
	case "%d", "%02d", "%03d", "%02X":
		return fmt.Sprintf(format, unit), nil
	case "%c":
		return string([]byte{byte(unit & 0xff)}), nil
	}
	return "", fmt.Errorf("%w: the address is written %%d, %%02d, %%03d, %%02X or %%c, not %q", ErrSpec, format)
}

// unescape reads \xNN, \r, \n, \t and \\.
func unescape(s string) (string, error) {
	var out strings.Builder
	for s != "" {
		plain, rest, escaped := strings.Cut(s, `\`)
		out.WriteString(plain)
		if !escaped {
			break
		}
		if rest == "" {
			return "", fmt.Errorf("%w: a lone \\ at the end", ErrSpec)
		}
		used := 1
		switch rest[0] {
		case 'r':
			out.WriteByte('\r')
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case '\\':
			out.WriteByte('\\')
		case 'x':
			used = min(3, len(rest))
			n, err := strconv.ParseUint(rest[1:used], 16, 8)
			if err != nil || used < 3 {
				return "", fmt.Errorf(`%w: after \x come two hexadecimal digits`, ErrSpec)
			}
			out.WriteByte(byte(n))
		default:
			return "", fmt.Errorf(`%w: \%c is not known`, ErrSpec, rest[0])
		}
		s = rest[used:]
	}
	return out.String(), nil
}
