package persona

import (
	"net/netip"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// These honest lives are hard for how the laptops are driven: by tools, by programs, by
// devices, and by the right person from elsewhere.

// offshoreHelp is supported on many days by the company's help desk, with the company's
// tool, by people who sit in another country.
func offshoreHelp(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	path, rtt := farmhoundv1.SessionPath_SESSION_PATH_RELAY, d.between(20, 80)
	peer := w.atlas.one(d, hosting, "", "").address(d)
	if remoteTools[w.company.tool].direct {
		path, rtt = farmhoundv1.SessionPath_SESSION_PATH_DIRECT, d.between(190, 280)
		peer = w.atlas.one(d, business, pick(d, "IN", "PH", "PL"), "").address(d)
	}
	via := linkOf(w.company.tool, l.System.GetOs(), path)
	often := d.between(0.2, 0.6)
	for _, s := range l.life.work {
		if d.chance(often) {
			l.helped(d, via, peer, span{s.from + 120, s.from + 120 + int64(d.between(10, 60)*60)}, rtt)
		}
	}
	return []*Laptop{l}
}

// consultant lets a supplier's people into the laptop for a week of long sessions, with a
// tool that nobody approved: software is rolled out.
func consultant(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	id := w.foreignTool(d, "anydesk", "teamviewer", "zoho-assist")
	if l.System.GetOs() != windows {
		id = w.foreignTool(d, "anydesk", "teamviewer")
	}
	from := w.start.Unix() + int64(d.between(2, 16)*daySeconds)
	during := span{from, from + int64(d.between(4, 9)*daySeconds)}
	l.install(remote(d, id, d.chance(0.4)), during.from, pick(d, 0, during.to+daySeconds))
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_RELAY)
	peer := w.atlas.one(d, hosting, w.land, "").address(d)
	for _, s := range l.life.work {
		if s.from > during.from && s.from < during.to && d.chance(0.6) {
			l.helped(d, via, peer, span{s.from + 300, s.from + 300 + int64(d.between(40, 150)*60)}, d.between(15, 60))
		}
	}
	return []*Laptop{l}
}

// inputSharer has two computers on one desk and one keyboard, which a program shares:
// everything that is typed on this laptop is injected, and nobody is elsewhere.
func inputSharer(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	ids := []string{"deskflow", "synergy", "barrier", "input-leap"}
	if l.System.GetOs() == windows {
		ids = append(ids, "mouse-without-borders")
	}
	l.install(plain(pick(d, ids...), ""), w.start.Unix()+int64(pick(d, -1, d.between(0, 6))*daySeconds), 0)
	share := d.between(0.4, 0.98)
	home := l.life.stays[0].at
	for i := range l.life.work {
		if k := &l.life.work[i]; k.from >= l.life.tools[len(l.life.tools)-1].from && l.life.stayAt(k.from).at == home {
			k.hands = hands{injected: share, builtIn: 1 - share}
		}
	}
	return []*Laptop{l}
}

// tester runs tests that press keys and move the pointer, and types in between.
func tester(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	l.person.role = pick(d, "QA Engineer", "Test Automation Engineer")
	injected := d.between(0.3, 0.75)
	for i := range l.life.work {
		k := &l.life.work[i]
		k.hands.injected, k.hands.builtIn, k.hands.attached = injected, k.hands.builtIn*(1-injected), k.hands.attached*(1-injected)
	}
	return []*Laptop{l}
}

// pairing hands control over in calls for an hour or more on most days.
func pairing(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d), windows, macos)
	l.person.role = "Software Engineer"
	id := "zoom"
	l.install(plain(id, ""), 0, 0)
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_RELAY)
	via.established, via.measured = farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS, false
	peer := w.atlas.one(d, hosting, w.land, "").address(d)
	for _, s := range l.life.work {
		if d.chance(0.4) {
			during := span{s.from + 600, s.from + 600 + int64(d.between(40, 120)*60)}
			l.helped(d, via, peer, during, 0)
			l.life.calls = append(l.life.calls, during)
		}
	}
	return []*Laptop{l}
}

