package printer_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/drivertest"
	"github.com/okienko/okienko/drivers/emulator"
	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/paper"
	"github.com/okienko/okienko/drivers/printer"
)

// inBubble runs f in virtual time with a driver that is ready.
func inBubble(t *testing.T, profile string, device emulator.Options, f func(*testing.T, *bench)) {
	t.Helper()
	p := loadProfile(t, profile)
	synctest.Test(t, func(t *testing.T) {
		b := startPipe(t, p, device)
		b.await(t, wait, ready)
		f(t, b)
	})
}

func (b *bench) print(t *testing.T, mark string) drivers.Result {
	t.Helper()
	r := b.printer.Print(t.Context(), ticket(mark))
	synctest.Wait() // grade C does not wait for the paper
	checkJudgement(t, b, mark, r)
	return r
}

func TestGradeFollowsWhatThePrinterGives(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, profile string
		device        emulator.Options
		want          drivers.Grade
	}{
		{"process-id", "epson-tm-t20iii", emulator.Options{}, drivers.GradeProcess},
		{"no-process-id", "epson-tm-t20iii", emulator.Options{
			Missing: []emulator.Feature{emulator.FeatureProcessID},
		}, drivers.GradeStatus},
		{"no-proof", "epson-tm-t20iii", emulator.Options{
			Missing: []emulator.Feature{emulator.FeatureProcessID, emulator.FeaturePaperGSr},
		}, drivers.GradeBytes},
		{"profile-without-process-id", "generic-80", emulator.Options{}, drivers.GradeStatus},
		{"slow-head", "epson-tm-t20iii", emulator.Options{Speed: 50}, drivers.GradeProcess},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, tt.profile, tt.device, func(t *testing.T, b *bench) {
				for _, mark := range []string{"Q7", "Z8", "X9"} {
					begun := time.Now()
					r := b.print(t, mark)
					if r.Outcome != drivers.Printed || r.Grade != tt.want {
						t.Errorf("%s: %+v, want grade %s", mark, r, tt.want)
					}
					if took := time.Since(begun); tt.device.Speed == 0 && took > 200*time.Millisecond {
						t.Errorf("%s waited %v for proofs that this printer does not give", mark, took)
					}
				}
			})
		})
	}
}

func TestPrinterThatSaysNothing(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "generic-80")
	profile.Status.Dialect = "none"
	profile.Completion = []string{"none"}
	synctest.Test(t, func(t *testing.T) {
		b := startPipe(t, profile, emulator.Options{Dialect: emulator.DialectNone})
		b.await(t, wait, ready)
		if r := b.print(t, "Q7"); r.Outcome != drivers.Printed || r.Grade != drivers.GradeBytes {
			t.Errorf("print: %+v", r)
		}
	})
}

func TestSilentPrinterIsNotStarted(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "generic-80") // which says that it answers
	synctest.Test(t, func(t *testing.T) {
		b := startPipe(t, profile, emulator.Options{Dialect: emulator.DialectNone})
		b.await(t, 5*time.Second, because(printer.ReasonNoAnswer))
		r := b.print(t, "Q7")
		if r.Outcome != drivers.NotStarted || r.Reason != printer.ReasonNoAnswer {
			t.Errorf("print: %+v", r)
		}
	})
}

// TestSilentPortIsOpenedAnew: after half a minute of silence a new connection is tried, and nobody is
// told meanwhile that the device had vanished.
func TestSilentPortIsOpenedAnew(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "generic-80")
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		b := startWrapped(t, profile, func(port printer.Port) printer.Port {
			opened++
			return port
		})
		b.await(t, wait, ready)
		b.device.PowerOff()
		since := b.await(t, 5*time.Second, because(printer.ReasonNoAnswer)).Since
		time.Sleep(40 * time.Second) // virtual
		if h := b.printer.Health(); opened != 2 || h.Since != since {
			t.Errorf("opened %d times, %+v", opened, h)
		}
		b.device.PowerOn()
		b.await(t, wait, ready)
	})
}

// TestPaperIsSeenBeforeThePress is row 14, without automatic status.
func TestPaperIsSeenBeforeThePress(t *testing.T) {
	t.Parallel()
	inBubble(t, "generic-80", emulator.Options{}, func(t *testing.T, b *bench) {
		b.device.SetPaper(emulator.PaperOut)
		b.await(t, 2*time.Second, because(printer.ReasonPaperOut))
		if r := b.print(t, "Q7"); r.Outcome != drivers.NotStarted || r.Reason != printer.ReasonPaperOut {
			t.Errorf("print without paper: %+v", r)
		}
		b.device.SetPaper(emulator.PaperNearEnd)
		h := b.await(t, 2*time.Second, because(printer.ReasonNearEnd))
		if h.State != drivers.Degraded {
			t.Errorf("near end: %+v", h)
		}
		if r := b.print(t, "Z8"); r.Outcome != drivers.Printed {
			t.Errorf("print near the end: %+v", r)
		}
		b.device.SetPaper(emulator.PaperOK)
		b.await(t, 2*time.Second, ready)
	})
}

