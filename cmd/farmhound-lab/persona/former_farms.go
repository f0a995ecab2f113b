package persona

import (
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// The farms of the former casting: the documented cases.

// manyTools keeps laptops at a host's, each with a tool of its own from the first days on
// (KNOOT, PSA24), driven by one operator in turns or by one each.
func (w *World) manyTools(d draw, h *host, laptops int) []*Laptop {
	shared := w.hired(d, h, h.at.zone)
	turns := shared.turns(d, w.shifts(d, shared.habits), laptops)
	alone := laptops > 6 || d.chance(0.6)
	var out []*Laptop
	for i := range laptops {
		l := w.plant(d, h)
		l.stands(w.shelf(d, h, w.bare(d)))
		o, spells := shared, turns[i]
		if alone {
			o = w.hired(d, h, l.person.zone)
			spells = w.shifts(d, o.habits)
		}
		w.handOver(d, l, o, spells, w.toolFor(d, l, w.stock.strange...))
		out = append(out, l)
	}
	return out
}

func toolFarm(w *World, d draw, _ int) []*Laptop { return w.manyTools(d, w.newHost(d), d.whole(2, 5)) }

// toolFarm30 is thirty or so laptops of one company in one house (CHAP).
func toolFarm30(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	h.home.laptops += d.whole(10, 70)
	return w.manyTools(d, h, d.whole(28, 34))
}

// splitExits has each laptop of one home leave through a consumer VPN's exit of its own
// (MANPOD), so that only those beside it tell where it stands.
func splitExits(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	all := w.manyTools(d, h, d.whole(2, 4))
	for _, l := range all {
		id := pick(d, "astrill", "nordvpn", "expressvpn", "mullvad", "letsvpn")
		if id == "letsvpn" && l.System.GetOs() == linux {
			id = "astrill"
		}
		l.install(plain(id, ""), w.start.Unix(), 0)
		out := w.wayOut(d, id, l.person.country)
		for i := range l.life.stays {
			l.life.stays[i].tunnel = out
		}
	}
	return all
}

// shelfOfConsoles is four to nine laptops on consoles of one or several makers, as bought.
func shelfOfConsoles(w *World, d draw, _ int) []*Laptop {
	one, mixed := pick(d, w.stock.consoles...), d.chance(0.5)
	return w.consolesAt(d, w.newHost(d), d.whole(4, 9), d.chance(0.7), func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
		if mixed {
			return pick(d, w.stock.consoles...).plug(d, w.ring)
		}
		return one.plug(d, w.ring)
	})
}

// fewConsoles is two or three of one make.
func fewConsoles(w *World, d draw, _ int) []*Laptop {
	one := pick(d, w.stock.consoles...)
	return w.consolesAt(d, w.newHost(d), d.whole(2, 3), d.chance(0.6), func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) { return one.plug(d, w.ring) })
}

// rebrandedConsole has what an owner may set changed, and the firmware's report descriptors
// left as they are (KVMSRC).
func rebrandedConsole(w *World, d draw, _ int) []*Laptop {
	model := pick(d, w.stock.consoles...)
	return w.consolesAt(d, w.newHost(d), d.whole(1, 3), d.chance(0.8), func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
		device, display := w.pretence(d, d.chance(0.5))
		device.Interfaces[0].ReportDescriptorSha256, device.Interfaces[1].ReportDescriptorSha256 = unhex(model.keyboard), unhex(model.absolute)
		return device, display
	})
}

// posingConsoles are known by nothing but the shape of the device (CHEL).
func posingConsoles(w *World, d draw, _ int) []*Laptop {
	storage := d.chance(0.5)
	laptops := d.whole(1, 4)
	sensed := d.chance(0.8) || !storage || laptops == 1 // else nobody could tell it from a gadget
	return w.consolesAt(d, w.newHost(d), laptops, sensed, func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) { return w.pretence(d, storage) })
}

// lonePose is one laptop with one such console, without a drive.
func lonePose(w *World, d draw, _ int) []*Laptop {
	return w.consolesAt(d, w.newHost(d).alone(d), 1, true, func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) { return w.pretence(d, false) })
}

// assorted has a laptop or two on consoles and some on tools, and jigglers on all (MAN24).
func assorted(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	out := w.consolesAt(d, h, d.whole(1, 2), d.chance(0.8), func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
		if d.chance(0.3) {
			return w.pretence(d, true)
		}
		return pick(d, w.stock.consoles...).plug(d, w.ring)
	})
	out = append(out, w.manyTools(d, h, d.whole(1, 3))...)
	for _, l := range out {
		if d.chance(0.5) {
			w.plugsIn(l, jigglerBoard(w))
		} else {
			l.install(plain(pick(d, w.stock.jigglers[l.System.GetOs()]...), ""), w.start.Unix()+int64(d.between(0, 9)*daySeconds), 0)
		}
		l.life.beats = append(l.life.beats, beat{span{w.start.Unix(), w.end.Unix()}, int64(pick(d, 10, 25, 50, 90))})
	}
	return out
}

// lodger is one laptop in a spare room, driven all day by a tool (ANYR, BALL).
func lodger(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d).alone(d)
	l := w.plant(d, h)
	l.stands(w.shelf(d, h, w.bare(d)))
	o := w.hired(d, h, l.person.zone)
	w.handOver(d, l, o, w.shifts(d, o.habits), w.toolFor(d, l, "chrome-remote-desktop", "chrome-remote-desktop", "anydesk", "rustdesk", "nomachine", "realvnc-server"))
	if d.chance(0.3) {
		w.frontHelps(d, l, d.between(0.02, 0.1))
	}
	return []*Laptop{l}
}

