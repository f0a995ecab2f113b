package lives

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// A laptop that is wiped and enrols anew is another device, linked to the first.
func TestAReimagedLaptopSupersedesItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.start()
		defer s.stop()
		before := newLaptop(s, 1)
		before.run(30 * time.Minute)
		after := newLaptop(s, 2)
		after.run(3 * time.Hour)
		older, newer := before.identity.DeviceID(), after.identity.DeviceID()
		s.look(func(kept store.Store) {
			for device, want := range map[string][2]string{older: {"", newer}, newer: {older, ""}} {
				d, err := kept.Device(t.Context(), device)
				must(t, err)
				if got := [2]string{d.Summary.GetSupersedes(), d.Summary.GetSupersededBy()}; got != want {
					t.Errorf("%s supersedes and is superseded by %q, want %q", device, got, want)
				}
			}
			if d, err := kept.FindDevice(t.Context(), "PF-77"); err != nil || d.Summary.GetId() != newer {
				t.Errorf("the serial finds %v, %v", d, err)
			}
		})
		if told, now := s.found(older, "superseded_alive", "superseded_alive"); len(told) > 0 || now {
			t.Errorf("the wiped identity counts as alive since %v", told)
		}
		// Somebody kept the old disk.
		before.run(time.Hour)
		if told, now := s.found(older, "superseded_alive", "superseded_alive"); len(told) != 1 || !now {
			t.Errorf("both are alive: told %d times, evidence now: %v", len(told), now)
		}
		if told, now := s.findings(older); len(told) > 0 || now {
			t.Errorf("taken for a copy at %v", told)
		}
	})
}
