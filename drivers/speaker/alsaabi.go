package speaker

import (
	"fmt"
	"math"
	"strings"
	"unsafe"
)

// This file is what the kernel's uapi header sound/asound.h says of playback (Linux 6.1 to 6.12; the
// part is unchanged since protocol version 2.0). All our machines have little-endian bit fields and
// the ioctl numbers of asm-generic/ioctl.h.

// mask is struct snd_mask: a set of values.
type mask [8]uint32

// interval is struct snd_interval: a range of values.
type interval struct {
	min, max uint32
	flags    uint32 // bit 0 openmin, 1 openmax, 2 integer, 3 empty
}

// hwParams is struct snd_pcm_hw_params. The kernel narrows masks and intervals to what the card can do.
type hwParams struct {
	flags            uint32
	masks            [3]mask
	_                [5]mask
	intervals        [12]interval
	_                [9]interval
	asked, changed   uint32
	info, msbits     uint32
	rateNum, rateDen uint32
	fifo             uintptr // unsigned long
	_                [64]byte
}

// transfer is struct snd_xferi: frames to write, and how many were taken.
type transfer struct {
	result int // long
	buffer unsafe.Pointer
	frames uint // unsigned long
}

// The sizes of the header, checked by the compiler on every machine.
const (
	word         = unsafe.Sizeof(uintptr(0))
	hwParamsSize = 600 + word
	transferSize = 3 * word
)

var (
	_ [hwParamsSize]byte = [unsafe.Sizeof(hwParams{})]byte{}
	_ [transferSize]byte = [unsafe.Sizeof(transfer{})]byte{}
)

// Ioctl numbers: direction (1 write, 2 read) << 30, size << 16, 'A' << 8, number.
const (
	pcmLetter   = 'A' << 8
	pcmRefine   = 3<<30 | hwParamsSize<<16 | pcmLetter | 0x10 // SNDRV_PCM_IOCTL_HW_REFINE
	pcmHWParams = 3<<30 | hwParamsSize<<16 | pcmLetter | 0x11 // SNDRV_PCM_IOCTL_HW_PARAMS
	pcmHWFree   = pcmLetter | 0x12                            // SNDRV_PCM_IOCTL_HW_FREE
	pcmDelay    = 2<<30 | word<<16 | pcmLetter | 0x21         // SNDRV_PCM_IOCTL_DELAY
	pcmPrepare  = pcmLetter | 0x40                            // SNDRV_PCM_IOCTL_PREPARE
	pcmDrop     = pcmLetter | 0x43                            // SNDRV_PCM_IOCTL_DROP
	pcmDrain    = pcmLetter | 0x44                            // SNDRV_PCM_IOCTL_DRAIN
	pcmWrite    = 1<<30 | transferSize<<16 | pcmLetter | 0x50 // SNDRV_PCM_IOCTL_WRITEI_FRAMES
)

// Places in masks and intervals: SNDRV_PCM_HW_PARAM_*, intervals from 8 on.
const (
	maskAccess, maskFormat = 0, 1

	firstInterval  = 8
	rangeChannels  = 10 - firstInterval
	rangeRate      = 11 - firstInterval
	rangePeriodUS  = 12 - firstInterval
	rangePeriod    = 13 - firstInterval
	rangeBufferUS  = 16 - firstInterval
	rangeBuffer    = 17 - firstInterval
	integerFlag    = 1 << 2
	accessRW       = 3 // SNDRV_PCM_ACCESS_RW_INTERLEAVED
	formatS16, s16 = 2, 16
	formatS32, s32 = 10, 32
)

// anyParams leaves everything open, as snd_pcm_hw_params_any of alsa-lib does.
func anyParams() hwParams {
	p := hwParams{asked: math.MaxUint32, info: math.MaxUint32}
	for i := range p.masks {
		for j := range p.masks[i] {
			p.masks[i][j] = math.MaxUint32
		}
	}
	for i := range p.intervals {
		p.intervals[i].max = math.MaxUint32
	}
	return p
}

// only narrows a mask to one value.
func (m *mask) only(bit uint) {
	*m = mask{}
	m[bit/32] = 1 << (bit % 32)
}

func (m *mask) has(bit uint) bool { return m[bit/32]>>(bit%32)&1 == 1 }

// exactly narrows an interval to one whole number.
func (i *interval) exactly(n uint32) { *i = interval{min: n, max: n, flags: integerFlag} }

func (i *interval) holds(n uint32) bool { return n >= i.min && n <= i.max }

// offers tells in words what a card can do, for the administrator.
func (p *hwParams) offers() string {
	names := map[uint]string{
		0: "S8", 1: "U8", formatS16: "S16_LE", 6: "S24_LE", formatS32: "S32_LE", 14: "FLOAT_LE",
		18: "IEC958_SUBFRAME_LE", 32: "S24_3LE",
	}
	var formats []string
	for bit := range uint(64) {
		if !p.masks[maskFormat].has(bit) {
			continue
		}
		name, known := names[bit]
		if !known {
			name = fmt.Sprintf("format %d", bit)
		}
		formats = append(formats, name)
	}
	channels, rate := p.intervals[rangeChannels], p.intervals[rangeRate]
	return fmt.Sprintf("%s, %d to %d channels, %d to %d samples a second",
		strings.Join(formats, " "), channels.min, channels.max, rate.min, rate.max)
}
