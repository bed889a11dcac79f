package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// damagedRecords is how many records the damaged journals hold: enough for branch pages and several ledger
// files.
const damagedRecords = 600

// typedErrors are the only ways in which a damaged journal may refuse.
func typedErrors() []error {
	return []error{ErrLost, ErrDamaged, ErrNewerFormat}
}

func isTyped(err error) bool {
	if _, corrupt := errorsAsCorrupt(err); corrupt {
		return true
	}
	for _, want := range typedErrors() {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// openAndRead opens a directory and reads everything, as the engine does: damage met while reading a
// cleanly stopped journal is answered by closing and opening again.
func openAndRead(t *testing.T, dir string) ([]Record, Report, error) {
	t.Helper()
	var report Report
	for range 2 {
		var j *Journal
		var err error
		j, report, err = Open(t.Context(), testOptions(dir))
		if err != nil {
			return nil, report, err
		}
		recs, err := readAll(j, 0)
		if closeErr := j.Close(); closeErr != nil {
			t.Fatalf("Close after damage: %v", closeErr)
		}
		if !errors.Is(err, ErrDamaged) {
			return recs, report, err
		}
	}
	t.Fatalf("a fully verified journal was still damaged: %+v", report)
	return nil, report, nil
}

// mustRecover demands that every record comes back, since the ledger is whole.
func mustRecover(t *testing.T, dir string) Report {
	t.Helper()
	recs, report, err := openAndRead(t, dir)
	if err != nil {
		t.Fatalf("not recovered: %v (report %+v)", err, report)
	}
	if diff := diffRecords(makeRecords(1, damagedRecords), recs); diff != "" {
		t.Fatalf("recovered records differ (report %+v):\n%s", report, diff)
	}
	result, err := VerifyFile(t.Context(), testOptions(dir))
	if err != nil || result.Verdict != VerdictOK || len(result.Bad) > 0 {
		t.Fatalf("after the recovery the file is %+v, %v", result, err)
	}
	return report
}

// mustNotLie demands a typed error, or records that are exactly a prefix of what was acknowledged. If the
// end is missing the report must say so.
func mustNotLie(t *testing.T, dir string) {
	t.Helper()
	recs, report, err := openAndRead(t, dir)
	if err != nil && !isTyped(err) {
		t.Fatalf("untyped error: %v", err)
	}
	for i, r := range recs {
		if diff := diffRecords(makeRecords(uint64(i+1), uint64(i+1)), []Record{r}); diff != "" {
			t.Fatalf("wrong data: %s", diff)
		}
	}
	if err == nil && len(recs) < damagedRecords && !report.MayMissTail && len(report.Leftover) == 0 {
		t.Fatalf("%d records are missing and nobody was told: %+v", damagedRecords-len(recs), report)
	}
}

// damagedCopy copies a directory, makes it look killed or cleanly stopped, and damages one file of it.
func damagedCopy(t *testing.T, from string, clean bool, name string, damage func([]byte) []byte) string {
	t.Helper()
	dir := copyDir(t, from)
	if !clean {
		if err := os.Remove(filepath.Join(dir, cleanName)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, damage(b), fileMode); err != nil {
		t.Fatal(err)
	}
	return dir
}

func bothStops(t *testing.T, run func(t *testing.T, clean bool)) {
	t.Helper()
	t.Run("killed", func(t *testing.T) { run(t, false) })
	t.Run("stopped", func(t *testing.T) { run(t, true) })
}

func TestDamagedFileIsRestoredFromTheLedger(t *testing.T) {
	good := filledDir(t, damagedRecords)
	random := rand.New(rand.NewPCG(1, 2))
	garbage := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	cases := []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"garbage", func(b []byte) []byte { return garbage(len(b)) }},
		{"garbage-head", func(b []byte) []byte { return append(garbage(3*pageSize), b[3*pageSize:]...) }},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"text", func([]byte) []byte { return []byte("this is not a journal\n") }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bothStops(t, func(t *testing.T, clean bool) {
				report := mustRecover(t, damagedCopy(t, good, clean, dbName, c.damage))
				if report.RestoredFromLedger != damagedRecords || report.Damage == "" || report.Quarantined == "" {
					t.Fatalf("report = %+v", report)
				}
				if !report.CursorsLost || report.MayMissTail == clean {
					t.Fatalf("report = %+v", report)
				}
			})
		})
	}
}

func TestMissingFileIsRestoredFromTheLedger(t *testing.T) {
	dir := filledDir(t, damagedRecords)
	if err := os.Remove(filepath.Join(dir, dbName)); err != nil {
		t.Fatal(err)
	}
	if report := mustRecover(t, dir); report.RestoredFromLedger != damagedRecords || report.MayMissTail {
		t.Fatalf("report = %+v", report)
	}
}

