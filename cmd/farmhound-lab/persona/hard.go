package persona

import (
	"net/netip"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// helped is a session in which somebody else works on the laptop for its user.
func (l *Laptop) helped(d draw, via *link, peer netip.Addr, during span, rtt float64) {
	l.life.control = append(l.life.control, control{span: during, link: via, peer: peer, rtt: rtt})
	l.life.work = append(l.life.work, work{span: during, active: d.between(0.4, 0.7), input: 0.3, variation: 1.8, hands: hands{injected: 1}})
}

// kiosk stands on a counter of an office, is used by whoever is there through the
// keyboard on the counter, seven days a week, and never sleeps.
func kiosk(w *World, d draw, _ int) []*Laptop {
	o := pick(d, w.company.offices...)
	l := w.hire(d, o.locality, windows)
	l.person.role, l.camera = "Reception, shared", false
	h := regular(d, l.person.zone, w.opts.Days)
	h.start, h.end, h.weekend, h.away = d.between(6, 7.5), d.between(18, 21), 1, [2]int{}
	l.declare(h)
	l.stands(stay{at: o.site, desk: w.docked(d, w.bare(d)), mains: 1, wired: d.chance(0.8), shut: d.chance(0.3)})
	m := ordinary(d, 1)
	m.off, m.calls, m.input = 0, 0, d.between(0.1, 0.4)
	l.live(m, w.shifts(d, h))
	l.neverSleeps(w, w.start.Unix())
	return []*Laptop{l}
}

// desktopDriver drives the laptop from the desktop beside it all day, every day, over
// the local network, from before its agent came.
func desktopDriver(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d), windows, linux)
	id := w.foreignTool(d, "parsec", "sunshine", "rustdesk")
	l.install(remote(d, id, true), w.start.Unix()-daySeconds, 0)
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class = farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN
	home := l.life.stays[0].at
	peer := offset(home.lan.Addr(), d.whole(20, 200))
	own := d.between(0, 0.02)
	for i := range l.life.work {
		k := &l.life.work[i]
		if l.life.stayAt(k.from).at != home {
			continue
		}
		k.hands = hands{injected: 1 - own, builtIn: own}
		l.life.control = append(l.life.control, control{span: k.span, link: via, peer: peer, rtt: d.between(0.3, 3), near: true})
	}
	return []*Laptop{l}
}

// commutes lets the laptop be at a place on a share of the working days, at home on
// the others and at night.
func (w *World) commutes(d draw, l *Laptop, to *site, share float64) {
	home := w.home(d, w.atlas.one(d, broadband, l.person.country, l.person.region))
	bare := w.bare(d)
	sofa := stay{at: home, desk: bare, mains: d.between(0.3, 0.9)}
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	l.stands(sofa)
	m := ordinary(d, 0)
	for _, s := range w.shifts(d, h) {
		if d.chance(share) {
			l.stands(stay{from: s.from - 600, at: to, desk: bare, mains: d.between(0.6, 1)})
			sofa.from = s.to + int64(m.linger*60) + 900
			l.stands(sofa)
		}
		l.live(m, []span{s})
	}
}

// campus is three working students in one dormitory, who live behind the same router
// of the university's.
func campus(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	hall := w.home(d, w.atlas.one(d, business, where.country, where.region))
	hall.others, hall.laptops = d.whole(60, 200), d.whole(20, 80)
	w.apart(hall, 0.8)
	var out []*Laptop
	for range 3 {
		l := w.hire(d, where)
		l.person.role = "Working Student"
		w.ordinaryDesk(d, l, hall)
		out = append(out, l)
	}
	return out
}

// companyVPN sends all traffic through the company's concentrator, which leaves in
// one state, whoever and wherever the person is.
func companyVPN(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	id := pick(d, "openvpn", "wireguard")
	l.install(plain(id, ""), 0, 0)
	t := &tunnel{tool: id, kind: "tun", mtu: 1400, defaultRoute: true, exit: w.company.networks[0].Addr(), locked: d.chance(0.5)}
	for i := range l.life.stays {
		l.life.stays[i].tunnel = t
	}
	return []*Laptop{l}
}

// ownConsole is an over-employed person's: the laptop stands in the same flat and is
// driven through a console from another employer's desk (REC29's look, nobody abroad).
func ownConsole(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	l.senses.hands = true
	usb, display := pick(d, w.stock.consoles...).plug(d, w.ring)
	for i := range l.life.stays {
		s := &l.life.stays[i]
		s.desk = s.desk.with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})
	}
	share := d.between(0.6, 0.98)
	for i := range l.life.work {
		l.life.work[i].hands = hands{kvm: share, builtIn: 1 - share}
	}
	return []*Laptop{l}
}

// ownRelay drives the own laptop through a vendor's relay all day, from elsewhere in
// the country: only its user could tell it from an operator's.
func ownRelay(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	id := w.foreignTool(d, "anydesk", "rustdesk", "chrome-remote-desktop")
	l.install(remote(d, id, true), w.start.Unix()-daySeconds, 0)
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_RELAY)
	peer := w.atlas.one(d, hosting, w.land, "").address(d)
	for i := range l.life.work {
		k := &l.life.work[i]
		k.hands = hands{injected: 0.97, builtIn: 0.03}
		l.life.control = append(l.life.control, control{span: k.span, link: via, peer: peer, rtt: d.between(12, 60)})
	}
	return []*Laptop{l}
}
