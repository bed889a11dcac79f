package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/okienko/okienko/protocol"
)

// errNotAnEvent is the cause when bytes are not an event as EncodeEvent writes it.
var errNotAnEvent = errors.New("not an event")

// EncodeEvent writes an event as one line of JSON without a newline. Equal events give equal
// bytes. Text that is not UTF-8 is an error, since it would not come back as it was.
func EncodeEvent(e Event) ([]byte, error) {
	return AppendEvent(make([]byte, 0, 320), e)
}

// AppendEvent appends to buf what EncodeEvent gives.
func AppendEvent(buf []byte, e Event) ([]byte, error) {
	if e.Body == nil {
		return nil, fmt.Errorf("encode event %d: no body", e.Seq)
	}
	shape, ok := shapeOf(e.Body.Kind())
	if !ok {
		return nil, fmt.Errorf("encode event %d: unknown kind %s", e.Seq, e.Body.Kind())
	}
	c := &coder{buf: append(buf, '{')}
	kind := e.Body.Kind()
	c.envelope(&e, &kind)
	c.key("body")
	c.open()
	shape.write(e.Body, c)
	c.shut()
	c.shut()
	if c.err != nil {
		return nil, fmt.Errorf("encode event %d: %w", e.Seq, c.err)
	}
	return c.buf, nil
}

// DecodeEvent reads exactly what EncodeEvent writes. It is strict: unknown kinds and fields,
// fields that are missing, repeated or in another order, values in another spelling, and
// anything after the event are errors. So what was read would be written again byte by byte.
func DecodeEvent(text []byte) (Event, error) {
	c := &coder{reading: true, buf: text}
	var e Event
	var kind string
	c.eat('{')
	c.envelope(&e, &kind)
	shape, ok := shapeOf(kind)
	if c.err == nil && !ok {
		return Event{}, fmt.Errorf("decode event: unknown kind %.40q: %w", kind, errNotAnEvent)
	}
	if c.key("body") {
		c.open()
	}
	if c.err == nil {
		e.Body = shape.read(c)
		c.shut()
		c.shut()
	}
	if c.err == nil && len(c.buf) > 0 {
		c.fail("something follows it")
	}
	if c.err != nil {
		return Event{}, fmt.Errorf("decode event: %w", c.err)
	}
	return e, nil
}

// coder writes or reads JSON objects field by field in a fixed order; one list of fields (in
// fields.go) so serves both directions.
type coder struct {
	reading bool
	buf     []byte // what is written so far, or what is still to read
	fresh   bool   // no field of the present object has been seen
	err     error
}

func (c *coder) envelope(e *Event, kind *string) {
	c.fresh = true
	number(c, "seq", &e.Seq)
	number(c, "at", &e.At)
	optNumber(c, "part", &e.Part)
	if c.key("cause") {
		c.open()
		optText(c, "key", &e.Cause.Key)
		optText(c, "fp", &e.Cause.Print)
		optText(c, "by", &e.Cause.Actor)
		c.shut()
	}
	text(c, "kind", kind)
}

func (c *coder) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), errNotAnEvent)
	}
}

func (c *coder) open() {
	if c.reading {
		c.eat('{')
	} else {
		c.buf = append(c.buf, '{')
	}
	c.fresh = true
}

func (c *coder) shut() {
	if c.reading {
		c.eat('}')
	} else {
		c.buf = append(c.buf, '}')
	}
	c.fresh = false
}

func (c *coder) eat(b byte) {
	if c.err != nil {
		return
	}
	if len(c.buf) == 0 || c.buf[0] != b {
		c.fail("%q is missing before %.20q", b, c.buf)
		return
	}
	c.buf = c.buf[1:]
}

// key writes the name of a field that must be there, or reads it.
func (c *coder) key(name string) bool {
	if c.reading {
		if !c.has(name) {
			c.fail("field %s is missing before %.20q", name, c.buf)
		}
		return c.err == nil
	}
	if !c.fresh {
		c.buf = append(c.buf, ',')
	}
	c.fresh = false
	c.buf = append(c.buf, '"')
	c.buf = append(c.buf, name...)
	c.buf = append(c.buf, '"', ':')
	return true
}

// opt is key for a field that is left out when it is zero.
func (c *coder) opt(name string, zero bool) bool {
	if c.reading {
		return c.has(name)
	}
	return !zero && c.key(name)
}

// has reads the name of a field if it comes next.
func (c *coder) has(name string) bool {
	rest := c.buf
	if c.err != nil {
		return false
	}
	if !c.fresh {
		if len(rest) == 0 || rest[0] != ',' {
			return false
		}
		rest = rest[1:]
	}
	n := len(name)
	if len(rest) < n+3 || rest[0] != '"' || string(rest[1:n+1]) != name ||
		rest[n+1] != '"' || rest[n+2] != ':' {
		return false
	}
	c.buf, c.fresh = rest[n+3:], false
	return true
}

func text[T ~string](c *coder, name string, v *T) {
	if c.key(name) {
		*v = T(c.str(string(*v)))
	}
}

func optText[T ~string](c *coder, name string, v *T) {
	if c.opt(name, *v == "") {
		*v = T(c.str(string(*v)))
		c.notZero(name, *v == "")
	}
}

// notZero refuses an optional field that was written although it says nothing.
func (c *coder) notZero(name string, zero bool) {
	if c.reading && zero {
		c.fail("field %s should have been left out", name)
	}
}

