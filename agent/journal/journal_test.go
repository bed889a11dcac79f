package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// TestMain serves the verifying child processes, and the helper processes of other tests, from the test
// binary itself.
func TestMain(m *testing.M) {
	if code, ok := VerifyChild(os.Args, os.Stdout); ok {
		os.Exit(code)
	}
	if helper := os.Getenv(helperEnv); helper != "" {
		os.Exit(runHelper(helper))
	}
	goleak.VerifyTestMain(m)
}

func testOptions(dir string) Options {
	return Options{Dir: dir, Logger: slog.New(slog.DiscardHandler), BallastBytes: -1}
}

func mustOpen(t testing.TB, opts Options) (*Journal, Report) {
	t.Helper()
	j, report, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatalf("Open: %v (report %+v)", err, report)
	}
	t.Cleanup(func() { _ = j.Close() }) // a second Close is no error; this is for tests that fail
	return j, report
}

func mustClose(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// makeRecord makes the record that every test expects under a number; a hundred records make a day.
func makeRecord(seq uint64) Record {
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(seq/100%30_000))
	data := fmt.Sprintf(`{"kind":"TicketTaken","seq":%d,"padding":"%0*d"}`, seq, int(seq%200), seq*7919)
	return Record{Seq: seq, At: int64(seq) * 1000, Day: day.Format(time.DateOnly), Data: []byte(data)}
}

func makeRecords(first, last uint64) []Record {
	var recs []Record
	for seq := first; seq <= last; seq++ {
		recs = append(recs, makeRecord(seq))
	}
	return recs
}

// mustAppend appends first..last in batches of different sizes.
func mustAppend(t testing.TB, j *Journal, first, last uint64) {
	t.Helper()
	for size := uint64(1); first <= last; size = size%7 + 1 {
		end := min(last, first+size-1)
		if err := j.Append(context.Background(), makeRecords(first, end)); err != nil {
			t.Fatalf("Append %d–%d: %v", first, end, err)
		}
		first = end + 1
	}
}

// diffRecords describes the first difference, empty if there is none. cmp alone would compare the data byte
// by byte.
func diffRecords(want, got []Record) string {
	for i := range min(len(want), len(got)) {
		w, g := want[i], got[i]
		if w.Seq != g.Seq || w.At != g.At || w.Day != g.Day || string(w.Data) != string(g.Data) {
			return cmp.Diff(w, g)
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%d records, want %d", len(got), len(want))
	}
	return ""
}

// await polls, since a file system sends no events.
func await(t *testing.T, done func() bool) {
	t.Helper()
	late := time.After(10 * time.Second)
	for !done() {
		select {
		case <-late:
			t.Fatal("nothing happened in 10 s")
		case <-time.After(time.Millisecond):
		}
	}
}

func readAll(j *Journal, from uint64) ([]Record, error) {
	var recs []Record
	for r, err := range j.Read(from) {
		if err != nil {
			return recs, err
		}
		recs = append(recs, r)
	}
	return recs, nil
}

func wantRecords(t testing.TB, j *Journal, first, last uint64) {
	t.Helper()
	got, err := readAll(j, 0)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if diff := diffRecords(makeRecords(first, last), got); diff != "" {
		t.Fatalf("records differ (-want +got):\n%s", diff)
	}
	if j.Last() != last {
		t.Fatalf("Last() = %d, want %d", j.Last(), last)
	}
}

// copyDir copies a data directory as it is, as a power cut that loses nothing would leave it.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// filledDir makes a cleanly stopped data directory with n records.
func filledDir(t testing.TB, n uint64) string {
	t.Helper()
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	mustAppend(t, j, 1, n)
	mustClose(t, j)
	return dir
}

func TestOpenCreatesAndReopens(t *testing.T) {
	dir := t.TempDir()
	j, report := mustOpen(t, testOptions(dir))
	if !report.Fresh || report.Last != 0 || report.Damage != "" {
		t.Fatalf("first report = %+v", report)
	}
	wantRecords(t, j, 1, 0)
	mustAppend(t, j, 1, 700)
	wantRecords(t, j, 1, 700)
	mustClose(t, j)
	mustClose(t, j)

	j, report = mustOpen(t, testOptions(dir))
	if report.Fresh || !report.CleanStop || report.Verified != DepthFull || report.Last != 700 || report.MayMissTail {
		t.Fatalf("second report = %+v", report)
	}
	wantRecords(t, j, 1, 700)
	mustAppend(t, j, 701, 800)
	wantRecords(t, j, 1, 800)

	copied := copyDir(t, dir)
	j, report = mustOpen(t, testOptions(copied))
	if report.CleanStop || report.Verified != DepthFull || report.Damage != "" || report.CaughtUp != 0 {
		t.Fatalf("report after a crash = %+v", report)
	}
	wantRecords(t, j, 1, 800)
}

func TestAppendRefusesWhatDoesNotContinue(t *testing.T) {
	j, _ := mustOpen(t, testOptions(t.TempDir()))
	mustAppend(t, j, 1, 10)
	large := makeRecord(11)
	large.Data = make([]byte, MaxData+1)
	badDay := makeRecord(11)
	badDay.Day = "23.11.2026"
	cases := []struct {
		name string
		recs []Record
		want error
	}{
		{"repeated", makeRecords(10, 10), ErrSequence},
		{"gap-before", makeRecords(12, 12), ErrSequence},
		{"gap-inside", []Record{makeRecord(11), makeRecord(13)}, ErrSequence},
		{"too-large", []Record{large}, ErrTooLarge},
		{"bad-day", []Record{badDay}, ErrBadDay},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := j.Append(t.Context(), c.recs)
			if !errors.Is(err, c.want) || errors.Is(err, ErrUnknownOutcome) {
				t.Fatalf("Append = %v, want %v", err, c.want)
			}
			wantRecords(t, j, 1, 10)
		})
	}
	mustAppend(t, j, 11, 12)
	if err := j.Append(t.Context(), nil); err != nil {
		t.Fatalf("empty Append = %v", err)
	}
	mustClose(t, j)
	if err := j.Append(t.Context(), makeRecords(13, 13)); !errors.Is(err, ErrClosed) {
		t.Fatalf("Append after Close = %v", err)
	}
	if _, err := readAll(j, 1); !errors.Is(err, ErrClosed) {
		t.Fatalf("Read after Close = %v", err)
	}
}

