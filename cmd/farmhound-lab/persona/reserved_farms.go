package persona

import (
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// The farms of the reserved casting: the documented cases and who knows the rules, put
// together from a host, laptops that stand there, and how they are driven.

// keeper draws a host: a home with other employers' laptops or none, its clients kept
// apart from each other in some.
func (w *World) keeper(d draw, alone bool) *host {
	h := &host{at: pick(d, w.homeland...)}
	h.home = w.home(d, w.wire(d, h.at))
	h.home.laptops, h.home.others = int(d.skewed(0, 26)), d.whole(2, 24)
	if alone {
		h.home.laptops, h.home.others = d.whole(0, 1), d.whole(0, 9)
	}
	w.apart(h.home, 0.1)
	return h
}

// issued draws a laptop that stands at a host's: of somebody declared elsewhere in the
// country, in another one (GTIG25), or with the host (VONG).
func (w *World) issued(d draw, h *host, systems ...farmhoundv1.OperatingSystem) *Laptop {
	at := h.at
	switch d.weighted(0.68, 0.14, 0.18) {
	case 0:
		at = pick(d, w.claimed(h)...)
	case 1:
		at = pick(d, w.homeland...)
	}
	l := w.hire(d, at, systems...)
	if d.chance(0.55) {
		l.person.shipTo = h.at.country + "-" + h.at.region
	}
	l.camera = d.chance(0.15)
	return l
}

// employs draws who drives a host's laptops: at the hours of the declared country or the
// own ones, from the own line, behind a VPN, out of a home in the host's country, or
// through a relay.
func (w *World) employs(d draw, h *host, zone string) *operator {
	o := &operator{from: pick(d, w.stock.hubs...), account: d.text("bcdfghjklmnpqrstvwxz", 9) + "@example.org"}
	o.path, o.habits = farmhoundv1.SessionPath_SESSION_PATH_DIRECT, habits{
		zone: zone, start: d.between(6.5, 11), spread: d.between(0.1, 1), workweek: mondayToFriday, weekend: d.skewed(0, 0.7), sick: d.skewed(0, 0.12),
	}
	if d.chance(0.2) {
		o.habits.zone = o.from.zone
	}
	o.habits.end = o.habits.start + d.between(6, 13)
	o.manner = pace(d, 0)
	o.manner.calls = pick(d, 0, 0, 0, d.between(0.1, 1.5))
	leaves := o.from
	switch d.weighted(0.15, 0.3, 0.15, 0.4) {
	case 0:
		o.peer = w.atlas.one(d, broadband, o.from.country, o.from.region).address(d)
	case 1:
		exit := w.atlas.one(d, pick(d, vpn, rented), pick(d, h.at.country, "", ""), "")
		o.peer, leaves = exit.address(d), exit.locality
	case 2:
		proxy := w.atlas.one(d, broadband, h.at.country, "")
		o.peer, leaves = proxy.address(d), proxy.locality
	default:
		relay := w.relay(d, h.at, o.from)
		o.peer, o.path, leaves = relay.address(d), farmhoundv1.SessionPath_SESSION_PATH_RELAY, relay.locality
	}
	o.rtt = trip(d, h.at, leaves)
	if o.path == farmhoundv1.SessionPath_SESSION_PATH_DIRECT && leaves != o.from {
		o.rtt += trip(d, leaves, o.from) * d.between(0, 1) // a proxy answers itself, or passes on
	}
	return o
}

// driven is how one laptop of a host is driven in spells from a moment on: by then what is
// needed is there.
type driven func(w *World, d draw, h *host, l *Laptop, o *operator, since int64, spells []span)

// farmed is laptops of one host, driven by one operator in turns, or by one each.
func farmed(least, most int, alone bool, turns float64, by ...driven) func(*World, draw, int) []*Laptop {
	return farmedOn(nil, least, most, alone, turns, by...)
}

func farmedOn(systems []farmhoundv1.OperatingSystem, least, most int, alone bool, turns float64, by ...driven) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		h, laptops := w.keeper(d, alone), least+int(d.skewed(0, float64(most-least)+0.99))
		one := w.employs(d, h, h.at.zone)
		byOne, drive := laptops < 9 && d.chance(turns), pick(d, by...)
		if byOne {
			one.habits.end = one.habits.start + d.between(9, 14)
		}
		dealt := byTurns(d, w.shifts(d, one.habits), laptops, 12, 130, 15, 400)
		var out []*Laptop
		for i := range laptops {
			l := w.issued(d, h, systems...)
			l.stands(stay{at: h.home, desk: w.bare(d), shut: d.chance(0.45), mains: 1, wired: d.chance(0.5)})
			o, spells, since := one, dealt[i], w.start.Unix()
			if !byOne {
				o = w.employs(d, h, l.person.zone)
				spells = w.shifts(d, o.habits)
			}
			if d.chance(0.4) {
				since += int64(d.skewed(0, float64(w.opts.Days)/3) * daySeconds)
			}
			ready := since
			if d.chance(0.7) {
				ready += int64(d.skewed(0.3, 80) * 3600)
			}
			spells = within(spells, span{ready, w.end.Unix()})
			drive(w, d, h, l, o, ready, spells)
			w.kept(d, l, since, spells)
			out = append(out, l)
		}
		return out
	}
}

