//go:build slow

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// press takes a ticket under key and returns the status, the number and the error's code.
func (b *branch) press(key string) (status int, number, code string) {
	b.t.Helper()
	status, body, err := b.send(b.t.Context(), http.MethodPost, "/api/v1/tickets", "kiosk", key,
		map[string]string{"service": "A", "language": "pl"})
	if err != nil {
		b.t.Fatalf("press %s: %v", key, err)
	}
	var told struct {
		Number string
		Error  struct{ Code, Message string }
	}
	if err := json.Unmarshal(body, &told); err != nil {
		b.t.Fatalf("press %s: %s", key, body)
	}
	return status, told.Number, told.Error.Code
}

// take presses and expects a ticket.
func (b *branch) take(key string) string {
	b.t.Helper()
	status, number, code := b.press(key)
	if status != http.StatusCreated {
		b.t.Fatalf("press %s: %d %s", key, status, code)
	}
	return number
}

// clerk posts a command of a counter and expects it to be carried out.
func (b *branch) clerk(path, key string) {
	b.t.Helper()
	status, body, err := b.send(b.t.Context(), http.MethodPost, "/api/v1/counters/"+path, "clerk", key, nil)
	if err != nil || status != http.StatusOK {
		b.t.Fatalf("%s: %d %s %v", path, status, body, err)
	}
}

