package evaluate

import (
	"math"
	"slices"
)

// upperBound is the one-sided 95 % upper bound of Clopper and Pearson on a share of
// which found were seen among n: with none found, about 3/n.
func upperBound(found, n float64) float64 {
	if n <= 0 {
		return 1
	}
	low, high := found/n, 1.0
	for range 60 {
		middle := (low + high) / 2
		if atMost(int(found), n, middle) > 0.05 {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// atMost is the chance of at most k successes in n trials, of which n need not be
// whole.
func atMost(k int, n, p float64) float64 {
	if p >= 1 {
		return 0
	}
	sum := 0.0
	for i := 0; i <= k && float64(i) <= n; i++ {
		sum += math.Exp(logChoose(n, float64(i)) + float64(i)*math.Log(p) + (n-float64(i))*math.Log1p(-p))
	}
	return sum
}

func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}

// quantile is the smallest value that at least the share q does not exceed; infinite
// values are allowed, for what never came.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}

// figure is a number that JSON can hold: nil where it is infinite or none.
func figure(x float64) *float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil
	}
	x = math.Round(x*1e4) / 1e4
	return &x
}
