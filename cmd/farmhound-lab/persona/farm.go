package persona

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// host is somebody who keeps laptops for others.
type host struct {
	at   locality
	home *site
}

// newHost draws a host with other employers' laptops on the same network: searched
// farms held seven on average (REC29).
func (w *World) newHost(d draw) *host {
	h := &host{at: pick(d, w.homeland...)}
	h.home = w.home(d, w.atlas.one(d, broadband, h.at.country, h.at.region))
	h.home.laptops += d.whole(0, 14)
	return h
}

// plant draws a laptop that stands at a host's. The person it was issued to is
// declared to live elsewhere, and it was sent to the host's address more often
// than to the declared one (U42, CHAP).
func (w *World) plant(d draw, h *host, systems ...farmhoundv1.OperatingSystem) *Laptop {
	l := w.hire(d, pick(d, w.claimed(h)...), systems...)
	if d.chance(0.65) {
		l.person.shipTo = h.at.country + "-" + h.at.region
	}
	l.camera = false
	return l
}

// claimed is where people whose laptops a host keeps say they live: in the host's country.
func (w *World) claimed(h *host) []locality {
	var all []locality
	for _, l := range w.stock.claims {
		if l.country == h.at.country {
			all = append(all, l)
		}
	}
	return all
}

// shelf is how the laptop stands there: on mains, mostly shut.
func (w *World) shelf(d draw, h *host, desk *desk) stay {
	return stay{at: h.home, desk: desk, shut: d.chance(0.6), mains: 1, wired: d.chance(0.35)}
}

// arrives is when a laptop comes to the host: it was there before its agent, or
// comes in the first days.
func (w *World) arrives(d draw) int64 {
	if d.chance(0.4) {
		return w.start.Unix()
	}
	return w.start.Unix() + int64(d.between(0, min(5, float64(w.opts.Days)/4))*daySeconds)
}

// setUp is when the tools of a laptop that came are in place: within hours or days
// (KNOOT, KB4).
func (w *World) setUp(d draw, since int64) int64 {
	if since == w.start.Unix() && d.chance(0.6) {
		return since
	}
	return since + int64(d.between(1, 48)*3600)
}

// runs keeps the laptop awake: nearly always without pause (ADV22).
func (w *World) runs(d draw, l *Laptop, since int64, spells []span) {
	if d.chance(0.88) || len(spells) == 0 {
		l.neverSleeps(w, since)
		return
	}
	l.life.awake = append(l.life.awake, wake{span{since, since + 7200}, true})
	for _, s := range spells {
		l.life.awake = append(l.life.awake, wake{span{s.from - 600, s.to + 2400}, false})
	}
}

// rmmFarm keeps two or three of the company's laptops, and other employers', in
// one home. On the first day or days each gets one or two remote-control tools
// that the company does not use (KNOOT, PSA24, BALL), and is then driven through
// the working day from abroad, directly, through a VPN or a relay (MANPOD), by one
// operator in turns or by one each.
func rmmFarm(w *World, d draw, size int) []*Laptop {
	h := w.newHost(d)
	laptops := min(d.whole(2, 3), max(size, 2))
	shared := w.newOperator(d, h.at.zone)
	turns := shared.turns(d, w.shifts(d, shared.habits), laptops)
	alone := d.chance(0.6)
	var out []*Laptop
	for i := range laptops {
		l := w.plant(d, h)
		l.stands(w.shelf(d, h, w.bare(d)))
		o, spells := shared, turns[i]
		if alone {
			o = w.newOperator(d, l.person.zone)
			spells = w.shifts(d, o.habits)
		}
		w.driveByTool(d, l, o, spells, w.foreignTool(d, "anydesk", "rustdesk", "chrome-remote-desktop", "dwagent"))
		out = append(out, l)
	}
	return out
}

// foreignTool is one of the tools that the company does not use.
func (w *World) foreignTool(d draw, from ...string) string {
	for {
		if id := pick(d, from...); id != w.company.tool {
			return id
		}
	}
}

// driveByTool installs a tool soon after the laptop came and lets an operator use it.
func (w *World) driveByTool(d draw, l *Laptop, o *operator, spells []span, id string) {
	since := w.arrives(d)
	ready := w.setUp(d, since)
	spells = within(spells, span{ready, w.end.Unix()})
	t := remote(d, id, d.chance(0.9))
	t.fixed = id == "chrome-remote-desktop" && d.chance(0.6)
	t.renamed = d.chance(0.06)
	l.install(t, ready, 0)
	if d.chance(0.35) {
		second := w.foreignTool(d, "anydesk", "chrome-remote-desktop", "rustdesk", "teamviewer")
		l.install(remote(d, second, true), ready+int64(d.between(0.1, 9)*daySeconds), 0)
	}
	m := o.manner
	local := max(d.around(0.01, 0.01), 0)
	m.hands = hands{injected: 1 - local, builtIn: local}
	o.drive(d, l, o.link(id, l.System.GetOs()), spells, m)
	w.runs(d, l, since, spells)
}

