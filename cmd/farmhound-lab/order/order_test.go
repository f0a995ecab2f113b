package order

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOrder: replays and collectors come to the same of the same reports, in whatever
// order those of a day arrive, however often in between everybody is assessed.
func TestOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(*seeds) {
		l := newLife(t, seed+1)
		random := rand.New(rand.NewPCG(seed, 7))
		want := l.replayed(t)
		if len(want) < 10 {
			t.Fatalf("only %d laptops", len(want))
		}
		shuffled := l.disorder(random)
		same(t, "a replay of disorder", want, shuffled.replayed(t))
		orderly, disorderly := l.open(t), l.open(t)
		orderly.live(t, l, 0, 6, 12, 18)
		disorderly.live(t, shuffled, 0)
		same(t, "a collector", want, orderly.final(t))
		same(t, "a collector in disorder", want, disorderly.final(t))
	}
}

// TestAtOnce: a collector that was away takes everything at once, and comes to the same
// however the deliveries of a day come between each other.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	l := newLife(t, 6)
	orderly := l.atOnce()
	want := orderly.replayed(t)
	s := orderly.open(t)
	s.live(t, orderly, 0)
	same(t, "a collector", want, s.final(t))
	for seed := range uint64(2) {
		disorderly := l.disorder(rand.New(rand.NewPCG(seed, 9))).atOnce()
		same(t, "a replay of disorder", want, disorderly.replayed(t))
		s := disorderly.open(t)
		s.live(t, disorderly, 0)
		same(t, "a collector in disorder", want, s.final(t))
	}
}

func same(t *testing.T, name string, want, got final) {
	t.Helper()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("%s: laptops (-want +got):\n%s", name, diff)
	}
	differ := 0
	for id, text := range want {
		if got[id] == text {
			continue
		}
		if differ++; differ <= 3 {
			t.Errorf("%s: %s (-want +got):\n%s", name, id, cmp.Diff(text, got[id]))
		}
	}
	if differ > 0 {
		t.Errorf("%s: %d of %d assessments differ", name, differ, len(want))
	}
}
