package api

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// opened is an Egress whose seals are times; the empty one is somebody else's.
type opened struct{ Egress }

var errForeign = errors.New("another device's")

func (opened) Open(_ string, seal []byte) (netip.Addr, time.Time, error) {
	at, err := time.Parse(time.RFC3339, string(seal))
	if err != nil {
		return netip.Addr{}, time.Time{}, errForeign
	}
	return netip.MustParseAddr("203.0.113.7"), at, nil
}

func TestSealsOfOtherTimesSayNothing(t *testing.T) {
	t.Parallel()
	received := time.Date(2026, 9, 10, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		sealed, observed time.Time
		foreign          bool
		want             int
	}{
		"of today":                            {sealed: received.Add(-6 * time.Hour), observed: received, want: 1},
		"of the day before yesterday":         {sealed: received.Add(-48 * time.Hour), observed: received},
		"of a report that waited in a spool":  {sealed: received.Add(-100 * time.Hour), observed: received.Add(-96 * time.Hour), want: 1},
		"older than a report that waited":     {sealed: received.Add(-200 * time.Hour), observed: received.Add(-96 * time.Hour)},
		"of a laptop whose clock is ahead":    {sealed: received.Add(-time.Hour), observed: received.AddDate(10, 0, 0), want: 1},
		"of the future":                       {sealed: received.Add(time.Hour), observed: received},
		"of another collector's faster clock": {sealed: received.Add(time.Minute), observed: received, want: 1},
		"another laptop's":                    {foreign: true, observed: received},
	} {
		seal := []byte(tt.sealed.Format(time.RFC3339))
		if tt.foreign {
			seal = []byte("?")
		}
		i := &ingest{door: &door{log: slog.New(slog.DiscardHandler)}, egress: opened{}}
		report := &farmhoundv1.Report{
			ObservedAt: timestamppb.New(tt.observed),
			Network:    &farmhoundv1.Network{Egress: []*farmhoundv1.EgressPath{{Seal: seal, DefaultRoute: true}}},
		}
		if got := i.paths(t.Context(), "d1", report, received); len(got) != tt.want {
			t.Errorf("%s: %d ways out, want %d", name, len(got), tt.want)
		}
		i.egress = nil
		if got := i.paths(t.Context(), "d1", report, received); got != nil {
			t.Errorf("%s: %v without anybody who answers", name, got)
		}
	}
}
