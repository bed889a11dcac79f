package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Verdict says what a verification found.
type Verdict string

// The verdicts.
const (
	// VerdictOK means that the file can be opened in process; some single records may still be bad.
	VerdictOK Verdict = "ok"
	// VerdictDamaged means that the file must not be opened.
	VerdictDamaged Verdict = "damaged"
	// VerdictLocked means that another process holds the file; it was not judged.
	VerdictLocked Verdict = "locked"
	// VerdictNewer means that a later version of Okienko wrote the file.
	VerdictNewer Verdict = "newer"
)

// VerifyResult is the answer of a verification.
type VerifyResult struct {
	Verdict Verdict `json:"verdict"`
	// Detail is the first fault in words, for people.
	Detail string `json:"detail,omitempty"`
	// First and Last are the numbers of the first and last record, 0 when there are none.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Bad lists records whose frame is damaged though the file's structure is whole; at most maxBad of them.
	Bad []uint64 `json:"bad,omitempty"`
}

// Depth says how much Verify looks at.
type Depth string

// The depths.
const (
	// DepthFull checks every page and every record.
	DepthFull Depth = "full"
	// DepthLight checks the meta pages, the format and the newest lightRecords records. It is for a large
	// file that was closed cleanly and has not changed since.
	DepthLight Depth = "light"
)

const (
	lightRecords = 1000
	// maxBad is how many bad records are repaired one by one; a file with more is rebuilt.
	maxBad = 64
	// progressEvery is how many records the child checks between two signs of life.
	progressEvery = 10_000
	stderrLimit   = 2 << 10
)

