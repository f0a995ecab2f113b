package persona

// These honest lives are hard for where the laptops are: many people of the company in
// one place, or one person in many.

// hotDesk is four to eight people in a branch that nobody registered, each day at another
// of its desks: monitors and docks are many people's.
func hotDesk(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	branch := w.home(d, w.atlas.one(d, business, where.country, where.region))
	branch.gateway, branch.others, branch.laptops = mac(d, officeMakers...), d.whole(15, 70), d.whole(8, 40)
	var desks []*desk
	for range d.whole(4, 9) {
		desks = append(desks, w.docked(d, &desk{}))
	}
	var out []*Laptop
	for range d.whole(4, 8) {
		l := w.hire(d, where)
		bare := w.bare(d)
		sofa := stay{at: w.home(d, w.atlas.one(d, broadband, where.country, where.region)), desk: bare, mains: d.between(0.3, 0.9)}
		h := regular(d, l.person.zone, w.opts.Days)
		l.declare(h)
		l.stands(sofa)
		m, presence := ordinary(d, d.between(0.4, 0.95)), d.between(0.5, 1)
		for _, s := range w.shifts(d, h) {
			if d.chance(presence) {
				l.stands(stay{from: s.from - 600, at: branch, desk: bare.with(pick(d, desks...)), mains: 1, wired: d.chance(0.6)})
				sofa.from = s.to + int64(m.linger*60) + 900
				l.stands(sofa)
			}
			l.live(m, []span{s})
		}
		out = append(out, l)
	}
	return out
}

// managedWiFi is two or three people who do not know each other, in flats of one house
// whose owner runs one network with one gateway for all of them.
func managedWiFi(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	house := w.home(d, w.atlas.one(d, pick(d, broadband, business), where.country, where.region))
	house.others, house.laptops, house.consoles = d.whole(30, 150), d.whole(8, 50), pick(d, 0, 0, 1)
	w.apart(house, 0.6)
	var out []*Laptop
	for range d.whole(2, 3) {
		l := w.hire(d, where)
		w.ordinaryDesk(d, l, house)
		out = append(out, l)
	}
	return out
}

// siblings are declared in two states and spend a week or two at their parents'.
func siblings(w *World, d draw, _ int) []*Laptop {
	at := w.somewhere(d)
	parents := w.home(d, w.atlas.one(d, broadband, at.country, at.region))
	from := w.start.Unix() + int64(d.between(1, 10)*daySeconds)
	visit := span{from, from + int64(d.between(7, 15)*daySeconds)}
	return []*Laptop{w.visits(d, parents, visit), w.visits(d, parents, visit)}
}

// conference is five to seven colleagues who live apart and spend a week in one hotel.
func conference(w *World, d draw, _ int) []*Laptop {
	at := pick(d, w.homeland...)
	hotel := w.home(d, w.atlas.one(d, business, at.country, at.region))
	hotel.others, hotel.laptops = d.whole(50, 200), d.whole(10, 60)
	w.apart(hotel, 0.8)
	from := w.start.Unix() + int64(d.between(2, 20)*daySeconds)
	visit := span{from, from + int64(d.between(4, 7)*daySeconds)}
	var out []*Laptop
	for range d.whole(5, 7) {
		out = append(out, w.visits(d, hotel, visit))
	}
	return out
}

// mover moves house in the course of the month and has not told anybody yet.
func mover(w *World, d draw, _ int) []*Laptop {
	to := w.somewhere(d)
	from := w.start.Unix() + int64(d.between(4, 20)*daySeconds)
	l := w.visits(d, w.home(d, w.atlas.one(d, broadband, to.country, to.region)), span{from, w.end.Unix() + daySeconds})
	return []*Laptop{l}
}

// visits draws somebody who works at home and, for a time, elsewhere with nothing but
// the laptop.
func (w *World) visits(d draw, place *site, during span) *Laptop {
	l := w.atHome(d, w.somewhere(d))
	bare := w.bare(d)
	for i := range l.life.work {
		if k := &l.life.work[i]; k.from >= during.from && k.from < during.to {
			k.hands = hands{builtIn: 1}
		}
	}
	var stays []stay
	after := l.life.stays[0]
	for _, s := range l.life.stays {
		if s.from < during.from || s.from >= during.to {
			stays = append(stays, s)
		}
		if s.from < during.to {
			after = s
		}
	}
	after.from = during.to
	l.life.stays = append(stays, stay{from: during.from, at: place, desk: bare, mains: d.between(0.4, 0.9)}, after)
	return l
}

// borderer lives where the neighbour country's mobile network is the stronger one: on
// some days the laptop's way out is abroad, and its user types as always.
func borderer(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	over := w.home(d, w.atlas.one(d, cellular, "CA", ""))
	home, often := l.life.stays[0], d.between(0.1, 0.5)
	for _, s := range l.life.work {
		if s.from > w.start.Unix() && d.chance(often) {
			roams, back := *l.life.stayAt(s.from), home
			roams.from, roams.at = s.from, over
			back.from = s.to
			l.life.stays = append(l.life.stays, roams, back)
		}
	}
	return []*Laptop{l}
}

// foreignExit values privacy more than speed: a consumer VPN with an exit in a neighbour
// country is always on, from before the agent came.
func foreignExit(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	id := pick(d, "nordvpn", "mullvad")
	l.install(plain(id, ""), 0, 0)
	t := &tunnel{tool: id, kind: "wireguard", mtu: 1420, defaultRoute: true}
	t.exit = w.atlas.one(d, vpn, pick(d, "CA", "DE"), "").address(d)
	for i := range l.life.stays {
		l.life.stays[i].tunnel = t
	}
	return []*Laptop{l}
}
