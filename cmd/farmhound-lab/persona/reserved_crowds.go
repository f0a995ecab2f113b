package persona

import (
	"fmt"
	"net/netip"
	"time"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Honest lives of the reserved casting that are about where people are, and with whom.

// where draws a place with its network and desks, at which people are.
type where func(w *World, d draw) (locality, *site, []*desk)

// anOffice is one that the company registered.
func anOffice(w *World, d draw) (locality, *site, []*desk) {
	o := pick(d, w.company.offices...)
	return o.locality, o.site, o.desks
}

// branch is an office that nobody registered, of the company's or of a supplier's.
func branch(abroad bool) where {
	return func(w *World, d draw) (locality, *site, []*desk) {
		at := w.somewhere(d)
		if abroad {
			at = pick(d, w.offshore...)
		}
		s := w.premises(d, at, business, 6, 90, 2, 50, 0.1)
		s.gateway = mac(d, officeMakers...)
		var desks []*desk
		for range d.whole(0, 9) {
			desks = append(desks, w.docked(d, &desk{}))
		}
		return at, s, desks
	}
}

// crowded is a network of strangers.
func crowded(sells trade, least, most, fewest, laptops int, apart float64) where {
	return func(w *World, d draw) (locality, *site, []*desk) {
		at := w.somewhere(d)
		s := w.premises(d, at, sells, least, most, fewest, laptops, apart)
		s.consoles = pick(d, 0, 0, 0, 0, 1, 2)
		return at, s, nil
	}
}

// attending is some people who go to one place on a share of the days, who are declared to
// live there, and traits that each of them may have.
func attending(least, most int, at where, low, high float64, traits ...trait) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		home, place, desks := at(w, d)
		var out []*Laptop
		for range d.whole(least, most) {
			l := w.hire(d, home)
			w.attends(d, l, place, desks, d.between(low, high), w.rota(d, l))
			for _, t := range traits {
				t(w, d, l)
			}
			out = append(out, l)
		}
		return out
	}
}

// dwelling is some people who live on one network, as one household if they said so.
func dwelling(least, most int, at where, household bool, traits ...trait) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		where, home, desks := at(w, d)
		name := "h-" + d.text(digits, 6)
		var out []*Laptop
		for i := range d.whole(least, most) {
			l := w.hire(d, where)
			r := w.rota(d, l)
			if d.chance(0.12) {
				start := d.between(17, 23)
				r = r.only(start, start+d.between(6, 9))
			}
			w.dwell(d, l, home, r)
			if len(desks) > 0 {
				w.takesTurns(d, l, home, desks[0], i%2, 2)
			}
			if household {
				l.person.household = name
			}
			for _, t := range traits {
				t(w, d, l)
			}
			out = append(out, l)
		}
		return out
	}
}

// house is a home that several people share, some of them with one desk for all.
func house(w *World, d draw) (locality, *site, []*desk) {
	at := w.somewhere(d)
	s := w.home(d, w.wire(d, at))
	s.laptops = max(s.laptops, d.whole(0, 3))
	if d.chance(0.25) {
		return at, s, []*desk{w.docked(d, &desk{})}
	}
	return at, s, nil
}

// meeting is some people who live apart and are in one place for some days, or to the end.
func meeting(least, most int, sells trade, shortest, longest float64, abroad float64) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		at := pick(d, w.homeland...)
		if d.chance(abroad) {
			at = pick(d, w.offshore...)
		}
		s := w.premises(d, at, sells, 3, 150, 0, 40, 0.6)
		from := w.start.Unix() + int64(d.between(1, 18)*daySeconds)
		during := span{from, from + int64(d.between(shortest, longest)*daySeconds)}
		var out []*Laptop
		for range d.whole(least, most) {
			l := w.visits(d, s, during)
			if at.country != l.person.country { // who tells, tells before
				l.approve(at.country, during)
			}
			out = append(out, l)
		}
		return out
	}
}

// approve has the roster allow a stay abroad, with days to spare.
func (l *Laptop) approve(country string, s span) {
	l.person.travel = append(l.person.travel, fmt.Sprintf("%s:%s..%s", country, timeAt(s.from-2*daySeconds).Format(time.DateOnly), timeAt(s.to+2*daySeconds).Format(time.DateOnly)))
}

