//go:build slow

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/drivers/speaker"
	"github.com/okienko/okienko/protocol"
)

// buildPrograms builds the demo and the production agent once for all tests.
var buildPrograms = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once, then only read
	dir, err := os.MkdirTemp("", "okienko-e2e-")
	if err != nil {
		return "", err
	}
	afterAll = append(afterAll, func() { _ = os.RemoveAll(dir) })
	cmd := exec.Command("go", "build", "-o", dir+"/", ".", "../okienko-agent") //nolint:noctx // bounded by go test
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

// voicePack makes a pack with what the calls of these tests need, once for all of them. Each recording is another tone:
// espeak-ng would need a minute on a busy machine for the whole pack.
var voicePack = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // made once, then only read
	dir, err := os.MkdirTemp("", "okienko-voice-")
	if err != nil {
		return "", err
	}
	afterAll = append(afterAll, func() { _ = os.RemoveAll(dir) })
	needed := map[string]bool{"ticket": true, "letter-A": true, "to-stanowisko": true, "n1": true, "n2": true, "n3": true, "n1.end": true}
	for _, l := range []protocol.Language{protocol.Polish, protocol.English, protocol.Ukrainian} {
		plan := speaker.Plan{Dir: dir, Language: string(l), Voice: "tones"}
		for _, r := range announce.Recordings(l) {
			if needed[r.ID] {
				plan.Prompts = append(plan.Prompts, speaker.Prompt{ID: r.ID, Text: r.Text})
			}
		}
		tone := 0
		plan.Say = func(context.Context, speaker.Prompt) (speaker.Sound, error) {
			tone++
			return speaker.DecodeWAV(toneWAV(0.4, float64(200*len(l)+40*tone)+10*float64(l[0])))
		}
		if err := speaker.Build(context.Background(), plan); err != nil {
			return "", err
		}
	}
	return dir, nil
})

// startSpeaking runs the two programs with a voice and waits for it.
func startSpeaking(t *testing.T) *branchUnderTest {
	t.Helper()
	dir, err := voicePack()
	if err != nil {
		t.Fatal(err)
	}
	b := startPrograms(t, "--voice", dir)
	next := b.listen(t)
	next(kindVoice, holds(`"ready"`))
	awaitDevices(t, next, "speaker ready")
	return b
}

// branchUnderTest is the production agent behind a demo that runs as a process.
type branchUnderTest struct {
	demo
	id, name, api string
	tokens        map[string]string
	process       *exec.Cmd
	tmp           string
}

// startPrograms runs the two programs as a user does.
func startPrograms(t *testing.T, args ...string) *branchUnderTest {
	t.Helper()
	dir, err := buildPrograms()
	if err != nil {
		t.Fatalf("build the programs: %v", err)
	}
	b := &branchUnderTest{tmp: t.TempDir()}
	b.out = &lineWriter{wrote: make(chan struct{}, 1)}
	var stderr tail
	b.process = exec.Command(filepath.Join(dir, "okienko-demo"), append([]string{"--listen", "127.0.0.1:0", "--voice", voiceOff, "-v"}, args...)...) //nolint:noctx // ended by Ctrl-C, as it is tested
	b.process.Env = append(os.Environ(), "TMPDIR="+b.tmp, "OKIENKO_AGENT=")
	b.process.Stdout, b.process.Stderr = b.out, &stderr
	begun := time.Now()
	if err := b.process.Start(); err != nil {
		t.Fatal(err)
	}
	b.stop = sync.OnceValue(func() int {
		_ = b.process.Process.Signal(os.Interrupt)
		_ = b.process.Wait()
		return b.process.ProcessState.ExitCode()
	})
	t.Cleanup(func() {
		b.stop()
		if t.Failed() {
			t.Logf("the programs said:\n%s", stderr.String())
		}
	})
	limit := time.After(patience)
	for b.url == "" {
		select {
		case <-b.out.wrote:
			if m := regexp.MustCompile(`Open (http://\S+) `).FindStringSubmatch(b.out.String()); m != nil {
				b.url = m[1]
			}
		case <-limit:
			t.Fatalf("no greeting:\n%s\n%s", b.out, stderr.String())
		}
	}
	t.Logf("up after %v", time.Since(begun))
	_, body := b.request(t, "GET", "/demo.json", "")
	where := decode[struct {
		Branches []struct {
			ID, Name, URL string
			Tokens        map[string]string
		}
	}](t, body)
	first := where.Branches[0]
	b.id, b.name, b.api, b.tokens = first.ID, first.Name, first.URL+"/api/v1/", first.Tokens
	return b
}

