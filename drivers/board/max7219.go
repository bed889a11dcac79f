package board

// The registers of a MAX7219 (data sheet, table 2). 1 to 8 are the digits.
const (
	regNoOp      = 0x00
	regDecode    = 0x09
	regIntensity = 0x0a
	regScanLimit = 0x0b
	regShutdown  = 0x0c
	regTest      = 0x0f
)

// max7219Setup is sent before every content, since a dip of the supply leaves the chip in shutdown
// or, worse, in its test with everything lit.
func max7219Setup(brightness byte) [][2]byte {
	return [][2]byte{
		{regTest, 0},
		{regDecode, 0},
		{regScanLimit, 7},
		{regIntensity, brightness & 0x0f},
	}
}

// max7219Segments gives the SPI transfers that show a text on one chip with up to 8 digits: DIG0
// is the rightmost, as on the modules that are sold.
func max7219Segments(text string, places int, brightness byte) [][]byte {
	var words [][2]byte
	words = append(words, max7219Setup(brightness)...)
	shown := pad(text, places)
	for place := range 8 {
		var bits byte
		if place < places {
			bits = segments(shown[places-1-place])
		}
		words = append(words, [2]byte{byte(place + 1), bits})
	}
	words = append(words, [2]byte{regShutdown, 1})
	transfers := make([][]byte, len(words))
	for i, word := range words {
		transfers[i] = word[:]
	}
	return transfers
}

// max7219Dots gives the transfers for a cascade of 8×8 modules, one character each. A transfer
// holds one word a module; the first goes to the far end, which is the left one. Rows are the
// digits, the top one first.
func max7219Dots(text string, modules int, brightness byte) [][]byte {
	shown := pad(text, modules)
	all := func(word [2]byte) []byte {
		var transfer []byte
		for range modules {
			transfer = append(transfer, word[:]...)
		}
		return transfer
	}
	var transfers [][]byte
	for _, word := range max7219Setup(brightness) {
		transfers = append(transfers, all(word))
	}
	for row := range 8 {
		var transfer []byte
		for module := range modules {
			transfer = append(transfer, byte(row+1), dotRow(shown[module], row))
		}
		transfers = append(transfers, transfer)
	}
	return append(transfers, all([2]byte{regShutdown, 1}))
}
