package journal

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"
)

// Errors of this package. They come wrapped with the act that failed and, where there is one, the system's
// own error; test with errors.Is.
var (
	// ErrLocked says that another process has the journal open.
	ErrLocked = errors.New("the journal is in use by another process")
	// ErrLost says that the branch was provisioned but neither copy of the journal can be read.
	ErrLost = errors.New("journal and ledger are both lost: this branch must be provisioned again")
	// ErrNewerFormat says that a later version of Okienko wrote the journal.
	ErrNewerFormat = errors.New("the journal was written by a newer version of okienko")
	// ErrVerifier says that the child process that verifies could not be started; the file was not judged.
	ErrVerifier = errors.New("the verifying process could not be run")
	// ErrDamaged says that the open file proved to be damaged. Close and Open again: Open verifies fully and
	// restores.
	ErrDamaged = errors.New("the journal file is damaged")
	// ErrSequence says that the records do not continue the journal. Nothing was appended.
	ErrSequence = errors.New("records do not continue the journal")
	// ErrTooLarge says that a record has more than MaxData bytes. Nothing was appended.
	ErrTooLarge = errors.New("record too large")
	// ErrBadDay says that a day is not of the form YYYY-MM-DD. Nothing was appended.
	ErrBadDay = errors.New("bad office day")
	// ErrFull says that the disk is full even without the ballast. Nothing was appended.
	ErrFull = errors.New("the disk is full")
	// ErrReadOnly says that the disk has become read-only. Without ErrUnknownOutcome beside it nothing was
	// appended.
	ErrReadOnly = errors.New("the disk is read-only")
	// ErrIO says that the disk refused to write. Without ErrUnknownOutcome beside it nothing was appended.
	ErrIO = errors.New("the disk does not accept data")
	// ErrUnknownOutcome says that the commit failed and the batch may or may not be durable. Call Recover.
	ErrUnknownOutcome = errors.New("the outcome of the commit is unknown")
	// ErrClosed says that the journal has been closed.
	ErrClosed = errors.New("the journal is closed")
)

// CorruptError says that the record with number Seq is damaged in the journal and absent from the ledger.
type CorruptError struct {
	Seq uint64
}

// Error returns the message.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("record %d is damaged and the ledger does not have it", e.Seq)
}

// classify wraps a system error in ErrFull, ErrReadOnly or ErrIO. bbolt formats some causes with %s and so
// loses the errno; those are known by their text.
func classify(err error) error {
	kind := ErrIO
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrFull), errors.Is(err, ErrReadOnly), errors.Is(err, ErrIO):
		return err
	case hasErrno(err, syscall.ENOSPC), hasErrno(err, syscall.EDQUOT), errors.Is(err, berrors.ErrMaxSizeReached):
		kind = ErrFull
	case hasErrno(err, syscall.EROFS), errors.Is(err, berrors.ErrDatabaseReadOnly):
		kind = ErrReadOnly
	}
	return fmt.Errorf("%w: %w", kind, err)
}

func hasErrno(err error, errno syscall.Errno) bool {
	return errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error())
}