// call asks the agent itself, as a script with the tokens of /demo.json does.
func (b *branchUnderTest) call(t *testing.T, role, method, path, body string, want int) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.api+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.tokens[role])
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != want {
		t.Fatalf("%s %s: status %d, want %d: %v %v", method, path, res.StatusCode, want, answer, err)
	}
	return answer
}

// take presses the kiosk's button.
func (b *branchUnderTest) take(t *testing.T, number string) map[string]any {
	t.Helper()
	ticket := b.call(t, "kiosk", "POST", "tickets", `{"service":"A","language":"pl"}`, 201)
	if ticket["number"] != number {
		t.Fatalf("took %v, want %s", ticket["number"], number)
	}
	return ticket
}

func (b *branchUnderTest) tickets(t *testing.T) []cutTicket {
	t.Helper()
	_, body := b.request(t, "GET", "/demo/tickets.json?branch="+b.id, "")
	return decode[[]cutTicket](t, body)
}

func (b *branchUnderTest) fault(t *testing.T, body string) {
	t.Helper()
	if status, text := b.request(t, "POST", "/demo/fault", fmt.Sprintf(body, b.id)); status != 200 {
		t.Fatalf("fault %s: %d %s", body, status, text)
	}
}

// at reads what a counter has, as number/state/calls.
func at(counter any) string {
	c, _ := counter.(map[string]any)
	ticket, ok := c["ticket"].(map[string]any)
	if !ok {
		return "nobody"
	}
	return fmt.Sprintf("%v/%v/%v", ticket["number"], ticket["state"], ticket["calls"])
}

func TestOneBranchFromButtonToRecall(t *testing.T) {
	b := startPrograms(t)
	next := b.listen(t)
	for n := 1; n <= 3; n++ {
		number := fmt.Sprintf("A%d", n)
		taken := b.take(t, number)
		cut := decode[cutTicket](t, next(kindTicket, func(string, string) bool { return true }))
		if !slices.Contains(cut.Lines, number) || len(cut.QR) != 1 || cut.QR[0] != taken["url"] || len(cut.Warnings) != 0 {
			t.Errorf("press %v was printed as %+v", taken, cut)
		}
	}
	b.call(t, "clerk", "POST", "counters/1/open", "", 200)
	step := func(path, want string) {
		t.Helper()
		answer := b.call(t, "clerk", "POST", "counters/1/"+path, "", 200)
		if counter, ok := answer["counter"]; ok {
			answer, _ = counter.(map[string]any)
		}
		if got := at(answer); got != want {
			t.Errorf("after %s counter 1 has %s, want %s", path, got, want)
		}
	}
	step("next", "A1/called/1")
	step("no-show", "nobody")
	step("next", "A2/called/1")
	step("finish", "A1/called/2") // by the rule, after one visitor was served
	step("no-show", "nobody")
	step("next", "A3/called/1")
	step("finish", "A1/called/3")

	b.fault(t, `{"branch":%q,"fault":"kill"}`)
	next(kindAgent, holds(`"down"`))
	next(kindAgent, holds(`"up"`))
	list := b.call(t, "clerk", "GET", "counters", "", 200)["counters"].([]any)
	if got := at(list[0]); got != "A1/called/3" {
		t.Errorf("after the power cut counter 1 has %s", got)
	}
	b.take(t, "A4")
	step("no-show", "nobody")
	step("next", "A4/called/1")
	step("finish", "nobody") // A1 was removed after his third call
}

func TestPaperOut(t *testing.T) {
	b := startPrograms(t)
	next := b.listen(t)
	b.take(t, "A1")
	next(kindTicket, holds("A1"))

	b.fault(t, `{"branch":%q,"device":"printer","fault":"paper-out"}`)
	awaitDevices(t, next, "printer failed")
	taken := b.take(t, "A2")
	if cut := b.tickets(t); len(cut) != 1 {
		t.Errorf("%d tickets were cut without paper", len(cut))
	}
	b.fault(t, `{"branch":%q,"device":"printer","fault":"none"}`)
	awaitDevices(t, next, "printer ready")
	next(kindTicket, holds(`"A2"`))
	next(kindQueue, holds(`"print":"printed"`))
	ticket := b.call(t, "clerk", "GET", "tickets/"+fmt.Sprint(taken["id"]), "", 200)
	if ticket["print"] != "printed" {
		t.Errorf("the ticket's paper: %v", ticket)
	}
}

