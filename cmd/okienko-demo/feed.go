package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// reconnectPause is how long the feed waits before it asks an agent again that did not answer.
	reconnectPause = 100 * time.Millisecond
	// devicesEvery is how often the agent is asked for its devices, whose changes are no events.
	devicesEvery = 400 * time.Millisecond
	// answerLimit bounds one answer of the agent.
	answerLimit = 4 << 20
	// askTimeout bounds one question to the agent.
	askTimeout = 5 * time.Second
)

// tokens are one branch's bearer tokens by role.
type tokens struct {
	Kiosk  string `json:"kiosk"`
	Clerk  string `json:"clerk"`
	Screen string `json:"screen"`
	Admin  string `json:"admin"`
}

// feed follows one agent by its public API and publishes what it sees. It keeps no copy of the
// queue: the agent sends the whole of it with each change, and so it goes to the pages.
type feed struct {
	branch string
	url    string
	tokens tokens
	hub    *hub
	client *http.Client
	// ready is called each time the agent has told its queue after a silence.
	ready func()
}

// Run follows the agent until ctx ends, through all its restarts. It always returns nil.
func (f *feed) Run(ctx context.Context) error {
	last := "0" // the journal from its beginning
	for ctx.Err() == nil {
		// Every error ends the session and leads to the next one: the agent is being restarted.
		_ = f.session(ctx, &last)
		select {
		case <-ctx.Done():
		case <-time.After(reconnectPause):
		}
	}
	return nil
}

// session is one stream of events, from its opening to its end. last is the number of the newest
// fact seen, with which the next session goes on.
func (f *feed) session(ctx context.Context, last *string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, err := f.get(ctx, "/api/v1/events?view=queue", f.tokens.Clerk, *last)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // a stream that is only read has nothing to lose
	events := make(chan event)
	ended := make(chan error, 1)
	go func() { ended <- readEvents(ctx, body, events) }()
	defer func() { // the reader ends with the context, before the session does
		cancel()
		for range events { //nolint:revive // only drains
		}
	}()
	return f.follow(ctx, events, ended, last)
}

func (f *feed) follow(ctx context.Context, events <-chan event, ended <-chan error, last *string) error {
	tick := time.NewTicker(devicesEvery)
	defer tick.Stop()
	told := false
	for {
		select {
		case e, open := <-events:
			if !open {
				return <-ended
			}
			if err := f.take(e, last); err != nil {
				return err
			}
			if e.name == "queue" && !told {
				told = true
				if err := f.refreshDevices(ctx); err != nil {
					return err
				}
				f.ready()
			}
		case <-tick.C:
			if err := f.refreshDevices(ctx); err != nil {
				return err
			}
		}
	}
}

// take publishes one event: the queue as it is now, or a fact for the event log.
func (f *feed) take(e event, last *string) error {
	if !json.Valid(e.data) {
		return fmt.Errorf("event %q of %s is no JSON", e.name, f.branch)
	}
	switch e.name {
	case "queue":
		return f.hub.publish(kindQueue, f.branch, json.RawMessage(e.data))
	case "beat", "signed-out":
		return nil
	}
	if e.id != "" {
		*last = e.id
	}
	switch e.name {
	case "gap": // facts were left out; the queue that follows is true all the same
		return nil
	default:
		return f.hub.publish(kindLog, f.branch, json.RawMessage(e.data))
	}
}

func (f *feed) refreshDevices(ctx context.Context) error {
	var devices json.RawMessage
	if err := f.ask(ctx, "/api/v1/devices", f.tokens.Admin, &devices); err != nil {
		return err
	}
	return f.hub.publish(kindDevices, f.branch, devices)
}

// ask reads one answer of the agent.
func (f *feed) ask(ctx context.Context, path, token string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	body, err := f.get(ctx, path, token, "")
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(body, answerLimit))
	if err != nil {
		return fmt.Errorf("read %s of %s: %w", path, f.branch, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s of %s: %w", path, f.branch, err)
	}
	return nil
}

// get opens an answer; the caller closes it.
func (f *feed) get(ctx context.Context, path, token, last string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", f.branch, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", f.branch, err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close() //nolint:errcheck,gosec // nothing more to do with it
		return nil, fmt.Errorf("ask %s for %s: status %d", f.branch, path, res.StatusCode)
	}
	return res.Body, nil
}

// event is one server-sent event.
type event struct {
	id, name string
	data     []byte
}

// readEvents sends the events of a stream until it or ctx ends, and closes the channel. It reads
// the fields id, event and data of the HTML standard ("Interpreting an event stream"); lines end
// with LF or CRLF, and a line has at most 1 MiB.
func readEvents(ctx context.Context, body io.Reader, out chan<- event) error {
	defer close(out)
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	var e event
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if len(line) > 0 {
			e.field(line)
			continue
		}
		if len(e.data) > 0 {
			select {
			case out <- e:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		e = event{}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return io.EOF
}

func (e *event) field(line []byte) {
	name, value, _ := strings.Cut(string(line), ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "id":
		e.id = value
	case "event":
		e.name = value
	case "data":
		if len(e.data) > 0 {
			e.data = append(e.data, '\n')
		}
		e.data = append(e.data, value...)
	}
}
