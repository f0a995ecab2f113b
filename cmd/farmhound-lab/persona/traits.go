package persona

import (
	"cmp"
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// someone draws a person of the former casting who works at home: at hours and over a
// line of any kind, and half of them with one more trait that is harmless alone.
func (w *World) someone(d draw, where locality, systems ...farmhoundv1.OperatingSystem) *Laptop {
	l := w.hire(d, where, systems...)
	home := w.home(d, w.line(d, where))
	h := w.anyHours(d, l)
	w.atDesk(d, l, home, h)
	if d.chance(0.5) {
		w.besides(d, l)
	}
	return l
}

// anyHours draws and declares when somebody works: by day, early, late, four days a week,
// or from Sunday to Thursday.
func (w *World) anyHours(d draw, l *Laptop) habits {
	h := regular(d, l.person.zone, w.opts.Days)
	lasts := h.end - h.start
	switch d.weighted(5, 1, 1, 1, 0.5) {
	case 1:
		h.start = d.between(4.5, 6.5)
	case 2:
		h.start = d.between(11, 14.5)
	case 3:
		h.workweek[5], l.person.days = false, "mon-thu"
		lasts += d.between(0.5, 2)
	case 4:
		h.workweek, l.person.days = [7]bool{true, true, true, true, true, false, false}, "sun-thu"
	}
	h.end = h.start + lasts
	l.declare(h)
	return h
}

// besides gives somebody one more trait.
func (w *World) besides(d draw, l *Laptop) {
	switch d.weighted(1, 1.5, 1, 1, 1, 1, 0.7, 0.7) {
	case 0:
		w.bySatellite(d, l)
	case 1:
		w.private(d, l, d.between(0.05, 0.8))
	case 2:
		w.shutAway(d, l)
	case 3:
		w.jiggles(d, l)
	case 4:
		w.plugsIn(l, pick(d, w.stock.extras...).device(d, w.ring, "1-3"))
	case 5:
		l.install(plain(pick(d, "zerotier", "netbird", "tailscale"), ""), w.start.Unix()+int64(d.between(-2, 15)*daySeconds), 0)
	case 6:
		l.senses.hands, l.senses.why = false, "no helper runs in the user's session"
	default:
		w.helpedOnce(d, l)
	}
}

// bySatellite puts the home where only a geostationary satellite reaches: its packets
// land at a station elsewhere in the country.
func (w *World) bySatellite(d draw, l *Laptop) {
	home := l.life.stays[0].at
	home.satellite, home.six = true, false
	home.carrier = w.atlas.one(d, broadband, l.person.country, "")
	w.leases(d, home, d.whole(0, 3))
}

// private has a consumer VPN up for a share of the work, or, above three quarters, always.
func (w *World) private(d draw, l *Laptop, share float64) {
	w.privateIn(d, l, share, l.person.country)
}

// privateIn is the same with a way out in a country.
func (w *World) privateIn(d draw, l *Laptop, share float64, country string) {
	id := pick(d, w.stock.vpns...)
	l.install(plain(id, ""), w.start.Unix()+int64(pick(d, -1, d.between(0, 9))*daySeconds), 0)
	if share > 0.75 {
		out := w.wayOut(d, id, country)
		for i := range l.life.stays {
			l.life.stays[i].tunnel = out
		}
		return
	}
	var more []stay
	for _, s := range l.life.work {
		if d.chance(share) {
			on := *l.life.stayAt(s.from)
			off := on
			on.from, on.tunnel, off.from = s.from, w.wayOut(d, id, country), s.to
			more = append(more, on, off)
		}
	}
	l.life.stays = append(l.life.stays, more...)
	slices.SortStableFunc(l.life.stays, func(a, b stay) int { return cmp.Compare(a.from, b.from) })
}

// wayOut is a consumer VPN's in a country: at an address that data know as a VPN's, or as
// a rented server's.
func (w *World) wayOut(d draw, id, country string) *tunnel {
	t := w.exit(d, id, country)
	if some := w.atlas.in(rented, country, ""); len(some) > 0 && d.chance(0.4) {
		t.exit = pick(d, some...).address(d)
	}
	return t
}

// shutAway docks the laptop at home with its lid shut; it is used there through the desk's
// keyboard alone, and mostly never sleeps.
func (w *World) shutAway(d draw, l *Laptop) {
	home := l.life.stays[0].at
	desk := w.docked(d, w.bare(d))
	wired := d.chance(0.6)
	for i := range l.life.stays {
		if s := &l.life.stays[i]; s.at == home {
			s.desk, s.shut, s.mains, s.wired = desk, true, 1, wired
		}
	}
	for i := range l.life.work {
		if k := &l.life.work[i]; l.life.stayAt(k.from).at == home {
			k.hands = hands{attached: 1}
		}
	}
	if d.chance(0.6) {
		l.neverSleeps(w, w.start.Unix())
	}
}

// jiggles keeps the laptop from looking idle, with a board or a program.
func (w *World) jiggles(d draw, l *Laptop) {
	if d.chance(0.5) {
		w.plugsIn(l, jigglerBoard(w))
	} else {
		l.install(plain(pick(d, w.stock.jigglers[l.System.GetOs()]...), ""), w.start.Unix(), 0)
	}
	l.life.beats = append(l.life.beats, beat{span{w.start.Unix(), w.end.Unix()}, pick(d, w.stock.beats...)})
	if d.chance(0.4) {
		l.neverSleeps(w, w.start.Unix())
	}
}

// plugsIn has one more device at the laptop wherever it goes.
func (w *World) plugsIn(l *Laptop, device *farmhoundv1.UsbDevice) {
	more, with := &desk{usb: []*farmhoundv1.UsbDevice{device}}, map[*desk]*desk{}
	for i := range l.life.stays {
		s := &l.life.stays[i]
		if with[s.desk] == nil {
			with[s.desk] = s.desk.with(more)
		}
		s.desk = with[s.desk]
	}
}

// toolFor draws one of some tools that the company does not use and the system can run.
func (w *World) toolFor(d draw, l *Laptop, from ...string) string {
	from = slices.DeleteFunc(slices.Clone(from), func(id string) bool {
		return id == w.company.tool || slices.Contains(l.person.tools, id) || !slices.Contains(remoteTools[id].systems, l.System.GetOs())
	})
	return pick(d, from...)
}

// trip is the smallest round trip between two places, in milliseconds.
func trip(d draw, a, b locality) float64 {
	return kilometres(a.latitude, a.longitude, b.latitude, b.longitude)/kmPerMs*d.between(1.2, 1.9) + d.between(5, 30)
}

// via is how somebody elsewhere comes into a laptop by a tool: straight where the tool can
// and chance lets it, else through a relay. It returns the address that the laptop sees
// and the round trip to there.
func (w *World) via(d draw, l *Laptop, id string, from locality, sells trade) (link *link, c control) {
	here := l.life.stays[0].at.carrier.locality
	path := farmhoundv1.SessionPath_SESSION_PATH_RELAY
	relay := w.relay(d, here, from)
	c.peer, c.rtt = relay.address(d), trip(d, here, relay.locality)
	if known := remoteTools[id]; known.direct && (!known.relay || d.chance(0.5)) {
		path = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
		region := from.region
		if len(w.atlas.in(sells, from.country, region)) == 0 {
			region = ""
		}
		c.peer, c.rtt = w.atlas.one(d, sells, from.country, region).address(d), trip(d, here, from)
	}
	return linkOf(id, l.System.GetOs(), path), c
}

// relay is a vendor's between two places: anywhere, or near one of them where the casting
// knows better.
func (w *World) relay(d draw, here, from locality) *carrier {
	all := w.atlas.in(hosting, "", "")
	if !w.casting.nearRelays || d.chance(0.08) {
		return pick(d, all...)
	}
	if d.chance(0.25) {
		here = from
	}
	return slices.MinFunc(all, func(a, b *carrier) int {
		return cmp.Compare(kilometres(here.latitude, here.longitude, a.latitude, a.longitude), kilometres(here.latitude, here.longitude, b.latitude, b.longitude))
	})
}

// lets lets somebody else work on the laptop for its user.
func (l *Laptop) lets(d draw, via *link, c control, from int64, minutes float64) {
	l.helped(d, via, c.peer, span{from, from + int64(minutes*60)}, c.rtt*d.between(1, 1.06))
}