// kept keeps the laptop awake around the clock, or while it is driven.
func (w *World) kept(d draw, l *Laptop, since int64, spells []span) {
	if d.chance(0.72) || len(spells) == 0 {
		l.neverSleeps(w, since)
		return
	}
	l.life.awake = []wake{{span{since, since + int64(d.between(0.5, 5)*3600)}, true}}
	for _, s := range spells {
		l.life.awake = append(l.life.awake, wake{span{s.from - int64(d.between(60, 1800)), s.to + int64(d.between(60, 7200))}, d.chance(0.1)})
	}
}

// byTool drives by one of some tools that the company does not use; by whichever of them a
// host's laptops have. Some have a second one, are portable, or go by another name.
func byTool(ids ...string) driven {
	return func(w *World, d draw, _ *host, l *Laptop, o *operator, since int64, spells []span) {
		from := ids
		if len(from) == 0 {
			from = w.stock.strange
		}
		w.toolDrives(d, l, o, since, 0, w.toolFor(d, l, from...), spells)
		if d.chance(0.35) {
			l.install(remote(d, w.toolFor(d, l, w.stock.strange...), d.chance(0.8)), since+int64(d.skewed(0.05, 20)*daySeconds), 0)
		}
		if d.chance(0.12) {
			l.install(plain("vscode-tunnel", ""), since+int64(d.between(0, 9)*daySeconds), 0)
		}
	}
}

func (w *World) toolDrives(d draw, l *Laptop, o *operator, from, to int64, id string, spells []span) {
	t := remote(d, id, d.chance(0.8))
	t.fixed, t.renamed = id == "chrome-remote-desktop" && d.chance(0.4), d.chance(0.1)
	if d.chance(0.14) {
		t.scope, t.writable = farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE, true
	}
	l.install(t, from, to)
	via, m := o.link(id, l.System.GetOs()), o.manner
	m.hands = handsOf(via, d.skewed(0, 0.06))
	o.drive(d, l, via, spells, m)
}

// byConsole drives through what is plugged in, whose screen and drive show as well.
func byConsole(plug func(*World, draw) (*farmhoundv1.UsbDevice, *farmhoundv1.Display), sensed, jiggles float64) driven {
	return func(w *World, d draw, h *host, l *Laptop, o *operator, since int64, spells []span) {
		l.senses.hands = d.chance(sensed)
		usb, display := plug(w, d)
		bare := l.life.stays[0]
		fitted := bare
		fitted.desk = bare.desk.with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})
		if fitted.from = since; since <= w.start.Unix() {
			l.life.stays = nil
		}
		l.stands(fitted)
		if d.chance(0.4) {
			h.home.consoles++
		}
		local := d.skewed(0, 0.05)
		o.manner.hands = hands{kvm: 1 - local, builtIn: local}
		for _, s := range spells {
			l.life.work = append(l.life.work, l.pieces(o.manner, s)...)
			l.meet(o.manner, s)
		}
		if d.chance(jiggles) {
			l.life.beats = append(l.life.beats, beat{span{since, w.end.Unix()}, pick(d, int64(15), 20, 30, 60)})
		}
	}
}

func asBought(w *World, d draw) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
	return pick(d, w.stock.consoles...).plug(d, w.ring)
}

