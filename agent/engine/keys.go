package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/okienko/okienko/agent/queue"
)

// maxKeys bounds the memory of idempotency keys: several days of a large branch, about 2 MB. The
// oldest key is forgotten first.
const maxKeys = 30_000

// maxFruitless bounds the answers without events that are remembered; they do not survive a
// restart, and need not: the client that asks again has never seen the first answer.
const maxFruitless = 1_024

// keyring remembers which events answered which idempotency key.
type keyring struct {
	events    map[keyHash]span
	order     ring
	fruitless map[keyHash]outcome
	recent    ring
}

// keyHash stands for a key in memory: 128 bits of its SHA-256, which nobody can make collide.
type keyHash [16]byte

func hashKey(key string) keyHash {
	sum := sha256.Sum256([]byte(key))
	return keyHash(sum[:len(keyHash{})])
}

// span is a run of events of one command.
type span struct {
	print mark
	n     uint32
	first uint64
}

// mark is a fingerprint in memory.
type mark [8]byte

// parseMark reads the fingerprint that stands in an event.
func parseMark(text string) (m mark) {
	_, _ = hex.Decode(m[:], []byte(text)) // what is not one is no command's and matches none
	return m
}

// outcome is an answer without events.
type outcome struct {
	print mark
	err   error
}

func newKeyring() *keyring {
	return &keyring{
		events: make(map[keyHash]span), order: ring{limit: maxKeys},
		fruitless: make(map[keyHash]outcome), recent: ring{limit: maxFruitless},
	}
}

// note learns from an event, live or replayed.
func (k *keyring) note(event queue.Event) {
	if event.Cause.Key == "" {
		return
	}
	key := hashKey(event.Cause.Key)
	if s, ok := k.events[key]; ok {
		s.n++
		k.events[key] = s
		return
	}
	if old, full := k.order.push(key); full {
		delete(k.events, old)
	}
	k.events[key] = span{print: parseMark(event.Cause.Print), first: event.Seq, n: 1}
}

// remember keeps an answer that led to no event: a refusal, or nothing to do.
func (k *keyring) remember(c *call) {
	if c.request.Key == "" || len(c.answer.Events) > 0 {
		return
	}
	key := hashKey(c.request.Key)
	if _, ok := k.fruitless[key]; !ok {
		if old, full := k.recent.push(key); full {
			delete(k.fruitless, old)
		}
	}
	k.fruitless[key] = outcome{print: fingerprint(c.request), err: c.err}
}

// ring is a bounded first-in, first-out list.
type ring struct {
	limit int
	items []keyHash
	next  int
}

// push adds key and returns what it pushed out.
func (r *ring) push(key keyHash) (old keyHash, full bool) {
	if len(r.items) < r.limit {
		r.items = append(r.items, key)
		return keyHash{}, false
	}
	old, r.items[r.next] = r.items[r.next], key
	r.next = (r.next + 1) % r.limit
	return old, true
}

// known answers a call whose key was used before.
func (e *Engine) known(c *call) bool {
	if c.request.Key == "" {
		return false
	}
	key := hashKey(c.request.Key)
	if s, ok := e.keys.events[key]; ok {
		if s.print != fingerprint(c.request) {
			c.err = ErrKeyReused
			return true
		}
		seq, durable := e.position()
		if c.repeat = s.first > seq; c.repeat {
			return true // asked again within one batch: answered after the commit
		}
		c.answer = Answer{Replayed: true}
		c.answer.Events, c.err = e.collect(s)
		if c.err == nil && s.first > durable && issues(c.answer.Events) {
			c.err = ErrUnknown
		}
		return true
	}
	if o, ok := e.keys.fruitless[key]; ok {
		c.err, c.answer = o.err, Answer{Replayed: true}
		if o.print != fingerprint(c.request) {
			c.err = ErrKeyReused
		}
		return true
	}
	return false
}

// fingerprint tells two commands with one key apart. What the shell makes anew for each attempt
// (ids, tokens, the wait it showed) is left out.
func fingerprint(r Request) mark {
	command := r.Command
	switch c := command.(type) {
	case queue.Take:
		c.ID, c.TokenHash, c.Wait, c.NoPaper = "", "", nil, false
		command = c
	case queue.CheckIn:
		c.ID, c.Token = "", ""
		command = c
	}
	body, err := json.Marshal(command)
	if err != nil {
		// Commands are plain data; a value that JSON refuses still gets a stable text.
		body = fmt.Append(nil, command)
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%s\n%s", r.Actor, reflect.TypeOf(command).Name(), body)
	return mark(h.Sum(nil)[:len(mark{})])
}
