//go:build slow

package serialport_test

import (
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestThousandReplugs: 1,000 unplugs and replugs, of 25 lines at a time, leave no goroutine and no
// descriptor behind, and every line is open at the end.
func TestThousandReplugs(t *testing.T) {
	const lines, cycles = 25, 40
	type pair struct {
		socket *socket
		open   func()
		closed func()
	}
	var all []pair
	for range lines {
		s := newSocket(t)
		s.plug()
		p, _ := start(t, s)
		all = append(all, pair{s, func() { await(t, p, true) }, func() { await(t, p, false) }})
	}
	for _, one := range all {
		one.open()
	}
	goroutines, descriptors := settled(t, 0, 0)
	var wg sync.WaitGroup
	for _, one := range all {
		wg.Go(func() {
			for range cycles {
				one.socket.unplug()
				one.closed()
				one.socket.plug()
				one.open()
			}
		})
	}
	wg.Wait()
	if g, d := settled(t, goroutines, descriptors); g > goroutines || d > descriptors {
		t.Errorf("%d goroutines and %d descriptors after %d replugs, before there were %d and %d",
			g, d, lines*cycles, goroutines, descriptors)
	}
}

// settled counts goroutines and descriptors, and again for up to ten seconds while they are more than
// wanted: what ends by itself is given the time to do so.
func settled(t *testing.T, goroutines, descriptors int) (g, d int) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		if g, d = runtime.NumGoroutine(), len(list); g <= goroutines && d <= descriptors || goroutines == 0 {
			break
		}
		<-tick.C
	}
	return g, d
}