// Verify judges a bbolt file of the journal. It may panic, loop for ever or die of SIGBUS on a damaged one,
// so it belongs into a process of its own: see VerifyMain. progress, if not nil, is called now and then.
func Verify(path string, depth Depth, progress func()) VerifyResult {
	db, err := bbolt.Open(path, 0, &bbolt.Options{
		ReadOnly: true, Timeout: time.Second, FreelistType: bbolt.FreelistMapType, PreLoadFreelist: true,
		OpenFile: func(name string, _ int, _ os.FileMode) (*os.File, error) { return os.Open(name) },
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return VerifyResult{Verdict: VerdictLocked, Detail: err.Error()}
	case err != nil:
		return VerifyResult{Verdict: VerdictDamaged, Detail: err.Error()}
	}
	v := verifier{depth: depth, progress: progress}
	if err := db.View(v.check); err != nil {
		v.result.Verdict, v.result.Detail = VerdictDamaged, err.Error()
		if errors.Is(err, ErrNewerFormat) {
			v.result.Verdict = VerdictNewer
		}
		return v.result // the file is not closed: after damage that may hang, and the process ends anyway
	}
	v.result.Verdict = VerdictOK
	if err := db.Close(); err != nil {
		v.result.Verdict, v.result.Detail = VerdictDamaged, err.Error()
	}
	return v.result
}

type verifier struct {
	depth    Depth
	progress func()
	result   VerifyResult
}

func (v *verifier) check(tx *bbolt.Tx) error {
	if err := checkFormat(tx); err != nil {
		return err
	}
	// The walk comes first: it brings the file into the page cache while it gives signs of life, which Check
	// cannot.
	if err := v.walk(tx.Bucket([]byte(bucketRecords)).Cursor()); err != nil {
		return err
	}
	if v.depth == DepthLight {
		return nil
	}
	var first error
	for err := range tx.Check() {
		if first == nil {
			first = err
		}
	}
	return first
}

// walk checks that the records are contiguous, whole and chained.
func (v *verifier) walk(c *bbolt.Cursor) error {
	k, _ := c.First()
	v.result.First = keySeq(k)
	k, _ = c.Last()
	v.result.Last = keySeq(k)
	if k == nil {
		return nil
	}
	if v.result.First == 0 || v.result.Last < v.result.First {
		return fmt.Errorf("records %d to %d: %w", v.result.First, v.result.Last, ErrDamaged)
	}
	want := v.result.First
	if v.depth == DepthLight && v.result.Last >= lightRecords {
		want = max(want, v.result.Last-lightRecords+1)
	}
	var prev uint32
	chained := false
	for k, value := c.Seek(seqKey(want)); k != nil; k, value = c.Next() {
		if keySeq(k) != want {
			return fmt.Errorf("record %d stands where %d should: %w", keySeq(k), want, ErrDamaged)
		}
		f, err := decodeFrame(value)
		bad := err != nil || f.Seq != want || len(f.raw) != len(value)
		switch {
		case bad && len(v.result.Bad) == maxBad:
			return fmt.Errorf("more than %d bad records: %w", maxBad, ErrDamaged)
		case bad:
			v.result.Bad = append(v.result.Bad, want)
		case chained && f.prev != prev:
			return fmt.Errorf("record %d does not follow record %d: %w", want, want-1, ErrDamaged)
		}
		prev, chained = f.crc, !bad
		if want%progressEvery == 0 && v.progress != nil {
			v.progress()
		}
		want++
	}
	if want != v.result.Last+1 {
		return fmt.Errorf("records end at %d, not %d: %w", want-1, v.result.Last, ErrDamaged)
	}
	return nil
}

// VerifyMain is the child process: args are the depth and the path, as Open appends them to
// Options.VerifyCommand. It writes a dot now and then and at last the result as one line of JSON. It
// returns the exit code: 0 when it came to a verdict, 2 for wrong use; damage that kills the process speaks
// by any other code.
func VerifyMain(args []string, stdout io.Writer) int {
	if len(args) != 2 {
		return 2
	}
	result := Verify(args[1], Depth(args[0]), func() { _, _ = fmt.Fprintln(stdout, ".") })
	if err := json.NewEncoder(stdout).Encode(result); err != nil {
		return 2
	}
	return 0
}

// childEnv is set for the verifying process. Open refuses to work in it: a program that does not call
// VerifyChild would otherwise start itself again and again.
const childEnv = "OKIENKO_JOURNAL_VERIFIER"

// VerifyChild must be called at the start of every program (and TestMain) that opens a journal with the
// default VerifyCommand. If this process was started to verify, it does so; ok is then true and the program
// must exit with code.
func VerifyChild(args []string, stdout io.Writer) (code int, ok bool) {
	prefix := defaultVerifyCommand()
	if os.Getenv(childEnv) == "" || len(args) < len(prefix) || !slices.Equal(args[1:len(prefix)], prefix[1:]) {
		return 0, false
	}
	return VerifyMain(args[len(prefix):], stdout), true
}

// defaultVerifyCommand is this very program, also when its file has been replaced by an update meanwhile.
func defaultVerifyCommand() []string {
	return []string{"/proc/self/exe", "journal", "verify-file"}
}

// verifyChild runs command with depth and path and judges by what it says, or by how it dies. timeout is
// the longest silence allowed, so that a big file on a slow card is not taken for damage. ErrVerifier means
// no judgement.
func verifyChild(ctx context.Context, command []string, depth Depth, path string, timeout time.Duration) (
	VerifyResult, error,
) {
	result, err := runVerifier(ctx, command, depth, path, timeout)
	if errors.Is(err, errKilled) {
		// Somebody else's SIGKILL, such as the kernel's when memory is short, says nothing about the file.
		result, err = runVerifier(ctx, command, depth, path, timeout)
	}
	if errors.Is(err, errKilled) {
		return result, fmt.Errorf("%w: %w", ErrVerifier, err)
	}
	return result, err
}

var errKilled = errors.New("killed from outside")

func runVerifier(ctx context.Context, command []string, depth Depth, path string, timeout time.Duration) (
	VerifyResult, error,
) {
	childCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := append(append([]string{}, command[1:]...), string(depth), path)
	cmd := exec.CommandContext(childCtx, command[0], args...) //nolint:gosec // the program's own command line
	// A program built with -race sleeps for a second before it ends, unless it is told not to.
	cmd.Env = append(os.Environ(), childEnv+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	stderr := &head{limit: stderrLimit}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return VerifyResult{}, fmt.Errorf("%w: %w", ErrVerifier, err)
	}
	if err := cmd.Start(); err != nil {
		return VerifyResult{}, fmt.Errorf("%w: %w", ErrVerifier, err)
	}
	silence := time.AfterFunc(timeout, cancel)
	var last string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		silence.Reset(timeout)
		last = lines.Text()
	}
	err = cmd.Wait()
	late := !silence.Stop()
	if err := ctx.Err(); err != nil {
		return VerifyResult{}, fmt.Errorf("%w: %w", ErrVerifier, err)
	}
	var result VerifyResult
	if err == nil && json.Unmarshal([]byte(last), &result) == nil && result.Verdict != "" {
		return result, nil
	}
	if late {
		return VerifyResult{Verdict: VerdictDamaged, Detail: "no answer within " + timeout.String()}, nil
	}
	return judgeDeath(cmd.ProcessState, stderr.String())
}

// judgeDeath judges a child that ended without a verdict. Exit code 2 with Go's traces, or a signal, is damage.
func judgeDeath(state *os.ProcessState, stderr string) (VerifyResult, error) {
	status, _ := state.Sys().(syscall.WaitStatus)
	if status.Signaled() && status.Signal() == syscall.SIGKILL {
		return VerifyResult{}, errKilled
	}
	crashed := status.Signaled() || strings.Contains(stderr, "panic: ") || strings.Contains(stderr, "fatal error: ") ||
		strings.Contains(stderr, "unexpected fault address")
	if !crashed {
		return VerifyResult{}, fmt.Errorf("%w: %s: %s", ErrVerifier, state, strings.TrimSpace(stderr))
	}
	line, _, _ := strings.Cut(stderr, "\n")
	return VerifyResult{Verdict: VerdictDamaged, Detail: "the verifier crashed: " + line}, nil
}

// head keeps the first limit bytes written to it: Go prints the reason of a crash first.
type head struct {
	limit int
	buf   []byte
}

func (t *head) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p[:min(len(p), t.limit-len(t.buf))]...)
	return len(p), nil
}

func (t *head) String() string { return string(t.buf) }
