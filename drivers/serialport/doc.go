// Package serialport keeps a serial line to a device open: the one wrapper of tarm/serial.
//
// tarm/serial has no flow control, blocks for ever in Write and Close on a stalled line, and reads
// an unplugged line as silence (measured; reference/hardware.md 1.2). A Port therefore
//
//   - reads with a time-out of 100 ms from one goroutine, and takes silence that comes back too
//     quickly for a hang-up;
//   - writes from one goroutine in pieces of at most 256 bytes under the caller's deadline. A line
//     that does not take them is dead: the goroutine that hangs in it is left alone until the
//     kernel lets it go, and the line is not opened again before, so that at most one ever hangs;
//   - controls the line through a descriptor of its own: exclusive use, drain, RS-485 direction;
//   - opens the line again by its name after 0.2 to 5 s, the old descriptor closed first.
//
// Run owns the goroutines. All other methods may be called from any goroutine.
package serialport
