package persona

import (
	"math"
	"net/netip"
	"slices"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Way is one way out of a laptop as the collector's responder sees it.
type Way struct {
	// Address is under which it is seen.
	Address netip.Addr
	// Kind is the kind of the interface, Tool the tool that owns it if it is a tunnel.
	Kind farmhoundv1.InterfaceKind
	Tool string
	// Default is whether it was the default route rather than a chosen interface.
	Default bool
}

// Begins is when the laptop became what its kind says: when it was first used so.
// Of an honest one it is the world's first moment.
func (l *Laptop) Begins() time.Time {
	from := l.begins
	if l.Kind == Honest {
		return timeAt(from)
	}
	first := int64(math.MaxInt64)
	for _, w := range l.life.work {
		if w.from >= from {
			first = min(first, w.from)
		}
	}
	for _, c := range l.life.control {
		if c.from >= from {
			first = min(first, c.from)
		}
	}
	if first == math.MaxInt64 {
		return timeAt(from)
	}
	return timeAt(first)
}

// Location is the zone in which the laptop is declared to be.
func (l *Laptop) Location() *time.Location { return l.w.clocks.load(l.person.zone) }

// Collector is where the collector stands, in degrees; both zero where the world
// does not say.
func (w *World) Collector() (latitude, longitude float64) {
	if !w.seesConnections() {
		return 0, 0
	}
	return w.cloud.latitude, w.cloud.longitude
}

// Offices are the company's office networks, and Networks the others that it
// would name: what its own VPN leaves through.
func (w *World) Offices() []netip.Prefix {
	if !w.seesConnections() {
		return nil
	}
	var all []netip.Prefix
	for _, o := range w.company.offices {
		addr := o.leases[0].addr
		all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return all
}

// Networks are the company's other egress networks.
func (w *World) Networks() []netip.Prefix { return slices.Clone(w.company.networks) }

// line is how a laptop's packets come to the collector from one place.
type line struct {
	// detour is by how much the way is longer than the great circle, access what the
	// last mile adds at best, in milliseconds.
	detour, access float64
}

const (
	// kmPerMs is what light in fibre covers there and back in a millisecond.
	kmPerMs = 100
	// geostationary is what a hop over a satellite takes there and back, in milliseconds.
	geostationary = 520
)

// rtt is the smallest round trip of a delivery, in milliseconds; zero where the
// world's collector does not stand anywhere.
func (a *agent) rtt(s *stay) float64 {
	latitude, longitude := a.w.Collector()
	if latitude == 0 && longitude == 0 {
		return 0
	}
	way, known := a.lines[s.at]
	if !known {
		way = line{detour: a.reach.between(1.15, 1.8), access: a.reach.between(3, 18)}
		switch {
		case s.at.satellite:
			way.access = geostationary + a.reach.between(20, 90)
		case s.at.carrier.trade == cellular:
			way.access = a.reach.between(18, 45)
		}
		a.lines[s.at] = way
	}
	from := s.at.carrier.locality
	km, leaves := 0.0, s.at.exit
	if s.tunnel != nil && s.tunnel.defaultRoute {
		leaves = s.tunnel.exit
	}
	if leaves.IsValid() {
		exit := a.w.atlas.where(leaves)
		km = kilometres(from.latitude, from.longitude, exit.latitude, exit.longitude)
		from = exit
	}
	km += kilometres(from.latitude, from.longitude, latitude, longitude)
	return round(km/kmPerMs*way.detour + way.access + a.reach.ExpFloat64()*6)
}

// ways are the ways out that the responder sees; none where the laptop's network
// lets none of its packets through.
func (a *agent) ways(s *stay, at int64) []Way {
	if !a.w.seesConnections() || !a.laptop.senses.ways {
		return nil
	}
	physical := Way{Address: s.at.egress(at), Kind: farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI, Default: true}
	if s.wired {
		physical.Kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET
	}
	open := []Way{physical}
	if s.at.six { // such homes have both families, and the agent asks by both
		four := physical
		four.Address = s.at.carrier.address(stream(a.w.opts.Seed, "four", s.at.gateway))
		open = append(open, four)
	}
	t := s.tunnel
	if t == nil || !t.defaultRoute {
		return open
	}
	through := Way{Address: t.exit, Kind: farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, Tool: t.tool, Default: true}
	if t.locked {
		return []Way{through}
	}
	for i := range open {
		open[i].Default = false
	}
	return append([]Way{through}, open...)
}

// where is the place of an address; the zero one where nobody has it.
func (a *atlas) where(addr netip.Addr) locality {
	for _, c := range a.carriers {
		if c.prefix.Contains(addr) || c.six.Contains(addr) {
			return c.locality
		}
	}
	return locality{}
}

func kilometres(lat1, lon1, lat2, lon2 float64) float64 {
	const earth, rad = 6371, math.Pi / 180
	h := math.Pow(math.Sin((lat2-lat1)*rad/2), 2) + math.Cos(lat1*rad)*math.Cos(lat2*rad)*math.Pow(math.Sin((lon2-lon1)*rad/2), 2)
	return 2 * earth * math.Asin(math.Sqrt(min(h, 1)))
}
