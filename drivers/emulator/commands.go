package emulator

// The commands, named as in the manuals. Their lengths are in fixedArgs and nextStep, what they do
// is in the interp files. Sources: Epson ESC/POS command reference; GS e: Custom KPM210 manual;
// ESC B: NT-5890K manual and other clones.
const (
	opEOT op = 0x1004
	opENQ op = 0x1005
	opDC4 op = 0x1014

	opCharSpace   op = 0x1B20
	opPrintMode   op = 0x1B21
	opAbsolute    op = 0x1B24
	opUserSet     op = 0x1B25
	opUserDefine  op = 0x1B26
	opBitImage    op = 0x1B2A
	opUnderline   op = 0x1B2D
	opSpacingDef  op = 0x1B32
	opSpacing     op = 0x1B33
	opSelect      op = 0x1B3D
	opReset       op = 0x1B3F
	opInit        op = 0x1B40
	opBeep        op = 0x1B42
	opTabs        op = 0x1B44
	opBold        op = 0x1B45
	opDouble      op = 0x1B47
	opFeedDots    op = 0x1B4A
	opBackDots    op = 0x1B4B
	opPageMode    op = 0x1B4C
	opFont        op = 0x1B4D
	opCharset     op = 0x1B52
	opStandard    op = 0x1B53
	opPageDir     op = 0x1B54
	opUnidir      op = 0x1B55
	opRotate      op = 0x1B56
	opPageArea    op = 0x1B57
	opRelative    op = 0x1B5C
	opAlign       op = 0x1B61
	opSensor      op = 0x1B63
	opFeedLines   op = 0x1B64
	opBackLines   op = 0x1B65
	opCutFull     op = 0x1B69
	opCutPart     op = 0x1B6D
	opDrawer      op = 0x1B70
	opColour      op = 0x1B72
	opCodePage    op = 0x1B74
	opUpsideDown  op = 0x1B7B
	opBuzzer      op = 0x1B2841
	opKanjiMode   op = 0x1C21
	opKanjiOn     op = 0x1C26
	opKanjiUnder  op = 0x1C2D
	opKanjiOff    op = 0x1C2E
	opKanjiCode   op = 0x1C43
	opKanjiSpace  op = 0x1C53
	opKanjiQuad   op = 0x1C57
	opNVOldPrint  op = 0x1C70
	opNVOldDefine op = 0x1C71
	opKanjiFont   op = 0x1C2841
	opEncoding    op = 0x1C2843

	opSize       op = 0x1D21
	opPageAbs    op = 0x1D24
	opDownDefine op = 0x1D2A
	opDownPrint  op = 0x1D2F
	opMacro      op = 0x1D3A
	opReverse    op = 0x1D42
	opHRI        op = 0x1D48
	opIdentity   op = 0x1D49
	opLeftMargin op = 0x1D4C
	opUnits      op = 0x1D50
	opLineStart  op = 0x1D54
	opCut        op = 0x1D56
	opAreaWidth  op = 0x1D57
	opPageRel    op = 0x1D5C
	opMacroRun   op = 0x1D5E
	opASB        op = 0x1D61
	opSmooth     op = 0x1D62
	opPresenter  op = 0x1D65
	opHRIFont    op = 0x1D66
	opBarHeight  op = 0x1D68
	opBarcode    op = 0x1D6B
	opStatus     op = 0x1D72
	opRaster     op = 0x1D7630
	opBarWidth   op = 0x1D77
	opTestPrint  op = 0x1D2841
	opProcessID  op = 0x1D2848
	opHead       op = 0x1D284B
	opGraphics   op = 0x1D284C
	opSymbol     op = 0x1D286B
	opGraphics8  op = 0x1D384C
)

// takesLetter reports whether a third byte belongs to the name of the command.
func takesLetter(o op) bool {
	switch o {
	case 0x1B28, 0x1C28, 0x1D28, 0x1D38, 0x1D76:
		return true
	default:
		return false
	}
}

// fixedArgs returns how many bytes follow the two-byte name in any case, and whether the name is
// known at all.
func fixedArgs(o op) (int, bool) {
	switch o {
	case opSpacingDef, opInit, opPageMode, opStandard, opCutFull, opCutPart, opKanjiOn, opKanjiOff,
		opMacro, opTabs:
		return 0, true
	case opEOT, opENQ, opDC4, opCharSpace, opPrintMode, opUserSet, opUnderline, opSpacing, opSelect,
		opBold, opDouble, opFeedDots, opBackDots, opFont, opCharset, opPageDir, opUnidir, opRotate,
		opAlign, opFeedLines, opBackLines, opColour, opCodePage, opUpsideDown, opKanjiMode,
		opKanjiUnder, opKanjiCode, opKanjiQuad, opNVOldDefine, opSize, opDownPrint, opReverse,
		opHRI, opIdentity, opLineStart, opCut, opASB, opSmooth, opPresenter, opHRIFont, opBarHeight,
		opBarcode, opStatus, opBarWidth:
		return 1, true
	case opAbsolute, opReset, opBeep, opRelative, opSensor, opKanjiSpace, opNVOldPrint, opPageAbs,
		opDownDefine, opLeftMargin, opUnits, opAreaWidth, opPageRel:
		return 2, true
	case opBitImage, opDrawer, opUserDefine, opMacroRun:
		return 3, true
	case opPageArea:
		return 8, true
	default:
		return 0, false
	}
}

