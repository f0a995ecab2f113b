package evaluate

import (
	"fmt"
	"html"
	"math"
	"strings"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

// drawing is a picture under way, in SVG and as the shapes that it is of. Plain charts
// need no library for plots.
type drawing struct {
	strings.Builder
	width, height float64
	shapes        []func(*raster)
}

func newDrawing(width, height float64, title string) *drawing {
	d := &drawing{width: width, height: height}
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="%d" role="img" aria-label="%s">`+"\n",
		width, height, textSize, html.EscapeString(title))
	fmt.Fprintf(d, `<rect width="%g" height="%g" fill="#fff"/>`+"\n", width, height)
	d.text(12, 20, "start", title)
	return d
}

func (d *drawing) shape(s func(*raster)) { d.shapes = append(d.shapes, s) }

func (d *drawing) text(x, y float64, anchor, words string) {
	const colour = "#222"
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, colour, html.EscapeString(words))
	d.shape(func(r *raster) { r.text(x, y, anchor, words, paint(colour, 1)) })
}

func (d *drawing) line(x1, y1, x2, y2 float64, colour string) {
	fmt.Fprintf(d, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, colour)
	d.shape(func(r *raster) { r.line(x1, y1, x2, y2, paint(colour, 1)) })
}

func (d *drawing) bar(x, y, width, height float64, colour string) {
	width = max(width, 0.5)
	fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, width, height, colour)
	d.shape(func(r *raster) { r.bar(x, y, width, height, paint(colour, 1)) })
}

// circle is a disc through which others show, with what it is of for a pointer over it.
func (d *drawing) circle(x, y, radius float64, colour, title string) {
	const opacity = 0.6
	fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" fill-opacity="%g"><title>%s</title></circle>`+"\n", x, y, radius, colour, opacity, html.EscapeString(title))
	d.shape(func(r *raster) { r.circle(x, y, radius, paint(colour, opacity)) })
}

func (d *drawing) svg() []byte { return []byte(d.String() + "</svg>\n") }

func (d *drawing) png() ([]byte, error) {
	r, err := newRaster(d.width, d.height)
	if err != nil {
		return nil, err
	}
	for _, s := range d.shapes {
		s(r)
	}
	return r.png()
}

// reliabilityDrawing holds what was said against what is true, both as odds in
// decibans, for probabilities of interest lie over several powers of ten.
func (r *Result) reliabilityDrawing() *drawing {
	const left, top, side, reach = 60, 40, 360, 45
	d := newDrawing(460, 450, "Reliability at the end, one laptop in a thousand farmed")
	place := func(share float64) float64 {
		share = min(max(share, 1e-6), 1-1e-6)
		return side * (min(max(10*math.Log10(share/(1-share)), -reach), reach) + reach) / (2 * reach)
	}
	for _, share := range []float64{0.0001, 0.001, 0.01, 0.05, 0.5, 0.97, 0.999} {
		at := place(share)
		label := fmt.Sprintf("%g %%", 100*share)
		d.line(left+at, top, left+at, top+side, "#ddd")
		d.line(left, top+side-at, left+side, top+side-at, "#ddd")
		d.text(left+at, top+side+16, "middle", label)
		d.text(left-6, top+side-at+4, "end", label)
	}
	d.line(left, top+side, left+side, top, "#999")
	for _, b := range r.Reliability {
		if n := b.Farmed + b.Honest; n > 0 {
			x, y := left+place(b.Said), top+side-place(b.Share)
			d.circle(x, y, 3+math.Log10(float64(n))*3, "#1f6feb", fmt.Sprintf("%d farmed, %d honest", b.Farmed, b.Honest))
		}
	}
	d.text(left+side/2, top+side+36, "middle", "said (mean of the bin); at the edge: none of the other kind was seen")
	return d
}

// weightsDrawing is what the evidence against each persona that is not honest comes to
// on the table's days.
func (r *Result) weightsDrawing() *drawing {
	var shown []Persona
	for _, p := range r.Personas {
		if p.Kind != persona.Honest {
			shown = append(shown, p)
		}
	}
	colours := []string{"#b6d4fe", "#6ea8fe", "#1f6feb", "#0a3a8c"}
	const left, top, row, scale = 140, 56, 40, 4.0
	d := newDrawing(520, float64(top+row*len(shown)+30), "Median decibans of evidence at the ends of working days 1, 3, 5 and 20")
	likely := left + scale*(30+10*math.Log10(0.6/0.4))
	d.text(likely, 48, "middle", "likely")
	for i, p := range shown {
		y := float64(top + row*i)
		d.text(left-8, y+22, "end", p.Name)
		for n, w := range p.Weights {
			if w != nil {
				d.bar(left+scale*min(*w, 0), y+4+8*float64(n), scale*math.Abs(*w), 7, colours[n])
			}
		}
	}
	d.line(likely, 52, likely, float64(top+row*len(shown)), "#c00")
	d.line(left, 52, left, float64(top+row*len(shown)), "#666")
	return d
}

// drawing is by how much farmed and honest laptops move apart or together
// without each signal.
func (a *Ablation) drawing() *drawing {
	const left, top, row, scale = 190, 40, 16, 14.0
	middle := left + 70.0 // and farther right where what speaks for honest laptops would reach the names
	for _, s := range a.Signals {
		middle = max(middle, left+scale*max(s.FarmDB-a.Whole.FarmDB, s.HonestDB-a.Whole.HonestDB))
	}
	d := newDrawing(middle+300, float64(top+row*len(a.Signals)+20), "Mean decibans lost without a signal: of farmed laptops (blue), of honest ones (grey)")
	for i, s := range a.Signals {
		y := float64(top + row*i)
		d.text(left-8, y+11, "end", s.Signal)
		for n, lost := range []float64{a.Whole.FarmDB - s.FarmDB, a.Whole.HonestDB - s.HonestDB} {
			d.bar(middle+scale*min(lost, 0), y+1+7*float64(n), scale*math.Abs(lost), 6, []string{"#1f6feb", "#999"}[n])
		}
	}
	d.line(middle, top, middle, float64(top+row*len(a.Signals)), "#666")
	return d
}
