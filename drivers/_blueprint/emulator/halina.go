// Package emulator is the Halina 4 on the level of bytes (step 3), written from its data sheet.
//
// It checks the driver and so shares no code with it. Run owns the goroutine; all other methods may
// be called from any goroutine.
package emulator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/okienko/okienko/drivers/emulator/terminal"
)

// Halina is a board at the end of a pseudo-terminal.
type Halina struct {
	link   string
	replug chan struct{}

	mu      sync.Mutex
	text    string
	fault   string
	master  *os.File
	changed chan struct{}
}

// New makes a board; link is the symbolic link that a driver opens, as below /dev/serial/by-id.
func New(link string) *Halina {
	return &Halina{link: link, fault: "none", replug: make(chan struct{}, 1), changed: make(chan struct{})}
}

// Text is what the board shows.
func (h *Halina) Text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.TrimSpace(h.text)
}

// Changed returns a channel that is closed at the next change of the text.
func (h *Halina) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

// PowerCut takes the power for a moment: the board is dark.
func (h *Halina) PowerCut() { h.show("") }

func (h *Halina) show(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = text
	close(h.changed)
	h.changed = make(chan struct{})
}

// Set gives the board a fault: unplug pulls the cable, silent lets it take and answer nothing, none
// puts all right.
func (h *Halina) Set(fault string) error {
	if !slices.Contains([]string{"unplug", "silent", "none"}, fault) {
		return fmt.Errorf("the board has no fault %q", fault)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = fault
	if fault == "unplug" {
		h.hangUpLocked()
	}
	select {
	case h.replug <- struct{}{}:
	default:
	}
	return nil
}

func (h *Halina) hangUpLocked() {
	if h.master != nil {
		_ = os.Remove(h.link)
		_ = h.master.Close()
		h.master = nil
	}
}

// Run serves the line until ctx ends, through any number of unplugs.
func (h *Halina) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.hangUpLocked()
	})
	defer stop()
	for ctx.Err() == nil {
		master, near, err := h.plug(ctx)
		if err != nil {
			return err
		}
		if master == nil {
			select {
			case <-h.replug:
			case <-ctx.Done():
			}
			continue
		}
		h.serve(master)
		_ = near.Close()
	}
	return nil
}

// plug opens a pair; nothing while the cable is pulled or ctx has ended. The emulator keeps the near
// end open as well, so that the driver may come and go.
func (h *Halina) plug(ctx context.Context) (master, near *os.File, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fault == "unplug" || ctx.Err() != nil {
		return nil, nil, nil
	}
	if master, near, err = terminal.Open(); err != nil {
		return nil, nil, err
	}
	if err := terminal.Link(h.link, near.Name()); err != nil {
		return nil, nil, errors.Join(err, master.Close(), near.Close())
	}
	h.master = master
	return master, near, nil
}

// serve reads until the line is hung up.
func (h *Halina) serve(master *os.File) {
	var unread []byte
	buffer := make([]byte, 64)
	for {
		n, err := master.Read(buffer)
		if err != nil {
			return
		}
		var answer []byte
		unread, answer = h.Take(append(unread, buffer[:n]...))
		_, _ = master.Write(answer)
	}
}

// Take reads frames of seven bytes, each from 0x02 on, and returns what is left and the answers.
func (h *Halina) Take(data []byte) (rest, answers []byte) {
	for {
		start := slices.Index(data, 0x02)
		if start < 0 {
			return nil, answers
		}
		if data = data[start:]; len(data) < 7 {
			return data, answers
		}
		frame := data[:7]
		sum := byte(0)
		for _, c := range frame {
			sum ^= c // with its own check byte it is 0
		}
		h.mu.Lock()
		silent := h.fault == "silent"
		h.mu.Unlock()
		switch {
		case silent:
		case sum != 0 || frame[5] != 0x03:
			answers = append(answers, 0x15)
			data = data[1:] // the frame's true beginning may be inside
			continue
		default:
			h.show(string(frame[1:5]))
			answers = append(answers, 0x06)
		}
		data = data[7:]
	}
}
