package order

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/laptop"
	"github.com/farmhound-security/farmhound/collector"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func (s *site) verdicts(t *testing.T, device string) []*fleetv1.PastVerdict {
	t.Helper()
	got, err := s.fleet.ListVerdicts(s.asking(t.Context()), &fleetv1.ListVerdictsRequest{Device: device})
	must(t, err)
	return got.GetVerdicts()
}

// TestOffline: a laptop that was offline for days and delivers them at once has, day by
// day, the history that it would have had, and the same verdict in the end. So do those
// beside it, in whatever order the deliveries of the day of its return come.
func TestOffline(t *testing.T) {
	t.Parallel()
	l := newLife(t, 5)
	online := l.open(t)
	online.live(t, l, 0)
	first := dayOf(l.arrivals[0].at)
	from, until := first.AddDate(0, 0, 3), first.AddDate(0, 0, 7)
	compared := 0
	for _, one := range l.world.Laptops() {
		if one.Persona != "rmm-farm" && one.Persona != "single-host" || compared > 0 {
			continue
		}
		compared++
		held := l.without(one.DeviceID, from, until)
		offline, disorderly := held.open(t), held.open(t)
		offline.live(t, held, 0)
		disorderly.live(t, held.disorder(rand.New(rand.NewPCG(5, 5))), 0)
		same(t, "a day of return in disorder", offline.final(t), disorderly.final(t))
		same(t, "a replay", offline.final(t), held.replayed(t))
		want, got := ends(online.verdicts(t, one.DeviceID)), ends(offline.verdicts(t, one.DeviceID))
		if len(want) < 7 || len(got) != len(want) {
			t.Errorf("%s: %d days, online %d", one.Persona, len(got), len(want))
		}
		late := 0
		for day, w := range want {
			g := got[day]
			if g.GetVerdict() != w.GetVerdict() || g.GetKind() != w.GetKind() {
				t.Errorf("%s on %s: %s (%s, %g), online %s (%s, %g)", one.Persona, day,
					g.GetVerdict(), g.GetKind(), g.GetRisk(), w.GetVerdict(), w.GetKind(), w.GetRisk())
			}
			if g.GetJudgedAt().AsTime().Sub(g.GetAt().AsTime()) > 36*time.Hour {
				late++
			}
		}
		if late < 2 {
			t.Errorf("%d days were judged days later", late)
		}
	}
	if compared == 0 {
		t.Fatal("nobody was offline")
	}
}

// ends are the outcomes of days.
func ends(all []*fleetv1.PastVerdict) map[string]*fleetv1.PastVerdict {
	by := map[string]*fleetv1.PastVerdict{}
	for _, v := range all {
		if v.GetOccasion() == "day_end" {
			by[v.GetAt().AsTime().Format(time.DateOnly)] = v
		}
	}
	return by
}

// TestReproduced: every verdict that was ever concluded comes out the same when it is
// judged again from what the store keeps, through the API and offline.
func TestReproduced(t *testing.T) {
	t.Parallel()
	l := newLife(t, 3)
	s := l.open(t)
	s.live(t, l, 0, 12)
	kept, err := collector.OpenStore(t.Context(), s.config.Data)
	must(t, err)
	defer kept.Close()
	offline := collector.Reproducer{Store: kept, Version: "order"}
	rows, changes := 0, 0
	for id, one := range s.laptops {
		listed := s.verdicts(t, id)
		if len(ends(listed)) < 3 {
			t.Errorf("%s: %d days", one.Persona, len(ends(listed)))
		}
		must(t, offline.Each(t.Context(), id, time.Time{}, func(got *fleetv1.GetVerdictResponse) error {
			if rows++; got.GetVerdict().GetOccasion() == "change" {
				changes++
			}
			return equal(one, got)
		}))
		last := listed[len(listed)-1]
		got, err := s.fleet.GetVerdict(s.asking(t.Context()), &fleetv1.GetVerdictRequest{Device: id, At: timestamppb.New(l.end)})
		must(t, err)
		must(t, equal(one, got))
		if !got.GetVerdict().GetAt().AsTime().Equal(last.GetAt().AsTime()) {
			t.Errorf("%s: the latest is of %s, want %s", one.Persona, got.GetVerdict().GetAt().AsTime(), last.GetAt().AsTime())
		}
	}
	if rows < 100 || changes < 5 {
		t.Errorf("%d verdicts, %d of them changes", rows, changes)
	}
}

func equal(of *laptop.Laptop, got *fleetv1.GetVerdictResponse) error {
	v, r := got.GetVerdict(), got.GetReproduction()
	if r.GetOutcome() != collector.ReproducedEqual || len(r.GetNotes()) > 0 {
		return fmt.Errorf("%s at %s: %s, %q", of.Persona, v.GetAt().AsTime(), r.GetOutcome(), r.GetNotes())
	}
	if a := got.GetAssessment(); a.GetVerdict() != v.GetVerdict() || a.GetRisk() != v.GetRisk() {
		return fmt.Errorf("%s at %s: %s %g, comes out as %s %g", of.Persona, v.GetAt().AsTime(), v.GetVerdict(), v.GetRisk(), a.GetVerdict(), a.GetRisk())
	}
	return nil
}
