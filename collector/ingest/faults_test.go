package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

var errRefused = errors.New("refused")

func TestARefusedChangeHurtsOnlyItsDevice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		turn, refuse := make(chan struct{}), "d3"
		m.commit = func(_ context.Context, changes []store.Change) error {
			if changes[0].Device.Summary.GetId() == "first" {
				<-turn
			}
			for _, c := range changes {
				if c.Device.Summary.GetId() == refuse {
					return errRefused
				}
			}
			return nil
		}
		judge := &tally{}
		p, _ := run(t, ingest.Config{Store: m, Judge: judge})
		var got answers
		got.report(t.Context(), p, "first", 1, 1)
		synctest.Wait()
		for i := range 6 {
			got.report(t.Context(), p, fmt.Sprint("d", i), 1, 2)
		}
		synctest.Wait()
		close(turn)
		got.Wait()
		for i := range 6 {
			device := fmt.Sprint("d", i)
			_, err := got.get(device)
			if device == refuse {
				if !errors.Is(err, errRefused) || !strings.Contains(err.Error(), refuse) {
					t.Errorf("the refused one: %v", err)
				}
			} else if err != nil || m.events[device] != 2 {
				t.Errorf("%s: %v, %d events", device, err, m.events[device])
			}
		}
		// What was not committed was not remembered either.
		refuse = ""
		got.report(t.Context(), p, "d3", 1, 2)
		got.Wait()
		if d := m.devices["d3"]; d.Summary.GetReports() != 2 || d.Picture.GetFirstReportUnix() != 2 {
			t.Errorf("after redelivery: counted %d, judged %d; want 2", d.Summary.GetReports(), d.Picture.GetFirstReportUnix())
		}
	})
}

func TestACommitWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		turn := make(chan struct{})
		m.commit = func(_ context.Context, changes []store.Change) error {
			switch {
			case changes[0].Device.Summary.GetId() == "first":
				<-turn
			case len(changes) > 1:
				m.apply(changes)
				return errRefused
			}
			return nil
		}
		p, _ := run(t, ingest.Config{Store: m, Judge: &tally{}})
		var got answers
		got.report(t.Context(), p, "first", 1, 1)
		synctest.Wait()
		got.report(t.Context(), p, "d1", 1, 2)
		got.report(t.Context(), p, "d2", 1, 2)
		synctest.Wait()
		close(turn)
		got.Wait()
		for _, device := range []string{"d1", "d2"} {
			if _, err := got.get(device); err != nil || m.events[device] != 2 {
				t.Errorf("%s: %v, %d events of 2", device, err, m.events[device])
			}
		}
	})
}

func TestAReportThatCannotBeJudged(t *testing.T) {
	t.Parallel()
	for name, judge := range map[string]func(*store.Device, *fleetv1.Alert, fleet.Observation) (store.Change, error){
		"error": func(*store.Device, *fleetv1.Alert, fleet.Observation) (store.Change, error) {
			return store.Change{}, errRefused
		},
		"panic": func(*store.Device, *fleetv1.Alert, fleet.Observation) (store.Change, error) {
			panic("index out of range")
		},
		"no device": func(*store.Device, *fleetv1.Alert, fleet.Observation) (store.Change, error) {
			return store.Change{}, nil
		},
		"another device": func(_ *store.Device, _ *fleetv1.Alert, o fleet.Observation) (store.Change, error) {
			o.Device = "d2"
			return counts(nil, o), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			bad := true
			p, _ := run(t, ingest.Config{Store: s, Judge: &tally{report: func(d *store.Device, a *fleetv1.Alert, o fleet.Observation) (store.Change, error) {
				if bad && o.Report.GetSequence() == 3 {
					return judge(d, a, o)
				}
				return counts(d, o), nil
			}}})
			if _, err := p.Report(t.Context(), nil, batch("d1", "b1", 1, 3)); err == nil || !strings.Contains(err.Error(), "judge reports 1 to 3 of device d1") {
				t.Errorf("got %v", err)
			}
			for _, device := range []string{"d1", "d2"} {
				if _, err := s.Device(t.Context(), device); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("something of %s was committed: %v", device, err)
				}
			}
			bad = false
			_, err := p.Report(t.Context(), nil, batch("d1", "b1", 1, 3))
			must(t, err)
			requireTally(t, s, "d1", 3)
		})
	}
}

