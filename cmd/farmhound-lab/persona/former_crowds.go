package persona

import "time"

// carrierCrowd is three to six people who live apart, in one land, behind few addresses of
// one mobile carrier.
func carrierCrowd(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	carrier := w.atlas.one(d, cellular, where.country, "")
	var out []*Laptop
	for range d.whole(3, 6) {
		l := w.hire(d, pick(d, w.claimed(&host{at: where})...))
		home := w.home(d, carrier)
		home.lan = w.stock.lans[0]
		w.leases(d, home, d.whole(0, 8))
		w.atDesk(d, l, home, w.anyHours(d, l))
		out = append(out, l)
	}
	return out
}

// sharedDesks is three to six of the company's people in one co-working space, on one
// network with everybody or kept apart, some with the same monitors in turns.
func sharedDesks(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	space := w.home(d, w.atlas.one(d, business, where.country, where.region))
	space.others, space.laptops, space.consoles = d.whole(25, 150), d.whole(5, 60), pick(d, 0, 0, 0, 1)
	w.apart(space, 0.5)
	var out []*Laptop
	for range d.whole(3, 6) {
		l := w.hire(d, where)
		w.commutes(d, l, space, d.between(0.3, 1))
		if d.chance(0.3) {
			w.besides(d, l)
		}
		out = append(out, l)
	}
	return out
}

// team is three to nine contractors in one vendor's office abroad, as declared, by the
// local day or the company's.
func team(w *World, d draw, _ int) []*Laptop {
	where := pick(d, w.offshore...)
	rooms := w.home(d, w.atlas.one(d, business, where.country, where.region))
	rooms.others, rooms.laptops = d.whole(5, 90), d.whole(3, 40)
	byCompany := d.chance(0.4)
	var out []*Laptop
	for range d.whole(3, 9) {
		l := w.hire(d, where)
		l.person.role = "External, " + pick(d, roles...)
		w.commutes(d, l, rooms, d.between(0.5, 1))
		if byCompany {
			w.keepsHoursOf(l, w.homeland[0])
		}
		out = append(out, l)
	}
	return out
}

// keepsHoursOf moves everything that somebody does to the hours of another place.
func (w *World) keepsHoursOf(l *Laptop, place locality) {
	_, here := w.start.In(w.clocks.load(l.person.zone)).Zone()
	_, there := w.start.In(w.clocks.load(place.zone)).Zone()
	by := int64(here - there)
	for i := range l.life.awake {
		l.life.awake[i].from, l.life.awake[i].to = l.life.awake[i].from+by, l.life.awake[i].to+by
	}
	for i := range l.life.work {
		l.life.work[i].from, l.life.work[i].to = l.life.work[i].from+by, l.life.work[i].to+by
	}
	for i := range l.life.calls {
		l.life.calls[i].from, l.life.calls[i].to = l.life.calls[i].from+by, l.life.calls[i].to+by
	}
	for i := range l.life.stays[1:] {
		l.life.stays[i+1].from += by
	}
	at := float64(by) / 3600
	l.person.start, l.person.end = shifted(l.person.start, at), shifted(l.person.end, at)
}

func shifted(at string, hours float64) string {
	t, err := time.Parse("15:04", at)
	if err != nil {
		return at
	}
	return t.Add(time.Duration(hours * float64(time.Hour))).Format("15:04")
}

// wanderer works from one country after another and told nobody, with the own hands and
// without hiding it. Some spend the first days at home.
func wanderer(w *World, d draw, _ int) []*Laptop {
	l := w.hire(d, w.somewhere(d))
	h := w.anyHours(d, l)
	bare, m := w.bare(d), ordinary(d, 0)
	at := w.start.Unix()
	if d.chance(0.5) {
		l.stands(stay{from: at, at: w.home(d, w.line(d, locality{country: l.person.country, region: l.person.region})), desk: bare, mains: 0.7})
		leaves := at + int64(d.between(1, 12)*daySeconds)
		l.live(m, within(w.shifts(d, h), span{at, leaves}))
		at = leaves
	}
	movesClock := d.chance(0.6)
	for at < w.end.Unix() {
		there := pick(d, w.offshore...)
		room := w.home(d, w.atlas.one(d, pick(d, broadband, business, cellular), there.country, ""))
		room.others, room.laptops = d.whole(1, 60), d.whole(0, 8)
		w.apart(room, 0.6)
		l.stands(stay{from: at, at: room, desk: bare, mains: d.between(0.2, 0.9)})
		if movesClock {
			l.life.zones = append(l.life.zones, zone{at, there.zone})
			h.zone = there.zone
		}
		until := at + int64(d.between(3, 25)*daySeconds)
		l.live(m, within(w.shifts(d, h), span{at, until}))
		at = until
	}
	return []*Laptop{l}
}

// hiddenWanderer does the same behind a VPN that leaves where the roster says: whether
// that is a farmed laptop or a beach, nobody can tell from it.
func hiddenWanderer(w *World, d draw, size int) []*Laptop {
	all := wanderer(w, d, size)
	for _, l := range all {
		w.private(d, l, 1)
	}
	return all
}

// counter is a laptop on a counter that whoever is there uses, in an office or in a shop
// that nobody registered.
func counter(w *World, d draw, size int) []*Laptop {
	all := kiosk(w, d, size)
	for _, l := range all {
		if d.chance(0.5) {
			shop := w.home(d, w.atlas.one(d, business, l.person.country, l.person.region))
			shop.others, shop.laptops = d.whole(2, 20), d.whole(0, 5)
			for i := range l.life.stays {
				l.life.stays[i].at = shop
			}
		}
		w.plugsIn(l, w.stock.extras[2].device(d, w.ring, "1-3"))
	}
	return all
}

// busyLooking is somebody who types on the laptop and has it look busy all the time.
func busyLooking(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	w.jiggles(d, l)
	return []*Laptop{l}
}

// consoleUnwatched is a developer's life with a console, on a laptop whose agent may not
// watch input.
func consoleUnwatched(w *World, d draw, size int) []*Laptop {
	all := toolmaker(w, d, size)
	for _, l := range all {
		l.senses.hands = false
		if d.chance(0.8) {
			w.plugsIn(l, pick(d, w.stock.keyboards...).device(d, w.ring, "1-4"))
			w.plugsIn(l, pick(d, w.stock.mice...).device(d, w.ring, "1-5"))
		}
	}
	return all
}
