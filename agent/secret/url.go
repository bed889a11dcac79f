package secret

import (
	"strings"

	"github.com/okienko/okienko/protocol"
)

// TicketURL is the address of a ticket's own page, public/t/TOKEN. It is empty when the branch has no
// public address, and for the ticket of a booking: its token is known to the centre alone.
func (s *Secret) TicketURL(public string, id protocol.TicketID, booking protocol.BookingID) string {
	if public == "" || booking != "" {
		return ""
	}
	token, _ := s.Token(id)
	return strings.TrimSuffix(public, "/") + "/t/" + token
}