// macMule is a Mac that was sent to a mule's home and is driven in what is night where the
// operator is, by a tool that writes a log or by a console (KB4).
func macMule(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d).alone(d)
	l := w.plant(d, h, macos)
	o := w.hired(d, h, l.person.zone)
	spells := w.shifts(d, o.habits)
	if d.chance(0.6) {
		l.stands(w.shelf(d, h, w.bare(d)))
		w.handOver(d, l, o, spells, w.toolFor(d, l, "anydesk", "chrome-remote-desktop", "teamviewer", "rustdesk"))
		return []*Laptop{l}
	}
	usb, display := pick(d, w.stock.consoles...).plug(d, w.ring)
	l.stands(w.shelf(d, h, w.bare(d).with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})))
	w.driveByConsole(d, l, o, spells)
	w.runs(d, l, w.start.Unix(), spells)
	return []*Laptop{l}
}

// citizen is a real one whose papers, address and line are in order, and in whose stead
// somebody abroad works, by a tool or a console (VONG, PLEA).
func citizen(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where)
	l.camera = d.chance(0.4)
	h := &host{at: where, home: w.home(d, w.line(d, where))}
	o := w.hired(d, h, l.person.zone)
	spells, bare := w.shifts(d, o.habits), w.bare(d)
	if d.chance(0.6) {
		l.stands(stay{at: h.home, desk: bare, shut: d.chance(0.5), mains: 1})
		w.handOver(d, l, o, spells, w.toolFor(d, l, "chrome-remote-desktop", "anydesk", "rustdesk", "teamviewer", "nomachine"))
		return []*Laptop{l}
	}
	usb, display := pick(d, w.stock.consoles...).plug(d, w.ring)
	l.stands(stay{at: h.home, desk: bare.with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}}), shut: d.chance(0.5), mains: 1})
	w.driveByConsole(d, l, o, spells)
	w.runs(d, l, w.start.Unix(), spells)
	return []*Laptop{l}
}

// meshed is reached over an overlay network by what systems and games bring along (NE6).
func meshed(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	o := w.hired(d, h, h.at.zone)
	net := pick(d, "tailscale", "zerotier", "netbird")
	var out []*Laptop
	for range d.whole(1, 3) {
		l := w.plant(d, h, linux, windows)
		place := w.shelf(d, h, w.bare(d))
		place.tunnel = &tunnel{tool: net, kind: pick(d, "tun", "wireguard"), mtu: pick(d, uint32(1280), 1420, 2800)}
		l.stands(place)
		id := w.toolFor(d, l, "windows-remote-desktop", "nomachine", "realvnc-server", "ultravnc", "sunshine", "xrdp", "x11vnc", "parsec")
		since := w.arrives(d)
		ready := w.setUp(d, since)
		l.install(plain(net, ""), ready, 0)
		l.install(remote(d, id, true), ready, 0)
		via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
		via.class = farmhoundv1.PeerClass_PEER_CLASS_SHARED
		if net == "zerotier" {
			via.class = farmhoundv1.PeerClass_PEER_CLASS_PRIVATE
		}
		o.peer, o.rtt = overlayAddress(d), trip(d, h.at, o.from)
		if net == "zerotier" {
			o.peer = offset(overlayBase, d.whole(1, 60000))
		}
		w.overMesh(d, l, o, via, id, since, ready)
		out = append(out, l)
	}
	return out
}

// callsOnly has nothing installed but what calls are made with: control is handed over in
// a call that lasts the day (SYG).
func callsOnly(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d).alone(d)
	l := w.plant(d, h, windows, windows, macos)
	l.stands(w.shelf(d, h, w.bare(d)))
	l.install(remote(d, "zoom", false), 0, 0)
	o := w.hired(d, h, l.person.zone)
	via := linkOf("zoom", l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_RELAY)
	m := o.manner
	m.hands, m.calls = hands{injected: 1}, 0
	spells := w.shifts(d, o.habits)
	o.drive(d, l, via, spells, m)
	for _, c := range l.life.control {
		l.life.calls = append(l.life.calls, c.span)
	}
	w.runs(d, l, w.start.Unix(), spells)
	return []*Laptop{l}
}

// relieved is three to six laptops and one operator, who is at one after the other by the
// same tool and account (PF6).
func relieved(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	o := w.hired(d, h, h.at.zone)
	o.habits.end = o.habits.start + d.between(10, 14)
	laptops := d.whole(3, 6)
	turns := o.turns(d, w.shifts(d, o.habits), laptops)
	id := pick(d, slices.DeleteFunc([]string{"anydesk", "rustdesk", "chrome-remote-desktop", "nomachine", "hoptodesk"}, func(id string) bool { return id == w.company.tool })...)
	var out []*Laptop
	for i := range laptops {
		l := w.plant(d, h)
		l.stands(w.shelf(d, h, w.bare(d)))
		w.handOver(d, l, o, turns[i], id)
		out = append(out, l)
	}
	return out
}

// relievedConsoles is the same with two to five posing consoles, in short spells.
func relievedConsoles(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	o := w.hired(d, h, h.at.zone)
	laptops := d.whole(2, 5)
	spells := byTurns(d, w.shifts(d, o.habits), laptops, 10, 75, 15, 300)
	return w.consoles(d, h, o, spells, func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) { return w.pretence(d, d.chance(0.6)) })
}
