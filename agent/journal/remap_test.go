package journal

import (
	"bytes"
	"testing"
)

// TestPagesAreGivenBack: reading and writing much maps the file anew, and nothing is lost by it.
func TestPagesAreGivenBack(t *testing.T) {
	j, _ := mustOpen(t, testOptions(t.TempDir()))
	t.Cleanup(func() { _ = j.Close() })
	const records = 3000
	data := bytes.Repeat([]byte("x"), 2000) // 6 MB in all
	before := j.store
	for seq := uint64(1); seq <= records; seq += 100 {
		var batch []Record
		for n := range uint64(100) {
			batch = append(batch, Record{Seq: seq + n, At: int64(seq), Day: "2026-11-24", Data: data})
		}
		if err := j.Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if j.store == before {
		t.Error("6 MB were written and the file is still mapped as at the start")
	}
	before = j.store
	want := uint64(1)
	for record, err := range j.Read(1) {
		if err != nil || record.Seq != want || !bytes.Equal(record.Data, data) {
			t.Fatalf("record %d of %d: %v", record.Seq, want, err)
		}
		want++
	}
	if want != records+1 || j.store == before {
		t.Errorf("read %d records; mapped anew: %v", want-1, j.store != before)
	}
	if left := j.touched.Load(); left >= remapAfter {
		t.Errorf("%d bytes are left in memory", left)
	}
}
