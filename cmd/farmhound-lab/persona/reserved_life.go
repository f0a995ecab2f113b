package persona

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// How people of the reserved casting live with their laptops: when they work, how, and
// where they are.

// resident draws somebody who works at home, with up to two traits beside that are
// harmless alone.
func (w *World) resident(d draw, where locality, systems ...farmhoundv1.OperatingSystem) *Laptop {
	l := w.hire(d, where, systems...)
	if d.chance(0.08) { // to an office, where it was fetched
		o := pick(d, w.company.offices...)
		l.person.shipTo = o.country + "-" + o.region
	}
	if d.chance(0.04) { // moved last year, and the roster has not
		where = pick(d, w.claimed(&host{at: where})...)
	}
	w.dwell(d, l, w.home(d, w.wire(d, where)), w.rota(d, l))
	for range d.weighted(4, 4, 2) {
		pick(d, harmless...)(w, d, l)
	}
	return l
}

// wire draws the carrier of a line at home: what is sold there, a mobile network's, or one
// whose packets come out elsewhere in the country, as those of low satellites do.
func (w *World) wire(d draw, where locality) *carrier {
	switch d.weighted(0.83, 0.09, 0.08) {
	case 1:
		return w.atlas.one(d, cellular, where.country, "")
	case 2:
		return w.atlas.one(d, broadband, where.country, "")
	default:
		return w.atlas.one(d, broadband, where.country, where.region)
	}
}

// permits is what agents may see: companies differ in whether they roll the helper for
// input out, permit it on Macs, and let packets to the responder through.
func (w *World) permits(l *Laptop) {
	company, own := stream(w.opts.Seed, "policy"), stream(w.opts.Seed, "permitted", l.Serial)
	helper, macs, ways := company.between(0.75, 1), pick(company, 0, 0.7, 0.95, 1), company.between(0.4, 1)
	if l.System.GetOs() == macos {
		helper = macs
	}
	l.senses = senses{hands: own.chance(helper), hardware: own.chance(0.97), media: own.chance(0.8), ways: own.chance(ways), why: "no helper runs in the user's session"}
}

// rota is when somebody works: one or two stretches of a day.
type rota []habits

var (
	sundayToThursday  = [7]bool{true, true, true, true, true, false, false}
	wednesdayToSunday = [7]bool{true, false, false, true, true, true, true}
)

// rota draws it: by day, in mornings and again when the children sleep, with hours of rest
// at noon, in part time, late, early, or over the weekend. Rosters say what is usual
// for a third of them.
func (w *World) rota(d draw, l *Laptop) rota {
	h := habits{
		zone: l.person.zone, start: d.around(8.4, 0.8), spread: d.between(0.05, 0.9), workweek: mondayToFriday,
		weekend: pick(d, 0, 0, 0, 0.1, 0.35), sick: d.skewed(0, 0.1),
	}
	if d.chance(0.3) {
		first := d.IntN(w.opts.Days + 1)
		h.away = [2]int{first, first + d.whole(2, 15)}
	}
	if l.person.country == "IL" {
		h.workweek = sundayToThursday
	}
	h.end = h.start + d.between(6.8, 9.6)
	second := h
	out := rota{h}
	switch d.weighted(6, 2, 1.2, 1.5, 1, 1, 0.7) {
	case 1:
		h.end = h.start + d.between(5, 6.8)
		second.start = d.between(19.3, 21.5)
		second.end, second.sick = second.start+d.between(1.2, 3.2), d.between(0.2, 0.7)
		out = rota{h, second}
	case 2:
		h.end = h.start + d.between(4, 5)
		second.start = h.end + d.between(1.7, 3.2)
		second.end = second.start + d.between(2.8, 4)
		out = rota{h, second}
	case 3:
		h.end = h.start + d.between(4, 6.5)
		if d.chance(0.5) {
			h.workweek = [7]bool{false, true, true, false, true, false, false}
		}
		out = rota{h}
	case 4:
		out[0].start, out[0].end = h.start+d.between(2, 5), h.end+d.between(2, 5)
	case 5:
		out[0].start, out[0].end = h.start-d.between(2, 3.5), h.end-d.between(2, 3.5)
	case 6:
		out[0].workweek = wednesdayToSunday
	}
	if d.chance(0.65) {
		l.declares(habits{start: out[0].start, end: out[len(out)-1].end, workweek: out[0].workweek})
	}
	return out
}

