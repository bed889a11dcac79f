package secret_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/okienko/okienko/agent/secret"
)

func TestSecretSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	first, err := secret.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "secret"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("secret file: %v, %v; want mode 0600", info, err)
	}
	second, err := secret.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, hash := first.Token("T1")
	b, _ := second.Token("T1")
	c, _ := second.Token("T2")
	if a != b || a == c || len(a) != 22 || secret.Hash(a) != hash || len(hash) != 64 {
		t.Errorf("tokens %q, %q, %q with hash %q", a, b, c, hash)
	}
	other, err := secret.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := other.Token("T1"); d == a {
		t.Error("two branches make the same token")
	}
}

func TestDamagedSecretIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Load(dir); err == nil {
		t.Error("a short secret was accepted")
	}
}
