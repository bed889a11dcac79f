package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Port is an open line to a device, as the drivers use it.
type Port interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
}

// Chunk is what went one way over a line without a turn.
type Chunk struct {
	// FromDevice is true for what the driver read.
	FromDevice bool
	Data       []byte
}

// Recorder passes everything through to a port and keeps it. Its methods may be used as those of
// the port: one reader and one writer at a time, Close from anywhere.
type Recorder struct {
	Port
	mu     sync.Mutex
	chunks []Chunk
}

// NewRecorder records what goes over port.
func NewRecorder(port Port) *Recorder { return &Recorder{Port: port} }

// Read reads from the port and keeps what came.
func (r *Recorder) Read(b []byte) (int, error) {
	n, err := r.Port.Read(b)
	r.keep(true, b[:n])
	return n, err
}

// Write keeps what the port took. It notes the bytes before it hands them on, or an answer could
// come before its question.
func (r *Recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	at := r.add(false, b)
	r.mu.Unlock()
	n, err := r.Port.Write(b)
	if n < len(b) {
		r.mu.Lock()
		defer r.mu.Unlock()
		data := r.chunks[at].Data
		r.chunks[at].Data = data[:len(data)-(len(b)-n)]
	}
	return n, err
}

func (r *Recorder) keep(fromDevice bool, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(b) > 0 {
		r.add(fromDevice, b)
	}
}

// add appends b to the chunk of its direction and returns that chunk's index. The lock is held.
func (r *Recorder) add(fromDevice bool, b []byte) int {
	last := len(r.chunks) - 1
	if last < 0 || r.chunks[last].FromDevice != fromDevice {
		r.chunks = append(r.chunks, Chunk{FromDevice: fromDevice})
		last++
	}
	r.chunks[last].Data = append(r.chunks[last].Data, b...)
	return last
}

// Chunks returns a copy of what was recorded, oldest first.
func (r *Recorder) Chunks() []Chunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Chunk, len(r.chunks))
	for i, c := range r.chunks {
		out[i] = Chunk{FromDevice: c.FromDevice, Data: bytes.Clone(c.Data)}
	}
	return out
}

// Written returns everything that went to the device.
func (r *Recorder) Written() []byte {
	var all []byte
	for _, c := range r.Chunks() {
		if !c.FromDevice {
			all = append(all, c.Data...)
		}
	}
	return all
}

// Playback is a device that says again what it said in a recording, each answer after the bytes
// that went before it, and complains of any byte that was not in the recording. After the last
// chunk it is silent.
type Playback struct {
	mu      sync.Mutex
	changed *sync.Cond
	chunks  []Chunk
	closed  bool
	err     error
}

// NewPlayback plays chunks back.
func NewPlayback(chunks []Chunk) *Playback {
	p := &Playback{}
	for _, c := range chunks {
		p.chunks = append(p.chunks, Chunk{FromDevice: c.FromDevice, Data: bytes.Clone(c.Data)})
	}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// Read waits for the recording's next answer.
func (p *Playback) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && (len(p.chunks) == 0 || !p.chunks[0].FromDevice) {
		p.changed.Wait()
	}
	if p.closed {
		return 0, os.ErrClosed
	}
	n := copy(b, p.chunks[0].Data)
	p.advance(n)
	return n, nil
}

// Write compares b with the recording. It fails at the first byte that differs.
func (p *Playback) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range b {
		for len(p.chunks) > 0 && p.chunks[0].FromDevice && !p.closed {
			p.changed.Wait() // the driver writes ahead of an answer that is being read
		}
		switch {
		case p.closed:
			return i, os.ErrClosed
		case len(p.chunks) == 0:
			p.err = fmt.Errorf("byte %#02x after the end of the recording", b[i])
			return i, p.err
		case p.chunks[0].Data[0] != b[i]:
			p.err = fmt.Errorf("wrote %#02x where the recording has %#02x", b[i], p.chunks[0].Data[0])
			return i, p.err
		}
		p.advance(1)
	}
	return len(b), nil
}

// advance drops n bytes of the current chunk. The lock is held.
func (p *Playback) advance(n int) {
	p.chunks[0].Data = p.chunks[0].Data[n:]
	if len(p.chunks[0].Data) == 0 {
		p.chunks = p.chunks[1:]
	}
	p.changed.Broadcast()
}

// Close ends a Read or Write in progress.
func (p *Playback) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.changed.Broadcast()
	return nil
}

// SetWriteDeadline does nothing: a Playback takes bytes at once or not at all.
func (p *Playback) SetWriteDeadline(time.Time) error { return nil }