// oneMake is whichever model a farm's world has most of.
func oneMake(w *World, d draw) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
	return pick(stream(w.opts.Seed, "one make"), w.stock.consoles...).plug(d, w.ring)
}

// posing is known by nothing but the shape, with a drive in a share of them.
func posing(storage float64) func(*World, draw) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
	return func(w *World, d draw) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
		usb, display := w.pretence(d, d.chance(storage))
		if d.chance(0.4) {
			usb.Interfaces = append(usb.Interfaces, mouseFace())
		}
		usb.PortPath = pick(d, "1-1", "1-2", "3-1", "1-4.1")
		return usb, display
	}
}

// rebranded has the owner's words and the firmware's descriptors (KVMSRC).
func rebranded(w *World, d draw) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
	model := pick(d, w.stock.consoles...)
	usb, display := posing(0.5)(w, d)
	usb.Interfaces[0].ReportDescriptorSha256, usb.Interfaces[1].ReportDescriptorSha256 = unhex(model.keyboard), unhex(model.absolute)
	return usb, display
}

// byMesh drives over an overlay network by what systems bring along (NE6).
func byMesh(w *World, d draw, h *host, l *Laptop, o *operator, since int64, spells []span) {
	net := pick(d, "tailscale", "netbird", "zerotier", "nebula", "easytier")
	up := l.life.stays[0]
	up.from, up.tunnel = since, &tunnel{tool: net, kind: "tun", mtu: pick(d, uint32(1280), 1300, 1420, 2800)}
	l.stands(up)
	l.install(plain(net, ""), since, 0)
	id := w.toolFor(d, l, "windows-remote-desktop", "tightvnc", "apollo", "xrdp", "gnome-remote-desktop", "tigervnc-x0vncserver", "nomachine", "parsec", "apple-screen-sharing")
	l.install(remote(d, id, true), since, 0)
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class = farmhoundv1.PeerClass_PEER_CLASS_SHARED
	over := *o
	over.peer, over.rtt = overlayAddress(d), trip(d, h.at, o.from)
	if net == "zerotier" || net == "easytier" {
		via.class, over.peer = farmhoundv1.PeerClass_PEER_CLASS_PRIVATE, offset(overlayBase, d.whole(1, 60000))
	}
	m := o.manner
	m.hands = handsOf(via, d.skewed(0, 0.04))
	over.drive(d, l, via, spells, m)
}

// byCalls hands control over in calls that last the day (SYG).
func byCalls(w *World, d draw, _ *host, l *Laptop, o *operator, _ int64, spells []span) {
	l.install(remote(d, "zoom", false), 0, 0)
	o.manner.calls = 0
	via, m := linkOf("zoom", l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_RELAY), o.manner
	m.hands = hands{injected: 1}
	o.drive(d, l, via, spells, m)
	for _, c := range l.life.control {
		l.life.calls = append(l.life.calls, c.span)
	}
}

// byWeeks changes the tool every few days.
func byWeeks(w *World, d draw, _ *host, l *Laptop, o *operator, since int64, spells []span) {
	for at := since; at < w.end.Unix(); {
		id := w.toolFor(d, l, w.stock.strange...)
		if slices.ContainsFunc(l.life.tools, func(i installed) bool { return i.id == id }) {
			if len(l.life.tools) > 5 {
				return
			}
			continue
		}
		until := at + int64(d.between(2, 11)*daySeconds)
		w.toolDrives(d, l, o, at, until+7200, id, within(spells, span{at, until}))
		at = until
	}
}

// busied is the same with something that keeps the laptop from looking idle.
func busied(by driven) driven {
	return func(w *World, d draw, h *host, l *Laptop, o *operator, since int64, spells []span) {
		by(w, d, h, l, o, since, spells)
		if d.chance(0.4) {
			w.plugsIn(l, jigglerBoard(w))
		} else {
			l.install(plain(pick(d, w.stock.jigglers[l.System.GetOs()]...), ""), since, 0)
		}
		l.life.beats = append(l.life.beats, beat{span{since, w.end.Unix()}, pick(d, w.stock.beats...)})
	}
}

// mixed is one of several ways for each of a host's laptops.
func mixed(ways ...driven) driven {
	return func(w *World, d draw, h *host, l *Laptop, o *operator, since int64, spells []span) {
		pick(d, ways...)(w, d, h, l, o, since, spells)
	}
}
