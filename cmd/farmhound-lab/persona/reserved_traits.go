package persona

import (
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// trait is something about how somebody lives with the laptop, laid over what is there.
type trait func(w *World, d draw, l *Laptop)

// lived is somebody at home with traits, on any system.
func lived(traits ...trait) func(*World, draw, int) []*Laptop { return livedOn(nil, traits...) }

func livedOn(systems []farmhoundv1.OperatingSystem, traits ...trait) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		l := w.atHome(d, w.somewhere(d), systems...)
		for _, t := range traits {
			t(w, d, l)
		}
		return []*Laptop{l}
	}
}

// perhaps is one of some traits, with a chance.
func perhaps(chance float64, traits ...trait) trait {
	return func(w *World, d draw, l *Laptop) {
		if d.chance(chance) {
			pick(d, traits...)(w, d, l)
		}
	}
}

func titled(roles ...string) trait {
	return func(_ *World, d draw, l *Laptop) { l.person.role = pick(d, roles...) }
}

func watched(hands bool) trait {
	return func(_ *World, _ draw, l *Laptop) {
		l.senses.hands, l.senses.why = hands, "input monitoring is not permitted"
	}
}

// harmless are traits that anybody may have.
var harmless = []trait{
	privacy(0.05, 1), docking, jiggling, gadgets, overlaid, supplied, watched(false), afield, sparePath, bandwidth, routed, called, pressed(0.02, 0.2),
	func(w *World, d draw, l *Laptop) { l.life.stays[0].at.consoles = d.whole(1, 2) }, // a hobby on the network
}

func privacy(least, most float64) trait {
	return func(w *World, d draw, l *Laptop) {
		country := l.person.country
		if d.chance(0.1) { // films are elsewhere
			country = pick(d, w.offshore...).country
		}
		w.privateIn(d, l, d.between(least, most), country)
	}
}

func docking(w *World, d draw, l *Laptop) { w.shutAway(d, l) }
func afield(w *World, d draw, l *Laptop)  { w.bySatellite(d, l) }
func gadgets(w *World, d draw, l *Laptop) {
	w.plugsIn(l, pick(d, w.stock.extras...).device(d, w.ring, "1-7"))
}

// routed has a consumer VPN in the router at home, with a way out in the country.
func routed(w *World, d draw, l *Laptop) {
	home := l.life.stays[0].at
	home.exit, home.six = w.wayOut(d, pick(d, w.stock.vpns...), l.person.country).exit, false
	home.leases = []lease{{w.start.Unix(), home.exit}}
}

// hidden has one up all the time that leaves in the country that the roster says.
func hidden(w *World, d draw, l *Laptop) { w.private(d, l, 1) }

// jiggling keeps the laptop from looking idle at work, or around the clock.
func jiggling(w *World, d draw, l *Laptop) {
	if d.chance(0.6) {
		w.jiggles(d, l)
		return
	}
	l.install(plain(pick(d, w.stock.jigglers[l.System.GetOs()]...), ""), w.start.Unix()+int64(d.between(-2, 12)*daySeconds), 0)
	for _, day := range l.ownDays() {
		l.life.beats = append(l.life.beats, beat{span{day[0].from, day[len(day)-1].to + int64(d.between(5, 90)*60)}, pick(d, w.stock.beats...)})
	}
}

// overlaid has an overlay network, up and without the default route.
func overlaid(w *World, d draw, l *Laptop) {
	id := pick(d, "tailscale", "zerotier", "nebula", "twingate", "netbird")
	if id == "twingate" && l.System.GetOs() == macos {
		id = "tailscale"
	}
	l.install(plain(id, ""), w.start.Unix()+int64(d.between(-3, 12)*daySeconds), 0)
	up := &tunnel{tool: id, kind: "tun", mtu: pick(d, uint32(1280), 1300, 1420)}
	for i := range l.life.stays {
		if s := &l.life.stays[i]; s.tunnel == nil && d.chance(0.8) {
			s.tunnel = up
		}
	}
}

// supplied was helped once by a supplier, with a tool of the supplier's.
func supplied(w *World, d draw, l *Laptop) {
	callers{tools: []string{"teamviewer", "anydesk", "zoho-assist", "logmein-rescue", "helpwire", "supremo"}, from: countryman, sells: business, days: [2]float64{0.02, 0.06}, minutes: [2]float64{10, 140}, times: 2}.come(w, d, l)
}

// sparePath is a tool of the family's, installed and never used for work.
func sparePath(w *World, d draw, l *Laptop) {
	t := remote(d, w.toolFor(d, l, "teamviewer", "chrome-remote-desktop", "rustdesk", "anydesk"), d.chance(0.5))
	t.idle = d.chance(0.5)
	l.install(t, w.start.Unix()+int64(pick(d, -1, d.between(0, 20))*daySeconds), 0)
}

