//go:build slow

package journal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// These tests need root (mounts) and the programs strace and mkfs.ext4; they fail clearly without.

func TestManyFlippedBits(t *testing.T) { flipBits(t, 500, 99) }

func TestLongKillLoop(t *testing.T) { killLoop(t, 300) }

func TestManyRandomLives(t *testing.T) { randomLives(t, "60") }

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s(needs root, and the packages mount, e2fsprogs)", name, strings.Join(args, " "), err, out)
	}
}

// mountSmall mounts a file system of 64 MiB and returns where.
func mountSmall(t *testing.T, kind string) string {
	t.Helper()
	dir := t.TempDir()
	if kind == "tmpfs" {
		run(t, "mount", "-t", "tmpfs", "-o", "size=64m", "okienko-test", dir)
	} else {
		image := filepath.Join(t.TempDir(), "card.img")
		if err := os.WriteFile(image, nil, fileMode); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, 64<<20); err != nil {
			t.Fatal(err)
		}
		run(t, "mkfs.ext4", "-q", image)
		run(t, "mount", "-o", "loop,errors=remount-ro", image, dir)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil { //nolint:noctx // t's context is over
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// fillDisk writes a file until the disk is full but for left bytes.
func fillDisk(t *testing.T, dir, name string, left int) string {
	t.Helper()
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(chunk)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(max(0, info.Size()-int64(left))), f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDiskFull is row 3: the ballast is freed, 500 tickets still fit, then Append says ErrFull, and all
// goes on when there is room again. "asked" lets the journal look at the free space first; "refused" lets
// the disk itself say ENOSPC.
func TestDiskFull(t *testing.T) {
	for _, kind := range []string{"tmpfs", "ext4"} {
		for name, minimum := range map[string]uint64{"asked": minFree, "refused": 0} {
			t.Run(kind+"-"+name, func(t *testing.T) { diskFull(t, kind, minimum) })
		}
	}
}

func diskFull(t *testing.T, kind string, minimum uint64) {
	dir := filepath.Join(mountSmall(t, kind), "data")
	opts := testOptions(dir)
	opts.BallastBytes = 0 // the real 16 MiB
	j, _ := mustOpen(t, opts)
	mustAppend(t, j, 1, 200)
	await(t, func() bool { _, err := os.Stat(filepath.Join(dir, ballastName)); return err == nil })
	j.mu.Lock()
	j.minFree = minimum
	j.mu.Unlock()
	filler := fillDisk(t, filepath.Dir(dir), "somebody-elses-logs", 64<<10)

	last, issued := uint64(200), 0
	var err error
	for {
		if issued == 2000 {
			fillDisk(t, filepath.Dir(dir), "even-more", 64<<10)
		}
		// Three records a ticket, in three commits: taken, called, served.
		if err = j.Append(t.Context(), makeRecords(last+1, last+1)); err != nil {
			break
		}
		last++
		if j.Health().State == StateBallastFreed {
			issued++
		}
	}
	if !errors.Is(err, ErrFull) || errors.Is(err, ErrUnknownOutcome) {
		t.Fatalf("after %d records: %v", last, err)
	}
	t.Logf("%d commits fitted after the ballast was freed", issued)
	if issued < 3*500 {
		t.Fatalf("only %d commits fitted after the ballast was freed, want 1,500", issued)
	}
	if h := j.Health(); h.State != StateFull || h.Doubtful {
		t.Fatalf("Health = %+v", h)
	}
	for range 3 {
		if err := j.Append(t.Context(), makeRecords(last+1, last+1)); !errors.Is(err, ErrFull) {
			t.Fatalf("Append on the full disk = %v", err)
		}
	}
	wantRecords(t, j, 1, last)

	// A restart on the full disk still reads; whether it can write is the disk's business.
	mustCloseOnFullDisk(t, j)
	j, report := mustOpen(t, opts)
	if report.Damage != "" {
		t.Fatalf("report = %+v", report)
	}
	wantRecords(t, j, 1, last)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, last+1, last+50)
	j.makeBallast(t.Context())
	if h := j.Health(); h.State != StateOK || h.LedgerBehind != 0 {
		t.Fatalf("Health = %+v", h)
	}
	mustClose(t, j)
	if result, err := VerifyLedger(dir); err != nil || result.Last != last+50 || result.Beyond != 0 {
		t.Fatalf("ledger = %+v, %v", result, err)
	}
	j, _ = mustOpen(t, opts)
	wantRecords(t, j, 1, last+50)
}

// mustCloseOnFullDisk allows Close to complain about the full disk only.
func mustCloseOnFullDisk(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil && !errors.Is(classify(err), ErrFull) {
		t.Fatal(err)
	}
}

// TestDiskTurnsReadOnly is row 4: ext4 finds an error and remounts itself read-only.
func TestDiskTurnsReadOnly(t *testing.T) {
	mount := mountSmall(t, "ext4")
	dir := filepath.Join(mount, "data")
	j, _ := mustOpen(t, testOptions(dir))
	mustAppend(t, j, 1, 120)
	trigger := triggerFile(t, mount)
	if err := os.WriteFile(trigger, []byte("1"), fileMode); err != nil {
		t.Fatal(err)
	}
	err := j.Append(t.Context(), makeRecords(121, 121))
	if !errors.Is(err, ErrReadOnly) && !errors.Is(err, ErrIO) {
		t.Fatalf("Append = %v", err)
	}
	t.Logf("Append says: %v", err)
	if h := j.Health(); h.State == StateOK {
		t.Fatalf("Health = %+v", h)
	}
	wantRecords(t, j, 1, 120)
	if _, err := j.Recover(t.Context()); err == nil || !errors.Is(err, ErrReadOnly) {
		t.Fatalf("Recover = %v", err)
	}
	if h := j.Health(); h.State != StateReadOnly {
		t.Fatalf("Health = %+v", h)
	}
	_ = j.Close() // it cannot sync

	// A restart on the read-only card: what can be read is shown, nothing is printed.
	j, report := mustOpen(t, testOptions(dir))
	if !report.ReadOnly || j.Last() < 120 {
		t.Fatalf("report = %+v", report)
	}
	if recs, err := readAll(j, 1); err != nil || len(recs) < 120 {
		t.Fatalf("%d records, %v", len(recs), err)
	}
	if err := j.Append(t.Context(), makeRecords(j.Last()+1, j.Last()+1)); !errors.Is(err, ErrReadOnly) ||
		errors.Is(err, ErrUnknownOutcome) {
		t.Fatalf("Append = %v", err)
	}
	mustClose(t, j)
}

// triggerFile finds the file by which ext4 can be told to find an error on the device of mount.
func triggerFile(t *testing.T, mount string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == mount {
			return filepath.Join("/sys/fs/ext4", filepath.Base(f[0]), "trigger_fs_error")
		}
	}
	t.Fatalf("%s is not mounted", mount)
	return ""
}

// TestInjectedErrors lets the n-th write or sync of a writer fail. Whatever fails, an acknowledged record
// stays, the writer never acknowledges one number for two contents, and after Recover the journal goes on.
// It asserts that errors occurred: an injection that injects nothing looks perfect.
func TestInjectedErrors(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("install strace")
	}
	seen := map[string]int{}
	for _, c := range []struct{ call, errno, when string }{
		{"pwrite64", "EIO", "%d"},
		{"pwrite64", "ENOSPC", "%d"},
		{"fdatasync", "EIO", "%d"},
		{"fsync", "EIO", "%d"},
		{"pwrite64,fdatasync", "EIO", "%d+2"},
		{"pwrite64,fdatasync,fsync", "EIO", "%d+"}, // from now on the card is dead
		{"pwrite64,fdatasync,fsync", "ENOSPC", "%d+"},
	} {
		runs := 20
		if strings.HasSuffix(c.when, "+") || strings.Contains(c.when, "+2") {
			runs = 8 // these take long, since nearly every commit fails
		}
		for n := 1; n <= runs; n++ {
			t.Run(fmt.Sprintf("%s-%s-%s", c.call, c.errno, fmt.Sprintf(c.when, n)), func(t *testing.T) {
				if injected(t, c.call, c.errno, fmt.Sprintf(c.when, n)) {
					seen[c.call+"-"+c.errno]++
				}
			})
		}
	}
	for _, want := range []string{"pwrite64-EIO", "pwrite64-ENOSPC", "fdatasync-EIO"} {
		if seen[want] < 10 {
			t.Fatalf("only %d of 20 runs with %s met an error: the injection does not work (%v)", seen[want], want, seen)
		}
	}
	t.Logf("runs that met an error: %v", seen)
}

