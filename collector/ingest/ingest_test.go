package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// tally is a judge that counts: a device's picture has how many reports it saw in
// FirstReportUnix and the sum of their sequences in LastReportUnix, and every
// report gives an event and an outbox row.
type tally struct {
	mu       sync.Mutex
	restored []string
	calls    map[string]int
	// report and reassess stand in for the usual answer.
	report   func(dev *store.Device, open *fleetv1.Alert, obs fleet.Observation) (store.Change, error)
	reassess func(dev *store.Device, open *fleetv1.Alert, now time.Time) (store.Change, error)
}

func (j *tally) Restore(d *store.Device) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.restored = append(j.restored, d.Summary.GetId())
}

func (j *tally) Report(dev *store.Device, open *fleetv1.Alert, reports []fleet.Observation) (all store.Change, err error) {
	for _, obs := range reports {
		one := counts
		if j.report != nil {
			one = func(dev *store.Device, obs fleet.Observation) store.Change {
				var change store.Change
				change, err = j.report(dev, open, obs)
				return change
			}
		}
		j.called(obs.Device, 1)
		change := one(dev, obs)
		if err != nil {
			return store.Change{}, err
		}
		dev, all.Device = change.Device, change.Device
		all.Events, all.Alerts, all.Outbox = append(all.Events, change.Events...), append(all.Alerts, change.Alerts...), append(all.Outbox, change.Outbox...)
	}
	return all, nil
}

func (j *tally) Reassess(dev *store.Device, open *fleetv1.Alert, now time.Time) (store.Change, error) {
	if j.reassess != nil {
		return j.reassess(dev, open, now)
	}
	return store.Change{}, nil
}

// called adds to how many reports of a device were judged, and returns how many were.
func (j *tally) called(device string, more int) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.calls == nil {
		j.calls = map[string]int{}
	}
	j.calls[device] += more
	return j.calls[device]
}

func counts(dev *store.Device, obs fleet.Observation) store.Change {
	sequence := obs.Report.GetSequence()
	next := &store.Device{
		Summary:   &fleetv1.DeviceSummary{Id: obs.Device, Serial: obs.Serial},
		Picture:   &fleetv1.Picture{Id: obs.Device},
		Judgement: &fleetv1.Judgement{},
	}
	if dev != nil {
		next.Picture = proto.CloneOf(dev.Picture)
	}
	next.Picture.FirstReportUnix++
	next.Picture.LastReportUnix += int64(sequence)
	key := fmt.Sprintf("%s/%s/%d", obs.Device, obs.Report.GetBootId(), sequence)
	return store.Change{
		Device: next,
		Events: []*fleetv1.Event{{At: timestamppb.New(start.Add(time.Duration(sequence) * time.Second)), Kind: key}},
		Outbox: []store.OutboxRow{{Key: key, Device: obs.Device, CreatedAt: start}},
	}
}

func observation(device, boot string, sequence uint64) fleet.Observation {
	return fleet.Observation{
		Device:     device,
		Serial:     "S-" + device,
		ReceivedAt: start,
		Peer:       netip.MustParseAddrPort("192.0.2.7:4711"),
		Report:     &farmhoundv1.Report{BootId: boot, Sequence: sequence, ObservedAt: timestamppb.New(start)},
	}
}

func batch(device, boot string, from, to uint64) []fleet.Observation {
	var out []fleet.Observation
	for n := from; n <= to; n++ {
		out = append(out, observation(device, boot, n))
	}
	return out
}

