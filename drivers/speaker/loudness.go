package speaker

import "math"

// The meter of ITU-R BS.1770-4 for one channel. The coefficients of annex 1 hold for 48 kHz only, so
// both filters are made anew for each rate from their analogue prototypes, as in annex 1's tables:
// a high shelf of 4 dB at 1681.97 Hz and a high pass at 38.135 Hz.

// biquad is a filter of second order in direct form I.
type biquad struct{ b0, b1, b2, a1, a2 float64 }

func shelf(rate float64) biquad {
	const gain, q, at = 3.999843853973347, 0.7071752369554196, 1681.974450955533
	k := math.Tan(math.Pi * at / rate)
	vh := math.Pow(10, gain/20)
	vb := math.Pow(vh, 0.4996667741545416)
	a0 := 1 + k/q + k*k
	return biquad{
		b0: (vh + vb*k/q + k*k) / a0, b1: 2 * (k*k - vh) / a0, b2: (vh - vb*k/q + k*k) / a0,
		a1: 2 * (k*k - 1) / a0, a2: (1 - k/q + k*k) / a0,
	}
}

func highPass(rate float64) biquad {
	const q, at = 0.5003270373238773, 38.13547087602444
	k := math.Tan(math.Pi * at / rate)
	a0 := 1 + k/q + k*k
	return biquad{1, -2, 1, 2 * (k*k - 1) / a0, (1 - k/q + k*k) / a0}
}

func (f biquad) apply(samples []float64) []float64 {
	out := make([]float64, len(samples))
	var x1, x2, y1, y2 float64
	for i, x := range samples {
		y := f.b0*x + f.b1*x1 + f.b2*x2 - f.a1*y1 - f.a2*y2
		out[i] = y
		x1, x2, y1, y2 = x, x1, y, y1
	}
	return out
}

const (
	blockSeconds = 0.4 // blocks overlap by three quarters
	absoluteGate = -70
	relativeGate = -10
)

// Loudness is the integrated loudness in LUFS; -Inf for silence. A sound shorter than a block of 0.4 s
// is measured as one block of its own length.
func Loudness(s Sound) float64 {
	rate := float64(s.Rate)
	weighted := highPass(rate).apply(shelf(rate).apply(s.Samples))
	block := min(int(blockSeconds*rate), len(weighted))
	if block == 0 {
		return math.Inf(-1)
	}
	var powers []float64
	for at := 0; at+block <= len(weighted); at += max(block/4, 1) {
		sum := 0.0
		for _, v := range weighted[at : at+block] {
			sum += v * v
		}
		powers = append(powers, sum/float64(block))
	}
	gate := gated(powers, absoluteGate)
	return loudnessOf(gated(powers, loudnessOf(gate)+relativeGate))
}

// gated keeps the blocks that are louder than a threshold.
func gated(powers []float64, threshold float64) []float64 {
	var kept []float64
	for _, p := range powers {
		if loudnessOf([]float64{p}) > threshold {
			kept = append(kept, p)
		}
	}
	return kept
}

func loudnessOf(powers []float64) float64 {
	sum := 0.0
	for _, p := range powers {
		sum += p
	}
	if sum == 0 {
		return math.Inf(-1)
	}
	return -0.691 + 10*math.Log10(sum/float64(len(powers)))
}

const (
	oversampling = 4
	halfTaps     = 12
)

// TruePeak is the highest peak in dBTP, between the samples as well: four times oversampled (annex 2)
// by a windowed sinc of 24 taps.
func TruePeak(s Sound) float64 {
	peak := 0.0
	for phase := range oversampling {
		shift := float64(phase) / oversampling
		var taps [2 * halfTaps]float64
		for i := range taps {
			x := float64(i-halfTaps+1) - shift
			taps[i] = sinc(x) * (0.5 + 0.5*math.Cos(math.Pi*x/(halfTaps+1)))
		}
		for at := range s.Samples {
			sum := 0.0
			for i, tap := range taps {
				if j := at + i - halfTaps + 1; j >= 0 && j < len(s.Samples) {
					sum += tap * s.Samples[j]
				}
			}
			peak = max(peak, math.Abs(sum))
		}
	}
	return 20 * math.Log10(peak)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