// singleHost is one laptop at a relative's or friend's home, driven through Chrome
// Remote Desktop or another tool all day (ANYR, BALL, VONG): no other laptop beside
// it, the right country, a plain home line. Whoever hosts it touches it now and then.
func singleHost(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	h.home.laptops = d.whole(0, 1)
	l := w.plant(d, h)
	place := w.shelf(d, h, w.bare(d))
	place.shut = d.chance(0.3)
	l.stands(place)
	o := w.newOperator(d, l.person.zone)
	crd := "chrome-remote-desktop"
	w.driveByTool(d, l, o, w.shifts(d, o.habits), w.foreignTool(d, crd, crd, crd, "anydesk", "rustdesk"))
	if d.chance(0.3) {
		w.frontHelps(d, l, d.between(0.03, 0.12))
	}
	return []*Laptop{l}
}

// frontHelps lets the host do a share of the work at the keyboard.
func (w *World) frontHelps(d draw, l *Laptop, share float64) {
	for i := range l.life.work {
		k := &l.life.work[i]
		k.hands.builtIn = share * d.between(0.5, 1.5)
		k.hands.injected = 1 - k.hands.builtIn
	}
}

// slowStarter is somebody's own laptop at the declared home, honestly used for the
// first week or two, until its owner rents it out (VONG; PLEA cases of fronts).
func slowStarter(w *World, d draw, _ int) []*Laptop {
	where := pick(d, w.homeland...)
	l := w.hire(d, where)
	home := w.home(d, w.atlas.one(d, broadband, where.country, where.region))
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	bare := w.bare(d)
	l.stands(stay{at: home, desk: bare, mains: d.between(0.5, 0.9)})
	turn := w.start.Unix() + int64(d.between(0.25, 0.42)*float64(w.opts.Days)*daySeconds)
	l.begins = turn
	l.live(ordinary(d, 0), within(w.shifts(d, h), span{0, turn}))
	l.stands(stay{from: turn, at: home, desk: bare, shut: d.chance(0.5), mains: 1})

	o := w.newOperator(d, l.person.zone)
	id := w.foreignTool(d, "anydesk", "rustdesk", "chrome-remote-desktop")
	t := remote(d, id, true)
	t.fixed = id == "chrome-remote-desktop" && d.chance(0.5)
	l.install(t, turn, 0)
	m := o.manner
	local := d.between(0, 0.04)
	m.hands = hands{injected: 1 - local, builtIn: local}
	o.drive(d, l, o.link(id, l.System.GetOs()), within(w.shifts(d, o.habits), span{turn, w.end.Unix()}), m)
	l.life.awake = append(l.life.awake, wake{span{turn, w.end.Unix() + daySeconds}, false})
	return []*Laptop{l}
}

// rotator changes its tool every week or so (INS26: several tools side by side;
// BALL), at a host's with one or two of the company's laptops.
func rotator(w *World, d draw, size int) []*Laptop {
	h := w.newHost(d)
	var out []*Laptop
	for range min(d.whole(1, 2), max(size, 1)) {
		l := w.plant(d, h)
		l.stands(w.shelf(d, h, w.bare(d)))
		o := w.newOperator(d, l.person.zone)
		since := w.arrives(d)
		shifts := w.shifts(d, o.habits)
		ids := []string{"anydesk", "rustdesk", "chrome-remote-desktop", "dwagent", "teamviewer"}
		d.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		at := w.setUp(d, since)
		for _, id := range ids {
			if id == w.company.tool || at >= w.end.Unix() {
				continue
			}
			until := at + int64(d.between(4, 9)*daySeconds)
			t := remote(d, id, d.chance(0.8))
			t.writable = d.chance(0.3)
			l.install(t, at, until+3600)
			m := o.manner
			m.hands = hands{injected: 1}
			o.drive(d, l, o.link(id, l.System.GetOs()), within(shifts, span{at, until}), m)
			at = until
		}
		w.runs(d, l, since, shifts)
		out = append(out, l)
	}
	return out
}
