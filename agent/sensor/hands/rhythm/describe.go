package rhythm

import (
	"cmp"
	"math"
	"slices"
)

// Description are statistics of the pauses between bursts.
type Description struct {
	// Bursts that it rests on, and those of them in which only a pointer moved.
	Bursts, PointerBursts int
	// MedianGap is the median pause in milliseconds, Variation the standard deviation
	// of the pauses divided by their mean.
	MedianGap uint32
	Variation float64
}

// wanted is how many bursts a description rests on, where the hour has as many.
const wanted = 12

// Describe describes the input of some traces together, from one time to another
// and, where that holds few bursts, of the time before. It returns false where
// nothing happened from the one time to the other or there are too few pauses.
func Describe(from int64, traces ...*Trace) (Description, bool) {
	var all []stroke
	for _, t := range traces {
		all = append(all, t.strokes...)
	}
	slices.SortStableFunc(all, func(a, b stroke) int { return cmp.Compare(a.start, b.start) })
	bursts := burstsOf(joined(all))
	first := len(bursts)
	for first > 0 && bursts[first-1].end >= from {
		first--
	}
	if first == len(bursts) {
		return Description{}, false
	}
	bursts = bursts[min(first, max(len(bursts)-wanted, 0)):]
	if len(bursts) < 3 {
		return Description{}, false
	}
	d := Description{Bursts: len(bursts)}
	gaps := make([]float64, 0, len(bursts))
	var sum, squares float64
	for i, b := range bursts {
		if b.keys == 0 {
			d.PointerBursts++
		}
		if i > 0 {
			g := float64(b.start - bursts[i-1].end)
			gaps = append(gaps, g)
			sum += g
			squares += g * g
		}
	}
	slices.Sort(gaps)
	d.MedianGap = uint32(min(gaps[len(gaps)/2], math.MaxUint32))
	mean := sum / float64(len(gaps))
	d.Variation = math.Sqrt(max(squares/float64(len(gaps))-mean*mean, 0)) / mean
	return d, true
}

// joined makes overlapping strokes of several devices one.
func joined(sorted []stroke) []stroke {
	out := sorted[:0]
	for _, s := range sorted {
		if n := len(out); n > 0 && s.start-out[n-1].end() < strokeGap {
			last := &out[n-1]
			last.span = uint32(max(s.end()-last.start, int64(last.span)))
			last.events = uint16(min(int(last.events)+int(s.events), math.MaxUint16))
			last.keys = uint16(min(int(last.keys)+int(s.keys), math.MaxUint16))
			continue
		}
		out = append(out, s)
	}
	return out
}

// Bursts calls each with the bursts since a time: when they began and ended, in
// milliseconds, and how many events they have.
func (t *Trace) Bursts(from int64, each func(start, end int64, events int)) {
	for _, b := range burstsOf(t.strokes) {
		if b.end >= from {
			each(b.start, b.end, b.events)
		}
	}
}
