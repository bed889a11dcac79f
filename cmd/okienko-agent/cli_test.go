package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/configs"
	"github.com/okienko/okienko/drivers/escpos"
)

// TestMain lets the test binary be the process that verifies a journal.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == verifyCommand()[1] {
		os.Exit(journal.VerifyMain(os.Args[2:], os.Stdout))
	}
	os.Exit(m.Run())
}

// call runs the program as main does.
func call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, streams{in: strings.NewReader(stdin), out: &out, err: &errs})
	return code, out.String(), errs.String()
}

// write makes a file in a fresh folder.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const sampleTicket = `{"number":"A45","service":"Zażółć gęślą jaźń","ahead":12,
"url":"https://kolejka.torun.pl/t/OkJpcRtnYSdLPJ6yGEtflw","branch":"Urząd Miasta Torunia",
"time":"2026-11-23T10:15:00+01:00","wait":{"low":600,"high":1500},"language":"pl","mark":""}`

func TestExitCodes(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		want   int
		stderr string
	}{
		{"no-command", nil, exitUse, "okienko-agent -h"},
		{"unknown-command", []string{"fly"}, exitUse, "fly"},
		{"unknown-flag", []string{"version", "--loud"}, exitUse, "--loud"},
		{"run-without-config", []string{"run"}, exitUse, "--config"},
		{"config-file-missing", []string{"check-config", "/nowhere.yaml"}, exitUse, "/nowhere.yaml"},
		{"unknown-profile", []string{"ticket", "--profile", "epson-tm-t20", "--data", "x"}, exitUse, "epson-tm-t20iii"},
		{"ticket-data-missing", []string{"ticket", "--data", "/nowhere.json"}, exitUse, "/nowhere.json"},
		{"unknown-role", []string{"token", "create", "--data", "/tmp/x", "--role", "king"}, exitUse, "king"},
		{"no-journal-to-verify", []string{"journal", "verify", "--data", "/nowhere"}, exitUse, "/nowhere"},
		{"schema-of-a-file", []string{"check-config", "--schema", "x.yaml"}, exitUse, "--schema"},
		{"no-journal", []string{"journal", "dump", "--data", "/nowhere"}, exitFailed, "/nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := call(t, "", tt.args...)
			if code != tt.want || !strings.Contains(errs, tt.stderr) || out != "" {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit %d and %q", code, out, errs, tt.want, tt.stderr)
			}
		})
	}
}

func TestHelpEverywhere(t *testing.T) {
	for _, args := range [][]string{
		{"-h"},
		{"run", "-h"},
		{"check-config", "-h"},
		{"ticket", "-h"},
		{"paper", "-h"},
		{"journal", "-h"},
		{"journal", "dump", "-h"},
		{"journal", "verify", "-h"},
		{"token", "create", "-h"},
		{"clerk", "set", "-h"},
		{"test", "printer", "-h"},
	} {
		if code, out, errs := call(t, "", args...); code != exitDone || !strings.Contains(out, "Usage: okienko-agent") {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
}

func TestCheckConfig(t *testing.T) {
	good := filepath.Join(t.TempDir(), "agent.yaml")
	sample, err := configs.Samples.ReadFile("agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(good, sample, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := call(t, "", "check-config", good); code != exitDone || !strings.Contains(out, "in order") {
		t.Errorf("sample: exit %d, %q, %q", code, out, errs)
	}
	bad := write(t, "bad.yaml", "version: 1\nlistne: 127.0.0.1:80\n")
	code, _, errs := call(t, "", "check-config", bad)
	for _, want := range []string{bad + ":2:1", "^", "listen"} {
		if code != exitUse || !strings.Contains(errs, want) {
			t.Errorf("misspelt key: exit %d, %q; want exit 2 and %q", code, errs, want)
		}
	}
	code, out, _ := call(t, "", "check-config", "--schema")
	if code != exitDone || !json.Valid([]byte(out)) {
		t.Errorf("schema: exit %d, %.80q", code, out)
	}
}

// TestPaperWithoutProfile: whoever does not name the printer gets one that can do everything.
func TestPaperWithoutProfile(t *testing.T) {
	data := write(t, "ticket.json", sampleTicket)
	for _, name := range escpos.ProfileNames() {
		_, stream, _ := call(t, "", "ticket", "--profile", name, "--data", data)
		_, account, _ := call(t, stream, "paper", "-")
		if !strings.Contains(account, "https://kolejka.torun.pl/t/OkJpcRtnYSdLPJ6yGEtflw") || strings.Contains(account, "〓") {
			t.Errorf("%s: an emulator that can do everything reads %s", name, account)
		}
	}
}

// TestEveryProfileThroughTheEmulator prints one ticket per profile and reads it back: text where the
// printer has letters, and the code everywhere.
func TestEveryProfileThroughTheEmulator(t *testing.T) {
	data := write(t, "ticket.json", sampleTicket)
	for _, name := range escpos.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			code, stream, errs := call(t, "", "ticket", "--profile", name, "--data", data)
			if code != exitDone {
				t.Fatalf("ticket: exit %d, %s", code, errs)
			}
			code, account, errs := call(t, stream, "paper", "--profile", name, "--png", filepath.Join(t.TempDir(), "t.png"), "-")
			if code != exitDone {
				t.Fatalf("paper: exit %d, %s", code, errs)
			}
			var told struct {
				Tickets []struct {
					Lines, QR, Warnings []string
					Images              int
					Cut                 string
				} `json:"tickets"`
			}
			if err := json.Unmarshal([]byte(account), &told); err != nil || len(told.Tickets) != 1 {
				t.Fatalf("paper says %s, %v", account, err)
			}
			ticket := told.Tickets[0]
			if !slices.Equal(ticket.QR, []string{"https://kolejka.torun.pl/t/OkJpcRtnYSdLPJ6yGEtflw"}) || len(ticket.Warnings) > 0 {
				t.Errorf("QR %q, warnings %q", ticket.QR, ticket.Warnings)
			}
			profile, err := escpos.LoadProfile(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			if profile.Text.Order[0] == "raster" {
				if ticket.Images < 3 {
					t.Errorf("%d images; a printer without Polish letters gets its lines as pictures", ticket.Images)
				}
				return // what they say is read by tesseract in TestTicketsAreReadable
			}
			for _, want := range []string{"Zażółć gęślą jaźń", "A45", "Przed Tobą: 12 osób"} {
				if !slices.Contains(ticket.Lines, want) {
					t.Errorf("lines %q lack %q", ticket.Lines, want)
				}
			}
		})
	}
}

// TestTicketSize is the figure of the issue: at most 400 bytes with QR and no logo.
func TestTicketSize(t *testing.T) {
	data := write(t, "ticket.json", sampleTicket)
	for _, name := range []string{"epson-tm-t20iii", "epson-tm-t88vi", "epson-eu-m30", "custom-vkp80iii", "xprinter-n160ii"} {
		if _, stream, _ := call(t, "", "ticket", "--profile", name, "--data", data); len(stream) == 0 || len(stream) > 400 {
			t.Errorf("%s: a ticket takes %d bytes; want at most 400", name, len(stream))
		}
	}
}

func TestTokenIsHashed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	code, out, errs := call(t, "", "token", "create", "--data", dir, "--role", "kiosk")
	if code != exitDone {
		t.Fatalf("exit %d, %s", code, errs)
	}
	path := filepath.Join(dir, "tokens.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("tokens.json: %v, %v; want mode 0600", info, err)
	}
	if token := strings.TrimSpace(out); len(token) < 22 || bytes.Contains(text, []byte(token)) {
		t.Errorf("token %q in the clear in %s", token, text)
	}
}

// TestClosedStdout: output that cannot be written is an error, not a silence.
func TestClosedStdout(t *testing.T) {
	r, w := io.Pipe()
	_ = r.Close()
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"version"}, streams{in: strings.NewReader(""), out: w, err: &errs}); code != exitFailed {
		t.Errorf("exit %d, %s; want %d", code, errs.String(), exitFailed)
	}
}
