package persona

// homeWorker works from home on weekdays, often with a monitor and a keyboard
// plugged in, and is in calls. Nothing in the sources speaks of such people: they
// are most of any fleet (TRK: the first week's alerts are ordinary people).
func homeWorker(w *World, d draw, _ int) []*Laptop {
	return []*Laptop{w.atHome(d, pick(d, homeland...))}
}

// atHome draws somebody who works at home.
func (w *World) atHome(d draw, where locality) *Laptop {
	l := w.hire(d, where)
	home := w.home(d, w.atlas.one(d, broadband, where.country, where.region))
	w.ordinaryDesk(d, l, home)
	return l
}

// ordinaryDesk lets the laptop live at a network, on the sofa or on a desk.
func (w *World) ordinaryDesk(d draw, l *Laptop, at *site) {
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	bare := w.bare(d)
	place := stay{at: at, desk: bare, mains: d.between(0.5, 0.95)}
	attached := 0.0
	if d.chance(0.55) {
		place.desk, place.mains, place.wired = w.docked(d, bare), 1, d.chance(0.3)
		attached = d.between(0.5, 1)
	}
	m := ordinary(d, attached)
	m.always = place.mains >= 1 && d.chance(0.15)
	l.stands(place)
	l.live(w, m, w.shifts(d, h))
}
