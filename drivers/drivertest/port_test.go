package drivertest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// echo answers every byte with the same byte.
func echo(t *testing.T) Port {
	t.Helper()
	host, device := net.Pipe()
	go func() { _, _ = io.Copy(device, device) }()
	t.Cleanup(func() {
		_ = host.Close()
		_ = device.Close()
	})
	return host
}

func TestRecordAndPlayBack(t *testing.T) {
	t.Parallel()
	recorder := NewRecorder(echo(t))
	say := func(port Port, text string) string {
		answer := make([]byte, len(text))
		done := make(chan error, 1)
		go func() {
			_, err := port.Write([]byte(text))
			done <- err
		}()
		_, readErr := io.ReadFull(port, answer)
		if err := errors.Join(readErr, <-done); err != nil {
			t.Errorf("say %q: %v", text, err)
		}
		return string(answer)
	}
	say(recorder, "a")
	say(recorder, "b")
	want := []Chunk{
		{false, []byte("a")}, {true, []byte("a")}, {false, []byte("b")}, {true, []byte("b")},
	}
	if diff := cmp.Diff(want, recorder.Chunks()); diff != "" {
		t.Fatalf("recording (-want +got):\n%s", diff)
	}
	if got := string(recorder.Written()); got != "ab" {
		t.Errorf("written %q", got)
	}

	playback := NewPlayback(recorder.Chunks())
	if got := say(playback, "a"); got != "a" {
		t.Errorf("played back %q", got)
	}
	if playback.Done() == nil {
		t.Error("done before the end")
	}
	if got := say(playback, "b"); got != "b" {
		t.Errorf("played back %q", got)
	}
	if err := playback.Done(); err != nil {
		t.Error(err)
	}
	if _, err := playback.Write([]byte("c")); err == nil || playback.Done() == nil {
		t.Error("a byte after the end was accepted")
	}
}

func TestPlaybackComplainsOfAnotherByte(t *testing.T) {
	t.Parallel()
	playback := NewPlayback([]Chunk{{false, []byte("abc")}})
	if n, err := playback.Write([]byte("abX")); n != 2 || err == nil {
		t.Errorf("write: %d, %v", n, err)
	}
}

func TestFaultyPort(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		faults Faults
		want   int
		err    error
	}{
		{"none", NoFaults(), 5, nil},
		{"stall", Faults{StallAt: 3, UnplugAt: -1, FailAt: -1}, 3, os.ErrDeadlineExceeded},
		{"unplug", Faults{StallAt: -1, UnplugAt: 2, FailAt: -1}, 2, ErrUnplugged},
		{"fail", Faults{StallAt: -1, UnplugAt: -1, FailAt: 0}, 0, io.ErrShortWrite},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				host, device := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, device) }()
				port := NewFaultyPort(host, tt.faults)
				if err := port.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
					t.Fatal(err)
				}
				n, err := port.Write([]byte("12345"))
				if n != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("write: %d, %v; want %d, %v", n, err, tt.want, tt.err)
				}
				_ = port.Close()
			})
		})
	}
}

func TestFaultyPortResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host, device := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, device) }()
		port := NewFaultyPort(host, Faults{StallAt: 1, UnplugAt: -1, FailAt: -1})
		go func() {
			time.Sleep(time.Hour) // virtual
			port.Resume()
		}()
		if n, err := port.Write([]byte("12")); n != 2 || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
		_ = port.Close()
	})
}

func TestFaultyPortGarbageComesFirst(t *testing.T) {
	t.Parallel()
	f := NoFaults()
	f.Garbage = []byte("xyz")
	port := NewFaultyPort(echo(t), f)
	if _, err := port.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(port, got); err != nil || string(got) != "xyza" {
		t.Errorf("read %q, %v", got, err)
	}
}
