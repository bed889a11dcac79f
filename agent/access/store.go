package access

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// The files of the data directory.
const (
	tokensFile = "tokens.json"
	clerksFile = "clerks.json"
)

// formatVersion is the version of both files; a newer one is refused, never guessed.
const formatVersion = 1

// Errors of sign-in and of the files. What people read is made by the web shell.
var (
	// ErrWrongPIN says that the name or the PIN is wrong, never which of the two.
	ErrWrongPIN = errors.New("wrong name or PIN")
	// ErrNewerFormat says that a file was written by a newer agent.
	ErrNewerFormat = errors.New("written by a newer version of the agent")
)

// BackOffError refuses a sign-in for a time, whatever the PIN.
type BackOffError struct {
	// After is the rest of the waiting time.
	After time.Duration
}

// Error says how long to wait.
func (e *BackOffError) Error() string {
	return fmt.Sprintf("too many failed sign-ins: wait %s", e.After.Round(time.Second))
}

// Options configures a Store.
type Options struct {
	// Now gives the time; nil means time.Now. Sessions and back-off are real time, also in a
	// demo whose office clock runs faster.
	Now func() time.Time
	// Idle and Absolute bound a session; 0 means 30 minutes and 12 hours (ASVS 5.0 7.3).
	Idle, Absolute time.Duration
}

// Store holds the tokens, accounts and sessions of one branch. All methods may be called from
// any goroutine.
type Store struct {
	dir      string
	now      func() time.Time
	idle     time.Duration
	absolute time.Duration

	mu       sync.Mutex // guards what follows
	tokens   tokenFile
	tokensAt stamp
	clerks   clerkFile
	clerksAt stamp
	sessions map[digest]*session
	tries    tries

	hashing sync.Mutex // one argon2id at a time: memory stays bounded by one
}

// Open reads the files of the data directory. Missing files are empty ones; unreadable ones are
// an error, since opening with fewer rights than were given out would look like an attack.
func Open(dir string, o Options) (*Store, error) {
	s := &Store{
		dir: dir, now: o.Now, idle: o.Idle, absolute: o.Absolute,
		sessions: map[digest]*session{}, tries: newTries(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.idle == 0 {
		s.idle = 30 * time.Minute
	}
	if s.absolute == 0 {
		s.absolute = 12 * time.Hour
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.refreshTokens(), s.refreshClerks()); err != nil {
		return nil, fmt.Errorf("open access files in %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

// refresh reads the file again when it has changed. The caller holds mu.
func refresh[T any](path string, at *stamp, into *T, version func(T) int) error {
	info, err := statOrNil(path)
	if err != nil {
		return err
	}
	if at.same(info) {
		return nil
	}
	var fresh T
	if err := readJSON(path, &fresh); err != nil {
		return err
	}
	if version(fresh) > formatVersion {
		return fmt.Errorf("%s: %w", path, ErrNewerFormat)
	}
	*into, *at = fresh, stamp{info}
	return nil
}

func (s *Store) refreshTokens() error {
	return refresh(s.path(tokensFile), &s.tokensAt, &s.tokens, func(f tokenFile) int { return f.Version })
}

func (s *Store) refreshClerks() error {
	return refresh(s.path(clerksFile), &s.clerksAt, &s.clerks, func(f clerkFile) int { return f.Version })
}
