package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"
)

// helperEnv makes the test binary run as one of the helper processes below instead of running tests.
const helperEnv = "OKIENKO_JOURNAL_HELPER"

// runHelper runs a helper process; its data directory is in OKIENKO_JOURNAL_DIR.
func runHelper(name string) int {
	dir := os.Getenv("OKIENKO_JOURNAL_DIR")
	var err error
	switch name {
	case "writer":
		err = writerHelper(dir)
	case "holder":
		err = holderHelper(dir)
	case "survivor":
		err = survivorHelper(dir)
	default:
		err = fmt.Errorf("no helper %q", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// writerHelper appends records until it is killed or has made OKIENKO_JOURNAL_COUNT of them, and prints
// "ack N" for each durable one, as a printed ticket would.
func writerHelper(dir string) error {
	count, err := strconv.ParseUint(os.Getenv("OKIENKO_JOURNAL_COUNT"), 10, 64)
	if err != nil {
		return err
	}
	j, report, err := Open(context.Background(), testOptions(dir))
	if err != nil {
		return err
	}
	fmt.Printf("open %d\n", report.Last)
	for i := range count {
		seq := report.Last + 1 + i
		if err := j.Append(context.Background(), makeRecords(seq, seq)); err != nil {
			return err
		}
		fmt.Printf("ack %d\n", seq)
	}
	return j.Close()
}

// holderHelper opens the journal, makes three records and waits to be killed.
func holderHelper(dir string) error {
	j, _, err := Open(context.Background(), testOptions(dir))
	if err != nil {
		return err
	}
	if err := j.Append(context.Background(), makeRecords(1, 3)); err != nil {
		return err
	}
	fmt.Println("open 3")
	_, err = io.Copy(io.Discard, os.Stdin) // until the parent kills this process
	return err
}

// survivorHelper appends records and, like the engine, asks Recover what became of a batch whose outcome is
// unknown. It prints "error ..." for every error that Append or the background met.
func survivorHelper(dir string) error {
	count, err := strconv.ParseUint(os.Getenv("OKIENKO_JOURNAL_COUNT"), 10, 64)
	if err != nil {
		return err
	}
	ctx := context.Background()
	opts := testOptions(dir)
	opts.BallastBytes = 1 << 20
	opts.LedgerSync = time.Millisecond
	opts.Logger = slog.New(slog.NewTextHandler(prefixWriter{}, nil))
	j, report, err := Open(ctx, opts)
	if err != nil {
		fmt.Println("error", err)
		return err
	}
	failures := 0
	for last := report.Last; last < count; {
		if err := j.Append(ctx, makeRecords(last+1, last+1)); err != nil {
			fmt.Println("error", err)
			if failures++; failures > 50 {
				return err // a dead card
			}
			if !errors.Is(err, ErrUnknownOutcome) {
				continue
			}
			durable, err := j.Recover(ctx)
			if err != nil {
				fmt.Println("error", err)
				return err
			}
			if durable == last {
				continue
			}
		}
		last++
		fmt.Println("ack", last)
	}
	err = j.Close()
	if err != nil {
		fmt.Println("error", err)
	}
	return err
}

// prefixWriter prints log lines so that the parent counts them as errors.
type prefixWriter struct{}

func (prefixWriter) Write(p []byte) (int, error) {
	fmt.Print("error ", string(p))
	return len(p), nil
}
