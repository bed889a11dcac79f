package configs

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The limits of one document. A configuration is written by hand; anything larger is a mistake,
// and the limits keep a hostile file from costing more than a moment.
const (
	maxBytes = 256 << 10
	maxDepth = 32
	// maxOpen bounds brackets and dashes that the parser would follow into the deep, as its work
	// grows with the square of the depth. Brackets in texts count too, so it is generous.
	maxOpen = 8 * maxDepth
)

// Document is one parsed YAML document that can still say where each value was written.
type Document struct {
	name  string
	lines []string
	root  ast.Node
	// places maps a path such as services[1].letter to where its value begins.
	places map[string]place
}

// place is a position in the text, both counted from 1.
type place struct{ line, column int }

// Parse reads the text of one YAML document. name is the file's name for the messages. The error
// is a Faults. An empty document is allowed and changes nothing when decoded.
func Parse(name string, data []byte) (*Document, error) {
	d := &Document{name: name, places: map[string]place{}}
	if len(data) > maxBytes {
		return nil, Faults{{
			File: name, Line: 1, Column: 1,
			Message: fmt.Sprintf("the file has %d bytes; at most %d are read", len(data), maxBytes),
		}}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // some editors begin a file with it
	d.lines = strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	if f, bad := d.unreadable(); bad {
		return nil, Faults{f}
	}
	file, err := parser.ParseBytes([]byte(strings.Join(d.lines, "\n")), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, Faults{d.syntaxFault(err)}
	}
	if len(file.Docs) > 1 {
		return nil, Faults{d.fault(tokenPlace(file.Docs[1].GetToken()),
			"a second document begins here", "one file holds one document: remove the line with ---")}
	}
	if len(file.Docs) == 1 {
		d.root = file.Docs[0].Body
		d.index(d.root, "", 0)
	}
	return d, nil
}

// Lookup gives the text of the scalar at a path such as version or services[0].letter.
func (d *Document) Lookup(path string) (string, bool) {
	node := d.root
	for _, step := range splitPath(path) {
		node = child(node, step)
	}
	if node == nil {
		return "", false
	}
	scalar, ok := scalarText(node)
	return scalar, ok
}

// FaultAt makes a fault at the value with this path. When the document does not mention it, the
// fault stands at the nearest part above it that is mentioned.
func (d *Document) FaultAt(path, message, hint string) Fault {
	for {
		if at, ok := d.places[path]; ok {
			return d.fault(at, message, hint)
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return d.fault(place{line: 1, column: 1}, message, hint)
		}
		path = path[:cut]
	}
}

// unreadable finds bytes that no YAML file of ours may hold, before the parser sees them.
func (d *Document) unreadable() (Fault, bool) {
	open := 0
	for i, line := range d.lines {
		if !utf8.ValidString(line) {
			column := 1 + utf8.RuneCountInString(line[:strings.IndexRune(strings.ToValidUTF8(line, "\uFFFD"), '\uFFFD')])
			return d.fault(place{i + 1, column}, "these letters are not UTF-8",
				"save the file with the encoding UTF-8"), true
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 && strings.TrimSpace(line) != "" {
			return d.fault(place{i + 1, tab + 1}, "the line is indented with a tab",
				"YAML wants spaces: replace the tab by two spaces"), true
		}
		if open = nesting(line, open); open > maxOpen || strings.Count(line, "- ")+strings.Count(line, "? ") > maxOpen {
			return d.fault(place{i + 1, 1}, "this is nested too deeply", "close each bracket where its list ends"), true
		}
	}
	return Fault{}, false
}

// nesting follows the brackets of a line from those that are open before it. It gives those that
// are open after it, or the first depth beyond maxOpen.
func nesting(line string, open int) int {
	for _, r := range line {
		switch r {
		case '[', '{':
			if open++; open > maxOpen {
				return open
			}
		case ']', '}':
			open = max(0, open-1)
		}
	}
	return open
}

// syntaxFault puts the parser's complaint at its place.
func (d *Document) syntaxFault(err error) Fault {
	at, message := place{1, 1}, err.Error()
	if syntax, ok := errors.AsType[yaml.Error](err); ok {
		at, message = tokenPlace(syntax.GetToken()), syntax.GetMessage()
	}
	hint := "check the indentation, the colon after the key and the quotes of this line and the one above"
	return d.fault(at, "this is not YAML: "+message, hint)
}

// fault fills in the file and the text of the line.
func (d *Document) fault(at place, message, hint string) Fault {
	f := Fault{File: d.name, Line: at.line, Column: at.column, Message: message, Hint: hint}
	if at.line >= 1 && at.line <= len(d.lines) {
		f.Source = d.lines[at.line-1]
		f.Column = min(f.Column, utf8.RuneCountInString(f.Source)+1)
	}
	return f
}

// index writes down where each value begins.
func (d *Document) index(node ast.Node, path string, depth int) {
	if node == nil || depth > maxDepth {
		return
	}
	if _, set := d.places[path]; !set && path != "" {
		d.places[path] = startOf(node)
	}
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			d.indexPair(pair, path, depth)
		}
	case *ast.MappingValueNode:
		d.indexPair(n, path, depth)
	case *ast.SequenceNode:
		for i, value := range n.Values {
			d.index(value, path+"["+strconv.Itoa(i)+"]", depth+1)
		}
	}
}

// indexPair writes down a key and what is below it. A scalar stands at its value; a list or a
// group of keys at its key, because its first token may be on another line.
func (d *Document) indexPair(pair *ast.MappingValueNode, path string, depth int) {
	key, ok := scalarText(pair.Key)
	if !ok {
		return
	}
	below := key
	if path != "" {
		below = path + "." + key
	}
	if _, seen := d.places[below]; seen {
		return // a duplicate key: the decoder complains
	}
	if _, scalar := scalarText(pair.Value); !scalar || pair.Value.Type() == ast.NullType {
		d.places[below] = tokenPlace(pair.Key.GetToken())
	}
	d.index(pair.Value, below, depth+1)
}

// pairs gives the keys and values of a mapping; the parser has two shapes for it.
func pairs(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// scalarText gives a scalar as it was written, without quotes.
func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, true
	case *ast.NullNode:
		return "", true
	}
	return "", false
}

// child goes one step down: a key, or an index in brackets.
func child(node ast.Node, step string) ast.Node {
	if list, ok := node.(*ast.SequenceNode); ok {
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(list.Values) {
			return nil
		}
		return list.Values[i]
	}
	all, _ := pairs(node)
	for _, pair := range all {
		if key, ok := scalarText(pair.Key); ok && key == step {
			return pair.Value
		}
	}
	return nil
}

// splitPath makes services, 0, letter of services[0].letter.
func splitPath(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// startOf is where a node begins: the parser's own token of a mapping is its first colon.
func startOf(node ast.Node) place {
	if all, ok := pairs(node); ok && len(all) > 0 {
		return tokenPlace(all[0].Key.GetToken())
	}
	return tokenPlace(node.GetToken())
}

// tokenPlace is where a token begins; a missing token is the start of the document.
func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{line: max(1, t.Position.Line), column: max(1, t.Position.Column)}
}
