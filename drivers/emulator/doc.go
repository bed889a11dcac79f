// Package emulator stands in for the branch's devices on the level of bytes: what is written to it
// is what would be written to the real thing, and what it answers is what the manuals say.
//
// Printer is an ESC/POS ticket printer. It is written from the manufacturers' documents, gathered in
// reference/escpos.md, and shares no code, no table and no author with the encoder it checks
// (drivers/escpos); the tests run three foreign encoders through it for the same reason.
//
// Data flows one way: transport (Serve, PTY, TCP) → receive buffer → lexer (where does a command
// end) → interp (what does it do to the paper) → Ticket, which is drawn as a picture only when
// somebody asks. Real-time commands are seen when a byte arrives, everything else when the print
// head gets there, so a queued reply is late when the printer is slow and missing when it is out of
// paper.
//
// Printer starts no goroutine of its own; its head moves on a timer. Serve and the Run methods of
// PTY and TCP own the goroutines of their connection and return only after these have ended. Every
// method of Printer may be called from any goroutine.
//
// Bounds: receive buffer Options.BufferSize, replies waiting to be sent 64 (the newest is dropped),
// one ticket 5 m of paper and 4 MiB (the rest is lost with a warning), history 500 tickets and
// 64 MiB (the oldest is dropped), warnings 20 a ticket. Lengths declared by a command are never
// allocated, only what has arrived.
package emulator
