package persona

import (
	"slices"
	"testing"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// everyone is at least two laptops of each persona of the reserved casting.
func everyone(t *testing.T, seed uint64, days int) *World {
	t.Helper()
	return newWorld(t, Options{Seed: seed, Days: days, Casting: Reserved, Personas: PersonasOf(Reserved), Count: 2})
}

// Whoever lets others into a laptop lets in people of the own country, but for those whose
// help sits elsewhere, and no operator's line is ever among them.
func TestHonestPeopleAreNotDrivenFromAbroad(t *testing.T) {
	t.Parallel()
	elsewhere := []string{"help-desk-daily", "offshore-help", "executive", "from-afar", "supported", "pairing", "new-laptop", "migration"}
	seen := 0
	for seed := range uint64(12) {
		w := everyone(t, seed, 20)
		for _, l := range w.Laptops() {
			if l.Kind != Honest {
				continue
			}
			for _, c := range l.life.control {
				from := w.atlas.where(c.peer)
				if from == (locality{}) || c.path == farmhoundv1.SessionPath_SESSION_PATH_RELAY {
					continue
				}
				if seen++; from.country != l.person.country && !slices.Contains(elsewhere, l.Persona) || slices.Contains(operatorsAt, from) {
					t.Errorf("%s of %s is controlled from %s by %s", l.Persona, l.person.country, from.country, c.tool)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d sessions come straight from somewhere", seen)
	}
}

// What laptops have is what can be found on their systems.
func TestToolsFitTheirSystems(t *testing.T) {
	t.Parallel()
	has := func(id string, os farmhoundv1.OperatingSystem) bool {
		entry, ok := catalog.BuiltIn().Entry(id)
		return ok && slices.ContainsFunc(entry.GetFacts(), func(f *farmhoundv1.Fact) bool { return f.GetOs() == os })
	}
	for seed := range uint64(30) {
		for _, l := range everyone(t, seed, 10).Laptops() {
			os := l.System.GetOs()
			for _, i := range l.life.tools {
				if !has(i.id, os) {
					t.Errorf("%s: %s cannot be found on %v", l.Persona, i.id, os)
				}
			}
			for _, s := range l.life.stays {
				if s.tunnel != nil && !has(s.tunnel.tool, os) {
					t.Errorf("%s: a tunnel of %s cannot be found on %v", l.Persona, s.tunnel.tool, os)
				}
			}
		}
	}
}

// A laptop that is farmed is driven by somebody: there is input through a console or a
// tool, or its person is far from where the roster says.
func TestFarmedLaptopsAreFarmed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		w := everyone(t, seed, 20)
		for _, l := range w.Laptops() {
			if l.Kind != Farm {
				continue
			}
			driven, own := 0.0, 0.0
			for _, k := range l.life.work {
				if k.from >= l.begins {
					driven += float64(k.seconds()) * (k.hands.kvm + k.hands.injected + k.hands.session)
					own += float64(k.seconds()) * (k.hands.builtIn + k.hands.attached)
				}
			}
			at, claimed := l.life.stayAt(w.end.Unix()).at.carrier.locality, w.claimedAt(l)
			far := kilometres(at.latitude, at.longitude, claimed.latitude, claimed.longitude)
			if driven < 4*own && far < 4000 {
				t.Errorf("%s, seed %d: driven %.1f hours, used %.1f, %.0f km from home", l.Persona, seed, driven/3600, own/3600, far)
			}
		}
	}
}

// People begin at other hours, on other days and in other lands, and their laptops sleep,
// are off, and start anew.
func TestReservedLivesDiffer(t *testing.T) {
	t.Parallel()
	lands, starts, days := map[string]bool{}, map[string]bool{}, map[string]bool{}
	restarted, slept, all := 0, 0, 0
	for seed := range uint64(12) {
		w := newWorld(t, Options{Seed: seed, Days: 28, Casting: Reserved, Size: 40})
		lands[w.land] = true
		for _, l := range w.Laptops() {
			if l.Kind != Honest {
				continue
			}
			all++
			starts[l.person.start], days[l.person.days] = true, true
			offs := 0
			for _, k := range l.life.awake {
				if k.off {
					offs++
				}
			}
			if offs > 1 {
				restarted++
			}
			if offs < len(l.life.awake)/2 {
				slept++
			}
		}
	}
	if len(lands) < 5 || len(starts) < 15 || len(days) < 5 || restarted < all*8/10 || slept < all/4 {
		t.Errorf("%d lands, %d beginnings of work, %d weeks; of %d laptops %d started anew and %d mostly slept", len(lands), len(starts), len(days), all, restarted, slept)
	}
}
