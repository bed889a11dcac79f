package board

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okienko/okienko/drivers/emulator/terminal"
)

// TestLineCanBeOpenedAgain: a program that took the line for itself and was killed does not keep the next one out.
func TestLineCanBeOpenedAgain(t *testing.T) {
	link := filepath.Join(t.TempDir(), "rs485")
	line := NewLine(link)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		if err := line.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	limit := time.After(20 * time.Second)
	look := time.NewTicker(time.Millisecond) // the kernel tells nobody of this bit
	defer look.Stop()
	again := func(why string) {
		select {
		case <-look.C:
		case <-limit:
			t.Fatal(why)
		}
	}
	open := func() *os.File {
		for {
			f, err := os.OpenFile(link, os.O_RDWR|syscall.O_NOCTTY, 0)
			if err == nil {
				return f
			}
			again("the line cannot be opened: " + err.Error())
		}
	}
	exclusive := func(f *os.File) (set int) {
		if err := terminal.Control(f, func(fd int) (err error) {
			set, err = unix.IoctlGetInt(fd, unix.TIOCGEXCL)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return set
	}
	first := open()
	if err := terminal.Control(first, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) }); err != nil {
		t.Fatal(err)
	}
	if exclusive(first) == 0 {
		t.Fatal("the line is not exclusive")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open()
	defer second.Close() //nolint:errcheck // nothing was written
	for exclusive(second) != 0 {
		again("the line is still taken")
	}
}
