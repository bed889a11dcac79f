package journal

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// startHelper starts this test binary as a helper process and returns it with its standard output.
func startHelper(t *testing.T, name, dir string, count int, wrap ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	args := append(append([]string{}, wrap...), "/proc/self/exe")
	if len(wrap) > 0 {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		args[len(args)-1] = exe
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), helperEnv+"="+name, "OKIENKO_JOURNAL_DIR="+dir,
		"OKIENKO_JOURNAL_COUNT="+strconv.Itoa(count), "GOMAXPROCS=1", "GORACE=atexit_sleep_ms=0")
	if _, err := cmd.StdinPipe(); err != nil { // some helpers wait for its end
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// awaitLine reads until a line with this prefix and returns the rest of it.
func awaitLine(t *testing.T, lines *bufio.Scanner, prefix string) string {
	t.Helper()
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
			return rest
		}
	}
	t.Fatalf("no line %q from the helper", prefix)
	return ""
}

// killLoop kills a writer at random moments. Every acknowledged record must be there after each restart,
// every record must be right, and the ledger must be equal.
func killLoop(t *testing.T, cycles int) {
	t.Helper()
	dir := t.TempDir()
	var acked uint64
	for cycle := range cycles {
		cmd, lines := startHelper(t, "writer", dir, 1_000_000)
		awaitLine(t, lines, "open ")
		timer := time.AfterFunc(time.Duration(cycle%13)*2*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			n, err := strconv.ParseUint(strings.TrimPrefix(lines.Text(), "ack "), 10, 64)
			if err != nil || n <= acked {
				t.Fatalf("cycle %d: line %q after ack %d", cycle, lines.Text(), acked)
			}
			acked = n
		}
		timer.Stop()
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer ended by itself")
		}
		if cycle%10 != 9 && cycle != cycles-1 {
			continue
		}
		j, report := mustOpen(t, testOptions(dir))
		if report.Damage != "" || report.CaughtUp != 0 || report.LedgerDiverged || j.Last() < acked {
			t.Fatalf("cycle %d: %d acknowledged, report %+v", cycle, acked, report)
		}
		wantRecords(t, j, 1, j.Last())
		acked = j.Last()
		mustClose(t, j)
		if result, err := VerifyLedger(dir); err != nil || result.Last != acked || result.Beyond+int(result.BadBytes) != 0 {
			t.Fatalf("cycle %d: ledger %+v, %v", cycle, result, err)
		}
	}
	if acked == 0 {
		t.Fatal("no record was ever acknowledged: this test proved nothing")
	}
	t.Logf("%d kills, %d records", cycles, acked)
}

func TestKillLoop(t *testing.T) { killLoop(t, 20) }

func TestLockedByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := startHelper(t, "holder", dir, 0)
	awaitLine(t, lines, "open ")
	began := time.Now()
	_, report, err := Open(t.Context(), testOptions(dir))
	if took := time.Since(began); !errors.Is(err, ErrLocked) || took > 2*time.Second {
		t.Fatalf("Open = %v after %v", err, took)
	}
	if report.Quarantined != "" || report.Damage != "" {
		t.Fatalf("a locked journal was taken for a damaged one: %+v", report)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	j, _ := mustOpen(t, testOptions(dir))
	wantRecords(t, j, 1, 3)
}

// TestHungVerifierIsDamage uses a verifier that never answers, as bbolt does on some damaged files.
func TestHungVerifierIsDamage(t *testing.T) {
	dir := filledDir(t, 30)
	opts := testOptions(dir)
	opts.VerifyCommand = []string{"/bin/sh", "-c", "exec sleep 60", "sh"}
	opts.VerifyTimeout = 100 * time.Millisecond
	j, report := mustOpen(t, opts)
	if report.RestoredFromLedger != 30 || !strings.Contains(report.Damage, "no answer") {
		t.Fatalf("report = %+v", report)
	}
	wantRecords(t, j, 1, 30)
}

// failCommit makes the next Append fail after the commit has happened or before it, as a failed fsync may.
func failCommit(t *testing.T, j *Journal, recs []Record, happened bool) error {
	t.Helper()
	j.mu.Lock()
	if happened {
		if err := j.encode(recs); err != nil {
			t.Fatal(err)
		}
		ends := *j.store
		if err := j.store.put(recs[0].Seq, j.buf, j.ends, nil); err != nil {
			t.Fatal(err)
		}
		ends.db = j.store.db
		*j.store = ends
	}
	db := j.store.db
	j.mu.Unlock()
	if err := db.Close(); err != nil { // bbolt then refuses the commit with an error like any other
		t.Fatal(err)
	}
	return j.Append(t.Context(), recs)
}

