package detect

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// piece is a line of a family with a weight.
func piece(id, family string, weight float64) line {
	s := &signal{id: id, home: familyIndex(family), onlyWith: -1, question: families[familyIndex(family)].question}
	for h := range hypotheses {
		s.family[h] = -1
		if families[s.home].counts[h] {
			s.family[h] = s.home
		}
	}
	return line{signal: s, full: weight, weight: weight, holds: true}
}

// besides makes a line count in full beside the rest of its family.
func besides(l line, atLeast float64) line {
	l.signal.beside = atLeast
	return l
}

// alsoIn makes a line count for "displaced" in another family.
func alsoIn(l line, family string) line {
	l.signal.family[displaced] = familyIndex(family)
	return l
}

func TestFusionCountsWhatAHandWouldCount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		lines         []line
		counted       []float64 // for hosted
		remote, total float64   // for hosted
		displaced     float64
	}{
		{name: "nothing"},
		{
			name:    "a family halves from the strongest down",
			lines:   []line{piece("a", "control", 10), piece("b", "control", 24), piece("c", "control", 14)},
			counted: []float64{2.5, 24, 7},
			remote:  33.5, total: 33.5,
		},
		{
			name:    "families add",
			lines:   []line{piece("a", "control", 24), piece("b", "kvm", 16), piece("c", "operator", 15), piece("d", "place", 12)},
			counted: []float64{24, 16, 15, 12},
			remote:  40, total: 67,
		},
		{
			name:    "setup is capped at 12, taken from the weakest",
			lines:   []line{piece("a", "setup", 8), piece("b", "setup", 6), piece("c", "setup", 5), piece("d", "setup", 4)},
			counted: []float64{8, 3, 1, 0},
			remote:  12, total: 12,
		},
		{
			name:    "still is capped at 6",
			lines:   []line{piece("a", "still", 5), piece("b", "still", 3)},
			counted: []float64{5, 1},
			total:   6,
		},
		{
			name:    "local use cannot outweigh what is elsewhere",
			lines:   []line{piece("a", "presence", -15), piece("b", "near", -14), piece("c", "whereabouts", -10), piece("d", "place", 18)},
			counted: []float64{-15, 0, 0, 18},
			remote:  -15, total: 3, displaced: -10,
		},
		{
			name:    "the floor is one of the net, not of the negative",
			lines:   []line{piece("a", "presence", -15), piece("b", "near", -14), piece("c", "control", 8)},
			counted: []float64{-15, -8, 8},
			remote:  -15, total: -15,
		},
		{
			name:    "beside a heavy family it counts in full",
			lines:   []line{piece("a", "control", 14), besides(piece("b", "control", 4), 8)},
			counted: []float64{14, 4},
			remote:  18, total: 18,
		},
		{
			name:    "beside a light family it does not count",
			lines:   []line{piece("a", "control", 7), besides(piece("b", "control", 4), 8)},
			counted: []float64{7, 0},
			remote:  7, total: 7,
		},
		{
			name: "displaced counts where the laptop is, and ignores hands and control",
			lines: []line{
				piece("a", "egress", 12), piece("b", "distance", 12), piece("c", "history", 10), alsoIn(piece("d", "place", 6), "history"),
				piece("e", "presence", -15), piece("f", "home", -10), piece("g", "control", 24),
			},
			counted: []float64{12, 12, 0, 6, -15, 0, 24},
			remote:  9, total: 39, displaced: 12 + 12 + 10 + 6 - 10,
		},
		{
			name:      "clock is capped at 8 for displaced",
			lines:     []line{alsoIn(piece("a", "operator", 6), "clock"), alsoIn(piece("b", "operator", 5), "clock")},
			counted:   []float64{6, 2.5},
			total:     8.5,
			displaced: 8,
		},
		{
			name:    "weights are rounded as they are shown",
			lines:   []line{piece("a", "control", 9.97), piece("b", "control", 3.33), piece("c", "control", 3.32)},
			counted: []float64{10, 1.7, 0.8},
			remote:  12.5, total: 12.5,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := fused(tt.lines, hosted)
			if len(s.counted) == 0 {
				s.counted = nil
			}
			if diff := cmp.Diff(tt.counted, s.counted); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
			if s.remote != tt.remote || s.total != tt.total {
				t.Errorf("remote %g, total %g; want %g and %g", s.remote, s.total, tt.remote, tt.total)
			}
			if d := fused(tt.lines, displaced); d.total != tt.displaced {
				t.Errorf("displaced %g, want %g", d.total, tt.displaced)
			}
		})
	}
}

func TestHoursCountForAControllerOnlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	hours := alsoIn(piece("hours", "operator", 5), "clock")
	hours.signal.onlyWith = famControl
	if s := fused([]line{hours}, hosted); s.total != 0 {
		t.Errorf("without control it weighs %g for hosted", s.total)
	}
	if s := fused([]line{hours}, displaced); s.total != 5 {
		t.Errorf("without control it weighs %g for displaced, want 5", s.total)
	}
	if s := fused([]line{piece("control", "control", 4), hours}, hosted); s.total != 9 {
		t.Errorf("with control they weigh %g, want 9", s.total)
	}
}

func TestFusionLeavesOneOut(t *testing.T) {
	t.Parallel()
	lines := []line{piece("a", "control", 24), piece("b", "control", 14)}
	order := leaveOut(nil, strongest(lines, hosted), 0)
	if s := fuse(lines, order, hosted, make([]float64, len(lines))); s.total != 14 {
		t.Errorf("without the strongest: %g, want 14", s.total)
	}
}

func fused(lines []line, h hypothesis) sums {
	return fuse(lines, strongest(lines, h), h, make([]float64, len(lines)))
}

// sum makes sums with families of the given weights.
func sum(remote float64, parts map[string]float64) *sums {
	s := &sums{remote: remote}
	for name, db := range parts {
		s.family[familyIndex(name)] = db
		s.total += db
	}
	return s
}

func TestGatesWithholdAVerdictThatOneCauseAloneWouldReach(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		h       hypothesis
		sums    *sums
		held    int
		rank    int
		missing int
	}{
		{"control alone", hosted, sum(40, map[string]float64{"control": 40}), 0, rankWatch, 1},
		{"control and setup", hosted, sum(36, map[string]float64{"control": 32, "setup": 4}), 0, rankLikely, 2},
		{"setup a hair too light", hosted, sum(36, map[string]float64{"control": 32, "setup": 3.9}), 0, rankWatch, 1},
		{"a remote console of 14", hosted, sum(14, map[string]float64{"kvm": 14, "place": 18}), 0, rankLikely, 1},
		{"a remote console of 13", hosted, sum(13, map[string]float64{"kvm": 13, "place": 19}), 0, rankWatch, 1},
		{"net remote too light", hosted, sum(7, map[string]float64{"control": 22, "presence": -15, "place": 30}), 0, rankWatch, 1},
		{"near certain needs a place", hosted, sum(50, map[string]float64{"control": 38, "setup": 12}), 0, rankLikely, 1},
		{"near certain with the operator", hosted, sum(40, map[string]float64{"control": 34, "setup": 6, "operator": 8}), 0, rankNearCertain, 0},
		{"near certain, the place adds up", hosted, sum(40, map[string]float64{"control": 34, "setup": 6, "operator": 5, "egress": 3}), 0, rankNearCertain, 0},
		{"displaced by history", displaced, sum(0, map[string]float64{"egress": 16, "history": 18}), 0, rankLikely, 1},
		{"displaced by distance", displaced, sum(0, map[string]float64{"egress": 20, "distance": 12}), 0, rankLikely, 1},
		{"displaced without egress", displaced, sum(0, map[string]float64{"distance": 12, "history": 22}), 0, rankWatch, 1},
		{"displaced by egress and trust alone", displaced, sum(0, map[string]float64{"egress": 24, "trust": 12}), 0, rankWatch, 1},
		{"a held verdict keeps with three quarters of its gates", hosted, sum(32, map[string]float64{"control": 32, "setup": 3}), rankLikely, rankLikely, 2},
		{"and falls with less", hosted, sum(35, map[string]float64{"control": 35, "setup": 2.9}), rankLikely, rankWatch, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := weigh(tt.h, tt.sums, -30, tt.held, rankNearCertain)
			if o.rank != tt.rank || len(o.missing) != tt.missing {
				t.Errorf("%s with %q, want %s with %d missing", verdicts[o.rank].name, o.missing, verdicts[tt.rank].name, tt.missing)
			}
			if o.rank < rankNearCertain && o.risk >= verdicts[o.rank+1].posterior {
				t.Errorf("risk %g is that of a higher verdict than %s", o.risk, verdicts[o.rank].name)
			}
		})
	}
}

