// Package okienko_test holds the tests of the tree itself: who may import whom, sizes, documents
// and habits of the house (CONTRIBUTING.md). Each failure says the rule and its reason.
package okienko_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The sizes of the house (TigerBeetle's style has the same 70 lines). A table test is long because
// of its rows.
const (
	maxFileLines     = 600
	maxFuncLines     = 70
	maxTestFuncLines = 120
	maxSubject       = 72
)

// source is one parsed Go file.
type source struct {
	path  string
	test  bool
	lines int
	set   *token.FileSet
	file  *ast.File
}

// sources parses every Go file of the tree.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	walk(t, ".go", func(path string, data []byte) {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{
			path: path, test: strings.HasSuffix(path, "_test.go"),
			lines: strings.Count(string(data), "\n"), set: set, file: file,
		})
	})
	if len(all) < 20 {
		t.Fatalf("only %d Go files found", len(all))
	}
	return all
}

// walk calls f with every file of the tree that has the ending, outside of what is built,
// installed or planted.
func walk(t *testing.T, ending string, f func(path string, data []byte)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "build", "node_modules", "testdata"}, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) == ending {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f(path, data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > maxFileLines {
			t.Errorf("%s has %d lines; at most %d: split it by what its parts are about", s.path, s.lines, maxFileLines)
		}
		limit := maxFuncLines
		if s.test {
			limit = maxTestFuncLines
		}
		for _, decl := range s.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if n := s.set.Position(fn.End()).Line - s.set.Position(fn.Pos()).Line + 1; n > limit {
				t.Errorf("%s: %s has %d lines; at most %d: name its parts", s.path, fn.Name.Name, n, limit)
			}
		}
	}
}

func TestPackageDocs(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		folder, name := filepath.Dir(s.path), s.file.Name.Name
		switch name {
		case "util", "utils", "common", "helpers", "helper", "misc", "shared":
			t.Errorf("%s: package %s: a package is named for what it holds", s.path, name)
		}
		if s.test && strings.HasSuffix(name, "_test") && folder != "." {
			continue
		}
		has := s.file.Doc != nil && len(strings.Fields(s.file.Doc.Text())) >= 8 && !strings.HasPrefix(s.file.Doc.Text(), "TODO")
		documented[folder] = documented[folder] || has
	}
	for folder, has := range documented {
		if !has {
			t.Errorf("%s has no package comment: say what it is for, what it guarantees, who owns its goroutines", folder)
		}
	}
}

func TestHabits(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: init(): things start where cmd starts them, in an order that can be read", s.path)
				}
			case *ast.CallExpr:
				if why := badCall(s, n); why != "" {
					t.Errorf("%s: %s", s.set.Position(n.Pos()), why)
				}
			}
			return true
		})
	}
}

// badCall says why a test must not make a call, or "".
func badCall(s source, call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !s.test {
		return ""
	}
	receiver, _ := selector.X.(*ast.Ident)
	switch selector.Sel.Name {
	case "Skip", "Skipf", "SkipNow":
		return "a skipped test proves nothing: fail and say what to install (scripts/setup does it)"
	case "Sleep":
		if receiver != nil && receiver.Name == "time" && !importsSynctest(s.file) {
			return "time.Sleep makes a test slow or flaky: await the event, or use testing/synctest"
		}
	}
	return ""
}

// importsSynctest reports whether the file's clock may be that of a bubble, where sleeping is free.
func importsSynctest(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, decl := range s.file.Decls {
			for _, name := range undocumented(decl) {
				t.Errorf("%s: %s has no comment: say what it guarantees, units, errors, concurrency", s.path, name)
			}
		}
	}
}

// undocumented lists the exported names of a declaration that nothing is said about.
func undocumented(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedReceiver(d.Recv)) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch sp := spec.(type) {
			case *ast.TypeSpec:
				if sp.Name.IsExported() && d.Doc == nil && sp.Doc == nil {
					names = append(names, sp.Name.Name)
				}
			case *ast.ValueSpec:
				if sp.Names[0].IsExported() && d.Doc == nil && sp.Doc == nil && sp.Comment == nil {
					names = append(names, sp.Names[0].Name)
				}
			}
		}
		return names
	}
	return nil
}

// exportedReceiver reports whether a method's type can be seen from outside.
func exportedReceiver(list *ast.FieldList) bool {
	expr := list.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

func TestDependencies(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(mod), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) > 0 && words[0] == "replace":
			t.Error("go.mod has a replace: what is tested must be what others build")
		case len(words) == 2 && strings.HasPrefix(words[1], "v") && !strings.Contains(string(docs), "`"+words[0]+"`"):
			t.Errorf("%s has no row in docs/dependencies.md: say why, its licence and what would replace it", words[0])
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(docs), -1) {
		known := strings.Contains(string(mod), m[1]+" v")
		for _, other := range []string{"scripts/tools/go.mod", "scripts/npm/package.json", "drivers/emulator/foreign/package.json"} {
			data, err := os.ReadFile(other)
			known = known || err == nil && strings.Contains(string(data), m[1])
		}
		if !known {
			t.Errorf("docs/dependencies.md explains %s, which nothing uses", m[1])
		}
	}
}

func TestDocuments(t *testing.T) {
	numbered := regexp.MustCompile(`\b[\w/-]+\.(go|mod|yaml):\d+`)
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	walk(t, ".md", func(path string, data []byte) {
		if at := numbered.Find(data); at != nil && !strings.HasSuffix(path, "operations.md") {
			t.Errorf("%s cites %s: lines move, so cite the symbol", path, at)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			target := filepath.Join(filepath.Dir(path), m[1])
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
	})
	for _, path := range []string{"README.md", "LICENSE", "SECURITY.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md", "docs/testing.md"} {
		if data, err := os.ReadFile(path); err != nil || len(data) < 200 {
			t.Errorf("%s is missing or empty", path)
		}
	}
}

// One word per thing: the glossary names each word that people and code share.
func TestGlossary(t *testing.T) {
	data, err := os.ReadFile("docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{
		"ticket", "bilet", "counter", "stanowisko", "service", "call", "wezwanie", "recall", "no-show", "niestawienie",
		"announcement", "zapowiedź", "branch", "oddział", "clerk", "pracownik", "visitor", "klient", "journal", "ledger", "grade",
	} {
		if !strings.Contains(string(data), word) {
			t.Errorf("docs/glossary.md does not explain %q", word)
		}
	}
}

func TestCommitSubjects(t *testing.T) {
	if _, err := os.Stat(".git"); err != nil {
		return // a source archive has no history to check
	}
	out, err := exec.CommandContext(t.Context(), "git", "log", "-200", "--no-merges", "--format=%h %s").Output()
	if err != nil {
		t.Fatalf("git log: %v", err)
	}
	scoped := regexp.MustCompile(`^[a-z0-9][a-z0-9./, -]*: \S`)
	for line := range strings.Lines(string(out)) {
		hash, subject, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if utf8.RuneCountInString(subject) > maxSubject {
			t.Errorf("commit %s: the subject has more than %d letters: %q", hash, maxSubject, subject)
		}
		if !scoped.MatchString(subject) {
			t.Errorf("commit %s: %q does not begin with an area, like \"queue: ...\"", hash, subject)
		}
	}
}
