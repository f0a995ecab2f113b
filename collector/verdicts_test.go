package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/faulty"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var firstDay = time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)

// driven is a laptop that is driven through a remote console from the third day on.
func driven(days int) (all []fleet.Observation) {
	n := uint64(0)
	for d := range days {
		for h := range 6 {
			at := firstDay.AddDate(0, 0, d).Add(time.Duration(h) * time.Hour)
			w := &farmhoundv1.Window{
				StartedAt: timestamppb.New(at.Add(-time.Hour)), Seconds: 3600, ActiveSeconds: proto.Uint32(3000), AsleepSeconds: proto.Uint32(0),
				ControlKnown: true, Input: &farmhoundv1.InputSeconds{BuiltIn: 2000},
			}
			if d >= 2 {
				w.Input = &farmhoundv1.InputSeconds{KvmLike: 2000}
			}
			n++
			r := &farmhoundv1.Report{BootId: strings.Repeat("0a", 16), Sequence: n, ObservedAt: timestamppb.New(at), Windows: []*farmhoundv1.Window{w}}
			if n == 1 {
				r.System = &farmhoundv1.System{Serial: "S1", Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP}
				r.Health = &farmhoundv1.Health{AgentVersion: "1"}
			}
			if h == 0 {
				r.Hardware = &farmhoundv1.Hardware{}
				if d >= 2 {
					r.Hardware.Usb = []*farmhoundv1.UsbDevice{{VendorId: 0x1d6b, ProductId: 0x0104, Manufacturer: "PiKVM", Product: "PiKVM Composite Device"}}
				}
			}
			// A clock tells nanoseconds, which no store keeps.
			all = append(all, fleet.Observation{Device: "d1", Serial: "S1", ReceivedAt: at.Add(123_456_789), Report: r})
		}
	}
	return all
}

// lived is what a store has after everything was delivered and everybody assessed at
// midnights. Who delivers tries again until it is acknowledged, as agents do.
func lived(t *testing.T, wrap func(store.Store) store.Store) *sqlite.Store {
	t.Helper()
	kept, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	own := rooms(t)
	judge, err := own.judge()
	if err != nil {
		t.Fatal(err)
	}
	judge.bases = &bases{collector: "test", roster: func() string { return "" }}
	p := ingest.New(ingest.Config{Store: wrap(kept), Judge: judge, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	again := func(what func() error) {
		t.Helper()
		var err error
		for range 100 {
			if err = what(); err == nil {
				return
			}
			if !errors.Is(err, faulty.ErrInjected) {
				t.Fatal(err)
			}
		}
		t.Fatal(err)
	}
	day := firstDay.Truncate(24 * time.Hour)
	for _, o := range driven(7) {
		for next := day.AddDate(0, 0, 1); !next.After(o.ReceivedAt); next = next.AddDate(0, 0, 1) {
			again(func() error { return p.Sweep(t.Context(), next) })
			day = next
		}
		again(func() error {
			_, err := p.Report(t.Context(), nil, []fleet.Observation{o})
			return err
		})
	}
	again(func() error { return p.Sweep(t.Context(), day.AddDate(0, 0, 2)) })
	return kept
}

// History, alerts and the events for the SIEM are the same whatever a store refuses, tears
// or answers with an error though it did it, and every verdict comes out again.
func TestHistoryWithstandsFaults(t *testing.T) {
	t.Parallel()
	calm := lived(t, func(s store.Store) store.Store { return s })
	want := remembered(t, calm)
	if len(want.verdicts) < 9 || len(want.alerts) != 1 {
		t.Fatalf("%d verdicts, %d alerts", len(want.verdicts), len(want.alerts))
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			var bad *faulty.Store
			kept := lived(t, func(s store.Store) store.Store {
				bad = faulty.New(s, faulty.Plan{Seed: seed, Only: []string{"Commit", "Device", "OpenAlert", "Chain", "HighestSequence"}, Fail: 0.15, Tear: 0.15})
				return bad
			})
			if bad.Faults()["Commit"] == 0 {
				t.Error("no commit failed")
			}
			got := remembered(t, kept)
			if diff := cmp.Diff(want.verdicts, got.verdicts, protocmp.Transform(), protocmp.IgnoreFields(&fleetv1.PastVerdict{}, "judged_at")); diff != "" {
				t.Errorf("history (-without faults +with):\n%s", diff)
			}
			if diff := cmp.Diff(want.alerts, got.alerts, protocmp.Transform()); diff != "" {
				t.Errorf("alerts (-without faults +with):\n%s", diff)
			}
			if diff := cmp.Diff(want.outbox, got.outbox); diff != "" {
				t.Errorf("events for the SIEM (-without faults +with):\n%s", diff)
			}
		})
	}
}

type memories struct {
	verdicts []*fleetv1.PastVerdict
	alerts   []*fleetv1.Alert
	outbox   []string
}

// remembered reads what a store has, and has every verdict judged again.
func remembered(t *testing.T, kept *sqlite.Store) (m memories) {
	t.Helper()
	r := Reproducer{Store: kept, Version: "test"}
	err := r.Each(t.Context(), "d1", time.Time{}, func(v *fleetv1.GetVerdictResponse) error {
		m.verdicts = append(m.verdicts, v.GetVerdict())
		if v.GetReproduction().GetOutcome() != ReproducedEqual {
			t.Errorf("%s of %s: %v", v.GetVerdict().GetOccasion(), v.GetVerdict().GetAt().AsTime(), v.GetReproduction())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.alerts, err = kept.Alerts(t.Context(), store.AlertFilter{Limit: 10}); err != nil {
		t.Fatal(err)
	}
	rows, err := kept.PendingOutbox(t.Context(), "all", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		m.outbox = append(m.outbox, row.Key)
	}
	return m
}