// declares writes hours and days into the roster.
func (l *Laptop) declares(h habits) {
	l.declare(h)
	var days []string
	for i, name := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
		if h.workweek[i] {
			days = append(days, name)
		}
	}
	l.person.days = strings.Join(days, ";")
}

// only is a rota of one stretch.
func (r rota) only(start, end float64) rota {
	h := r[0]
	h.start, h.end = start, end
	return rota{h}
}

// days draws the stretches that are worked. Nobody works a second one on a day off, and
// hardly anybody on a public holiday.
func (w *World) days(d draw, l *Laptop, r rota) []span {
	var first []span
	free := stream(w.opts.Seed, "holidays", l.person.country)
	holidays := []int{free.whole(0, w.opts.Days), free.whole(0, 40)}
	for _, s := range w.shifts(d, r[0]) {
		if day := int((s.from - w.start.Unix()) / daySeconds); !slices.Contains(holidays, day) || d.chance(0.1) {
			first = append(first, s)
		}
	}
	all := slices.Clone(first)
	for _, h := range r[1:] {
		for _, s := range w.shifts(d, h) {
			if slices.ContainsFunc(first, func(f span) bool { return f.to <= s.from && s.from-f.from < 18*3600 }) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return all
}

// pace draws how somebody uses a laptop while at work.
func pace(d draw, attached float64) manner {
	return manner{
		active: d.between(0.35, 0.9), input: d.between(0.2, 0.68), variation: d.between(1, 3.3),
		hands: hands{builtIn: 1 - attached, attached: attached}, calls: pick(d, 0, d.between(0, 2), d.between(1, 4), d.between(4, 7)),
		linger: pick(d, 2, d.between(4, 30), d.between(30, 170)), off: pick(d, 0, 0.02, 0.25, 0.95), naps: d.chance(0.5),
	}
}

// dwell lets the laptop live at a home: on a table, at a desk with a keyboard, or beside a
// monitor alone, with days elsewhere for some.
func (w *World) dwell(d draw, l *Laptop, home *site, r rota) {
	bare := w.bare(d)
	place, attached := stay{at: home, desk: bare, mains: d.between(0.3, 1)}, 0.0
	switch d.weighted(4, 3.5, 1.5) {
	case 1:
		place.desk, place.mains, place.wired = w.docked(d, bare), 1, d.chance(0.45)
		attached = d.between(0.3, 1)
	case 2:
		place.desk, place.mains = bare.with(&desk{displays: []*farmhoundv1.Display{pick(d, w.stock.screens...).display(d, w.ring)}}), 1
	}
	if d.chance(0.15) {
		place.tunnel = w.companyTunnel(d, l)
	}
	l.stands(place)
	m, out, phone := pace(d, attached), pick(d, 0, 0, 0.04, 0.15, 0.4), w.hotspot(d, l.person.country)
	for _, s := range w.days(d, l, r) {
		if !d.chance(out) {
			l.live(m, []span{s})
			continue
		}
		away := m
		away.hands, away.linger = hands{builtIn: 1}, d.between(0, 6)
		l.stands(stay{from: s.from - 900, at: w.outside(d, l, phone), desk: bare, mains: d.between(0, 0.6)})
		l.live(away, []span{s})
		place.from = s.to + int64(d.between(0.3, 2)*3600)
		l.stands(place)
	}
	if place.mains >= 1 && d.chance(0.1) {
		l.neverSleeps(w, w.start.Unix())
	}
}

// outside is where somebody works who is not at home: a café, over the own telephone on a
// train, a library, at relatives'.
func (w *World) outside(d draw, l *Laptop, phone *site) *site {
	at := w.claimedAt(l)
	switch d.weighted(3, 3, 1, 1.5) {
	case 0:
		return w.premises(d, at, business, 4, 30, 0, 7, 0.75)
	case 1:
		return phone
	case 2:
		return w.premises(d, at, business, 20, 120, 2, 20, 0.95)
	default:
		return w.home(d, w.wire(d, pick(d, w.claimed(&host{at: at})...)))
	}
}

// hotspot is what a telephone opens: nobody else is on it, and it makes its address up.
func (w *World) hotspot(d draw, country string) *site {
	s := w.home(d, w.atlas.one(d, cellular, country, ""))
	s.gateway = mac(d, "a2:4f:11", "ee:0a:93", "36:c1:5d")
	s.point, s.lan = s.gateway, pick(d, netip.MustParsePrefix("172.20.10.0/28"), netip.MustParsePrefix("192.168.43.0/24"))
	s.others, s.laptops = 0, 0
	w.leases(d, s, d.whole(0, w.opts.Days/3))
	return s
}

// premises is a network that many use.
func (w *World) premises(d draw, at locality, sells trade, least, most, fewest, laptops int, apart float64) *site {
	region := at.region
	if len(w.atlas.in(sells, at.country, region)) == 0 {
		region = ""
	}
	s := w.home(d, w.atlas.one(d, sells, at.country, region))
	s.others, s.laptops = d.whole(least, most), d.whole(fewest, laptops)
	w.apart(s, apart)
	return s
}

// attends lets the laptop be at a place, at one of its desks if it has any, on a share of
// the days.
func (w *World) attends(d draw, l *Laptop, place *site, desks []*desk, share float64, r rota) {
	bare := w.bare(d)
	home := stay{at: w.home(d, w.wire(d, w.claimedAt(l))), desk: bare, mains: d.between(0.2, 1)}
	m, typed, wired := pace(d, 0), 0.0, d.chance(0.4)
	if d.chance(0.3) {
		home.desk, home.mains = w.docked(d, bare), 1
		typed = d.between(0.2, 1)
	}
	l.stands(home)
	for _, s := range w.days(d, l, r) {
		m.hands = hands{builtIn: 1 - typed, attached: typed}
		if d.chance(share) {
			there := stay{from: s.from - int64(d.between(2, 20)*60), at: place, desk: bare, mains: d.between(0.4, 1), wired: wired}
			m.hands = hands{builtIn: 1}
			if len(desks) > 0 && d.chance(0.85) {
				attached := d.Float64()
				there.desk, there.mains, m.hands = bare.with(pick(d, desks...)), 1, hands{builtIn: 1 - attached, attached: attached}
			}
			l.stands(there)
			home.from = s.to + int64((m.linger+d.between(10, 70))*60)
			l.stands(home)
		}
		l.live(m, []span{s})
	}
}

// reboots starts the system anew now and then: for updates, and after weekends for some.
func (l *Laptop) reboots() {
	d := stream(l.w.opts.Seed, "reboots", l.Serial)
	updates, weekends := d.between(0.02, 0.12), pick(d, 0, 0.2, 0.9)
	for i := range l.life.awake {
		if k := &l.life.awake[i]; i > 0 && (d.chance(updates) || k.from-l.life.awake[i-1].to > int64(40*time.Hour/time.Second) && d.chance(weekends)) {
			k.off = true
		}
	}
}

// ownDays are the stretches in which the laptop's own person works, by day.
func (l *Laptop) ownDays() [][]work {
	own := slices.Clone(l.life.work)
	slices.SortStableFunc(own, func(a, b work) int { return cmp.Compare(a.from, b.from) })
	var days [][]work
	for _, k := range own {
		if n := len(days); n > 0 && k.from-days[n-1][len(days[n-1])-1].to < 5*3600 {
			days[n-1] = append(days[n-1], k)
			continue
		}
		days = append(days, []work{k})
	}
	return days
}
