package persona

import (
	"fmt"
	"net/netip"
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// company is the employer: what all its laptops have in common.
type company struct {
	// tool is the remote-control product that its help desk uses, on every laptop.
	tool    string
	version string
	tenant  string
	offices []*office
	// networks are its other ways out, as an administrator would name them.
	networks []netip.Prefix
	// forAll is the VPN that it has all laptops outside its offices use; nil without one.
	forAll *tunnel
}

// office is a place of the company with a network and desks.
type office struct {
	locality
	*site
	desks []*desk
}

func (w *World) newCompany(d draw) *company {
	c := &company{tool: pick(d, w.stock.helpers...), tenant: d.text(digits, 9)}
	c.version = pick(d, remoteTools[c.tool].versions...)
	if w.seesConnections() {
		at := stream(w.opts.Seed, "concentrator")
		exit := w.atlas.one(at, business, w.land, "").address(at)
		c.networks = []netip.Prefix{netip.PrefixFrom(exit, exit.BitLen())}
	}
	if vpn := stream(w.opts.Seed, "vpn for all"); vpn.chance(w.casting.vpnForAll) {
		c.forAll = &tunnel{tool: pick(vpn, "openvpn", "wireguard"), kind: "tun", mtu: 1380, defaultRoute: true, exit: c.networks[0].Addr(), locked: vpn.chance(0.3)}
	}
	w.hostnames = pick(d, "LT-%s", "NB%s", "CORP-L-%s", "WKS-%s", "US-%s-L")
	for i := range d.whole(1, w.casting.offices) {
		at := w.homeland[(d.IntN(len(w.homeland)/2)*2+i)%len(w.homeland)]
		carrier := w.atlas.one(d, business, at.country, at.region)
		s := &site{
			carrier: carrier, gateway: mac(d, officeMakers...), point: mac(d, officeMakers...),
			lan: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(20 + i), 0, 0}), 20), mtu: 1500,
			others: d.whole(20, 60), laptops: d.whole(15, 50),
		}
		s.leases = []lease{{w.start.Unix(), carrier.address(d)}}
		o := &office{locality: at, site: s}
		for range d.whole(6, 12) {
			o.desks = append(o.desks, w.docked(d, &desk{}))
		}
		c.offices = append(c.offices, o)
	}
	return c
}

var officeMakers = []string{"00:1b:17", "d4:ad:71", "70:69:5a"}

var roles = []string{
	"Software Engineer", "Senior Software Engineer", "Data Analyst", "Product Manager", "Designer", "Accountant", "QA Engineer",
	"Customer Success", "DevOps Engineer", "Marketing", "Technical Writer", "Front-end Engineer", "Mobile Engineer",
}

// hire draws a laptop with its entry in the roster, for somebody who is declared
// to work in a place.
func (w *World) hire(d draw, declared locality, systems ...farmhoundv1.OperatingSystem) *Laptop {
	system := w.machine(d, systems...)
	l := &Laptop{
		Serial: system.GetSerial(), System: system, w: w, life: &life{}, begins: w.start.Unix(), camera: d.chance(0.8), off: true,
		d: stream(w.opts.Seed, "life", system.GetSerial()),
	}
	l.senses = senses{hands: d.chance(0.93), hardware: true, media: d.chance(0.85), why: "input devices cannot be read"}
	l.senses.ways = stream(w.opts.Seed, "ways", system.GetSerial()).chance(0.85)
	if w.casting.policy != nil {
		w.casting.policy(w, l)
	}
	l.person = person{
		id: w.personID(d), country: declared.country, region: declared.region, zone: declared.zone,
		shipTo: declared.country + "-" + declared.region, days: "mon-fri", start: "09:00", end: "17:30",
		role: pick(d, roles...), tools: []string{w.company.tool},
	}
	support := remote(d, w.company.tool, true)
	support.version, support.tenant = w.company.version, w.company.tenant
	l.install(support, 0, 0)
	l.life.zones = []zone{{0, declared.zone}}
	return l
}

func (w *World) personID(d draw) string {
	for {
		id := fmt.Sprintf("p-%04d", d.whole(1000, 9999))
		if max(w.opts.Size, w.opts.Count) > 2000 {
			id = fmt.Sprintf("p-%06d", d.whole(100000, 999999))
		}
		if !w.people[id] {
			w.people[id] = true
			return id
		}
	}
}

// connect has a laptop use the VPN that all use, wherever it stands outside the offices and
// no other one is up. Machines in a data centre need none.
func (c *company) connect(l *Laptop) {
	if c.forAll == nil || l.System.GetChassis() == farmhoundv1.Chassis_CHASSIS_VIRTUAL {
		return
	}
	l.install(plain(c.forAll.tool, ""), 0, 0)
	l.person.tools = append(l.person.tools, c.forAll.tool)
	for i := range l.life.stays {
		s := &l.life.stays[i]
		if s.tunnel == nil && !slices.ContainsFunc(c.offices, func(o *office) bool { return o.site == s.at }) {
			s.tunnel = c.forAll
		}
	}
}

// install puts a tool on the laptop unless it is there.
func (l *Laptop) install(t *tool, from, to int64) {
	if slices.ContainsFunc(l.life.tools, func(i installed) bool { return i.id == t.id }) {
		return
	}
	l.life.tools = append(l.life.tools, installed{t, from, to})
}

// stands puts the laptop somewhere from a moment on.
func (l *Laptop) stands(s stay) { l.life.stays = append(l.life.stays, s) }