func TestUnknownOutcome(t *testing.T) {
	for _, happened := range []bool{true, false} {
		t.Run(fmt.Sprintf("committed-%v", happened), func(t *testing.T) {
			dir := t.TempDir()
			j, _ := mustOpen(t, testOptions(dir))
			mustAppend(t, j, 1, 40)
			if err := failCommit(t, j, makeRecords(41, 43), happened); !errors.Is(err, ErrUnknownOutcome) {
				t.Fatalf("Append = %v", err)
			}
			if h := j.Health(); !h.Doubtful || h.State != StateFailed || j.Last() != 40 {
				t.Fatalf("Health = %+v, Last = %d", h, j.Last())
			}
			if err := j.Append(t.Context(), makeRecords(41, 41)); !errors.Is(err, ErrUnknownOutcome) {
				t.Fatalf("Append while in doubt = %v", err)
			}
			crashed := copyDir(t, dir)
			want := uint64(40)
			if happened {
				want = 43
			}
			last, err := j.Recover(t.Context())
			if err != nil || last != want {
				t.Fatalf("Recover = %d, %v, want %d", last, err, want)
			}
			wantRecords(t, j, 1, want)
			if again, err := j.Recover(t.Context()); err != nil || again != want {
				t.Fatalf("second Recover = %d, %v", again, err)
			}
			mustAppend(t, j, want+1, 60)
			if h := j.Health(); h.Doubtful || h.State != StateOK || h.LedgerBehind != 0 {
				t.Fatalf("Health = %+v", h)
			}
			mustClose(t, j)
			j, report := mustOpen(t, testOptions(dir))
			wantRecords(t, j, 1, 60)
			if report.CaughtUp != 0 || report.LedgerCaughtUp != 0 {
				t.Fatalf("report = %+v", report)
			}
			// A crash while in doubt is resolved by the next Open.
			j, _ = mustOpen(t, testOptions(crashed))
			wantRecords(t, j, 1, want)
		})
	}
}

func TestCursorCommitThatFailsIsRepeated(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	mustAppend(t, j, 1, 5)
	if err := j.SetCursor("link", 4); err != nil {
		t.Fatal(err)
	}
	j.mu.Lock()
	if err := j.store.db.Close(); err != nil {
		t.Fatal(err)
	}
	err := j.flushCursors(t.Context())
	j.mu.Unlock()
	if err == nil || errors.Is(err, ErrUnknownOutcome) {
		t.Fatalf("flushCursors = %v", err)
	}
	mustAppend(t, j, 6, 8)
	mustClose(t, j)
	j, _ = mustOpen(t, testOptions(dir))
	if got, err := j.Cursor("link"); err != nil || got != 4 {
		t.Fatalf("Cursor = %d, %v", got, err)
	}
	wantRecords(t, j, 1, 8)
}

// TestLedgerThatCannotBeWrittenCatchesUp takes the ledger's file away for a while; appends must not notice.
func TestLedgerThatCannotBeWrittenCatchesUp(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	mustAppend(t, j, 1, 30)
	j.mu.Lock()
	if err := j.ledger.file.Close(); err != nil {
		t.Fatal(err)
	}
	j.mu.Unlock()
	mustAppend(t, j, 31, 50)
	if h := j.Health(); h.LedgerBehind != 20 || h.LedgerError == "" || h.State != StateOK {
		t.Fatalf("Health = %+v", h)
	}
	j.mu.Lock()
	j.ledger.file = nil
	j.mu.Unlock()
	mustAppend(t, j, 51, 52)
	if h := j.Health(); h.LedgerBehind != 0 || h.LedgerError != "" {
		t.Fatalf("Health = %+v", h)
	}
	mustClose(t, j)
	if result, err := VerifyLedger(dir); err != nil || result.Records != 52 || result.BadBytes != 0 {
		t.Fatalf("ledger = %+v, %v", result, err)
	}
}

// rapidChecksGiven says whether the command line sets the number of rapid's checks.
func rapidChecksGiven() bool {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	return given
}

// TestRandomLives appends, stops, crashes, loses files and tears the ledger in random order. A model counts
// the records.
func TestRandomLives(t *testing.T) {
	randomLives(t, "8")
}

func randomLives(t *testing.T, checks string) {
	t.Helper()
	if !rapidChecksGiven() {
		if err := flag.Set("rapid.checks", checks); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set("rapid.checks", "100") }) // rapid's default; it has no setting per test
	}
	base := t.TempDir()
	life := 0
	rapid.Check(t, func(rt *rapid.T) {
		life++
		dir := fmt.Sprintf("%s/%d", base, life)
		j, _ := mustOpen(t, testOptions(dir))
		defer func() { mustClose(t, j) }()
		var last, cursor uint64
		reopen := func() Report {
			var report Report
			j, report = mustOpen(t, testOptions(dir))
			wantRecords(t, j, 1, last)
			return report
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				n := rapid.Uint64Range(1, 40).Draw(rt, "n")
				if err := j.Append(t.Context(), makeRecords(last+1, last+n)); err != nil {
					rt.Fatal(err)
				}
				last += n
			},
			"cursor": func(rt *rapid.T) {
				cursor = rapid.Uint64Range(0, last).Draw(rt, "cursor")
				if err := j.SetCursor("link", cursor); err != nil {
					rt.Fatal(err)
				}
			},
			"stop": func(rt *rapid.T) {
				mustClose(t, j)
				if report := reopen(); !report.CleanStop {
					rt.Fatalf("report = %+v", report)
				}
				if got, err := j.Cursor("link"); err != nil || got != cursor {
					rt.Fatalf("cursor = %d, %v, want %d", got, err, cursor)
				}
			},
			"crash": func(*rapid.T) {
				crashed := copyDir(t, dir)
				mustClose(t, j)
				dir = crashed
				reopen()
				cursor, _ = j.Cursor("link")
			},
			"lose": func(rt *rapid.T) {
				mustClose(t, j)
				name := rapid.SampledFrom([]string{dbName, ledgerName}).Draw(rt, "name")
				if last == 0 && name == dbName {
					name = ledgerName // nothing in the ledger to restore from: ErrLost is right, and tested elsewhere
				}
				if err := os.RemoveAll(dir + "/" + name); err != nil {
					rt.Fatal(err)
				}
				reopen()
				cursor, _ = j.Cursor("link")
			},
		})
	})
}
