package persona

import "math"

// displaced is a laptop that was sent on abroad, where its user types at its own
// keyboard behind a VPN that leaves in the declared country (CHAP's shipped
// laptops, GTIG's laptop in London; MANPOD and ANYR on the VPN). The clock is the
// declared one, or slips to the true one; now and then the VPN drops.
func displaced(w *World, d draw, _ int) []*Laptop {
	l := w.hire(d, pick(d, w.homeland...))
	there := w.stock.hubs[d.weighted(4, 2, 2, 1, 1)]
	flat := w.home(d, w.atlas.one(d, broadband, there.country, there.region))
	bare := w.bare(d)
	id := "astrill"
	if d.chance(0.15) {
		id = pick(d, "nordvpn", "mullvad")
	}
	l.install(plain(id, ""), w.start.Unix(), 0)
	from := w.start.Unix()
	if d.chance(0.2) {
		from = w.forwarded(d, l, bare)
	}
	exit := w.exit(d, id, l.person.country)
	hidden := stay{from: from, at: flat, desk: bare, mains: d.between(0.6, 1), tunnel: exit}
	l.stands(hidden)

	// Something nearly always tells: the clock, the hours, or a VPN that drops.
	slips, ownHours, drops := d.chance(0.75), d.chance(0.6), d.between(0.03, 0.12)
	if !slips && !ownHours {
		drops = d.between(0.15, 0.35)
	}
	h := regular(d, l.person.zone, w.opts.Days)
	if ownHours {
		_, here := w.start.In(w.clocks.load(there.zone)).Zone()
		_, claimed := w.start.In(w.clocks.load(l.person.zone)).Zone()
		shift := math.Remainder(float64(claimed-here)/3600, 24) * d.between(0.7, 1)
		h.start, h.end = h.start+shift, h.end+shift
	}
	if slips {
		l.life.zones = append(l.life.zones, zone{from + int64(d.between(0.1, 0.7)*float64(w.opts.Days)*daySeconds), there.zone})
	}
	m := ordinary(d, 0)
	m.calls = pick(d, 0, 0.3, 1)
	shifts := within(w.shifts(d, h), span{from, w.end.Unix()})
	l.live(m, shifts)
	// Nobody's VPN holds for four weeks.
	surely := len(shifts) - d.whole(2, 10)
	for i, s := range shifts {
		if !d.chance(drops) && i != surely {
			continue
		}
		dropped, again := hidden, hidden
		dropped.from, dropped.tunnel = s.from+int64(d.between(0.5, 4)*3600), nil
		again.from = dropped.from + int64(d.between(1.1, 2.5)*3600)
		l.stands(dropped)
		l.stands(again)
	}
	return []*Laptop{l}
}

// forwarded is the laptop's start at a forwarder's, where it is switched on to be
// enrolled, and returns when it arrives after its journey.
func (w *World) forwarded(d draw, l *Laptop, bare *desk) int64 {
	via := w.newHost(d)
	if d.chance(0.5) {
		l.person.shipTo = via.at.country + "-" + via.at.region
	}
	l.stands(stay{at: via.home, desk: bare, mains: 1})
	start := w.start.Unix() + int64(d.between(1, 20)*3600)
	l.life.awake = append(l.life.awake, wake{span{start, start + int64(d.between(2, 6)*3600)}, true})
	return start + int64(d.between(0.15, 0.35)*float64(w.opts.Days)*daySeconds)
}
