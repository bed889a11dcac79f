package queue

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/okienko/okienko/protocol"
)

// sampleEvents has one event of each kind with every field set, by reflection, so that a field
// that is missing in fields.go is noticed.
func sampleEvents(t testing.TB) []Event {
	t.Helper()
	bodies := []Body{
		Configured{},
		AgentStarted{},
		ClockDoubted{},
		ClockTrusted{},
		DayOpened{},
		HoursChanged{},
		DayClosed{},
		TicketTaken{},
		TicketCalled{},
		CallRepeated{},
		ServiceStarted{},
		TicketMissed{},
		TicketFinished{},
		TicketTransferred{},
		TicketParked{},
		TicketReturned{},
		TicketPostponed{},
		TicketCancelled{},
		TicketExpired{},
		ReprintAsked{},
		PrintRecorded{},
		BookingSet{},
		BookingArrived{},
		BookingExpired{},
		CounterOpened{},
		CounterClosed{},
		CounterPaused{},
		CounterResumed{},
		LeaveAsked{},
		SkillsSet{},
		CommandUndone{},
		IssuingSet{},
	}
	var events []Event
	for i, b := range bodies {
		v := reflect.New(reflect.TypeOf(b)).Elem()
		fill(v, i+1)
		full, ok := reflect.TypeAssert[Body](v)
		if !ok {
			t.Fatalf("%T", b)
		}
		events = append(events, Event{
			Seq: uint64(i + 1), At: 1_795_000_000_000, Part: i % 3, Body: full,
			Cause: Cause{Key: "k-1", Print: "ab<>&", Actor: "clerk:żaneta"},
		}, Event{Seq: 7, Body: b})
	}
	return events
}

// fill sets every field of a value to something that is not zero.
func fill(v reflect.Value, n int) {
	if v.Type() == reflect.TypeFor[protocol.TicketNumber]() {
		v.Set(reflect.ValueOf(protocol.TicketNumber{Letter: "A", N: 40 + n}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n+i)
		}
	case reflect.String:
		v.SetString(strings.Repeat("x", n%3) + "Ł\"\\\n" + string(rune('a'+n%26)))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n) - 100)
	case reflect.Uint64:
		v.SetUint(uint64(n))
	case reflect.Float64:
		v.SetFloat(0.25)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.SetMapIndex(key, value)
	default:
		panic(v.Kind())
	}
}

// TestCodecRoundTrip: every kind comes back as it was, in the spelling of encoding/json.
func TestCodecRoundTrip(t *testing.T) {
	for _, e := range sampleEvents(t) {
		line, err := EncodeEvent(e)
		if err != nil {
			t.Fatalf("%s: %v", e.Body.Kind(), err)
		}
		back, err := DecodeEvent(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !reflect.DeepEqual(back, e) {
			t.Errorf("%s\n came back as %+v\n instead of %+v", line, back, e)
		}
		want, err := json.Marshal(struct {
			Seq   uint64           `json:"seq"`
			At    protocol.Instant `json:"at"`
			Part  int              `json:"part,omitempty"`
			Cause Cause            `json:"cause"`
			Kind  string           `json:"kind"`
			Body  Body             `json:"body"`
		}{e.Seq, e.At, e.Part, e.Cause, e.Body.Kind(), e.Body})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(line, want) {
			t.Errorf("%s: the struct tags say\n%s\nbut we write\n%s", e.Body.Kind(), want, line)
		}
	}
}

func TestDecodeEventRefuses(t *testing.T) {
	const good = `{"seq":5,"at":10,"cause":{"by":"kiosk"},"kind":"ticket-returned","body":{"ticket":"a"}}`
	if _, err := DecodeEvent([]byte(good)); err != nil {
		t.Fatal(err)
	}
	replace := func(old, with string) string { return strings.Replace(good, old, with, 1) }
	for name, text := range map[string]string{
		"empty":            "",
		"cut":              good[:len(good)-1],
		"trailing-garbage": good + "x",
		"newline":          good + "\n",
		"unknown-kind":     replace("ticket-returned", "ticket-burnt"),
		"unknown-field":    replace(`"a"}`, `"a","b":1}`),
		"missing-field":    replace(`"ticket":"a"`, ``),
		"duplicate-key":    replace(`"at":10`, `"at":10,"at":10`),
		"duplicate-body":   replace(`"ticket":"a"`, `"ticket":"a","ticket":"b"`),
		"other-order":      replace(`"seq":5,"at":10`, `"at":10,"seq":5`),
		"space":            replace(`"at":10`, `"at": 10`),
		"leading-zero":     replace(`"at":10`, `"at":010`),
		"fraction":         replace(`"at":10`, `"at":1.5`),
		"negative-seq":     replace(`"seq":5`, `"seq":-5`),
		"zero-part":        replace(`"at":10`, `"at":10,"part":0`),
		"escape":           replace(`"a"`, `"\u0061"`),
		"capital":          replace(`"ticket"`, `"Ticket"`),
		"bad-string":       replace(`"a"`, `"`+"\x01"+`"`),
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := DecodeEvent([]byte(text)); err == nil {
				t.Fatalf("%s was read as %+v", text, e)
			}
		})
	}
}

// TestCauseMustBeText: what cannot be journalled is refused before it happens.
func TestCauseMustBeText(t *testing.T) {
	b := newBranch(t, nil)
	if _, err := b.s.Decide(Next{Counter: 1}, b.now, Cause{Key: "\xff"}); err == nil {
		t.Error("a key that is not UTF-8 was taken")
	}
	b.take("a", "A")
	b.next(1, "a")
	b.do(Finish{Counter: 1, Outcome: "\xff" + strings.Repeat("ż", 500)}) // made fit, not refused
}

func TestEncodeEventRefuses(t *testing.T) {
	if _, err := EncodeEvent(Event{Seq: 1}); err == nil {
		t.Error("an event without a body was written")
	}
	bad := Event{Seq: 1, Body: TicketCancelled{Ticket: "a", Reason: "\xff"}}
	if _, err := EncodeEvent(bad); err == nil {
		t.Error("text that is not UTF-8 was written")
	}
}

// FuzzDecodeEvent: whatever is read would be written again byte by byte.
func FuzzDecodeEvent(f *testing.F) {
	for _, e := range sampleEvents(f) {
		line, err := EncodeEvent(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := DecodeEvent(text)
		if err != nil {
			return
		}
		again, err := EncodeEvent(e)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("read %s\nwrote %s (%v)", text, again, err)
		}
	})
}
