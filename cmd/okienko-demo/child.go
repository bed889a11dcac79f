package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// powerBack is how long a killed agent stays away: long enough to be seen on the page.
	powerBack = time.Second
	// restartLimit bounds the pause before the restart of an agent that keeps dying by itself.
	restartLimit = 8 * time.Second
	// stopLimit is how long an agent may take to stop before it is killed; it promises 10 s.
	stopLimit = 11 * time.Second
)

// child runs a program as long as Run does, restarts it when it dies and can kill it. Kill may be
// called from any goroutine.
type child struct {
	path string
	args []string
	// output keeps what the program says; echo, if not nil, gets it too.
	output *tail
	echo   io.Writer
	// started and died are told about each life of the program, from the goroutine of Run.
	started func(pid, starts int)
	died    func(err error)

	mu      sync.Mutex
	process *os.Process
}

// errNotRunning says that there is nothing to kill at the moment.
var errNotRunning = errors.New("the agent is not running just now")

// Run starts the program and keeps it running until ctx ends; then it stops it and returns nil. An
// error means that it could not be started at all.
//
// The goroutine is tied to its thread, because the kernel sends Pdeathsig when the thread that
// forked ends, not when the process does (prctl(2), PR_SET_PDEATHSIG).
func (c *child) Run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pause := powerBack
	for starts := 1; ; starts++ {
		begun := time.Now()
		err := c.live(ctx, starts)
		if ctx.Err() != nil {
			return nil
		}
		if err := c.judge(err); err != nil {
			return err
		}
		if time.Since(begun) > restartLimit {
			pause = powerBack
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = nextPause(pause, err)
	}
}

// judge tells a death, after which the program is started again, from a program that cannot run: one
// that could not be started, or said by its exit code that it was called wrongly.
func (c *child) judge(err error) error {
	exit, died := errors.AsType[*exec.ExitError](err)
	switch {
	case err != nil && !died:
		return err
	case died && exit.ExitCode() == exitUsage:
		return fmt.Errorf("%s refuses to run:\n%s", c.path, c.output)
	}
	c.died(err)
	return nil
}

// nextPause doubles the pause for a program that ends by itself. One that was killed is a power
// cut, which says nothing about the program.
func nextPause(pause time.Duration, err error) time.Duration {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return powerBack
		}
	}
	return min(2*pause, restartLimit)
}

// live is one life of the program, from start to exit.
func (c *child) live(ctx context.Context, starts int) error {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Stdout = io.Writer(c.output)
	if c.echo != nil {
		cmd.Stdout = io.MultiWriter(c.output, c.echo)
	}
	cmd.Stderr = cmd.Stdout
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopLimit
	// A process group of its own keeps the terminal's Ctrl-C away: the demo stops its parts in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", c.path, err)
	}
	c.setProcess(cmd.Process)
	c.started(cmd.Process.Pid, starts)
	err := cmd.Wait()
	c.setProcess(nil)
	return err
}

func (c *child) setProcess(p *os.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = p
}

// Kill pulls the plug: SIGKILL, with no chance to write anything.
func (c *child) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return errNotRunning
	}
	if err := c.process.Kill(); err != nil {
		return fmt.Errorf("kill the agent: %w", err)
	}
	return nil
}
