package agent

import (
	"time"

	"github.com/okienko/okienko/agent/devices"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/secret"
	"github.com/okienko/okienko/agent/ticket"
	"github.com/okienko/okienko/drivers/paper"
	"github.com/okienko/okienko/protocol"
)

// layout makes the function that turns a ticket of the queue into a document.
func layout(o Options, key *secret.Secret) devices.Layout {
	var options ticket.Options
	if o.Logo != nil {
		options.Logo = *o.Logo
	}
	return func(t queue.Ticket, s protocol.Settings, mark queue.Mark) paper.Document {
		data := ticket.Data{
			Number: t.Number.String(), Service: serviceName(s, t), Ahead: t.Ahead, Branch: s.Name,
			Time: t.Issued.Time().In(zone(s.Zone)), Language: string(t.Language), Mark: ticket.Mark(mark),
		}
		if t.Wait != nil {
			data.Wait = &ticket.Wait{Low: t.Wait.Low, High: t.Wait.High}
		}
		data.URL = key.TicketURL(o.Config.PublicURL, t.ID, t.Booking)
		return ticket.Layout(data, options)
	}
}

// serviceName picks the name in the ticket's language, else in Polish.
func serviceName(s protocol.Settings, t queue.Ticket) string {
	for _, service := range s.Services {
		if service.ID != t.Service {
			continue
		}
		if name := service.Names[t.Language]; name != "" {
			return name
		}
		return service.Names[protocol.Polish]
	}
	return string(t.Service)
}

// zone finds the office's time zone. The queue has accepted its name already, so a failure can
// only be a missing database; the ticket then shows universal time.
func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return z
}
