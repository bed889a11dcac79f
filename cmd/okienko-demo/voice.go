package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/drivers/speaker"
	"github.com/okienko/okienko/protocol"
)

// synthesizer reads the recordings. It is no part of Okienko and may be missing.
const synthesizer = "espeak-ng"

// voiceOff is the value of --voice for a town without announcements.
const voiceOff = "off"

// The states of the town's voice.
const (
	voiceNone     = "none"
	voiceBuilding = "building"
	voiceReady    = "ready"
	voiceFailed   = "failed"
)

// voiceView tells the page whether there is a voice, and why not.
type voiceView struct {
	State string `json:"state"`
	// Reason is off or no-synthesizer when there is none.
	Reason string `json:"reason,omitempty"`
	// Detail is what the program that makes it said last, when that failed.
	Detail string `json:"detail,omitempty"`
}

// voice is the town's pack of recordings. It is made while the branches already work; an agent
// finds it by itself as soon as the branch's own language, the last one made, is there.
type voice struct {
	dir     string
	program string
	hub     *hub
	first   voiceView
}

// newVoice decides whether there will be a voice. choice is what --voice says: a folder that keeps
// the pack, off, or nothing for one in dir.
func newVoice(choice, dir, program string, h *hub) (*voice, error) {
	v := &voice{dir: filepath.Join(dir, "voice"), program: program, hub: h, first: voiceView{State: voiceBuilding}}
	if choice == voiceOff {
		v.first = voiceView{State: voiceNone, Reason: "off"}
		return v, nil
	}
	if choice != "" {
		own, err := filepath.Abs(choice)
		if err != nil {
			return nil, fmt.Errorf("--voice %s: %w", choice, err)
		}
		v.dir = own
	}
	if len(v.missing()) == 0 {
		v.first = voiceView{State: voiceReady}
	} else if _, err := exec.LookPath(synthesizer); err != nil {
		v.first = voiceView{State: voiceNone, Reason: "no-synthesizer"}
	}
	return v, nil
}

// on says whether the branches get a loudspeaker.
func (v *voice) on() bool { return v.first.State != voiceNone }

// missing lists the languages that have no recordings yet. Polish is the last one, so that no branch
// begins to speak before it can speak them all.
func (v *voice) missing() []string {
	var list []string
	for _, l := range []protocol.Language{protocol.English, protocol.Ukrainian, protocol.Polish} {
		if _, err := speaker.ReadManifest(v.dir, string(l)); err != nil {
			list = append(list, string(l))
		}
	}
	return list
}

// Run makes what is missing, then waits like any part. A town whose voice cannot be made goes on.
func (v *voice) Run(ctx context.Context) error {
	if err := v.hub.publish(kindVoice, "", v.first); err != nil {
		return err
	}
	if v.first.State == voiceBuilding {
		now := voiceView{State: voiceReady}
		if err := v.build(ctx, v.missing()); err != nil {
			now = voiceView{State: voiceFailed, Detail: err.Error()}
		}
		if ctx.Err() == nil {
			if err := v.hub.publish(kindVoice, "", now); err != nil {
				return err
			}
		}
	}
	<-ctx.Done()
	return nil
}

// build makes recordings with the agent's own command, as an office does. The goroutine keeps its
// thread, whose end would end the program (see child).
func (v *voice) build(ctx context.Context, languages []string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	args := []string{"voice", "build", "--language", strings.Join(languages, ","), "--out", v.dir}
	cmd := exec.CommandContext(ctx, v.program, args...) //nolint:gosec // see findAgent
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // the synthesizer, too
	cmd.WaitDelay = stopLimit
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make the voice pack: %w: %s", err, said)
	}
	return nil
}

// errSound is the cause when bytes are not a sound that the demo can read.
var errSound = errors.New("not a WAV file with 16 bits and one channel")

// readWAV reads a WAV file by its specification and not by the driver's own code.
func readWAV(data []byte) (rate int, pcm []byte, err error) {
	const head = 44
	u16 := func(at int) int { return int(data[at]) | int(data[at+1])<<8 }
	if len(data) < head || string(data[:4]) != "RIFF" || string(data[8:16]) != "WAVEfmt " ||
		string(data[36:40]) != "data" {
		return 0, nil, errSound
	}
	rate = u16(24) | u16(26)<<16
	if u16(20) != 1 || u16(22) != 1 || u16(34) != 16 || rate < 4000 || rate > 192000 {
		return 0, nil, errSound
	}
	return rate, data[head:], nil
}

// words finds out what is said by comparing the samples with those of the pack; empty where
// something else is heard.
func (v *voice) words(pcm []byte) (language, text string) {
	for _, l := range announce.Languages() {
		if text := v.wordsIn(l, pcm); text != "" {
			return string(l), text
		}
	}
	return "", ""
}

func (v *voice) wordsIn(l protocol.Language, pcm []byte) string {
	texts := map[string]string{announce.Gong: "", announce.Pause: ","}
	for _, r := range announce.Recordings(l) {
		texts[r.ID] = " " + r.Text
	}
	clips := map[string][]byte{}
	for id := range texts {
		data, err := os.ReadFile(filepath.Join(v.dir, string(l), id+".wav"))
		if err != nil {
			continue // a language that is not in the pack
		}
		if _, clip, err := readWAV(data); err == nil && len(clip) > 0 {
			clips[id] = clip
		}
	}
	var said strings.Builder
	for len(pcm) > 0 {
		longest := ""
		for id, clip := range clips {
			if len(clip) > len(clips[longest]) && bytes.HasPrefix(pcm, clip) {
				longest = id
			}
		}
		if longest == "" {
			return ""
		}
		said.WriteString(texts[longest])
		pcm = pcm[len(clips[longest]):]
	}
	return sentence(said.String())
}

// sentence gives words a capital and a full stop.
func sentence(words string) string {
	words = strings.TrimSpace(words)
	if words == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(first)) + words[size:] + "."
}
