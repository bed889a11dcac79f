package paper

import (
	"image"
	"image/color"
)

// Dither makes a printable picture of at most widthDots from any image by error diffusion
// (R. W. Floyd, L. Steinberg, "An adaptive algorithm for spatial grey scale", 1976). A wider
// picture is scaled down by averaging areas, a narrower one keeps its size; what is transparent
// is paper. The same input always gives the same dots. A picture without area gives the zero
// Image, which Validate refuses.
func Dither(src image.Image, widthDots int) Image {
	bounds := src.Bounds()
	if bounds.Empty() || widthDots <= 0 {
		return Image{}
	}
	width := min(bounds.Dx(), widthDots)
	height := max(1, (bounds.Dy()*width+bounds.Dx()/2)/bounds.Dx())
	dst := Image{WidthDots: width, HeightDots: height, Align: Center}
	dst.Bits = make([]byte, dst.Stride()*height)
	diffuse(dst, scaleToGrey(src, width, height))
	return dst
}

// Grey values are 0 for black to white, in 256ths of an 8-bit step so that averages and the
// sixteenths of the error diffusion keep their fractions.
const white = 255 << 8

// scaleToGrey averages for each target dot the source area that falls on it.
func scaleToGrey(src image.Image, width, height int) []int32 {
	bounds := src.Bounds()
	grey := make([]int32, width*height)
	for y := range height {
		top := bounds.Min.Y + y*bounds.Dy()/height
		bottom := max(top+1, bounds.Min.Y+(y+1)*bounds.Dy()/height)
		for x := range width {
			left := bounds.Min.X + x*bounds.Dx()/width
			right := max(left+1, bounds.Min.X+(x+1)*bounds.Dx()/width)
			grey[y*width+x] = meanGrey(src, image.Rect(left, top, right, bottom))
		}
	}
	return grey
}

func meanGrey(src image.Image, area image.Rectangle) int32 {
	var sum, n int64
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			sum += int64(onPaper(src.At(x, y)))
			n++
		}
	}
	return int32(sum / n) //nolint:gosec // a mean of values up to white
}

// onPaper is the brightness of a colour laid over white paper, by the luma of ITU-R BT.601.
func onPaper(c color.Color) int32 {
	r, g, b, a := c.RGBA() // premultiplied, 0 to 0xffff
	luma := (299*r + 587*g + 114*b + 500) / 1000
	return int32((luma + 0xffff - a) * white / 0xffff) //nolint:gosec // at most white
}

func diffuse(dst Image, grey []int32) {
	width, stride := dst.WidthDots, dst.Stride()
	spread := func(x, y int, err int32) {
		if x >= 0 && x < width && y < dst.HeightDots {
			grey[y*width+x] += err
		}
	}
	for y := range dst.HeightDots {
		for x := range width {
			err := grey[y*width+x]
			if err < white/2 {
				dst.Bits[y*stride+x/8] |= 0x80 >> (x % 8)
			} else {
				err -= white
			}
			spread(x+1, y, err*7/16)
			spread(x-1, y+1, err*3/16)
			spread(x, y+1, err*5/16)
			spread(x+1, y+1, err/16)
		}
	}
}