// carried is people who live apart behind one mobile carrier's few addresses.
func carried(w *World, d draw, _ int) []*Laptop {
	at := w.somewhere(d)
	carrier := w.atlas.one(d, cellular, at.country, "")
	var out []*Laptop
	for range d.whole(2, 8) {
		l := w.hire(d, pick(d, w.claimed(&host{at: at})...))
		home := w.home(d, carrier)
		w.leases(d, home, d.whole(0, 14))
		w.dwell(d, l, home, w.rota(d, l))
		perhaps(0.3, harmless...)(w, d, l)
		out = append(out, l)
	}
	return out
}

// roams is somebody abroad for weeks, from one country to another, with approval for each
// or without any, at the own hours or the company's.
func roams(approved bool, share float64, traits ...trait) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		l := w.hire(d, w.somewhere(d))
		r := w.rota(d, l)
		home := w.home(d, w.wire(d, w.claimedAt(l)))
		bare, m := w.bare(d), pace(d, 0)
		l.stands(stay{at: home, desk: bare, mains: d.between(0.3, 1)})
		movesClock, keepsHours := d.chance(0.65), d.chance(0.35)
		at, end := w.start.Unix()+int64(d.skewed(0, 0.6)*float64(w.opts.Days)*daySeconds), w.end.Unix()
		if approved {
			end = min(end, at+int64(d.between(4, 20)*daySeconds))
		}
		l.live(m, within(w.days(d, l, r), span{w.start.Unix(), at}))
		m.hands = hands{builtIn: 1}
		for at < end {
			there := pick(d, w.offshore...)
			until := min(end, at+int64(d.skewed(2, 28)*daySeconds))
			room := w.premises(d, there, pick(d, broadband, business, cellular), 1, 80, 0, 12, 0.6)
			if d.chance(0.2) {
				room = w.hotspot(d, pick(d, there.country, pick(d, w.offshore...).country)) // a card for travellers comes out anywhere
			}
			l.stands(stay{from: at, at: room, desk: bare, mains: d.between(0.1, 0.9)})
			if approved {
				l.approve(there.country, span{at, until})
				if c := room.carrier.country; c != there.country {
					l.approve(c, span{at, until})
				}
			}
			local := r
			if movesClock {
				l.life.zones = append(l.life.zones, zone{at, there.zone})
			}
			if !keepsHours {
				local = nil
				for _, h := range r {
					h.zone = there.zone
					local = append(local, h)
				}
			}
			l.live(m, within(w.days(d, l, local), span{at + 10*3600, until}))
			at = until
		}
		if at < w.end.Unix() {
			l.stands(stay{from: at, at: home, desk: bare, mains: 0.6})
			l.life.zones = append(l.life.zones, zone{at, l.person.zone})
			l.live(m, within(w.days(d, l, r), span{at + 12*3600, w.end.Unix()}))
		}
		perhaps(share, traits...)(w, d, l)
		return []*Laptop{l}
	}
}

// declaredAbroad works abroad, as the roster says, at the local day or the company's.
func declaredAbroad(w *World, d draw, _ int) []*Laptop {
	at := pick(d, w.offshore...)
	l := w.hire(d, at)
	l.person.role = "External, " + pick(d, roles...)
	w.dwell(d, l, w.home(d, w.wire(d, at)), w.rota(d, l))
	if d.chance(0.45) {
		w.keepsHoursOf(l, w.homeland[0])
	}
	perhaps(0.4, harmless...)(w, d, l)
	return []*Laptop{l}
}

// byNight works at night or in the evening, as declared.
func byNight(w *World, d draw, _ int) []*Laptop {
	at := w.somewhere(d)
	l := w.hire(d, at)
	start := d.between(16, 24.5)
	r := w.rota(d, l).only(start, start+d.between(5.5, 11))
	r[0].workweek = pick(d, mondayToFriday, sundayToThursday, wednesdayToSunday, [7]bool{true, true, false, true, true, false, true})
	l.declares(r[0])
	l.person.role = pick(d, "Dispatcher", "Nurse Line", "Trading Support", "Network Operations")
	w.dwell(d, l, w.home(d, w.wire(d, at)), r)
	for range d.whole(0, 2) {
		pick(d, harmless...)(w, d, l)
	}
	return []*Laptop{l}
}

