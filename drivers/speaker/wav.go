package speaker

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Sound is mono sound; samples are from -1 to 1.
type Sound struct {
	Rate    int // samples a second
	Samples []float64
}

// ErrWAV is the cause when bytes are not a WAV file that packs may hold.
var ErrWAV = errors.New("not a WAV file with 16 bits and one channel")

const (
	wavHead = 44
	fullScl = 32767
	minRate = 8000
	maxRate = 48000
)

// DecodeWAV reads a RIFF WAVE file with linear PCM of 16 bits in one channel. Chunks besides fmt and
// data are passed over. A data chunk may promise more than there is, as streamed files do.
func DecodeWAV(b []byte) (Sound, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return Sound{}, ErrWAV
	}
	rate := 0
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		body := b[:min(size, int64(len(b)))]
		switch {
		case id == "fmt ":
			if len(body) < 16 || binary.LittleEndian.Uint16(body) != 1 || binary.LittleEndian.Uint16(body[2:]) != 1 ||
				binary.LittleEndian.Uint16(body[14:]) != 16 {
				return Sound{}, ErrWAV
			}
			if rate = int(binary.LittleEndian.Uint32(body[4:])); rate < minRate || rate > maxRate {
				return Sound{}, fmt.Errorf("%d samples a second: %w", rate, ErrWAV)
			}
		case id == "data" && rate > 0:
			s := Sound{Rate: rate, Samples: make([]float64, len(body)/2)}
			for i := range s.Samples {
				s.Samples[i] = float64(int16(binary.LittleEndian.Uint16(body[2*i:]))) / fullScl //nolint:gosec // two's complement
			}
			return s, nil
		}
		b = b[min(size+size%2, int64(len(b))):]
	}
	return Sound{}, fmt.Errorf("no sound in it: %w", ErrWAV)
}

// EncodeWAV is the file that DecodeWAV reads.
func EncodeWAV(s Sound) []byte {
	b := appendHead(make([]byte, 0, wavHead+2*len(s.Samples)), s.Rate, len(s.Samples))
	for _, v := range s.Samples {
		sample := int16(max(-1, min(1, v)) * fullScl)
		b = binary.LittleEndian.AppendUint16(b, uint16(sample)) //nolint:gosec // two's complement
	}
	return b
}

// appendHead begins a WAV file with so many samples.
func appendHead(b []byte, rate, samples int) []byte {
	size := uint32(2 * samples) //nolint:gosec // an announcement has seconds
	perSecond := uint32(rate)   //nolint:gosec // checked
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, size+wavHead-8)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // one channel
	b = binary.LittleEndian.AppendUint32(b, perSecond)
	b = binary.LittleEndian.AppendUint32(b, 2*perSecond)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	return binary.LittleEndian.AppendUint32(b, size)
}
