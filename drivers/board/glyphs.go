package board

// segments gives the seven segments of a character in the MAX7219's order without decoding, bit 6
// to 0: A B C D E F G (data sheet, table 6). The TM1637 and LED-485 order is the mirror of it.
func segments(c byte) byte {
	const table = "\x7e\x30\x6d\x79\x33\x5b\x5f\x70\x7f\x7b" // 0 to 9
	if c >= '0' && c <= '9' {
		return table[c-'0']
	}
	switch c {
	case 'A':
		return 0x77
	case 'B':
		return 0x1f
	case 'C':
		return 0x4e
	case 'D':
		return 0x3d
	case 'E':
		return 0x4f
	case 'F':
		return 0x47
	case 'H':
		return 0x37
	case 'J':
		return 0x3c
	case 'L':
		return 0x0e
	case 'P':
		return 0x67
	case 'U':
		return 0x3e
	}
	return 0
}

// columns gives a character's five columns of seven dots, the lowest bit on top.
func columns(c byte) string {
	const digits = "\x3e\x51\x49\x45\x3e" + "\x00\x42\x7f\x40\x00" + "\x62\x51\x49\x49\x46" + "\x22\x41\x49\x49\x36" +
		"\x18\x14\x12\x7f\x10" + "\x27\x45\x45\x45\x39" + "\x3c\x4a\x49\x49\x30" + "\x01\x71\x09\x05\x03" +
		"\x36\x49\x49\x49\x36" + "\x06\x49\x49\x29\x1e"
	const letters = "\x7e\x11\x11\x11\x7e" + "\x7f\x49\x49\x49\x36" + "\x3e\x41\x41\x41\x22" + "\x7f\x41\x41\x22\x1c" +
		"\x7f\x49\x49\x49\x41" + "\x7f\x09\x09\x09\x01" + "\x3e\x41\x41\x51\x32" + "\x7f\x08\x08\x08\x7f" +
		"\x00\x41\x7f\x41\x00" + "\x20\x40\x41\x3f\x01" + "\x7f\x08\x14\x22\x41" + "\x7f\x40\x40\x40\x40" +
		"\x7f\x02\x0c\x02\x7f" + "\x7f\x04\x08\x10\x7f" + "\x3e\x41\x41\x41\x3e" + "\x7f\x09\x09\x09\x06" +
		"\x3e\x41\x51\x21\x5e" + "\x7f\x09\x19\x29\x46" + "\x26\x49\x49\x49\x32" + "\x01\x01\x7f\x01\x01" +
		"\x3f\x40\x40\x40\x3f" + "\x1f\x20\x40\x20\x1f" + "\x3f\x40\x38\x40\x3f" + "\x63\x14\x08\x14\x63" +
		"\x07\x08\x70\x08\x07" + "\x61\x51\x49\x45\x43"
	switch {
	case c >= '0' && c <= '9':
		return digits[5*int(c-'0'):][:5]
	case c >= 'A' && c <= 'Z':
		return letters[5*int(c-'A'):][:5]
	}
	return "\x00\x00\x00\x00\x00"
}

// dotRow gives one row of a character in the middle of an 8×8 module, the leftmost dot in bit 7.
func dotRow(c byte, row int) byte {
	var bits byte
	for i, column := range []byte(columns(c)) {
		if column>>row&1 == 1 {
			bits |= 0x40 >> i
		}
	}
	return bits
}
