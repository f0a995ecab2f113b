package persona

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// host is somebody who keeps laptops for others.
type host struct {
	at    locality
	home  *site
	since int64 // when the laptops came
}

// newHost draws a host with the other employers' laptops on the same network:
// searched farms held seven on average (REC29).
func (w *World) newHost(d draw) *host {
	h := &host{at: pick(d, homeland...)}
	h.home = w.home(d, w.atlas.one(d, broadband, h.at.country, h.at.region))
	h.home.laptops += d.whole(0, 14)
	return h
}

// plant draws a laptop that stands at a host's. The person it was issued to is
// declared to live elsewhere, and it was sent to the host's address more often
// than to the declared one (U42, CHAP).
func (w *World) plant(d draw, h *host, systems ...farmhoundv1.OperatingSystem) *Laptop {
	declared := pick(d, homeland...)
	l := w.hire(d, declared, systems...)
	if d.chance(0.65) {
		l.person.shipTo = h.at.country + "-" + h.at.region
	}
	return l
}

// shelf is how the laptop stands there: on mains, mostly shut.
func (w *World) shelf(d draw, h *host, desk *desk) stay {
	return stay{at: h.home, desk: desk, shut: d.chance(0.6), mains: 1, wired: d.chance(0.35)}
}

// arrives is when a laptop comes to the host, from the world's start on.
func (w *World) arrives(d draw) int64 {
	if d.chance(0.4) {
		return w.start.Unix() // it was there before its agent
	}
	return w.start.Unix() + int64(d.between(0, min(5, float64(w.opts.Days)/4))*daySeconds)
}

// rmmFarm keeps two or three of the company's laptops, and other employers', in
// one home. On the first day or days each gets one or two remote-control tools
// that the company does not use (KNOOT, PSA24, BALL), and is then driven through
// the working day from abroad, directly, through a VPN or a relay (MANPOD, NE4).
func rmmFarm(w *World, d draw, size int) []*Laptop {
	h := w.newHost(d)
	var out []*Laptop
	first := w.newOperator(d, h.at.zone)
	for range min(d.whole(2, 3), max(size, 2)) {
		l := w.plant(d, h)
		l.stands(w.shelf(d, h, w.bare(d)))
		o := first
		if d.chance(0.6) {
			o = w.newOperator(d, l.person.zone)
		}
		w.driveByTool(d, l, o, w.arrives(d), w.foreignTool(d, "anydesk", "rustdesk", "chrome-remote-desktop", "dwagent"))
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
func (w *World) driveByTool(d draw, l *Laptop, o *operator, since int64, id string) {
	ready := since
	if since > w.start.Unix() {
		ready += int64(d.between(1, 60) * 3600)
	}
	t := remote(d, id, d.chance(0.9))
	t.fixed = id == "chrome-remote-desktop" && d.chance(0.6)
	l.install(t, ready, 0)
	if d.chance(0.35) {
		l.install(remote(d, w.foreignTool(d, "anydesk", "chrome-remote-desktop", "rustdesk", "teamviewer"), true), ready+int64(d.between(1, 9)*daySeconds), 0)
	}
	path := o.path
	if !remoteTools[id].direct {
		path = farmhoundv1.SessionPath_SESSION_PATH_RELAY
	}
	via := linkOf(id, l.System.GetOs(), path)
	if remoteTools[id].account {
		via.account = o.account
	}
	m := o.manner
	local := max(d.around(0.01, 0.01), 0)
	m.hands = hands{injected: 1 - local, builtIn: local}
	l.life.awake = []wake{{span{since, w.end.Unix() + daySeconds}, true}}
	var shifts []span
	for _, s := range w.shifts(d, o.habits) {
		if s.from > ready {
			shifts = append(shifts, s)
		}
	}
	o.drive(d, l, via, m, shifts)
}

// singleHost is one laptop at a relative's or friend's home, driven through Chrome
// Remote Desktop or another relay all day (ANYR, BALL, VONG): no other laptop
// beside it, the right country, a plain home line. Whoever hosts it touches it now
// and then.
func singleHost(w *World, d draw, _ int) []*Laptop {
	h := w.newHost(d)
	h.home.laptops = d.whole(0, 1)
	l := w.plant(d, h)
	place := w.shelf(d, h, w.bare(d))
	place.shut = d.chance(0.3)
	l.stands(place)
	o := w.newOperator(d, l.person.zone)
	w.driveByTool(d, l, o, w.arrives(d), w.foreignTool(d, "chrome-remote-desktop", "chrome-remote-desktop", "chrome-remote-desktop", "anydesk", "rustdesk"))
	return []*Laptop{l}
}
