// Package board drives the displays at the counters: MAX7219 and MAX7221 cascades on SPI, and
// boards on RS-485.
//
// Boards forget: a dip of their supply clears them, and most cannot be read back. Set-up and
// content are therefore sent again every 2 s. A board shows only what Show was last given, the
// newest face wins, and before the first one it is blank. Boards that share a line have one
// goroutine, Run of their Set; one that does not answer is tried again with growing pauses and
// delays the others by a single time-out. The package knows nothing of tickets.
package board
