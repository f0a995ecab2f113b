package persona

import (
	"testing"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Laptops that share a network see each other by addresses that they have, and only those
// do: not the ones on networks that keep clients apart, nor a farm's behind routers of
// their own.
func TestWhoSeesWhom(t *testing.T) {
	t.Parallel()
	sightings, pairs := map[string]int{}, map[string]int{}
	for seed := range uint64(4) {
		all := live(newWorld(t, Options{Seed: seed, Days: 8, Size: 90, Casting: Reserved}))
		whose := map[string]map[*told]bool{} // a dock's is that of all who sat there
		for _, one := range all {
			for _, r := range one.reports {
				for _, own := range r.GetNetwork().GetOwnAddresses() {
					if whose[string(own.GetHash())] == nil {
						whose[string(own.GetHash())] = map[*told]bool{}
					}
					whose[string(own.GetHash())][one] = true
				}
			}
		}
		seen := map[[2]*told]bool{}
		for _, one := range all {
			for _, r := range one.reports {
				n := r.GetNetwork()
				if n != nil && (len(n.GetOwnAddresses()) == 0 || len(n.GetOwnAddresses()) > 2) {
					t.Fatalf("%s is known by %d addresses", one.laptop.Persona, len(n.GetOwnAddresses()))
				}
				if len(n.GetNeighbours().GetFleetMembers()) > 0 && r.GetSequence() == 1 {
					t.Fatalf("%s knows others before an acknowledgement named them", one.laptop.Persona)
				}
				for _, hash := range n.GetNeighbours().GetFleetMembers() {
					met := 0
					for other := range whose[string(hash)] {
						if other != one && share(one.laptop, other.laptop) {
							seen[[2]*told{one, other}] = true
							met++
						}
					}
					if met == 0 {
						t.Fatalf("%s sees an address of nobody's who was ever on its network", one.laptop.Persona)
					}
				}
			}
		}
		for pair := range seen {
			sightings[pair[0].laptop.Persona]++
			if seen[[2]*told{pair[1], pair[0]}] {
				pairs[pair[0].laptop.Persona]++
			}
		}
	}
	for _, name := range []string{"couple", "flatmates", "rmm-farm", "turns", "console-shelf", "hot-desk", "office-worker", "offshore-team"} {
		if pairs[name] == 0 {
			t.Errorf("nobody of %s sees another and is seen: %v", name, pairs)
		}
	}
	for _, name := range []string{"own-router", "carrier-nat", "single-host", "nomad", "virtual-desktop"} {
		if sightings[name] > 0 {
			t.Errorf("%s sees others", name)
		}
	}
}

// share is whether two laptops are ever on one network that does not keep them apart.
func share(a, b *Laptop) bool {
	for _, s := range a.life.stays {
		for _, o := range b.life.stays {
			if s.at == o.at && !s.at.apart {
				return true
			}
		}
	}
	return false
}

// Where clients are kept apart an agent counts nobody, and elsewhere no fewer than it names.
func TestNeighboursAreCounted(t *testing.T) {
	t.Parallel()
	var apart, counted int
	for _, one := range live(newWorld(t, Options{Seed: 5, Days: 6, Size: 90, Casting: Reserved})) {
		for _, r := range one.reports {
			n := r.GetNetwork()
			if n == nil {
				continue
			}
			around := n.GetNeighbours()
			if at := one.laptop.life.stayAt(r.GetObservedAt().GetSeconds()).at; at.apart != (around == nil) {
				t.Fatalf("%s: kept apart is %v, neighbours are %v", one.laptop.Persona, at.apart, around)
			}
			if around == nil {
				apart++
				continue
			}
			if counted++; int(around.GetReachable()) < len(around.GetFleetMembers()) || around.GetReachable() < around.GetBusinessLaptops() {
				t.Fatalf("%s: %v", one.laptop.Persona, around)
			}
		}
	}
	if apart == 0 || counted == 0 {
		t.Errorf("%d reports from networks that keep clients apart, %d from others", apart, counted)
	}
}

// A made-up address differs from network to network, one of hardware does not, and a dock
// lends its own to systems that do not pass the laptop's through.
func TestAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Seed: 6, Days: 3, Size: 90, Casting: Reserved})
	kinds := map[string]int{}
	for _, l := range w.Laptops() {
		a := newAgent(w, l)
		acquaint([]*agent{a})
		home, away := stay{at: w.home(l.d, w.atlas.carriers[0]), desk: w.bare(l.d)}, stay{at: w.home(l.d, w.atlas.carriers[0]), desk: w.bare(l.d)}
		same := string(a.knownAs(&home).seen) == string(a.knownAs(&away).seen)
		if same == l.makesUp() {
			t.Errorf("%s: one address on two networks is %v, makes up %v", l.System.GetOsVersion(), same, l.makesUp())
		}
		home.desk = w.docked(l.d, home.desk)
		home.wired = true
		wired := a.knownAs(&home)
		passed := string(wired.seen) != string(a.knownAs(&stay{at: home.at, desk: w.docked(l.d, w.bare(l.d)), wired: true}).seen)
		if passed == (l.System.GetOs() == windows) {
			t.Errorf("%v: another address at another dock is %v", l.System.GetOs(), passed)
		}
		if want := 2; l.System.GetOs() != windows && len(wired.own) != want || l.System.GetOs() == windows && len(wired.own) != 1 {
			t.Errorf("%v on a cable is known by %d addresses", l.System.GetOs(), len(wired.own))
		}
		kinds[l.System.GetOs().String()]++
		if !same {
			kinds["made up"]++
		}
	}
	for _, name := range []string{"made up", farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX.String(), farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS.String()} {
		if kinds[name] == 0 {
			t.Errorf("%v", kinds)
		}
	}
}
