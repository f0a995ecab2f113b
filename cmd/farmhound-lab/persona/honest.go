package persona

import (
	"fmt"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// officeWorker is at an office's desks on most days, each day at another, and at
// home on the others: many people behind one address is what an office looks like
// (section 4 of the indicators: offices must not be taken for farms).
func officeWorker(w *World, d draw, _ int) []*Laptop {
	o := pick(d, w.company.offices...)
	l := w.hire(d, o.locality)
	home := w.home(d, w.atlas.one(d, broadband, o.country, o.region))
	bare := w.bare(d)
	sofa := stay{at: home, desk: bare, mains: d.between(0.4, 0.9)}
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	l.stands(sofa)
	m, presence := ordinary(d, 0), d.between(0.55, 1)
	m.off = 0
	for _, s := range w.shifts(d, h) {
		today, place := m, sofa
		if d.chance(presence) {
			place = stay{at: o.site, desk: bare.with(pick(d, o.desks...)), mains: d.between(0.85, 1), wired: d.chance(0.4)}
			attached := d.between(0.2, 0.95)
			today.hands = hands{builtIn: 1 - attached, attached: attached}
		}
		place.from = s.from - 600
		l.stands(place)
		l.live(today, []span{s})
		sofa.from = s.to + int64(m.linger*60) + 1200
		l.stands(sofa)
	}
	return []*Laptop{l}
}

// homeWorker works from home, often with a monitor and a keyboard plugged in, and
// is in calls: most of any fleet. A few have once been helped through a tool that
// nobody approved, or pretend to be busy.
func homeWorker(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	switch d.weighted(0.8, 0.1, 0.06, 0.04) {
	case 1:
		w.helpedOnce(d, l)
	case 2: // bought or installed by themselves (MAN24, section 4: productivity theatre)
		l.install(plain(jigglerFor(d, l.System.GetOs()), ""), w.start.Unix()+int64(d.between(0, 10)*daySeconds), 0)
		for _, s := range l.life.work {
			if d.chance(0.3) {
				l.life.beats = append(l.life.beats, beat{span{s.to, s.to + int64(d.between(10, 40)*60)}, 30})
			}
		}
	case 3:
		if l.System.GetOs() == windows {
			l.install(plain("quick-assist", ""), w.start.Unix(), 0)
		}
	}
	return []*Laptop{l}
}

// helpedOnce is a supplier's support session with a tool of the supplier's.
func (w *World) helpedOnce(d draw, l *Laptop) {
	if len(l.life.work) == 0 {
		return
	}
	id := w.foreignTool(d, "anydesk", "teamviewer")
	at := pick(d, l.life.work...).from
	t := remote(d, id, false)
	t.scope, t.writable = farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE, true
	l.install(t, at-300, at+int64(d.between(1, 3)*3600))
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_RELAY)
	l.life.control = append(l.life.control, control{
		span: span{at, at + int64(d.between(15, 50)*60)}, link: via, rtt: d.between(15, 50),
		peer: w.atlas.one(d, hosting, w.land, "").address(d),
	})
}

func jigglerFor(d draw, os farmhoundv1.OperatingSystem) string {
	switch os {
	case windows:
		return pick(d, "mouse-jiggler", "move-mouse", "powertoys-awake")
	case macos:
		return pick(d, "caffeine", "keepingyouawake")
	default:
		return pick(d, "caffeine", "keep-presence")
	}
}

// atHome draws somebody who works at home.
func (w *World) atHome(d draw, where locality, systems ...farmhoundv1.OperatingSystem) *Laptop {
	return w.casting.atHome(w, d, where, systems...)
}

// dwells is somebody of the everyday casting who works at home.
func (w *World) dwells(d draw, where locality, systems ...farmhoundv1.OperatingSystem) *Laptop {
	l := w.hire(d, where, systems...)
	trade := broadband
	if len(w.atlas.in(cellular, where.country, where.region)) > 0 && d.chance(0.12) {
		trade = cellular // a mobile router: the carrier's address is many people's
	}
	w.ordinaryDesk(d, l, w.home(d, w.atlas.one(d, trade, where.country, where.region)))
	return l
}

// ordinaryDesk lets the laptop live at a network, on the sofa or on a desk, with a
// day elsewhere now and then.
func (w *World) ordinaryDesk(d draw, l *Laptop, at *site) {
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	w.atDesk(d, l, at, h)
}

func (w *World) atDesk(d draw, l *Laptop, at *site, h habits) {
	bare := w.bare(d)
	place := stay{at: at, desk: bare, mains: d.between(0.5, 0.95)}
	attached := 0.0
	if d.chance(0.55) {
		place.desk, place.mains, place.wired = w.docked(d, bare), 1, d.chance(0.3)
		attached = d.between(0.5, 1)
	}
	if d.chance(0.12) && l.person.country == "US" { // drawn for everybody, wherever they live
		place.tunnel = w.companyTunnel(d, l)
	}
	l.stands(place)
	m, outings := ordinary(d, attached), pick(d, 0, 0, 0.03, 0.1)
	for _, s := range w.shifts(d, h) {
		if !d.chance(outings) {
			l.live(m, []span{s})
			continue
		}
		// A café, a library, a co-working place.
		abroad := w.home(d, w.atlas.one(d, business, at.carrier.country, at.carrier.region))
		abroad.others, abroad.laptops = d.whole(5, 40), d.whole(0, 6)
		w.apart(abroad, 0.7)
		out := m
		out.hands, out.linger = hands{builtIn: 1}, 3
		l.stands(stay{from: s.from - 600, at: abroad, desk: bare, mains: 0.4})
		l.live(out, []span{s})
		place.from = s.to + 3600
		l.stands(place)
	}
	if place.mains >= 1 && d.chance(0.15) {
		l.neverSleeps(w, w.start.Unix())
	}
}

