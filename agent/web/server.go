package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/protocol"
)

// The bounds of one request (design/7-security.md, 47).
const (
	maxBody       = 64 << 10
	maxHeader     = 16 << 10
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 60 * time.Second
	commandLimit  = 20 * time.Second // what a press waits for a slow disk (6-failures row 48)
	viewLimit     = 5 * time.Second
	stopLimit     = 5 * time.Second
)

// Engine is what the pages and the API need of agent/engine.
type Engine interface {
	Do(ctx context.Context, r engine.Request) (engine.Answer, error)
	View(ctx context.Context, f func(s *queue.State, now protocol.Instant)) error
	Committed() (seq uint64, changed <-chan struct{})
	Events(ctx context.Context, from uint64) iter.Seq2[queue.Event, error]
	Health() engine.Health
}

// DeviceLister tells how every device of the branch is.
type DeviceLister interface {
	Devices() []devices.Status
}

// Size describes a display physically, since readable means millimetres and not pixels.
type Size struct {
	// WidthMM is the width of the picture in millimetres.
	WidthMM int
	// DistanceMM is how far away its reader stands, in millimetres.
	DistanceMM int
}

// Options are what a Server is made of.
type Options struct {
	Engine Engine
	Access *access.Store
	Logger *slog.Logger
	// Branch keeps the cookies of several branches on one host apart.
	Branch protocol.BranchID
	// Languages are those of the kiosk, in its order. The first is that of the hall screen and of
	// pages when nothing else is asked for. Those without pages are left out; none means all.
	Languages []protocol.Language
	// PublicURL is where e-tickets are: the address is PublicURL/t/TOKEN. Empty means none.
	PublicURL string
	// Secret makes the e-ticket tokens of the tickets.
	Secret *secret.Secret
	// NewID makes ticket identifiers.
	NewID func() protocol.TicketID
	// Devices lists the devices; nil means that there are none.
	Devices DeviceLister
	// Printer tells how the ticket printer is, so that visitors know before they press; nil
	// means that the branch has none and every number is shown on the kiosk only.
	Printer func() drivers.Health
	// OpenPages opens /kiosk and /screen to every browser that reaches the address. Without it
	// they open for a device that was paired by ?token= and for browsers on this very machine.
	// The API always wants a token or a page's cookie.
	OpenPages bool
	// BehindTLS says that a proxy on the way speaks TLS to the browsers.
	BehindTLS bool
	// Kiosk and Screen are used by pages that do not say their own size; zero fields mean a
	// 17-inch touch screen at 60 cm and a 55-inch television at 8 m.
	Kiosk, Screen Size
	// Journal tells how the disk is; nil says nothing of it.
	Journal func() journal.Health
	// Started is what the last start found on the disk.
	Started StartNotes
	// Metrics, if not nil, appends further lines to /metrics in Prometheus text format.
	Metrics func(w io.Writer)
	// Version of the agent, for /status and /metrics.
	Version string
}

// Server serves one branch. Its methods may be called from any goroutine.
type Server struct {
	Options
	handler  http.Handler
	visitors string // proves that a browser opened one of the open pages of this run
	pages    *pageSet
	texts    catalogue
	snapshot snapshotCache
	zone     zoneCache
	streams  atomic.Int64
	started  time.Time

	heartbeat time.Duration
}

// New makes a server; it starts nothing.
func New(o Options) (*Server, error) {
	o.Languages = slices.DeleteFunc(slices.Clone(o.Languages), func(lang protocol.Language) bool {
		return !slices.Contains(pageLanguages(), lang)
	})
	if len(o.Languages) == 0 {
		o.Languages = pageLanguages()
	}
	o.Kiosk = o.Kiosk.or(Size{WidthMM: 338, DistanceMM: 600})
	o.Screen = o.Screen.or(Size{WidthMM: 1210, DistanceMM: 8000})
	texts, err := readCatalogue()
	if err != nil {
		return nil, err
	}
	pages, err := readPages(texts)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Options: o, pages: pages, texts: texts, started: time.Now(), visitors: rand.Text() + rand.Text(),
		heartbeat: defaultHeartbeat,
	}
	s.handler = s.guard(s.mux())
	return s, nil
}

func (z Size) or(other Size) Size {
	if z.WidthMM == 0 {
		z.WidthMM = other.WidthMM
	}
	if z.DistanceMM == 0 {
		z.DistanceMM = other.DistanceMM
	}
	return z
}

// Handler is the whole site, for Run and for tests.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves the listener until ctx ends; then live streams end, requests get 5 s to finish, and
// Run returns nil. It closes the listener.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	streams, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return streams },
		ErrorLog:    slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	endStreams()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	err := server.Shutdown(limit)
	if err != nil {
		err = errors.Join(fmt.Errorf("end requests: %w", err), server.Close())
	}
	s.snapshot.land(limit)
	return errors.Join(err, ignoreClosed(<-ended))
}

// ignoreClosed drops what Serve says after every orderly stop.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
