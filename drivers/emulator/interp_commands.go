package emulator

// command carries out a complete command. It returns the dots the paper moved.
func (in *interp) command(o op, args []byte) int {
	if in.textMode(o, args) || in.layoutMode(o, args) || in.symbolMode(o, args) || in.ignored(o) {
		return 0
	}
	switch o {
	case opFeedDots:
		return in.printLine(int(args[0]))
	case opFeedLines:
		return in.printLine(int(args[0]) * in.m.spacing)
	case opBackDots:
		return in.back(int(args[0]))
	case opBackLines:
		return in.back(int(args[0]) * in.m.spacing)
	case opSymbol:
		return in.symbol(args)
	case opGraphics, opGraphics8:
		return in.graphics(o, args)
	case opBarcode:
		return in.barcode(args)
	case opCut:
		return in.cut(args)
	case opCutFull:
		return in.cutNow(CutFull, 0)
	case opCutPart:
		return in.cutNow(CutPartial, 0)
	case opRaster, opBitImage:
		in.page.warnAt("size byte out of range in %s", o)
	case opStatus, opIdentity, opASB, opProcessID, opPresenter:
		in.device(o, args)
	case opInit:
		in.initialise()
	case opPageMode, opStandard, opPageDir, opPageArea, opPageAbs, opPageRel:
		in.page.warnAt("page mode is not emulated: %s ignored", o)
	case opNVOldPrint, opNVOldDefine, opDownDefine, opDownPrint, opUserDefine, opUserSet, opMacroRun, opMacro:
		in.page.warnAt("%s is not emulated: ignored", o)
	default:
		in.page.warnAt("unsupported command %s", o)
	}
	return 0
}

// ignored lists commands that leave no trace on the paper of this printer.
func (in *interp) ignored(o op) bool {
	switch o {
	case opEOT, opENQ, opDC4, opSelect, opReset, opBeep, opSensor, opUnidir, opColour, opDrawer, opBuzzer,
		opSmooth, opUnits, opLineStart, opHead, opTestPrint,
		opKanjiMode, opKanjiUnder, opKanjiSpace, opKanjiQuad, opKanjiFont, opKanjiCode:
		return true
	default:
		return false
	}
}

// textMode carries out the commands that change how characters look or are decoded.
func (in *interp) textMode(o op, args []byte) bool {
	m := &in.m
	switch o {
	case opPrintMode:
		in.printMode(args[0])
	case opFont:
		in.selectFont(args[0])
	case opSize:
		in.size(args[0])
	case opBold:
		m.style.bold = args[0]&1 != 0
	case opDouble:
		m.double = args[0]&1 != 0
	case opUnderline:
		in.underline(args[0])
	case opReverse:
		m.style.reverse = args[0]&1 != 0
	case opRotate:
		m.style.rotated = args[0] != 0 && args[0] != '0'
	case opCharSpace:
		m.charSpace = int(args[0])
	case opCodePage:
		in.codePage(int(args[0]))
	case opKanjiOn:
		m.kanji = true
	case opKanjiOff:
		m.kanji = false
	case opEncoding:
		in.encoding(args)
	case opCharset:
		if args[0] != 0 {
			in.page.warnAt("international character set %d is not emulated", args[0])
		}
	default:
		return false
	}
	return true
}

// printMode is ESC !: font, emphasis, double height, double width and underline in one byte.
func (in *interp) printMode(n byte) {
	in.m.font = font(n & 1)
	in.m.style.bold = n&0x08 != 0
	in.m.sy = 1 + int(n>>4&1)
	in.m.sx = 1 + int(n>>5&1)
	in.m.style.underline = int(n >> 7)
}

func (in *interp) selectFont(n byte) {
	switch n {
	case 0, '0':
		in.m.font = fontA
	case 1, '1':
		in.m.font = fontB
	default:
		in.page.warnAt("size byte out of range: font %d", n)
	}
}

