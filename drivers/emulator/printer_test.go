package emulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// host is the computer's end of the cable in a synctest bubble.
type host struct {
	t       *testing.T
	conn    net.Conn
	replies chan byte
	ended   chan error
}

// connect plugs a host into the printer for as long as the test runs.
func connect(t *testing.T, p *Printer) *host {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	near, far := net.Pipe()
	h := &host{t: t, conn: near, replies: make(chan byte, 10000), ended: make(chan error, 1)}
	read := make(chan struct{})
	go func() { h.ended <- p.Serve(ctx, far) }()
	go func() {
		defer close(read)
		buf := make([]byte, 256)
		for {
			n, err := near.Read(buf)
			for _, b := range buf[:n] {
				h.replies <- b
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = near.Close()
		<-read
	})
	return h
}

// send writes and waits until everything has settled.
func (h *host) send(data string) {
	h.t.Helper()
	if _, err := io.WriteString(h.conn, data); err != nil {
		h.t.Fatalf("send: %v", err)
	}
	synctest.Wait()
}

// expect compares all replies since the last call.
func (h *host) expect(want string) {
	h.t.Helper()
	synctest.Wait()
	var got []byte
	for len(h.replies) > 0 {
		got = append(got, <-h.replies)
	}
	if !bytes.Equal(got, []byte(want)) {
		h.t.Fatalf("replies % X, want % X", got, want)
	}
}

const (
	askID = "\x1d(H\x06\x0000P001"
	ackID = "\x37\x22P001\x00"
)

func TestQueuedRepliesWaitForThePaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Speed: DefaultSpeed})
		h := connect(t, p)
		start := time.Now()
		h.send(strings.Repeat("line\n", 10) + askID + "\x1dV\x00" + "\x1dr\x01" + "\x10\x04\x04")
		h.expect("\x12") // the real-time one overtakes everything
		if err := p.WaitTickets(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		h.expect(ackID + "\x00")
		// 10 lines of 30 dots at 203 dpi and 150 mm/s.
		want := 300 * 254 * time.Second / 10 / 203 / DefaultSpeed
		if took := time.Since(start).Round(time.Millisecond); took < want.Round(time.Millisecond) || took > want+10*time.Millisecond {
			t.Errorf("printed in %v, want %v", took, want)
		}
	})
}

func TestRealtimeInsideRaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		logo := "\x1dv0\x00\x03\x00\x02\x00" + "\x10\x04\x01" + "\xff\xff\xff"
		h.send(logo + "A\n\x1dV\x00")
		h.expect("\x16")
		got := p.Tickets()[0]
		if d := cmp.Diff([]string{"A"}, got.Lines); d != "" || got.Warnings != nil {
			t.Errorf("the picture lost its bytes: %s %q", d, got.Warnings)
		}
		if string(got.Bytes) != logo+"A\n\x1dV\x00" {
			t.Errorf("bytes % X", got.Bytes)
		}
	})
}

func TestRealtimeBetweenCommandsTakesNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{BufferSize: 16})
		h := connect(t, p)
		p.SetPaper(PaperOut)
		for range 100 {
			h.send("\x10\x04\x04")
			h.expect("\x7E")
		}
		if s := p.State(); s.Buffered != 0 {
			t.Errorf("%d bytes buffered", s.Buffered)
		}
	})
}

func TestPaperOutInTheTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		p.PaperOutAfter(4)
		h.send("one\ntwo\n" + askID + "\x1dr\x01" + "\x1dV\x00")
		h.expect("") // off-line: queued commands are not answered
		h.send("\x10\x04\x04\x10\x04\x01")
		h.expect("\x7E\x1E")
		if d := cmp.Diff([]string{"one"}, p.Paper().Lines); d != "" {
			t.Error(d)
		}
		p.SetPaper(PaperOK)
		h.expect(ackID + "\x00")
		if d := cmp.Diff([]string{"one", "two"}, p.Tickets()[0].Lines); d != "" {
			t.Error(d)
		}
	})
}

