package persona

import (
	"net/netip"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// The honest lives of the former casting that are drawn by rules of their own. Others are
// everyday ones, in other places, with other things, other hours and another trait beside.

// twoTools is supported for up to hours on most days by a help desk in another country,
// through the company's tool and, now and then, a second one that the roster approves too.
func twoTools(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	desk := pick(d, w.offshore...)
	main, at := w.via(d, l, w.company.tool, desk, business)
	second := w.toolFor(d, l, "quick-assist", "gotomypc", "remotepc", "rustdesk", "splashtop", "hoptodesk")
	l.person.tools = append(l.person.tools, second)
	l.install(remote(d, second, d.chance(0.3)), w.start.Unix()+int64(pick(d, -1, d.between(0, 9))*daySeconds), 0)
	beside, there := w.via(d, l, second, desk, business)
	for _, s := range l.life.work {
		switch {
		case d.chance(0.6):
			l.lets(d, main, at, s.from+90, d.between(15, 150))
		case d.chance(0.5) && s.from > l.life.tools[len(l.life.tools)-1].from:
			l.lets(d, beside, there, s.from+240, d.between(10, 90))
		}
	}
	return []*Laptop{l}
}

// toolmaker is a developer with a remote console plugged into this very laptop, consoles
// on the network, several tunnels and an overlay, who now and then works through the
// console for some minutes to try it, and reaches the laptop by its own shell.
func toolmaker(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	l.person.role = pick(d, "Firmware Engineer", "Site Reliability Engineer", "Platform Engineer")
	l.senses.hands = true // lives of which input is not seen are another persona's
	usb, display := pick(d, w.stock.consoles...).plug(d, w.ring)
	home := l.life.stays[0].at
	plugged := map[*desk]*desk{}
	for i := range l.life.stays {
		if s := &l.life.stays[i]; s.at == home {
			if plugged[s.desk] == nil {
				plugged[s.desk] = s.desk.with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})
			}
			s.desk = plugged[s.desk]
		}
	}
	home.consoles = d.whole(0, 3)
	tunnels := []string{"devtunnel", "zrok", "frp", "tmate", "jetbrains-remote", "cursor-tunnel", "pinggy"}
	if l.System.GetOs() == windows {
		tunnels = []string{"devtunnel", "zrok", "frp", "jetbrains-remote", "pinggy"}
	}
	for range d.whole(1, 3) {
		l.install(plain(pick(d, tunnels...), ""), w.start.Unix()+int64(d.between(-3, 15)*daySeconds), 0)
	}
	l.install(plain(pick(d, "netbird", "zerotier", "tailscale"), ""), w.start.Unix()+int64(d.between(-3, 9)*daySeconds), 0)
	if l.System.GetOs() != windows && d.chance(0.6) {
		w.ownShell(d, l, true)
	}
	tries := d.between(0, 0.3)
	var more []work
	for _, s := range l.life.work {
		if d.chance(tries / 3) {
			at := s.from + 600
			more = append(more, work{span: span{at, at + int64(d.between(5, 25)*60)}, active: 0.7, input: 0.5, variation: 1.7, hands: hands{kvm: 0.85, builtIn: 0.15}})
		}
	}
	l.life.work = append(l.life.work, more...)
	return []*Laptop{l}
}

// pair is two of the company's people in one household, who said so: both with docked
// lids, sharing a desk, one at night, one behind a VPN, or several of these.
func pair(w *World, d draw, _ int) []*Laptop {
	both := w.roommates(d, 2)
	household := "h-" + d.text(digits, 5)
	for _, l := range both {
		l.person.household = household
	}
	return both
}

// sharers are two to four who share a flat, and nobody told the company.
func sharers(w *World, d draw, _ int) []*Laptop { return w.roommates(d, d.whole(2, 4)) }

func (w *World) roommates(d draw, people int) []*Laptop {
	where := w.somewhere(d)
	home := w.home(d, w.line(d, where))
	home.laptops = max(home.laptops, d.whole(0, people))
	bothShut, sharedDesk := d.chance(0.35), d.chance(0.25)
	common := w.docked(d, &desk{})
	var out []*Laptop
	for i := range people {
		l := w.hire(d, where)
		h := w.anyHours(d, l)
		if d.chance(0.15) {
			h.start, h.end = d.between(19, 22), d.between(27, 30)
			l.declare(h)
		}
		w.atDesk(d, l, home, h)
		switch {
		case bothShut:
			w.shutAway(d, l)
		case sharedDesk:
			w.takesTurns(d, l, home, common, i, people)
		}
		if d.chance(0.3) {
			w.besides(d, l)
		}
		out = append(out, l)
	}
	return out
}

