package okienko_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/okienko/okienko"

// layer is one row of the import table of docs/architecture.md: the packages whose path begins
// with at may import what is in may, besides the standard library and their own folder's packages
// where self is set. The longest at wins.
type layer struct {
	at   string
	may  []string // packages of this module; with /... those below too
	lib  []string // modules or packages of others, with what is below them
	self bool     // packages below at may import each other
	pure bool     // no I/O, no waiting, no clock
	why  string
}

func table() []layer {
	const wiring = "only cmd wires concrete drivers to the agent"
	pureLibs := []string{"golang.org/x/text"}
	drawing := []string{"golang.org/x/text", "golang.org/x/image", "rsc.io/qr"}
	return []layer{
		{at: "", why: "the root holds only the tests of the tree"},
		{at: "scripts", why: "scripts serve the Makefile and are no part of the product"},
		{
			at: "scripts/hil", may: []string{"drivers/emulator/..."}, lib: []string{"golang.org/x/sys"}, self: true,
			why: "the world around the agent knows devices by their bytes and the agent by its API, as the real world does",
		},
		{at: "protocol", pure: true, why: "protocol is the vocabulary that everything shares"},
		{at: "drivers/paper", pure: true, why: "a document knows nothing of printers and tickets"},
		{
			at: "configs", lib: []string{"github.com/goccy/go-yaml", "github.com/google/jsonschema-go"},
			why: "configs reads files for everybody and knows nobody",
		},
		{at: "drivers", may: []string{"drivers/paper"}, why: "the interfaces of devices know no device"},
		{
			at: "drivers/escpos", may: []string{"drivers", "drivers/paper", "configs"}, lib: drawing, self: true, pure: true,
			why: "the encoder turns a document into bytes and does nothing else",
		},
		{
			at: "drivers/printer", may: []string{"drivers", "drivers/paper", "drivers/serialport", "drivers/escpos", "configs"},
			lib: []string{"golang.org/x/sys"}, self: true, why: "a driver knows nothing of queues",
		},
		{
			at: "drivers/serialport", may: []string{"drivers"}, lib: []string{"github.com/tarm/serial", "golang.org/x/sys"},
			why: "a serial port knows no device",
		},
		{
			at: "drivers/gpio", may: []string{"drivers"}, lib: []string{"periph.io/x/conn/v3", "periph.io/x/host/v3", "golang.org/x/sys"}, self: true,
			why: "lines of a chip know no device",
		},
		{
			at: "drivers/panel", may: []string{"drivers", "drivers/gpio", "configs"}, lib: []string{"periph.io/x/conn/v3"}, self: true,
			why: "a driver knows nothing of queues",
		},
		{
			at: "drivers/board", may: []string{"drivers", "drivers/gpio", "drivers/serialport", "configs"},
			lib: []string{"periph.io/x/conn/v3", "periph.io/x/host/v3", "golang.org/x/sys"}, self: true, why: "a driver knows nothing of queues",
		},
		{
			at: "drivers/speaker", may: []string{"drivers", "drivers/gpio", "drivers/serialport", "configs"},
			lib: []string{"periph.io/x/conn/v3", "golang.org/x/sys"}, self: true, why: "a driver knows nothing of queues",
		},
		{
			at:   "drivers/emulator",
			lib:  []string{"golang.org/x/image", "golang.org/x/text", "golang.org/x/sys", "github.com/creack/pty", "github.com/makiuchi-d/gozxing", "rsc.io/qr"},
			self: true, why: "the emulator checks the encoder and so shares nothing with it",
		},
		{
			at: "drivers/drivertest", may: []string{"drivers/..."}, lib: []string{"github.com/creack/pty", "golang.org/x/sys"}, self: true,
			why: "suites for drivers know nothing of queues",
		},
		{at: "agent", may: []string{"agent/...", "drivers", "drivers/paper", "protocol", "configs"}, why: wiring},
		{
			at: "agent/journal", may: []string{"agent/...", "protocol"}, lib: []string{"go.etcd.io/bbolt", "golang.org/x/sys"}, self: true,
			why: "the journal keeps events and knows no rules of devices",
		},
		{at: "agent/atomicfile", why: "writing a file durably knows nothing of what is in it"},
		{at: "agent/clock", may: []string{"agent/...", "protocol"}, lib: []string{"golang.org/x/sys"}, why: wiring},
		{at: "agent/access", may: []string{"agent/...", "protocol"}, lib: []string{"golang.org/x/crypto", "golang.org/x/sys"}, self: true, why: wiring},
		{
			at: "agent/web", may: []string{"agent/...", "drivers", "drivers/paper", "protocol", "configs"},
			lib: []string{"golang.org/x/text", "rsc.io/qr"}, self: true, why: wiring,
		},
		{at: "agent/queue", may: []string{"protocol"}, lib: pureLibs, self: true, pure: true, why: "the rules are a pure state machine"},
		{
			at: "agent/estimate", may: []string{"protocol", "agent/queue"}, lib: pureLibs, self: true, pure: true,
			why: "an estimate is a function of the state",
		},
		{at: "agent/announce", may: []string{"protocol", "drivers/paper"}, lib: pureLibs, self: true, pure: true, why: "a phrase is a function of the call"},
		{
			at: "agent/ticket", may: []string{"protocol", "drivers/paper"}, lib: drawing, self: true, pure: true,
			why: "a layout is a function of the ticket",
		},
		{
			at: "cmd", may: []string{"agent/...", "drivers/...", "protocol", "configs"}, self: true,
			lib: []string{
				"github.com/alecthomas/kong", "github.com/creack/pty", "golang.org/x/sys",
				"golang.org/x/image", "golang.org/x/text", "rsc.io/qr",
			},
			why: "commands wire everything; a new library needs a row here and in docs/dependencies.md",
		},
	}
}

