package faulty_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/faulty"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	"github.com/farmhound-security/farmhound/collector/store/storetest"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func open(t *testing.T) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Without faults it is a store like any other.
func TestCalm(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return faulty.New(open(t), faulty.Plan{}) })
	storetest.Run(t, func(t *testing.T) store.Store {
		s := faulty.New(open(t), faulty.Plan{Fail: 1, Tear: 1})
		s.Calm()
		return s
	})
}

func device(n int) store.Change {
	id := fmt.Sprint("d", n)
	return store.Change{Device: &store.Device{Summary: &fleetv1.DeviceSummary{Id: id}, Picture: &fleetv1.Picture{Id: id}, Judgement: &fleetv1.Judgement{}}}
}

func TestFaultsComeFromTheSeed(t *testing.T) {
	t.Parallel()
	fates := func(seed uint64, others bool) (all []bool) {
		s := faulty.New(open(t), faulty.Plan{Seed: seed, Fail: 0.3, Tear: 0.2})
		for range 50 {
			if others {
				_, _ = s.Setting(t.Context(), "any")
			}
			_, err := s.Device(t.Context(), "none")
			if !errors.Is(err, faulty.ErrInjected) && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
			all = append(all, errors.Is(err, faulty.ErrInjected))
		}
		return all
	}
	one := fates(1, false)
	if diff := cmp.Diff(one, fates(1, true)); diff != "" {
		t.Errorf("the same seed again: %s", diff)
	}
	if cmp.Equal(one, fates(2, false)) {
		t.Error("another seed, and the same faults")
	}
}

func TestKindsOfFaults(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	below := open(t)
	refusing := faulty.New(below, faulty.Plan{Fail: 1, Only: []string{"Commit"}})
	if err := refusing.Commit(ctx, []store.Change{device(0)}); !errors.Is(err, faulty.ErrInjected) {
		t.Errorf("refused with %v", err)
	}
	if _, err := refusing.Device(ctx, "d0"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what was refused was done, or what is not named fails: %v", err)
	}
	tearing := faulty.New(below, faulty.Plan{Tear: 1})
	for n := range 20 {
		if err := tearing.Commit(ctx, []store.Change{device(n)}); !errors.Is(err, faulty.ErrInjected) {
			t.Errorf("torn with %v", err)
		}
	}
	_, err := below.Device(ctx, "d19")
	must(t, err)
	seen := 0
	if err := tearing.EachDevice(ctx, func(*store.Device) error { seen++; return nil }); !errors.Is(err, faulty.ErrInjected) || seen >= 20 {
		t.Errorf("%d devices of 20, then %v", seen, err)
	}
	if diff := cmp.Diff(map[string]int{"Commit": 20, "EachDevice": 1}, tearing.Faults()); diff != "" {
		t.Error(diff)
	}
}

func TestDelaysEndWithTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := faulty.New(nowhere{}, faulty.Plan{Delay: 1, Latency: time.Minute})
		began := time.Now()
		must(t, s.AckOutbox(t.Context(), "o", 1))
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.AckOutbox(ctx, "o", 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute+time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// nowhere is a store of which one operation exists.
type nowhere struct{ store.Store }

func (nowhere) AckOutbox(context.Context, string, int64) error { return nil }