func TestAutomaticStatusIsQuicker(t *testing.T) {
	t.Parallel()
	inBubble(t, "epson-tm-t20iii", emulator.Options{}, func(t *testing.T, b *bench) {
		time.Sleep(4 * time.Second) // virtual: into the pause between two rounds
		b.print(t, "Q7")
		time.Sleep(100 * time.Millisecond)
		b.device.OpenCover()
		b.await(t, 300*time.Millisecond, because(printer.ReasonCover))
		b.device.CloseCover()
		b.await(t, 600*time.Millisecond, ready)
	})
}

func TestEveryFaultHasItsReason(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason string
		set    func(*emulator.Printer)
	}{
		{printer.ReasonPaperOut, func(p *emulator.Printer) { p.SetPaper(emulator.PaperOut) }},
		{printer.ReasonCover, (*emulator.Printer).OpenCover},
		{printer.ReasonCutter, func(p *emulator.Printer) { p.SetCutterError(true) }},
		{printer.ReasonError, func(p *emulator.Printer) { p.SetHeadHot(true) }},
		{printer.ReasonError, func(p *emulator.Printer) { p.SetUnrecoverable(true) }},
		{printer.ReasonOffline, func(p *emulator.Printer) { p.SetOffline(true) }},
		{printer.ReasonUnplugged, (*emulator.Printer).Unplug},
		{printer.ReasonNoAnswer, (*emulator.Printer).PowerOff},
		{printer.ReasonStalled, func(p *emulator.Printer) { p.Stall(true) }},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			inBubble(t, "epson-tm-t20iii", emulator.Options{}, func(t *testing.T, b *bench) {
				tt.set(b.device)
				b.await(t, 5*time.Second, because(tt.reason))
				if r := b.print(t, "Q7"); r.Outcome != drivers.NotStarted {
					t.Errorf("print: %+v", r)
				}
				if err := b.device.Fault("none"); err != nil {
					t.Fatal(err)
				}
				b.await(t, wait, ready)
				if r := b.print(t, "Z8"); r.Outcome != drivers.Printed {
					t.Errorf("print when all is right again: %+v", r)
				}
			})
		})
	}
}

func TestProofThatComesLate(t *testing.T) {
	t.Parallel()
	inBubble(t, "epson-tm-t20iii", emulator.Options{}, func(t *testing.T, b *bench) {
		b.device.PaperOutAfter(150)
		go func() {
			time.Sleep(6 * time.Second) // virtual: somebody puts a new roll in
			b.device.SetPaper(emulator.PaperOK)
		}()
		noticed := make(chan drivers.Health, 1)
		go func() { noticed <- b.await(t, 4*time.Second, because(printer.ReasonPaperOut)) }()
		if r := b.print(t, "Q7"); r.Outcome != drivers.Printed || r.Grade != drivers.GradeProcess {
			t.Errorf("print: %+v", r)
		}
		<-noticed
	})
}

func TestLostProofIsUnknown(t *testing.T) {
	t.Parallel()
	inBubble(t, "epson-tm-t20iii", emulator.Options{Speed: 100}, func(t *testing.T, b *bench) {
		go func() {
			time.Sleep(100 * time.Millisecond) // virtual: the ticket is being printed
			b.device.DropReplies(1)
		}()
		begun := time.Now()
		r := b.print(t, "Q7")
		if r.Outcome != drivers.Unknown || r.Reason != printer.ReasonNoAnswer {
			t.Errorf("print: %+v", r)
		}
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("gave up after %v", took)
		}
		b.await(t, wait, ready)
		if r := b.print(t, "Z8"); r.Outcome != drivers.Printed {
			t.Errorf("the next ticket: %+v", r)
		}
	})
}

func TestStuckCutter(t *testing.T) {
	t.Parallel()
	inBubble(t, "epson-tm-t20iii", emulator.Options{}, func(t *testing.T, b *bench) {
		b.device.JamNextCut()
		if r := b.print(t, "Q7"); r.Outcome != drivers.Unknown || r.Reason != printer.ReasonCutter {
			t.Errorf("print: %+v", r)
		}
	})
}

