package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// soundLimit bounds one announcement; a minute has 5 MiB at 44,100 samples a second.
	soundLimit = 16 << 20
	// soundsKept is how many announcements can be listened to again.
	soundsKept = 8
	// heard is what the loudspeaker answers when the last sample has been heard.
	heard = "heard"

	speakerUnplug, speakerNone = "unplug", "none"
)

// loudspeaker is the emulated loudspeaker of one branch. The branch's agent plays by the program
// "okienko-demo play SOCKET", which hands it the very WAV file that aplay would get; it takes as
// long as the sound does. All methods may be called from any goroutine.
type loudspeaker struct {
	branch string
	hub    *hub
	voice  *voice
	path   string
	folder *os.File // as in counterBoards

	mu      sync.Mutex
	port    net.Listener
	conn    net.Conn      // of the sound that is being played
	pulled  chan struct{} // closed when the cable is pulled
	fault   string
	playing bool
	sounds  []sound
	replug  chan struct{}
}

// sound is one announcement.
type sound struct {
	soundView
	wav []byte
	at  time.Time
}

// soundView is an announcement as /demo/sounds.json and the stream tell it.
type soundView struct {
	N int `json:"n"`
	// Text is what is said, in Language; both are empty where the samples are none of the pack's.
	Text     string `json:"text"`
	Language string `json:"language"`
	WAV      string `json:"wav"`
	// Milliseconds is how long it is, At when it began in milliseconds since 1970.
	Milliseconds int64 `json:"ms"`
	At           int64 `json:"at"`
}

// newLoudspeaker puts a loudspeaker into dir. The caller must call Run, which also takes it away.
func newLoudspeaker(branch, dir string, v *voice, h *hub) (*loudspeaker, error) {
	path, folder, err := socketPath(dir, "speaker")
	if err != nil {
		return nil, fmt.Errorf("put up the loudspeaker of %s: %w", branch, err)
	}
	return &loudspeaker{
		branch: branch, hub: h, voice: v, path: path, folder: folder, fault: speakerNone,
		pulled: make(chan struct{}), replug: make(chan struct{}, 1),
	}, nil
}

// Run plays what comes, one sound after the other, until ctx ends.
func (l *loudspeaker) Run(ctx context.Context) error {
	if l.folder != nil {
		defer l.folder.Close() //nolint:errcheck // only read
	}
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.hangUpLocked()
	})
	defer stop()
	if err := l.change(func() {}); err != nil {
		return err
	}
	for ctx.Err() == nil {
		port, err := l.plug(ctx)
		if err != nil {
			return err
		}
		if port == nil {
			select {
			case <-l.replug:
			case <-ctx.Done():
			}
			continue
		}
		for {
			conn, err := port.Accept()
			if err != nil {
				break // unplugged, or the end
			}
			if err := l.play(ctx, port, conn); err != nil {
				return err
			}
		}
	}
	return nil
}

// plug opens the socket; nil while the cable is pulled or ctx has ended.
func (l *loudspeaker) plug(ctx context.Context) (net.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault == speakerUnplug || ctx.Err() != nil {
		return nil, nil //nolint:nilnil // both are ordinary
	}
	var lc net.ListenConfig
	port, err := lc.Listen(ctx, "unix", l.path)
	if err != nil {
		return nil, fmt.Errorf("plug in the loudspeaker of %s: %w", l.branch, err)
	}
	l.port, l.pulled = port, make(chan struct{})
	return port, nil
}

// hangUpLocked pulls the cable: what is being played breaks off.
func (l *loudspeaker) hangUpLocked() {
	if l.port == nil {
		return
	}
	_ = l.port.Close() // also removes the socket
	l.port = nil
	close(l.pulled)
	if l.conn != nil {
		_ = l.conn.Close()
	}
}

// play plays one sound and answers when it has been heard. What breaks off is no error of ours.
func (l *loudspeaker) play(ctx context.Context, port net.Listener, conn net.Conn) error {
	defer conn.Close() //nolint:errcheck // the player has its answer, or has gone
	l.mu.Lock()
	if l.port != port {
		l.mu.Unlock()
		return nil // it came while the cable was pulled
	}
	l.conn = conn
	pulled := l.pulled
	l.mu.Unlock()
	data, err := io.ReadAll(io.LimitReader(conn, soundLimit))
	if err != nil {
		return nil //nolint:nilerr // the cable was pulled
	}
	rate, pcm, err := readWAV(data)
	if err != nil {
		return nil //nolint:nilerr // the player is told by the missing answer
	}
	length := time.Duration(len(pcm)/2) * time.Second / time.Duration(rate)
	language, text := l.voice.words(pcm)
	if err := l.change(func() { l.beginLocked(text, language, data, length) }); err != nil {
		return err
	}
	end := time.NewTimer(length)
	defer end.Stop()
	select {
	case <-end.C:
		_, _ = io.WriteString(conn, heard) // a player that was stopped does not want to know
	case <-pulled:
	case <-ctx.Done():
	}
	return l.change(func() { l.playing, l.conn = false, nil })
}

func (l *loudspeaker) beginLocked(text, language string, wav []byte, length time.Duration) {
	n := 1
	if len(l.sounds) > 0 {
		n = l.sounds[len(l.sounds)-1].N + 1
	}
	now := time.Now()
	l.sounds = append(l.sounds, sound{soundView{
		N: n, Text: text, Language: language, WAV: fmt.Sprintf("/demo/sounds/%s/%d.wav", l.branch, n),
		Milliseconds: length.Milliseconds(), At: now.UnixMilli(),
	}, wav, now})
	l.sounds = slices.Clone(l.sounds[max(0, len(l.sounds)-soundsKept):])
	l.playing = true
}

// speakerView is the loudspeaker's condition and its last sound.
type speakerView struct {
	Fault   string     `json:"fault"`
	Playing bool       `json:"playing"`
	Sound   *soundView `json:"sound"`
}

// change does something under the lock and tells the pages.
func (l *loudspeaker) change(do func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	view := speakerView{Fault: l.fault, Playing: l.playing}
	if len(l.sounds) > 0 {
		view.Sound = &l.sounds[len(l.sounds)-1].soundView
	}
	return l.hub.publish(kindSpeaker, l.branch, view)
}

// speakerFaults are the faults that set knows.
func speakerFaults() []string { return []string{speakerUnplug, speakerNone} }

// set pulls the cable or puts it back.
func (l *loudspeaker) set(fault string) error {
	if !slices.Contains(speakerFaults(), fault) {
		return errors.New("the loudspeaker has no such fault")
	}
	err := l.change(func() {
		l.fault = fault
		if fault == speakerUnplug {
			l.hangUpLocked()
		}
	})
	select {
	case l.replug <- struct{}{}:
	default: // Run has not looked since the last one
	}
	return err
}

// last are the last announcements, oldest first.
func (l *loudspeaker) last() []sound {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sounds)
}
