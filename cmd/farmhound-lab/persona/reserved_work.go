package persona

import (
	"net/netip"
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// What the company of the reserved casting does with laptops that nobody is at.

// fromHomeTo works from home on a laptop that stays docked at a place, by the system's own
// remote desktop and the company's network, on a share of the days.
func (w *World) fromHomeTo(d draw, where locality, place *site) *Laptop {
	l := w.hire(d, where, windows, windows, linux)
	l.stands(stay{at: place, desk: w.docked(d, w.bare(d)), mains: 1, wired: d.chance(0.8), shut: d.chance(0.6)})
	id := "windows-remote-desktop"
	if l.System.GetOs() == linux {
		id = pick(d, "xrdp", "gnome-remote-desktop")
	}
	l.install(remote(d, id, true), 0, 0)
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class = farmhoundv1.PeerClass_PEER_CLASS_PRIVATE
	there, away := pace(d, 1), pace(d, 0)
	there.off, away.off, away.hands, away.calls = 0, 0, hands{session: 1}, 0
	remotely := d.between(0.2, 0.95)
	for _, s := range w.days(d, l, w.rota(d, l)) {
		if !d.chance(remotely) {
			l.live(there, []span{s})
			continue
		}
		l.live(away, []span{s})
		peer := netip.AddrFrom4([4]byte{10, 99, byte(d.whole(0, 31)), byte(d.whole(2, 250))})
		l.life.control = append(l.life.control, control{span: s, link: via, rtt: d.skewed(8, 70), peer: peer})
	}
	l.neverSleeps(w, w.start.Unix())
	return l
}

// replaced is some laptops that are new: IT sets them up in a room or at a supplier's, by
// the company's tool, sends them out, and their people begin with them in the course of
// the month.
func replaced(w *World, d draw, _ int) []*Laptop {
	_, depot, _ := branch(false)(w, d)
	if d.chance(0.4) {
		_, depot, _ = anOffice(w, d)
	}
	staged := w.start.Unix() + int64(d.between(0.3, 15)*daySeconds)
	var out []*Laptop
	for range d.whole(1, 6) {
		l := w.atHome(d, w.somewhere(d))
		ready := staged + int64(d.between(0.2, 4)*daySeconds)
		begins := ready + int64(d.between(0.8, 6)*daySeconds)
		w.startsAt(l, begins)
		l.life.stays = append([]stay{{at: depot, desk: w.bare(d), mains: 1, shut: d.chance(0.3), wired: d.chance(0.6)}}, l.life.stays...)
		l.life.awake = append(l.life.awake, wake{span{staged, ready}, true})
		via, at := w.via(d, l, w.company.tool, colleague(w, d, l), business)
		w.names(d, via, true)
		for range d.whole(0, 4) {
			l.lets(d, via, at, staged+int64(d.Float64()*float64(ready-staged)), d.skewed(5, 240))
		}
		for range d.whole(0, 3) { // and once more with their people
			l.lets(d, via, at, begins+int64(d.between(0.1, 60)*3600), d.skewed(5, 120))
		}
		out = append(out, l)
	}
	return out
}

// startsAt drops what a laptop's person does, or put there, before a moment.
func (w *World) startsAt(l *Laptop, begins int64) {
	first := *l.life.stayAt(begins)
	first.from = begins
	stays := []stay{first}
	var awake []wake
	for _, s := range l.life.stays {
		if s.from > begins {
			stays = append(stays, s)
		}
	}
	for _, k := range l.life.awake {
		if part := k.within(span{begins, w.end.Unix() + daySeconds}); part.seconds() > 0 {
			awake = append(awake, wake{part, k.off || k.from < begins})
		}
	}
	l.life.stays, l.life.awake = stays, awake
	l.life.work = slices.DeleteFunc(l.life.work, func(k work) bool { return k.from < begins })
	l.life.control = slices.DeleteFunc(l.life.control, func(c control) bool { return c.from < begins })
	l.life.calls = slices.DeleteFunc(l.life.calls, func(c span) bool { return c.from < begins })
	for i := range l.life.beats {
		l.life.beats[i].from = max(l.life.beats[i].from, begins)
	}
	for i := range l.life.tools {
		if t := &l.life.tools[i]; t.from > 0 { // what IT put there is there from the first
			t.from = max(t.from, begins)
		}
	}
}

// maintained has IT work on the laptop for hours in evenings or nights of one week, by the
// company's tool, while its person is away from it.
func maintained(w *World, d draw, l *Laptop) {
	via, at := w.via(d, l, w.company.tool, colleague(w, d, l), business)
	w.names(d, via, true)
	first, hour := d.IntN(max(w.opts.Days-5, 1)), d.between(18, 27)
	for night := range d.whole(1, 5) {
		from := w.start.Unix() + int64(first+night)*daySeconds + w.hourOf(l, hour)
		minutes := d.skewed(20, 260)
		l.life.awake = append(l.life.awake, wake{span{from - 300, from + int64(minutes*60) + 1800}, d.chance(0.3)})
		l.lets(d, via, at, from, minutes)
	}
}

// hourOf is when an hour of the laptop's zone is after the world's hour of beginning, in
// seconds, within a day.
func (w *World) hourOf(l *Laptop, hour float64) int64 {
	at := w.start.In(w.clocks.load(l.person.zone))
	return (int64(hour*3600) - int64(at.Hour())*3600 + 2*daySeconds) % daySeconds
}

// telephoned works over the own telephone wherever that is: no line at home.
func telephoned(w *World, d draw, _ int) []*Laptop {
	l := w.hire(d, w.somewhere(d))
	phone := w.hotspot(d, l.person.country)
	w.dwell(d, l, phone, w.rota(d, l))
	if d.chance(0.4) {
		privacy(0.1, 0.9)(w, d, l)
	}
	return []*Laptop{l}
}