// switcher has one keyboard, mouse and monitor for two computers behind a switch that
// shows itself as a composite device with a hub and is there whether it is used or not.
func switcher(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	board := gear{0x0557, pick(d, uint32(0x2419), 0x2221), "ATEN", "CS1922 KVMP", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), mouseFace()}}
	if d.chance(0.3) {
		board = gear{0x05e3, 0x0610, "GenesysLogic", "USB2.1 Hub", false, 480, []*farmhoundv1.UsbInterface{{Class: 9}}}
	}
	share := d.between(0.7, 1)
	through := &desk{usb: []*farmhoundv1.UsbDevice{board.device(d, w.ring, "1-2"), keyboards[0].device(d, w.ring, "1-2.1")}, displays: []*farmhoundv1.Display{pick(d, screens...).display(d, w.ring)}}
	for i := range l.life.stays {
		if s := &l.life.stays[i]; s.at == l.life.stays[0].at {
			s.desk = s.desk.with(through)
		}
	}
	for i := range l.life.work {
		if k := &l.life.work[i]; l.life.stayAt(k.from).at == l.life.stays[0].at {
			k.hands = hands{attached: share, builtIn: 1 - share}
		}
	}
	return []*Laptop{l}
}

// fromAfar reaches the own laptop, which stays on the desk at home, with an own tool from
// the family's house on some weekends, or from a phone for some minutes.
func fromAfar(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.atHome(d, where)
	id := w.foreignTool(d, "anydesk", "chrome-remote-desktop", "rustdesk", "teamviewer")
	l.install(remote(d, id, true), w.start.Unix()+int64(pick(d, -1, d.between(0, 8))*daySeconds), 0)
	phone := d.chance(0.5)
	trade, often := broadband, 0.25
	if phone {
		trade, often = cellular, 0.5
	}
	path := pick(d, farmhoundv1.SessionPath_SESSION_PATH_DIRECT, farmhoundv1.SessionPath_SESSION_PATH_RELAY)
	peer := w.atlas.one(d, trade, "US", "").address(d)
	if path == farmhoundv1.SessionPath_SESSION_PATH_RELAY {
		peer = w.atlas.one(d, hosting, w.land, "").address(d)
	}
	via := linkOf(id, l.System.GetOs(), path)
	h := regular(d, l.person.zone, w.opts.Days)
	h.workweek, h.weekend, h.sick, h.start, h.end = [7]bool{true, false, false, false, false, false, true}, 0, 1-often, d.between(10, 17), 20
	if phone {
		h.workweek = [7]bool{true, true, true, true, true, true, true}
	}
	for _, s := range w.shifts(d, h) {
		length := d.between(60, 300)
		if phone {
			length = d.between(4, 15)
		}
		during := span{s.from, s.from + int64(length*60)}
		if during.from < l.life.tools[len(l.life.tools)-1].from {
			continue
		}
		l.life.awake = append(l.life.awake, wake{span{during.from - 60, during.to + 900}, false})
		l.helped(d, via, peer, during, d.between(15, 90))
	}
	return []*Laptop{l}
}

