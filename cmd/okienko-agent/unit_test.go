//go:build slow

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unitFile is the unit that ships.
const unitFile = "../../configs/systemd/okienko-agent.service"

// TestUnitAllowsWhatTheAgentDoes traces the real agent through a first start, a ticket on paper, a
// power cut with the verification after it and an orderly stop, and holds every system call
// against the unit's filter. A call that is denied would kill the branch or blind it.
func TestUnitAllowsWhatTheAgentDoes(t *testing.T) {
	unit := readUnit(t)
	allowed := unit.syscalls(systemdSets(t))
	calls, families := traceAgent(t)
	if os.Geteuid() == 0 && unit["User"] != nil {
		delete(calls, "fchownat") // package access gives its files to the owner of their directory, as root alone
	}
	for name, example := range calls {
		if !allowed[name] {
			t.Errorf("%s denies %s, which the agent calls: %s", filepath.Base(unitFile), name, example)
		}
	}
	for _, must := range []string{"clock_adjtime", "fdatasync", "flock", "ioctl", "execve"} {
		if calls[must] == "" {
			t.Errorf("the trace has no %s, so it did not see the agent at work", must)
		}
	}
	may := strings.Fields(strings.Join(unit["RestrictAddressFamilies"], " "))
	for family := range families {
		if !slices.Contains(may, family) {
			t.Errorf("%s denies sockets of %s", filepath.Base(unitFile), family)
		}
	}
}

// TestUnitDeniesTheRest proves that the reading above can tell, and that the one call let through
// from @clock brings no other with it.
func TestUnitDeniesTheRest(t *testing.T) {
	sets, unit := systemdSets(t), readUnit(t)
	allowed := unit.syscalls(sets)
	for _, name := range []string{
		"clock_settime", "settimeofday", "reboot", "mount", "ptrace", "bpf", "init_module", "chown", "setuid", "sched_setattr",
	} {
		if allowed[name] {
			t.Errorf("the unit allows %s", name)
		}
	}
	lines := unit["SystemCallFilter"]
	unit["SystemCallFilter"] = lines[:len(lines)-1]
	if unit.syscalls(sets)["clock_adjtime"] {
		t.Error("the unit without its last filter allows clock_adjtime, so the reading of filters is wrong")
	}
	for setting, want := range map[string]string{"ProtectClock": "", "CapabilityBoundingSet": "", "SystemCallErrorNumber": "EPERM"} {
		if got := strings.Join(unit[setting], " "); got != want {
			t.Errorf("%s=%s; want %q (ProtectClock= would deny reading whether the clock is synchronized)", setting, got, want)
		}
	}
}

// TestUnitExposure has systemd judge the unit: 0 is shut and 10 open; its own services that face
// the network stand between 2 and 9.
func TestUnitExposure(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "systemd-analyze",
		"security", "--offline=true", "--threshold=20", unitFile).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security (Debian package systemd, make setup): %v\n%s", err, out)
	}
}

// unitSettings are a unit's values by key, in the order of the file.
type unitSettings map[string][]string

func readUnit(t *testing.T) unitSettings {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	unit := unitSettings{}
	for line := range strings.Lines(string(text)) {
		key, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if found && !strings.HasPrefix(key, "#") {
			unit[key] = append(unit[key], value)
		}
	}
	return unit
}

// syscalls are what the unit's filter allows: the first line makes it a list of allowed calls, to
// which later lines add and, with a tilde, from which they take (systemd.exec(5),
// SystemCallFilter=). @default is always in it.
func (u unitSettings) syscalls(sets map[string][]string) map[string]bool {
	allowed := map[string]bool{}
	var mark func(name string, value bool)
	mark = func(name string, value bool) {
		if !strings.HasPrefix(name, "@") {
			allowed[name] = value
			return
		}
		for _, member := range sets[name] {
			mark(member, value)
		}
	}
	mark("@default", true)
	for _, line := range u["SystemCallFilter"] {
		names, denied := strings.CutPrefix(line, "~")
		for name := range strings.FieldsSeq(names) {
			mark(name, !denied)
		}
	}
	return allowed
}

// systemdSets are the named sets of calls of the systemd at hand.
func systemdSets(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "--no-pager", "syscall-filter").Output()
	if err != nil {
		t.Fatalf("systemd-analyze (Debian package systemd, make setup): %v", err)
	}
	sets, current := map[string][]string{}, ""
	for line := range strings.Lines(string(out)) {
		word := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "@"):
			current = word
		case strings.HasPrefix(line, "    ") && current != "" && !strings.HasPrefix(word, "#"):
			sets[current] = append(sets[current], word)
		case word != "" && !strings.HasPrefix(word, "#"):
			current = ""
		}
	}
	if len(sets["@system-service"]) < 20 || len(sets["@clock"]) < 3 {
		t.Fatalf("systemd-analyze syscall-filter tells only %d sets", len(sets))
	}
	return sets
}

// traceAgent lets the agent work under strace and returns an example of each system call and the
// families of its sockets. The trace begins with the agent's own execve.
func traceAgent(t *testing.T) (calls map[string]string, families map[string]bool) {
	t.Helper()
	port := filepath.Join(t.TempDir(), "printer")
	printer := startPrinter(t, port)
	b := newBranch(t, port)
	trace := func(n int) string { return filepath.Join(b.dir, fmt.Sprintf("trace-%d", n)) }
	for n := range 2 {
		b.wrapper = []string{"strace", "-f", "-qq", "-o", trace(n)}
		b.start()
		b.take(fmt.Sprintf("press-%d", n))
		if err := printer.WaitTickets(t.Context(), n+1); err != nil {
			t.Fatal(err)
		}
		b.clerk("1/open", fmt.Sprintf("open-%d", n))
		if n == 0 {
			b.kill() // so that the next start verifies
			continue
		}
		// strace keeps the signal from itself, and ends with the code of the agent.
		if err := syscall.Kill(-b.process.Process.Pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		stalled := time.AfterFunc(30*time.Second, func() { _ = syscall.Kill(-b.process.Process.Pid, syscall.SIGKILL) })
		if err := b.process.Wait(); err != nil {
			t.Errorf("orderly stop: %v", err)
		}
		stalled.Stop()
		b.process = nil
	}
	calls, families = map[string]string{}, map[string]bool{}
	for n := range 2 {
		readTrace(t, trace(n), calls, families)
	}
	return calls, families
}

// readTrace reads what strace -f wrote: one line a call, with the thread before it.
func readTrace(t *testing.T, path string, calls map[string]string, families map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\d+ +((\w+)\((\w*).*)$`).FindAllStringSubmatch(string(text), -1) {
		calls[m[2]] = m[1]
		if m[2] == "socket" {
			families[m[3]] = true
		}
	}
}