// mount attaches a file system below a new folder until the test ends.
func mount(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", append(args, dir)...).CombinedOutput(); err != nil {
		t.Fatalf("mount (this test needs root): %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// fillDisk writes a file until not a block is left.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size >= 512; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// TestFullDisk is row 3: the ballast lets at least 500 tickets through; when nothing is left, the
// kiosk says so, calling goes on, and it all heals when there is room again.
func TestFullDisk(t *testing.T) {
	disk := mount(t, "-t", "tmpfs", "-o", "size=56m", "tmpfs")
	b := newBranchAt(t, withoutPrinter, filepath.Join(disk, "data"))
	b.start()
	b.clerk("1/open", "open")
	b.awaitFile(filepath.Join(b.data, "ballast"))
	fillDisk(t, filepath.Join(disk, "other"))
	for n := range 550 {
		b.take(fmt.Sprint("squeezed-", n))
	}
	refused := b.exhaust(disk)
	b.clerk("1/next", "next-on-a-full-disk")
	if status, body, _ := b.send(t.Context(), http.MethodGet, "/kiosk", "kiosk", "", nil); status != http.StatusOK ||
		!strings.Contains(string(body), "Biletomat nieczynny") {
		t.Errorf("kiosk on a full disk: %d, without the sentence for visitors", status)
	}
	if err := os.Remove(filepath.Join(disk, "other")); err != nil {
		t.Fatal(err)
	}
	b.awaitTicket("after-the-flood")
	if number := b.take(refused); number == "" {
		t.Error("the refused press got no ticket afterwards")
	}
	b.restart()
	if b.current(t.Context(), 1) == "" {
		t.Error("the call that was made in memory is not in the journal")
	}
}

// exhaust fills the disk again and again until a press is refused; it returns that press's key.
func (b *branch) exhaust(disk string) string {
	b.t.Helper()
	for n := range 100_000 {
		if n%50 == 0 {
			fillDisk(b.t.(*testing.T), filepath.Join(disk, fmt.Sprint("more-", n)))
		}
		key := fmt.Sprint("last-", n)
		status, _, code := b.press(key)
		switch status {
		case http.StatusCreated:
		case http.StatusServiceUnavailable:
			b.freeAll(disk)
			return key
		default:
			b.t.Fatalf("press on a full disk: %d %s", status, code)
		}
	}
	b.t.Fatal("the disk never filled")
	return ""
}

// freeAll turns the filling files into one, so that removing it frees the disk.
func (b *branch) freeAll(disk string) {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(disk, "more-*"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range files {
		b.t.Cleanup(func() { _ = os.Remove(f) })
	}
}

// awaitFile waits until a file stands.
func (b *branch) awaitFile(path string) {
	b.t.Helper()
	b.await("file "+path, func() bool { _, err := os.Stat(path); return err == nil })
}

// awaitTicket presses with one key until a ticket comes.
func (b *branch) awaitTicket(key string) {
	b.t.Helper()
	b.await("a ticket", func() bool { status, _, _ := b.press(key); return status == http.StatusCreated })
}

// await polls for something that no event tells, at most 90 s: the agent tries a failing disk
// once a minute.
func (b *branch) await(what string, ok func() bool) {
	b.t.Helper()
	limit := time.NewTimer(90 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			b.t.Fatalf("%s did not come", what)
		}
	}
}

// restart stops the agent in an orderly way and starts it again.
func (b *branch) restart() {
	b.t.Helper()
	b.halt()
	b.start()
}

// halt stops the agent by SIGTERM and expects exit code 0.
func (b *branch) halt() {
	b.t.Helper()
	if err := b.process.Process.Signal(syscall.SIGTERM); err != nil {
		b.t.Fatal(err)
	}
	if err := b.process.Wait(); err != nil {
		b.t.Errorf("orderly stop: %v", err)
	}
	b.process = nil
}

// TestReadOnlyDisk is row 4, with a real ext4 that turns read-only after an error: no ticket
// without a commit, calling and screens go on.
func TestReadOnlyDisk(t *testing.T) {
	image := filepath.Join(t.TempDir(), "card.img")
	for _, command := range [][]string{{"truncate", "-s", "64M", image}, {"mkfs.ext4", "-q", image}} {
		if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", command, err, out)
		}
	}
	disk := mount(t, "-o", "loop,errors=remount-ro", image)
	b := newBranchAt(t, withoutPrinter, filepath.Join(disk, "data"))
	b.start()
	b.clerk("1/open", "open")
	first := b.take("before")
	device, err := exec.CommandContext(t.Context(), "findmnt", "-no", "SOURCE", disk).Output()
	if err != nil {
		t.Fatal(err)
	}
	trigger := "/sys/fs/ext4/" + filepath.Base(strings.TrimSpace(string(device))) + "/trigger_fs_error"
	if err := os.WriteFile(trigger, []byte("1"), 0o200); err != nil {
		t.Fatalf("break the file system: %v", err)
	}
	if status, number, code := b.press("during"); status != http.StatusServiceUnavailable {
		t.Errorf("press on a read-only disk: %d %s %s; want 503", status, number, code)
	}
	b.clerk("1/next", "next")
	if b.current(t.Context(), 1) == "" {
		t.Errorf("ticket %s cannot be called on a read-only disk", first)
	}
	if status, body, _ := b.send(t.Context(), http.MethodGet, "/readyz", "", "", nil); status != http.StatusServiceUnavailable {
		t.Errorf("readyz on a read-only disk: %d %s; want 503", status, body)
	}
	b.kill()
}

// TestDamagedJournal is row 6 and 8 with the real binary: whatever has become of the file, the
// tickets are there again, and numbers go on.
func TestDamagedJournal(t *testing.T) {
	damage := map[string]func([]byte) []byte{
		"zero-length": func([]byte) []byte { return nil },
		"truncated":   func(b []byte) []byte { return b[:len(b)/2] },
		"garbage-head": func(b []byte) []byte {
			copy(b, strings.Repeat("garbage!", 1024))
			return b
		},
		"bit-flipped": func(b []byte) []byte {
			for i := len(b) / 3; i < len(b); i += 997 {
				b[i] ^= 0x10
			}
			return b
		},
	}
	b := newBranch(t, withoutPrinter)
	b.start()
	last := ""
	for n := range 120 {
		last = b.take(fmt.Sprint("before-", n))
	}
	for name, spoil := range damage {
		b.halt()
		path := filepath.Join(b.data, "journal.db")
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, spoil(content), 0o600); err != nil {
			t.Fatal(err)
		}
		b.start()
		if number := b.take("before-119"); number != last {
			t.Errorf("%s: the press of %s is now %s", name, last, number)
		}
		var old, next int
		number := b.take("after-" + name)
		_, err1 := fmt.Sscanf(last, "A%d", &old)
		_, err2 := fmt.Sscanf(number, "A%d", &next)
		if err1 != nil || err2 != nil || next <= old {
			t.Errorf("%s: number %s after %s", name, number, last)
		}
	}
}

// TestSecondAgentIsRefused is row 9.
func TestSecondAgentIsRefused(t *testing.T) {
	b := newBranch(t, withoutPrinter)
	b.start()
	config, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(b.dir, "other.yaml")
	text := strings.Replace(string(config), strings.TrimPrefix(b.base, "http://"), freeAddress(t), 1)
	if err := os.WriteFile(other, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	out, err := exec.CommandContext(t.Context(), b.binary, "run", "--config", other).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another okienko-agent uses") {
		t.Errorf("second agent on one journal: %v\n%s", err, out)
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("the second agent took %v to refuse", took)
	}
}

// TestSlowDisk is row 48: with an fsync of two seconds a press waits, and pressing again with its
// key issues nothing twice.
func TestSlowDisk(t *testing.T) {
	b := newBranch(t, withoutPrinter)
	b.wrapper = []string{"strace", "-f", "-qq", "-o", os.DevNull, "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=1000000:when=20+"}
	b.start()
	numbers := make(chan string, 2)
	for range 2 {
		go func() { _, n, _ := b.press("slow"); numbers <- n }()
	}
	if one, two := <-numbers, <-numbers; one != two || one == "" {
		t.Errorf("one press got %q and %q", one, two)
	}
	b.kill()
}
