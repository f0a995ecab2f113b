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
		sealed  time.Time
		foreign bool
		want    int
		others  uint64
	}{
		"of today":                            {sealed: received.Add(-6 * time.Hour), want: 1},
		"of the day before yesterday":         {sealed: received.Add(-48 * time.Hour)},
		"of the future":                       {sealed: received.Add(time.Hour)},
		"of another collector's faster clock": {sealed: received.Add(time.Minute), want: 1},
		"another laptop's":                    {foreign: true, others: 1},
	} {
		seal := []byte(tt.sealed.Format(time.RFC3339))
		if tt.foreign {
			seal = []byte("?")
		}
		i := &ingest{door: &door{log: slog.New(slog.DiscardHandler)}, egress: opened{}}
		report := &farmhoundv1.Report{
			// Whatever the laptop says of when that was.
			ObservedAt: timestamppb.New(received.AddDate(0, 0, -20)),
			Network:    &farmhoundv1.Network{Egress: []*farmhoundv1.EgressPath{{Seal: seal, DefaultRoute: true}}},
		}
		if got, others := i.paths("d1", report, received); len(got) != tt.want || others != tt.others {
			t.Errorf("%s: %d ways out and %d of others, want %d and %d", name, len(got), others, tt.want, tt.others)
		}
		i.egress = nil
		if got, _ := i.paths("d1", report, received); got != nil {
			t.Errorf("%s: %v without anybody who answers", name, got)
		}
	}
}
