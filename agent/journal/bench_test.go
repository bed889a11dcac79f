package journal

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"
)

// benchDir is on the disk that the work tree is on: a temporary folder may be memory, where fsync costs
// nothing.
func benchDir(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp(".", "bench-*.tmp") //nolint:usetesting // b.TempDir may be on tmpfs
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}

func benchRecord(seq uint64) Record {
	return Record{Seq: seq, At: int64(seq), Day: "2026-11-23", Data: make([]byte, 300)}
}

// BenchmarkDurable compares one durable record with a bare bbolt commit of the same size and with a bare 4
// KiB write and fdatasync on the same disk. The goal of issue 1 is journal ≤ 1.2 × bbolt.
func BenchmarkDurable(b *testing.B) {
	b.Run("journal", func(b *testing.B) {
		j, _ := mustOpen(b, testOptions(benchDir(b)))
		seq := uint64(0)
		b.ReportAllocs()
		for b.Loop() {
			seq++
			if err := j.Append(b.Context(), []Record{benchRecord(seq)}); err != nil {
				b.Fatal(err)
			}
		}
		mustClose(b, j)
	})
	b.Run("bbolt", func(b *testing.B) {
		db, err := bbolt.Open(filepath.Join(benchDir(b), "bare.db"), fileMode, &bbolt.Options{
			FreelistType: bbolt.FreelistMapType, InitialMmapSize: initialMmap, PageSize: pageSize,
		})
		if err != nil {
			b.Fatal(err)
		}
		db.AllocSize = allocSize
		seq := uint64(0)
		value := make([]byte, headerLen+300)
		b.ReportAllocs()
		for b.Loop() {
			seq++
			err := db.Update(func(tx *bbolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists([]byte("records"))
				if err != nil {
					return err
				}
				return bucket.Put(binary.BigEndian.AppendUint64(nil, seq), value)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("write4k", func(b *testing.B) {
		f, err := os.Create(filepath.Join(benchDir(b), "bare"))
		if err != nil {
			b.Fatal(err)
		}
		page := make([]byte, 4096)
		for b.Loop() {
			if _, err := f.Write(page); err != nil {
				b.Fatal(err)
			}
			if err := syscall.Fdatasync(int(f.Fd())); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkReplay reads 100,000 records, opens a journal of that size after a crash (full verification) and
// rebuilds it from its ledger.
func BenchmarkReplay(b *testing.B) {
	const count = 100_000
	dir := benchDir(b)
	fill := func(j *Journal) {
		for first := uint64(1); first <= count; first += 1000 {
			recs := make([]Record, 1000)
			for i := range recs {
				recs[i] = benchRecord(first + uint64(i))
			}
			if err := j.Append(b.Context(), recs); err != nil {
				b.Fatal(err)
			}
		}
	}
	j, _ := mustOpen(b, testOptions(dir))
	fill(j)
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			seen := 0
			for _, err := range j.Read(1) {
				if err != nil {
					b.Fatal(err)
				}
				seen++
			}
			if seen != count {
				b.Fatalf("%d records", seen)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/record")
	})
	mustClose(b, j)
	for name, prepare := range map[string]func() error{
		"open-clean":   func() error { return nil },
		"open-crashed": func() error { return removeDurably(dir, cleanName) },
		"restore":      func() error { return os.Remove(filepath.Join(dir, dbName)) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := prepare(); err != nil {
					b.Fatal(err)
				}
				j, report := mustOpen(b, testOptions(dir))
				if report.Last != count {
					b.Fatalf("report = %+v", report)
				}
				mustClose(b, j)
			}
		})
	}
}
