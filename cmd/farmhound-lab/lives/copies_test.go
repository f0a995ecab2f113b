package lives

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// everythingOnce holds what was stored against what laptops made, all under the
// identity of the first.
func everythingOnce(t *testing.T, s *site, laptops ...*laptop) {
	t.Helper()
	s.look(func(kept store.Store) {
		made, dropped := uint64(0), uint64(0)
		for _, l := range laptops {
			for boot, highest := range l.made {
				made += highest
				stored, err := kept.HighestSequence(t.Context(), l.identity.DeviceID(), boot)
				must(t, err)
				if stored != highest {
					t.Errorf("run %s: %d reports stored, %d made", boot, stored, highest)
				}
			}
			dropped += l.dropped
		}
		d, err := kept.Device(t.Context(), laptops[0].identity.DeviceID())
		must(t, err)
		// A report that the spool gave up may have been committed before.
		if n := d.Summary.GetReports(); n > made || n < made-dropped {
			t.Errorf("%d reports had an effect; %d were made and %d dropped", n, made, dropped)
		}
	})
}

func TestLostAcknowledgementsAccuseNobody(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoolBytes int64
		pace       time.Duration
		runs       []time.Duration
	}{
		"one run":         {pace: time.Minute, runs: []time.Duration{time.Hour}},
		"restarts":        {pace: time.Minute, runs: []time.Duration{9 * time.Minute, 11 * time.Minute, time.Minute, 2 * time.Minute, 17 * time.Minute, 20 * time.Minute}},
		"a trimmed spool": {spoolBytes: 250, pace: 10 * time.Second, runs: []time.Duration{20 * time.Minute, 20 * time.Minute, 20 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.start()
				defer s.stop()
				for seed := range uint64(3) {
					l := newLaptop(s, seed)
					l.losses, l.spoolBytes, l.pace = 0.3, test.spoolBytes, test.pace
					for _, length := range test.runs {
						l.run(length)
					}
					if l.lost < 5 {
						t.Errorf("only %d acknowledgements were lost", l.lost)
					}
					if trimmed := l.dropped > 0; trimmed != (test.spoolBytes > 0) {
						t.Errorf("the spool dropped %d", l.dropped)
					}
					l.settle()
					everythingOnce(t, s, l)
					if told, now := s.findings(l.identity.DeviceID()); len(told) > 0 || now {
						t.Errorf("accused at %v", told)
					}
				}
			})
		})
	}
}

func TestACopiedStateFolderIsFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		losses float64
		hold   time.Duration
	}{"on a good line": {}, "on a bad line": {losses: 0.3}, "where nothing happens": {hold: 25 * time.Minute}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { findsACopy(t, test.losses, test.hold) })
		})
	}
}

func findsACopy(t *testing.T, losses float64, hold time.Duration) {
	s := newSite(t)
	s.start()
	defer s.stop()
	original := newLaptop(s, 1)
	original.run(10 * time.Minute)
	second := original.copied(2)
	original.losses, second.losses = losses, losses
	original.hold, second.hold = hold, hold
	began := time.Now()
	var both sync.WaitGroup
	both.Go(func() { original.run(time.Hour) })
	both.Go(func() { second.run(time.Hour) })
	both.Wait()
	told, now := s.findings(original.identity.DeviceID())
	if len(told) != 1 || !now {
		t.Fatalf("found %d times, evidence now: %v", len(told), now)
	}
	t.Logf("found after %v", told[0].Sub(began))
	original.hold, second.hold = 0, 0
	original.settle()
	second.settle()
	everythingOnce(t, s, original, second)
}

// An image of the laptop is restored, and only that one goes on.
func TestARestoredImageAccusesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.start()
		defer s.stop()
		l := newLaptop(s, 1)
		l.losses = 0.3
		l.run(10 * time.Minute)
		image := l.copied(2)
		l.run(5 * time.Minute)
		image.losses = 0.3
		image.run(20 * time.Minute)
		again := image.copied(3)
		again.run(30 * time.Minute)
		if told, now := s.findings(l.identity.DeviceID()); len(told) > 0 || now {
			t.Errorf("accused at %v", told)
		}
	})
}

// The collector's data folder goes back to an earlier state under laptops that
// report on.
func TestARestoredCollectorAccusesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.start()
		l := newLaptop(s, 1)
		l.losses = 0.3
		l.run(10 * time.Minute)
		s.stop()
		restore := s.backup()
		s.start()
		for range 2 {
			var reporting sync.WaitGroup
			reporting.Go(func() { l.run(30 * time.Minute) })
			time.Sleep(15 * time.Minute)
			s.stop()
			restore()
			time.Sleep(time.Minute)
			s.start()
			reporting.Wait()
		}
		l.settle()
		if told, now := s.findings(l.identity.DeviceID()); len(told) > 0 || now {
			t.Errorf("accused at %v", told)
		}
		// It still finds a copy.
		second := l.copied(2)
		var both sync.WaitGroup
		both.Go(func() { l.run(time.Hour) })
		both.Go(func() { second.run(time.Hour) })
		both.Wait()
		if told, now := s.findings(l.identity.DeviceID()); len(told) != 1 || !now {
			t.Errorf("found %d times", len(told))
		}
		s.stop()
	})
}
