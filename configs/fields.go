package configs

import (
	"encoding"
	"reflect"
	"strings"
)

// keyOf is the YAML key of a struct's field: its yaml tag, else its json tag. A field with
// neither, or with "-", is not part of the file.
func keyOf(field reflect.StructField) string {
	if !field.IsExported() {
		return ""
	}
	tag, ok := field.Tag.Lookup("yaml")
	if !ok {
		tag = field.Tag.Get("json")
	}
	key, _, _ := strings.Cut(tag, ",")
	if key == "-" {
		return ""
	}
	return key
}

// keysOf lists the keys of a struct in the order of its fields.
func keysOf(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		if key := keyOf(field); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// fieldByKey finds the field that a key stands for.
func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for field := range t.Fields() {
		if keyOf(field) == key && key != "" {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// homeOf finds the group of keys that a key belongs to, somewhere below t; "" when none or the top.
func homeOf(t reflect.Type, key, path string, depth int) string {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || isText(t) || depth > maxDepth {
		return ""
	}
	if _, ok := fieldByKey(t, key); ok && path != "" {
		return path
	}
	for field := range t.Fields() {
		if below := keyOf(field); below != "" {
			if home := homeOf(field.Type, key, join(path, below), depth+1); home != "" {
				return home
			}
		}
	}
	return ""
}

// isText reports whether values of t are written as one text.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
