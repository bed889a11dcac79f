package speaker

import (
	"errors"
	"math"
)

// The levels of a pack (reference/ux.md section 4).
const (
	// SpeechLUFS is the loudness of every recording.
	SpeechLUFS = -16.0
	// GongLUFS is that of the gong, which would else be heard as louder than speech.
	GongLUFS = -20.0
	// PeakDBTP is the highest true peak.
	PeakDBTP = -1.5
)

const (
	fadeSeconds  = 0.005
	silenceLevel = 0.005 // -46 dB: what is quieter at the ends is cut off
	keepSeconds  = 0.02  // of it, so that no consonant is cut
	kneeDB       = 6     // where the limiter begins, below the peak
	levelRounds  = 8
	levelExact   = 0.05 // LU
)

// ErrSilent is the cause when a recording holds no sound.
var ErrSilent = errors.New("the recording is silent")

// Level brings a recording to a loudness, with its silent ends cut off, faded in and out for 5 ms,
// and its peaks rounded where they would pass PeakDBTP.
func Level(s Sound, target float64) (Sound, error) {
	s = trim(s)
	if len(s.Samples) == 0 {
		return Sound{}, ErrSilent
	}
	fade(s)
	gain := target - Loudness(s)
	if math.IsInf(gain, 0) {
		return Sound{}, ErrSilent
	}
	ceiling := PeakDBTP
	out := limited(s, gain, ceiling)
	// Limiting takes some loudness, and between the samples a peak may be higher than at them; both are
	// made good until it fits.
	for range levelRounds {
		missing, over := target-Loudness(out), TruePeak(out)-PeakDBTP
		if math.Abs(missing) < levelExact && over <= 0 {
			break
		}
		gain += missing
		ceiling -= max(over, 0)
		out = limited(s, gain, ceiling)
	}
	return out, nil
}

func trim(s Sound) Sound {
	first, last := -1, 0
	for i, v := range s.Samples {
		if math.Abs(v) >= silenceLevel {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return Sound{Rate: s.Rate}
	}
	keep := int(keepSeconds * float64(s.Rate))
	first, last = max(first-keep, 0), min(last+keep, len(s.Samples)-1)
	return Sound{Rate: s.Rate, Samples: append([]float64(nil), s.Samples[first:last+1]...)}
}

func fade(s Sound) {
	n := min(int(fadeSeconds*float64(s.Rate)), len(s.Samples)/2)
	for i := range n {
		part := float64(i) / float64(n)
		s.Samples[i] *= part
		s.Samples[len(s.Samples)-1-i] *= part
	}
}

// limited applies a gain and bends what passes the knee softly below the ceiling, both in dB.
func limited(s Sound, gain, top float64) Sound {
	ceiling := math.Pow(10, top/20)
	knee := ceiling * math.Pow(10, -kneeDB/20.0)
	factor := math.Pow(10, gain/20)
	out := Sound{Rate: s.Rate, Samples: make([]float64, len(s.Samples))}
	for i, v := range s.Samples {
		v *= factor
		if over := math.Abs(v) - knee; over > 0 {
			v = math.Copysign(knee+(ceiling-knee)*math.Tanh(over/(ceiling-knee)), v)
		}
		out.Samples[i] = v
	}
	return out
}

// MakeGong makes the two tones before an announcement.
func MakeGong(rate int) Sound {
	const seconds, second = 1.4, 0.35
	s := Sound{Rate: rate, Samples: make([]float64, int(seconds*float64(rate)))}
	for i := range s.Samples {
		t := float64(i) / float64(rate)
		s.Samples[i] = strike(t, 659.26)
		if t > second {
			s.Samples[i] += strike(t-second, 523.25)
		}
	}
	return s
}

// strike is a bell: a tone with two overtones that die away.
func strike(t, hertz float64) float64 {
	tone := func(multiple, level, decay float64) float64 {
		return level * math.Exp(-decay*t) * math.Sin(2*math.Pi*multiple*hertz*t)
	}
	return tone(1, 0.3, 4) + tone(2, 0.1, 7) + tone(3, 0.04, 11)
}
