package rhythm

import (
	"math"
	"slices"
)

// Verdict is what the pauses of a Trace look like.
type Verdict uint8

// Verdicts. Unknown is one with too little input to say.
const (
	Unknown Verdict = iota
	Person
	Machine
)

// Judgement is a Verdict and what it rests on.
type Judgement struct {
	Verdict Verdict
	// Spread is on how many scales the pauses lie, Pauses how many it was measured
	// on. Pauses of one scale have a spread near 0, those of a person one near 1: see
	// spread. Pauses is 0 where there were too few to measure.
	Spread float64
	Pauses int
	// Period in milliseconds, where the input beats; else 0.
	Period uint32
	// From is since when, in milliseconds, what is judged a machine is one, and Most
	// how many events a burst of it has at most: what is richer is somebody's.
	From int64
	Most int
}

const (
	// fewest pauses on which a spread, and fewest beats on which a period is believed.
	fewest      = 8
	fewestBeats = 5
	// enough pauses to say either, and many of them.
	enough = 24
	many   = 150
	// Between what the people (0.5 and more) and the machines (0.4 and less) of this
	// package's tests show; the more pauses, the nearer to either.
	manyMachine   = 0.42
	machineSpread = 0.35
	surelyMachine = 0.27
	surelyPerson  = 0.55
	// stepSpread is for the pauses between bursts alone, which people have on fewer scales.
	stepSpread = 0.18
	// tireless, in milliseconds, is longer than anybody moves without a pause.
	tireless = 180_000
	// beatSlack is how far off the beat, as a share, a beat may be.
	beatSlack = 0.12
)

// looks are how far back Judge looks, in milliseconds: what began to beat only now
// shows in the shortest.
var looks = [...]int64{10 * 60_000, 25 * 60_000, horizon}

// Judge says what the input until now looks like.
func (t *Trace) Judge(now int64) Judgement {
	first := Judgement{}
	for i, look := range looks {
		s := t.since(now - look)
		j := judge(s)
		if j.Verdict == Machine {
			j.From = s[0].start
			return j
		}
		if i == 0 || j.Verdict != Unknown {
			first = j // the longest look that says something describes best
		}
	}
	return first
}

func (t *Trace) since(at int64) []stroke {
	n := 0
	for n < len(t.strokes) && t.strokes[n].start < at {
		n++
	}
	return t.strokes[n:]
}

// judge says what a stretch of input looks like.
func judge(s []stroke) Judgement {
	if len(s) == 0 {
		return Judgement{}
	}
	bursts := burstsOf(s)
	j := Judgement{Period: period(bursts), Most: most(bursts)}
	if j.Period != 0 || slices.ContainsFunc(s, func(s stroke) bool { return s.span >= tireless }) {
		j.Verdict = Machine
	}
	fine, n := spread(s, strokeGap)
	coarse, m := spread(s, burstGap)
	steps, k := spread(s, 3*burstGap)
	j.Spread, j.Pauses = fine, n
	if m >= fewest && (n < fewest || coarse < fine && fine < surelyPerson) {
		j.Spread, j.Pauses = coarse, m
	}
	switch {
	case j.Verdict == Machine:
	case m >= fewest && coarse < stepSpread, k >= fewest && steps < stepSpread:
		// Also where there are steps within a burst, of which fine alone would make a person.
		j.Verdict = Machine
	case j.Pauses < fewest:
		j.Spread, j.Pauses = 0, 0
	case j.Spread < surelyMachine, j.Pauses >= enough && j.Spread < machineSpread, j.Pauses >= many && j.Spread < manyMachine:
		j.Verdict = Machine
	case j.Spread >= surelyPerson || j.Pauses >= enough:
		j.Verdict = Person
	}
	return j
}

// spread measures on how many scales the pauses of at least a length lie: the
// standard deviation of their logarithms above it, divided by the mean. Where each
// scale has its share, as a person's pauses have them, that is near 1 whatever the
// person's pace. Where they lie far above the length and close together, as a
// machine's do, it is near 0, also when the machine draws them at random.
func spread(s []stroke, least float64) (ratio float64, pauses int) {
	var sum, squares float64
	for i := 1; i < len(s); i++ {
		if pause := float64(s[i].start - s[i-1].end()); pause >= least {
			x := math.Log(pause / least)
			sum += x
			squares += x * x
			pauses++
		}
	}
	if pauses == 0 || sum == 0 {
		return 1, pauses
	}
	mean := sum / float64(pauses)
	return math.Sqrt(max(squares/float64(pauses)-mean*mean, 0)) / mean, pauses
}

// period finds the beat of bursts in milliseconds, 0 where they do not beat. A beat
// may be missing here and there: some keep still while somebody is at work.
func period(bursts []burst) uint32 {
	if len(bursts) <= fewestBeats {
		return 0
	}
	gaps := make([]float64, 0, len(bursts))
	for i := 1; i < len(bursts); i++ {
		gaps = append(gaps, float64(bursts[i].start-bursts[i-1].start))
	}
	slices.Sort(gaps)
	middle := gaps[len(gaps)/2]
	sum, single, on := 0.0, 0.0, 0
	for _, g := range gaps {
		beats := math.Round(g / middle)
		if beats < 1 || beats > 4 || math.Abs(g-beats*middle) > beatSlack*middle {
			continue
		}
		on++
		if beats == 1 {
			sum += g
			single++
		}
	}
	if on*10 < len(gaps)*8 || single < fewestBeats {
		return 0
	}
	return uint32(min(sum/single, math.MaxUint32))
}

// most is how many events a burst has that is still like the others.
func most(bursts []burst) int {
	sizes := make([]int, len(bursts))
	for i := range bursts {
		sizes[i] = bursts[i].events
	}
	slices.Sort(sizes)
	return 6*sizes[len(sizes)/2] + 4
}
