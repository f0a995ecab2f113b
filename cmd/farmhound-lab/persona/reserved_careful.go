package persona

import (
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Farms of the reserved casting that went abroad, began late, or know the rules.

// onward is a laptop that was sent on abroad, far enough for packets to tell, where it is
// used by hand behind a VPN that leaves where it is declared: on the laptop, or in the
// router. A careless one lets slip the clock, the hours, or now and then the VPN.
func onward(inRouter, careless bool) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		l := w.hire(d, pick(d, w.homeland...))
		claimed := w.claimedAt(l)
		there := pick(d, slices.DeleteFunc(slices.Clone(w.stock.hubs), func(h locality) bool {
			return kilometres(h.latitude, h.longitude, claimed.latitude, claimed.longitude) < 4000
		})...)
		flat := w.home(d, w.atlas.one(d, broadband, there.country, there.region))
		id := pick(d, "astrill", "astrill", "expressvpn", "mullvad", "private-internet-access", "letsvpn")
		if id == "letsvpn" && l.System.GetOs() == linux {
			id = "astrill"
		}
		out := w.wayOut(d, id, l.person.country)
		hidden := stay{at: flat, desk: w.bare(d), mains: d.between(0.4, 1), tunnel: out}
		if inRouter {
			hidden.tunnel, flat.exit, flat.six, flat.leases = nil, out.exit, false, []lease{{w.start.Unix(), out.exit}}
		} else {
			l.install(plain(id, ""), w.start.Unix()-int64(d.between(0, 3)*daySeconds), 0)
			l.senses.ways = l.senses.ways || !careless // else nothing of it could be seen
		}
		l.stands(hidden)
		r := w.rota(d, l)
		slips, own := careless && d.chance(0.5), careless && d.chance(0.4)
		if own {
			for i := range r {
				r[i].zone = there.zone
			}
		}
		if slips {
			l.life.zones = append(l.life.zones, zone{w.start.Unix() + int64(d.between(0, 0.6)*float64(w.opts.Days)*daySeconds), there.zone})
		}
		l.live(pace(d, pick(d, 0, d.Float64())), w.days(d, l, r))
		drops := d.between(0.02, 0.15)
		if !slips && !own {
			drops = d.between(0.15, 0.5)
		}
		for _, day := range l.ownDays() {
			if careless && d.chance(drops) {
				open, again := hidden, hidden
				open.from, open.tunnel = day[0].from+int64(d.between(0, 2)*3600), nil
				again.from = open.from + int64(d.between(1.1, 5)*3600)
				l.stands(open)
				l.stands(again)
			}
		}
		return []*Laptop{l}
	}
}

// letOut is somebody's own laptop, used honestly until its owner lets it.
func letOut(by ...driven) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		l := w.hire(d, w.somewhere(d))
		at := w.claimedAt(l)
		h := &host{at: at, home: w.home(d, w.wire(d, at))}
		l.begins = w.start.Unix() + int64(d.between(0.1, 0.6)*float64(w.opts.Days)*daySeconds)
		own := stay{from: w.start.Unix(), at: h.home, desk: w.bare(d), mains: d.between(0.4, 1)}
		l.live(pace(d, 0), within(w.days(d, l, w.rota(d, l)), span{0, l.begins}))
		let := own
		let.from, let.shut, let.mains = l.begins, d.chance(0.4), 1
		l.stands(let) // first, for what drives it stands on that
		o := w.employs(d, h, l.person.zone)
		pick(d, by...)(w, d, h, l, o, l.begins, within(w.shifts(d, o.habits), span{l.begins, w.end.Unix()}))
		l.life.stays = append([]stay{own}, l.life.stays...)
		l.life.awake = append(l.life.awake, wake{span{l.begins, w.end.Unix() + daySeconds}, false})
		return []*Laptop{l}
	}
}

// stood is a real citizen's laptop, whose papers, address and line are in order (VONG).
func stood(by ...driven) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		l := w.hire(d, w.somewhere(d))
		l.camera = d.chance(0.5)
		at := w.claimedAt(l)
		h := &host{at: at, home: w.home(d, w.wire(d, at))}
		l.stands(stay{at: h.home, desk: w.bare(d), shut: d.chance(0.4), mains: 1})
		o := w.employs(d, h, l.person.zone)
		spells := w.shifts(d, o.habits)
		pick(d, by...)(w, d, h, l, o, w.start.Unix(), spells)
		w.kept(d, l, w.start.Unix(), spells)
		return []*Laptop{l}
	}
}

