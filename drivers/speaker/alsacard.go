package speaker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is the sound system as a driver sees it; a test has one of its own.
type kernel interface {
	// find gives the path of a playback device.
	find(device string) (path string, err error)
	// open opens it without waiting for another program that holds it: that is EBUSY.
	open(path string) (pcm, error)
}

// pcm is an open playback device. None of its methods waits for the card, besides wait. The errors
// are those of the ioctls.
type pcm interface {
	refine(p *hwParams) error
	setup(p *hwParams) error
	prepare() error
	// write says how many frames were taken. EAGAIN: the buffer is full; EPIPE: it had run empty.
	write(frames []byte, frameBytes int) (int, error)
	// drain begins to play what is left; EAGAIN says that it has begun.
	drain() error
	// delay fails with EBADFD or EPIPE once all was played.
	delay() error
	drop() error
	free() error
	// wait returns when the device can go on or is in trouble, or after the limit.
	wait(limit time.Duration) error
	close() error
}

// linux is the kernel below two folders: /dev/snd and /proc/asound.
type linux struct{ devices, cards string }

// find takes the path itself, the id of a card as in /proc/asound/cards (it survives a change of
// numbers), or nothing for the first device of all.
func (l linux) find(device string) (string, error) {
	if filepath.IsAbs(device) {
		if _, err := os.Stat(device); err != nil {
			return "", fmt.Errorf("look for the sound card: %w", err)
		}
		return device, nil
	}
	pattern := "pcmC*D*p"
	if device != "" {
		card, err := os.Readlink(filepath.Join(l.cards, device)) // such as card1
		if err != nil {
			return "", fmt.Errorf("look for the sound card %q: %w", device, err)
		}
		pattern = "pcmC" + strings.TrimPrefix(card, "card") + "D*p"
	}
	found, err := filepath.Glob(filepath.Join(l.devices, pattern))
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("look for a sound card (%s): %w", pattern, errors.Join(err, os.ErrNotExist))
	}
	// By length first, or card 10 would come before card 2.
	slices.SortFunc(found, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return found[0], nil
}

func (linux) open(path string) (pcm, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return card(fd), nil
}

// card is the descriptor of an open playback device.
type card int

func (c card) ioctl(request uintptr, arg unsafe.Pointer) error {
	//nolint:gosec // the kernel reads and writes a struct by its address
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

//nolint:gosec // the address of the struct is all that the kernel takes
func (c card) refine(p *hwParams) error { return c.ioctl(pcmRefine, unsafe.Pointer(p)) }

//nolint:gosec // the address of the struct is all that the kernel takes
func (c card) setup(p *hwParams) error { return c.ioctl(pcmHWParams, unsafe.Pointer(p)) }

func (c card) prepare() error { return c.ioctl(pcmPrepare, nil) }
func (c card) drain() error   { return c.ioctl(pcmDrain, nil) }
func (c card) drop() error    { return c.ioctl(pcmDrop, nil) }
func (c card) free() error    { return c.ioctl(pcmHWFree, nil) }
func (c card) close() error   { return unix.Close(int(c)) }

func (c card) delay() error {
	var frames int                                    // snd_pcm_sframes_t is a long
	return c.ioctl(pcmDelay, unsafe.Pointer(&frames)) //nolint:gosec // as above
}

func (c card) write(frames []byte, frameBytes int) (int, error) {
	//nolint:gosec // the kernel takes the samples from their address
	t := transfer{buffer: unsafe.Pointer(unsafe.SliceData(frames)), frames: uint(len(frames) / frameBytes)}
	err := c.ioctl(pcmWrite, unsafe.Pointer(&t)) //nolint:gosec // as above
	runtime.KeepAlive(frames)
	if err != nil {
		return 0, err
	}
	return t.result, nil
}

func (c card) wait(limit time.Duration) error {
	set := []unix.PollFd{{Fd: int32(c), Events: unix.POLLOUT}} //nolint:gosec // a descriptor is small
	_, err := unix.Poll(set, int(limit.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		return nil // the next call tells how the device is
	}
	return err
}
