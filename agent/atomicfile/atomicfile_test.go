package atomicfile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/okienko/okienko/agent/atomicfile"
)

// check wants exactly one file in the directory of path, with this content and mode.
func check(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("content %q, %v; want %q", got, err, content)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != mode {
		t.Errorf("file %v, %v; want mode %v", info, err, mode)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("directory holds %v, %v; want the file alone", entries, err)
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for _, content := range []string{"first", "", "a longer second one", "short"} {
		if err := atomicfile.Write(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		check(t, path, content, 0o600)
	}
	if err := atomicfile.Write(path, []byte("public"), 0o666); err != nil {
		t.Fatal(err)
	}
	check(t, path, "public", 0o666) // whatever the umask says
}

// TestLeftoverOfAPowerCut: a cut may leave a file aside of any length and mode, beside the old content.
func TestLeftoverOfAPowerCut(t *testing.T) {
	for name, leftover := range map[string][]byte{
		"empty": {}, "torn": []byte("ne"), "longer": bytes.Repeat([]byte("x"), 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			if err := atomicfile.Write(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+atomicfile.Aside, leftover, 0o644); err != nil { //nolint:gosec // what if it were public
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
				t.Errorf("after the cut: %q, %v", got, err)
			}
			if err := atomicfile.Write(path, []byte("new"), 0o600); err != nil {
				t.Fatal(err)
			}
			check(t, path, "new", 0o600)
		})
	}
}

// TestOpenReaderKeepsTheOldFile proves that the file is replaced and not written over.
func TestOpenReaderKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := atomicfile.Write(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	if err := atomicfile.Write(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 8)
	if n, err := reader.Read(got); err != nil || string(got[:n]) != "old" {
		t.Errorf("the open file holds %q, %v", got[:n], err)
	}
}

func TestFailureLeavesTheOldContent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(path, []byte("new"), 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("directory holds %v, %v; want the folder alone", entries, err)
	}
	err := atomicfile.Write(filepath.Join(dir, "absent", "secret"), nil, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("write into a missing folder: %v", err)
	}
	if err := atomicfile.SyncDir(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("sync a missing folder: %v", err)
	}
}