func injected(t *testing.T, call, errno, when string) bool {
	t.Helper()
	dir := t.TempDir()
	mustClose(t, firstOpen(t, dir)) // creation is another matter: its errors are simply returned
	trace := filepath.Join(t.TempDir(), "trace")
	cmd, lines := startHelper(t, "survivor", dir, 30, "strace", "-f", "-o", trace,
		"-e", "trace=pwrite64,fdatasync,fsync", "-e", fmt.Sprintf("inject=%s:error=%s:when=%s", call, errno, when))
	acked, errs := map[uint64]bool{}, 0
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "ack "); ok {
			seq, err := strconv.ParseUint(rest, 10, 64)
			if err != nil || acked[seq] {
				t.Fatalf("line %q: acknowledged before? %v", lines.Text(), acked[seq])
			}
			acked[seq] = true
		}
		if strings.HasPrefix(lines.Text(), "error ") {
			errs++
		}
	}
	err := cmd.Wait()
	b, readErr := os.ReadFile(trace)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if !strings.Contains(string(b), "INJECTED") && (err != nil || call != "fsync") {
		t.Fatalf("nothing was injected; the writer says %v", err) // there are only a few fsyncs in a short life
	}
	if err != nil && errs == 0 {
		t.Fatalf("the writer failed without saying why: %v", err)
	}
	j, report := mustOpen(t, testOptions(dir))
	var highest uint64
	for seq := range acked {
		highest = max(highest, seq)
	}
	if j.Last() < highest || (err == nil && j.Last() != 30) {
		t.Fatalf("acknowledged to %d, journal ends at %d, report %+v", highest, j.Last(), report)
	}
	wantRecords(t, j, 1, j.Last())
	if result, err := VerifyLedger(dir); err != nil || result.Last != j.Last() || result.Beyond != 0 {
		t.Fatalf("ledger = %+v, %v", result, err)
	}
	return errs > 0
}

func firstOpen(t *testing.T, dir string) *Journal {
	t.Helper()
	j, _ := mustOpen(t, testOptions(dir))
	return j
}
