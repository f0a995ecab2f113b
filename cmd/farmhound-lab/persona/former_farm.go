package persona

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// rmmFarm30 is thirty of one company's laptops on shelves in one home (CHAP), each
// with an operator and a tool or two of its own.
func rmmFarm30(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	h.home.laptops += d.whole(20, 60)
	var out []*Laptop
	for range 30 {
		l := w.plant(d, h)
		l.stands(w.shelf(d, h, w.bare(d)))
		o := w.newOperator(d, l.person.zone)
		w.driveByTool(d, l, o, w.shifts(d, o.habits), w.foreignTool(d, "anydesk", "rustdesk", "teamviewer", "splashtop", "dwagent", "chrome-remote-desktop"))
		out = append(out, l)
	}
	return out
}

// consoleShelf is four to eight laptops on consoles of several makers, as bought,
// their agents without a view of input in a third of the farms.
func consoleShelf(w *World, d draw, _ int) []*Laptop {
	return w.consoleFarm(d, d.whole(4, 8), 20, d.chance(0.66), func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
		return pick(d, w.stock.consoles...).plug(d, w.ring)
	})
}

// renamedConsole spoofs what the owner may set: ids, names, the screen's identity.
// The firmware's report descriptors stay (KVMSRC).
func renamedConsole(w *World, d draw, _ int) []*Laptop {
	model := pick(d, w.stock.consoles...)
	return w.consoleFarm(d, d.whole(1, 2), model.period, d.chance(0.8), func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
		device, display := disguise(d, w.ring, d.chance(0.5))
		device.Interfaces[0].ReportDescriptorSha256 = unhex(model.keyboard)
		device.Interfaces[1].ReportDescriptorSha256 = unhex(model.absolute)
		return device, display
	})
}

// loneDisguise is one laptop with one console that poses as a keyboard in everything
// but its shape, without a drive, its input counted.
func loneDisguise(w *World, d draw, _ int) []*Laptop {
	return w.consoleFarm(d, 1, 60, true, func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) { return disguise(d, w.ring, false) })
}

// inTurns is three to five laptops and one operator, who does the work of all of them
// in spells (PF6), through the same tool and account.
func inTurns(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	o := w.newOperator(d, h.at.zone)
	o.habits.end = o.habits.start + d.between(10, 13)
	laptops := d.whole(3, 5)
	turns := o.turns(d, w.shifts(d, o.habits), laptops)
	id := w.foreignTool(d, "anydesk", "rustdesk", "chrome-remote-desktop", "splashtop")
	var out []*Laptop
	for i := range laptops {
		l := w.plant(d, h)
		l.stands(w.shelf(d, h, w.bare(d)))
		w.driveByTool(d, l, o, turns[i], id)
		out = append(out, l)
	}
	return out
}

// shippedHeld was sent on abroad and is used there by hand, behind a VPN that never
// drops, with the declared country's clock and hours; but its own interface is seen.
func shippedHeld(w *World, d draw, _ int) []*Laptop {
	l, flat := w.shipped(d)
	id := pick(d, "astrill", "nordvpn", "mullvad")
	l.install(plain(id, ""), w.start.Unix(), 0)
	l.senses.ways = true
	l.stands(stay{at: flat, desk: w.bare(d), mains: d.between(0.6, 1), tunnel: w.exit(d, id, l.person.country)})
	return []*Laptop{l}
}

// shippedRouter is the same with the VPN in the router: the laptop sees an ordinary
// home, and only the time that packets take is left.
func shippedRouter(w *World, d draw, _ int) []*Laptop {
	l, flat := w.shipped(d)
	exit := w.exit(d, "nordvpn", l.person.country)
	flat.exit = exit.exit
	flat.six, flat.leases = false, []lease{{w.start.Unix(), exit.exit}}
	l.stands(stay{at: flat, desk: w.bare(d), mains: d.between(0.6, 1)})
	return []*Laptop{l}
}

// shipped draws a laptop that is used abroad by hand, at the declared country's hours.
func (w *World) shipped(d draw) (*Laptop, *site) {
	l := w.hire(d, pick(d, w.homeland...))
	there := w.stock.hubs[d.weighted(3, 3, 2, 2, 2)]
	flat := w.home(d, w.atlas.one(d, broadband, there.country, there.region))
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	l.live(ordinary(d, d.between(0, 0.6)), w.shifts(d, h))
	return l, flat
}