// leftAtOffice stays docked in the office and is driven from home on two or three days a
// week, with the system's own remote desktop, through the company's network.
func leftAtOffice(w *World, d draw, _ int) []*Laptop {
	o := pick(d, w.company.offices...)
	l := w.hire(d, o.locality, windows)
	l.senses.hands = true
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	l.stands(stay{at: o.site, desk: w.docked(d, w.bare(d)), mains: 1, wired: true, shut: d.chance(0.5)})
	id := "windows-remote-desktop"
	l.install(plain(id, ""), 0, 0)
	via := linkOf(id, windows, farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class, via.logon = farmhoundv1.PeerClass_PEER_CLASS_PRIVATE, farmhoundv1.LogonKind_LOGON_KIND_RDP
	there, away := ordinary(d, 1), ordinary(d, 0)
	there.off, away.off, away.hands, away.calls = 0, 0, hands{session: 1}, 0
	remotely := d.between(0.35, 0.65)
	for _, s := range w.shifts(d, h) {
		if !d.chance(remotely) {
			l.live(there, []span{s})
			continue
		}
		l.live(away, []span{s})
		l.life.control = append(l.life.control, control{
			span: span{s.from, s.to}, link: via, rtt: d.between(12, 45),
			peer: netip.AddrFrom4([4]byte{10, 60, byte(d.whole(0, 15)), byte(d.whole(2, 250))}),
		})
	}
	l.neverSleeps(w, w.start.Unix())
	return []*Laptop{l}
}

// interactive teaches at panels that are touched: a keyboard, an absolute pointer and a
// drive in one device, on two or three days a week, and types on the laptop.
func interactive(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	l.person.role = "Trainer"
	panel := &farmhoundv1.UsbDevice{
		VendorId: 0x222a, ProductId: 0x0001, Manufacturer: "ILITEK", Product: "ILITEK-TOUCH", SpeedMbps: 12, PortPath: "1-2", BuiltIn: proto.Bool(false),
		Serial:     &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT},
		Interfaces: []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}, {Class: 3, Keyboard: true}, {Class: 8, Subclass: 6, Protocol: 80}},
	}
	home, often := l.life.stays[0], d.between(0.2, 0.5)
	for i := range l.life.work {
		k := &l.life.work[i]
		if k.from <= w.start.Unix() || !d.chance(often) {
			continue
		}
		room, back := *l.life.stayAt(k.from), home
		room.from, back.from = k.from, k.to
		room.desk = room.desk.with(&desk{usb: []*farmhoundv1.UsbDevice{panel}})
		l.life.stays = append(l.life.stays, room, back)
		touched := d.between(0.1, 0.4)
		k.hands = hands{builtIn: 1 - touched, attached: touched}
	}
	return []*Laptop{l}
}

// tailnetDesktop drives the laptop all day from the own desktop beside it, over the
// overlay network that both are in: the peer's address is the overlay's, its packets
// take a millisecond or two.
func tailnetDesktop(w *World, d draw, _ int) []*Laptop {
	all := desktopDriver(w, d, 1)
	for _, l := range all {
		w.overTailnet(d, l)
	}
	return all
}

// overTailnet has what comes from beside the laptop come over an overlay network.
func (w *World) overTailnet(d draw, l *Laptop) {
	l.install(plain("tailscale", ""), w.start.Unix()-daySeconds, 0)
	peer := overlayAddress(d)
	for i := range l.life.control {
		c := &l.life.control[i]
		via := *c.link
		via.class = farmhoundv1.PeerClass_PEER_CLASS_SHARED
		c.link, c.peer, c.near, c.rtt = &via, peer, false, d.between(0.8, 3)
	}
	for i := range l.life.stays {
		if s := &l.life.stays[i]; s.tunnel == nil {
			s.tunnel = &tunnel{tool: "tailscale", kind: "tun", mtu: 1280}
		}
	}
}

// leftAtBranch is two or three people who leave their laptops docked in a branch that
// nobody registered, and work on them from home on most days.
func leftAtBranch(w *World, d draw, size int) []*Laptop {
	where := w.somewhere(d)
	branch := w.home(d, w.atlas.one(d, business, where.country, where.region))
	branch.gateway, branch.others, branch.laptops = mac(d, officeMakers...), d.whole(20, 80), d.whole(10, 40)
	var out []*Laptop
	for range d.whole(2, 3) {
		for _, l := range leftAtOffice(w, d, size) {
			p := &l.person
			p.country, p.region, p.zone, p.shipTo = where.country, where.region, where.zone, where.country+"-"+where.region
			l.life.stays[0].at = branch
			l.life.zones = []zone{{0, where.zone}}
			out = append(out, l)
		}
	}
	return out
}