// called is on call, and at the keyboard for a while in some nights and on some weekends.
func called(w *World, d draw, l *Laptop) {
	h := habits{zone: l.person.zone, start: d.between(19, 28), spread: 2.5, weekend: d.skewed(0, 0.6), sick: d.between(0.6, 0.95), workweek: mondayToFriday}
	h.end = h.start + 4
	m := pace(d, 0)
	for _, s := range w.shifts(d, h) {
		l.live(m, []span{{s.from, s.from + int64(d.skewed(8, 200)*60)}})
	}
}

// bandwidth shares the line for a few coins.
func bandwidth(w *World, d draw, l *Laptop) {
	l.install(plain(pick(d, "honeygain", "earnapp", "packetstream", "grass"), ""), w.start.Unix()+int64(d.between(-3, 15)*daySeconds), 0)
}

// pressed has programs press keys for a share of the work: expanders, dictation, tests.
func pressed(least, most float64) trait {
	return func(_ *World, d draw, l *Laptop) {
		injected := d.between(least, most)
		for i := range l.life.work {
			k := &l.life.work[i].hands
			k.injected, k.builtIn, k.attached = injected, k.builtIn*(1-injected), k.attached*(1-injected)
		}
	}
}

// assistive works with assistive technology, which makes most of the input.
func assistive(least, most float64) trait {
	return func(w *World, d draw, l *Laptop) {
		pressed(least, most)(w, d, l)
		busy := d.between(0.3, 0.9)
		for i := range l.life.work {
			l.life.work[i].assistive, l.life.work[i].input = true, busy
		}
	}
}

// callers are people whom somebody lets into the laptop.
type callers struct {
	// tools are what they may come by; none is the company's own.
	tools []string
	// approved is whether the roster approves a tool that is not the company's.
	approved bool
	from     func(*World, draw, *Laptop) locality
	sells    trade
	// days is the share of days on which they come, minutes how long, times how often at most.
	days, minutes [2]float64
	times         int
	// spell is for how many days, from some day on, if not always; calls whether it is a call.
	spell [2]float64
	calls bool
}

func countryman(w *World, d draw, l *Laptop) locality {
	return pick(d, w.claimed(&host{at: w.claimedAt(l)})...)
}
func foreigner(w *World, d draw, _ *Laptop) locality { return pick(d, w.offshore...) }

// outsourced is where the company's help desk sits if it sits abroad.
func outsourced(w *World, _ draw, _ *Laptop) locality {
	return pick(stream(w.opts.Seed, "help desk"), w.offshore...)
}
func colleague(w *World, d draw, _ *Laptop) locality { return pick(d, w.homeland...) }

// names has a link name who controls where its tool does: somebody of a few who come into
// many laptops, or somebody of the own.
func (w *World) names(d draw, via *link, ofMany bool) {
	if !remoteTools[via.tool].account {
		return
	}
	if via.account = d.text(digits, 10); ofMany {
		via.account = via.tool + pick(d, "-1", "-2", "-3")
	}
}

// mostly is one place or, now and then, another.
func mostly(often float64, one, other func(*World, draw, *Laptop) locality) func(*World, draw, *Laptop) locality {
	return func(w *World, d draw, l *Laptop) locality {
		if d.chance(often) {
			return one(w, d, l)
		}
		return other(w, d, l)
	}
}

func (c callers) come(w *World, d draw, l *Laptop) {
	id, during := w.company.tool, span{0, w.end.Unix()}
	if c.spell[1] > 0 {
		during.from = w.start.Unix() + int64(d.between(0, 20)*daySeconds)
		during.to = during.from + int64(d.between(c.spell[0], c.spell[1])*daySeconds)
	}
	if len(c.tools) > 0 {
		id = w.toolFor(d, l, c.tools...)
		l.install(remote(d, id, d.chance(0.4)), pick(d, 0, during.from), 0)
		if c.approved {
			l.person.tools = append(l.person.tools, id)
		}
	}
	via, at := w.via(d, l, id, c.from(w, d, l), c.sells)
	w.names(d, via, c.sells == business)
	often := d.between(c.days[0], c.days[1])
	for _, day := range l.ownDays() {
		if !d.chance(often) || day[0].from < max(during.from, w.start.Unix()) || day[0].from > during.to {
			continue
		}
		for range d.whole(1, c.times) {
			k := pick(d, day...)
			from, minutes := k.from+int64(d.between(0.5, 20)*60), d.skewed(c.minutes[0], c.minutes[1])
			l.lets(d, via, at, from, minutes)
			if c.calls {
				l.life.calls = append(l.life.calls, span{from, from + int64(minutes*60)})
			}
		}
	}
}

// letsIn is a trait of somebody whom others help or work with.
func letsIn(c callers) trait { return c.come }

