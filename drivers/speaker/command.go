package speaker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/okienko/okienko/drivers"
)

const (
	// killDelay is how long a killed program may keep its pipes.
	killDelay = 200 * time.Millisecond
	// wordsKept is how much of what the program says is told.
	wordsKept = 300
)

// Command plays by a program, such as aplay -q -, that takes a WAV file on its standard input and
// ends when the sound has been heard. It implements drivers.Speaker.
type Command struct {
	vitals
	argv     []string
	dir      string
	language string     // whose pack must be there
	one      sync.Mutex // one announcement at a time
}

// NewCommand makes the speaker. dir is the pack's folder, language the one that every announcement
// is made in. It does not matter whether program and pack are there.
func NewCommand(argv []string, dir, language string, log *slog.Logger) (*Command, error) {
	if len(argv) == 0 {
		return nil, errors.New("no program is given that plays")
	}
	c := &Command{vitals: newVitals("speaker by "+argv[0], log), argv: argv, dir: dir, language: language}
	c.look()
	return c, nil
}

// Run looks at program and pack until ctx ends, so that a missing one is told before a call.
func (c *Command) Run(ctx context.Context) error {
	watch(ctx, &c.one, c.look)
	return c.Halt()
}

// look finds out what is missing. A fault of the last announcement stays until the next.
func (c *Command) look() {
	before := c.Health()
	_, noProgram := exec.LookPath(c.argv[0])
	_, noPack := ReadManifest(c.dir, c.language)
	switch {
	case noProgram != nil:
		c.tell(drivers.Absent, ReasonNoProgram, noProgram.Error())
	case noPack != nil:
		c.tell(drivers.Absent, ReasonNoPack, noPack.Error())
	case before.State == drivers.Absent:
		c.tell(drivers.Ready, "", "")
	}
}

// Play plays the clips; see drivers.Speaker.
func (c *Command) Play(ctx context.Context, clips []drivers.Clip) error {
	c.one.Lock()
	defer c.one.Unlock()
	sound, err := openClips(c.dir, clips)
	if err != nil {
		c.tell(drivers.Failed, ReasonNoPack, err.Error())
		return fmt.Errorf("announce: %w", err)
	}
	defer func() { _ = sound.Close() }()
	if err := c.run(ctx, sound); err != nil {
		if ctx.Err() == nil {
			reason := drivers.ReasonError
			if errors.Is(err, exec.ErrNotFound) {
				reason = ReasonNoProgram
			}
			c.tell(drivers.Failed, reason, err.Error())
		}
		return fmt.Errorf("announce by %s: %w", c.argv[0], err)
	}
	c.tell(drivers.Ready, "", "")
	return nil
}

// run hands the sound to the program and waits for its end.
func (c *Command) run(ctx context.Context, sound *stream) error {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...) //nolint:gosec // the office's own configuration
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its children, too
	cmd.WaitDelay = killDelay
	var words bytes.Buffer
	cmd.Stderr = &words
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("make its input: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, sent := sound.WriteTo(in)
	sent = errors.Join(sent, in.Close())
	if err := cmd.Wait(); err != nil {
		said := bytes.TrimSpace(words.Bytes())
		return fmt.Errorf("%w: %s", err, said[:min(len(said), wordsKept)])
	}
	return sent
}

// Halt has nothing to let go of: between announcements no program runs.
func (c *Command) Halt() error {
	c.Report(drivers.Absent, drivers.ReasonHalted, "")
	return nil
}

var _ drivers.Speaker = (*Command)(nil)
