package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// branch is a real agent process on a real pty, killed and started again at will.
type branch struct {
	t       testing.TB
	binary  string
	dir     string
	data    string
	config  string
	base    string
	tokens  map[string]string // bearer token by role
	wrapper []string          // command line before the agent's, such as strace
	process *exec.Cmd
	log     *os.File
	client  *http.Client
}

const branchConfig = `version: 1
data_dir: %s
listen: %s
public_url: https://kolejka.example
branch: {id: test, name: Urząd Testowy, zone: %s}
services:
  - {id: A, letter: A, names: {pl: Dowody osobiste, en: Identity cards, uk: Посвідчення}, mean: 10s}
counters:
  - {id: 1, skills: [A]}
  - {id: 2, skills: [A]}
hours: {mon: ["0:00-24:00"], tue: ["0:00-24:00"], wed: ["0:00-24:00"], thu: ["0:00-24:00"], fri: ["0:00-24:00"], sat: ["0:00-24:00"], sun: ["0:00-24:00"]}
printer: {address: %q, profile: epson-tm-t20iii}
`

// morning names a zone where it is about six o'clock now, so that no test meets midnight, nor the
// stop of issuing before it.
func morning() string {
	east := 6 - time.Now().UTC().Hour()
	if east < -12 {
		east += 24
	}
	return fmt.Sprintf("Etc/GMT%+d", -east) // these names count westwards
}

// withoutPrinter is a branch without one.
const withoutPrinter = ""

// newBranch builds the agent and prepares a data directory. port is the printer's tty.
func newBranch(t testing.TB, port string) *branch {
	t.Helper()
	return newBranchAt(t, port, filepath.Join(t.TempDir(), "data"))
}

// newBranchAt is newBranch with the data directory on a disk of the caller's choice.
func newBranchAt(t testing.TB, port, data string) *branch {
	t.Helper()
	dir := t.TempDir()
	b := &branch{
		t: t, dir: dir, binary: filepath.Join(dir, "okienko-agent"), tokens: map[string]string{},
		client: &http.Client{Timeout: 10 * time.Second},
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", b.binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	address := freeAddress(t)
	b.base = "http://" + address
	b.config = filepath.Join(dir, "agent.yaml")
	b.data = data
	place := "none"
	if port != withoutPrinter {
		place = "serial:" + port + "?baud=115200"
	}
	text := fmt.Sprintf(branchConfig, data, address, morning(), place)
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"kiosk", "clerk"} {
		out, err := exec.CommandContext(t.Context(), b.binary, "token", "create", "--data", data, "--role", role).Output()
		if err != nil {
			t.Fatalf("make a %s token: %v", role, err)
		}
		b.tokens[role] = strings.TrimSpace(string(out))
	}
	log, err := os.Create(filepath.Join(dir, "agent.log"))
	if err != nil {
		t.Fatal(err)
	}
	b.log = log
	t.Cleanup(func() {
		b.kill()
		_ = log.Close()
		if t.Failed() {
			b.showLog()
		}
	})
	return b
}

func (b *branch) showLog() {
	text, err := os.ReadFile(b.log.Name())
	if err == nil {
		b.t.Logf("end of the agent's log:\n%s", text[max(0, len(text)-6000):])
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// start runs the agent and returns once it is ready.
func (b *branch) start() {
	b.t.Helper()
	line := append(slices.Clone(b.wrapper), b.binary, "run", "--config", b.config)
	b.process = exec.CommandContext(context.WithoutCancel(b.t.Context()), line[0], line[1:]...) //nolint:gosec // our own binary
	b.process.Stdout, b.process.Stderr = b.log, b.log
	b.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := b.process.Start(); err != nil {
		b.t.Fatal(err)
	}
	deadline := time.Now().Add(15 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if status, _, err := b.send(b.t.Context(), http.MethodGet, "/readyz", "", "", nil); err == nil && status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatal("the agent was not ready within 15 s of its start")
		}
	}
}

func (b *branch) kill() {
	if b.process == nil {
		return
	}
	_ = syscall.Kill(-b.process.Process.Pid, syscall.SIGKILL) // its wrapper, too
	_ = b.process.Wait()
	b.process = nil
}

// send makes one request and returns its status and body.
func (b *branch) send(ctx context.Context, method, path, role, key string, body any) (int, []byte, error) {
	var data []byte
	if body != nil {
		data, _ = json.Marshal(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, b.base+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	if role != "" {
		request.Header.Set("Authorization", "Bearer "+b.tokens[role])
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}
