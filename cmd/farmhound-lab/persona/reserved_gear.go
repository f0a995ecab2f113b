package persona

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// Traits of the reserved casting that are about what is plugged in.

// tinkers has a remote console plugged in at home, others on the network, tunnels and an
// overlay, and works through the console for some minutes on some days.
func tinkers(w *World, d draw, l *Laptop) {
	usb, display := pick(d, w.stock.consoles...).plug(d, w.ring)
	home := l.life.stays[0].at
	l.at(home, &desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})
	home.consoles = d.whole(0, 4)
	tunnels := []string{"vscode-tunnel", "ngrok", "cloudflared", "bore", "chisel", "jetbrains-remote", "localtonet"}
	for range d.whole(0, 4) {
		l.install(plain(pick(d, tunnels...), ""), w.start.Unix()+int64(d.between(-4, 18)*daySeconds), 0)
	}
	if d.chance(0.7) {
		overlaid(w, d, l)
	}
	if l.System.GetOs() != windows && d.chance(0.5) {
		w.ownShell(d, l, true)
	}
	tries := d.skewed(0, 0.35)
	for _, day := range l.ownDays() {
		if d.chance(tries) {
			k := pick(d, day...)
			l.life.work = append(l.life.work, work{span: span{k.from, k.from + int64(d.skewed(3, 45)*60)}, active: 0.6, input: 0.5, variation: k.variation, hands: hands{kvm: 0.9, builtIn: 0.1}})
		}
	}
}

// at plugs more in wherever the laptop stands at a place.
func (l *Laptop) at(place *site, more *desk) {
	with := map[*desk]*desk{}
	for i := range l.life.stays {
		if s := &l.life.stays[i]; s.at == place {
			if with[s.desk] == nil {
				with[s.desk] = s.desk.with(more)
			}
			s.desk = with[s.desk]
		}
	}
}

// switched has one keyboard and monitor for two computers behind a switch, which shows
// itself as a composite device or a hub.
func switched(w *World, d draw, l *Laptop) {
	board := pick(d,
		gear{0x0557, 0x2410, "ATEN", "4-Port KVM Switch", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), mouseFace(), {Class: 3}}},
		gear{0x14dd, 0x1007, "Raritan", "D2CIM-VUSB", true, 12, []*farmhoundv1.UsbInterface{keyboardFace(), mouseFace()}},
		gear{0x2109, 0x2817, "VIA Labs, Inc.", "USB2.0 Hub", false, 480, []*farmhoundv1.UsbInterface{{Class: 9}}})
	through := &desk{
		usb:      []*farmhoundv1.UsbDevice{board.device(d, w.ring, "1-2"), pick(d, w.stock.keyboards...).device(d, w.ring, "1-2.1"), pick(d, w.stock.mice...).device(d, w.ring, "1-2.2")},
		displays: []*farmhoundv1.Display{pick(d, w.stock.screens...).display(d, w.ring)},
	}
	home, typed := l.life.stays[0].at, d.between(0.5, 1)
	l.at(home, through)
	for i := range l.life.work {
		if k := &l.life.work[i]; l.life.stayAt(k.from).at == home {
			k.hands = hands{attached: typed, builtIn: 1 - typed}
		}
	}
}

// sharing types on another computer's keyboard, which a program shares with this one.
func sharing(w *World, d draw, l *Laptop) {
	ids := []string{"deskflow", "input-leap", "barrier", "lan-mouse", "synergy"}
	if l.System.GetOs() != linux {
		ids = append(ids, "sharemouse")
	}
	l.install(plain(pick(d, ids...), ""), w.start.Unix()-daySeconds, 0)
	home, share := l.life.stays[0].at, d.between(0.2, 1)
	for i := range l.life.work {
		if k := &l.life.work[i]; l.life.stayAt(k.from).at == home {
			k.hands = hands{injected: share, builtIn: 1 - share}
		}
	}
}

// touching works at panels and tablets that are touched or drawn on, on some days: a
// keyboard and an absolute pointer in one device, some with a drive of programs.
func touching(w *World, d draw, l *Laptop) {
	face := pick(d,
		gear{0x2575, 0x0204, "Promethean", "ActivPanel", true, 12, []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}, {Class: 3, Keyboard: true}, {Class: 8, Subclass: 6, Protocol: 80}}},
		gear{0x056a, 0x03a6, "Wacom Co.,Ltd.", "DTC133", true, 12, []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}, {Class: 3}}},
		gear{0x0596, 0x0001, "3M Touch Systems, Inc.", "Touch Monitor", false, 12, []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}, {Class: 3, Keyboard: true}}})
	panel, home, often := &desk{usb: []*farmhoundv1.UsbDevice{face.device(d, w.ring, "1-5")}}, l.life.stays[0], d.between(0.1, 0.8)
	var more []stay
	for i := range l.life.work {
		k := &l.life.work[i]
		if k.from <= w.start.Unix() || !d.chance(often) {
			continue
		}
		room, back := *l.life.stayAt(k.from), home
		room.from, back.from, room.desk = k.from, k.to, room.desk.with(panel)
		more = append(more, room, back)
		touched := d.between(0.05, 0.9)
		k.hands = hands{builtIn: 1 - touched, attached: touched}
	}
	l.life.stays = append(l.life.stays, more...)
}
