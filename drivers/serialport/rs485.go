package serialport

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rs485 is struct serial_rs485 of linux/serial.h.
type rs485 struct {
	flags                 uint32
	delayBefore, delayEnd uint32 // milliseconds
	_                     [5]uint32
}

// The request and the flags of linux/serial.h: drive RTS high while sending.
const (
	tiocsrs485      = 0x542f
	rs485Enabled    = 1 << 0
	rs485RTSSending = 1 << 1
)

// switchRS485 lets the kernel switch the line's direction. Adapters that do it by themselves have
// no such driver and need rs485=false.
func switchRS485(fd int) error {
	set := rs485{flags: rs485Enabled | rs485RTSSending}
	//nolint:gosec // the kernel reads a struct by its address
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), tiocsrs485, uintptr(unsafe.Pointer(&set))); errno != 0 {
		return fmt.Errorf("switch to RS-485 (an adapter that does it by itself needs rs485=false): %w", errno)
	}
	return nil
}