// companyTunnel carries all traffic through the company's network.
func (w *World) companyTunnel(d draw, l *Laptop) *tunnel {
	id := pick(d, "openvpn", "wireguard")
	l.install(plain(id, ""), 0, 0)
	t := &tunnel{tool: id, kind: "tun", mtu: 1500, defaultRoute: true, exit: w.company.offices[0].leases[0].addr}
	if id == "wireguard" {
		t.kind, t.mtu = "wireguard", 1420
	}
	return t
}

// traveller works from home and is abroad for some days, as the roster approves;
// the clock is set to the place or kept (section 4: divergence is occasional and
// converges again).
func traveller(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where)
	home := w.home(d, w.atlas.one(d, broadband, where.country, where.region))
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	m := ordinary(d, d.between(0, 0.4))
	bare := w.bare(d)
	atHome := stay{at: home, desk: bare, mains: d.between(0.4, 0.9)}
	l.stands(atHome)
	to := pick(d, w.offshore...)
	first := d.between(0.1, 0.6) * float64(w.opts.Days)
	trip := span{w.start.Unix() + int64(first*daySeconds), 0}
	trip.to = trip.from + int64(d.between(3, 9)*daySeconds)
	l.person.travel = []string{fmt.Sprintf("%s:%s..%s", to.country, timeAt(trip.from-daySeconds).Format(time.DateOnly), timeAt(trip.to+daySeconds).Format(time.DateOnly))}
	for _, s := range w.shifts(d, h) {
		if s.from < trip.from || s.from > trip.to {
			l.live(m, []span{s})
		}
	}
	there := h
	there.zone, there.weekend = to.zone, 0.3
	out := m
	out.hands, out.linger = hands{builtIn: 1}, 5
	for at := trip.from + 14*3600; at < trip.to; at += int64(d.between(1, 4) * daySeconds) {
		hotel := w.home(d, w.atlas.one(d, pick(d, business, broadband, cellular), to.country, ""))
		hotel.others, hotel.laptops = d.whole(10, 60), d.whole(0, 8)
		w.apart(hotel, 0.8)
		l.stands(stay{from: at, at: hotel, desk: bare, mains: 0.6})
	}
	for _, s := range w.shifts(d, there) {
		if s.from > trip.from+14*3600 && s.to < trip.to-10*3600 {
			l.live(out, []span{s})
		}
	}
	if d.chance(0.7) {
		l.life.zones = append(l.life.zones, zone{trip.from + 14*3600, to.zone}, zone{trip.to, where.zone})
	}
	atHome.from = trip.to
	l.stands(atHome)
	return []*Laptop{l}
}

// supported is helped by the company's help desk nearly every day, through tools
// that the roster approves (section 4: IT help desk; short sessions from IT's own
// egress or through the vendor's relay).
func supported(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d), windows)
	id := w.company.tool
	if d.chance(0.4) {
		id = pick(d, "quick-assist", "zoho-assist")
		l.person.tools = append(l.person.tools, id)
		l.install(remote(d, id, false), 0, 0)
	}
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_RELAY)
	peer := w.atlas.one(d, hosting, w.land, "").address(d)
	if remoteTools[id].direct && d.chance(0.5) {
		via = linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
		peer = w.company.offices[0].leases[0].addr
	}
	often := d.between(0.25, 0.6)
	for _, s := range l.life.work {
		if !d.chance(often) {
			continue
		}
		during := span{s.from + 120, s.from + int64(d.between(10, 55)*60)}
		l.life.control = append(l.life.control, control{span: during, link: via, peer: peer, rtt: d.between(12, 60)})
		l.life.work = append(l.life.work, work{span: during, active: 0.5, input: 0.3, variation: 1.8, hands: hands{injected: 1}})
	}
	return []*Laptop{l}
}

// nightShift works at night, as declared (PF4: hours alone never convict).
func nightShift(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where)
	h := regular(d, l.person.zone, w.opts.Days)
	h.start = d.between(20.5, 23.5)
	h.end = h.start + d.between(7.5, 9)
	l.declare(h)
	l.person.role = pick(d, "Night Operations", "On-call Engineer", "Support Agent, Nights")
	w.atDesk(d, l, w.home(d, w.atlas.one(d, broadband, where.country, where.region)), h)
	return []*Laptop{l}
}

// contractor works abroad, as the roster says, by the local day or by the
// company's (TRK: the first week's alerts will mostly be such contractors).
func contractor(w *World, d draw, _ int) []*Laptop {
	where := w.offshore[d.weighted(5, 3, 2, 1, 2, 1, 1, 1, 1, 0.5)]
	l := w.hire(d, where)
	h := regular(d, where.zone, w.opts.Days)
	if d.chance(0.35) {
		h.start, h.end = d.between(13, 15), d.between(21.5, 23)
	}
	l.declare(h)
	l.person.role = "External, " + pick(d, roles...)
	trade := pick(d, broadband, broadband, cellular)
	w.atDesk(d, l, w.home(d, w.atlas.one(d, trade, where.country, where.region)), h)
	return []*Laptop{l}
}
