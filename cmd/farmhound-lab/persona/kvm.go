package persona

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// kvmFarm drives two or three laptops through remote consoles on their ports, so
// that no software shows (REC29's remote access devices, KVMSRC). The consoles are
// as they were bought, one for each laptop. In some farms the agents count input,
// in others they may not.
func kvmFarm(w *World, d draw, size int) []*Laptop {
	model := pick(d, w.stock.consoles...)
	return w.consoleFarm(d, min(d.whole(2, 3), max(size, 1)), model.period, d.chance(0.6), func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
		return model.plug(d, w.ring)
	})
}

// disguisedKvm is the same with consoles that pose as retail keyboards, their
// screens cloned from real monitors (CHEL, docs.pikvm.org/id): only the shape of
// the device is left.
func disguisedKvm(w *World, d draw, size int) []*Laptop {
	storage := d.chance(0.6)
	// Without a drive only counted input tells the console from a keyboard.
	sensed := !storage || d.chance(0.6)
	laptops := min(d.whole(1, 2), max(size, 1))
	if !sensed {
		laptops = 2 // alone and unwatched it looks like its owner's gadget
	}
	return w.consoleFarm(d, laptops, pick(d, int64(15), 20, 60), sensed, func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
		return disguise(d, w.ring, storage)
	})
}

func (w *World) consoleFarm(d draw, laptops int, period int64, sensed bool, plug func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display)) []*Laptop {
	h := w.newHost(d)
	if d.chance(0.7) {
		h.home.consoles = laptops // their makers show among the neighbours
	}
	shared := w.newOperator(d, h.at.zone)
	turns := shared.turns(d, w.shifts(d, shared.habits), laptops)
	alone, jiggles := d.chance(0.6), d.chance(0.4)
	var out []*Laptop
	for i := range laptops {
		l := w.plant(d, h)
		l.senses.hands = sensed
		usb, display := plug()
		l.stands(w.shelf(d, h, w.bare(d).with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})))
		o, spells := shared, turns[i]
		if alone {
			o = w.newOperator(d, l.person.zone)
			spells = w.shifts(d, o.habits)
		}
		since := w.arrives(d)
		w.driveByConsole(d, l, o, within(spells, span{w.setUp(d, since), w.end.Unix()}))
		w.runs(d, l, since, spells)
		if jiggles {
			l.life.beats = append(l.life.beats, beat{span{since, w.end.Unix()}, period})
		}
		out = append(out, l)
	}
	return out
}

// driveByConsole types and points through the console; nothing else tells of it.
func (w *World) driveByConsole(d draw, l *Laptop, o *operator, spells []span) {
	m := o.manner
	local := max(d.around(0.015, 0.015), 0)
	m.hands = hands{kvm: 1 - local, builtIn: local}
	for _, s := range spells {
		l.life.work = append(l.life.work, l.pieces(m, s)...)
		l.meet(m, s)
	}
}

// mixedFarm has some laptops on consoles and some on tools, and jigglers, in
// software or as small boards, that keep all of them from looking idle (MAN24,
// PF1, PF2).
func mixedFarm(w *World, d draw, size int) []*Laptop {
	h := w.newHost(d)
	laptops := min(d.whole(2, 3), max(size, 2))
	h.home.consoles = d.whole(0, 1)
	var out []*Laptop
	for i := range laptops {
		l := w.plant(d, h)
		desk := w.bare(d)
		if d.chance(0.5) {
			desk.usb = append(desk.usb, jigglerBoard(w))
		} else {
			l.install(plain(jigglerFor(d, l.System.GetOs()), ""), w.start.Unix()+int64(d.between(0, 6)*daySeconds), 0)
		}
		o := w.newOperator(d, l.person.zone)
		spells := w.shifts(d, o.habits)
		if i == 0 {
			usb, display := pick(d, w.stock.consoles...).plug(d, w.ring)
			desk.usb, desk.displays = append(desk.usb, usb), append(desk.displays, display)
			since := w.arrives(d)
			w.driveByConsole(d, l, o, within(spells, span{w.setUp(d, since), w.end.Unix()}))
			w.runs(d, l, since, spells)
		} else {
			w.driveByTool(d, l, o, spells, w.foreignTool(d, "anydesk", "rustdesk", "dwagent", "chrome-remote-desktop"))
		}
		l.stands(w.shelf(d, h, desk))
		l.life.beats = append(l.life.beats, beat{span{w.start.Unix(), w.end.Unix()}, int64(pick(d, 20, 30, 45, 60))})
		out = append(out, l)
	}
	return out
}

func jigglerBoard(w *World) *farmhoundv1.UsbDevice {
	board := gear{0x16c0, 0x27da, "digistump.com", "DigiKey", false, 12, []*farmhoundv1.UsbInterface{mouseFace()}}
	return board.device(draw{}, w.ring, "1-3")
}

// overlayFarm reaches its laptops over an overlay network with plain remote
// desktops, so that peers have addresses of the overlay only (NE6: tailscaled with
// RDP, VNC or Sunshine behind it).
func overlayFarm(w *World, d draw, size int) []*Laptop {
	h := w.newHost(d)
	var out []*Laptop
	o := w.newOperator(d, h.at.zone)
	for range min(d.whole(1, 2), max(size, 1)) {
		l := w.plant(d, h, linux, linux, windows)
		place := w.shelf(d, h, w.bare(d))
		place.tunnel = &tunnel{tool: "tailscale", kind: "tun", mtu: 1280}
		l.stands(place)
		id := pick(d, "xrdp", "x11vnc", "sunshine")
		if l.System.GetOs() == windows {
			id = pick(d, "tightvnc", "sunshine")
		}
		since := w.arrives(d)
		ready := w.setUp(d, since)
		l.install(plain("tailscale", pick(d, "1.76.1", "1.78.3")), ready, 0)
		l.install(remote(d, id, true), ready, 0)
		o.peer, o.rtt = overlayAddress(d), d.between(150, 280)
		via := o.link(id, l.System.GetOs())
		via.class, via.account = farmhoundv1.PeerClass_PEER_CLASS_SHARED, ""
		w.overMesh(d, l, o, via, id, since, ready)
		out = append(out, l)
	}
	return out
}

// overMesh drives a laptop through an overlay network and its own server of desktops, of which
// some have sessions of their own, from when it is set up.
func (w *World) overMesh(d draw, l *Laptop, o *operator, via *link, server string, since, ready int64) {
	m := o.manner
	m.hands = hands{injected: 1}
	if server == "xrdp" || server == "windows-remote-desktop" {
		m.hands = hands{session: 1}
	}
	spells := within(w.shifts(d, o.habits), span{ready, w.end.Unix()})
	o.drive(d, l, via, spells, m)
	w.runs(d, l, since, spells)
}

// clonedConsole copies a keyboard and a mouse in everything, as two devices with
// those makers' descriptors: input through it is input from them.
func clonedConsole(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	l := w.plant(d, h)
	l.stands(w.shelf(d, h, w.docked(d, w.bare(d))))
	o := w.newOperator(d, l.person.zone)
	m := o.manner
	m.hands = hands{attached: 1}
	spells := w.shifts(d, o.habits)
	for _, s := range spells {
		l.life.work = append(l.life.work, l.pieces(m, s)...)
		l.meet(m, s)
	}
	w.runs(d, l, w.start.Unix(), spells)
	return []*Laptop{l}
}
