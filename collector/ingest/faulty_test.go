package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/faulty"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// TestEveryFaultOfTheStore: on a store whose every operation is refused, slow, or
// done without an answer now and then, agents that send again until they are told
// lose nothing, nothing has its effect twice, and nobody is taken for a copy.
func TestEveryFaultOfTheStore(t *testing.T) {
	t.Parallel()
	const devices, reports = 12, 60
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			below := openStore(t)
			failing := faulty.New(below, faulty.Plan{
				Seed: seed, Fail: 0.2, Tear: 0.2, Delay: 0.05, Latency: time.Millisecond,
				Only: []string{"Commit", "Device", "HighestSequence", "OpenAlert", "Chain"},
			})
			var forks atomic.Int64
			judge := &tally{report: func(d *store.Device, _ *fleetv1.Alert, o fleet.Observation) (store.Change, error) {
				if o.Link == fleet.LinkForked {
					forks.Add(1)
				}
				return counts(d, o), nil
			}}
			p, _ := run(t, ingest.Config{Store: failing, Judge: judge, CachedDevices: 3, Log: slog.New(slog.DiscardHandler)})
			var group sync.WaitGroup
			for d := range devices {
				group.Go(func() { deliverAll(t, p, fmt.Sprint("d", d), reports, rand.New(rand.NewPCG(seed, uint64(d)))) })
			}
			group.Wait()
			if faults := failing.Faults(); faults["Commit"] < 10 || faults["Chain"] < 10 || faults["Device"] < 10 {
				t.Errorf("too few faults to show anything: %v", faults)
			}
			for d := range devices {
				requireTally(t, below, fmt.Sprint("d", d), reports)
			}
			if n := forks.Load(); n > 0 {
				t.Errorf("%d reports were taken for a copy's", n)
			}
		})
	}
}

// deliverAll delivers reports as an agent does: what was not answered goes out
// again, as the same batch with the same nonce.
func deliverAll(t *testing.T, p *ingest.Pipeline, device string, reports uint64, draw *rand.Rand) {
	var nonce []byte
	for told := uint64(0); told < reports; {
		last := min(reports, told+1+draw.Uint64N(4))
		for tries := 1; ; tries++ {
			got, err := p.Report(t.Context(), nonce, batch(device, "b1", told+1, last))
			if err == nil {
				if got.Sequence < last {
					t.Errorf("%s was told %d after %d", device, got.Sequence, last)
				}
				told, nonce = last, got.Nonce
				break
			}
			if !errors.Is(err, faulty.ErrInjected) || tries > 200 {
				t.Errorf("%s, try %d: %v", device, tries, err)
				return
			}
		}
	}
}

// TestTornRestoration: a collector that could read only some devices does not take
// reports: it would judge them without the others.
func TestTornRestoration(t *testing.T) {
	t.Parallel()
	below := openStore(t)
	for d := range 20 {
		must(t, below.Commit(t.Context(), []store.Change{counts(nil, observation(fmt.Sprint("d", d), "b1", 1))}))
	}
	p := ingest.New(ingest.Config{
		Store: faulty.New(below, faulty.Plan{Tear: 1, Only: []string{"EachDevice"}}), Judge: &tally{},
		Now: func() time.Time { return start }, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Run(ctx); !errors.Is(err, faulty.ErrInjected) {
		t.Errorf("it ran and ended with %v", err)
	}
	if _, err := p.Report(ctx, nil, batch("d1", "b1", 2, 2)); !errors.Is(err, ingest.ErrStopped) {
		t.Errorf("a report got %v", err)
	}
}
