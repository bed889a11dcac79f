// Package ticket lays out a visitor's ticket as a paper.Document.
//
// It is pure: the same Data and Options always give the same document, with no clock, no I/O and
// no goroutines. It knows what a visitor must read and nothing of printers.
package ticket

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/okienko/okienko/drivers/paper"
)

// Options is how an office wants its tickets. The zero value is the usual ticket.
type Options struct {
	// Logo stands at the top: a paper.Logo or a paper.Image, or nil for none.
	Logo paper.Element
	// Large doubles every line, for people who see badly.
	Large bool
	// Columns is the number of characters a line of the paper, for breaking large lines at words
	// before a driver would make them small again; 0 means 32, which suits every paper.
	Columns int
	// Hint replaces the last line, in the visitor's language; a single space leaves it out.
	Hint string
}

// qrDots is the wished width of the QR code: 30 mm at 203 dpi, which a telephone reads from half a
// metre.
const qrDots = 240

// Layout makes the ticket: branch, service, the number as large as the paper allows, how many wait
// before it, when the call may come, when it was issued, and the QR code. Data should have passed
// Validate; an unknown language is printed in Polish.
func Layout(d Data, o Options) paper.Document {
	w := phrases(d.Language)
	l := layout{options: o}
	if o.Logo != nil {
		l.elements = append(l.elements, o.Logo)
	}
	l.text(d.Branch, 1, false)
	l.text(d.Service, 1, true)
	switch d.Mark {
	case MarkCopy:
		l.mark(w.copy)
	case MarkReprint:
		l.mark(w.reprint)
	case MarkNone:
	}
	l.text(d.Number, paper.MaxMagnify, true)
	l.text(aheadLine(d.Ahead, w), 1, false)
	if d.Wait != nil {
		l.text(w.about+interval(d.Time, *d.Wait), 1, false)
	}
	l.text(d.Time.Format(w.date), 1, false)
	hint := w.screen
	if d.URL != "" {
		hint = w.scan
		l.elements = append(l.elements, paper.QR{Value: d.URL, Align: paper.Center, WidthDots: qrDots})
	}
	if o.Hint != "" {
		hint = o.Hint
	}
	l.text(strings.TrimSpace(hint), 1, false)
	return paper.Document{Elements: l.elements, Cut: paper.CutFull}
}

type layout struct {
	options  Options
	elements []paper.Element
}

// text adds a centred line at a size, or several in large print. Empty lines are left out.
func (l *layout) text(s string, size uint8, bold bool) {
	if s == "" {
		return
	}
	lines := []string{s}
	if l.options.Large && size == 1 {
		size = 2
		columns := l.options.Columns
		if columns <= 0 {
			columns = 32
		}
		lines = wrap(s, columns/2)
	}
	for _, line := range lines {
		l.elements = append(l.elements, paper.Text{
			Value: line, Align: paper.Center, Width: size, Height: size, Bold: bold,
		})
	}
}

// mark adds a word that nobody can overlook, white on black.
func (l *layout) mark(s string) {
	l.elements = append(l.elements, paper.Text{
		Value: " " + s + " ", Align: paper.Center, Width: 2, Height: 2, Bold: true, Reverse: true,
	})
}

// wrap breaks s at spaces into lines of at most columns characters; a longer word stays whole, and
// the driver makes that line smaller.
func wrap(s string, columns int) []string {
	var lines []string
	var line string
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= columns:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

func aheadLine(n int, w words) string {
	if n <= 0 {
		return w.nobody
	}
	return w.ahead(n)
}

// interval gives a wait as times of the clock, such as 10:25–10:40, rounded outwards to 5 minutes,
// or to 10 when it may take more than an hour: nobody can promise minutes so far ahead.
func interval(issued time.Time, w Wait) string {
	step := 5 * time.Minute
	if w.High > 60*60 {
		step = 10 * time.Minute
	}
	from := roundDown(issued.Add(time.Duration(w.Low)*time.Second), step)
	high := issued.Add(time.Duration(w.High) * time.Second)
	to := roundDown(high, step)
	if to.Before(high) {
		to = to.Add(step)
	}
	const clock = "15:04"
	if from.Equal(to) {
		return from.Format(clock)
	}
	return from.Format(clock) + "–" + to.Format(clock)
}

// roundDown rounds to a step of the clock on the wall, whatever the zone's offset is.
func roundDown(t time.Time, step time.Duration) time.Time {
	past := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second +
		time.Duration(t.Nanosecond())
	return t.Add(-(past % step))
}
