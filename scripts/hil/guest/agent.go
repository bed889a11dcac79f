package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	agentProgram = "/okienko-agent"
	agentConfig  = "/agent.yaml"
	agentLog     = "/tmp/agent.log"
	agentData    = "/data" // of agent.yaml
	agentAddress = "http://127.0.0.1:8070"
)

// pollEvery is how often things are looked at that nobody tells of.
const pollEvery = 50 * time.Millisecond

// await polls until ok or the end of ctx.
func await(ctx context.Context, what string, ok func() bool) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
	return nil
}

// agent is the real program and its users.
type agent struct {
	process *exec.Cmd
	client  *http.Client
	tokens  map[string]string // by role
	keys    int
}

// newAgent makes the tokens of the users.
func newAgent(ctx context.Context) (*agent, error) {
	a := &agent{
		// A connection that is kept would be one more descriptor of the agent's.
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
		tokens: map[string]string{},
	}
	if err := os.Chown(agentData, agentUser, agentUser); err != nil {
		return nil, fmt.Errorf("give the data directory to the agent: %w", err)
	}
	for _, role := range []string{"clerk", "admin"} {
		create := exec.CommandContext(ctx, agentProgram, "token", "create", "--data", agentData, "--role", role)
		create.SysProcAttr = asUser()
		out, err := create.Output()
		if err != nil {
			return nil, fmt.Errorf("make a %s token: %w", role, err)
		}
		a.tokens[role] = strings.TrimSpace(string(out))
	}
	return a, nil
}

// asUser makes a program run as the agent's user, in the groups of its devices.
func asUser() *syscall.SysProcAttr {
	groups := []uint32{groupLP, groupDialout, groupAudio, groupGPIO, groupSPI, groupWatchdog}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: agentUser, Gid: agentUser, Groups: groups}}
}

// start runs the program; its log goes to a file.
func (a *agent) start() error {
	log, err := os.OpenFile(agentLog, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("make the agent's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	a.process = exec.Command(agentProgram, "run", "--config", agentConfig) //nolint:noctx // stop ends it
	a.process.Stdout, a.process.Stderr, a.process.SysProcAttr = log, log, asUser()
	if err := a.process.Start(); err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	return nil
}

// stop asks it to end and returns its exit code.
func (a *agent) stop(ctx context.Context) (int, error) {
	if err := a.process.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("stop the agent: %w", err)
	}
	spare := context.AfterFunc(ctx, func() { _ = a.process.Process.Kill() })
	defer spare()
	err := a.process.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("wait for the agent: %w", err)
	}
	return a.process.ProcessState.ExitCode(), nil
}

// call makes one request as a user of this role.
func (a *agent) call(ctx context.Context, method, path, role string, body any) ([]byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, agentAddress+path, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+a.tokens[role])
	if method == http.MethodPost {
		a.keys++
		request.Header.Set("Idempotency-Key", fmt.Sprint("hil-", a.keys))
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the agent: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the agent's answer: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s %s: %s %s", method, path, response.Status, answer)
	}
	return answer, nil
}

// next is the clerk's key: it calls the next visitor and returns the number.
func (a *agent) next(ctx context.Context, counter int) (string, error) {
	answer, err := a.call(ctx, http.MethodPost, fmt.Sprintf("/api/v1/counters/%d/next", counter), "clerk", struct{}{})
	if err != nil {
		return "", err
	}
	var called struct{ Ticket struct{ Number string } }
	if err := json.Unmarshal(answer, &called); err != nil || called.Ticket.Number == "" {
		return "", fmt.Errorf("nobody was called: %s", answer)
	}
	return called.Ticket.Number, nil
}

// allPrinted reports whether the agent knows of every ticket in the queue that it is on paper.
func (a *agent) allPrinted(ctx context.Context) bool {
	answer, err := a.call(ctx, http.MethodGet, "/api/v1/queue", "clerk", nil)
	printed := bytes.Count(answer, []byte(`"print":"printed"`))
	return err == nil && printed > 0 && printed == bytes.Count(answer, []byte(`"print":`))
}

// device is a device's state and reason as administrators see them.
func (a *agent) device(ctx context.Context, name string) string {
	answer, err := a.call(ctx, http.MethodGet, "/api/v1/devices", "admin", nil)
	if err != nil {
		return err.Error()
	}
	var list struct {
		Devices []struct{ Name, State, Reason string }
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return err.Error()
	}
	for _, d := range list.Devices {
		if d.Name == name {
			return strings.TrimSpace(d.State + " " + d.Reason)
		}
	}
	return "not on the list"
}

// awaitDevice waits for a state of a device that ok takes, and returns it with how long it took.
func (a *agent) awaitDevice(
	ctx context.Context, name string, ok func(state string) bool,
) (string, time.Duration, error) {
	begun, state := time.Now(), ""
	err := await(ctx, name, func() bool { state = a.device(ctx, name); return ok(state) })
	if err != nil {
		err = fmt.Errorf("%s is %q: %w", name, state, err)
	}
	return state, time.Since(begun), err
}

func ready(state string) bool { return state == "ready" }
func notReady(state string) bool {
	return strings.HasPrefix(state, "absent") || strings.HasPrefix(state, "failed")
}

// memory is the resident memory in kB.
func (a *agent) memory() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.process.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read the agent's memory: %w", err)
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return 0, errors.New("the kernel does not tell the agent's memory")
	}
	return strconv.Atoi(string(found[1]))
}

// descriptors counts the open files of the process.
func (a *agent) descriptors() int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", a.process.Process.Pid))
	if err != nil {
		return -1
	}
	return len(list)
}

// goroutines is how many the agent says it has; one of them answers.
func (a *agent) goroutines(ctx context.Context) int {
	page, err := a.call(ctx, http.MethodGet, "/metrics", "admin", nil)
	if err != nil {
		return -1
	}
	found := regexp.MustCompile(`(?m)^okienko_goroutines (\d+)$`).FindSubmatch(page)
	if found == nil {
		return -1
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return -1
	}
	return n
}