func TestCoverAndOtherStops(t *testing.T) {
	for name, c := range map[string]struct {
		stop, start func(*Printer)
		eot2        string
	}{
		"cover":         {(*Printer).OpenCover, (*Printer).CloseCover, "\x16"},
		"cutter":        {func(p *Printer) { p.SetCutterError(true) }, func(p *Printer) { p.SetCutterError(false) }, "\x52"},
		"head-hot":      {func(p *Printer) { p.SetHeadHot(true) }, func(p *Printer) { p.SetHeadHot(false) }, "\x52"},
		"unrecoverable": {func(p *Printer) { p.SetUnrecoverable(true) }, func(p *Printer) { p.SetUnrecoverable(false) }, "\x52"},
		"offline":       {func(p *Printer) { p.SetOffline(true) }, func(p *Printer) { p.SetOffline(false) }, "\x12"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Options{})
				h := connect(t, p)
				c.stop(p)
				h.send("A\n" + askID + "\x1dV\x00\x10\x04\x02")
				h.expect(c.eot2)
				if n := p.State().Tickets; n != 0 {
					t.Fatalf("%d tickets while stopped", n)
				}
				c.start(p)
				h.expect(ackID)
				if n := p.State().Tickets; n != 1 {
					t.Fatalf("%d tickets after", n)
				}
			})
		})
	}
}

func TestCoverOpenedWhilePrinting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		p.OpenCoverAfter(2)
		h.send("A\nB\n\x1dV\x00\x10\x04\x02\x10\x04\x03")
		h.expect("\x56\x52")
		p.CloseCover()
		h.send("\x10\x04\x02")
		h.expect("\x12")
		if d := cmp.Diff([]string{"A", "B"}, p.Tickets()[0].Lines); d != "" {
			t.Error(d)
		}
	})
}

func TestCutterJamIsMadeUpFor(t *testing.T) {
	for name, c := range map[string]struct {
		enq     string
		tickets int
	}{"resume": {"\x10\x05\x01", 1}, "clear": {"\x10\x05\x02", 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Options{})
				h := connect(t, p)
				p.JamNextCut()
				h.send("A\n\x1dV\x00\x10\x04\x03")
				h.expect("\x1A")
				h.send(c.enq + "\x10\x04\x03")
				h.expect("\x12")
				if n := p.State().Tickets; n != c.tickets {
					t.Errorf("%d tickets, want %d", n, c.tickets)
				}
			})
		})
	}
}

func TestClearBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		p.SetPaper(PaperOut)
		h.send("old ticket\n\x1dV\x00")
		h.send(string(clearSequence()))
		h.expect("\x37\x25\x00")
		p.SetPaper(PaperOK)
		h.send("new\n\x1dV\x00")
		if d := cmp.Diff([]string{"new"}, p.Tickets()[0].Lines); d != "" {
			t.Error(d)
		}
	})
}

func TestPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		p.CutPowerAfter(6)
		h.send("one\ntwo\nthree\n\x1dV\x00")
		h.send("\x10\x04\x01")
		h.expect("")
		if s := p.State(); s.Powered || s.Buffered != 0 {
			t.Errorf("state %+v", s)
		}
		p.PowerOn()
		h.send("\x10\x04\x01four\n\x1dV\x00")
		h.expect("\x16")
		all := p.Tickets()
		if len(all) != 2 {
			t.Fatalf("%d tickets", len(all))
		}
		stub := all[0]
		if !stub.Torn || stub.Cut != CutNone || cmp.Diff([]string{"one"}, stub.Lines) != "" {
			t.Errorf("stub %+v", stub)
		}
		if d := cmp.Diff([]string{"four"}, all[1].Lines); d != "" || all[1].Torn {
			t.Error(d)
		}
	})
}

func TestPowerCutInRasterLeavesNothingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		h.send("x\n" + raster(48, 100, 0xff)[:1000])
		p.PowerOff()
		p.PowerOn()
		h.send("A\n\x1dV\x00")
		if err := p.WaitTickets(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		all := p.Tickets()
		if d := cmp.Diff([]string{"raster left open: 1D 76 30"}, all[0].Warnings); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"A"}, all[1].Lines); d != "" {
			t.Error(d)
		}
	})
}

func TestStallAndBufferFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{BufferSize: 64})
		h := connect(t, p)
		p.StallAfter(3)
		if err := h.conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		h.send("one\n")
		n, err := io.WriteString(h.conn, strings.Repeat("x", 1000))
		if err == nil || n > 512 {
			t.Fatalf("a stalled printer took %d bytes, error %v", n, err)
		}
		if s := p.State(); !s.Stalled || s.Received != 3 {
			t.Errorf("state %+v", s)
		}
		p.Stall(false)
		synctest.Wait()
		if d := cmp.Diff([]string{"one"}, p.Paper().Lines); d != "" {
			t.Error(d)
		}

		p.SetPaper(PaperOut)
		if err := h.conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err = io.WriteString(h.conn, strings.Repeat("x", 1000)); err == nil || n > 200 {
			t.Fatalf("a full printer took %d bytes, error %v", n, err)
		}
		if s := p.State(); s.Buffered != 64 {
			t.Errorf("%d bytes buffered", s.Buffered)
		}
	})
}

func TestNoHandshakeLosesBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{BufferSize: 16, Flow: FlowNone})
		h := connect(t, p)
		p.SetPaper(PaperOut)
		h.send(strings.Repeat("x", 100) + "\x10\x04\x01")
		h.expect("\x1E")
		if s := p.State(); s.Overruns != 84 {
			t.Errorf("%d bytes lost, want 84", s.Overruns)
		}
	})
}

func TestXonXoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{BufferSize: 64, Flow: FlowXonXoff})
		h := connect(t, p)
		p.SetPaper(PaperOut)
		h.send(strings.Repeat("x", 60))
		h.expect("\x13")
		p.SetPaper(PaperOK)
		h.expect("\x11")
	})
}

func TestASB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		p.OpenCover()
		p.CloseCover()
		h.expect("") // off until asked for
		h.send("\x1da\x0e")
		h.expect("\x14\x00\x00\x0F")
		p.OpenCover()
		h.expect("\x3C\x00\x00\x0F")
		p.CloseCover()
		h.expect("\x14\x00\x00\x0F")
		p.SetPaper(PaperNearEnd)
		h.expect("\x14\x00\x03\x0F")
		p.SetPaper(PaperOut)
		h.expect("\x1C\x00\x0F\x0F")
		p.SetPaper(PaperOut)
		h.expect("")
		p.SetPaper(PaperOK)
		p.JamNextCut()
		h.expect("\x14\x00\x00\x0F")
		h.send("\x1dV\x00")
		h.expect("\x1C\x08\x00\x0F")
		h.send("\x10\x05\x01")
		h.expect("\x14\x00\x00\x0F")
		h.send("\x1da\x08") // paper only
		h.expect("\x14\x00\x00\x0F")
		p.OpenCover()
		h.expect("")
		h.send("\x1b@")
		p.CloseCover()
		p.SetPaper(PaperOut)
		h.expect("") // ESC @ switched it off
	})
}

func TestIdentityAndStatusRequests(t *testing.T) {
	for _, c := range []struct {
		name, ask, want string
		opt             Options
	}{
		{"model", "\x1dI\x01", "\x20", Options{}},
		{"type", "\x1dI2", "\x02", Options{}},
		{"maker", "\x1dIB", "\x5FEPSON\x00", Options{}},
		{"name", "\x1dIC", "\x5FTM-T88V\x00", Options{Identity: Identity{Name: "TM-T88V"}}},
		{"unknown", "\x1dI\x55", "", Options{}},
		{"paper", "\x1dr1", "\x00", Options{}},
		{"drawer", "\x1dr\x02", "\x01", Options{}},
		{"no-gs-r", "\x1dr\x01", "", Options{Missing: []Feature{FeaturePaperGSr}}},
		{"no-process-id", askID, "", Options{Missing: []Feature{FeatureProcessID}}},
		{"no-asb", "\x1da\xff", "", Options{Missing: []Feature{FeatureASB}}},
		{"bad-process-id", "\x1d(H\x06\x0000\x01234", "", Options{}},
		{"custom", "\x10\x04\x14", "\x10\x0F\x00\x00\x00\x00", Options{Dialect: DialectCustom}},
		{"custom-asked-of-epson", "\x10\x04\x14", "", Options{}},
		{"silent", "\x10\x04\x01\x1dr\x01" + askID, "", Options{Dialect: DialectNone}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := connect(t, New(c.opt))
				h.send(c.ask)
				h.expect(c.want)
			})
		})
	}
}

func TestReplyFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		const ask = "\x10\x04\x02"
		p.DropReplies(1)
		h.send(ask)
		h.expect("")
		h.send(ask)
		h.expect("\x12")
		p.DuplicateReplies(1)
		h.send(ask)
		h.expect("\x12\x12")
		p.DelayReplies(1, 3*time.Second)
		start := time.Now()
		h.send(ask)
		h.expect("")
		if got := <-h.replies; got != 0x12 || time.Since(start) != 3*time.Second {
			t.Errorf("reply %02X after %v", got, time.Since(start))
		}
		p.SendRaw([]byte{0xFF, 0x00})
		h.expect("\xFF\x00")
	})
}