// size is GS !: width factor in the high half, height factor in the low one, both 1–8.
func (in *interp) size(n byte) {
	if n&0x88 != 0 {
		in.page.warnAt("size byte out of range: GS ! %02X", n)
		return
	}
	in.m.sx, in.m.sy = int(n>>4)+1, int(n&7)+1
}

func (in *interp) underline(n byte) {
	switch n {
	case 0, '0':
		in.m.style.underline = 0
	case 1, '1':
		in.m.style.underline = 1
	case 2, '2':
		in.m.style.underline = 2
	default:
		in.page.warnAt("size byte out of range: underline %d", n)
	}
}

func (in *interp) codePage(n int) {
	t := in.pages.table(n)
	if t == nil {
		in.page.warnAt("code page %d is not in this printer, ignored", n)
		return
	}
	in.m.table = t
}

// encoding is FS ( C fn 48: 1 or '1' is one byte a character, 2 or '2' is UTF-8.
func (in *interp) encoding(args []byte) {
	if in.opt.lacks(FeatureUTF8) || len(args) != 4 || args[2] != 0x30 {
		in.page.warnAt("unsupported command %s", opEncoding)
		return
	}
	switch args[3] {
	case 1, '1':
		in.m.utf8 = false
	case 2, '2':
		in.m.utf8 = true
	default:
		in.page.warnAt("size byte out of range: encoding %d", args[3])
	}
}

// layoutMode carries out the commands that place text on the paper without moving it.
func (in *interp) layoutMode(o op, args []byte) bool {
	m := &in.m
	switch o {
	case opAlign:
		in.justify(args[0])
	case opUpsideDown:
		if in.atLineStart(o) {
			m.upsideDown = args[0]&1 != 0
		}
	case opSpacingDef:
		m.spacing = defaultLineSpacing
	case opSpacing:
		m.spacing = int(args[0])
	case opLeftMargin:
		if in.atLineStart(o) {
			m.left = min(le16(args[0], args[1]), in.opt.Dots)
			m.width = min(m.width, in.opt.Dots-m.left)
		}
	case opAreaWidth:
		if in.atLineStart(o) {
			in.areaWidth(le16(args[0], args[1]))
		}
	case opAbsolute:
		in.moveTo(le16(args[0], args[1]))
	case opRelative:
		by := le16(args[0], args[1])
		if by >= 0x8000 { // two's complement
			by -= 0x10000
		}
		in.moveTo(in.line.x + by)
	case opTabs:
		in.setTabs(args)
	default:
		return false
	}
	return true
}

func (in *interp) justify(n byte) {
	if !in.atLineStart(opAlign) {
		return
	}
	switch n {
	case 0, 1, 2:
		in.m.align = n
	case '0', '1', '2':
		in.m.align = n - '0'
	default:
		in.page.warnAt("size byte out of range: justification %d", n)
	}
}

func (in *interp) areaWidth(n int) {
	room := in.opt.Dots - in.m.left
	if n > room {
		in.page.warnAt("print area of %d dots is wider than the paper", n+in.m.left)
	}
	in.m.width = min(n, room)
}

func (in *interp) setTabs(columns []byte) {
	w, _ := in.m.font.size()
	in.m.tabs = []int{}
	for i, c := range columns {
		if i == 32 || i > 0 && c <= columns[i-1] {
			return
		}
		in.m.tabs = append(in.m.tabs, int(c)*(w*in.m.sx+in.m.charSpace))
	}
}

// back is reverse feed. Presenters jam on it (escpos-php #511).
func (in *interp) back(n int) int {
	if in.opt.Presenter {
		in.page.warnAt("reverse feed jams a presenter, ignored")
		return 0
	}
	moved := 0
	if in.line.dirty {
		moved = in.printLine(0)
	}
	return moved + in.page.feed(-n)
}

