package clock

import (
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// syncedFor is how long the kernel's word on the time source is believed before it is asked again.
const syncedFor = time.Second

// System is the machine's own clock. NewSystem makes one.
type System struct {
	started time.Time
	set     bool

	mu     sync.Mutex
	asked  time.Duration // steady time of the last question to the kernel
	synced bool          // its answer
}

// NewSystem reads once how the wall clock was set at boot: trusted when a time source disciplines
// it, when the machine has a battery-backed clock, or when it has been up for long enough that
// this is a restart of the agent and not of the machine.
func NewSystem() *System {
	disciplined := synced()
	return &System{
		started: time.Now(), synced: disciplined,
		set: disciplined || hasRTC() || upFor() > 10*time.Minute,
	}
}

// Read implements Clock.
func (s *System) Read() Reading {
	now := time.Now()
	steady := now.Sub(s.started)
	disciplined := s.disciplined(steady)
	return Reading{
		Wall: now.Round(0), Steady: steady, Synced: disciplined, Set: s.set || disciplined,
	}
}

// disciplined says whether a time source steers the clock, asking the kernel once a second.
func (s *System) disciplined(steady time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if steady-s.asked >= syncedFor {
		s.asked, s.synced = steady, synced()
	}
	return s.synced
}

// After implements Clock with real time.
func (s *System) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// synced asks the kernel whether a time source disciplines the clock (adjtimex(2), STA_UNSYNC).
func synced() bool {
	var t unix.Timex
	state, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

func hasRTC() bool {
	_, err := os.Stat("/sys/class/rtc/rtc0")
	return err == nil || !errors.Is(err, os.ErrNotExist)
}

func upFor() time.Duration {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return time.Duration(info.Uptime) * time.Second //nolint:unconvert // 32 bits on arm
}
