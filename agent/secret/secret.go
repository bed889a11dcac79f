// Package secret keeps the branch's own secret and makes e-ticket tokens from it.
//
// A token is the first 128 bits of HMAC-SHA256(secret, ticket id), so that it can be printed
// again at any time and is stored nowhere; the journal and the centre hold only its hash
// (design/4-sync.md, "E-ticket tokens").
package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/okienko/okienko/agent/atomicfile"
	"github.com/okienko/okienko/protocol"
)

// size of the secret in bytes: as long as the hash's output (RFC 2104, section 3).
const size = sha256.Size

// tokenSize is 128 bits (OWASP ASVS 5.0, 11.5.1).
const tokenSize = 16

// Secret is the key of one branch. It may be used from any goroutine.
type Secret struct{ key []byte }

// Load reads the file named secret in dir, or makes it with mode 0600 when there is none.
func Load(dir string) (*Secret, error) {
	path := filepath.Join(dir, "secret")
	key, err := os.ReadFile(path) //nolint:gosec // the directory is the operator's own setting
	if errors.Is(err, fs.ErrNotExist) {
		return create(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the branch secret: %w", err)
	}
	if len(key) != size {
		return nil, fmt.Errorf("read the branch secret: %s has %d bytes instead of %d", path, len(key), size)
	}
	return &Secret{key}, nil
}

// create makes a secret, which a power cut leaves whole or not at all.
func create(path string) (*Secret, error) {
	key := make([]byte, size)
	_, _ = rand.Read(key) // never fails (Go 1.24)
	if err := atomicfile.Write(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("make the branch secret: %w", err)
	}
	return &Secret{key}, nil
}

// Token gives the e-ticket token of a walk-in ticket, 22 characters of base64url, and its hash.
func (s *Secret) Token(id protocol.TicketID) (token string, hash protocol.TokenHash) {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id))
	token = base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:tokenSize])
	return token, Hash(token)
}

// Hash is what is stored of a token.
func Hash(token string) protocol.TokenHash {
	sum := sha256.Sum256([]byte(token))
	return protocol.TokenHash(hex.EncodeToString(sum[:]))
}

// TicketID makes a new identifier: 80 random bits in 16 characters.
func TicketID() protocol.TicketID { return protocol.TicketID(rand.Text()[:16]) }
