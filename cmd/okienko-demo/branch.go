package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/okienko/okienko/agent/access"
)

// readyLimit is how long an agent may take from its start to its first answer.
const readyLimit = 20 * time.Second

// agentState is what the page is told about the branch's agent.
type agentState struct {
	// State is starting, up or down.
	State string `json:"state"`
	// Starts counts the starts of the process, PID is the present one.
	Starts int `json:"starts"`
	PID    int `json:"pid,omitempty"`
}

// branch is one branch of the town: its directory, its emulated devices, the agent's process and
// the feed that follows it.
type branch struct {
	site
	url    string
	pin    string
	tokens tokens
	paper  *paperPrinter
	boards *counterBoards
	panel  *buttonPanel
	sound  *loudspeaker
	agent  *child
	feed   *feed
	hub    *hub
	output *tail

	ready chan struct{} // closed when the agent has answered for the first time

	mu    sync.Mutex
	state agentState
}

// newBranch makes the branch in dir, which must exist, for an agent at address: its configuration,
// its tokens and its first clerk. Nothing runs yet.
func newBranch(ctx context.Context, program, dir, address string, s site, v *voice, h *hub) (*branch, error) {
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory of %s: %w", s.ID, err)
	}
	b := &branch{site: s, url: "http://" + address, hub: h, ready: make(chan struct{}), output: &tail{}}
	var err error
	if b.paper, err = newPaperPrinter(s.ID, filepath.Join(dir, "printer"), h); err != nil {
		return nil, err
	}
	if b.boards, err = newCounterBoards(s.ID, dir, h); err != nil {
		return nil, err
	}
	if b.panel, err = newButtonPanel(s.ID, dir, h); err != nil {
		return nil, err
	}
	if b.sound, err = newLoudspeaker(s.ID, dir, v, h); err != nil {
		return nil, err
	}
	config, err := b.writeConfig(dir, data, address)
	if err != nil {
		return nil, err
	}
	if b.tokens, err = createTokens(ctx, program, data); err != nil {
		return nil, err
	}
	if b.pin, err = firstClerk(data); err != nil {
		return nil, err
	}
	b.agent = &child{
		path: program, args: []string{"run", "--config", config}, output: b.output,
		started: b.agentStarted, died: b.agentDied,
	}
	b.feed = &feed{
		branch: s.ID, url: b.url, tokens: b.tokens, hub: h, client: &http.Client{}, ready: b.agentReady,
	}
	return b, nil
}

// writeConfig writes the configuration of the branch's agent and returns its path.
func (b *branch) writeConfig(dir, data, address string) (string, error) {
	values := configValues{
		site: b.site, DataDir: data, Listen: address, Printer: b.paper.address(), Zone: zone(time.Now()),
		Boards: b.boards.config(), Digits: boardDigits, Panel: b.panel.config(),
	}
	if b.sound.voice.on() {
		own, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("find the program that plays: %w", err)
		}
		values.Voice = &voiceConfig{Player: own, Command: playCommand, Socket: b.sound.path, Pack: b.sound.voice.dir}
	}
	return writeConfig(dir, values)
}

// Run runs the branch until ctx ends. Devices, agent and feed stop in reverse order.
func (b *branch) Run(ctx context.Context) error {
	defer b.feed.client.CloseIdleConnections()
	if err := runInOrder(ctx, b.paper.Run, b.boards.Run, b.panel.Run, b.sound.Run, b.agent.Run, b.feed.Run); err != nil {
		return fmt.Errorf("branch %s: %w", b.ID, err)
	}
	return nil
}

// awaitReady returns when the agent has answered for the first time.
func (b *branch) awaitReady(ctx context.Context) error {
	limit := time.NewTimer(readyLimit)
	defer limit.Stop()
	select {
	case <-b.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return fmt.Errorf("the agent of %s did not answer within %v; its last words:\n%s", b.ID, readyLimit, b.output)
	}
}

func (b *branch) agentStarted(pid, starts int) {
	b.setAgent(func(s *agentState) { *s = agentState{State: "starting", Starts: starts, PID: pid} })
}

func (b *branch) agentDied(error) {
	b.setAgent(func(s *agentState) { s.State, s.PID = "down", 0 })
}

func (b *branch) agentReady() {
	b.setAgent(func(s *agentState) {
		if s.State == "starting" {
			s.State = "up"
		}
	})
	select {
	case <-b.ready:
	default:
		close(b.ready)
	}
}

// setAgent changes the agent's state and tells the pages.
func (b *branch) setAgent(change func(*agentState)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.state)
	_ = b.hub.publish(kindAgent, b.ID, b.state) // a struct of words and numbers always encodes
}

// freeAddresses finds n different loopback ports that nobody listens on. The agents take them a
// moment later and keep them over their restarts.
func freeAddresses(ctx context.Context, n int) (addresses []string, err error) {
	var lc net.ListenConfig
	for range n {
		l, listenErr := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if listenErr != nil {
			return nil, fmt.Errorf("find a free port: %w", listenErr)
		}
		// Closed only at the end, so that no port is found twice.
		defer func() { err = errors.Join(err, l.Close()) }()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

// createTokens makes one token for each role with the agent's own command.
func createTokens(ctx context.Context, program, data string) (tokens, error) {
	var t tokens
	roles := map[access.Role]*string{
		access.Kiosk: &t.Kiosk, access.Clerk: &t.Clerk, access.Screen: &t.Screen, access.Admin: &t.Admin,
	}
	for role, into := range roles {
		//nolint:gosec // the program is the agent beside the demo or the one its user named
		out, err := exec.CommandContext(ctx, program, "token", "create", "--data", data, "--role", string(role)).Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return tokens{}, fmt.Errorf("create the %s token: %w: %s", role, err, exit.Stderr)
		}
		if err != nil {
			return tokens{}, fmt.Errorf("create the %s token: %w", role, err)
		}
		if *into = strings.TrimSpace(string(out)); *into == "" || strings.ContainsAny(*into, " \n") {
			return tokens{}, fmt.Errorf("create the %s token: %s printed no token", role, program)
		}
	}
	return t, nil
}

// firstClerk makes the account with which the agent's own /clerk page is opened and returns its PIN.
func firstClerk(data string) (string, error) {
	store, err := access.Open(data, access.Options{})
	if err != nil {
		return "", err
	}
	return store.EnsureClerk()
}