func TestPresenter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Presenter: true, Dialect: DialectCustom})
		h := connect(t, p)
		h.send("A\n\x1dV\x00")
		if got := p.Tickets()[0].Presented; got != PresentedHeld {
			t.Errorf("after the cut %q", got)
		}
		if p.TakeTicket() {
			t.Error("took a ticket that is still inside")
		}
		h.send("\x1de\x05\x10\x04\x14")
		h.expect("\x10\x0F\x20\x00\x00\x00")
		if !p.TakeTicket() {
			t.Error("could not take the ticket")
		}
		h.send("\x10\x04\x14")
		h.expect("\x10\x0F\x00\x00\x00\x00")
		h.send("B\n\x1dV\x00\x1de\x03\x0c\x1de\x02")
		got := p.Tickets()
		if got[0].Presented != PresentedTaken || got[1].Presented != PresentedRetracted {
			t.Errorf("in the end %q and %q", got[0].Presented, got[1].Presented)
		}
	})
}

func TestUnplug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		p.UnplugAfter(4)
		if _, err := io.WriteString(h.conn, "one\ntwo\n\x1dV\x00"); err != nil {
			t.Logf("host saw %v", err)
		}
		if err := <-h.ended; !errors.Is(err, ErrUnplugged) {
			t.Fatalf("Serve: %v", err)
		}
		if err := p.Serve(t.Context(), nopStream{}); !errors.Is(err, ErrUnplugged) {
			t.Fatalf("Serve while unplugged: %v", err)
		}
		if d := cmp.Diff([]string{"one"}, p.Paper().Lines); d != "" {
			t.Error(d)
		}
		p.Replug()
		again := connect(t, p)
		again.send("three\n\x1dV\x00\x10\x04\x01")
		again.expect("\x16")
		if d := cmp.Diff([]string{"one", "three"}, p.Tickets()[0].Lines); d != "" {
			t.Error(d)
		}
	})
}

type nopStream struct{}

func (nopStream) Read([]byte) (int, error)    { return 0, io.EOF }
func (nopStream) Write(b []byte) (int, error) { return len(b), nil }
func (nopStream) Close() error                { return nil }

func TestOneConnectionAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		synctest.Wait()
		if err := p.Serve(t.Context(), nopStream{}); !errors.Is(err, ErrBusy) {
			t.Errorf("second Serve: %v", err)
		}
		_ = h.conn.Close()
		if err := <-h.ended; err != nil {
			t.Errorf("after hanging up: %v", err)
		}
		if err := p.Serve(t.Context(), nopStream{}); err != nil {
			t.Errorf("next Serve: %v", err)
		}
	})
}

func TestFaultNames(t *testing.T) {
	for _, name := range FaultNames() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Options{})
				if err := p.Fault(name); err != nil {
					t.Fatal(err)
				}
				s := p.State()
				troubled := s.Offline || s.Stalled || s.Unplugged || s.Paper != PaperOK
				if troubled == (name == "none") {
					t.Errorf("state %+v", s)
				}
				if err := p.Fault("none"); err != nil {
					t.Fatal(err)
				}
				h := connect(t, p)
				h.send("A\n\x1dV\x00\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04")
				h.expect("\x16\x12\x12\x12")
				if n := p.State().Tickets; n != 1 {
					t.Errorf("%d tickets after the cure", n)
				}
			})
		})
	}
	if err := New(Options{}).Fault("fire"); err == nil {
		t.Error("an unknown fault was accepted")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		h := connect(t, p)
		h.send(strings.Repeat("A\n\x1dV\x00", maxHistory+7))
		all := p.Tickets()
		if len(all) != maxHistory || all[0].N != 8 || p.State().Tickets != maxHistory+7 {
			t.Errorf("%d tickets from number %d", len(all), all[0].N)
		}
	})
}

func TestWaitTicketsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := New(Options{}).WaitTickets(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFeedButton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{ASB: 0x40})
		h := connect(t, p)
		synctest.Wait()
		p.FeedButton()
		h.expect("\x54\x02\x00\x0F\x14\x00\x00\x0F")
	})
}