// takesTurns has the laptop at the household's one desk every second day or so.
func (w *World) takesTurns(d draw, l *Laptop, home *site, common *desk, turn, people int) {
	bare := w.bare(d)
	var stays []stay
	for _, s := range l.life.stays {
		if s.at == home {
			s.desk, s.shut = bare, false
		}
		stays = append(stays, s)
	}
	at := w.start.Unix() - w.start.Unix()%daySeconds
	for day := range w.opts.Days {
		from := at + int64(day)*daySeconds
		k := l.life.stayAt(from)
		if day%people == turn && k.at == home {
			there, after := *k, *k
			there.from, there.desk, there.mains = from+1, bare.with(common), 1
			after.from, after.desk = from+daySeconds, bare
			stays = append(stays, there, after)
		}
	}
	l.life.stays = stays
	for i := range l.life.work {
		attached := d.between(0, 0.9)
		l.life.work[i].hands = hands{builtIn: 1 - attached, attached: attached}
	}
}

// onTheRoad is abroad for one or two weeks with approval, behind the company's or an own
// VPN for part of the time, in hotels, trains and co-working spaces.
func onTheRoad(w *World, d draw, size int) []*Laptop {
	all := traveller(w, d, size)
	for _, l := range all {
		if d.chance(0.6) {
			w.private(d, l, d.between(0.1, 0.7))
		}
		if d.chance(0.2) {
			w.helpedOnce(d, l)
		}
	}
	return all
}

// nightly works at night, as declared, half of them by satellite.
func nightly(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where)
	h := regular(d, l.person.zone, w.opts.Days)
	h.start = d.between(18, 25)
	h.end = h.start + d.between(7, 10.5)
	h.workweek = pick(d, mondayToFriday, [7]bool{true, false, false, true, true, true, true}, [7]bool{true, true, true, false, false, true, true})
	l.declare(h)
	l.person.role = pick(d, "Operations, Nights", "Support, Follow the Sun", "Newsroom, Nights")
	w.atDesk(d, l, w.home(d, w.line(d, where)), h)
	if d.chance(0.5) {
		w.bySatellite(d, l)
	}
	if d.chance(0.4) {
		w.besides(d, l)
	}
	return []*Laptop{l}
}

// lidShut never opens the laptop: it is docked, awake, and used by the desk's keyboard.
func lidShut(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where)
	h := w.anyHours(d, l)
	w.atDesk(d, l, w.home(d, w.line(d, where)), h)
	w.shutAway(d, l)
	switch d.weighted(2, 1, 1, 1) {
	case 1:
		w.private(d, l, d.between(0.1, 1))
	case 2:
		w.plugsIn(l, pick(d, w.stock.extras...).device(d, w.ring, "1-3"))
	case 3:
		w.jiggles(d, l)
	}
	return []*Laptop{l}
}

// fromDesktop drives the laptop all day from an own computer on the same network, with
// the lid shut, by remote desktop, VNC, NoMachine or what games are streamed with.
func fromDesktop(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	id := w.toolFor(d, l, "windows-remote-desktop", "nomachine", "realvnc-server", "ultravnc", "parsec", "sunshine", "rustdesk", "x11vnc")
	l.install(remote(d, id, true), w.start.Unix()-daySeconds*int64(d.whole(0, 3)), 0)
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class = farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN
	home := l.life.stays[0].at
	for i := range l.life.stays {
		if s := &l.life.stays[i]; s.at == home {
			s.shut, s.mains = d.chance(0.6), 1
		}
	}
	peer, tablet := offset(home.lan.Addr(), d.whole(20, 200)), offset(home.lan.Addr(), d.whole(201, 250))
	own := d.between(0, 0.03)
	for i := range l.life.work {
		k := &l.life.work[i]
		if l.life.stayAt(k.from).at != home {
			continue
		}
		k.hands = hands{injected: 1 - own, builtIn: own}
		if id == "windows-remote-desktop" {
			k.hands = hands{session: 1 - own, builtIn: own}
		}
		c := control{span: k.span, link: via, peer: peer, rtt: d.between(0.3, 5), near: true}
		if d.chance(0.1) {
			c.peer, c.rtt = tablet, d.between(2, 25) // from the sofa
		}
		l.life.control = append(l.life.control, c)
	}
	if d.chance(0.6) {
		l.neverSleeps(w, w.start.Unix())
	}
	return []*Laptop{l}
}

