package configs

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong in a document, told to the person who wrote it.
type Fault struct {
	// File is the name that the document was parsed with.
	File string
	// Line and Column count from 1; Column counts characters.
	Line, Column int
	// Message says what is wrong, Hint what to do about it; Hint may be empty.
	Message, Hint string
	// Source is the text of the line.
	Source string
}

// Error gives the fault on several lines: place and message, the line, a caret, the hint.
func (f Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	if strings.TrimSpace(f.Source) != "" {
		source, column := excerpt(f.Source, f.Column)
		fmt.Fprintf(&b, "\n    %s\n    %s^", source, strings.Repeat(" ", column-1))
	}
	if f.Hint != "" {
		fmt.Fprintf(&b, "\n    hint: %s", f.Hint)
	}
	return b.String()
}

// Faults is everything that is wrong in a document, in the order of its lines. It is never empty
// when it is returned as an error.
type Faults []Fault

// Error gives every fault, one after another.
func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i, fault := range f {
		texts[i] = fault.Error()
	}
	return strings.Join(texts, "\n")
}

// Sort puts the faults in the order of their places; faults of one place keep their order.
func (f Faults) Sort() {
	slices.SortStableFunc(f, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}

// orNil makes an error of the faults, or nil of none: a nil Faults inside an error is not nil.
func (f Faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	f.Sort()
	return f
}

// excerpt prepares a line for a terminal: control characters become spaces, and only a window
// around the column is kept of a very long line.
func excerpt(source string, column int) (line string, caret int) {
	const window = 120
	runes := []rune(source)
	for i, r := range runes {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			runes[i] = ' '
		}
	}
	column = min(max(column, 1), len(runes)+1)
	start := max(0, min(column-1-window/2, len(runes)-window))
	end := min(len(runes), start+window)
	return string(runes[start:end]), column - start
}

// nearest gives the candidate that word was most likely meant to be, or "".
func nearest(word string, candidates []string) string {
	best, bestDistance := "", 1+max(1, len([]rune(word))/3)
	for _, c := range candidates {
		if strings.EqualFold(word, c) || strings.EqualFold(strings.ReplaceAll(word, "-", "_"), c) {
			return c
		}
		if d := distance([]rune(strings.ToLower(word)), []rune(strings.ToLower(c))); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts the single-letter edits between a and b; a swap of neighbours is one edit
// (optimal string alignment).
func distance(a, b []rune) int {
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		now := make([]int, len(b)+1)
		now[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(last[j+1]+1, now[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}