// openStore opens a database that is closed, and checked, when the test ends.
func openStore(t testing.TB) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "farmhound.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run starts a pipeline; stop ends it, waits for it and fails the test where Run
// failed. Goroutines that are left fail the test too.
func run(t testing.TB, c ingest.Config) (p *ingest.Pipeline, stop func()) {
	t.Helper()
	c.Now = func() time.Time { return start }
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	p = ingest.New(c)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return p, stop
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// requireTally checks what is stored of a device that delivered 1 to n once each.
func requireTally(t *testing.T, s *sqlite.Store, device string, n int64) {
	t.Helper()
	d, err := s.Device(t.Context(), device)
	must(t, err)
	events, err := s.Timeline(t.Context(), device, time.Time{}, 100000)
	must(t, err)
	events = slices.DeleteFunc(events, func(e *fleetv1.Event) bool { return !strings.HasPrefix(e.GetKind(), device+"/") })
	if d.Picture.GetFirstReportUnix() != n || d.Picture.GetLastReportUnix() != n*(n+1)/2 ||
		d.Summary.GetReports() != uint64(n) || int64(len(events)) != n {
		t.Errorf("%s: judged %d reports with sum %d, counted %d, %d events; want %d of each with sum %d", device,
			d.Picture.GetFirstReportUnix(), d.Picture.GetLastReportUnix(), d.Summary.GetReports(), len(events), n, n*(n+1)/2)
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRedeliveryHasNoSecondEffect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// cached devices of 1 with another device's report between: read from the store.
		forget bool
	}{{"remembered", false}, {"read again", true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, judge := openStore(t), &tally{}
			p, _ := run(t, ingest.Config{Store: s, Judge: judge, CachedDevices: 1})
			for i, step := range []struct {
				from, to uint64
				want     uint64
			}{{1, 3, 3}, {1, 3, 3}, {2, 5, 5}, {5, 5, 5}, {1, 1, 5}, {6, 6, 6}} {
				got, err := p.Report(t.Context(), nil, batch("d1", "b1", step.from, step.to))
				must(t, err)
				if got.Sequence != step.want {
					t.Errorf("step %d acknowledged %d, want %d", i, got.Sequence, step.want)
				}
				if tt.forget {
					_, err := p.Report(t.Context(), nil, batch("other", "b1", 1, 1))
					must(t, err)
				}
			}
			requireTally(t, s, "d1", 6)
			if n := judge.called("d1", 0); n != 6 {
				t.Errorf("the judge was asked %d times, want 6", n)
			}
		})
	}
}

func TestBootsCountForThemselves(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	p, _ := run(t, ingest.Config{Store: s, Judge: &tally{}})
	for _, step := range []struct {
		boot     string
		from, to uint64
		want     uint64
	}{{"b1", 1, 2, 2}, {"b2", 1, 1, 1}, {"b1", 1, 3, 3}, {"b2", 1, 1, 1}, {"b2", 2, 2, 2}} {
		got, err := p.Report(t.Context(), nil, batch("d1", step.boot, step.from, step.to))
		must(t, err)
		if got.Sequence != step.want {
			t.Errorf("%s %d to %d acknowledged %d, want %d", step.boot, step.from, step.to, got.Sequence, step.want)
		}
	}
	d, err := s.Device(t.Context(), "d1")
	must(t, err)
	if d.Summary.GetReports() != 5 {
		t.Errorf("counted %d reports, want 5", d.Summary.GetReports())
	}
}

func TestBatchesThatAreNone(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	p, _ := run(t, ingest.Config{Store: s, Judge: &tally{}})
	if _, err := p.Report(t.Context(), nil, nil); err != nil {
		t.Errorf("an empty batch: %v", err)
	}
	for name, observations := range map[string][]fleet.Observation{
		"two devices":       {observation("d1", "b1", 1), observation("d2", "b1", 2)},
		"two boots":         {observation("d1", "b1", 1), observation("d1", "b2", 2)},
		"no boot":           {observation("d1", "", 1)},
		"no device":         {observation("", "b1", 1)},
		"no report":         {{Device: "d1"}},
		"sequence zero":     {observation("d1", "b1", 0)},
		"sequence too high": {observation("d1", "b1", 1<<63)},
		"twice the same":    {observation("d1", "b1", 1), observation("d1", "b1", 1)},
		"descending":        {observation("d1", "b1", 2), observation("d1", "b1", 1)},
	} {
		if _, err := p.Report(t.Context(), nil, observations); !errors.Is(err, ingest.ErrBatch) {
			t.Errorf("%s: %v, want %v", name, err, ingest.ErrBatch)
		}
	}
	if _, err := s.Device(t.Context(), "d1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("something was stored: %v", err)
	}
}

func TestManyDevicesExactlyOnce(t *testing.T) {
	t.Parallel()
	const devices, reports = 50, 100
	s := openStore(t)
	p, stop := run(t, ingest.Config{Store: s, Judge: &tally{}, CachedDevices: devices / 2})
	var group sync.WaitGroup
	for i := range devices {
		// Two deliveries of each device race, as when an agent gave up on an answer.
		for range 2 {
			group.Go(func() {
				for n := uint64(1); n <= reports; n += 5 {
					last := min(n+4, reports)
					got, err := p.Report(t.Context(), nil, batch(fmt.Sprint("d", i), "b1", n, last))
					if err != nil || got.Sequence < last {
						t.Errorf("device %d, up to %d: acknowledged %d, %v", i, last, got.Sequence, err)
					}
				}
			})
		}
	}
	group.Wait()
	stop()
	for i := range devices {
		requireTally(t, s, fmt.Sprint("d", i), reports)
	}
}
