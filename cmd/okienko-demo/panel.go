package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/okienko/okienko/drivers/emulator/chip"
)

const (
	panelUnplug, panelNone = "unplug", "none"
	// letGoAfter lets go of a button that a page has pressed and forgotten, for instance by being closed.
	letGoAfter = 30 * time.Second
)

// panelServices are the services of the panel's buttons, in their order.
func panelServices() []string { return []string{"A", "C", "H", "L"} }

func panelFaults() []string { return []string{panelUnplug, panelNone} }

// buttonPanel is the row of buttons at the ticket machine of one branch: an emulated GPIO chip, behind a
// Unix socket, that the branch's own agent watches. All methods may be called from any goroutine.
type buttonPanel struct {
	branch string
	hub    *hub
	chip   *chip.Chip
	path   string
	folder *os.File // as in counterBoards

	mu    sync.Mutex
	fault string
	down  map[int]*time.Timer
}

// newButtonPanel puts a panel into dir. The caller must call Run, which also takes it away.
func newButtonPanel(branch, dir string, h *hub) (*buttonPanel, error) {
	path, folder, err := socketPath(dir, "panel")
	if err != nil {
		return nil, fmt.Errorf("put up the panel of %s: %w", branch, err)
	}
	return &buttonPanel{
		branch: branch, hub: h, chip: chip.New(), path: path, folder: folder, fault: panelNone,
		down: map[int]*time.Timer{},
	}, nil
}

// Run serves the chip and tells the pages what is lit and pressed, until ctx ends.
func (p *buttonPanel) Run(ctx context.Context) error {
	if p.folder != nil {
		defer p.folder.Close() //nolint:errcheck // only read
	}
	defer p.letGo()
	return runTogether(ctx, func(ctx context.Context) error { return p.chip.Serve(ctx, p.path) }, p.watch)
}

// letGo ends what the pages have pressed.
func (p *buttonPanel) letGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.down {
		t.Stop()
	}
}

func (p *buttonPanel) watch(ctx context.Context) error {
	for {
		changed := p.chip.Changed()
		if err := p.publish(); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// panelView is the panel as the stream tells it.
type panelView struct {
	Fault   string       `json:"fault"`
	Buttons []buttonView `json:"buttons"`
}

// buttonView is one button: what a press is for, whether it is down, and whether its lamp is lit.
type buttonView struct {
	Service string `json:"service"`
	Down    bool   `json:"down"`
	Lit     bool   `json:"lit"`
}

// publish tells the pages the panel. The lock keeps an older view from following a newer one.
func (p *buttonPanel) publish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	view := panelView{Fault: p.fault}
	for i, service := range panelServices() {
		view.Buttons = append(view.Buttons, buttonView{service, p.down[i] != nil, p.chip.Lit(i)})
	}
	return p.hub.publish(kindPanel, p.branch, view)
}

// set pulls the panel's cable or puts it back.
func (p *buttonPanel) set(fault string) error {
	p.mu.Lock()
	p.fault = fault
	p.mu.Unlock()
	if fault == panelUnplug {
		p.chip.Unplug()
	} else {
		p.chip.Replug()
	}
	return p.publish()
}

// press pushes a button or lets it go.
func (p *buttonPanel) press(button int, down bool) error {
	p.mu.Lock()
	if t := p.down[button]; t != nil {
		t.Stop()
		delete(p.down, button)
	}
	if down {
		p.down[button] = time.AfterFunc(letGoAfter, func() { _ = p.press(button, false) })
	}
	p.mu.Unlock()
	if down {
		p.chip.Push(button)
	} else {
		p.chip.LetGo(button)
	}
	return p.publish()
}

// buttonRequest is the body of POST /demo/button. Button counts from 1.
type buttonRequest struct {
	Branch string `json:"branch"`
	Button int    `json:"button"`
	Down   bool   `json:"down"`
}

// button does what a finger does on the panel.
func (s *server) button(w http.ResponseWriter, r *http.Request) {
	var q buttonRequest
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	in.DisallowUnknownFields()
	if err := in.Decode(&q); err != nil {
		refuse(w, http.StatusBadRequest, "body", `write {"branch":"ID","button":1,"down":true}: `+err.Error())
		return
	}
	b, ok := s.wanted(w, q.Branch)
	if !ok {
		return
	}
	if most := len(panelServices()); q.Button < 1 || q.Button > most {
		refuse(w, http.StatusBadRequest, "no_button", fmt.Sprintf("there is no button %d; there are 1 to %d", q.Button, most))
		return
	}
	if err := b.panel.press(q.Button-1, q.Down); err != nil {
		refuse(w, http.StatusInternalServerError, "button", err.Error())
		return
	}
	reply(w, http.StatusOK, q)
}

// panelConfig is what stands of the panel in the branch's configuration.
type panelConfig struct {
	Chip     string
	Services []string
}

func (p *buttonPanel) config() panelConfig {
	return panelConfig{Chip: "tap:" + filepath.Clean(p.path), Services: panelServices()}
}