// exits has the laptops of a farm leave through a consumer VPN, each by an exit of its own
// or all by one (MANPOD).
func exits(of func(*World, draw, int) []*Laptop, one bool) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, size int) []*Laptop {
		all := of(w, d, size)
		common := w.wayOut(d, "astrill", all[0].person.country)
		for _, l := range all {
			out := common
			if !one {
				out = w.wayOut(d, pick(d, "astrill", "nordvpn", "mullvad", "cyberghost", "surfshark"), l.person.country)
			}
			l.install(plain(out.tool, ""), w.start.Unix()-daySeconds, 0)
			for i := range l.life.stays {
				l.life.stays[i].tunnel = out
			}
		}
		return all
	}
}

// discreet has laptops go by what is known of detection: a router of their own, awake when
// driven only, the lid open, and some minutes of the host's own hands on every day.
func discreet(least, most int, minutes float64, of func(*World, draw, int) []*Laptop) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, size int) []*Laptop {
		var out []*Laptop
		for range d.whole(least, most) {
			out = append(out, of(w, d, size)...)
		}
		if minutes == 0 {
			return out
		}
		for _, l := range out {
			days := l.ownDays()
			l.camera, l.life.beats, l.life.awake = true, nil, nil
			for _, day := range days {
				whole := span{day[0].from - int64(d.between(60, 1500)), day[len(day)-1].to + int64(d.between(60, 2400))}
				l.life.awake = append(l.life.awake, wake{whole, d.chance(0.05)})
				at := whole.from + int64(d.between(0.05, 0.85)*float64(whole.seconds()))
				touch := span{at, at + int64(d.between(0.6, 1.4)*minutes*60)}
				l.life.work = append(l.life.work, work{span: touch, active: 0.85, input: d.between(0.5, 0.9), variation: d.between(1.3, 2.6), hands: hands{builtIn: 1}})
				if d.chance(0.3) {
					l.life.calls = append(l.life.calls, touch)
				}
			}
			for i := range l.life.stays {
				l.life.stays[i].shut, l.life.stays[i].mains = false, d.between(0.5, 1)
			}
		}
		return out
	}
}

// switchedFarm has one console behind a switch, at one of a host's laptops after another
// (REC29, the Wangs): the same serials are at all of them.
func switchedFarm(w *World, d draw, size int) []*Laptop {
	usb, display := asBought(w, d)
	if d.chance(0.5) {
		usb, display = posing(0.5)(w, d)
	}
	same := func(*World, draw) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) { return usb, display }
	return farmed(2, 6, false, 1, byConsole(same, 1, 0.2))(w, d, size)
}

// fronted has whoever hosts it do a share of the work.
func fronted(least, most float64, of func(*World, draw, int) []*Laptop) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, size int) []*Laptop {
		all := of(w, d, size)
		for _, l := range all {
			w.frontHelps(d, l, d.between(least, most))
		}
		return all
	}
}

// cloned copies a keyboard, a mouse and a screen in everything: input through it is theirs.
func cloned(w *World, d draw, h *host, l *Laptop, o *operator, _ int64, spells []span) {
	l.life.stays[0].desk = w.docked(d, l.life.stays[0].desk)
	o.manner.hands = hands{attached: 1}
	for _, s := range spells {
		l.life.work = append(l.life.work, l.pieces(o.manner, s)...)
		l.meet(o.manner, s)
	}
}

// selfDriven is one's own laptop, which its person drives from elsewhere in the country all
// day: through a console on another desk, or a tool's relay. Nobody could tell who it is.
func selfDriven(by driven) trait {
	return func(w *World, d draw, l *Laptop) {
		at := countryman(w, d, l)
		o := &operator{from: at, path: farmhoundv1.SessionPath_SESSION_PATH_RELAY, account: d.text(digits, 9)}
		relay := w.relay(d, l.life.stays[0].at.carrier.locality, at)
		o.peer, o.rtt = relay.address(d), trip(d, at, relay.locality)
		o.manner = pace(d, 0)
		h := &host{at: at, home: l.life.stays[0].at}
		var spells []span
		for _, k := range l.life.work {
			spells = append(spells, k.span)
		}
		l.life.work, l.life.stays = nil, l.life.stays[:1]
		by(w, d, h, l, o, w.start.Unix(), spells)
	}
}