// TestTruncatedFile cuts the file at 14 places, which made bare bbolt panic, refuse or not notice.
func TestTruncatedFile(t *testing.T) {
	good := filledDir(t, damagedRecords)
	for i := range 14 {
		t.Run(fmt.Sprintf("cut-%02d", i), func(t *testing.T) {
			mustRecover(t, damagedCopy(t, good, i%2 == 0, dbName, func(b []byte) []byte {
				return b[:max(1, len(b)*i/14+i*101%pageSize)]
			}))
		})
	}
}

func TestDamagedPages(t *testing.T) {
	good := filledDir(t, damagedRecords)
	random := rand.New(rand.NewPCG(3, 4))
	kinds := []struct {
		name   string
		damage func(page, other []byte)
	}{
		{"zero", func(page, _ []byte) { clear(page) }},
		{"random", func(page, _ []byte) {
			for i := range page {
				page[i] = byte(random.Uint32())
			}
		}},
		{"torn", func(page, other []byte) { copy(page[512*(1+random.IntN(7)):], other) }},
		{"misplaced", func(page, other []byte) { copy(page, other) }},
	}
	for _, k := range kinds {
		for i := range 6 {
			t.Run(fmt.Sprintf("%s-%d", k.name, i), func(t *testing.T) {
				mustRecover(t, damagedCopy(t, good, i%2 == 0, dbName, func(b []byte) []byte {
					pages := livePages(b)
					n, other := pages[random.IntN(len(pages))], pages[random.IntN(len(pages))]
					k.damage(b[n*pageSize:(n+1)*pageSize], bytes.Clone(b[other*pageSize:(other+1)*pageSize]))
					return b
				}))
			})
		}
	}
}

// livePages returns the pages that are not empty; some of them may be free.
func livePages(b []byte) []int {
	var pages []int
	for n := range len(b) / pageSize {
		if len(bytes.Trim(b[n*pageSize:(n+1)*pageSize], "\x00")) > 0 {
			pages = append(pages, n)
		}
	}
	return pages
}

// flipBits flips one random bit of a live page, count times on fresh copies: row 8 of the failure catalogue.
func flipBits(t *testing.T, count int, seed uint64) {
	t.Helper()
	good := filledDir(t, damagedRecords)
	random := rand.New(rand.NewPCG(seed, 6))
	for i := range count {
		t.Run(fmt.Sprintf("flip-%03d", i), func(t *testing.T) {
			dir := damagedCopy(t, good, i%3 > 0, dbName, func(b []byte) []byte {
				pages := livePages(b)
				at := pages[random.IntN(len(pages))]*pageSize + random.IntN(pageSize)
				b[at] ^= 1 << random.IntN(8)
				t.Logf("byte %d of page %d", at%pageSize, at/pageSize)
				return b
			})
			if i%3 == 2 {
				liveOnAfterLightCheck(t, dir)
			} else {
				mustRecover(t, dir)
			}
		})
	}
}

// liveOnAfterLightCheck lets the journal work on a damaged file that was verified only lightly. What it
// then appends must be as safe as what was there; damage may show at any read, but never as wrong data, and
// at the next full check all is put right.
func liveOnAfterLightCheck(t *testing.T, dir string) {
	t.Helper()
	const more = 30
	opts := testOptions(dir)
	opts.lightAbove = 1
	j, report := mustOpen(t, opts)
	if report.CleanStop && report.Verified != DepthLight {
		t.Fatalf("report = %+v", report)
	}
	recs, err := readAll(j, 1)
	if err != nil && !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	if err == nil {
		mustAppend(t, j, damagedRecords+1, damagedRecords+more)
		recs, err = readAll(j, 1)
	}
	if err == nil && len(recs) != damagedRecords+more {
		t.Fatalf("%d records read without an error", len(recs))
	}
	if diff := diffRecords(makeRecords(1, uint64(len(recs))), recs); diff != "" {
		t.Fatalf("wrong data: %s", diff)
	}
	last := j.Last()
	mustClose(t, j)
	if err := removeDurably(dir, cleanName); err != nil {
		t.Fatal(err)
	}
	j, _ = mustOpen(t, testOptions(dir))
	wantRecords(t, j, 1, last)
	mustClose(t, j)
}

func TestFlippedBits(t *testing.T) { flipBits(t, 100, 5) }