func TestPresenter(t *testing.T) {
	t.Parallel()
	device := emulator.Options{Dialect: emulator.DialectCustom, Presenter: true}
	for _, tt := range []struct {
		name  string
		takes bool
		want  drivers.Grade
	}{
		{"taken", true, drivers.GradeProcess},
		{"left", false, drivers.GradeStatus},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, "custom-vkp80iii", device, func(t *testing.T, b *bench) {
				if tt.takes {
					go func() {
						time.Sleep(2 * time.Second) // virtual: the visitor's hand
						b.device.TakeTicket()
					}()
				}
				if r := b.print(t, "Q7"); r.Outcome != drivers.Printed || r.Grade != tt.want {
					t.Errorf("print: %+v, want grade %s", r, tt.want)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*bench, context.CancelFunc){
		"by-context": func(_ *bench, cancel context.CancelFunc) { cancel() },
		"by-halt":    func(b *bench, _ context.CancelFunc) { _ = b.printer.Halt() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, "epson-tm-t20iii", emulator.Options{Speed: 20}, func(t *testing.T, b *bench) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					time.Sleep(300 * time.Millisecond) // virtual: the head is at work
					end(b, cancel)
				}()
				begun := time.Now()
				r := b.printer.Print(ctx, ticket("Q7"))
				if r.Outcome != drivers.Unknown || r.Reason != printer.ReasonCancelled {
					t.Errorf("print: %+v", r)
				}
				if took := time.Since(begun); took > time.Second {
					t.Errorf("ended %v after the start", took)
				}
			})
		})
	}
}

// TestNoiseNeverMeansPaper is row 18: whatever the line makes up, an empty printer is not ready.
func TestNoiseNeverMeansPaper(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		gap := rapid.IntRange(1, 60).Draw(rt, "gap")
		synctest.Test(t, func(t *testing.T) {
			b := startPipe(t, profile, emulator.Options{})
			b.await(t, wait, ready)
			b.device.SetPaper(emulator.PaperOut)
			b.await(t, 5*time.Second, because(printer.ReasonPaperOut))
			random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's noise
			var noise [8]byte
			for end := time.Now().Add(6 * time.Second); time.Now().Before(end); {
				for i := range noise {
					noise[i] = byte(random.Uint32())
				}
				if random.IntN(4) == 0 { // noise with the look of good news
					copy(noise[:], []byte{0x12, 0x12, 0x12, 0x12, 0x10, 0, 0, 0})
				}
				b.device.SendRaw(noise[:1+random.IntN(8)])
				time.Sleep(time.Duration(random.IntN(gap*10)) * time.Millisecond)
				if h := b.printer.Health(); h.State == drivers.Ready {
					t.Fatalf("ready without paper: %+v (seed %d, gap %d)", h, seed, gap)
				}
			}
			b.device.SetPaper(emulator.PaperOK)
			b.await(t, wait, ready)
		})
	})
}

// TestLateAndDoubledAnswers checks that an answer out of its place is not read as another fault.
func TestLateAndDoubledAnswers(t *testing.T) {
	t.Parallel()
	disturb := map[string]func(*emulator.Printer, int){
		"late": func(p *emulator.Printer, n int) {
			p.DelayReplies(1+n%5, time.Duration(400+n*50)*time.Millisecond)
		},
		"doubled": func(p *emulator.Printer, n int) { p.DuplicateReplies(1 + n%5) },
		"dropped": func(p *emulator.Printer, n int) { p.DropReplies(1 + n%5) },
	}
	for name, act := range disturb {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, "generic-80", emulator.Options{}, func(t *testing.T, b *bench) {
				for n := range 40 {
					act(b.device, n)
					time.Sleep(time.Duration(137*n%2000) * time.Millisecond)
					switch h := b.printer.Health(); h.Reason {
					case "", printer.ReasonNoAnswer:
					default:
						t.Fatalf("round %d: %+v", n, h)
					}
				}
				b.await(t, 10*time.Minute, ready) // the late ones queue behind each other
				if r := b.print(t, "Q7"); r.Outcome != drivers.Printed {
					t.Errorf("print: %+v", r)
				}
			})
		})
	}
}

// wrapped is a transport whose ports are wrapped by a test.
type wrapped struct {
	printer.Transport
	wrap func(printer.Port) printer.Port
}

func (w *wrapped) Open(ctx context.Context) (printer.Port, error) {
	port, err := w.Transport.Open(ctx)
	if err != nil {
		return nil, err
	}
	return w.wrap(port), nil
}

