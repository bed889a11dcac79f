package access_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okienko/okienko/agent/access"
)

// watch is a clock that tests turn.
type watch struct {
	mu  sync.Mutex
	now time.Time
}

func (w *watch) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *watch) turn(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func open(t *testing.T, dir string) (*access.Store, *watch) {
	t.Helper()
	w := &watch{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	s, err := access.Open(dir, access.Options{Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s, w
}

func TestTokensOfAnotherProcessAreSeen(t *testing.T) {
	dir := t.TempDir()
	agent, _ := open(t, dir)
	cli, _ := open(t, dir)
	var tokens []string
	for _, role := range access.Roles() {
		token, err := cli.CreateToken(role, "hall")
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
		if got, ok := agent.LookUp(token); !ok || got.Role != role || got.Label != "hall" {
			t.Errorf("%s: %+v %v", role, got, ok)
		}
	}
	if _, ok := agent.LookUp(tokens[0] + "x"); ok {
		t.Error("a longer token is taken")
	}
	if _, ok := agent.LookUp(""); ok {
		t.Error("the empty token is taken")
	}
	data, err := os.ReadFile(filepath.Join(dir, "tokens.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range tokens {
		if strings.Contains(string(data), token) || len(token) < 40 {
			t.Errorf("token %q is short or in clear", token)
		}
	}
}

func TestManyProcessesLoseNoToken(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var tokens []string
	for range 8 {
		wg.Go(func() {
			s, err := access.Open(dir, access.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				token, err := s.CreateToken(access.Kiosk, "")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				tokens = append(tokens, token)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s, _ := open(t, dir)
	for _, token := range tokens {
		if _, ok := s.LookUp(token); !ok {
			t.Error("a token was lost")
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	if _, err := s.CreateToken(access.Admin, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.EnsureClerk(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tokens.json", "clerks.json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	token, err := s.CreateToken(access.Kiosk, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"{", `{"version":99,"tokens":[]}`, `{"version":1,"tokens":[{"hash":"zz"}]}`} {
		if err := os.WriteFile(filepath.Join(dir, "tokens.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.LookUp(token); !ok {
			t.Errorf("a running agent forgot its tokens for %s", content)
		}
		if _, err := access.Open(dir, access.Options{}); err == nil {
			t.Errorf("opened with %s", content)
		}
	}
}

func TestBadRoleAndLabel(t *testing.T) {
	s, _ := open(t, t.TempDir())
	if _, err := s.CreateToken("king", ""); err == nil {
		t.Error("made a token of no role")
	}
	if _, err := s.CreateToken(access.Kiosk, strings.Repeat("x", 61)); err == nil {
		t.Error("made a token with a long label")
	}
	for _, name := range []string{"", " anna", "a\nb", strings.Repeat("x", 41)} {
		if _, err := s.SetClerk(name, access.Clerk); err == nil {
			t.Errorf("made the account %q", name)
		}
	}
	if _, err := s.SetClerk("anna", access.Kiosk); err == nil {
		t.Error("made an account for a kiosk")
	}
}

func TestFirstClerk(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	pin, err := s.EnsureClerk()
	if err != nil || len(pin) != 6 || strings.Trim(pin, "0123456789") != "" {
		t.Fatalf("PIN %q, %v", pin, err)
	}
	if again, err := s.EnsureClerk(); err != nil || again != "" {
		t.Errorf("a second start showed %q, %v", again, err)
	}
	restarted, _ := open(t, dir)
	if _, who, err := restarted.SignIn(access.FirstClerk, pin, "10.0.0.1", ""); err != nil || who.Role != access.Clerk {
		t.Errorf("%+v %v", who, err)
	}
}

func TestSessionTimes(t *testing.T) {
	s, w := open(t, t.TempDir())
	pin, err := s.EnsureClerk()
	if err != nil {
		t.Fatal(err)
	}
	enter := func() string {
		t.Helper()
		id, _, err := s.SignIn(access.FirstClerk, pin, "10.0.0.1", "")
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	alive := func(id string) bool { _, ok := s.Session(id); return ok }
	id := enter()
	w.turn(29 * time.Minute)
	if !alive(id) {
		t.Error("gone before 30 idle minutes")
	}
	w.turn(30 * time.Minute)
	if alive(id) {
		t.Error("alive after 30 idle minutes")
	}
	id = enter()
	for range 35 {
		w.turn(20 * time.Minute)
		if !alive(id) {
			t.Fatal("gone while in use")
		}
	}
	w.turn(20 * time.Minute)
	if alive(id) {
		t.Error("alive after 12 hours")
	}
	id = enter()
	w.turn(29 * time.Minute)
	if _, ok := s.Alive(id); !ok {
		t.Error("Alive says no to an open session")
	}
	w.turn(time.Minute)
	if alive(id) {
		t.Error("listening kept the session alive")
	}
	id = enter()
	if _, err := s.SetClerk(access.FirstClerk, access.Clerk); err != nil {
		t.Fatal(err)
	}
	if alive(id) {
		t.Error("alive after a change of the PIN")
	}
}

func TestSessionsAreBounded(t *testing.T) {
	s, w := open(t, t.TempDir())
	first := s.Enter(access.Person{Name: "a", Role: access.Clerk}, "")
	for range 256 {
		w.turn(time.Second)
		s.Enter(access.Person{Name: "b", Role: access.Clerk}, "")
	}
	if _, ok := s.Session(first); ok {
		t.Error("the longest idle session did not make room")
	}
}

// TestBackOff lets one address fail: it waits longer and longer, and nobody else does.
func TestBackOff(t *testing.T) {
	s, w := open(t, t.TempDir())
	pin, err := s.EnsureClerk()
	if err != nil {
		t.Fatal(err)
	}
	begun := w.Now()
	for range 10 {
		for {
			_, _, err := s.SignIn(access.FirstClerk, "wrong", "10.0.0.66", "")
			later, wait := errors.AsType[*access.BackOffError](err)
			if !wait {
				if !errors.Is(err, access.ErrWrongPIN) {
					t.Fatal(err)
				}
				break
			}
			w.turn(later.After)
		}
	}
	if took := w.Now().Sub(begun); took < time.Minute {
		t.Errorf("ten failures took %s", took)
	}
	if _, _, err := s.SignIn(access.FirstClerk, pin, "10.0.0.66", ""); err == nil {
		t.Error("the right PIN ended the waiting time")
	}
	if _, _, err := s.SignIn(access.FirstClerk, pin, "10.0.0.1", ""); err != nil {
		t.Errorf("another desk is locked out: %v", err)
	}
	w.turn(10 * time.Minute)
	if _, _, err := s.SignIn(access.FirstClerk, pin, "10.0.0.66", ""); err != nil {
		t.Errorf("after the waiting time: %v", err)
	}
}

// TestManyAddresses attacks one account from many addresses: they are stopped together, and the
// desk that signed in before goes on.
func TestManyAddresses(t *testing.T) {
	s, _ := open(t, t.TempDir())
	pin, err := s.EnsureClerk()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.SignIn(access.FirstClerk, pin, "10.0.0.1", ""); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for n := range 200 {
		address := "2001:db8:0:" + string(rune('a'+n%6)) + string(rune('0'+n/6%10)) + string(rune('0'+n/60)) + "::1"
		_, _, err := s.SignIn(access.FirstClerk, "wrong", address, "")
		if errors.Is(err, access.ErrWrongPIN) {
			tried++
		}
	}
	if tried > 60 {
		t.Errorf("%d PINs tried in an hour", tried)
	}
	if _, _, err := s.SignIn(access.FirstClerk, pin, "10.0.0.1", ""); err != nil {
		t.Errorf("the office's own desk is locked out: %v", err)
	}
}

func TestRoles(t *testing.T) {
	order := map[access.Role]string{
		access.Admin: "screen kiosk clerk admin", access.Clerk: "screen kiosk clerk", access.Kiosk: "kiosk",
		access.Screen: "screen", "": "", "root": "",
	}
	for role, may := range order {
		for _, wanted := range access.Roles() {
			want := strings.Contains(" "+may+" ", " "+string(wanted)+" ")
			if got := role.Allows(wanted); got != want {
				t.Errorf("%q allows %q: %v, want %v", role, wanted, got, want)
			}
		}
	}
}

// TestNewPINEndsSessionsElsewhere sets a PIN as the command line does, in another process, while
// the branch runs.
func TestNewPINEndsSessionsElsewhere(t *testing.T) {
	dir := t.TempDir()
	running, _ := open(t, dir)
	pin, err := running.EnsureClerk()
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := running.SignIn(access.FirstClerk, pin, "10.0.0.1", "")
	if err != nil {
		t.Fatal(err)
	}
	byToken := running.Enter(access.Person{Name: access.FirstClerk, Role: access.Clerk}, "")
	command, _ := open(t, dir)
	if _, err := command.SetClerk("anna", access.Clerk); err != nil {
		t.Fatal(err)
	}
	if _, ok := running.Session(id); !ok {
		t.Error("a new account ended somebody else's session")
	}
	if _, err := command.SetClerk(access.FirstClerk, access.Clerk); err != nil {
		t.Fatal(err)
	}
	if _, ok := running.Alive(id); ok {
		t.Error("an open page still listens after the PIN was changed")
	}
	if _, ok := running.Session(id); ok {
		t.Error("the session outlives its PIN")
	}
	if _, ok := running.Session(byToken); !ok {
		t.Error("a session that a token opened hangs on a PIN")
	}
}
