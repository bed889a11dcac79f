package speaker

import (
	"bytes"
	"errors"
	"testing"
)

// TestFrames: frames that are seen in the field. The manual's own examples (such as 7E FF 06 09 00 00 04 FF
// DD EF) do not follow its rule for the checksum; modules take the rule.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		frame dfFrame
		want  []byte
	}{
		{dfFrame{command: 0x09, value: 4}, []byte{0x7e, 0xff, 0x06, 0x09, 0, 0, 4, 0xfe, 0xee, 0xef}},
		{dfFrame{command: 0x01}, []byte{0x7e, 0xff, 0x06, 0x01, 0, 0, 0, 0xfe, 0xfa, 0xef}},
		{dfFrame{command: dfTrack, reply: true, value: 0x0203}, []byte{0x7e, 0xff, 0x06, 0x0f, 1, 2, 3, 0xfe, 0xe6, 0xef}},
		{dfFrame{command: dfAck}, []byte{0x7e, 0xff, 0x06, 0x41, 0, 0, 0, 0xfe, 0xba, 0xef}},
	} {
		if got := c.frame.encode(); !bytes.Equal(got, c.want) {
			t.Errorf("%+v is % x, not % x", c.frame, got, c.want)
		}
		var p dfParser
		if got := p.take(c.want); len(got) != 1 || got[0] != c.frame {
			t.Errorf("% x is read as %+v", c.want, got)
		}
	}
}

// TestParserFindsFrames in noise, in pieces, and behind a damaged one.
func TestParserFindsFrames(t *testing.T) {
	one, two := dfFrame{command: dfTrackDone, value: 7}, dfFrame{command: dfOnline, value: 2}
	damaged := one.encode()
	damaged[6] ^= 1
	line := bytes.Join([][]byte{{0, 0x7e, 0xff, 0x7e}, one.encode(), damaged, two.encode(), {0x7e, 0xff}}, nil)
	for size := 1; size <= len(line); size++ {
		var p dfParser
		var got []dfFrame
		for rest := line; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			got = append(got, p.take(rest[:min(size, len(rest))])...)
		}
		if len(got) != 2 || got[0] != one || got[1] != two {
			t.Errorf("in pieces of %d: %+v", size, got)
		}
	}
}

// FuzzFrames: any bytes in any pieces give the frames that they give in one piece, and each of them is one.
func FuzzFrames(f *testing.F) {
	f.Add(dfFrame{command: dfAck}.encode(), 3)
	f.Add(append([]byte{0x7e, 0xff}, dfFrame{command: dfTrackDone, value: 0x7eff}.encode()...), 1)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		var whole, parts dfParser
		want := whole.take(data)
		at := max(0, min(cut, len(data)))
		got := append(parts.take(data[:at]), parts.take(data[at:])...)
		if len(whole.unread) >= dfFrameBytes || len(got) != len(want) {
			t.Fatalf("%d frames in one piece, %d in two, %d bytes kept", len(want), len(got), len(whole.unread))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%+v is %+v in two pieces", want[i], got[i])
			}
		}
	})
}

// FuzzCard: any text gives an error or tracks that a card can hold.
func FuzzCard(f *testing.F) {
	f.Add([]byte("version: 1\nclips:\n  - {clip: pl/gong, folder: 1, file: 3, ms: 1400}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tracks, err := parseCard("index.yaml", data)
		if err != nil && !errors.Is(err, ErrPack) {
			t.Error(err)
		}
		for clip, one := range tracks {
			if one.folder < 1 || one.folder > 99 || one.file < 1 || one.file > 255 || one.lasts < 0 {
				t.Errorf("%s: %+v", clip, one)
			}
		}
	})
}
