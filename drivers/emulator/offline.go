package emulator

// Render interprets a whole file as a printer that never fails would, and returns the tickets in
// the order they were cut. What follows the last cut is a ticket with CutNone if anything was
// printed or is to be warned of. Real-time and status requests are accepted and go unanswered.
func Render(data []byte, opts Options) []Ticket {
	in := newInterp(opts.withDefaults())
	var lx lexer
	var out []Ticket
	keep := func(t *Ticket) {
		if t != nil {
			t.N = len(out) + 1
			out = append(out, *t)
		}
	}
	for _, b := range data {
		in.page.record(b)
		in.apply(lx.feed(b))
		for _, fx := range in.takeEffects() {
			keep(fx.ticket)
		}
	}
	keep(in.flush(lx.openCommand()))
	return out
}

// openCommand is the command that waits for more bytes, or 0.
func (l *lexer) openCommand() op {
	if !l.open() {
		return 0
	}
	return l.op
}