func TestPrinterFaultsAreSeen(t *testing.T) {
	b := startPrograms(t)
	next := b.listen(t)
	for _, fault := range []struct{ name, state string }{
		{"cover-open", "failed"}, {"paper-near-end", "degraded"}, {"unplug", "absent"},
	} {
		b.fault(t, `{"branch":%q,"device":"printer","fault":"`+fault.name+`"}`)
		awaitDevices(t, next, "printer "+fault.state)
		b.fault(t, `{"branch":%q,"device":"printer","fault":"none"}`)
		awaitDevices(t, next, "printer ready")
	}
	b.take(t, "A1")
	next(kindTicket, holds("A1"))
}

func TestCtrlCLeavesNothing(t *testing.T) {
	b := startPrograms(t, "--branches", "2")
	pids := children(t, b.process.Process.Pid)
	if len(pids) != 2 {
		t.Fatalf("%d agents, want 2", len(pids))
	}
	if code := b.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	left, err := os.ReadDir(b.tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("agent %s still runs", pid)
		}
	}
}

// TestKilledDemoTakesItsAgentsAlong: Pdeathsig leaves no orphan even when nothing can be tidied up.
func TestKilledDemoTakesItsAgentsAlong(t *testing.T) {
	b := startPrograms(t)
	pids := children(t, b.process.Process.Pid)
	if len(pids) != 1 {
		t.Fatalf("agents: %v", pids)
	}
	if err := b.process.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// The kernel kills it at once; tail waits for the end of a process that is not our child.
	if out, err := exec.CommandContext(ctx, "tail", "--pid="+pids[0], "-f", "/dev/null").CombinedOutput(); err != nil {
		t.Errorf("agent %s outlived the demo: %v %s", pids[0], err, out)
	}
}

// awaitBoard waits for a board to be as ok says and returns it.
func awaitBoard(t *testing.T, next func(kind, func(string, string) bool) string, name string, ok func(boardView) bool) boardView {
	t.Helper()
	var found boardView
	next(kindBoards, func(_, value string) bool {
		for _, b := range decode[[]boardView](t, value) {
			if b.Name == name && ok(b) {
				found = b
				return true
			}
		}
		return false
	})
	return found
}

func shows(text string) func(boardView) bool {
	return func(b boardView) bool { return b.Text == text }
}

// awaitDevices waits for the branch to say all of this at once, such as "board-1 ready".
func awaitDevices(t *testing.T, next func(kind, func(string, string) bool) string, wanted ...string) {
	t.Helper()
	next(kindDevices, func(_, value string) bool {
		told := map[string]bool{}
		for _, d := range decode[struct {
			Devices []struct{ Name, State string }
		}](t, value).Devices {
			told[d.Name+" "+d.State] = true
		}
		return !slices.ContainsFunc(wanted, func(w string) bool { return !told[w] })
	})
}