// cut is GS V m [n]: functions A, B (feed n to the cutter and cut), C and D.
func (in *interp) cut(args []byte) int {
	feed := 0
	if len(args) == 2 {
		feed = in.opt.CutterDots + int(args[1])
	}
	switch args[0] {
	case 0, '0', 65, 97, 103:
		return in.cutNow(CutFull, feed)
	case 1, '1', 66, 98, 104:
		return in.cutNow(CutPartial, feed)
	}
	in.page.warnAt("size byte out of range: cut %d", args[0])
	return 0
}

// cutNow ends the ticket. A cut in the middle of a line is not allowed by the manual; printers that
// do it print the line first, and so nothing is lost here.
func (in *interp) cutNow(cut Cut, feed int) int {
	if in.opt.lacks(FeatureCutter) {
		in.page.warnAt("this printer has no cutter")
		return in.page.feed(feed)
	}
	moved := 0
	if in.line.dirty {
		in.page.warnAt("cut only allowed at line start")
		moved = in.printLine(in.m.spacing)
	}
	if gap := in.page.y + feed - in.page.inkEnd(); in.opt.CutterDots > 0 && len(in.page.elements) > 0 &&
		gap < in.opt.CutterDots {
		in.page.warnAt("cut goes through the print: feed %d dots more", in.opt.CutterDots-gap)
	}
	moved += in.page.feed(feed)
	in.emit(effect{kind: fxTicket, ticket: in.page.finish(in.opt, cut)})
	return moved
}

// inkEnd is where the lowest element ends.
func (p *page) inkEnd() int {
	if len(p.elements) == 0 {
		return 0
	}
	e := p.elements[len(p.elements)-1]
	return e.y + e.h
}

// flush ends a ticket that was never cut; nil if there is nothing on it. An open command is named.
func (in *interp) flush(openCommand op) *Ticket {
	if openCommand != 0 {
		name := "command"
		if isRaster(openCommand) {
			name = "raster"
		}
		in.page.warn("%s left open: %s", name, openCommand)
	}
	if in.line.dirty {
		in.page.warn("line left unprinted: %q", lineText(in.line.cells))
	}
	if in.page.empty() {
		in.page = newPage(in.opt)
		return nil
	}
	return in.page.finish(in.opt, CutNone)
}

func isRaster(o op) bool {
	return o == opRaster || o == opGraphics || o == opGraphics8 || o == opBitImage
}

// presentProduce is the GS e function with a second byte: push the ticket out by n steps.
const presentProduce = 3

// device hands a command to the mechanism, which knows sensors and connections.
func (in *interp) device(o op, args []byte) {
	fx := effect{arg: args[0], data: append([]byte(nil), args...)}
	switch o {
	case opStatus:
		if in.missing(FeaturePaperGSr, o) {
			return
		}
		fx.kind = fxStatus
	case opIdentity:
		fx.kind = fxIdentity
	case opASB:
		if in.missing(FeatureASB, o) {
			return
		}
		fx.kind = fxASB
	case opProcessID:
		if in.missing(FeatureProcessID, o) || !in.validProcessID(args) {
			return
		}
		fx.kind = fxProcessID
		fx.data = append([]byte(nil), args[4:8]...)
	case opPresenter:
		fx.kind = fxPresent
	default:
		return
	}
	in.emit(fx)
}

func (in *interp) missing(f Feature, o op) bool {
	if !in.opt.lacks(f) {
		return false
	}
	in.page.warnAt("this printer has no %s", o)
	return true
}

// validProcessID checks GS ( H pL pH 30 30 d1 d2 d3 d4 with d from 20h to 7Eh.
func (in *interp) validProcessID(args []byte) bool {
	ok := len(args) == 8 && args[2] == 0x30 && args[3] == 0x30
	for _, d := range args[min(4, len(args)):] {
		ok = ok && d >= 0x20 && d <= 0x7E
	}
	if !ok {
		in.page.warnAt("size byte out of range in %s", opProcessID)
	}
	return ok
}
