package persona

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// draw is a stream of chance. Streams with different words are independent, so
// that a change in one part of the world leaves the others as they were.
type draw struct {
	*rand.Rand
	// outer draws from the outer parts of ranges rather than evenly.
	outer bool
}

func stream(seed uint64, words ...string) draw {
	sum := digest(seed, words...)
	return draw{Rand: rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))}
}

// digest names something of this world: the same words, the same bytes.
func digest(seed uint64, words ...string) [sha256.Size]byte {
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, seed) // a hash takes everything
	for _, w := range words {
		h.Write([]byte(w))
		h.Write([]byte{0})
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (d draw) chance(p float64) bool { return d.Float64() < p }

func (d draw) between(low, high float64) float64 {
	at := d.Float64()
	if d.outer {
		at = (1 - math.Cos(math.Pi*at)) / 2
	}
	return low + at*(high-low)
}

// skewed returns a number from low to high, mostly a low one.
func (d draw) skewed(low, high float64) float64 {
	at := d.Float64()
	return low + at*at*(high-low)
}

// whole returns a whole number from low to high, both included.
func (d draw) whole(low, high int) int { return low + d.IntN(high-low+1) }

// around returns a normal variate, kept within two and a half deviations.
func (d draw) around(mean, deviation float64) float64 {
	return mean + min(max(d.NormFloat64(), -2.5), 2.5)*deviation
}

// text returns n characters of an alphabet.
func (d draw) text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[d.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	digits = "0123456789"
	// serialLetters leaves out what is misread.
	serialLetters = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"
)

func pick[T any](d draw, from ...T) T { return from[d.IntN(len(from))] }

// weighted returns an index with a chance in proportion to its weight.
func (d draw) weighted(weights ...float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	at := d.Float64() * sum
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}
