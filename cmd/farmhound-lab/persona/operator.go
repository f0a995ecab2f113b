package persona

import (
	"net/netip"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// operator is who drives farmed laptops from afar.
type operator struct {
	from locality
	// peer is the address that laptops see: the operator's own, that of a VPN's exit
	// or a relay's.
	peer netip.Addr
	path farmhoundv1.SessionPath
	// rtt is the smallest round trip, in milliseconds, that laptops can measure.
	rtt     float64
	account string
	habits  habits
	manner  manner
}

// newOperator draws an operator for laptops that are declared to be in a zone. Most
// keep the hours of the country they pretend to be in (KB4), some their own.
func (w *World) newOperator(d draw, zone string) *operator {
	o := &operator{from: w.stock.hubs[d.weighted(5, 2, 2, 1, 1)], account: d.text("abcdefghijklmnopqrstuvwxyz", 8) + "@example.com"}
	o.reach(w, d)
	o.habits = habits{
		zone: zone, start: d.between(7.5, 9.5), spread: d.between(0.2, 0.6), workweek: mondayToFriday,
		weekend: d.between(0, 0.4), sick: d.between(0, 0.05),
	}
	if d.chance(0.15) {
		o.habits.start = d.between(20, 22)
	}
	o.habits.end = o.habits.start + d.between(8, 11.5)
	o.manner = manner{active: d.between(0.55, 0.85), input: d.between(0.4, 0.65), variation: d.between(1.1, 2.4), calls: pick(d, 0, 0, 0, 0.4)}
	return o
}

// reach draws how the operator comes to the laptops.
func (o *operator) reach(w *World, d draw) {
	switch d.weighted(0.25, 0.4, 0.35) {
	case 0:
		o.peer = w.atlas.one(d, broadband, o.from.country, o.from.region).address(d)
		o.path, o.rtt = farmhoundv1.SessionPath_SESSION_PATH_DIRECT, d.between(165, 290)
	case 1: // behind a VPN (MANPOD, ANYR)
		o.peer = w.atlas.one(d, vpn, "", "").address(d)
		o.path, o.rtt = farmhoundv1.SessionPath_SESSION_PATH_DIRECT, d.between(25, 240)
	default: // a relay hides who is behind it
		o.peer = w.atlas.one(d, hosting, "", "").address(d)
		o.path, o.rtt = farmhoundv1.SessionPath_SESSION_PATH_RELAY, d.between(12, 70)
	}
}

// turns cuts shifts into spells and deals them out to laptops: one operator can
// type on one laptop at a time (PF6).
func (o *operator) turns(d draw, shifts []span, laptops int) [][]span {
	return byTurns(d, shifts, laptops, 35, 110, 30, 240)
}

// drive lets the operator use a laptop through a link in spells.
func (o *operator) drive(d draw, l *Laptop, via *link, spells []span, m manner) {
	for _, s := range spells {
		l.life.work = append(l.life.work, l.pieces(m, s)...)
		l.meet(m, s)
		for at := s.from - int64(d.between(0, 180)); at < s.to; {
			end := min(at+int64(d.between(1.5, 7)*3600), s.to+int64(d.between(60, 900)))
			l.life.control = append(l.life.control, control{
				span: span{at, end}, link: via, peer: o.peer, rtt: o.rtt * d.between(1, 1.08),
			})
			at = end + int64(d.between(20, 600))
		}
	}
}

// link is how a tool of the operator's shows on a laptop.
func (o *operator) link(id string, os farmhoundv1.OperatingSystem) *link {
	path := o.path
	if !remoteTools[id].direct {
		path = farmhoundv1.SessionPath_SESSION_PATH_RELAY
	}
	if !remoteTools[id].relay {
		path = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
	}
	via := linkOf(id, os, path)
	if remoteTools[id].account {
		via.account = o.account
	}
	return via
}

// byTurns gives shifts to laptops one after another, in spells of some minutes with some
// seconds between.
func byTurns(d draw, shifts []span, laptops int, shortest, longest, least, most float64) [][]span {
	spells := make([][]span, laptops)
	next := 0
	for _, s := range shifts {
		for at := s.from; at < s.to; next++ {
			end := min(at+int64(d.between(shortest, longest)*60), s.to)
			spells[next%laptops] = append(spells[next%laptops], span{at, end})
			at = end + int64(d.between(least, most))
		}
	}
	return spells
}

// consoles keeps laptops with a host, each on a console that pretends to be something
// else, driven in spells of its own.
func (w *World) consoles(d draw, h *host, o *operator, spells [][]span, pose func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display)) []*Laptop {
	var out []*Laptop
	for i := range spells {
		l := w.plant(d, h)
		l.senses.hands = true
		usb, display := pose()
		l.stands(w.shelf(d, h, w.bare(d).with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})))
		w.driveByConsole(d, l, o, spells[i])
		w.runs(d, l, w.start.Unix(), spells[i])
		out = append(out, l)
	}
	return out
}
