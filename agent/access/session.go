package access

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxSessions bounds the open sessions; the one that was idle longest makes room.
const maxSessions = 256

// maxPIN bounds what is hashed, in bytes.
const maxPIN = 64

// Person is who a session belongs to.
type Person struct {
	// Name is the sign-in name, never a visitor's.
	Name string
	Role Role
}

type session struct {
	who Person
	// account is the stored hash of the PIN that opened it, with a salt of its own for each new PIN;
	// empty when a bearer token did.
	account string
	opened  time.Time
	touched time.Time
}

// SignIn opens a session and returns its identifier (256 random bits) for a cookie. address is
// the client's, without port. replaces is the identifier the browser held before, which ends: an
// identifier never survives a sign-in. Errors: ErrWrongPIN, *BackOffError, or a file's.
func (s *Store) SignIn(name, pin, address, replaces string) (id string, who Person, err error) {
	record, known, err := s.admit(name, pin, address)
	if err != nil {
		return "", Person{}, err
	}
	right := s.check(record, known, pin) // outside mu: it takes a tenth of a second and more
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries.settle(name, address, right, s.now())
	if !right {
		return "", Person{}, ErrWrongPIN
	}
	who = Person{Name: record.Name, Role: record.Role}
	return s.enter(session{who: who, account: record.Hash}, replaces), who, nil
}

// Enter opens a session for somebody who has proved himself otherwise, by a bearer token.
func (s *Store) Enter(who Person, replaces string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enter(session{who: who}, replaces)
}

func (s *Store) enter(open session, replaces string) string {
	delete(s.sessions, sha256.Sum256([]byte(replaces)))
	s.makeRoom()
	id := randomText()
	open.opened, open.touched = s.now(), s.now()
	s.sessions[sha256.Sum256([]byte(id))] = &open
	return id
}

// admit finds the account and books the try, so that parallel tries count as well.
func (s *Store) admit(name, pin, address string) (clerkRecord, bool, error) {
	if len(pin) > maxPIN || checkName(name) != nil {
		return clerkRecord{}, false, ErrWrongPIN
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refreshClerks(); err != nil {
		return clerkRecord{}, false, fmt.Errorf("sign in: %w", err)
	}
	if wait := s.tries.begin(name, address, s.now()); wait > 0 {
		return clerkRecord{}, false, &BackOffError{After: wait}
	}
	at := slices.IndexFunc(s.clerks.Clerks, func(c clerkRecord) bool { return c.Name == name })
	if at < 0 {
		return clerkRecord{}, false, nil
	}
	return s.clerks.Clerks[at], true, nil
}

// Session finds the open session and notes that it is in use. It is gone after the idle time,
// after the absolute time, after SignOut, and after a change of the account's PIN or role, also
// when another process made it: clerks.json is read again when it has changed.
func (s *Store) Session(id string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(id))
	open, ok := s.sessions[key]
	if !ok {
		return Person{}, false
	}
	now := s.now()
	if s.over(open, now) || s.replaced(open) {
		delete(s.sessions, key)
		return Person{}, false
	}
	open.touched = now
	return open.who, true
}

// Alive is Session without noting that it is in use: for an open page that only listens, so
// that a screen left alone still signs itself out.
func (s *Store) Alive(id string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open, ok := s.sessions[sha256.Sum256([]byte(id))]
	if !ok || s.over(open, s.now()) || s.replaced(open) {
		return Person{}, false
	}
	return open.who, true
}

// SignOut ends the session; an unknown one is no error.
func (s *Store) SignOut(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sha256.Sum256([]byte(id)))
}

func (s *Store) over(open *session, now time.Time) bool {
	return now.Sub(open.touched) >= s.idle || now.Sub(open.opened) >= s.absolute
}

// replaced reports whether the account has another PIN by now, or is gone. When clerks.json cannot
// be read it answers from what it knew, as LookUp does.
func (s *Store) replaced(open *session) bool {
	if open.account == "" {
		return false
	}
	_ = s.refreshClerks()
	return !slices.ContainsFunc(s.clerks.Clerks, func(c clerkRecord) bool {
		return c.Name == open.who.Name && c.Hash == open.account
	})
}

// makeRoom drops what is over, and the longest idle session when all places are taken.
func (s *Store) makeRoom() {
	now := s.now()
	maps.DeleteFunc(s.sessions, func(_ digest, open *session) bool { return s.over(open, now) })
	if len(s.sessions) < maxSessions {
		return
	}
	var oldest digest
	first := true
	for key, open := range s.sessions {
		if first || open.touched.Before(s.sessions[oldest].touched) {
			oldest, first = key, false
		}
	}
	delete(s.sessions, oldest)
}