// nextStep says what follows the arguments read so far. Commands with a third letter start with two
// bytes: the length for ESC (, FS ( and GS (, the first half of it for GS 8, m and xL for GS v.
func nextStep(o op, args []byte) step {
	switch o {
	case opEOT, opDC4:
		return realtimeStep(o, args)
	case opTabs:
		return step{nul: true}
	case opCut:
		if len(args) == 1 && cutFeeds(args[0]) {
			return step{more: 1}
		}
	case opPresenter:
		if len(args) == 1 && args[0] == presentProduce {
			return step{more: 1}
		}
	case opBarcode:
		return barcodeStep(args)
	case opBitImage:
		return step{payload: int64(le16(args[1], args[2])) * bitImageColumn(args[0])}
	case opDownDefine:
		return step{payload: int64(args[0]) * int64(args[1]) * 8}
	case opUserDefine:
		return userDefineStep(args)
	case opNVOldDefine:
		return nvOldStep(args)
	case opRaster:
		if len(args) < 5 {
			return step{more: 5 - len(args)}
		}
		return step{payload: int64(le16(args[1], args[2])) * int64(le16(args[3], args[4]))}
	case opGraphics8:
		if len(args) < 4 {
			return step{more: 4 - len(args)}
		}
		return graphicsStep(args, 4, le32(args))
	case opGraphics:
		return graphicsStep(args, 2, int64(le16(args[0], args[1])))
	default:
		if o > 0xFFFF && (o>>8).last() == '(' {
			return lengthStep(args)
		}
	}
	return step{}
}

// lengthStep is the common form xx ( y pL pH data. What is too long to keep becomes payload.
func lengthStep(args []byte) step {
	if len(args) != 2 {
		return step{}
	}
	n := le16(args[0], args[1])
	if n > maxArgs-2 {
		return step{payload: int64(n)}
	}
	return step{more: n}
}

// graphicsStep is GS ( L and GS 8 L: head bytes of length, then m and fn. Functions that carry an
// image have a header of their own and then payload.
func graphicsStep(args []byte, head int, n int64) step {
	have := int64(len(args) - head)
	switch {
	case n == 0:
		return step{}
	case have == 0:
		return step{more: int(min(n, 2))}
	case have >= n:
		return step{}
	}
	header := int64(maxArgs - 4)
	if have >= 2 && args[head] == 0x30 {
		switch args[head+1] {
		case graphicsStore:
			header = graphicsStoreHeader
		case graphicsNVDefine, graphicsRAMDefine:
			header = graphicsDefineHeader
		}
	}
	want := min(n, header)
	if have < want {
		return step{more: int(want - have)}
	}
	return step{payload: n - have}
}

// realtimeStep gives the lengths of DLE EOT and DLE DC4 with all functions of the reference.
func realtimeStep(o op, args []byte) step {
	if len(args) != 1 {
		return step{}
	}
	if o == opEOT {
		switch args[0] {
		case 7, 8, 18:
			return step{more: 1}
		}
		return step{}
	}
	switch args[0] {
	case 1, 2:
		return step{more: 2}
	case 3:
		return step{more: 5}
	case 7:
		return step{more: 1}
	case 8:
		return step{more: 7}
	}
	return step{}
}

func barcodeStep(args []byte) step {
	switch {
	case args[0] < 65:
		return step{nul: true}
	case len(args) == 1:
		return step{more: 1}
	case len(args) == 2:
		return step{more: int(args[1])}
	}
	return step{}
}

// userDefineStep frames ESC & y c1 c2 [x d1…d(x*y)] for each character from c1 to c2.
func userDefineStep(args []byte) step {
	y, c1, c2 := int(args[0]), int(args[1]), int(args[2])
	at := 3
	for range max(c2-c1+1, 0) {
		if at >= len(args) {
			return boundedMore(args, 1)
		}
		at += 1 + int(args[at])*y
	}
	return boundedMore(args, at-len(args))
}

// boundedMore asks for n more argument bytes unless the command has grown out of all bounds; the
// rest is then text, as it would be on a printer that gave up.
func boundedMore(args []byte, n int) step {
	if n <= 0 || len(args)+n > 64*maxArgs {
		return step{}
	}
	return step{more: n}
}

// nvOldStep frames FS q n [xL xH yL yH d1…d(x*y*8)]… with n images.
func nvOldStep(args []byte) step {
	at := 1
	for range int(args[0]) {
		if at+4 > len(args) {
			return boundedMore(args, at+4-len(args))
		}
		size := int64(le16(args[at], args[at+1])) * int64(le16(args[at+2], args[at+3])) * 8
		at += 4 + int(min(size, maxPageBytes))
	}
	return boundedMore(args, at-len(args))
}

// cutFeeds reports whether GS V m is followed by n: the functions B, C and D.
func cutFeeds(m byte) bool {
	switch m {
	case 65, 66, 97, 98, 103, 104:
		return true
	}
	return false
}

// bitImageColumn is the number of bytes of one column of ESC * m.
func bitImageColumn(m byte) int64 {
	if m == 32 || m == 33 {
		return 3
	}
	return 1
}

// barrier reports whether the printer does this command only when the paper has come to rest:
// replies that prove printing, and cuts.
func (e event) barrier() bool {
	if e.kind != evCommand {
		return false
	}
	switch e.op {
	case opStatus, opIdentity, opASB, opProcessID, opCut, opCutFull, opCutPart, opPresenter:
		return true
	default:
		return false
	}
}
