package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/agent/clock"
	"github.com/okienko/okienko/agent/config"
	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/agent/web"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/paper"
	"github.com/okienko/okienko/protocol"
)

// Printer is a printer together with the goroutine that owns its port.
type Printer interface {
	drivers.Printer
	// Run opens the port, keeps it open and serves the jobs until ctx ends.
	Run(ctx context.Context) error
}

// Boards are the boards of a branch together with the goroutines that own their lines.
type Boards struct {
	List []Board
	// Run drives the boards until ctx ends, and leaves them dark.
	Run func(ctx context.Context) error
}

// Board is the board at one counter.
type Board struct {
	Counter protocol.CounterID
	Board   drivers.Board
}

// Speaker is a loudspeaker together with the goroutine that looks after it.
type Speaker interface {
	drivers.Speaker
	// Run looks after the device until ctx ends, and lets go of it.
	Run(ctx context.Context) error
}

// Panel is a row of buttons together with the goroutine that watches it.
type Panel interface {
	drivers.Panel
	// Run watches the buttons until ctx ends, and leaves the lamps dark.
	Run(ctx context.Context) error
}

// Options are what cmd gives a branch.
type Options struct {
	Config config.Config
	// OpenPrinter makes the printer's driver; nil where the branch has none. interrupted says that
	// the last run of the agent may have been cut off in the middle of a ticket.
	OpenPrinter func(interrupted bool) (Printer, error)
	// Boards are the boards at the counters; nil where the branch has none.
	Boards *Boards
	// Speaker is the loudspeaker in the hall; nil where nothing is announced.
	Speaker Speaker
	// Panel has a button for each line of Config.Panel, named by it; nil where the branch has none.
	Panel Panel
	// TestPage is what a long press prints for the technician.
	TestPage paper.Document
	// Watchdog is fed while the engine lives; nil where nobody watches the agent.
	Watchdog Watchdog
	// Logo is printed on top of each ticket; nil prints none.
	Logo *paper.Image
	// Listener serves the pages and the API; Run closes it.
	Listener net.Listener
	Clock    clock.Clock
	Logger   *slog.Logger
	Version  string
	// Verify is the command line of the process that verifies the journal.
	Verify []string
	// Console shows the first clerk's PIN, once. Without one, no account is made at the first start.
	Console io.Writer
}