// shared is a laptop that whoever is there uses: at a reception, in a shop, a ward, a
// workshop, through what is plugged in, by several people and with idle hours.
func shared(w *World, d draw, _ int) []*Laptop {
	at, place, desks := anOffice(w, d)
	if d.chance(0.6) {
		at, place, desks = branch(false)(w, d)
	}
	l := w.hire(d, at, windows, windows, linux)
	l.person.role, l.camera = pick(d, "Ward, shared", "Warehouse, shared", "Shop floor, shared"), false
	h := habits{zone: at.zone, start: d.between(5, 10), spread: 0.2, weekend: pick(d, 0, 0.5, 1), workweek: mondayToFriday}
	h.end = h.start + d.between(6, 15)
	l.declare(h)
	k := w.bare(d).with(w.docked(d, &desk{}))
	if len(desks) > 0 && d.chance(0.2) {
		k = w.bare(d).with(desks[0])
	}
	l.stands(stay{at: place, desk: k, mains: 1, wired: d.chance(0.6), shut: d.chance(0.25)})
	m := pace(d, d.between(0.5, 1))
	m.off, m.calls, m.active, m.input = 0, 0, d.between(0.1, 0.6), d.between(0.1, 0.5)
	l.live(m, w.shifts(d, h))
	if d.chance(0.7) {
		l.neverSleeps(w, w.start.Unix())
	}
	perhaps(0.6, gadgets, jiggling)(w, d, l)
	return []*Laptop{l}
}

// hosted is a virtual machine in the company's or a provider's data centre, somewhere.
func hosted(w *World, d draw, _ int) []*Laptop {
	at := w.somewhere(d)
	l := w.hire(d, at, windows, linux)
	l.System = proto.CloneOf(l.System)
	l.System.Chassis, l.System.Manufacturer = farmhoundv1.Chassis_CHASSIS_VIRTUAL, pick(d, "QEMU", "Xen", "Google", "Nutanix", "Microsoft Corporation")
	l.System.Model = "Virtual Machine"
	l.senses.hardware, l.senses.media, l.senses.hands = d.chance(0.5), false, d.chance(0.5)
	cloud := &site{
		carrier: w.atlas.one(d, hosting, pick(d, w.land, ""), ""), gateway: mac(d, officeMakers...), mtu: pick(d, uint32(1460), 1500, 8500), others: d.whole(0, 9),
		lan: pick(d, netip.MustParsePrefix("10.132.0.0/20"), netip.MustParsePrefix("172.20.0.0/22")), apart: d.chance(0.7),
	}
	w.leases(d, cloud, 0)
	l.stands(stay{at: cloud, wired: true, desk: &desk{}, mains: 1})
	id := w.toolFor(d, l, "citrix-vda", "vmware-horizon-agent", "amazon-dcv", "windows-remote-desktop", "nomachine", "parsec")
	l.install(remote(d, id, true), 0, 0)
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class = farmhoundv1.PeerClass_PEER_CLASS_PRIVATE
	peer, rtt := netip.AddrFrom4([4]byte{10, 133, byte(d.whole(0, 15)), byte(d.whole(2, 250))}), d.skewed(0.3, 12)
	if d.chance(0.4) { // straight from the person's home
		via.class = farmhoundv1.PeerClass_PEER_CLASS_GLOBAL
		peer, rtt = w.atlas.one(d, broadband, at.country, at.region).address(d), trip(d, cloud.carrier.locality, at)
	}
	m := pace(d, 0)
	m.hands, m.calls = handsOf(via, 0), 0
	for _, s := range w.days(d, l, w.rota(d, l)) {
		l.live(m, []span{s})
		l.life.control = append(l.life.control, control{span: span{s.from - 30, s.to + int64(d.between(10, 3000))}, link: via, rtt: rtt, peer: peer})
	}
	l.neverSleeps(w, w.start.Unix())
	return []*Laptop{l}
}

// leftAt is people who leave their laptops docked at a place and work on them from home.
func leftAt(least, most int, at where) func(*World, draw, int) []*Laptop {
	return func(w *World, d draw, _ int) []*Laptop {
		home, place, _ := at(w, d)
		var out []*Laptop
		for range d.whole(least, most) {
			out = append(out, w.fromHomeTo(d, home, place))
		}
		return out
	}
}

// tailnetDriven drives the laptop from the own computer beside it over an overlay network.
func tailnetDriven(w *World, d draw, size int) []*Laptop {
	all := lived(nearby(0.6, 1, "windows-remote-desktop", "nomachine", "parsec", "rustdesk", "apple-screen-sharing", "gnome-remote-desktop"))(w, d, size)
	for _, l := range all {
		w.overTailnet(d, l)
	}
	return all
}
