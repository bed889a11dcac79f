package configs

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Hinter is implemented by errors of UnmarshalText that know what to do about themselves.
type Hinter interface {
	error
	// Hint is one sentence for the person who wrote the file.
	Hint() string
}

// Decode reads the document into the struct that into points to, as the package's Decode does.
// It panics when into is not a pointer to a struct, or holds a type that it does not know: both
// are mistakes of the program and not of the file.
func (d *Document) Decode(into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("configs: Decode wants a pointer to a struct, not %T", into))
	}
	if d.root == nil || d.root.Type() == ast.NullType {
		return nil
	}
	dec := decoder{doc: d, top: target.Elem().Type()}
	dec.value(d.root, target.Elem(), "", 0)
	return dec.faults.orNil()
}

// decoder walks the document and the struct side by side and collects what does not fit.
type decoder struct {
	doc    *Document
	top    reflect.Type
	faults Faults
}

// fail notes a fault at a node.
func (d *decoder) fail(node ast.Node, message, hint string) {
	d.faults = append(d.faults, d.doc.fault(startOf(node), message, hint))
}

// value decodes one node into dst. path names it in the messages.
func (d *decoder) value(node ast.Node, dst reflect.Value, path string, depth int) {
	if depth > maxDepth {
		d.fail(node, "this is nested too deeply", "")
		return
	}
	switch node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode, *ast.MappingKeyNode:
		d.fail(node, "anchors (&), aliases (*), tags (!) and complex keys (?) are not used here",
			"write the value out; a text that begins with one of these signs goes in quotes")
		return
	}
	if text, ok := reflect.TypeAssert[encoding.TextUnmarshaler](dst.Addr()); ok {
		d.text(node, text, path)
		return
	}
	switch dst.Kind() {
	case reflect.Struct:
		d.structure(node, dst, path, depth)
	case reflect.Map:
		d.mapping(node, dst, path, depth)
	case reflect.Slice:
		d.list(node, dst, path, depth)
	case reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		d.value(node, dst.Elem(), path, depth)
	default:
		d.scalar(node, dst, path)
	}
}

// structure decodes a group of keys whose names are known.
func (d *decoder) structure(node ast.Node, dst reflect.Value, path string, depth int) {
	all, ok := pairs(node)
	if !ok {
		d.fail(node, label(path)+" must be a group of keys",
			"write the keys below it, each indented by two spaces: "+strings.Join(keysOf(dst.Type()), ", "))
		return
	}
	seen := map[string]int{}
	for _, pair := range all {
		key, ok := d.key(pair, seen)
		if !ok {
			continue
		}
		field, known := fieldByKey(dst.Type(), key)
		if !known {
			d.fail(pair.Key, fmt.Sprintf("unknown key %q", key), d.hintForKey(key, dst.Type()))
			continue
		}
		if d.empty(pair, key) {
			continue
		}
		d.value(pair.Value, dst.FieldByIndex(field.Index), join(path, key), depth+1)
	}
}

// mapping decodes a group of keys that the office chooses. It replaces the map that was there.
func (d *decoder) mapping(node ast.Node, dst reflect.Value, path string, depth int) {
	all, ok := pairs(node)
	if !ok {
		d.fail(node, label(path)+" must be a group of keys with values",
			"write each as key: value, on a line of its own below, indented by two spaces")
		return
	}
	made := reflect.MakeMapWithSize(dst.Type(), len(all))
	seen := map[string]int{}
	for _, pair := range all {
		key, ok := d.key(pair, seen)
		if !ok || d.empty(pair, key) {
			continue
		}
		keyValue := reflect.New(dst.Type().Key()).Elem()
		before := len(d.faults)
		d.value(pair.Key, keyValue, "the key "+key, depth+1)
		elem := reflect.New(dst.Type().Elem()).Elem()
		d.value(pair.Value, elem, join(path, key), depth+1)
		if len(d.faults) == before {
			made.SetMapIndex(keyValue, elem)
		}
	}
	dst.Set(made)
}

// list decodes a list. It replaces the one that was there.
func (d *decoder) list(node ast.Node, dst reflect.Value, path string, depth int) {
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		hint := "begin each entry below it with a dash: - ..."
		if text, scalar := scalarText(node); scalar {
			hint = fmt.Sprintf("write it in brackets: [%s]", text)
		}
		d.fail(node, label(path)+" must be a list", hint)
		return
	}
	made := reflect.MakeSlice(dst.Type(), len(seq.Values), len(seq.Values))
	for i, value := range seq.Values {
		entry := fmt.Sprintf("%s[%d]", path, i)
		if value == nil || value.Type() == ast.NullType {
			d.faults = append(d.faults, d.doc.FaultAt(entry, label(entry)+" is empty", "remove the dash or write a value"))
			continue
		}
		d.value(value, made.Index(i), entry, depth+1)
	}
	dst.Set(made)
}

