//go:build hil

package hil_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	hil "github.com/okienko/okienko/scripts/hil"
)

const (
	// work is where everything heavy lies, kept from run to run.
	work = "../../build/hil"
	// prepareLimit bounds the download of some 210 MB and the build, machineLimit the life of the machine.
	prepareLimit = 5 * time.Minute
	machineLimit = 8 * time.Minute
)

// command runs a program of the host and fails the test with what it said.
func command(t *testing.T, limit time.Duration, env []string, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Env, c.WaitDelay = append(os.Environ(), env...), time.Second
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}

// prepare makes kernel and initrd.
func prepare(t *testing.T) (kernel, initrd string) {
	t.Helper()
	begun := time.Now()
	command(t, prepareLimit, nil, "./kernel.sh", filepath.Join(work, "kernel"))
	t.Logf("kernel after %v", time.Since(begun).Round(time.Second))
	static := []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64"}
	for _, program := range []string{"./guest", "../../cmd/okienko-agent"} {
		command(t, prepareLimit, static, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", work+"/", program)
	}
	voice(t)
	initrd = filepath.Join(work, "initrd")
	archive, err := os.Create(initrd)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(archive)
	pack := packer{out: out}
	pack.file("init", filepath.Join(work, "guest"))
	pack.file("okienko-agent", filepath.Join(work, "okienko-agent"))
	pack.file("agent.yaml", "agent.yaml")
	pack.tree("voice", filepath.Join(work, "voice"))
	pack.tree("modules", filepath.Join(work, "kernel/modules"))
	pack.end()
	if err := firstOf(pack.err, out.Flush(), archive.Close()); err != nil {
		t.Fatalf("write the initrd: %v", err)
	}
	t.Logf("ready to boot after %v", time.Since(begun).Round(time.Second))
	return filepath.Join(work, "kernel/vmlinuz"), initrd
}

// voice makes the recordings, unless there are good ones from the last run.
func voice(t *testing.T) {
	t.Helper()
	program, pack := filepath.Join(work, "okienko-agent"), filepath.Join(work, "voice")
	if exec.CommandContext(t.Context(), program, "voice", "lint", "--language", "pl", pack).Run() == nil {
		return
	}
	if err := os.RemoveAll(pack); err != nil {
		t.Fatal(err)
	}
	command(t, prepareLimit, nil, program, "voice", "build", "--language", "pl", "--out", pack)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// packer writes an archive in the form that the kernel unpacks first (cpio "newc", the kernel's
// buffer-format.rst).
type packer struct {
	out   io.Writer
	inode int
	err   error
}

// entry writes one member; the kernel wants each part to begin at a multiple of 4 bytes.
func (p *packer) entry(name string, mode int, data []byte) {
	if p.err != nil {
		return
	}
	p.inode++
	head := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		p.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	var block bytes.Buffer
	block.WriteString(head)
	block.Write(make([]byte, -len(head)&3))
	block.Write(data)
	block.Write(make([]byte, -len(data)&3))
	_, p.err = p.out.Write(block.Bytes())
}

const (
	folderMode  = 0o040755
	programMode = 0o100755
)

func (p *packer) file(name, path string) {
	data, err := os.ReadFile(path)
	if err != nil && p.err == nil {
		p.err = err
	}
	p.entry(name, programMode, data)
}

// tree packs a folder with all that is in it.
func (p *packer) tree(name, path string) {
	err := filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(path, at)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			p.entry(filepath.Join(name, inside), folderMode, nil)
		} else {
			p.file(filepath.Join(name, inside), at)
		}
		return nil
	})
	if err != nil && p.err == nil {
		p.err = err
	}
}

func (p *packer) end() { p.entry("TRAILER!!!", 0, nil) }

// boot runs the machine until it switches itself off and returns what the guest told, and the sound
// that it played.
func boot(t *testing.T) (records []hil.Record, sound string) {
	t.Helper()
	kernel, initrd := prepare(t)
	sound = filepath.Join(work, "sound.wav")
	if err := os.RemoveAll(sound); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), machineLimit)
	defer cancel()
	machine := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max",
		"-m", "512", "-smp", "1", "-icount", "shift=1,sleep=off", "-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot",
		"-rtc", "base=2027-03-01T09:00:00,clock=vm", // a Monday: the branch is open
		"-audiodev", "wav,id=hall,path="+sound, "-device", "i6300esb", "-device", "intel-hda", "-device", "hda-output,audiodev=hall,mixer=off",
		"-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off nokaslr no_timer_check cryptomgr.notests audit=0")
	begun := time.Now()
	console, err := machine.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := machine.Start(); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(console, &all))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if r, ok := hil.Parse(lines.Bytes()); ok {
			t.Logf("%5.1f s: %s %.1f s", time.Since(begun).Seconds(), r.Step, r.Quantile("step", 1)/1000)
			records = append(records, r)
		}
	}
	err = machine.Wait()
	if keep := os.WriteFile(filepath.Join(work, "console.log"), all.Bytes(), 0o600); keep != nil {
		t.Error(keep)
	}
	if err != nil || lines.Err() != nil {
		t.Errorf("the machine after %v: %v %v\n%s", time.Since(begun), err, lines.Err(), all.Bytes()[max(0, all.Len()-4000):])
	}
	return records, sound
}
