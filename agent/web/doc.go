// Package web is the branch's face on its local network: the JSON API of design/5-interfaces.md,
// the pages for visitors, clerks and the hall, and what machines ask about the agent's health.
//
// It holds no rule of the queue and no second copy of its state: every answer is read from the
// engine, and every wish becomes one engine command with an idempotency key. Live pages follow
// server-sent events that are read from the journal by cursor, so a slow client costs no memory:
// it is cut off or skips to the newest state, and never delays anybody.
//
// Server.Run owns the listener and its connections; there are no other goroutines but those of
// net/http, and all have ended when Run returns.
package web
