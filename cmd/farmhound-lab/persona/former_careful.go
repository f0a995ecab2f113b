package persona

import (
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Farms of the former casting that begin late, went abroad or know the rules.

// turncoat uses the own laptop honestly for a week or two and then rents it out.
func turncoat(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where)
	h := w.anyHours(d, l)
	home := w.home(d, w.line(d, where))
	bare := w.bare(d)
	turn := w.start.Unix() + int64(d.between(0.2, 0.5)*float64(w.opts.Days)*daySeconds)
	l.begins = turn
	l.stands(stay{at: home, desk: bare, mains: d.between(0.5, 0.9)})
	l.live(ordinary(d, 0), within(w.shifts(d, h), span{0, turn}))
	l.stands(stay{from: turn, at: home, desk: bare, shut: d.chance(0.5), mains: 1})
	o := w.hired(d, &host{at: where, home: home}, l.person.zone)
	id := w.toolFor(d, l, "anydesk", "rustdesk", "chrome-remote-desktop", "nomachine", "teamviewer")
	l.install(remote(d, id, true), turn, 0)
	m := o.manner
	local := d.between(0, 0.05)
	m.hands = hands{injected: 1 - local, builtIn: local}
	o.drive(d, l, o.link(id, l.System.GetOs()), within(w.shifts(d, o.habits), span{turn, w.end.Unix()}), m)
	l.life.awake = append(l.life.awake, wake{span{turn, w.end.Unix() + daySeconds}, false})
	return []*Laptop{l}
}

// heldAbroad never drops its VPN and keeps clock and hours; only its own interface tells.
func heldAbroad(w *World, d draw, _ int) []*Laptop {
	l, flat := w.sentAbroad(d)
	id := pick(d, "astrill", "expressvpn", "nordvpn", "protonvpn")
	l.install(plain(id, ""), w.start.Unix(), 0)
	l.senses.ways = true
	l.stands(stay{at: flat, desk: w.bare(d), mains: d.between(0.5, 1), tunnel: w.wayOut(d, id, l.person.country)})
	return []*Laptop{l}
}

// routedHome has the VPN in the router: only the time that packets take is left.
func routedHome(w *World, d draw, _ int) []*Laptop {
	l, flat := w.sentAbroad(d)
	flat.exit = w.wayOut(d, "nordvpn", l.person.country).exit
	flat.six, flat.leases = false, []lease{{w.start.Unix(), flat.exit}}
	l.stands(stay{at: flat, desk: w.bare(d), mains: d.between(0.5, 1)})
	return []*Laptop{l}
}

// sentAbroad draws such a laptop. So that packets can tell, it is far from where its people
// say that it is.
func (w *World) sentAbroad(d draw) (*Laptop, *site) {
	l := w.hire(d, pick(d, w.homeland...))
	claimed := w.claimedAt(l)
	hubs := slices.DeleteFunc(slices.Clone(w.stock.hubs), func(h locality) bool {
		return kilometres(h.latitude, h.longitude, claimed.latitude, claimed.longitude) < 4000
	})
	there := pick(d, hubs...)
	flat := w.home(d, w.atlas.one(d, broadband, there.country, there.region))
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	l.live(ordinary(d, d.between(0, 0.7)), w.shifts(d, h))
	return l, flat
}

// claimedAt is where the person is declared to live.
func (w *World) claimedAt(l *Laptop) locality {
	i := slices.IndexFunc(w.stock.claims, func(at locality) bool { return at.country == l.person.country && at.region == l.person.region })
	return w.stock.claims[max(i, 0)]
}

// tenAtHands is driven by a tool at working hours, sleeps otherwise, and is touched for ten
// minutes a day by whoever hosts it.
func tenAtHands(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d).alone(d)
	l := w.plant(d, h)
	l.stands(stay{at: h.home, desk: w.bare(d), mains: 1})
	o := w.hired(d, h, l.person.zone)
	spells := w.shifts(d, o.habits)
	w.handOver(d, l, o, spells, w.toolFor(d, l, "anydesk", "rustdesk", "nomachine", "hoptodesk", "realvnc-server"))
	w.byRules(d, l, spells)
	return []*Laptop{l}
}

// changesTools keeps a laptop with a host, whose operator comes by another tool every week.
func (w *World) changesTools(d draw, h *host) *Laptop {
	l := w.plant(d, h)
	l.stands(w.shelf(d, h, w.bare(d)))
	o := w.hired(d, h, l.person.zone)
	since, shifts := w.arrives(d), w.shifts(d, o.habits)
	w.weekly(d, l, o, since, shifts)
	w.runs(d, l, since, shifts)
	return l
}

// apartTools is two to four laptops, each behind a router and a line of its own, with
// another tool every week.
func apartTools(w *World, d draw, _ int) []*Laptop {
	var out []*Laptop
	for range d.whole(2, 4) {
		h := w.newHost(d).alone(d)
		h.home.laptops = 0
		out = append(out, w.changesTools(d, h))
	}
	return out
}

// changing is a home with one to three laptops whose tools change every week.
func changing(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	var out []*Laptop
	for range d.whole(1, 3) {
		out = append(out, w.changesTools(d, h))
	}
	return out
}

// carefulTools goes by all of the rules: a router of its own, another tool every week, ten
// minutes of hands, working hours, sleep.
func carefulTools(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d).alone(d)
	h.home.laptops = 0
	l := w.plant(d, h)
	l.stands(stay{at: h.home, desk: w.bare(d), mains: 1})
	o := w.hired(d, h, l.person.zone)
	shifts := w.shifts(d, regular(d, l.person.zone, w.opts.Days))
	w.weekly(d, l, o, w.start.Unix(), shifts)
	w.byRules(d, l, shifts)
	return []*Laptop{l}
}

// carefulPose is the same with a posing console instead of tools.
func carefulPose(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d).alone(d)
	h.home.laptops = 0
	l := w.plant(d, h)
	l.senses.hands = true
	usb, display := w.pretence(d, d.chance(0.4))
	l.stands(stay{at: h.home, desk: w.bare(d).with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}}), mains: 1})
	o := w.hired(d, h, l.person.zone)
	shifts := w.shifts(d, regular(d, l.person.zone, w.opts.Days))
	w.driveByConsole(d, l, o, shifts)
	w.byRules(d, l, shifts)
	return []*Laptop{l}
}

// halfFront does a sixth to two fifths of the work himself.
func halfFront(w *World, d draw, size int) []*Laptop {
	all := lodger(w, d, size)
	for _, l := range all {
		w.frontHelps(d, l, d.between(0.16, 0.4))
	}
	return all
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