// nearby drives the laptop at home from an own computer in the house by one of some tools,
// on a share of the days.
func nearby(least, most float64, tools ...string) trait {
	return func(w *World, d draw, l *Laptop) {
		id := w.toolFor(d, l, tools...)
		from := w.start.Unix() + int64(pick(d, -1, -1, d.between(1, 14))*daySeconds)
		l.install(remote(d, id, true), from, 0)
		via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
		via.class = farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN
		w.names(d, via, false)
		home, share, own := l.life.stays[0].at, d.between(least, most), d.skewed(0, 0.12)
		peer, shut, wireless := offset(home.lan.Addr(), d.whole(10, 180)), d.chance(0.4), d.chance(0.5)
		for i := range l.life.stays {
			if s := &l.life.stays[i]; s.at == home {
				s.shut, s.mains = s.shut || shut, 1
			}
		}
		for i := range l.life.work {
			k := &l.life.work[i]
			if k.from < from || l.life.stayAt(k.from).at != home || !d.chance(share) {
				continue
			}
			k.hands = handsOf(via, own)
			rtt := d.between(0.2, 1.5)
			if wireless {
				rtt = d.skewed(1, 30)
			}
			l.life.control = append(l.life.control, control{span: k.span, link: via, peer: peer, rtt: rtt, near: true})
		}
		if d.chance(0.35) {
			l.neverSleeps(w, w.start.Unix())
		}
	}
}

// handsOf is where input comes from when somebody works through a link, but for a share.
func handsOf(via *link, own float64) hands {
	if via.logon == farmhoundv1.LogonKind_LOGON_KIND_RDP {
		return hands{session: 1 - own, builtIn: own}
	}
	return hands{injected: 1 - own, builtIn: own}
}

// afar reaches the own laptop, which stays at home, from relatives' on weekends, from a
// telephone, or from a computer in the holidays, in the own country but for some.
func afar(w *World, d draw, l *Laptop) {
	id := w.toolFor(d, l, "chrome-remote-desktop", "anydesk", "rustdesk", "teamviewer", "jump-desktop", "parsec", "todesk")
	l.install(remote(d, id, true), w.start.Unix()-daySeconds, 0)
	from, sells := mostly(0.92, countryman, foreigner)(w, d, l), broadband
	h := habits{zone: l.person.zone, start: d.between(9, 20), spread: 2, weekend: d.between(0.1, 0.7), sick: 1, workweek: mondayToFriday}
	longest := 240.0
	if d.chance(0.4) {
		sells, longest = cellular, 20
		h.sick = d.between(0.4, 0.9)
	}
	h.end = h.start + 2
	via, at := w.via(d, l, id, from, sells)
	w.names(d, via, false)
	for _, s := range w.shifts(d, h) {
		minutes := d.skewed(3, longest)
		l.life.awake = append(l.life.awake, wake{span{s.from - 60, s.from + int64(minutes*60) + 900}, false})
		l.lets(d, via, at, s.from, minutes)
	}
}

// bordering comes out in a neighbour country on some days, by its stronger mobile network.
func bordering(w *World, d draw, l *Laptop) {
	over := neighbours[l.person.country]
	if len(over) == 0 {
		return // islands have none
	}
	roaming, often, home := w.hotspot(d, pick(d, over...)), d.skewed(0.05, 0.6), l.life.stays[0]
	var more []stay
	for _, day := range l.ownDays() {
		if day[0].from > w.start.Unix() && d.chance(often) {
			out, back := *l.life.stayAt(day[0].from), home
			out.from, out.at, out.wired = day[0].from, roaming, false
			back.from = day[len(day)-1].to
			more = append(more, out, back)
		}
	}
	l.life.stays = append(l.life.stays, more...)
}

// exitAbroad has a consumer VPN with an exit in another country up all the time.
func exitAbroad(w *World, d draw, l *Laptop) {
	id := pick(d, w.stock.vpns...)
	l.install(plain(id, ""), 0, 0)
	out := w.wayOut(d, id, pick(d, w.offshore...).country)
	for i := range l.life.stays {
		l.life.stays[i].tunnel = out
	}
}

// concentrated sends all traffic through the company's concentrator, or what it sends at
// work, whoever and wherever the person is.
func concentrated(w *World, d draw, l *Laptop) {
	id := pick(d, "openvpn", "wireguard", "twingate")
	if id == "twingate" && l.System.GetOs() == macos {
		id = "openvpn"
	}
	l.install(plain(id, ""), 0, 0)
	up := &tunnel{tool: id, kind: "tun", mtu: pick(d, uint32(1300), 1380, 1450), defaultRoute: true, exit: w.company.networks[0].Addr(), locked: d.chance(0.35)}
	share := d.between(0.3, 1.6)
	for i := range l.life.stays {
		if d.chance(share) {
			l.life.stays[i].tunnel = up
		}
	}
}
