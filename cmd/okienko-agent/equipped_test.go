package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	emulator "github.com/okienko/okienko/drivers/emulator/board"
)

// boardsConfig hangs a board on SPI at counter 1 and one on RS-485 at counter 2.
const boardsConfig = `boards:
  - {counter: 1, kind: max7219, address: "spi:%s", digits: 4}
  - {counter: 2, kind: led485-modbus, address: "serial:%s?baud=9600", unit: 5, digits: 4}
`

// withBoards adds the emulated boards to a branch that has not been started.
func withBoards(t testing.TB, b *branch) (*emulator.Cascade, *emulator.Unit) {
	t.Helper()
	spi, link := filepath.Join(b.dir, "spi"), filepath.Join(b.dir, "rs485")
	cascade, line := emulator.NewDigits(spi, 4), emulator.NewLine(link)
	unit := line.Add(5, 4, emulator.Modbus{First: 0x70, Letters: 2})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{cascade.Run, line.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	b.configure(fmt.Sprintf(boardsConfig, spi, link))
	return cascade, unit
}

// configure adds to the configuration, and makes the administrator's token.
func (b *branch) configure(text string) {
	b.t.Helper()
	f, err := os.OpenFile(b.config, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(text); err != nil {
		b.t.Fatal(err)
	}
	out, err := exec.CommandContext(b.t.Context(), b.binary, "token", "create", "--data", b.data, "--role", "admin").Output()
	if err != nil {
		b.t.Fatal(err)
	}
	b.tokens["admin"] = strings.TrimSpace(string(out))
}

// okay runs the agent's own command and returns what it prints.
func (b *branch) okay(args ...string) string {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), b.binary, args...) //nolint:gosec // our own binary
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		b.t.Fatalf("%v: %v\n%s", args, err, words.String())
	}
	return out.String()
}
