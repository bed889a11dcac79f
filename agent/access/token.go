package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// secretBytes is the length of tokens and session identifiers: 256 bits, twice what ASVS 5.0
// 7.2.3 asks.
const secretBytes = 32

// tokenPrefix lets a leaked token be recognised by people and scanners.
const tokenPrefix = "okt_"

// maxLabel bounds a token's label in bytes.
const maxLabel = 60

type digest [sha256.Size]byte

// MarshalText writes the digest as lower-case hex.
func (d digest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

// UnmarshalText reads what MarshalText writes.
func (d *digest) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(d) {
		return fmt.Errorf("%q is not a SHA-256 in hex", text)
	}
	copy(d[:], raw)
	return nil
}

type tokenFile struct {
	Version int           `json:"version"`
	Tokens  []tokenRecord `json:"tokens"`
}

type tokenRecord struct {
	Hash    digest    `json:"hash"`
	Role    Role      `json:"role"`
	Label   string    `json:"label,omitempty"`
	Created time.Time `json:"created"`
}

// Token is what is known of a bearer token but for the token itself.
type Token struct {
	Role    Role
	Label   string
	Created time.Time
}

// randomText gives 256 random bits as URL-safe text.
func randomText() string {
	var raw [secretBytes]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails: it ends the program (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// CreateToken makes a bearer token of the role, stores its hash durably and returns the token,
// which cannot be had again. label says what it is for and may be empty.
func (s *Store) CreateToken(role Role, label string) (string, error) {
	if _, err := ParseRole(string(role)); err != nil {
		return "", fmt.Errorf("create token: %w", err)
	}
	if len(label) > maxLabel {
		return "", fmt.Errorf("create token: the label has more than %d bytes", maxLabel)
	}
	token := tokenPrefix + randomText()
	s.mu.Lock()
	defer s.mu.Unlock()
	err := locked(s.dir, func() error {
		if err := s.refreshTokens(); err != nil {
			return err
		}
		record := tokenRecord{Hash: sha256.Sum256([]byte(token)), Role: role, Label: label, Created: s.now().UTC()}
		next := tokenFile{Version: formatVersion, Tokens: append(slices.Clip(s.tokens.Tokens), record)}
		if err := writeJSON(s.path(tokensFile), next); err != nil {
			return err
		}
		return s.refreshTokens()
	})
	if err != nil {
		return "", fmt.Errorf("create token: %w", err)
	}
	return token, nil
}

// LookUp finds the token. It reads tokens.json again when the file has changed; when that fails
// it answers from what it knew, since a running branch must not stop for an editor's mistake.
// The time it takes does not depend on where the token differs.
func (s *Store) LookUp(token string) (Token, bool) {
	sum := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.refreshTokens()
	var found Token
	ok := false
	for _, t := range s.tokens.Tokens {
		if subtle.ConstantTimeCompare(t.Hash[:], sum[:]) == 1 {
			found, ok = Token{Role: t.Role, Label: t.Label, Created: t.Created}, true
		}
	}
	return found, ok
}
