package web_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// TestWeightOfScripts keeps the pages light: all JavaScript together in 15 kB, all style in 10 kB.
func TestWeightOfScripts(t *testing.T) {
	for pattern, limit := range map[string]int{"static/*.js": 15_000, "static/*.css": 10_000} {
		names, err := filepath.Glob(pattern)
		fatal(t, err)
		total := 0
		for _, name := range names {
			source, err := os.ReadFile(name)
			fatal(t, err)
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, err = w.Write(source)
			fatal(t, err)
			fatal(t, w.Close())
			total += packed.Len()
		}
		if len(names) == 0 || total > limit {
			t.Errorf("%s: %d files, %d bytes gzipped, limit %d", pattern, len(names), total, limit)
		}
	}
}
