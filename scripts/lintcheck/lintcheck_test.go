//go:build lint

// Package lintcheck proves that the linters still see what they are there for. A linter that was
// renamed, switched off or hidden by another finding on the same line is silent; so testdata holds a
// small module with one fault of each kind, and a test that each is reported.
package lintcheck

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// finding is a linter's name at a place.
type finding struct {
	file   string
	line   int
	linter string
}

func TestPlantedFaultsAreSeen(t *testing.T) {
	planted := wanted(t)
	if len(planted) < 20 {
		t.Fatalf("only %d faults are planted", len(planted))
	}
	reported := lint(t)
	for want := range planted {
		if !reported[want] {
			t.Errorf("%s:%d: %s no longer sees the fault planted here", want.file, want.line, want.linter)
		}
	}
	for got := range reported {
		if !planted[got] {
			t.Errorf("%s:%d: %s reports a fault that was not planted", got.file, got.line, got.linter)
		}
	}
}

// wanted reads the marks: a comment "want NAME NAME" at the end of a line.
func wanted(t *testing.T) map[finding]bool {
	t.Helper()
	mark := regexp.MustCompile(`// want ([a-z ]+)$`)
	found := map[finding]bool{}
	err := filepath.WalkDir("testdata/planted", func(path string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel("testdata/planted", path)
		for i, line := range strings.Split(string(data), "\n") {
			if m := mark.FindStringSubmatch(line); m != nil {
				for linter := range strings.FieldsSeq(m[1]) {
					found[finding{name, i + 1, linter}] = true
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// lint runs the linters of the house over a copy of the planted module, in a folder of its own: the
// exceptions in the configuration go by paths from the root of a module.
func lint(t *testing.T) map[finding]bool {
	t.Helper()
	tool, err := filepath.Abs("../../build/tools/golangci-lint")
	if err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	if err := os.CopyFS(base, os.DirFS("testdata/planted")); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("../../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, ".golangci.yml"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), tool, "run", "--path-mode", "abs", "--output.text.print-issued-lines=false", "./...")
	c.Dir = base
	// A workspace or flags of the caller must not reach the planted module; nor must its cache, since
	// the folder is new each time.
	c.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off", "GOLANGCI_LINT_CACHE="+t.TempDir())
	out, err := c.Output()
	if err == nil {
		t.Fatalf("the linters found nothing:\n%s", out)
	}
	row := regexp.MustCompile(`^(.+?\.go):(\d+)(?::\d+)?: .*\(([a-z]+)\)$`)
	reported := map[finding]bool{}
	for scanner := bufio.NewScanner(strings.NewReader(string(out))); scanner.Scan(); {
		if m := row.FindStringSubmatch(scanner.Text()); m != nil {
			line, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(base, m[1])
			if err != nil {
				t.Fatal(err)
			}
			reported[finding{name, line, m[3]}] = true
		}
	}
	if len(reported) == 0 {
		t.Fatalf("nothing could be read of:\n%s", out)
	}
	return reported
}