// startWrapped is startPipe with something between the driver and the device.
func startWrapped(t *testing.T, profile escpos.Profile, wrap func(printer.Port) printer.Port) *bench {
	t.Helper()
	em := emulator.New(emulator.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	inner := &pipes{ctx: ctx, device: em}
	p, err := printer.New(&wrapped{inner, wrap}, printer.Config{Profile: profile},
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	run(t, p)
	t.Cleanup(func() {
		cancel()
		inner.serve.Wait()
	})
	return &bench{printer: p, device: em}
}

func TestFaultyPorts(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "generic-80")
	tests := []struct {
		name   string
		faults drivertest.Faults
		reason string
	}{
		{"stall", drivertest.Faults{StallAt: 150, UnplugAt: -1, FailAt: -1}, printer.ReasonStalled},
		{"unplug", drivertest.Faults{StallAt: -1, UnplugAt: 150, FailAt: -1}, printer.ReasonUnplugged},
		{"short-write", drivertest.Faults{StallAt: -1, UnplugAt: -1, FailAt: 150}, printer.ReasonUnplugged},
		{"garbage", drivertest.Faults{
			StallAt: -1, UnplugAt: -1, FailAt: -1, Garbage: []byte{0x12, 0x1A, 0x37, 0x22, 0x10, 0xFF},
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opened := 0
				b := startWrapped(t, profile, func(port printer.Port) printer.Port {
					if opened++; opened > 1 {
						return port
					}
					return drivertest.NewFaultyPort(port, tt.faults)
				})
				b.await(t, wait, ready)
				begun := time.Now()
				r := b.print(t, "Q7")
				if took := time.Since(begun); took > 3*time.Second {
					t.Errorf("print returned after %v", took)
				}
				switch {
				case tt.reason == "" && r.Outcome != drivers.Printed:
					t.Errorf("print: %+v", r)
				case tt.reason != "" && (r.Outcome != drivers.Unknown || r.Reason != tt.reason):
					t.Errorf("print: %+v, want unknown because of %s", r, tt.reason)
				}
			})
		})
	}
}

func TestRecordedSessionPlaysBack(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	var recording []drivertest.Chunk
	synctest.Test(t, func(t *testing.T) {
		var recorder *drivertest.Recorder
		b := startWrapped(t, profile, func(port printer.Port) printer.Port {
			recorder = drivertest.NewRecorder(port)
			return recorder
		})
		b.await(t, wait, ready)
		b.print(t, "Q7")
		recording = recorder.Chunks()
	})
	synctest.Test(t, func(t *testing.T) {
		b := startWrapped(t, profile, func(port printer.Port) printer.Port {
			_ = port.Close()
			return drivertest.NewPlayback(recording)
		})
		b.await(t, wait, ready)
		r := b.printer.Print(t.Context(), ticket("Q7"))
		if r.Outcome != drivers.Printed || r.Grade != drivers.GradeProcess {
			t.Errorf("played back: %+v", r)
		}
	})
}

func TestDocumentThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	inBubble(t, "epson-tm-t20iii", emulator.Options{}, func(t *testing.T, b *bench) {
		bad := paper.Document{Elements: []paper.Element{paper.QR{Value: strings.Repeat("x", 5000)}}}
		r := b.printer.Print(t.Context(), bad)
		if r.Outcome != drivers.NotStarted || r.Reason != printer.ReasonError || r.Err == nil {
			t.Errorf("print: %+v", r)
		}
	})
}

func TestRunOnlyOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, "epson-tm-t20iii", emulator.Options{}, func(t *testing.T, b *bench) {
		if err := b.printer.Run(t.Context()); err == nil {
			t.Error("a second Run began")
		}
		if err := b.printer.Halt(); err != nil {
			t.Error(err)
		}
		if err := b.printer.Run(t.Context()); err == nil {
			t.Error("Run began after Halt")
		}
		if h := b.printer.Health(); h.State != drivers.Absent {
			t.Errorf("health after halt: %+v", h)
		}
	})
}

func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	profile := loadProfile(t, "epson-tm-t20iii")
	good := []string{
		"serial:/dev/ttyUSB7", "serial:/dev/serial/by-id/x?baud=9600&flow=none", "usb:/dev/usb/lp7",
		"tcp:192.0.2.1:9100", "tcp:printer.example", "tcp:[2001:db8::1]:9100",
	}
	bad := []string{
		"", "/dev/ttyUSB0", "serial:", "serial:ttyUSB0", "serial:/dev/x?baud=fast", "serial:/dev/x?baud=12345",
		"serial:/dev/x?flow=maybe", "serial:/dev/x?parity=odd", "serial:/dev/x?%zz", "usb:lp0", "tcp::9100",
		"tcp:host:0", "tcp:host:99999", "tcp:host:http", "tcp:a:b:c", "lpt:1",
	}
	for _, address := range slices.Concat(good, bad) {
		_, err := printer.Open(printer.Config{Address: address, Profile: profile}, slog.New(slog.DiscardHandler))
		if (err == nil) != slices.Contains(good, address) {
			t.Errorf("open %q: %v", address, err)
		}
	}
	profile.Status.Dialect = "martian"
	_, err := printer.Open(printer.Config{Address: good[0], Profile: profile}, slog.New(slog.DiscardHandler))
	if err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a profile that cannot be: %v", err)
	}
}
