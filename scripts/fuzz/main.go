// Command fuzz runs every fuzz target of the repository for a while, two at a time.
//
// It finds the targets by their names in the test files, so that a new one needs no list. It ends
// with 1 when one fails or when there is none.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// target is one fuzz function.
type target struct{ folder, name string }

func main() {
	each := flag.Duration("time", 20*time.Second, "how long each target runs")
	most := flag.Duration("first", 20*time.Second, "how long those run whose bytes come from outside every day")
	workers := flag.Int("workers", 2, "how many targets run at a time, each on one core")
	flag.Parse()
	targets, err := find(".")
	if err != nil || len(targets) == 0 {
		fmt.Println("fuzz: no targets found:", err)
		os.Exit(1)
	}
	if failed := runAll(targets, *each, max(*each, *most), *workers); failed > 0 {
		fmt.Printf("FAIL %d of %d fuzz targets\n", failed, len(targets))
		os.Exit(1)
	}
	fmt.Printf("fuzz: %d targets, %v to %v each, nothing found\n", len(targets), *each, max(*each, *most))
}

// first are the targets of what comes from outside every day: a printer's replies and a printer's bytes, the
// records of a card that may be damaged, people's configurations, and the bodies of requests.
func first() []string {
	return []string{"FuzzReplies", "FuzzEmulator", "FuzzRecord", "FuzzConfig", "FuzzJSONBodies"}
}

// runAll gives each target to a free worker and counts the failures.
func runAll(targets []target, each, most time.Duration, workers int) int {
	queue := make(chan target, len(targets))
	for _, t := range targets {
		queue <- t
	}
	close(queue)
	var (
		group  sync.WaitGroup
		mutex  sync.Mutex
		failed int
	)
	for range workers {
		group.Go(func() {
			for t := range queue {
				while := each
				if slices.Contains(first(), t.name) {
					while = most
				}
				out, err := fuzz(t, while)
				mutex.Lock()
				fmt.Printf("%s in %s\n%s\n", t.name, t.folder, out)
				if err != nil {
					failed++
				}
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	return failed
}

// fuzz runs one target and returns what is worth reading of its output: all when it failed.
func fuzz(t target, each time.Duration) (string, error) {
	//nolint:noctx // ends by its own time
	c := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$",
		"-fuzztime", each.String(), "-fuzzminimizetime", "2s", "-parallel", "1", "./"+t.folder)
	out, err := c.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err == nil && len(lines) > 3 {
		lines = lines[len(lines)-3:]
	}
	return strings.Join(lines, "\n"), err
}

// find parses the test files for functions that begin with Fuzz.
func find(root string) ([]target, error) {
	var targets []target
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", "build", "node_modules", "testdata":
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") {
				targets = append(targets, target{folder: filepath.Dir(path), name: fn.Name.Name})
			}
		}
		return nil
	})
	return targets, err
}