// TestBothCopiesDamaged flips a bit in the journal and another in the ledger, or tears the ledger's end off.
func TestBothCopiesDamaged(t *testing.T) {
	good := filledDir(t, damagedRecords)
	paths, err := ledgerFiles(good)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 8))
	for i := range 20 {
		t.Run(fmt.Sprintf("case-%02d", i), func(t *testing.T) {
			dir := damagedCopy(t, good, i%2 == 0, dbName, func(b []byte) []byte {
				if i%4 < 2 {
					return b[:random.IntN(len(b))]
				}
				b[random.IntN(len(b))] ^= 1 << random.IntN(8)
				return b
			})
			name := filepath.Join(ledgerName, filepath.Base(paths[random.IntN(len(paths))]))
			path := filepath.Join(dir, name)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if i%3 == 0 {
				b = b[:random.IntN(len(b))]
			} else {
				b[random.IntN(len(b))] ^= 1 << random.IntN(8)
			}
			if err := os.WriteFile(path, b, fileMode); err != nil {
				t.Fatal(err)
			}
			mustNotLie(t, dir)
		})
	}
}

// TestGapInLedgerIsFilledFromTheDamagedFile destroys one record in the middle of the ledger and the head of
// the journal.
func TestGapInLedgerIsFilledFromTheDamagedFile(t *testing.T) {
	dir := filledDir(t, damagedRecords)
	spoilLedgerRecord(t, dir, 250)
	if err := corruptAt(filepath.Join(dir, dbName), 0, make([]byte, 2*pageSize)); err != nil {
		t.Fatal(err)
	}
	report := mustRecover(t, dir)
	if report.FilledFromDamaged != 1 || report.RestoredFromLedger != damagedRecords-1 {
		t.Fatalf("report = %+v", report)
	}
}

// TestPrefixOfLedgerIsTaken loses a record in both copies: what follows is reported as left over, not restored.
func TestPrefixOfLedgerIsTaken(t *testing.T) {
	dir := filledDir(t, damagedRecords)
	spoilLedgerRecord(t, dir, 250)
	if err := os.Remove(filepath.Join(dir, dbName)); err != nil {
		t.Fatal(err)
	}
	j, report := mustOpen(t, testOptions(dir))
	wantRecords(t, j, 1, 249)
	if diff := diffRecords(makeRecords(251, damagedRecords), report.Leftover); diff != "" {
		t.Fatal(diff)
	}
	if !report.MayMissTail {
		t.Fatalf("report = %+v", report)
	}
	mustAppend(t, j, 250, 260)
	mustClose(t, j)
	j, report = mustOpen(t, testOptions(dir))
	wantRecords(t, j, 1, 260)
	if report.LedgerDiverged || len(report.Leftover) > 0 {
		t.Fatalf("report after the restore = %+v", report)
	}
}

func TestSingleBadRecordIsRepairedInPlace(t *testing.T) {
	bothStops(t, func(t *testing.T, clean bool) {
		dir := filledDir(t, damagedRecords)
		if !clean {
			if err := os.Remove(filepath.Join(dir, cleanName)); err != nil {
				t.Fatal(err)
			}
		}
		spoilData(t, filepath.Join(dir, dbName), makeRecord(300).Data)
		report := mustRecover(t, dir)
		if report.Quarantined != "" || report.RestoredFromLedger != 0 {
			t.Fatalf("report = %+v", report)
		}
		if !clean && !cmp.Equal(report.Repaired, []uint64{300}) {
			t.Fatalf("report = %+v", report)
		}
	})
}

func TestBadRecordWhileRunning(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	mustAppend(t, j, 1, damagedRecords)
	spoilData(t, filepath.Join(dir, dbName), makeRecord(123).Data)
	wantRecords(t, j, 1, damagedRecords)
	if h := j.Health(); h.Repaired != 1 || h.State != StateOK {
		t.Fatalf("Health = %+v", h)
	}
	spoilData(t, filepath.Join(dir, dbName), makeRecord(124).Data)
	spoilLedgerRecord(t, dir, 124)
	recs, err := readAll(j, 1)
	if bad, ok := errorsAsCorrupt(err); !ok || bad.Seq != 124 || len(recs) != 123 {
		t.Fatalf("%d records and %v", len(recs), err)
	}
}

func TestBothCopiesLost(t *testing.T) {
	dir := filledDir(t, 10)
	if err := os.Remove(filepath.Join(dir, dbName)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ledgerName)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := Open(t.Context(), testOptions(dir)); !errors.Is(err, ErrLost) {
			t.Fatalf("Open = %v, want ErrLost", err)
		}
	}
}

func TestLedgerLostIsWrittenAnew(t *testing.T) {
	dir := filledDir(t, damagedRecords)
	if err := os.RemoveAll(filepath.Join(dir, ledgerName)); err != nil {
		t.Fatal(err)
	}
	if report := mustRecover(t, dir); report.LedgerCaughtUp != damagedRecords {
		t.Fatalf("report = %+v", report)
	}
	if err := os.Remove(filepath.Join(dir, dbName)); err != nil {
		t.Fatal(err)
	}
	mustRecover(t, dir)
}

