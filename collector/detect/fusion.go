package detect

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// remoteFloor is how far local use may speak against remote control: a person
	// who sits there today says little about tomorrow.
	remoteFloor = -15
)

// sums is what the lines of a ledger come to for one hypothesis.
type sums struct {
	family  [len(families)]float64
	remote  float64   // the net of everything that speaks to the question "remote"
	total   float64   // without the prior
	counted []float64 // what each line counted, in the order of the lines
}

// strongest orders the lines that speak to a hypothesis by family, and within each the
// strongest first.
func strongest(lines []line, h hypothesis) []int {
	order := make([]int, 0, len(lines))
	for i := range lines {
		if lines[i].signal.family[h] >= 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &lines[a], &lines[b]
		return cmp.Or(
			cmp.Compare(x.signal.family[h], y.signal.family[h]),
			cmp.Compare(abs(y.weight), abs(x.weight)),
			strings.Compare(x.signal.id, y.signal.id))
	})
	return order
}

// leaveOut appends an order of lines to another without one of them.
func leaveOut(to, order []int, without int) []int {
	for _, i := range order {
		if i != without {
			to = append(to, i)
		}
	}
	return to
}

// fuse adds up lines in the order that strongest gives: families add, and within a
// family the strongest counts in full, the next half, the next a quarter, for they have
// one cause. Weights are rounded line by line, so that what is shown adds up to what is
// judged. counted is where it notes what each line counted: a zero for every line.
func fuse(lines []line, order []int, h hypothesis, counted []float64) sums {
	s := sums{counted: counted}
	for len(order) > 0 {
		f := lines[order[0]].signal.family[h]
		n := 1
		for n < len(order) && lines[order[n]].signal.family[h] == f {
			n++
		}
		s.family[f] = s.addFamily(lines, order[:n], &families[f], h)
		order = order[n:]
	}
	for f := range families {
		if h == hosted && families[f].question == remote {
			s.remote += s.family[f]
		} else {
			s.total += s.family[f]
		}
	}
	if h == hosted {
		s.floorRemote(lines)
	}
	s.remote = round1(s.remote)
	s.total = round1(s.total + s.remote)
	return s
}

// addFamily counts the lines of one family, strongest first, and returns their sum.
func (s *sums) addFamily(lines []line, order []int, f *family, h hypothesis) float64 {
	sum, share := 0.0, 1.0
	for _, i := range order {
		signal := lines[i].signal
		if signal.beside > 0 || h == hosted && signal.onlyWith >= 0 && s.family[signal.onlyWith] <= 0 {
			continue
		}
		s.counted[i] = round1(lines[i].weight * share)
		sum += s.counted[i]
		if !f.whole {
			share /= 2
		}
	}
	rest := sum
	for _, i := range order {
		if b := lines[i].signal.beside; b > 0 && round1(abs(rest)) >= b {
			s.counted[i] = round1(lines[i].weight)
			sum += s.counted[i]
		}
	}
	if f.cap == 0 {
		return sum
	}
	// The cap takes from the weakest first.
	for _, i := range slices.Backward(order) {
		cut := min(max(sum-f.cap, 0), s.counted[i])
		s.counted[i] = round1(s.counted[i] - cut)
		sum -= cut
	}
	return sum
}

// floorRemote keeps local use from outweighing everything else, taking from the
// weakest of what speaks for it first.
func (s *sums) floorRemote(lines []line) {
	for s.remote < remoteFloor {
		weakest := -1
		for i := range lines {
			f := lines[i].signal.family[hosted]
			if f < 0 || !families[f].against || s.counted[i] >= 0 {
				continue
			}
			if weakest < 0 || s.counted[i] > s.counted[weakest] {
				weakest = i
			}
		}
		if weakest < 0 {
			return
		}
		back := min(remoteFloor-s.remote, -s.counted[weakest])
		f := lines[weakest].signal.family[hosted]
		s.counted[weakest] = round1(s.counted[weakest] + back)
		s.family[f] += back
		s.remote += back
	}
}
