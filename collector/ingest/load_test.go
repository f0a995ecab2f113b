package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store"
)

// slow makes commits wait until one is let go at a time, or all are.
func slow(m *memory) (letGo, letAllGo func()) {
	turn := make(chan struct{})
	m.commit = func(context.Context, []store.Change) error {
		<-turn
		return nil
	}
	return func() { turn <- struct{}{}; synctest.Wait() }, func() { close(turn) }
}

// answers collects what reports came to.
type answers struct {
	mu sync.Mutex
	of map[string]error
	sync.WaitGroup
}

func (a *answers) report(ctx context.Context, p *ingest.Pipeline, device string, from, to uint64) {
	a.Go(func() {
		_, err := p.Report(ctx, nil, batch(device, "b1", from, to))
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.of == nil {
			a.of = map[string]error{}
		}
		a.of[device] = err
	})
}

// get says whether there is an answer for the device yet, and which.
func (a *answers) get(device string) (answered bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	err, answered = a.of[device]
	return answered, err
}

func TestCommitsTogetherWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		letGo, _ := slow(m)
		p, _ := run(t, ingest.Config{Store: m, Judge: &tally{}, MaxGroup: 20})
		var got answers
		// The first finds the committer idle and does not wait for company.
		got.report(t.Context(), p, "first", 1, 1)
		synctest.Wait()
		for i := range 30 {
			got.report(t.Context(), p, fmt.Sprint("d", i), 1, 3)
		}
		synctest.Wait()
		if answered, _ := got.get("first"); answered {
			t.Error("answered before the commit")
		}
		for range 3 {
			letGo()
		}
		got.Wait()
		groups, _ := m.seen()
		if diff := cmp.Diff([]int{1, 20, 10}, groups); diff != "" {
			t.Errorf("transactions:\n%s", diff)
		}
		for device, err := range got.of {
			if err != nil {
				t.Errorf("%s: %v", device, err)
			}
		}
	})
}

func TestARepeatedReporterIsNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		p, _ := run(t, ingest.Config{Store: m, Judge: &tally{}, CachedDevices: 2})
		report := func(device string, sequence uint64) {
			t.Helper()
			_, err := p.Report(t.Context(), nil, batch(device, "b1", sequence, sequence))
			must(t, err)
		}
		report("d1", 1)
		report("d2", 1)
		_, before := m.seen()
		for n := uint64(2); n < 10; n++ {
			report("d1", n)
			report("d2", n)
		}
		if _, after := m.seen(); after != before {
			t.Errorf("%d reads for devices that are known", after-before)
		}
		report("d3", 1) // d1 was heard longest ago
		_, before = m.seen()
		report("d2", 10)
		if _, after := m.seen(); after != before {
			t.Errorf("d2 was forgotten")
		}
		report("d1", 10)
		if _, after := m.seen(); after == before {
			t.Errorf("d1 was not forgotten")
		}
	})
}

func TestBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		letGo, letAllGo := slow(m)
		p, _ := run(t, ingest.Config{Store: m, Judge: &tally{}, MaxWaiting: 10})
		var got answers
		got.report(t.Context(), p, "large", 1, 12) // more than may wait, but nobody does
		synctest.Wait()
		if _, err := p.Report(t.Context(), nil, batch("d1", "b1", 1, 1)); !errors.Is(err, ingest.ErrBusy) {
			t.Errorf("with all in use: %v, want %v", err, ingest.ErrBusy)
		}
		letGo()
		got.Wait()
		// One device alone cannot take everybody's places.
		for n := range uint64(4) {
			got.report(t.Context(), p, "greedy", n+1, n+1)
		}
		synctest.Wait()
		if _, err := p.Report(t.Context(), nil, batch("greedy", "b1", 5, 5)); !errors.Is(err, ingest.ErrBusy) {
			t.Errorf("the fifth call of one device: %v, want %v", err, ingest.ErrBusy)
		}
		got.report(t.Context(), p, "modest", 1, 1)
		letAllGo()
		got.Wait()
		for device, err := range got.of {
			if err != nil {
				t.Errorf("%s: %v", device, err)
			}
		}
	})
}

func TestCallerThatGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		letGo, letAllGo := slow(m)
		p, _ := run(t, ingest.Config{Store: m, Judge: &tally{}})
		ctx, giveUp := context.WithCancel(t.Context())
		var got, again answers
		got.report(ctx, p, "committing", 1, 2)
		synctest.Wait()
		got.report(ctx, p, "queued", 1, 2)     // judged, not with the committer yet
		got.report(ctx, p, "committing", 3, 3) // waits for its device
		synctest.Wait()
		giveUp()
		got.Wait()
		for _, device := range []string{"committing", "queued"} {
			if _, err := got.get(device); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", device, err)
			}
		}
		// Its device stays locked until its commit is through.
		again.report(t.Context(), p, "committing", 1, 3)
		synctest.Wait()
		if answered, _ := again.get("committing"); answered {
			t.Error("a redelivery was answered before the first delivery was committed")
		}
		letGo()
		letAllGo()
		again.Wait()
		if _, err := again.get("committing"); err != nil {
			t.Error(err)
		}
		d := m.devices["committing"]
		if d.Picture.GetFirstReportUnix() != 3 || d.Summary.GetReports() != 3 || m.events["committing"] != 3 {
			t.Errorf("judged %d, counted %d, %d events; want 3 of each", d.Picture.GetFirstReportUnix(), d.Summary.GetReports(), m.events["committing"])
		}
		if _, ok := m.devices["queued"]; ok {
			t.Error("what was given up before the committer took it was committed")
		}
	})
}

func TestStoppingCommitsWhatWasLetIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		_, letAllGo := slow(m)
		p, stop := run(t, ingest.Config{Store: m, Judge: &tally{}, MaxGroup: 3})
		var got, stopped answers
		for i := range 10 {
			got.report(t.Context(), p, fmt.Sprint("d", i), 1, 2)
		}
		synctest.Wait()
		stopped.Go(stop)
		synctest.Wait()
		letAllGo()
		got.Wait()
		stopped.Wait()
		for i := range 10 {
			if answered, err := got.get(fmt.Sprint("d", i)); err != nil || !answered {
				t.Errorf("d%d: answered %v, %v", i, answered, err)
			}
		}
		if len(m.devices) != 10 {
			t.Errorf("%d devices were committed", len(m.devices))
		}
		for name, call := range map[string]func() error{
			"report":    func() error { _, err := p.Report(t.Context(), nil, batch("late", "b1", 1, 1)); return err },
			"exclusive": func() error { return p.Exclusive(t.Context(), "late", func(context.Context) error { return nil }) },
			"sweep":     func() error { return p.Sweep(t.Context(), start) },
		} {
			if err := call(); !errors.Is(err, ingest.ErrStopped) {
				t.Errorf("%s after the end: %v, want %v", name, err, ingest.ErrStopped)
			}
		}
	})
}

func TestReportsWaitForRestore(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken disk")
	for _, tt := range []struct {
		name     string
		restored error
		want     error
	}{{"restored", nil, nil}, {"not restored", broken, ingest.ErrStopped}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &restoring{memory: newMemory(), ready: make(chan error)}
				p := ingest.New(ingest.Config{Store: m, Judge: &tally{}, Log: slog.New(slog.DiscardHandler)})
				ctx, cancel := context.WithCancel(t.Context())
				var ran, got answers
				ran.Go(func() {
					if err := p.Run(ctx); !errors.Is(err, tt.restored) {
						t.Errorf("run: %v, want %v", err, tt.restored)
					}
				})
				impatient, giveUp := context.WithCancel(t.Context())
				got.report(t.Context(), p, "patient", 1, 1)
				got.report(impatient, p, "impatient", 1, 1)
				synctest.Wait()
				giveUp()
				synctest.Wait()
				if _, err := got.get("impatient"); !errors.Is(err, context.Canceled) {
					t.Errorf("gave up while the fleet was restored: %v", err)
				}
				select {
				case <-p.Ready():
					t.Error("ready before the fleet is restored")
				default:
				}
				m.ready <- tt.restored
				got.Wait()
				if _, err := got.get("patient"); !errors.Is(err, tt.want) {
					t.Errorf("waited: %v, want %v", err, tt.want)
				}
				cancel()
				ran.Wait()
			})
		})
	}
}

// restoring is a memory whose devices are read once ready says how that ended.
type restoring struct {
	*memory
	ready chan error
}

func (r *restoring) EachDevice(context.Context, func(*store.Device) error) error { return <-r.ready }