// TestLostCommitsComeBackFromTheLedger is the card that lies about fsync: journal.db opens clean but is old.
func TestLostCommitsComeBackFromTheLedger(t *testing.T) {
	for _, had := range []uint64{0, 1, 99, 400} {
		t.Run(fmt.Sprintf("had-%d", had), func(t *testing.T) {
			dir := t.TempDir()
			j, _ := mustOpen(t, testOptions(dir))
			mustAppend(t, j, 1, had)
			old, err := os.ReadFile(filepath.Join(dir, dbName))
			if err != nil {
				t.Fatal(err)
			}
			mustAppend(t, j, had+1, damagedRecords)
			mustClose(t, j)
			if err := os.WriteFile(filepath.Join(dir, dbName), old, fileMode); err != nil {
				t.Fatal(err)
			}
			report := mustRecover(t, dir)
			if report.CaughtUp != int(damagedRecords-had) || !report.MayMissTail || report.LedgerDiverged {
				t.Fatalf("report = %+v", report)
			}
		})
	}
}

func TestTornLedgerIsCutAndFilled(t *testing.T) {
	dir := filledDir(t, damagedRecords)
	paths, err := ledgerFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(paths[len(paths)-2])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(paths[len(paths)-2], info.Size()-7); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths[len(paths)-1], []byte("OKJ\x01torn"), fileMode); err != nil {
		t.Fatal(err)
	}
	report := mustRecover(t, dir)
	if !report.LedgerTorn || report.LedgerCaughtUp != 2 {
		t.Fatalf("report = %+v", report)
	}
	if result, err := VerifyLedger(dir); err != nil || result.BadBytes != 0 || result.Records != damagedRecords {
		t.Fatalf("ledger = %+v, %v", result, err)
	}
}

func TestContradictingLedgerIsSetAside(t *testing.T) {
	dir := filledDir(t, 300)
	other := t.TempDir()
	j, _ := mustOpen(t, testOptions(other))
	mustAppend(t, j, 1, 150)
	odd := makeRecord(151)
	odd.Data = []byte("another history")
	if err := j.Append(t.Context(), []Record{odd}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, 152, 350)
	mustClose(t, j)
	if err := os.RemoveAll(filepath.Join(dir, ledgerName)); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, ledgerName), os.DirFS(filepath.Join(other, ledgerName))); err != nil {
		t.Fatal(err)
	}
	j, report := mustOpen(t, testOptions(dir))
	wantRecords(t, j, 1, 300)
	if !report.LedgerDiverged || !report.MayMissTail || len(report.Leftover) != 50 || report.LedgerCaughtUp != 300 {
		t.Fatalf("diverged %v, may miss %v, leftover %d, caught up %d",
			report.LedgerDiverged, report.MayMissTail, len(report.Leftover), report.LedgerCaughtUp)
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	dir := filledDir(t, 50)
	for range quarantineKeep + 3 {
		if err := os.Truncate(filepath.Join(dir, dbName), 10_000); err != nil {
			t.Fatal(err)
		}
		j, report := mustOpen(t, testOptions(dir))
		wantRecords(t, j, 1, 50)
		mustClose(t, j)
		if _, err := os.Stat(report.Quarantined); err != nil {
			t.Fatal(err)
		}
	}
	names, err := listNames(filepath.Join(dir, quarantineName))
	if err != nil || len(names) != quarantineKeep {
		t.Fatalf("quarantine = %v, %v", names, err)
	}
}

// spoilLedgerRecord flips a bit in one record of the ledger.
func spoilLedgerRecord(t *testing.T, dir string, seq uint64) {
	t.Helper()
	paths, err := ledgerFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		for at, err := range scanFile(path) {
			if err != nil {
				t.Fatal(err)
			}
			if at.Seq == seq {
				if err := corruptAt(path, at.end-1, []byte{at.raw[len(at.raw)-1] ^ 4}); err != nil {
					t.Fatal(err)
				}
				return
			}
		}
	}
	t.Fatalf("no record %d in the ledger", seq)
}

// spoilData flips a bit in every occurrence of data, live or in a freed page.
func spoilData(t *testing.T, path string, data []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for at := 0; ; {
		i := bytes.Index(b[at:], data)
		if i < 0 {
			break
		}
		at += i
		if err := corruptAt(path, int64(at), []byte{data[0] ^ 1}); err != nil {
			t.Fatal(err)
		}
		at++
		found = true
	}
	if !found {
		t.Fatal("the record to spoil is not in the file")
	}
}

func corruptAt(path string, offset int64, b []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, offset)
	return errors.Join(err, f.Close())
}