func TestLargestRecordSurvives(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	big := Record{Seq: 1, Day: "2026-11-23", Data: make([]byte, MaxData)}
	for i := range big.Data {
		big.Data[i] = byte(i % 251)
	}
	empty := Record{Seq: 2, Day: "", Data: []byte{}}
	if err := j.Append(t.Context(), []Record{big, empty}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	if err := os.Remove(filepath.Join(dir, dbName)); err != nil {
		t.Fatal(err)
	}
	j, _ = mustOpen(t, testOptions(dir))
	got, err := readAll(j, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffRecords([]Record{big, empty}, got); diff != "" {
		t.Fatal("records differ after a restore from the ledger")
	}
}

func TestReadStartsAnywhereAndMayStop(t *testing.T) {
	j, _ := mustOpen(t, testOptions(t.TempDir()))
	mustAppend(t, j, 1, 1000)
	for _, from := range []uint64{0, 1, 2, 255, 256, 257, 999, 1000} {
		got, err := readAll(j, from)
		if err != nil {
			t.Fatal(err)
		}
		if diff := diffRecords(makeRecords(max(from, 1), 1000), got); diff != "" {
			t.Fatalf("from %d: %s", from, diff)
		}
	}
	if got, err := readAll(j, 1001); err != nil || len(got) != 0 {
		t.Fatalf("beyond the end: %d records, %v", len(got), err)
	}
	for r, err := range j.Read(5) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Seq == 300 {
			break
		}
		// A reader in the middle of its loop must not keep a writer out.
		if r.Seq == 10 {
			mustAppend(t, j, 1001, 1001)
		}
	}
	wantRecords(t, j, 1, 1001)
}

func TestCursors(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	mustAppend(t, j, 1, 20)
	set := func(name string, seq uint64) {
		t.Helper()
		if err := j.SetCursor(name, seq); err != nil {
			t.Fatal(err)
		}
	}
	want := func(name string, seq uint64) {
		t.Helper()
		if got, err := j.Cursor(name); err != nil || got != seq {
			t.Fatalf("Cursor(%s) = %d, %v, want %d", name, got, err, seq)
		}
	}
	want("printer", 0)
	set("printer", 7)
	set("link", 20)
	want("printer", 7)
	if err := j.SetCursor("link", 21); !errors.Is(err, ErrSequence) {
		t.Fatalf("SetCursor beyond the end = %v", err)
	}
	if err := j.SetCursor("", 1); err == nil {
		t.Fatal("a cursor without a name was accepted")
	}
	mustAppend(t, j, 21, 21) // takes the cursors along
	crashed := copyDir(t, dir)
	set("printer", 9)
	set("printer", 8)
	mustClose(t, j)

	j, _ = mustOpen(t, testOptions(dir))
	want("printer", 8)
	want("link", 20)
	mustClose(t, j)
	j, _ = mustOpen(t, testOptions(crashed))
	want("printer", 7)
	want("link", 20)
}

// TestBackgroundFlush waits for the real thing: ledger synced and cursor committed without any Append.
func TestBackgroundFlush(t *testing.T) {
	dir := t.TempDir()
	opts := testOptions(dir)
	opts.LedgerSync = time.Millisecond
	j, _ := mustOpen(t, opts)
	mustAppend(t, j, 1, 5)
	if err := j.SetCursor("printer", 5); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.dirty) == 0 && !j.ledger.dirty() && j.ledger.syncedNext == 6
	})
	j, _ = mustOpen(t, testOptions(copyDir(t, dir)))
	if got, err := j.Cursor("printer"); err != nil || got != 5 {
		t.Fatalf("Cursor = %d, %v", got, err)
	}
}

