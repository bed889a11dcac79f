package journal

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the samples of the present format anew") //nolint:gochecknoglobals // a flag

func TestFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Record{
			Seq:  rapid.Uint64().Draw(t, "seq"),
			At:   rapid.Int64().Draw(t, "at"),
			Day:  rapid.StringMatching(`|[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}`).Draw(t, "day"),
			Data: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data"),
		}
		prev := rapid.Uint32().Draw(t, "prev")
		b, crc, err := appendFrame([]byte("before"), want, prev)
		if err != nil {
			t.Fatal(err)
		}
		f, err := decodeFrame(append(b[len("before"):], "after"...))
		if err != nil || f.prev != prev || f.crc != crc || len(f.raw) != len(b)-len("before") {
			t.Fatalf("decoded %+v, %v", f, err)
		}
		if diff := diffRecords([]Record{want}, []Record{f.Record}); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestEveryFlippedBitOfAFrameIsFound is what CRC-32C promises: it finds every single bit error.
func TestEveryFlippedBitOfAFrameIsFound(t *testing.T) {
	b, _, err := appendFrame(nil, makeRecord(77), 12345)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if f, err := decodeFrame(b); err == nil {
			t.Fatalf("bit %d flipped, decoded as %+v", i, f)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	for n := range b {
		if _, err := decodeFrame(b[:n]); !errors.Is(err, errShortFrame) {
			t.Fatalf("first %d bytes: %v", n, err)
		}
	}
}

func TestDays(t *testing.T) {
	for _, day := range []string{"", "2026-11-23", "0001-01-01", "9999-12-31"} {
		n, err := packDay(day)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unpackDay(n); err != nil || got != day {
			t.Fatalf("%q became %q, %v", day, got, err)
		}
	}
	for _, day := range []string{"2026-11-2", "2026/11/23", "0000-00-00", "../../etc", "20261123", "2026-1a-23"} {
		if _, err := packDay(day); !errors.Is(err, ErrBadDay) {
			t.Fatalf("packDay(%q) = %v", day, err)
		}
	}
	if _, err := unpackDay(100_000_000); !errors.Is(err, ErrBadDay) {
		t.Fatal("nine digits were taken for a day")
	}
}

// TestScanStepsOverGarbage puts garbage of every kind between frames: all frames and nothing else must come
// out.
func TestScanStepsOverGarbage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		var want []Record
		for seq := range rapid.Uint64Range(1, 20).Draw(t, "count") {
			garbage := rapid.OneOf(
				rapid.Just([]byte(nil)), rapid.Just([]byte("OKJ")), rapid.Just([]byte("OKOKJOKJ\x01")),
				rapid.Just(bytes.Repeat([]byte("OKJ\x01"), 12)), rapid.SliceOfN(rapid.Byte(), 0, 50),
			).Draw(t, "garbage")
			b = append(b, garbage...)
			if n := len(garbage); rapid.Bool().Draw(t, "torn") {
				torn, _, _ := appendFrame(nil, makeRecord(seq), 0)
				b = append(b, torn[:(n*37)%len(torn)]...)
			}
			b, _, _ = appendFrame(b, makeRecord(seq), 0)
			want = append(want, makeRecord(seq))
		}
		var got []Record
		for at, err := range scanFrames(bytes.NewReader(b)) {
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b[at.offset:at.end], at.raw) {
				t.Fatalf("frame %d is not where it says", at.Seq)
			}
			got = append(got, at.Record)
		}
		if diff := diffRecords(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, seq := range []uint64{1, 199, 1 << 40} {
		b, _, err := appendFrame(nil, makeRecord(seq), 7)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-3])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeFrame(b)
		if err != nil {
			return
		}
		again, crc, err := appendFrame(nil, got.Record, got.prev)
		if err != nil || crc != got.crc || !bytes.Equal(again, b[:len(again)]) {
			t.Fatalf("decoded %+v, encoded %x, %v", got, again, err)
		}
	})
}

