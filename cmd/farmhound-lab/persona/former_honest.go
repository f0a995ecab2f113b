package persona

import (
	"net/netip"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// helpDeskDaily is supported for hours on most days, several sessions in a row, by
// the company's own tool (section 4: IT help desk, deployment of new software).
func helpDeskDaily(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	via := linkOf(w.company.tool, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_RELAY)
	peer := w.atlas.one(d, hosting, "", "").address(d)
	for _, s := range l.life.work {
		if d.chance(0.75) {
			l.helped(d, via, peer, span{s.from + 60, s.from + int64(d.between(30, 120)*60)}, d.between(15, 90))
		}
	}
	return []*Laptop{l}
}

// helped is a session in which somebody else works on the laptop for its user.
func (l *Laptop) helped(d draw, via *link, peer netip.Addr, during span, rtt float64) {
	l.life.control = append(l.life.control, control{span: during, link: via, peer: peer, rtt: rtt})
	l.life.work = append(l.life.work, work{span: during, active: d.between(0.4, 0.7), input: 0.3, variation: 1.8, hands: hands{injected: 1}})
}

// executive lets an assistant into the laptop for some minutes on most days: calendar,
// slides, travel. The assistant is in the country, the tool is often nobody's choice
// but theirs.
func executive(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.atHome(d, where)
	l.person.role = pick(d, "Chief Financial Officer", "Vice President Sales", "General Counsel")
	id := w.company.tool
	if d.chance(0.5) {
		id = w.foreignTool(d, "anydesk", "teamviewer", "splashtop")
		l.install(remote(d, id, d.chance(0.5)), w.start.Unix()-daySeconds, 0)
	}
	path := pick(d, farmhoundv1.SessionPath_SESSION_PATH_RELAY, farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via := linkOf(id, l.System.GetOs(), path)
	peer := w.atlas.one(d, broadband, where.country, where.region).address(d)
	if path == farmhoundv1.SessionPath_SESSION_PATH_RELAY {
		peer = w.atlas.one(d, hosting, w.land, "").address(d)
	}
	for _, s := range l.life.work {
		if d.chance(0.2) {
			l.helped(d, via, peer, span{s.from + 300, s.from + 300 + int64(d.between(5, 25)*60)}, d.between(12, 50))
		}
	}
	return []*Laptop{l}
}

// eyeTracker makes nearly all input by assistive technology and is in calls with it.
func eyeTracker(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	l.senses.hands = true
	for i := range l.life.work {
		k := &l.life.work[i]
		k.assistive, k.input = true, d.between(0.5, 0.9)
		k.hands = hands{injected: 1 - d.between(0, 0.05)}
		k.hands.builtIn = 1 - k.hands.injected
	}
	return []*Laptop{l}
}

// cloudDesktop is a virtual machine at a hosting provider in another state, reached by
// its vendor's broker, with the pointer of its hypervisor.
func cloudDesktop(w *World, d draw, size int) []*Laptop {
	all := virtualDesktop(w, d, size)
	for _, l := range all {
		l.System.Manufacturer, l.System.Model = pick(d, "QEMU", "Amazon EC2", "Microsoft Corporation"), pick(d, "Standard PC (Q35 + ICH9, 2009)", "Virtual Machine")
		l.senses.hardware, l.senses.hands = true, d.chance(0.7)
		tablet := &farmhoundv1.UsbDevice{
			VendorId: 0x0627, ProductId: 0x0001, Manufacturer: "QEMU", Product: "QEMU USB Tablet", SpeedMbps: 480, PortPath: "1-1",
			Serial: &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT}, BuiltIn: proto.Bool(false),
			Interfaces: []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}},
		}
		l.life.stays[0].desk = &desk{usb: []*farmhoundv1.UsbDevice{tablet}}
	}
	return all
}

// satellite lives where only a geostationary satellite reaches, whose ground station
// is in another state.
func satellite(w *World, d draw, _ int) []*Laptop {
	where, station := w.somewhere(d), w.somewhere(d)
	l := w.hire(d, where)
	home := w.home(d, w.atlas.one(d, broadband, station.country, station.region))
	home.satellite = true
	w.ordinaryDesk(d, l, home)
	return []*Laptop{l}
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

// nomad works from one country after another and told nobody; the hands are the
// right ones, at the laptop's own keyboard.
func nomad(w *World, d draw, _ int) []*Laptop {
	l := w.hire(d, w.somewhere(d))
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	bare, m := w.bare(d), ordinary(d, 0)
	at := w.start.Unix()
	if d.chance(0.5) { // leaves in the course of the month
		home := w.home(d, w.atlas.one(d, broadband, l.person.country, l.person.region))
		l.stands(stay{from: at, at: home, desk: bare, mains: 0.7})
		at += int64(d.between(2, 15) * daySeconds)
	}
	keepsClock := d.chance(0.5)
	for at < w.end.Unix() {
		there := pick(d, w.offshore...)
		room := w.home(d, w.atlas.one(d, pick(d, broadband, business, cellular), there.country, there.region))
		room.others, room.laptops = d.whole(3, 40), d.whole(0, 6)
		w.apart(room, 0.6)
		l.stands(stay{from: at, at: room, desk: bare, mains: d.between(0.3, 0.8)})
		if !keepsClock {
			l.life.zones = append(l.life.zones, zone{at, there.zone})
		}
		at += int64(d.between(6, 20) * daySeconds)
	}
	l.live(m, w.shifts(d, h))
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

// coWorking is two to four of the company's people who rent desks in the same
// co-working space and are there on most days, among many strangers' laptops.
func coWorking(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	space := w.home(d, w.atlas.one(d, business, where.country, where.region))
	space.others, space.laptops = d.whole(30, 80), d.whole(8, 40)
	w.apart(space, 0.5)
	var out []*Laptop
	for range d.whole(2, 4) {
		l := w.hire(d, where)
		w.commutes(d, l, space, d.between(0.5, 0.95))
		out = append(out, l)
	}
	return out
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

// jigglerOwner keeps the laptop from looking idle all day, with a board or a program
// (MAN24, section 4: productivity theatre), and types on it.
func jigglerOwner(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	if d.chance(0.5) {
		for i := range l.life.stays {
			s := &l.life.stays[i]
			s.desk = s.desk.with(&desk{usb: []*farmhoundv1.UsbDevice{jigglerBoard(w)}})
		}
	} else {
		l.install(plain(jigglerFor(d, l.System.GetOs()), ""), w.start.Unix(), 0)
	}
	l.life.beats = append(l.life.beats, beat{span{w.start.Unix(), w.end.Unix()}, int64(pick(d, 15, 30, 60, 120))})
	if d.chance(0.5) {
		l.neverSleeps(w, w.start.Unix())
	}
	return []*Laptop{l}
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

// carrierNAT is four people who live apart behind one mobile carrier's addresses,
// with routers of the same make.
func carrierNAT(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	carrier := w.atlas.one(d, cellular, where.country, where.region)
	var out []*Laptop
	for range 4 {
		l := w.hire(d, where)
		home := w.home(d, carrier)
		home.lan = lans[0]
		w.leases(d, home, 3)
		w.ordinaryDesk(d, l, home)
		out = append(out, l)
	}
	return out
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