func TestThresholdsAreWherePosteriorsSay(t *testing.T) {
	t.Parallel()
	// With a prior of -30: 5 % are -12.79 dB, 60 % are 1.76 dB, 97 % are 15.10 dB.
	for _, tt := range []struct {
		total float64
		rank  int
		risk  float64
	}{
		{0, rankClear, 0.0010}, {17.2, rankClear, 0.0499}, {17.3, rankWatch, 0.0510},
		{31.7, rankWatch, 0.5966}, {31.8, rankLikely, 0.6022},
		{45.0, rankLikely, 0.9693}, {45.2, rankNearCertain, 0.9707},
	} {
		s := sum(tt.total-12, map[string]float64{"control": tt.total - 12, "place": 12})
		s.remote = 20
		if o := weigh(hosted, s, -30, 0, rankNearCertain); o.rank != tt.rank || math.Abs(o.risk-tt.risk) > 1e-9 {
			t.Errorf("%g dB: %s at %g, want %s at %g", tt.total, verdicts[o.rank].name, o.risk, verdicts[tt.rank].name, tt.risk)
		}
	}
}

func TestVerdictDoesNotFlapAroundAThreshold(t *testing.T) {
	t.Parallel()
	at := func(total float64) *sums {
		s := sum(20, map[string]float64{"control": total - 8, "place": 8})
		return s
	}
	rank, changes := rankClear, 0
	for i := range 200 {
		// One dB up and down around the threshold of "likely", 31.76 dB.
		total := 31.76 + math.Cos(float64(i))
		next := weigh(hosted, at(total), -30, rank, rankNearCertain).rank
		if next != rank {
			changes++
		}
		rank = next
	}
	if rank != rankLikely || changes > 2 {
		t.Errorf("the verdict changed %d times and is %s", changes, verdicts[rank].name)
	}
	if next := weigh(hosted, at(31.76-3.1), -30, rank, rankNearCertain).rank; next != rankWatch {
		t.Errorf("3.1 dB below its threshold the verdict is %s, want watch", verdicts[next].name)
	}
}

func TestTheWorseHypothesisIsNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		hosted, displaced outcome
		was               string
		want              hypothesis
	}{
		{"neither", outcome{risk: 0.001}, outcome{risk: 0.001}, "", hosted},
		{"the likelier", outcome{risk: 0.01}, outcome{risk: 0.02}, "", displaced},
		{"the higher verdict", outcome{rank: rankLikely, risk: 0.59}, outcome{rank: rankWatch, risk: 0.59}, "displaced", hosted},
		{"a little likelier is not enough to change the name", outcome{risk: 0.01}, outcome{risk: 0.015}, "hosted", hosted},
		{"clearly likelier is", outcome{risk: 0.01}, outcome{risk: 0.04}, "hosted", displaced},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := worse([hypotheses]outcome{hosted: tt.hosted, displaced: tt.displaced}, tt.was); got != tt.want {
				t.Errorf("%s is named, want %s", kinds[got], kinds[tt.want])
			}
		})
	}
}
