package secret_test

import (
	"testing"

	"github.com/okienko/okienko/agent/secret"
)

func TestTicketURL(t *testing.T) {
	key, err := secret.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, _ := key.Token("T1")
	for _, public := range []string{"https://kolejka.example.pl", "https://kolejka.example.pl/"} {
		if got, want := key.TicketURL(public, "T1", ""), "https://kolejka.example.pl/t/"+token; got != want {
			t.Errorf("address %q, want %q", got, want)
		}
	}
	if got := key.TicketURL("https://kolejka.example.pl", "B1", "B1"); got != "" {
		t.Errorf("a booking's token is the centre's, not %q", got)
	}
	if got := key.TicketURL("", "T1", ""); got != "" {
		t.Errorf("an address without a site: %q", got)
	}
}