// assisted lets an assistant, who may sit abroad, into the laptop nearly every day.
func assisted(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	l.person.role = pick(d, "Chief Executive Officer", "Managing Director", "Partner")
	id := w.toolFor(d, l, "remotepc", "gotomypc", "rustdesk", "teamviewer", "anydesk", "chrome-remote-desktop")
	if d.chance(0.5) {
		id = w.company.tool
	}
	l.install(remote(d, id, d.chance(0.5)), w.start.Unix()-daySeconds, 0)
	from := l.life.stays[0].at.carrier.locality
	if d.chance(0.2) {
		from = pick(d, w.offshore...)
	}
	via, at := w.via(d, l, id, from, broadband)
	for _, s := range l.life.work {
		if d.chance(0.3) {
			l.lets(d, via, at, s.from+400, d.between(5, 45))
		}
	}
	return []*Laptop{l}
}

// gazer works by eye tracker, switch or dictation, half of them in a co-working space
// among strangers, some with the help desk in the laptop.
func gazer(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where)
	l.senses.hands = true
	if d.chance(0.5) {
		space := w.home(d, w.atlas.one(d, business, where.country, where.region))
		space.others, space.laptops = d.whole(20, 90), d.whole(6, 40)
		w.apart(space, 0.5)
		w.commutes(d, l, space, d.between(0.5, 1))
	} else {
		w.atDesk(d, l, w.home(d, w.line(d, where)), w.anyHours(d, l))
	}
	injected := d.between(0.6, 1)
	for i := range l.life.work {
		k := &l.life.work[i]
		k.assistive, k.input = true, d.between(0.4, 0.9)
		k.hands = hands{injected: injected, builtIn: 1 - injected}
	}
	if d.chance(0.4) {
		via, at := w.via(d, l, w.company.tool, where, business)
		for _, s := range l.life.work {
			if d.chance(0.15) {
				l.lets(d, via, at, s.from+200, d.between(10, 40))
			}
		}
	}
	return []*Laptop{l}
}

// brokered is a virtual machine at the company's or a provider's, reached by a broker
// that may stand in another country than the person.
func brokered(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where, windows, linux)
	l.System = proto.CloneOf(l.System)
	kind := d.IntN(3)
	l.System.Manufacturer = []string{"Amazon EC2", "Microsoft Corporation", "VMware, Inc."}[kind]
	l.System.Model = []string{"t3.xlarge", "Virtual Machine", "VMware20,1"}[kind]
	l.System.Chassis = farmhoundv1.Chassis_CHASSIS_VIRTUAL
	l.senses.hardware, l.senses.media, l.senses.hands = d.chance(0.6), false, d.chance(0.6)
	cloud := &site{
		carrier: w.atlas.one(d, hosting, pick(d, w.land, w.land, ""), ""), gateway: mac(d, officeMakers...), mtu: pick(d, uint32(9001), 1500), others: d.whole(0, 4),
		lan: netip.MustParsePrefix("172.31.16.0/20"), apart: true,
	}
	w.leases(d, cloud, 0)
	tablet := &farmhoundv1.UsbDevice{
		VendorId: 0x0e0f, ProductId: 0x0003, Manufacturer: "VMware", Product: "VMware Virtual USB Mouse", SpeedMbps: 12, PortPath: "1-1", BuiltIn: proto.Bool(false),
		Serial:     &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT},
		Interfaces: []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}, {Class: 3, RelativePointer: true}},
	}
	l.stands(stay{at: cloud, wired: true, desk: &desk{usb: []*farmhoundv1.UsbDevice{tablet}}, mains: 1})
	id := "amazon-dcv"
	if l.System.GetOs() == windows && d.chance(0.6) {
		id = "windows-remote-desktop"
	}
	l.install(remote(d, id, true), 0, 0)
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class = farmhoundv1.PeerClass_PEER_CLASS_PRIVATE
	peer, rtt := netip.AddrFrom4([4]byte{172, 31, byte(d.whole(0, 15)), byte(d.whole(2, 250))}), d.between(0.4, 6)
	if d.chance(0.3) { // the broker lets the client through
		via.class = farmhoundv1.PeerClass_PEER_CLASS_GLOBAL
		peer, rtt = w.atlas.one(d, broadband, where.country, where.region).address(d), trip(d, cloud.carrier.locality, where)
	}
	m := ordinary(d, 0)
	m.hands, m.calls = hands{session: 1}, 0
	if id == "amazon-dcv" {
		m.hands = hands{injected: 1}
	}
	shifts := w.shifts(d, w.anyHours(d, l))
	l.live(m, shifts)
	for _, s := range shifts {
		l.life.control = append(l.life.control, control{span: span{s.from - 20, s.to + 60}, link: via, rtt: rtt, peer: peer})
	}
	l.neverSleeps(w, w.start.Unix())
	return []*Laptop{l}
}

// remotePlace lives where only a geostationary satellite reaches.
func remotePlace(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	w.bySatellite(d, l)
	if d.chance(0.3) {
		w.private(d, l, d.between(0.2, 1))
	}
	return []*Laptop{l}
}