// TestTheJudgeForgets what it made of reports that were not committed: what it
// knows of other devices must be what is stored of them.
func TestTheJudgeForgets(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testing.T, *memory, *tally, *ingest.Pipeline){
		"refused": func(t *testing.T, m *memory, _ *tally, p *ingest.Pipeline) {
			m.commit = func(context.Context, []store.Change) error { return errRefused }
			if _, err := p.Report(t.Context(), nil, batch("d1", "b1", 2, 2)); !errors.Is(err, errRefused) {
				t.Errorf("got %v", err)
			}
		},
		"not judged": func(t *testing.T, _ *memory, judge *tally, p *ingest.Pipeline) {
			judge.report = func(*store.Device, *fleetv1.Alert, fleet.Observation) (store.Change, error) {
				return store.Change{}, errRefused
			}
			if _, err := p.Report(t.Context(), nil, batch("d1", "b1", 2, 2)); !errors.Is(err, errRefused) {
				t.Errorf("got %v", err)
			}
		},
		"not re-assessed": func(t *testing.T, _ *memory, judge *tally, p *ingest.Pipeline) {
			judge.reassess = func(*store.Device, *fleetv1.Alert, time.Time) (store.Change, error) {
				return store.Change{}, errRefused
			}
			if err := p.Sweep(t.Context(), start); !errors.Is(err, errRefused) {
				t.Errorf("got %v", err)
			}
		},
		"given up": func(t *testing.T, m *memory, _ *tally, p *ingest.Pipeline) {
			_, letAllGo := slow(m)
			ctx, giveUp := context.WithCancel(t.Context())
			var got answers
			got.report(t.Context(), p, "d2", 1, 1) // keeps the committer busy
			synctest.Wait()
			got.report(ctx, p, "d1", 2, 2)
			synctest.Wait()
			giveUp()
			synctest.Wait()
			letAllGo()
			got.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, judge := newMemory(), &tally{}
				p, _ := run(t, ingest.Config{Store: m, Judge: judge})
				_, err := p.Report(t.Context(), nil, batch("d1", "b1", 1, 1))
				must(t, err)
				if len(judge.restored) != 0 {
					t.Errorf("restored without need: %v", judge.restored)
				}
				fail(t, m, judge, p)
				if diff := cmp.Diff([]string{"d1"}, judge.restored); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestStoreThatCannotBeRead(t *testing.T) {
	t.Parallel()
	p, _ := run(t, ingest.Config{Store: unreadable{newMemory()}, Judge: &tally{}})
	if _, err := p.Report(t.Context(), nil, batch("d1", "b1", 1, 1)); !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
	// The device is not left locked.
	if err := p.Exclusive(t.Context(), "d1", func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}

type unreadable struct{ *memory }

func (unreadable) Device(context.Context, string) (*store.Device, error) { return nil, errRefused }

func TestAnAlertAfterAnother(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	alert := func(id, state string) *fleetv1.Alert {
		return &fleetv1.Alert{Id: id, Device: "d1", State: state, OpenedAt: timestamppb.New(start)}
	}
	// By sequence: what the judge must be given, and what it answers.
	steps := map[uint64]struct {
		given   string
		answers []*fleetv1.Alert
	}{
		1: {"", []*fleetv1.Alert{alert("a1", "open")}},
		2: {"a1", nil},
		// The new one before the old one is closed: the pipeline puts them right.
		3: {"a1", []*fleetv1.Alert{alert("a2", "open"), alert("a1", "closed")}},
		4: {"a2", []*fleetv1.Alert{alert("a2", "acknowledged")}},
		5: {"a2", []*fleetv1.Alert{alert("a2", "closed")}},
		6: {"", []*fleetv1.Alert{alert("a3", "open")}},
		7: {"a3", nil},
	}
	p, _ := run(t, ingest.Config{Store: s, Judge: &tally{report: func(d *store.Device, open *fleetv1.Alert, o fleet.Observation) (store.Change, error) {
		step := steps[o.Report.GetSequence()]
		if open.GetId() != step.given {
			t.Errorf("report %d was judged with the alert %q, want %q", o.Report.GetSequence(), open.GetId(), step.given)
		}
		c := counts(d, o)
		c.Alerts = step.answers
		return c, nil
	}}})
	for n := range uint64(7) {
		_, err := p.Report(t.Context(), nil, batch("d1", "b1", n+1, n+1))
		must(t, err)
	}
	requireTally(t, s, "d1", 7)
	all, err := s.Alerts(t.Context(), store.AlertFilter{Device: "d1", Limit: 10})
	must(t, err)
	if diff := cmp.Diff([]*fleetv1.Alert{alert("a1", "closed"), alert("a2", "closed"), alert("a3", "open")}, all, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	rows, err := s.PendingOutbox(t.Context(), "test", 10)
	must(t, err)
	for i, r := range rows {
		if want := fmt.Sprintf("d1/b1/%d", i+1); r.Key != want {
			t.Errorf("outbox row %d is %s, want %s", i, r.Key, want)
		}
	}
	if len(rows) != 7 {
		t.Errorf("%d outbox rows, want 7", len(rows))
	}
}

func TestExclusive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		judge := &tally{}
		p, _ := run(t, ingest.Config{Store: m, Judge: judge})
		var got answers
		got.report(t.Context(), p, "d1", 1, 1)
		got.Wait()
		err := p.Exclusive(t.Context(), "d1", func(ctx context.Context) error {
			got.report(t.Context(), p, "d1", 2, 2)
			got.report(t.Context(), p, "d2", 1, 1) // others go on
			synctest.Wait()
			if judge.called("d1", 0) != 1 || judge.called("d2", 0) != 1 {
				t.Errorf("meanwhile d1 was judged %d times and d2 %d times, want 1 each", judge.called("d1", 0), judge.called("d2", 0))
			}
			// What fn changes is what the next report meets.
			changed := counts(nil, observation("d1", "b0", 1000))
			return m.Commit(ctx, []store.Change{changed})
		})
		must(t, err)
		got.Wait()
		if sum := m.devices["d1"].Picture.GetLastReportUnix(); sum != 1002 {
			t.Errorf("the report after was judged on the state with sum %d, want 1000", sum-2)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Exclusive(t.Context(), "d1", func(context.Context) error {
			return p.Exclusive(ctx, "d1", func(context.Context) error { return nil })
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for a locked device: %v", err)
		}
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	at := start.Add(time.Hour)
	failing := "d7"
	p, _ := run(t, ingest.Config{Store: s, CachedDevices: 10, MaxGroup: 8, Judge: &tally{
		reassess: func(d *store.Device, _ *fleetv1.Alert, now time.Time) (store.Change, error) {
			if !now.Equal(at) {
				t.Errorf("re-assessed as of %v", now)
			}
			switch id := d.Summary.GetId(); id {
			case failing:
				return store.Change{}, errRefused
			case "d3":
				return store.Change{Events: []*fleetv1.Event{{Kind: "none"}}}, nil // no device: nothing changed
			default:
				return store.Change{
					Device: &store.Device{Summary: &fleetv1.DeviceSummary{Id: id, Verdict: "watch"}, Picture: d.Picture, Judgement: d.Judgement},
					Events: []*fleetv1.Event{{At: timestamppb.New(now), Kind: "swept"}},
				}, nil
			}
		},
	}})
	for i := range 30 {
		_, err := p.Report(t.Context(), nil, batch(fmt.Sprint("d", i), "b1", 1, 2))
		must(t, err)
	}
	err := p.Sweep(t.Context(), at)
	if !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "1 devices failed") {
		t.Errorf("sweep: %v", err)
	}
	for i := range 30 {
		id := fmt.Sprint("d", i)
		d, err := s.Device(t.Context(), id)
		must(t, err)
		events, err := s.Timeline(t.Context(), id, at, 10)
		must(t, err)
		want, swept := "watch", 1
		if id == failing || id == "d3" {
			want, swept = "", 0
		}
		if d.Summary.GetVerdict() != want || d.Summary.GetReports() != 2 || len(events) != swept {
			t.Errorf("%s: verdict %q, %d reports, %d events; want %q, 2, %d", id, d.Summary.GetVerdict(), d.Summary.GetReports(), len(events), want, swept)
		}
		// Reports go on from what the sweep made of the device.
		_, err = p.Report(t.Context(), nil, batch(id, "b1", 3, 3))
		must(t, err)
		requireTally(t, s, id, 3)
	}
	failing = ""
	must(t, p.Sweep(t.Context(), at))
}

func TestRestart(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	var want []string
	for round := range uint64(3) {
		judge := &tally{}
		p, stop := run(t, ingest.Config{Store: s, Judge: judge})
		<-p.Ready()
		if diff := cmp.Diff(want, judge.restored); diff != "" {
			t.Errorf("restored in round %d:\n%s", round, diff)
		}
		want = nil
		for _, device := range []string{"d1", "d2", "d3"} {
			// The last report of the round before again, and a new one.
			got, err := p.Report(t.Context(), nil, batch(device, "b1", max(round, 1), round+1))
			must(t, err)
			if got.Sequence != round+1 {
				t.Errorf("acknowledged %d, want %d", got.Sequence, round+1)
			}
			want = append(want, device)
		}
		stop()
	}
	for _, device := range want {
		requireTally(t, s, device, 3)
	}
}