func FuzzLedger(f *testing.F) {
	var b []byte
	var crc uint32
	for seq := uint64(1); seq < 6; seq++ {
		b, crc, _ = appendFrame(b, makeRecord(seq), crc)
	}
	f.Add(b)
	f.Add(append([]byte("OKJ\x01garbage"), b[5:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var last int64
		for at, err := range scanFrames(bytes.NewReader(b)) {
			if err != nil {
				t.Fatal(err)
			}
			raw := b[at.offset:at.end]
			if at.offset < last || lengthOf(raw) != len(raw) || frameCRC(raw[:crcAt], at.Data) != at.crc {
				t.Fatalf("yielded a bad record at %d: %+v", at.offset, at)
			}
			last = at.end
		}
	})
}

func lengthOf(raw []byte) int {
	return headerLen + int(raw[4])<<24 + int(raw[5])<<16 + int(raw[6])<<8 + int(raw[7])
}

// sampleRecords are the records in testdata/v1; they must never change.
func sampleRecords() []Record {
	return []Record{
		{Seq: 1, At: 1795416000000, Day: "", Data: []byte(`{"kind":"Provisioned","branch":"torun-um"}`)},
		{Seq: 2, At: 1795420800000, Day: "2026-11-23", Data: []byte(`{"kind":"DayOpened"}`)},
		{Seq: 3, At: 1795420815250, Day: "2026-11-23", Data: []byte(`{"kind":"TicketTaken","number":"A45","note":"Zażółć"}`)},
		{Seq: 4, At: 1795507200000, Day: "2026-11-24", Data: []byte{}},
		{Seq: 5, At: -1, Day: "2026-11-24", Data: []byte{0, 1, 2, 0xff}},
	}
}

const sampleDir = "testdata/v1"

func writeSample(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	j, _ := mustOpen(t, testOptions(dir))
	if err := j.Append(t.Context(), sampleRecords()); err != nil {
		t.Fatal(err)
	}
	if err := j.SetCursor("link", 3); err != nil {
		t.Fatal(err)
	}
	var size int64
	if err := j.store.view(func(tx *bbolt.Tx) error { size = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	// The file grows in large steps; pages never used are not worth keeping in the repository.
	if err := os.Truncate(filepath.Join(dir, dbName), size); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{cleanName, lockName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(sampleDir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(sampleDir, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}

// TestFormat1IsReadableForEver opens journals that an earlier version wrote: both copies, and each alone.
func TestFormat1IsReadableForEver(t *testing.T) {
	if *update {
		writeSample(t)
	}
	for name, lost := range map[string]string{"both": "", "ledger-only": dbName, "journal-only": ledgerName} {
		t.Run(name, func(t *testing.T) {
			dir := copyDir(t, sampleDir)
			if lost != "" {
				if err := os.RemoveAll(filepath.Join(dir, lost)); err != nil {
					t.Fatal(err)
				}
			}
			j, report := mustOpen(t, testOptions(dir))
			got, err := readAll(j, 1)
			if err != nil {
				t.Fatal(err)
			}
			if diff := diffRecords(sampleRecords(), got); diff != "" {
				t.Fatal(diff)
			}
			if (report.Damage != "") != (lost == dbName) || report.LedgerTorn || report.LedgerDiverged {
				t.Fatalf("report = %+v", report)
			}
			if got, err := j.Cursor("link"); err != nil || (got != 3) != (lost == dbName) {
				t.Fatalf("Cursor = %d, %v", got, err)
			}
			mustAppend(t, j, 6, 9)
		})
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	t.Run("marker", func(t *testing.T) {
		dir := filledDir(t, 3)
		if err := os.WriteFile(filepath.Join(dir, provisionedName), []byte(`{"format":2}`), fileMode); err != nil {
			t.Fatal(err)
		}
		wantNewer(t, dir)
	})
	t.Run("file", func(t *testing.T) {
		dir := filledDir(t, 3)
		db, err := bbolt.Open(filepath.Join(dir, dbName), fileMode, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyFormat), []byte{0, 0, 0, 2})
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		wantNewer(t, dir)
	})
}

func wantNewer(t *testing.T, dir string) {
	t.Helper()
	_, report, err := Open(t.Context(), testOptions(dir))
	if !errors.Is(err, ErrNewerFormat) || report.Quarantined != "" {
		t.Fatalf("Open = %v, report %+v", err, report)
	}
}