// testLibs may be imported by test files only.
func testLibs() []string {
	return []string{
		"pgregory.net/rapid", "github.com/google/go-cmp", "go.uber.org/goleak", "github.com/chromedp", "github.com/anishathalye/porcupine",
		"github.com/santhosh-tekuri/jsonschema", "github.com/makiuchi-d/gozxing", "github.com/goccy/go-yaml",
		"github.com/google/jsonschema-go", "github.com/creack/pty", "go.etcd.io/bbolt", "golang.org/x", "rsc.io/qr",
	}
}

// impure is what a pure package must not import, with the reason.
func impure() map[string]string {
	return map[string]string{
		"os": "no I/O", "net": "no I/O", "net/http": "no I/O", "os/exec": "no I/O", "io/ioutil": "no I/O", "syscall": "no I/O",
		"log": "reports by return values", "log/slog": "reports by return values", "context": "does not wait", "sync": "no goroutines",
		"sync/atomic": "no goroutines", "math/rand": "chance comes in as an argument", "crypto/rand": "chance comes in as an argument",
		"unsafe": "plain data",
	}
}

// goPackage is what go list tells of one package.
type goPackage struct {
	ImportPath, Dir, Doc               string
	Imports, TestImports, XTestImports []string
}

// listPackages asks the go command, slow tests included.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-tags", "slow,hil",
		"-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// below reports whether a path is the folder or something inside of it.
func below(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

// layerOf finds the row for a package of this module.
func layerOf(t *testing.T, folder string) layer {
	t.Helper()
	best := layer{}
	for _, l := range table() {
		if (l.at == "" && folder == "" || l.at != "" && below(folder, l.at)) && len(l.at) >= len(best.at) {
			best = l
		}
	}
	if best.why == "" {
		t.Errorf("%s has no row in the import table of imports_test.go and docs/architecture.md", folder)
	}
	return best
}

func TestImports(t *testing.T) {
	for _, p := range listPackages(t) {
		folder := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		l := layerOf(t, folder)
		for _, imported := range p.Imports {
			if why := l.refuses(folder, imported, false); why != "" {
				t.Errorf("%s imports %s: %s", folder, imported, why)
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if why := l.refuses(folder, imported, true); why != "" {
				t.Errorf("a test of %s imports %s: %s", folder, imported, why)
			}
		}
	}
}

// refuses says why a package of this layer may not import what it does, or "".
func (l layer) refuses(folder, imported string, test bool) string {
	if inside, ours := strings.CutPrefix(imported, module); ours {
		return l.refusesOurs(folder, strings.TrimPrefix(inside, "/"), test)
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		if why, banned := impure()[imported]; banned && l.pure && !test {
			return path.Base(folder) + " is pure: " + why
		}
		return ""
	}
	allowed := l.lib
	if test {
		allowed = slices.Concat(allowed, testLibs())
	}
	if slices.ContainsFunc(allowed, func(lib string) bool { return below(imported, lib) }) {
		return ""
	}
	return "each library has one importing package (imports_test.go, docs/dependencies.md)"
}

// refusesOurs is refuses for a package of this module.
func (l layer) refusesOurs(folder, imported string, test bool) string {
	if below(imported, "cmd") && !below(folder, "cmd") {
		return "commands are not imported"
	}
	if imported == folder || l.self && below(imported, l.at) {
		return ""
	}
	if test && !l.pure && (below(imported, "drivers/emulator") || below(imported, "drivers/drivertest")) && l.at != "drivers/emulator" {
		return ""
	}
	if slices.ContainsFunc(l.may, func(row string) bool {
		tree, all := strings.CutSuffix(row, "/...")
		return row == imported || all && below(imported, tree)
	}) {
		return ""
	}
	return l.why
}

// TestHardwareLibraries: what ships holds none of the hardware code that was measured to do harm: the
// memory-mapped GPIO of a Raspberry Pi, which host.Init loads and which is wrong on a Pi 5, and
// gpioutil's debounce, which ignores its arguments (reference/hardware.md sections 1.1 and 7). tarm/serial
// has the one importer of the table.
func TestHardwareLibraries(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if strings.Contains(dep, "bcm283x") || dep == "periph.io/x/host/v3" || strings.HasSuffix(dep, "/gpioutil") {
			t.Errorf("the programs hold %s", dep)
		}
	}
	var importers []string
	for _, p := range listPackages(t) {
		if slices.Contains(p.Imports, "github.com/tarm/serial") {
			importers = append(importers, strings.TrimPrefix(p.ImportPath, module+"/"))
		}
	}
	if !slices.Equal(importers, []string{"drivers/serialport"}) {
		t.Errorf("tarm/serial is imported by %v", importers)
	}
}