// TestBoardsShowCallsAndSurviveTheirCables: each board in turn loses its cable, which the branch notices while it
// goes on calling there and elsewhere, and shows the number of the moment when it is back.
func TestBoardsShowCallsAndSurviveTheirCables(t *testing.T) {
	b := startPrograms(t)
	shown, told := b.listen(t), b.listen(t) // which of the two comes first is not said
	awaitDevices(t, told, "board-1 ready", "board-2 ready", "board-3 ready")
	call := func(counter int) string {
		t.Helper()
		ticket := b.call(t, "kiosk", "POST", "tickets", `{"service":"`+map[bool]string{true: "L", false: "A"}[counter == 3]+`"}`, 201)
		answer := b.call(t, "clerk", "POST", fmt.Sprintf("counters/%d/next", counter), "", 200)
		got, _ := answer["ticket"].(map[string]any)
		if got["number"] != ticket["number"] {
			t.Fatalf("counter %d called %v, not %v", counter, got["number"], ticket["number"])
		}
		return fmt.Sprint(ticket["number"])
	}
	for n := 1; n <= 3; n++ {
		b.call(t, "clerk", "POST", fmt.Sprintf("counters/%d/open", n), "", 200)
	}
	for _, c := range []struct {
		counter, other int
		noticed        string
	}{{1, 2, "failed"}, {2, 1, "failed"}, {3, 1, "absent"}} {
		name, other := fmt.Sprint("board-", c.counter), fmt.Sprint("board-", c.other)
		awaitBoard(t, shown, name, shows(call(c.counter)))
		b.fault(t, `{"branch":%q,"device":"`+name+`","fault":"unplug"}`)
		awaitBoard(t, shown, name, func(v boardView) bool { return v.Fault == "unplug" && v.Text == "" })
		awaitDevices(t, told, name+" "+c.noticed)
		meanwhile := call(c.counter)
		awaitBoard(t, shown, other, shows(call(c.other)))
		b.fault(t, `{"branch":%q,"device":"`+name+`","fault":"none"}`)
		back := awaitBoard(t, shown, name, shows(meanwhile))
		if len(back.Segments) != boardDigits || back.Segments[boardDigits-1] == 0 {
			t.Errorf("%s lights %v", name, back.Segments)
		}
		awaitDevices(t, told, name+" ready")
	}
	b.fault(t, `{"branch":%q,"fault":"kill"}`)
	told(kindAgent, holds(`"down"`))
	told(kindAgent, holds(`"up"`))
	awaitDevices(t, told, "board-1 ready", "board-2 ready", "board-3 ready")
	if _, body := b.request(t, "GET", "/demo/boards.json?branch="+b.id, ""); len(decode[[]boardView](t, body)) != 3 {
		t.Errorf("boards: %s", body)
	}
}

// TestVoiceIsHeard: the demo gets the samples of each call, says what they say, and a loudspeaker without its cable
// is told to the office and delays no call.
func TestVoiceIsHeard(t *testing.T) {
	b := startSpeaking(t)
	heard, told := b.listen(t), b.listen(t)
	b.call(t, "kiosk", "POST", "tickets", `{"service":"A","language":"uk"}`, 201)
	b.call(t, "kiosk", "POST", "tickets", `{"service":"A","language":"pl"}`, 201)
	b.call(t, "kiosk", "POST", "tickets", `{"service":"A","language":"pl"}`, 201)
	b.call(t, "clerk", "POST", "counters/1/open", "", 200)
	b.call(t, "clerk", "POST", "counters/1/next", "", 200)
	heard(kindSpeaker, holds(`"text":"Numer a jeden, proszę do stanowiska jeden.","language":"pl"`))
	heard(kindSpeaker, holds(`"language":"uk"`))
	heard(kindSpeaker, holds(`"playing":false`))
	_, body := b.request(t, "GET", "/demo/sounds.json?branch="+b.id, "")
	sounds := decode[[]soundView](t, body)
	if len(sounds) != 2 || sounds[0].N != 1 || sounds[0].Milliseconds < 1000 {
		t.Fatalf("sounds: %s", body)
	}
	_, wav := b.request(t, "GET", sounds[0].WAV, "")
	if _, pcm, err := readWAV([]byte(wav)); err != nil || len(pcm) < 1<<14 {
		t.Errorf("%d bytes of sound: %v", len(pcm), err)
	}

	b.fault(t, `{"branch":%q,"device":"speaker","fault":"unplug"}`)
	answer := b.call(t, "clerk", "POST", "counters/1/next", "", 200)
	if ticket, _ := answer["ticket"].(map[string]any); ticket["number"] != "A2" {
		t.Errorf("called %v without a loudspeaker", ticket["number"])
	}
	awaitDevices(t, told, "speaker failed")
	b.fault(t, `{"branch":%q,"device":"speaker","fault":"none"}`)
	b.call(t, "clerk", "POST", "counters/1/next", "", 200)
	heard(kindSpeaker, holds(`Numer a trzy,`))
	awaitDevices(t, told, "speaker ready")
}

// children lists the agents that a process runs.
func children(t *testing.T, pid int) []string {
	t.Helper()
	var found []string
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		found = append(found, strings.Fields(string(text))...)
	}
	return found
}

func alive(pid string) bool {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	return err == nil && !bytes.Contains(status, []byte("State:\tZ"))
}
