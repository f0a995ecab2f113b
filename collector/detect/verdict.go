package detect

import (
	"fmt"
	"math"
	"strings"
)

// The verdicts, mildest first; a verdict's rank is its place.
const (
	rankClear = iota
	rankWatch
	rankLikely
	rankNearCertain
)

var verdicts = [...]struct {
	name      string
	posterior float64 // from which it is reached
}{
	rankClear:       {"clear", 0},
	rankWatch:       {"watch", 0.05},
	rankLikely:      {"likely", 0.60},
	rankNearCertain: {"near_certain", 0.97},
}

func rankOf(verdict string) int {
	for rank, v := range verdicts {
		if v.name == verdict {
			return rank
		}
	}
	return rankClear
}

// rankOfRisk is the rank that a probability alone would have.
func rankOfRisk(risk float64) int {
	rank := rankClear
	for rank < rankNearCertain && risk >= verdicts[rank+1].posterior {
		rank++
	}
	return rank
}

const (
	// hysteresis is by how many decibans a verdict outlives its threshold, so that
	// it does not flap.
	hysteresis = 3
	// gateHold is the share of a gate's weights that keeps a verdict once reached.
	gateHold = 0.75
	// belowNext is how far under the next verdict's threshold a probability is
	// kept where that verdict is withheld.
	belowNext = 0.01
)

// thresholds are the odds from which each verdict is reached.
var thresholds = [...]float64{
	rankWatch: odds(verdicts[rankWatch].posterior), rankLikely: odds(verdicts[rankLikely].posterior), rankNearCertain: odds(verdicts[rankNearCertain].posterior),
}

func odds(posterior float64) float64 { return 10 * math.Log10(posterior/(1-posterior)) }

func posterior(odds float64) float64 {
	p := 1 / (1 + math.Pow(10, -odds/10))
	return math.Round(p*1e4) / 1e4
}

// outcome is the judgement of one hypothesis.
type outcome struct {
	rank int
	risk float64
	// missing says what the next verdict would need, in words; empty at the top.
	missing []string
}

// weigh judges one hypothesis. held is the rank that it had before; limit is the
// highest allowed.
//
// Where a verdict is withheld although the probability would reach it, the
// probability is shown just below that verdict's threshold: it was computed as if
// every family were independent of the others, and the gates are there because one
// family alone cannot vouch for that.
func weigh(h hypothesis, s *sums, prior float64, held, limit int) outcome {
	at := prior + s.total
	o := outcome{rank: rankAt(h, s, at, held, limit), risk: posterior(at)}
	if next := o.rank + 1; next <= rankNearCertain {
		lack, missing := lacks(h, s, at, next, held)
		if lack > 0 {
			missing = append([]string{fmt.Sprintf("%s more", strings.TrimPrefix(decibans(math.Ceil(lack*10)/10), "+"))}, missing...)
		}
		o.missing = missing
	}
	if o.rank < rankNearCertain && o.risk >= verdicts[o.rank+1].posterior {
		o.risk = verdicts[o.rank+1].posterior - belowNext
	}
	return o
}

// rankAt is the highest rank that nothing is missing for.
func rankAt(h hypothesis, s *sums, at float64, held, limit int) int {
	rank := rankClear
	for rank < limit {
		if lack, missing := lacks(h, s, at, rank+1, held); lack > 0 || len(missing) > 0 {
			break
		}
		rank++
	}
	return rank
}

// lacks returns by how many decibans a verdict is missed, and what corroboration it lacks.
func lacks(h hypothesis, s *sums, at float64, rank, held int) (float64, []string) {
	slack, hold := 0.0, 1.0
	if rank <= held {
		slack, hold = hysteresis, gateHold
	}
	return thresholds[rank] - slack - at, gates(h, s, rank, hold)
}

// gates returns what corroboration a verdict lacks, in words. hold scales what is asked.
func gates(h hypothesis, s *sums, rank int, hold float64) []string {
	var missing []string
	need := func(ok bool, words string) {
		if !ok {
			missing = append(missing, words)
		}
	}
	f := &s.family
	switch {
	case h == hosted && rank == rankLikely:
		kinds := 0
		for i := range f {
			if f[i] >= 4*hold {
				kinds++
			}
		}
		need(kinds >= 2, "a second kind of evidence of at least 4 dB")
		need(f[famControl] >= 8*hold || f[famKVM] >= 14*hold, "control of at least 8 dB, or a remote console of at least 14 dB")
		need(s.remote >= 8*hold, "at least 8 dB for remote control after what speaks against it")
	case h == hosted && rank == rankNearCertain:
		need(f[famEgress]+f[famDistance]+f[famOperator]+f[famPlace]+f[famNear] >= 8*hold,
			"at least 8 dB from where traffic leaves, how far it is, where the controller is, or who shares its place")
	case h == displaced && rank == rankLikely:
		need(f[famEgress] >= 4*hold, "at least 4 dB from where its traffic leaves")
		need(f[famDistance] >= 6*hold || f[famHistory] >= 6*hold, "at least 6 dB from round trips, or from where it has been")
	}
	return missing
}