// key reads the key of a pair and refuses one that was there before.
func (d *decoder) key(pair *ast.MappingValueNode, seen map[string]int) (string, bool) {
	key, ok := scalarText(pair.Key)
	if !ok {
		d.fail(pair.Key, "this key is not a plain word", "write the key as a word before the colon")
		return "", false
	}
	if line, twice := seen[key]; twice {
		d.fail(pair.Key, fmt.Sprintf("the key %q stands here a second time", key),
			fmt.Sprintf("the first is on line %d; keep one", line))
		return "", false
	}
	seen[key] = tokenPlace(pair.Key.GetToken()).line
	return key, true
}

// empty notes a key without a value: nearly always the lines below it lack their indentation.
func (d *decoder) empty(pair *ast.MappingValueNode, key string) bool {
	if pair.Value != nil && pair.Value.Type() != ast.NullType {
		return false
	}
	d.fail(pair.Key, fmt.Sprintf("%q has no value", key),
		`indent what belongs to it by two spaces, write "" for an empty text, or remove the line`)
	return true
}

// hintForKey says what an unknown key was probably meant to be, or where it belongs.
func (d *decoder) hintForKey(key string, here reflect.Type) string {
	known := keysOf(here)
	if near := nearest(key, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if home := homeOf(d.top, key, "", 0); home != "" {
		return fmt.Sprintf("%q belongs to %q: check the indentation", key, home)
	}
	return "the keys known here are " + strings.Join(known, ", ")
}

// text decodes a scalar through its type's own parser.
func (d *decoder) text(node ast.Node, into encoding.TextUnmarshaler, path string) {
	text, ok := scalarText(node)
	if !ok {
		d.fail(node, label(path)+" must be one value, not a list or a group of keys", "")
		return
	}
	if err := into.UnmarshalText([]byte(text)); err != nil {
		hint := ""
		if h, ok := err.(Hinter); ok { //nolint:errorlint // a hint of a wrapped error speaks of something else
			hint = h.Hint()
		}
		d.fail(node, label(path)+": "+err.Error(), hint)
	}
}

// scalar decodes one plain value.
func (d *decoder) scalar(node ast.Node, dst reflect.Value, path string) {
	text, ok := scalarText(node)
	if !ok {
		d.fail(node, label(path)+" must be one value, not a list or a group of keys", "")
		return
	}
	if dst.Type() == reflect.TypeFor[time.Duration]() {
		v, err := time.ParseDuration(text)
		if err != nil {
			d.fail(node, label(path)+" must be a time with its unit", "write it like 500ms, 90s, 8m or 1h30m")
			return
		}
		dst.SetInt(int64(v))
		return
	}
	switch dst.Kind() {
	case reflect.String:
		dst.SetString(text)
	case reflect.Bool:
		d.boolean(node, dst, path, text)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v, err := strconv.ParseInt(text, 10, dst.Type().Bits())
		if err != nil || !plainNumber(node, text) {
			d.fail(node, label(path)+" must be a whole number", numberHint(node, text))
			return
		}
		dst.SetInt(v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v, err := strconv.ParseUint(text, 10, dst.Type().Bits())
		if err != nil || !plainNumber(node, text) {
			d.fail(node, label(path)+" must be a whole number, not below 0", numberHint(node, text))
			return
		}
		dst.SetUint(v)
	case reflect.Float32, reflect.Float64:
		v, err := strconv.ParseFloat(text, dst.Type().Bits())
		if err != nil || v-v != 0 { // v-v is NaN for infinities and NaN
			d.fail(node, label(path)+" must be a number", numberHint(node, text))
			return
		}
		dst.SetFloat(v)
	default:
		panic(fmt.Sprintf("configs: %s has the type %s, which Decode does not know", path, dst.Type()))
	}
}

// boolean takes true and false only: YAML 1.1 took yes and on too, and read the country NO as false.
func (d *decoder) boolean(node ast.Node, dst reflect.Value, path, text string) {
	if node.Type() == ast.BoolType {
		dst.SetBool(strings.EqualFold(text, "true"))
		return
	}
	hint := "write true or false, without quotes"
	switch strings.ToLower(text) {
	case "yes", "on", "tak", "1", "y", "t", "так":
		hint = "write true"
	case "no", "off", "nie", "0", "n", "ні":
		hint = "write false"
	}
	d.fail(node, label(path)+" must be true or false", hint)
}

// plainNumber refuses what a person may read differently from the machine, such as 010.
func plainNumber(node ast.Node, text string) bool {
	digits := strings.TrimLeft(text, "-+")
	if len(digits) > 1 && digits[0] == '0' {
		return false
	}
	return node.Type() == ast.IntegerType || node.Type() == ast.StringType && strings.HasPrefix(text, "-")
}

// numberHint says why a text is not taken as a number.
func numberHint(node ast.Node, text string) string {
	if node.Type() == ast.StringType {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return "write it without quotes"
		}
	}
	if _, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64); err == nil && strings.Contains(text, ",") {
		return "write a point, not a comma"
	}
	return "write digits only, without a unit, without zeros in front"
}

// label names a value at the start of a message.
func label(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

// join makes the path of a key below path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