// str writes a string in the spelling of encoding/json and gives it back, or reads one.
func (c *coder) str(v string) string {
	switch {
	case c.reading:
		return c.readStr()
	case plain(v):
		c.buf = append(c.buf, '"')
		c.buf = append(c.buf, v...)
		c.buf = append(c.buf, '"')
	case !utf8.ValidString(v):
		c.fail("%q is not UTF-8", v)
	default:
		written := v
		c.value(&written)
	}
	return v
}

func (c *coder) readStr() string {
	if c.err != nil {
		return ""
	}
	if end := plainEnd(c.buf); end > 0 {
		v := string(c.buf[1:end])
		c.buf = c.buf[end+1:]
		return v
	}
	if len(c.buf) == 0 || c.buf[0] != '"' {
		c.fail("a string is missing before %.20q", c.buf)
		return ""
	}
	var v string
	c.value(&v)
	return v
}

// plainEnd finds the closing quote of a string that needs no escapes; 0 when it is another.
func plainEnd(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for i, ch := range b[1:] {
		if ch == '"' {
			return i + 1
		}
		if !plainByte(ch) {
			return 0
		}
	}
	return 0
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] == '"' || !plainByte(s[i]) {
			return false
		}
	}
	return true
}

// plainByte reports whether encoding/json writes the byte as it is (quotes apart).
func plainByte(b byte) bool {
	return b >= 0x20 && b < 0x7f && b != '\\' && b != '<' && b != '>' && b != '&'
}

type integer interface{ ~int | ~int64 | ~uint64 }

func number[T integer](c *coder, name string, v *T) {
	if c.key(name) {
		digits(c, v)
	}
}

func optNumber[T integer](c *coder, name string, v *T) {
	if c.opt(name, *v == 0) {
		digits(c, v)
		c.notZero(name, *v == 0)
	}
}

func digits[T integer](c *coder, v *T) {
	unsigned := ^T(0) > 0
	switch {
	case !c.reading && unsigned:
		c.buf = strconv.AppendUint(c.buf, uint64(*v), 10)
		return
	case !c.reading:
		c.buf = strconv.AppendInt(c.buf, int64(*v), 10)
		return
	}
	n := 0
	for n < len(c.buf) && (c.buf[n] >= '0' && c.buf[n] <= '9' || n == 0 && c.buf[n] == '-') {
		n++
	}
	var back [20]byte
	var again []byte
	var err error
	if unsigned {
		var u uint64
		u, err = strconv.ParseUint(string(c.buf[:n]), 10, 64)
		*v, again = T(u), strconv.AppendUint(back[:0], u, 10)
	} else {
		var i int64
		i, err = strconv.ParseInt(string(c.buf[:n]), 10, 64)
		*v, again = T(i), strconv.AppendInt(back[:0], i, 10)
		if err == nil && int64(*v) != i {
			err = strconv.ErrRange // int is narrower on 32-bit machines
		}
	}
	if err != nil || string(again) != string(c.buf[:n]) {
		c.fail("%.20q is not a number", c.buf)
		return
	}
	c.buf = c.buf[n:]
}

func (c *coder) flag(name string, v *bool) {
	if c.key(name) {
		switch {
		case !c.reading:
			c.buf = strconv.AppendBool(c.buf, *v)
		case bytes.HasPrefix(c.buf, []byte("true")):
			*v, c.buf = true, c.buf[4:]
		case bytes.HasPrefix(c.buf, []byte("false")):
			*v, c.buf = false, c.buf[5:]
		default:
			c.fail("field %s is neither true nor false", name)
		}
	}
}

func (c *coder) optFlag(name string, v *bool) {
	if !c.reading && !*v {
		return
	}
	if !c.reading || c.peek(name) {
		c.flag(name, v)
		c.notZero(name, !*v)
	}
}

// peek reports whether a field of this name comes next.
func (c *coder) peek(name string) bool {
	before := *c
	found := c.has(name)
	*c = before
	return found
}

// ticketNumber writes or reads a number such as "A45".
func (c *coder) ticketNumber(name string, v *protocol.TicketNumber) {
	if !c.key(name) {
		return
	}
	s := c.str(v.String())
	if c.reading && c.err == nil {
		if err := v.UnmarshalText([]byte(s)); err != nil {
			c.fail("field %s: %v", name, err)
		}
	}
}

// object writes or reads a field by encoding/json: for what is rare or deep.
func (c *coder) object(name string, v any) {
	if c.key(name) {
		c.value(v)
	}
}

// value writes v, or reads it and makes sure that writing it again gives the same bytes.
func (c *coder) value(v any) {
	if c.err != nil {
		return
	}
	if !c.reading {
		b, err := json.Marshal(v)
		if err != nil {
			c.fail("%v", err)
		}
		c.buf = append(c.buf, b...)
		return
	}
	raw := c.buf[:valueEnd(c.buf)]
	if err := json.Unmarshal(raw, v); err != nil {
		c.fail("%v", err)
		return
	}
	if again, err := json.Marshal(v); err != nil || !bytes.Equal(again, raw) {
		c.fail("%.40q is in another spelling than ours", raw)
		return
	}
	c.buf = c.buf[len(raw):]
}

// valueEnd finds where a JSON value ends that begins b; json.Unmarshal then judges it.
func valueEnd(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch ch := b[i]; {
		case quoted && ch == '\\':
			i++
		case ch == '"':
			quoted = !quoted
			if !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case ch == '{' || ch == '[':
			depth++
		case ch == '}' || ch == ']':
			depth--
			if depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case ch == ',' && depth == 0:
			return i
		}
	}
	return len(b)
}
