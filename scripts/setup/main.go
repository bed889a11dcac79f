// Command setup installs what the tests need and the machine lacks: Debian packages by apt, as
// root or with sudo, and the pinned npm packages of the browser and encoder tests.
//
// It changes nothing when everything is there, and says what it does.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// need is one thing that tests use: a program, or a file when file is set, and its Debian package.
type need struct{ program, file, debian, use string }

func needs() []need {
	return []need{
		{program: "gcc", debian: "gcc libc6-dev", use: "the race detector"},
		{program: "chromium", debian: "chromium", use: "tests of the pages in a real browser"},
		{program: "zbarimg", debian: "zbar-tools", use: "reading QR codes off printed tickets"},
		{program: "tesseract", debian: "tesseract-ocr", use: "reading letters off printed tickets"},
		{
			file: "/usr/share/tesseract-ocr/*/tessdata/pol.traineddata", debian: "tesseract-ocr-pol",
			use: "reading Polish letters",
		},
		{program: "espeak-ng", debian: "espeak-ng", use: "voice packs"},
		{program: "strace", debian: "strace", use: "failing disk writes"},
		{program: "systemd-analyze", debian: "systemd", use: "holding the unit against what the agent does"},
		{program: "mkfs.ext4", debian: "e2fsprogs", use: "full and read-only disks"},
		{file: "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", debian: "fonts-dejavu-core", use: "letters in the browser"},
		{file: "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf", debian: "fonts-dejavu", use: "letters in the browser"},
		{program: "qemu-system-x86_64", debian: "qemu-system-x86 seabios", use: "the machine of make hil"},
		{program: "make", debian: "make", use: "kernel modules for make hil"},
		{program: "modprobe", debian: "kmod", use: "the modules of make hil"},
		{program: "xz", debian: "xz-utils", use: "the kernel's source for make hil"},
		{file: "/usr/lib/*/libelf.so.1", debian: "libelf1", use: "building the modules of make hil"},
		{program: "node", debian: "nodejs", use: "the foreign ticket encoders"},
		{program: "npm", debian: "npm", use: "the foreign ticket encoders"},
	}
}

// npmFolders hold a package-lock.json each.
func npmFolders() []string { return []string{"scripts/npm", "drivers/emulator/foreign"} }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

func run() error {
	missing := absent(needs())
	if len(missing) == 0 {
		fmt.Println("setup: all programs are there")
	} else if err := install(missing); err != nil {
		return err
	}
	for _, folder := range npmFolders() {
		if err := npm(folder); err != nil {
			return err
		}
	}
	return nil
}

// absent lists what is not on the machine.
func absent(all []need) []need {
	var missing []need
	for _, n := range all {
		if !there(n) {
			missing = append(missing, n)
		}
	}
	return missing
}

// there looks for a program in the path and where Debian keeps those of root.
func there(n need) bool {
	if n.file != "" {
		found, err := filepath.Glob(n.file)
		return err == nil && len(found) > 0
	}
	if _, err := exec.LookPath(n.program); err == nil {
		return true
	}
	for _, folder := range []string{"/usr/sbin", "/sbin"} {
		if _, err := os.Stat(filepath.Join(folder, n.program)); err == nil {
			return true
		}
	}
	return false
}

// install brings the Debian packages and looks again.
func install(missing []need) error {
	var packages []string
	for _, n := range missing {
		fmt.Printf("setup: %s is missing, for %s\n", n.debian, n.use)
		packages = append(packages, strings.Fields(n.debian)...)
	}
	list := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this system has no apt-get; install what Debian calls %s", list)
	}
	var prefix []string
	if os.Geteuid() != 0 {
		if _, err := exec.LookPath("sudo"); err != nil {
			return fmt.Errorf("not root and no sudo; as root run: apt-get install %s", list)
		}
		prefix = []string{"sudo"}
	}
	apt := append(prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "Acquire::Retries=3")
	if err := command("", append(apt, "update")...); err != nil {
		return err
	}
	if err := command("", append(append(apt, "install", "--no-install-recommends"), packages...)...); err != nil {
		return err
	}
	if still := absent(missing); len(still) > 0 {
		return fmt.Errorf("%s is installed and still not there", still[0].debian)
	}
	return nil
}

// npm installs a folder's packages exactly as its lock file says, unless that was done before.
func npm(folder string) error {
	lock, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if errors.Is(err, os.ErrNotExist) {
		fmt.Printf("setup: %s has no packages\n", folder)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the lock file: %w", err)
	}
	mark := filepath.Join(folder, "node_modules", ".okienko-lock")
	if before, err := os.ReadFile(mark); err == nil && bytes.Equal(before, lock) {
		fmt.Printf("setup: packages of %s are there\n", folder)
		return nil
	}
	// Nothing from a package is run while it is installed.
	if err := command(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
		return err
	}
	if err := os.WriteFile(mark, lock, 0o600); err != nil {
		return fmt.Errorf("mark %s as installed: %w", folder, err)
	}
	return nil
}

// command runs a program in a folder, shows what it does, and tries twice: mirrors hiccup.
func command(folder string, words ...string) error {
	fmt.Println("setup:", strings.Join(words, " "))
	var err error
	for range 2 {
		c := exec.Command(words[0], words[1:]...) //nolint:noctx // the Makefile's user may wait or interrupt
		c.Dir, c.Stdout, c.Stderr = folder, os.Stdout, os.Stderr
		if err = c.Run(); err == nil {
			return nil
		}
		time.Sleep(2 * time.Second)
	}
	return fmt.Errorf("%s: %w", strings.Join(words, " "), err)
}
