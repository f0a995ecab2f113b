package persona

import (
	"cmp"
	"maps"
	"testing"
)

// The former and the reserved casting have everybody that they name, and what the collector
// sees of their connections fits where they are.
func TestWorldsWithConnections(t *testing.T) {
	t.Parallel()
	for _, casting := range []string{Former, Reserved} {
		t.Run(casting, func(t *testing.T) {
			t.Parallel()
			checkConnections(t, newWorld(t, Options{Seed: 3, Days: 10, Size: 150, Casting: casting}))
		})
	}
}

func checkConnections(t *testing.T, w *World) {
	t.Helper()
	personas := map[string]bool{}
	for _, l := range w.Laptops() {
		personas[l.Persona] = true
		begins := l.Begins()
		if begins.Before(w.Start()) && l.Kind == Honest || begins.After(w.End()) {
			t.Errorf("%s begins %v in a world from %v to %v", l.Persona, begins, w.Start(), w.End())
		}
		if l.Location() == nil {
			t.Errorf("%s is in no zone", l.Persona)
		}
	}
	for _, name := range PersonasOf(w.opts.Casting) {
		// A farm of thirty, or a laptop that shows nothing, is not in every world.
		if !personas[name] && name != "rmm-farm-30" && name != blindRelay {
			t.Errorf("no %s", name)
		}
	}
	least, most, ways := map[string]float64{}, map[string]float64{}, map[string]int{}
	for step := range w.Steps() {
		for _, d := range step.Deliveries {
			name := d.Laptop.Persona
			if was, known := least[name]; !known || d.RTTMillis < was {
				least[name] = d.RTTMillis
			}
			most[name] = max(most[name], d.RTTMillis)
			ways[name] = max(ways[name], len(d.Ways))
		}
	}
	near := kilometres(w.cloud.latitude, w.cloud.longitude, w.homeland[0].latitude, w.homeland[0].longitude) < 4500
	for name, ms := range least {
		far := name == "shipped-router" || name == "shipped-held"
		if ms <= 0 || far && ms < 110 && w.land == "US" || name == "satellite" && most[name] < geostationary || name == "home-worker" && ms > 80 && near {
			t.Errorf("%s: a round trip of %.0f ms", name, ms)
		}
	}
	if ways["shipped-held"] < 2 || ways["shipped-held"] > 3 || ways["shipped-router"] > 1 || ways["home-worker"] == 0 {
		t.Errorf("ways out: %v", ways)
	}
}

// The everyday casting stays as it was: no connection is known there.
func TestEverydayWorldKnowsNoConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Seed: 3, Days: 2})
	if latitude, longitude := w.Collector(); latitude != 0 || longitude != 0 || len(w.Offices()) > 0 || len(w.Networks()) > 0 {
		t.Error("the collector or the company's networks are known")
	}
	for step := range w.Steps() {
		for _, d := range step.Deliveries {
			if d.RTTMillis != 0 || len(d.Ways) > 0 {
				t.Fatalf("%s: %+v", d.Laptop.Persona, d)
			}
		}
	}
}

// Honest people may live elsewhere: as many of every persona, by the same habits.
func TestCountry(t *testing.T) {
	t.Parallel()
	some := []string{"home-worker", "docked", "couple"}
	counted := func(country string) map[string]int {
		personas := map[string]int{}
		for _, l := range newWorld(t, Options{Seed: 3, Days: 2, Personas: some, Country: country}).Laptops() {
			personas[l.Persona]++
			if want := cmp.Or(country, "US"); l.person.country != want || country == "IN" && l.person.zone != "Asia/Kolkata" {
				t.Errorf("%s is declared in %s by the clock of %s", l.Persona, l.person.country, l.person.zone)
			}
		}
		return personas
	}
	if here, there := counted(""), counted("IN"); len(here) != len(some) || !maps.Equal(here, there) {
		t.Errorf("%v here, %v there", here, there)
	}
}

// Where a company has everybody use its VPN, all but its offices leave through it, and what
// is left to tell who stands beside whom is what laptops see of each other.
func TestVPNForAll(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		w := newWorld(t, Options{Seed: seed, Days: 4, Casting: Reserved})
		if w.company.forAll == nil {
			continue
		}
		through, all := 0, 0
		for step := range w.Steps() {
			for _, d := range step.Deliveries {
				if all++; w.Networks()[0].Contains(d.Peer.Addr()) {
					through++
				}
			}
		}
		if through < all/2 || through == all {
			t.Errorf("%d of %d deliveries come through the company's network", through, all)
		}
		return
	}
	t.Error("no company has everybody use its VPN")
}

// Every carrier has its addresses alone, and they are where data say.
func TestCarriersDoNotOverlap(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]*atlas{"first": firstAtlas(), "other": otherAtlas(), "new": newAtlas()} {
		d := stream(1, name)
		for i, c := range a.carriers {
			if c.prefix != c.prefix.Masked() || c.six != c.six.Masked() {
				t.Errorf("%s: %v and %v are no networks", name, c.prefix, c.six)
			}
			for _, o := range a.carriers[:i] {
				if c.prefix.Overlaps(o.prefix) || c.six.Overlaps(o.six) {
					t.Errorf("%s: %v of %s overlaps %v of %s", name, c.prefix, c.name, o.prefix, o.name)
				}
			}
			if addr := c.address(d); a.where(addr) != c.locality {
				t.Errorf("%s: %v of %s is at %v", name, addr, c.name, a.where(addr))
			}
		}
	}
}