// tenMinutes knows that local input speaks for a laptop: whoever hosts it types for
// ten minutes on every day, and it is driven at working hours and put to sleep.
func tenMinutes(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	h.home.laptops = d.whole(0, 2)
	l := w.plant(d, h)
	l.camera = true
	l.stands(stay{at: h.home, desk: w.bare(d), mains: d.between(0.8, 1)})
	o := w.newOperator(d, l.person.zone)
	spells := w.shifts(d, o.habits)
	w.driveByTool(d, l, o, spells, w.foreignTool(d, "anydesk", "rustdesk", "splashtop"))
	w.rests(l, spells)
	l.touched(d, spells)
	return []*Laptop{l}
}

// touched is the host's ten minutes at the keyboard of each day, and a call now and then.
func (l *Laptop) touched(d draw, days []span) {
	for _, s := range days {
		at := s.from + int64(d.between(0.1, 0.8)*float64(s.seconds()))
		l.life.work = append(l.life.work, work{span: span{at, at + int64(d.between(8, 12)*60)}, active: 0.9, input: 0.8, variation: 1.8, hands: hands{builtIn: 1}})
		if d.chance(0.2) {
			l.life.calls = append(l.life.calls, span{at, at + 600})
		}
	}
}

// rests lets the laptop sleep whenever nobody drives it.
func (w *World) rests(l *Laptop, spells []span) {
	l.life.awake = nil
	for _, s := range spells {
		l.life.awake = append(l.life.awake, wake{span{s.from - 1200, s.to + 1800}, false})
	}
}

// ownRouters gives every laptop of a farm a router and a line of its own, so that
// nothing joins them, and changes tools every week.
func ownRouters(w *World, d draw, _ int) []*Laptop {
	var out []*Laptop
	for range d.whole(2, 3) {
		for _, l := range rotator(w, d, 1) {
			s := &l.life.stays[0]
			lone := w.home(d, w.atlas.one(d, pick(d, broadband, cellular), s.at.carrier.country, s.at.carrier.region))
			lone.others, lone.laptops, lone.consoles = d.whole(1, 2), 0, 0
			for i := range l.life.stays {
				l.life.stays[i].at = lone
			}
			out = append(out, l)
		}
	}
	return out
}

// carefulConsole knows all of the rules: a disguised console, a router of its own, ten
// minutes of hands, working hours, sleep, the lid open.
func carefulConsole(w *World, d draw, _ int) []*Laptop {
	all := w.consoleFarm(d, 1, 60, true, func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) { return disguise(d, w.ring, d.chance(0.3)) })
	for _, l := range all {
		h := regular(d, l.person.zone, w.opts.Days)
		days := w.shifts(d, h)
		w.rests(l, days)
		l.life.beats = nil
		l.touched(d, days)
		s := &l.life.stays[0]
		s.shut, s.at.consoles, s.at.laptops = false, 0, 0
	}
	return all
}

// accomplice is a real citizen whose papers, address and line are all in order: the
// laptop stands where it should, was sent there and was never elsewhere, and somebody
// abroad works on it through a tool or a console (VONG, KNOOT).
func accomplice(w *World, d draw, _ int) []*Laptop {
	where := pick(d, w.homeland...)
	l := w.hire(d, where)
	l.camera = d.chance(0.3)
	home := w.home(d, w.atlas.one(d, broadband, where.country, where.region))
	o := w.newOperator(d, l.person.zone)
	spells := w.shifts(d, o.habits)
	bare := w.bare(d)
	if d.chance(0.5) {
		l.stands(stay{at: home, desk: bare, shut: d.chance(0.5), mains: 1})
		w.driveByTool(d, l, o, spells, w.foreignTool(d, "chrome-remote-desktop", "anydesk", "rustdesk"))
		return []*Laptop{l}
	}
	usb, display := pick(d, w.stock.consoles...).plug(d, w.ring)
	l.senses.hands = d.chance(0.8)
	l.stands(stay{at: home, desk: bare.with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}}), shut: d.chance(0.5), mains: 1})
	w.driveByConsole(d, l, o, spells)
	w.runs(d, l, w.start.Unix(), spells)
	return []*Laptop{l}
}

// consoleTurns is two to four laptops on disguised consoles and one operator, who goes
// from one to the next in spells of a quarter of an hour to an hour (PF6).
func consoleTurns(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	o := w.newOperator(d, h.at.zone)
	laptops := d.whole(2, 4)
	spells := byTurns(d, w.shifts(d, o.habits), laptops, 15, 60, 20, 120)
	return w.consoles(d, h, o, spells, func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display) { return disguise(d, w.ring, d.chance(0.7)) })
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

// frontSixth is a front who does a sixth to a third of the work at the keyboard.
func frontSixth(w *World, d draw, _ int) []*Laptop {
	all := singleHost(w, d, 1)
	for _, l := range all {
		w.frontHelps(d, l, d.between(0.16, 0.33))
	}
	return all
}
