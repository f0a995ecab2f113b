package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// basisOf names rules and catalogue, whose bodies are their names.
func basisOf(rules, catalog string) *store.Basis {
	content := func(name string) store.Content {
		return store.Content{Digest: name, Body: func() ([]byte, error) { return []byte(name), nil }}
	}
	return &store.Basis{Rules: content(rules), Catalog: content(catalog), Roster: "people", Collector: "v1"}
}

// concluded is a row of d1's history.
func concluded(at time.Time, occasion, verdict string, by *store.Basis) store.Verdict {
	return store.Verdict{
		Device: "d1", Basis: by, Inputs: []byte("inputs of " + verdict),
		Past: &fleetv1.PastVerdict{
			At: timestamppb.New(at), Occasion: occasion, Verdict: verdict, Kind: "hosted", Risk: 0.5, HostedRisk: 0.5, DisplacedRisk: 0.25,
			JudgedAt: timestamppb.New(at.Add(time.Hour)), Fingerprint: []byte{1, 2},
		},
	}
}

func conclude(t *testing.T, s store.Store, verdicts ...store.Verdict) {
	t.Helper()
	must(t, s.Commit(t.Context(), []store.Change{{Device: device("d1", "S", "clear", 0), Verdicts: verdicts}}))
}

func testVerdicts(t *testing.T, s store.Store) {
	by := basisOf("r1", "c1")
	for n, verdict := range []string{"clear", "clear", "likely", "likely", "watch"} {
		conclude(t, s, concluded(start.Add(time.Duration(n)*day), "day_end", verdict, by))
	}
	// Of one moment, the day's end is the later.
	conclude(t, s, concluded(start.Add(4*day), "change", "near_certain", by))
	conclude(t, s, concluded(start.Add(day), "day_end", "clear", basisOf("r2", "c1"))) // again
	for name, tt := range map[string]struct {
		filter store.VerdictFilter
		want   []string
	}{
		"all":               {store.VerdictFilter{Limit: 10}, []string{"clear", "clear", "likely", "likely", "near_certain", "watch"}},
		"changes":           {store.VerdictFilter{Changes: true, Limit: 10}, []string{"clear", "likely", "near_certain", "watch"}},
		"the latest":        {store.VerdictFilter{Limit: 2}, []string{"near_certain", "watch"}},
		"since":             {store.VerdictFilter{Since: start.Add(3 * day), Limit: 10}, []string{"likely", "near_certain", "watch"}},
		"since, no change":  {store.VerdictFilter{Since: start.Add(3 * day), Changes: true, Limit: 10}, []string{"near_certain", "watch"}},
		"until":             {store.VerdictFilter{Until: start.Add(day), Limit: 10}, []string{"clear", "clear"}},
		"of another device": {store.VerdictFilter{Device: "d2", Limit: 10}, nil},
	} {
		if tt.filter.Device == "" {
			tt.filter.Device = "d1"
		}
		rows, err := s.Verdicts(t.Context(), tt.filter)
		must(t, err)
		var got []string
		for _, r := range rows {
			got = append(got, r.GetVerdict())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	for at, want := range map[time.Time]string{start: "clear", start.Add(2*day + time.Hour): "likely", start.Add(40 * day): "watch"} {
		got, err := s.Verdict(t.Context(), "d1", at, "")
		must(t, err)
		if got.Past.GetVerdict() != want || string(got.Inputs) != "inputs of "+want || got.Basis.Rules.Digest != "r1" {
			t.Errorf("at %s: %v by %v, want %s", at, got.Past, got.Basis, want)
		}
	}
	change, err := s.Verdict(t.Context(), "d1", start.Add(40*day), "change")
	if err != nil || change.Past.GetVerdict() != "near_certain" {
		t.Errorf("the latest change: %v, %v", change.Past, err)
	}
	again, err := s.Verdict(t.Context(), "d1", start.Add(day), "")
	must(t, err)
	want := concluded(start.Add(day), "day_end", "clear", nil).Past
	want.Basis = &fleetv1.Basis{Rules: "r2", Catalog: "c1", Roster: "people", Collector: "v1"}
	if diff := cmp.Diff(want, again.Past, protocmp.Transform()); diff != "" {
		t.Errorf("what was judged again (-want +got):\n%s", diff)
	}
	for _, none := range []func() error{
		func() error { _, err := s.Verdict(t.Context(), "d1", start.Add(-time.Hour), ""); return err },
		func() error { _, err := s.Verdict(t.Context(), "d2", start, ""); return err },
		func() error { _, err := s.Content(t.Context(), "r3"); return err },
	} {
		if err := none(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("error %v, want %v", err, store.ErrNotFound)
		}
	}
}

// What verdicts were judged by is kept as long as one of them names it.
func testForgetVerdicts(t *testing.T, s store.Store) {
	for n, by := range []*store.Basis{basisOf("r1", "c1"), basisOf("r1", "c2"), basisOf("r2", "c2"), basisOf("r2", "c3")} {
		conclude(t, s, concluded(start.Add(time.Duration(n)*day), "day_end", "clear", by))
	}
	kept := func() (names []string) {
		for _, name := range []string{"r1", "r2", "c1", "c2", "c3"} {
			body, err := s.Content(t.Context(), name)
			switch {
			case err == nil && string(body) == name:
				names = append(names, name)
			case !errors.Is(err, store.ErrNotFound):
				t.Errorf("%s: %q, %v", name, body, err)
			}
		}
		return names
	}
	// They were judged an hour after the moment that they speak of.
	for _, tt := range []struct {
		horizon time.Time
		want    string
	}{
		{start.Add(time.Hour), "[r1 r2 c1 c2 c3]"},
		{start.Add(day), "[r1 r2 c2 c3]"},
		{start.Add(2 * day), "[r2 c2 c3]"},
		{start.Add(3 * day), "[r2 c3]"},
		{start.Add(4 * day), "[]"},
	} {
		forget(t, s, store.Horizons{Verdicts: tt.horizon}, 1)
		if got := fmt.Sprint(kept()); got != tt.want {
			t.Errorf("with what is older than %s forgotten there is %s, want %s", tt.horizon, got, tt.want)
		}
	}
	// What was judged again by something else frees what it was judged by before.
	conclude(t, s, concluded(start, "day_end", "clear", basisOf("r1", "c1")))
	conclude(t, s, concluded(start, "day_end", "clear", basisOf("r1", "c2")))
	if got := fmt.Sprint(kept()); got != "[r1 c2]" {
		t.Errorf("after it was judged again there is %s, want [r1 c2]", got)
	}
}

// A verdict commits with what it was judged by, or not at all.
func testVerdictWhole(t *testing.T, s store.Store) {
	broken := basisOf("r1", "c1")
	broken.Catalog.Body = func() ([]byte, error) { return nil, errors.New("no catalogue") }
	err := s.Commit(t.Context(), []store.Change{{Device: device("d1", "S", "clear", 0), Verdicts: []store.Verdict{concluded(start, "day_end", "clear", broken)}}})
	if err == nil {
		t.Error("a verdict without its catalogue was stored")
	}
	_, noDevice := s.Device(t.Context(), "d1")
	_, noRules := s.Content(t.Context(), "r1")
	_, noVerdict := s.Verdict(t.Context(), "d1", start, "")
	for what, err := range map[string]error{"device": noDevice, "rules": noRules, "verdict": noVerdict} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: error %v, want %v", what, err, store.ErrNotFound)
		}
	}
}