func TestLedgerIsOneFileADayAndEqualToTheJournal(t *testing.T) {
	dir := filledDir(t, 450)
	result, err := VerifyLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := LedgerResult{Files: 5, Records: 450, First: 1, Last: 450}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Fatal(diff)
	}
	paths, err := ledgerFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := filepath.Base(paths[0]); got != "2026-11-23.log" {
		t.Fatalf("first ledger file = %s", got)
	}
	for at, err := range scanLedger(paths) {
		if err != nil {
			t.Fatal(err)
		}
		if diff := diffRecords([]Record{makeRecord(at.Seq)}, []Record{at.Record}); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestKeepLedgerDays(t *testing.T) {
	dir := t.TempDir()
	opts := testOptions(dir)
	opts.KeepLedgerDays = 3
	j, _ := mustOpen(t, opts)
	mustAppend(t, j, 1, 950)
	mustClose(t, j)
	result, err := VerifyLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := (LedgerResult{Files: 3, Records: 251, First: 700, Last: 950}); result != want {
		t.Fatalf("ledger = %+v, want %+v", result, want)
	}
	if err := os.Remove(filepath.Join(dir, dbName)); err != nil {
		t.Fatal(err)
	}
	j, report := mustOpen(t, opts)
	if report.First != 700 || report.RestoredFromLedger != 251 {
		t.Fatalf("report = %+v", report)
	}
	mustAppend(t, j, 951, 960)
	wantRecords(t, j, 700, 960)
}

func TestOpenTwiceIsLocked(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, testOptions(dir))
	opts := testOptions(dir)
	opts.LockTimeout = 50 * time.Millisecond
	began := time.Now()
	if _, _, err := Open(t.Context(), opts); !errors.Is(err, ErrLocked) {
		t.Fatalf("second Open = %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Fatalf("refused only after %v", took)
	}
}

func TestDumpOfLiveAndStopped(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	mustAppend(t, j, 1, 333)
	dump := func(source Source) {
		t.Helper()
		d, err := Dump(t.Context(), testOptions(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}()
		if d.Source != source {
			t.Fatalf("source = %s (%s), want %s", d.Source, d.Why, source)
		}
		var got []Record
		for r, err := range d.Records(3) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if diff := diffRecords(makeRecords(3, 333), got); diff != "" {
			t.Fatal(diff)
		}
	}
	dump(SourceLedger)
	mustClose(t, j)
	dump(SourceJournal)
	if err := os.Truncate(filepath.Join(dir, dbName), 5000); err != nil {
		t.Fatal(err)
	}
	dump(SourceLedger)
}

func TestVerifyFileOfASoundJournal(t *testing.T) {
	result, err := VerifyFile(t.Context(), testOptions(filledDir(t, 300)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(VerifyResult{Verdict: VerdictOK, First: 1, Last: 300}, result); diff != "" {
		t.Fatal(diff)
	}
}

func TestVerifyMainRefusesWrongUse(t *testing.T) {
	if code := VerifyMain(nil, io.Discard); code != 2 {
		t.Fatalf("code = %d", code)
	}
}

func TestVerifierThatCannotRunJudgesNothing(t *testing.T) {
	dir := filledDir(t, 10)
	for name, command := range map[string][]string{
		"missing": {filepath.Join(dir, "no-such-program")},
		"refuses": {"/bin/false"},
		"silent":  {"/bin/true"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := testOptions(dir)
			opts.VerifyCommand = command
			if _, report, err := Open(t.Context(), opts); !errors.Is(err, ErrVerifier) || report.Quarantined != "" {
				t.Fatalf("Open = %v, report %+v", err, report)
			}
		})
	}
	j, _ := mustOpen(t, testOptions(dir))
	wantRecords(t, j, 1, 10)
}
