package configs

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// dialect is the JSON Schema draft that editors understand best.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema makes a JSON schema (draft 2020-12) from a struct that holds its defaults, by the same
// keys as Decode. Tags of a field fill it in: doc:"what it is" is the description, enum:"a,b" the
// allowed texts, pattern:"..." a regular expression (ECMA 262). Unknown keys are refused and no
// key is required, as Decode does it.
func Schema(title string, defaults any) ([]byte, error) {
	v := reflect.Indirect(reflect.ValueOf(defaults))
	s := structSchema(v.Type(), v)
	s.Schema, s.Title = dialect, title
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema of %T: %w", defaults, err)
	}
	return append(out, '\n'), nil
}

// structSchema describes a struct; an invalid v means that no defaults are known.
func structSchema(t reflect.Type, v reflect.Value) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for field := range t.Fields() {
		key := keyOf(field)
		if key == "" {
			continue
		}
		value := reflect.Value{}
		if v.IsValid() {
			value = v.FieldByIndex(field.Index)
		}
		below := typeSchema(field.Type, value)
		below.Description = field.Tag.Get("doc")
		below.Pattern = field.Tag.Get("pattern")
		if words, ok := field.Tag.Lookup("enum"); ok {
			for word := range strings.SplitSeq(words, ",") {
				below.Enum = append(below.Enum, word)
			}
		}
		s.Properties[key] = below
		s.PropertyOrder = append(s.PropertyOrder, key)
	}
	return s
}

// typeSchema describes any type that Decode knows.
func typeSchema(t reflect.Type, v reflect.Value) *jsonschema.Schema {
	if isText(t) {
		s := &jsonschema.Schema{Type: "string"}
		if v.IsValid() {
			if text, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
				s.Default = defaultOf(text)
			}
		}
		return s
	}
	if t == reflect.TypeFor[time.Duration]() {
		s := &jsonschema.Schema{Type: "string"}
		if v.IsValid() {
			s.Default = defaultOf(fmt.Sprint(v))
		}
		return s
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t, v)
	case reflect.Pointer:
		return typeSchema(t.Elem(), reflect.Value{})
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: typeSchema(t.Elem(), reflect.Value{})}
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: typeSchema(t.Elem(), reflect.Value{})}
	default:
		return scalarSchema(t, v)
	}
}

// scalarSchema describes a plain value.
func scalarSchema(t reflect.Type, v reflect.Value) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: scalarName(t.Kind())}
	if v.IsValid() {
		s.Default = defaultOf(v.Interface())
	}
	return s
}

// defaultOf writes a default value as JSON, or leaves it out when it has no JSON.
func defaultOf(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return raw
}

// scalarName is the JSON name of a plain type.
func scalarName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Float32, reflect.Float64:
		return "number"
	default:
		return "integer"
	}
}