// Run runs the branch until ctx ends. It stops within 10 s and leaves the journal closed cleanly.
func Run(ctx context.Context, o Options) (err error) {
	j, report, err := journal.Open(ctx, journal.Options{
		Dir: o.Config.DataDir, Logger: o.Logger, VerifyCommand: o.Verify,
	})
	if err != nil {
		return fmt.Errorf("open the journal in %s: %w", o.Config.DataDir, err)
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	tell(o.Logger, report)
	store, err := access.Open(o.Config.DataDir, access.Options{})
	if err != nil {
		return fmt.Errorf("open the access files: %w", err)
	}
	if err := greet(o.Console, store); err != nil {
		return err
	}
	key, err := secret.Load(o.Config.DataDir)
	if err != nil {
		return err
	}
	e := engine.New(engine.Options{
		Journal: j, Clock: o.Clock, Logger: o.Logger.With("part", "engine"), Zones: time.LoadLocation,
		Start: started(o.Version, report), Settings: o.Config.Settings(),
	})
	list := &devices.Registry{}
	parts := []part{{name: "engine", run: e.Run, ready: e.Ready()}}
	var printer Printer
	if o.OpenPrinter != nil {
		if printer, err = o.OpenPrinter(!report.Fresh && !report.CleanStop); err != nil {
			return err
		}
		list.Add("printer", "printer", printer)
		parts = append(parts, printing(o, e, printer, key)...)
	}
	parts = append(parts, displays(o, e, list)...)
	parts = append(parts, voice(o, e, list)...)
	parts = append(parts, buttons(o, e, list, printer, key)...)
	server, err := pages(o, e, store, key, list, printer, j.Health, notes(report))
	if err != nil {
		return err
	}
	parts = append(parts, part{name: "web", run: func(ctx context.Context) error {
		return server.Run(ctx, o.Listener)
	}})
	parts = append(parts, watched(o, e)...)
	return supervise(ctx, o.Logger, parts)
}

// started turns what the journal found into the queue's first command.
func started(version string, r journal.Report) queue.Start {
	return queue.Start{
		Clean: r.Fresh || r.CleanStop, Version: version,
		Restored: r.RestoredFromLedger + r.FilledFromDamaged + r.CaughtUp,
		TailLost: r.MayMissTail || len(r.Leftover) > 0, Missing: missing(r),
	}
}

// missing bounds how many events are lost beyond the restored end: up to the last one of which a
// trace was seen on the card.
func missing(r journal.Report) int {
	beyond := 0
	for _, record := range r.Leftover {
		if record.Seq > r.Last {
			beyond = max(beyond, int(min(record.Seq-r.Last, maxMissing)))
		}
	}
	return beyond
}

// maxMissing keeps a sequence number that is itself damaged from exhausting the ticket numbers.
const maxMissing = 100_000

// notes is what people and monitoring are told of the last start.
func notes(r journal.Report) web.StartNotes {
	return web.StartNotes{
		Unclean: !r.Fresh && !r.CleanStop, Damage: r.Damage,
		Restored:    r.RestoredFromLedger + r.FilledFromDamaged + r.CaughtUp,
		TailMissing: r.MayMissTail || len(r.Leftover) > 0, Quarantined: r.Quarantined,
	}
}

// tell logs what an administrator should know of the last stop.
func tell(log *slog.Logger, r journal.Report) {
	log.Info("journal opened", "records", r.Last, "clean", r.CleanStop, "verified", string(r.Verified), "took", r.Took)
	if r.Damage != "" {
		log.Error("journal was damaged and has been restored", "damage", r.Damage, "quarantined", r.Quarantined,
			"from_ledger", r.RestoredFromLedger, "from_damaged", r.FilledFromDamaged, "tail_may_miss", r.MayMissTail)
	}
	if len(r.Unreadable) > 0 {
		log.Error("journal has unreadable records", "records", r.Unreadable)
	}
}

// greet makes the first clerk's account at the first start and shows its PIN on the console; it
// is kept nowhere in the clear.
func greet(console io.Writer, store *access.Store) error {
	if console == nil {
		return nil
	}
	pin, err := store.EnsureClerk()
	if err != nil {
		return fmt.Errorf("make the first clerk's account: %w", err)
	}
	if pin == "" {
		return nil
	}
	_, err = fmt.Fprintf(console, "First start. Clerk sign-in: name %q, PIN %s. It is shown only this once.\n",
		access.FirstClerk, pin)
	return err
}

// printing makes the parts that put tickets on paper.
func printing(o Options, e *engine.Engine, p Printer, key *secret.Secret) []part {
	reader := devices.NewPrinting(e, p, layout(o, key), o.Logger.With("part", "printing"))
	known := make(chan struct{})
	return []part{
		{name: "printer", ready: known, run: func(ctx context.Context) error {
			first := p.Changed()
			var wg sync.WaitGroup
			wg.Go(func() { awaitPrinter(ctx, first); close(known) })
			err := errors.Join(p.Run(ctx), p.Halt())
			wg.Wait()
			return err
		}},
		{name: "printing", run: reader.Run, ready: reader.Ready()},
	}
}

// displays makes the parts that show the called numbers at the counters.
func displays(o Options, e *engine.Engine, list *devices.Registry) []part {
	if o.Boards == nil {
		return nil
	}
	log := o.Logger.With("part", "boards")
	parts := []part{{name: "boards", run: enduring(log, "boards", o.Boards.Run)}}
	for _, b := range o.Boards.List {
		name := fmt.Sprintf("board-%d", b.Counter)
		list.Add(name, "board", b.Board)
		reader := devices.NewDisplay(e, b.Counter, b.Board)
		parts = append(parts, part{name: name, run: enduring(log, name, reader.Run)})
	}
	return parts
}

// voice makes the parts that announce calls.
func voice(o Options, e *engine.Engine, list *devices.Registry) []part {
	if o.Speaker == nil {
		return nil
	}
	list.Add("speaker", "speaker", o.Speaker)
	log := o.Logger.With("part", "voice")
	reader := devices.NewVoicing(e, o.Speaker, devices.VoiceRules{
		Language: o.Config.Branch.Languages[0], Place: announce.Place(o.Config.Voice.Place), Gong: o.Config.Voice.Gong,
		Silent: o.Config.Voice.Silent, Hours: o.Config.Voice.Week(),
	}, log)
	return []part{
		{name: "speaker", run: enduring(log, "speaker", o.Speaker.Run)},
		{name: "voice", run: enduring(log, "voice", reader.Run)},
	}
}

// printerWait is how long the first press may be held back until the printer is known to be there.
const printerWait = time.Second

// awaitPrinter waits for the printer's first word, so that a press right after the start is not
// taken for one without paper.
func awaitPrinter(ctx context.Context, first <-chan struct{}) {
	t := time.NewTimer(printerWait)
	defer t.Stop()
	select {
	case <-first:
	case <-t.C:
	case <-ctx.Done():
	}
}

// pages makes the web server of the branch.
func pages(
	o Options, e *engine.Engine, store *access.Store, key *secret.Secret, list *devices.Registry, p Printer,
	disk func() journal.Health, started web.StartNotes,
) (*web.Server, error) {
	w := web.Options{
		Engine: e, Access: store, Logger: o.Logger.With("part", "web"),
		Branch: o.Config.Branch.ID, Languages: o.Config.Branch.Languages, PublicURL: o.Config.PublicURL,
		Secret: key, NewID: secret.TicketID, Devices: list, OpenPages: o.Config.OpenPages,
		BehindTLS: o.Config.BehindTLS, Journal: disk, Started: started,
		Kiosk: web.Size{WidthMM: o.Config.Kiosk.WidthMM},
		Screen: web.Size{
			WidthMM: o.Config.Screen.WidthMM, DistanceMM: int(o.Config.Screen.ViewingDistanceM * 1000),
		},
		Version: o.Version,
	}
	if p != nil {
		w.Printer = p.Health
	}
	return web.New(w)
}
