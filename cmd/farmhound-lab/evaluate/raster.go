package evaluate

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// pixels is how many there are to a unit of a drawing, and textSize how large its letters
// are, in units.
const (
	pixels   = 2
	textSize = 12
)

// raster is a drawing in pixels under way, for whoever cannot show SVG.
type raster struct {
	image *image.RGBA
	face  font.Face
}

func newRaster(width, height float64) (*raster, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: textSize * pixels, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	r := &raster{image: image.NewRGBA(image.Rect(0, 0, int(width*pixels), int(height*pixels))), face: face}
	draw.Draw(r.image, r.image.Bounds(), image.White, image.Point{}, draw.Src)
	return r, nil
}

// area fills what a path encloses, in units.
func (r *raster) area(colour color.Color, path ...[2]float64) {
	bounds := r.image.Bounds()
	v := vector.NewRasterizer(bounds.Dx(), bounds.Dy())
	for i, p := range path {
		x, y := float32(p[0]*pixels), float32(p[1]*pixels)
		if i == 0 {
			v.MoveTo(x, y)
			continue
		}
		v.LineTo(x, y)
	}
	v.ClosePath()
	v.Draw(r.image, bounds, image.NewUniform(colour), image.Point{})
}

func (r *raster) bar(x, y, width, height float64, colour color.Color) {
	r.area(colour, [2]float64{x, y}, [2]float64{x + width, y}, [2]float64{x + width, y + height}, [2]float64{x, y + height})
}

// line is one unit wide.
func (r *raster) line(x1, y1, x2, y2 float64, colour color.Color) {
	length := math.Hypot(x2-x1, y2-y1)
	if length == 0 {
		return
	}
	dx, dy := (y2-y1)/length/2, (x1-x2)/length/2
	r.area(colour, [2]float64{x1 + dx, y1 + dy}, [2]float64{x2 + dx, y2 + dy}, [2]float64{x2 - dx, y2 - dy}, [2]float64{x1 - dx, y1 - dy})
}

func (r *raster) circle(x, y, radius float64, colour color.Color) {
	const corners = 48
	path := make([][2]float64, corners)
	for i := range path {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		path[i] = [2]float64{x + radius*cos, y + radius*sin}
	}
	r.area(colour, path...)
}

func (r *raster) text(x, y float64, anchor, words string, colour color.Color) {
	d := font.Drawer{Dst: r.image, Src: image.NewUniform(colour), Face: r.face}
	switch anchor {
	case "middle":
		x -= float64(d.MeasureString(words)) / 64 / pixels / 2
	case "end":
		x -= float64(d.MeasureString(words)) / 64 / pixels
	}
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(x * pixels * 64), Y: fixed.Int26_6(y * pixels * 64)}
	d.DrawString(words)
}

func (r *raster) png() ([]byte, error) {
	var out bytes.Buffer
	if err := png.Encode(&out, r.image); err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	return out.Bytes(), nil
}

// paint reads a colour as SVG writes it, #rgb or #rrggbb.
func paint(text string, opacity float64) color.Color {
	var r, g, b uint8
	if len(text) == len("#rgb") {
		_, _ = fmt.Sscanf(text, "#%1x%1x%1x", &r, &g, &b) // colours are this package's own
		r, g, b = r*17, g*17, b*17
	} else {
		_, _ = fmt.Sscanf(text, "#%2x%2x%2x", &r, &g, &b)
	}
	return color.NRGBA{r, g, b, uint8(255 * opacity)}
}
