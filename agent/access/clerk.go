package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// FirstClerk is the name of the account that is made at the first start.
const FirstClerk = "clerk"

// pinDigits is the length of a PIN: 20 bits, bounded by the back-off of SignIn.
const pinDigits = 6

// maxClerks bounds the accounts of a branch.
const maxClerks = 200

// hashParams are the parameters of argon2id. The defaults are the OWASP Password Storage Cheat
// Sheet's choice with the least memory, since the whole agent has 40 MB on a Raspberry Pi.
type hashParams struct {
	Passes    uint32 `json:"passes"`
	MemoryKiB uint32 `json:"memory_kib"`
}

func defaultHash() hashParams { return hashParams{Passes: 5, MemoryKiB: 7 * 1024} }

type clerkFile struct {
	Version int           `json:"version"`
	Clerks  []clerkRecord `json:"clerks"`
}

type clerkRecord struct {
	Name    string     `json:"name"`
	Role    Role       `json:"role"`
	Salt    string     `json:"salt"`
	Hash    string     `json:"argon2id"`
	Params  hashParams `json:"params"`
	Created time.Time  `json:"created"`
}

// EnsureClerk makes the account FirstClerk with a random PIN when the branch has no account at
// all. The PIN is returned only then, to be shown once on the console; otherwise it is empty.
func (s *Store) EnsureClerk() (pin string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = locked(s.dir, func() error {
		if err := s.refreshClerks(); err != nil || len(s.clerks.Clerks) > 0 {
			return err
		}
		pin, err = s.putClerk(FirstClerk, Clerk)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("make the first clerk account: %w", err)
	}
	return pin, nil
}

// SetClerk makes the account name, or gives it a new PIN and role, and returns the PIN. Role is
// Clerk or Admin. The account's open sessions end, those of an agent that runs as another process
// too; a session that a bearer token opened goes on.
func (s *Store) SetClerk(name string, role Role) (pin string, err error) {
	if err := checkName(name); err != nil {
		return "", fmt.Errorf("set clerk: %w", err)
	}
	if role != Clerk && role != Admin {
		return "", fmt.Errorf("set clerk %s: an account is clerk or admin, not %q", name, role)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = locked(s.dir, func() error {
		if err := s.refreshClerks(); err != nil {
			return err
		}
		pin, err = s.putClerk(name, role)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("set clerk %s: %w", name, err)
	}
	return pin, nil
}

// putClerk writes the account with a fresh PIN. The caller holds mu and the file lock.
func (s *Store) putClerk(name string, role Role) (string, error) {
	pin := randomPIN()
	record := clerkRecord{
		Name: name, Role: role, Salt: rand.Text(), Params: defaultHash(), Created: s.now().UTC(),
	}
	record.Hash = hex.EncodeToString(s.hash(pin, record.Salt, record.Params))
	next := clerkFile{Version: formatVersion, Clerks: slices.Clone(s.clerks.Clerks)}
	at := slices.IndexFunc(next.Clerks, func(c clerkRecord) bool { return c.Name == name })
	switch {
	case at >= 0:
		next.Clerks[at] = record
	case len(next.Clerks) >= maxClerks:
		return "", fmt.Errorf("there are %d accounts already", maxClerks)
	default:
		next.Clerks = append(next.Clerks, record)
	}
	if err := writeJSON(s.path(clerksFile), next); err != nil {
		return "", err
	}
	return pin, s.refreshClerks()
}

func randomPIN() string {
	limit := big.NewInt(1)
	for range pinDigits {
		limit.Mul(limit, big.NewInt(10))
	}
	n, err := rand.Int(rand.Reader, limit)
	if err != nil { // crypto/rand.Reader never fails: it ends the program (Go 1.24)
		panic(err)
	}
	return fmt.Sprintf("%0*d", pinDigits, n)
}

func checkName(name string) error {
	switch {
	case name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 40:
		return errors.New("a name has 1 to 40 letters")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the name %q has characters that cannot be printed", name)
	case name != strings.TrimSpace(name):
		return errors.New("a name neither begins nor ends with a space")
	default:
		return nil
	}
}

// hash runs argon2id; one at a time, so that ten sign-ins do not take ten times the memory.
func (s *Store) hash(pin, salt string, p hashParams) []byte {
	s.hashing.Lock()
	defer s.hashing.Unlock()
	return argon2.IDKey([]byte(pin), []byte(salt), p.Passes, p.MemoryKiB, 1, 32)
}

// check tells whether the PIN is that of the account. It takes the same time for an account
// that does not exist, so that names cannot be found by the clock.
func (s *Store) check(record clerkRecord, known bool, pin string) bool {
	if !known {
		record = clerkRecord{Salt: "nobody", Params: defaultHash()}
	}
	got := hex.EncodeToString(s.hash(pin, record.Salt, record.Params))
	return subtle.ConstantTimeCompare([]byte(got), []byte(record.Hash)) == 1 && known
}
