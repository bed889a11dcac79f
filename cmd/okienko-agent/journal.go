package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/okienko/okienko/agent/journal"
)

// journalCommand groups what there is to do with a journal.
type journalCommand struct {
	Verify journalVerify `cmd:"" help:"Read every record and say whether all are whole."`
	Dump   journalDump   `cmd:"" help:"Write every event as one line of JSON."`
}

// journalVerify is okienko-agent journal verify.
type journalVerify struct {
	Data string `required:"" type:"path" help:"The branch's data directory."`
}

// journalDump is okienko-agent journal dump.
type journalDump struct {
	Data string `required:"" type:"path" help:"The branch's data directory."`
}

// verifyChild is the process that opens a journal which may be damaged beyond opening.
type verifyChild struct {
	Args []string `arg:"" help:"Depth and file."`
}

// Run verifies and ends with the child's own exit code.
func (c verifyChild) Run(std streams) error {
	if code := journal.VerifyMain(c.Args, std.out); code != 0 {
		return exitCode(code)
	}
	return nil
}

// verifyCommand is the command line of that process: this very program, also when its file has
// been replaced by an update meanwhile.
func verifyCommand() []string { return []string{"/proc/self/exe", "verify-journal"} }

// Run verifies the journal of a stopped branch, or the ledger of a running one.
func (c journalVerify) Run(ctx context.Context, std streams) error {
	if _, err := os.Stat(filepath.Join(c.Data, "journal.db")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s holds no journal", errUse, c.Data)
	}
	ledger, err := journal.VerifyLedger(c.Data)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(std.out, "ledger: %d records in %d files, %d to %d; %d beyond a gap, %d damaged bytes\n",
		ledger.Records, ledger.Files, ledger.First, ledger.Last, ledger.Beyond, ledger.BadBytes)
	result, err := journal.VerifyFile(ctx, journal.Options{
		Dir: c.Data, Logger: slog.New(slog.NewTextHandler(std.err, nil)), VerifyCommand: verifyCommand(),
	})
	if err != nil {
		return err
	}
	if result.Verdict == journal.VerdictLocked {
		_, err = fmt.Fprintln(std.out, "journal: in use by a running agent; stop it to verify the file itself")
		return err
	}
	_, _ = fmt.Fprintf(std.out, "journal: %s, records %d to %d %s\n",
		result.Verdict, result.First, result.Last, result.Detail)
	if result.Verdict != journal.VerdictOK || len(result.Bad) > 0 || ledger.BadBytes > 0 {
		return fmt.Errorf("the journal in %s is not whole; start the agent to have it repaired", c.Data)
	}
	return nil
}

// Run writes the events in order. On a running branch they come from the ledger.
func (c journalDump) Run(ctx context.Context, std streams) (err error) {
	dumped, err := journal.Dump(ctx, journal.Options{
		Dir: c.Data, Logger: slog.New(slog.NewTextHandler(std.err, nil)), VerifyCommand: verifyCommand(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dumped.Close()) }()
	if dumped.Why != "" {
		_, _ = fmt.Fprintf(std.err, "okienko-agent: reading the ledger, since %s\n", dumped.Why)
	}
	out := bufio.NewWriter(std.out)
	for record, err := range dumped.Records(1) {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if _, err := out.Write(append(record.Data, '\n')); err != nil {
			return fmt.Errorf("write the dump: %w", err)
		}
	}
	return out.Flush()
}
