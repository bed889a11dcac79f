package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/okienko/okienko/drivers/emulator"
)

// printerBaud stands in the configuration as on a real serial printer; a pseudo-terminal has no
// speed of its own.
const printerBaud = 19200

// paperPrinter is the emulated ticket printer of one branch at the end of a pseudo-terminal. It
// publishes each ticket that is cut and each change of its own condition. The condition is set by
// set; all methods may be called from any goroutine.
type paperPrinter struct {
	branch string
	hub    *hub
	device *emulator.Printer
	port   *emulator.PTY

	mu    sync.Mutex
	fault string
}

// newPaperPrinter plugs a printer in; link is the name that the agent opens. The caller must call
// Run, which also takes it away.
func newPaperPrinter(branch, link string, h *hub) (*paperPrinter, error) {
	p := &paperPrinter{
		branch: branch, hub: h, fault: "none",
		device: emulator.New(emulator.Options{Speed: emulator.DefaultSpeed}),
	}
	port, err := p.device.OpenPTY(link)
	if err != nil {
		return nil, fmt.Errorf("plug in the printer of %s: %w", branch, err)
	}
	p.port = port
	return p, nil
}

// address is what stands in the branch's configuration.
func (p *paperPrinter) address() string {
	return fmt.Sprintf("serial:%s?baud=%d", p.port.Path(), printerBaud)
}

// Run serves the port and tells the pages what comes out, until ctx ends.
func (p *paperPrinter) Run(ctx context.Context) error {
	return runTogether(ctx, p.port.Run, p.watch)
}

// watch publishes every change of the printer.
func (p *paperPrinter) watch(ctx context.Context) error {
	shown := 0
	for {
		changed := p.device.Changed()
		for _, t := range p.device.Tickets() {
			if t.N <= shown {
				continue
			}
			shown = t.N
			if err := p.hub.publish(kindTicket, p.branch, viewTicket(p.branch, t)); err != nil {
				return err
			}
		}
		if err := p.hub.publish(kindPrinter, p.branch, p.view()); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// printerView is the printer's condition as its own sensors see it.
type printerView struct {
	// Fault is the name that was set last, none when healthy.
	Fault    string `json:"fault"`
	Printing bool   `json:"printing"`
}

func (p *paperPrinter) view() printerView {
	p.mu.Lock()
	defer p.mu.Unlock()
	return printerView{Fault: p.fault, Printing: p.device.State().Printing}
}

// printerFaults are the faults that set knows.
func printerFaults() []string { return emulator.FaultNames() }

// set puts the printer into one condition: a new fault takes the place of the one before, and none
// makes the printer healthy.
func (p *paperPrinter) set(fault string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != "none" {
		if err := p.device.Fault("none"); err != nil {
			return err
		}
	}
	if err := p.device.Fault(fault); err != nil {
		return err
	}
	p.fault = fault
	_ = p.hub.publish(kindPrinter, p.branch, printerView{Fault: fault}) // words always encode
	return nil
}

// tickets are the pieces of paper that have come out, oldest first, at most the last 500.
func (p *paperPrinter) tickets() []emulator.Ticket { return p.device.Tickets() }

// ticketView is a ticket as /demo/tickets.json and the stream tell it.
type ticketView struct {
	N        int      `json:"n"`
	Lines    []string `json:"lines"`
	QR       []string `json:"qr"`
	Warnings []string `json:"warnings"`
	// PNG is the address of the picture, Raw that of the bytes the printer got.
	PNG string `json:"png"`
	Raw string `json:"raw"`
	// Size is how many bytes these were, Cut how the paper was parted, At when in milliseconds
	// since 1970.
	Size int    `json:"size"`
	Cut  string `json:"cut"`
	At   int64  `json:"at"`
}

func viewTicket(branch string, t emulator.Ticket) ticketView {
	list := func(s []string) []string { return append([]string{}, s...) }
	place := fmt.Sprintf("/demo/tickets/%s/%d/", branch, t.N)
	return ticketView{
		N: t.N, Lines: list(t.Lines), QR: list(t.QR), Warnings: list(t.Warnings),
		PNG: place + "picture.png", Raw: place + "bytes.bin",
		Size: len(t.Bytes), Cut: string(t.Cut), At: t.DoneAt.UnixMilli(),
	}
}
