package printer_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/emulator"
	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/paper"
	"github.com/okienko/okienko/drivers/printer"
)

// pipes is a transport whose every port is one end of a net.Pipe with the emulator at the other. It
// needs no file descriptor, so it works inside synctest, in virtual time.
type pipes struct {
	ctx    context.Context //nolint:containedctx // the emulated device's life
	device *emulator.Printer
	serve  sync.WaitGroup
}

func (p *pipes) String() string { return "pipe" }
func (p *pipes) Rate() int      { return 1920 }

func (p *pipes) Open(context.Context) (printer.Port, error) {
	if p.device.State().Unplugged {
		return nil, emulator.ErrUnplugged
	}
	host, device := net.Pipe()
	p.serve.Go(func() { _ = p.device.Serve(p.ctx, device) })
	return host, nil
}

func loadProfile(t *testing.T, name string) escpos.Profile {
	t.Helper()
	p, err := escpos.LoadProfile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// bench is a running driver and its emulated device.
type bench struct {
	printer *printer.Printer
	device  *emulator.Printer
	// notice is longer than the driver takes to notice a fault at idle.
	notice time.Duration
	logo   bool // tickets have a large picture
}

func (b *bench) ticket(mark string) paper.Document {
	doc := ticket(mark)
	if b.logo {
		logo := paper.Image{WidthDots: 384, HeightDots: 120, Bits: make([]byte, 48*120)}
		for i := range logo.Bits {
			logo.Bits[i] = byte(i * 31)
		}
		doc.Elements[1] = logo
	}
	return doc
}

// quickOptions make failures quick to wait for in real time.
func quickOptions() printer.Options {
	return printer.Options{
		Poll: 40 * time.Millisecond, Reply: 300 * time.Millisecond, Job: 1200 * time.Millisecond,
		Stall: 400 * time.Millisecond, Settle: 10 * time.Millisecond, Taken: 300 * time.Millisecond,
		BackoffMin: 10 * time.Millisecond, BackoffMax: 100 * time.Millisecond,
	}
}

// startPipe runs a driver over pipes. Inside synctest the default times cost nothing.
func startPipe(t *testing.T, profile escpos.Profile, device emulator.Options) *bench {
	t.Helper()
	return startPipeOn(t, printer.Config{Profile: profile}, emulator.New(device))
}

func startPipeOn(t *testing.T, config printer.Config, em *emulator.Printer) *bench {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	transport := &pipes{ctx: ctx, device: em}
	p, err := printer.New(transport, config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	run(t, p)
	t.Cleanup(func() {
		cancel()
		transport.serve.Wait()
	})
	return &bench{printer: p, device: em, notice: 3 * time.Second} // virtual time
}

// run runs p until the test's clean-up.
func run(t *testing.T, p *printer.Printer) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

// startPTY runs a driver over a real pseudo-terminal addressed by a link.
func startPTY(t *testing.T, profile escpos.Profile, device emulator.Options, o printer.Options) *bench {
	t.Helper()
	em := emulator.New(device)
	tty, err := em.OpenPTY(filepath.Join(t.TempDir(), "by-id"))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, tty.Run)
	return open(t, em, "serial:"+tty.Path()+"?baud=115200", profile, o)
}

// startTCP runs a driver over a real TCP connection.
func startTCP(t *testing.T, profile escpos.Profile, device emulator.Options, o printer.Options) *bench {
	t.Helper()
	em := emulator.New(device)
	listener, err := em.ListenTCP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener.Run)
	return open(t, em, "tcp:"+listener.Addr(), profile, o)
}

func serve(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil {
			t.Errorf("emulator: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

func open(
	t *testing.T, em *emulator.Printer, address string, profile escpos.Profile, o printer.Options,
) *bench {
	t.Helper()
	p, err := printer.Open(printer.Config{Address: address, Profile: profile, Options: o},
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	run(t, p)
	return &bench{printer: p, device: em, notice: 3 * o.Poll}
}

// await waits until ok holds for the printer's health.
func (b *bench) await(t *testing.T, limit time.Duration, ok func(drivers.Health) bool) drivers.Health {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		changed := b.printer.Changed()
		h := b.printer.Health()
		if ok(h) {
			return h
		}
		select {
		case <-changed:
		case <-timer.C:
			t.Fatalf("still %+v after %v", h, limit)
		}
	}
}

// settle waits until the printer is ready and has taken what made it so: what an earlier process
// may have left open is ended with thousands of bytes, and the last of them are still on the line
// when the driver is done. A ticket on paper says that nothing is before the bytes of the next.
func (b *bench) settle(t *testing.T) {
	t.Helper()
	b.await(t, wait, ready)
	if r := b.printer.Print(t.Context(), b.ticket("W0")); r.Outcome != drivers.Printed {
		t.Fatalf("the ticket that settles the line: %+v", r)
	}
}

func ready(h drivers.Health) bool { return h.State == drivers.Ready }

func because(reason string) func(drivers.Health) bool {
	return func(h drivers.Health) bool { return h.Reason == reason }
}

const wait = 20 * time.Second

// The first and the last words of a test ticket: a piece of paper with both is complete.
const firstWord, lastWord = "BEGIN", "FINISH"

// ticket is a document with text, a picture and a QR code, that can be told from others by mark.
func ticket(mark string) paper.Document {
	picture := paper.Image{WidthDots: 64, HeightDots: 16, Bits: make([]byte, 8*16)}
	for i := range picture.Bits {
		picture.Bits[i] = byte(i * 37)
	}
	copy(picture.Bits[40:], []byte{0x10, 0x04, 0x01, 0x10, 0x04, 0x04}) // real-time requests
	return paper.Document{Elements: []paper.Element{
		paper.Text{Value: firstWord + mark, Align: paper.Center},
		picture,
		paper.Text{Value: "Zażółć gęślą jaźń", Bold: true},
		paper.QR{Value: "https://kolejka.example/t/" + mark},
		paper.Text{Value: lastWord + mark},
	}}
}

// paperWith says what became of the ticket with mark on the device's paper: complete pieces that
// were cut, and whether anything of it is to be seen anywhere.
func (b *bench) paperWith(mark string) (complete int, seen bool) {
	for _, piece := range append(b.device.Tickets(), b.device.Paper()) {
		text := strings.Join(piece.Lines, "\n")
		whole := strings.Contains(text, firstWord+mark) && strings.Contains(text, lastWord+mark) &&
			len(piece.QR) > 0
		if whole && piece.Cut != emulator.CutNone {
			complete++
		}
		seen = seen || strings.Contains(string(piece.Bytes), mark)
	}
	return complete, seen
}
