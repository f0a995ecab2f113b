package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/siem"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/faulty"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What is old goes, whatever fails or is cut off meanwhile, and nothing else does.
func TestForgettingGoesOnAfterFaults(t *testing.T) {
	t.Parallel()
	kept, err := OpenStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	const old, late = 600, 40
	now := monday.AddDate(0, 0, 60)
	change := store.Change{Device: &store.Device{Summary: &fleetv1.DeviceSummary{Id: "d1"}, Picture: &fleetv1.Picture{Id: "d1"}, Judgement: &fleetv1.Judgement{}}}
	for n := range old + late {
		at := monday
		if n >= old {
			at = now
		}
		change.Reports = append(change.Reports, store.Report{Device: "d1", BootID: "b1", Sequence: uint64(n + 1), ObservedAt: at, ReceivedAt: at})
		change.Outbox = append(change.Outbox, store.OutboxRow{Key: fmt.Sprint("k", n), Device: "d1", Body: []byte("{}"), CreatedAt: at})
	}
	if err := errors.Join(kept.Commit(t.Context(), []store.Change{change}), kept.AckOutbox(t.Context(), "siem", old-10)); err != nil {
		t.Fatal(err)
	}
	failing := faulty.New(kept, faulty.Plan{Seed: 1, Only: []string{"Forget"}, Fail: 0.2, Tear: 0.2})
	c := &Collector{log: slog.New(slog.DiscardHandler), store: failing}
	c.options.Config = DefaultConfig()
	c.outputs = []*output{{Output: siem.NewFile("siem", filepath.Join(t.TempDir(), "out.jsonl"))}}
	tries := 1
	for ; c.forget(t.Context(), now) != nil; tries++ {
		if tries > 1000 {
			t.Fatal("it never ends")
		}
	}
	if failing.Faults()["Forget"] == 0 || tries == 1 {
		t.Error("nothing failed")
	}
	rows, err := kept.PendingOutbox(t.Context(), "who reads all", old+late)
	if err != nil || len(rows) != late+10 {
		t.Errorf("%d outbox rows are left, %v; want the %d late ones and the 10 not delivered", len(rows), err, late)
	}
	left, err := kept.Forget(t.Context(), store.Horizons{Reports: now.Add(time.Hour)}, old+late)
	if err != nil || left != late {
		t.Errorf("%d reports are left, %v; want the %d late ones", left, err, late)
	}
	if n, err := kept.HighestSequence(t.Context(), "d1", "b1"); err != nil || n != old+late {
		t.Errorf("committed up to %d, %v", n, err)
	}
}

// burdened is a store that is never done with forgetting, and counts how often its
// devices are asked for.
type burdened struct {
	store.Store
	asked, forgets atomic.Int32
}

func (*burdened) Epoch(context.Context) ([]byte, error) { return []byte("epoch"), nil }

func (b *burdened) EachDevice(context.Context, func(*store.Device) error) error {
	b.asked.Add(1)
	return nil
}

func (b *burdened) Forget(_ context.Context, _ store.Horizons, limit int) (int, error) {
	b.forgets.Add(1)
	time.Sleep(time.Minute)
	return limit, nil
}

// However long forgetting takes, devices are assessed at their times; both end with ctx.
func TestForgettingKeepsNoSweepWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, log := &burdened{}, slog.New(slog.DiscardHandler)
		c := &Collector{log: log, store: b, pipeline: ingest.New(ingest.Config{Store: b, Now: time.Now, Log: log})}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := c.pipeline.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		<-c.Ready()
		restored := b.asked.Load()
		running.Go(func() { c.rounds(ctx) })
		time.Sleep(4*fleet.SweepInterval + time.Minute)
		if n := b.asked.Load() - restored; n != 4 || b.forgets.Load() == 0 {
			t.Errorf("%d sweeps in the time of 4, %d steps of forgetting", n, b.forgets.Load())
		}
		cancel()
		running.Wait()
	})
}

func TestKeptForEver(t *testing.T) {
	t.Parallel()
	c := &Collector{}
	h := c.horizons(monday)
	if !h.Reports.IsZero() || !h.Events.IsZero() || !h.Audit.IsZero() || !h.Outbox.IsZero() {
		t.Errorf("horizons of a configuration that keeps everything: %+v", h)
	}
	// Agents keep what was not acknowledged for 90 days.
	if monday.Sub(h.Receipts) < 2*90*24*time.Hour {
		t.Errorf("receipts are forgotten from %v", h.Receipts)
	}
}

// An output that does not deliver keeps what is old, and that is said by its name; one
// that has delivered everything, and one whose rows are not old yet, are not named.
func TestAnOutputThatKeepsOldEventsIsNamed(t *testing.T) {
	t.Parallel()
	kept, err := OpenStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	row := store.OutboxRow{Key: "k", Device: "d1", Body: []byte("{}"), CreatedAt: monday}
	if err := errors.Join(kept.Commit(t.Context(), []store.Change{{Outbox: []store.OutboxRow{row}}}), kept.AckOutbox(t.Context(), "works", 1)); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	c := &Collector{log: slog.New(slog.NewTextHandler(&said, nil)), store: kept}
	c.options.Config = DefaultConfig()
	for _, name := range []string{"works", "dead"} {
		c.outputs = append(c.outputs, &output{Output: siem.NewFile(name, filepath.Join(t.TempDir(), "out.jsonl"))})
	}
	for _, tt := range []struct {
		days  int
		named []string
	}{{6, nil}, {8, []string{"dead"}}} {
		said.Reset()
		if err := c.forget(t.Context(), monday.AddDate(0, 0, tt.days)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"works", "dead"} {
			if strings.Contains(said.String(), "output="+name) != slices.Contains(tt.named, name) {
				t.Errorf("after %d days:\n%s", tt.days, said.String())
			}
		}
	}
	c.outputs = nil
	if err := c.forget(t.Context(), monday.AddDate(0, 0, 8)); err != nil {
		t.Fatal(err)
	}
	if rows, err := kept.PendingOutbox(t.Context(), "dead", 1); err != nil || len(rows) != 0 {
		t.Errorf("without outputs %d rows stay, %v", len(rows), err)
	}
}