// Done reports nil when the whole recording was played and every byte was as recorded.
func (p *Playback) Done() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && len(p.chunks) > 0 {
		return fmt.Errorf("%d chunks of the recording were not played", len(p.chunks))
	}
	return p.err
}

// ErrUnplugged is what a FaultyPort says of a pulled cable.
var ErrUnplugged = errors.New("cable pulled")

// Faults are what a FaultyPort does. A position below 0 means never; positions count the bytes
// written since the port was made.
type Faults struct {
	// StallAt stops taking bytes until the write deadline.
	StallAt int
	// UnplugAt fails the write, and every read and write after it.
	UnplugAt int
	// FailAt fails one write after a partial count and goes on as if nothing had been.
	FailAt int
	// Garbage is read before what the device says.
	Garbage []byte
}

// NoFaults returns faults that never happen.
func NoFaults() Faults { return Faults{StallAt: -1, UnplugAt: -1, FailAt: -1} }

// FaultyPort is a port with faults at chosen bytes.
type FaultyPort struct {
	port Port

	mu       sync.Mutex
	faults   Faults
	written  int
	deadline time.Time
	pulled   bool
	wake     chan struct{} // closed and replaced when deadline or pulled changes
}

// NewFaultyPort puts faults between a driver and port.
func NewFaultyPort(port Port, faults Faults) *FaultyPort {
	return &FaultyPort{port: port, faults: faults, wake: make(chan struct{})}
}

// Read returns the garbage first, then what the port reads.
func (f *FaultyPort) Read(b []byte) (int, error) {
	f.mu.Lock()
	if n := copy(b, f.faults.Garbage); n > 0 {
		f.faults.Garbage = f.faults.Garbage[n:]
		f.mu.Unlock()
		return n, nil
	}
	f.mu.Unlock()
	n, err := f.port.Read(b)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pulled {
		return 0, ErrUnplugged
	}
	return n, err
}

// Write writes up to the next fault.
func (f *FaultyPort) Write(b []byte) (int, error) {
	total := 0
	for total < len(b) {
		size, fault := f.next(len(b) - total)
		if size > 0 {
			n, err := f.port.Write(b[total : total+size])
			total += n
			f.count(n)
			if err != nil {
				return total, err
			}
			continue
		}
		if err := fault(); err != nil {
			return total, err
		}
	}
	return total, nil
}

// next returns how many bytes may go before the next fault, or that fault.
func (f *FaultyPort) next(want int) (int, func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pulled {
		return 0, func() error { return ErrUnplugged }
	}
	for _, fault := range []struct {
		at  *int
		act func() error
	}{
		{&f.faults.UnplugAt, f.Unplug},
		{&f.faults.StallAt, f.stall},
		{&f.faults.FailAt, f.failOnce},
	} {
		if *fault.at < 0 {
			continue
		}
		left := *fault.at - f.written
		if left <= 0 {
			return 0, fault.act
		}
		want = min(want, left)
	}
	return want, nil
}

func (f *FaultyPort) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.written += n
}

// Unplug pulls the cable now: reads and writes fail from here on. It returns ErrUnplugged.
func (f *FaultyPort) Unplug() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulled = true
	f.awake()
	return errors.Join(ErrUnplugged, f.port.Close())
}

func (f *FaultyPort) failOnce() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.FailAt = -1
	return io.ErrShortWrite
}

// stall waits for the deadline, for Resume or for the end of the port.
func (f *FaultyPort) stall() error {
	for {
		f.mu.Lock()
		deadline, wake := f.deadline, f.wake
		pulled, stalled := f.pulled, f.faults.StallAt >= 0
		f.mu.Unlock()
		switch {
		case pulled:
			return ErrUnplugged
		case !stalled:
			return nil
		}
		var expired <-chan time.Time
		timer := time.NewTimer(time.Until(deadline))
		if !deadline.IsZero() {
			expired = timer.C
		}
		select {
		case <-expired:
			return os.ErrDeadlineExceeded
		case <-wake:
		}
		timer.Stop()
	}
}

// Resume ends a stall and disarms the next.
func (f *FaultyPort) Resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.StallAt = -1
	f.awake()
}

// SetWriteDeadline bounds a stall as well as the port's own writes.
func (f *FaultyPort) SetWriteDeadline(t time.Time) error {
	f.mu.Lock()
	f.deadline = t
	f.awake()
	f.mu.Unlock()
	return f.port.SetWriteDeadline(t)
}

// Close closes the port and ends a stall.
func (f *FaultyPort) Close() error {
	f.mu.Lock()
	f.pulled = true
	f.awake()
	f.mu.Unlock()
	return f.port.Close()
}

// awake tells a stalled write to look again. The lock is held.
func (f *FaultyPort) awake() {
	close(f.wake)
	f.wake = make(chan struct{})
}
