package persona

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// hired draws who drives the laptops of a host of the former casting. A fifth come out at
// somebody's line in the host's own land (TRK on proxies in homes).
func (w *World) hired(d draw, h *host, zone string) *operator {
	o := w.newOperator(d, zone)
	switch d.weighted(0.2, 0.25, 0.2, 0.35) {
	case 0:
		o.peer = w.atlas.one(d, broadband, o.from.country, o.from.region).address(d)
		o.path, o.rtt = farmhoundv1.SessionPath_SESSION_PATH_DIRECT, trip(d, h.at, o.from)
	case 1: // behind a VPN, as often as not near the laptops
		exit := w.atlas.one(d, pick(d, vpn, rented), pick(d, h.at.country, ""), "")
		o.peer, o.path = exit.address(d), farmhoundv1.SessionPath_SESSION_PATH_DIRECT
		o.rtt = trip(d, h.at, exit.locality)
	case 2:
		proxy := w.atlas.one(d, broadband, h.at.country, "")
		o.peer, o.path = proxy.address(d), farmhoundv1.SessionPath_SESSION_PATH_DIRECT
		o.rtt = trip(d, h.at, proxy.locality)
	default:
		relay := w.atlas.one(d, hosting, "", "")
		o.peer, o.path, o.rtt = relay.address(d), farmhoundv1.SessionPath_SESSION_PATH_RELAY, trip(d, h.at, relay.locality)
	}
	return o
}

// handOver lets an operator drive a laptop by a tool from some time after it came.
func (w *World) handOver(d draw, l *Laptop, o *operator, spells []span, id string) {
	since := w.arrives(d)
	ready := w.setUp(d, since)
	spells = within(spells, span{ready, w.end.Unix()})
	t := remote(d, id, d.chance(0.85))
	t.fixed = id == "chrome-remote-desktop" && d.chance(0.5)
	t.renamed = d.chance(0.08)
	if d.chance(0.1) {
		t.scope, t.writable = farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE, true
	}
	l.install(t, ready, 0)
	if d.chance(0.3) {
		l.install(remote(d, w.toolFor(d, l, w.stock.strange...), true), ready+int64(d.between(0.1, 15)*daySeconds), 0)
	}
	m := o.manner
	local := max(d.around(0.015, 0.015), 0)
	m.hands = hands{injected: 1 - local, builtIn: local}
	o.drive(d, l, o.link(id, l.System.GetOs()), spells, m)
	w.runs(d, l, since, spells)
}

// pretence is an identity that consoles are given: presets that JetKVM offers, and those
// of keyboards whose ids PiKVM imports (HW4, HW6).
func (w *World) pretence(d draw, storage bool) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
	face := *pick(d, w.stock.faces...)
	if storage {
		face.storage = pick(d, w.stock.drives...)
	}
	serial := w.stock.posed(d)
	device := face.device(w.ring, serial)
	for _, i := range device.Interfaces {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("recompiled"), d.Uint64()))
		if i.Name = ""; i.Class == 3 {
			i.ReportDescriptorSha256 = sum[:]
		}
	}
	return device, pick(d, w.stock.screens...).display(d, w.ring)
}

// consolesAt has laptops driven through consoles at one host's.
func (w *World) consolesAt(d draw, h *host, laptops int, sensed bool, plug func() (*farmhoundv1.UsbDevice, *farmhoundv1.Display)) []*Laptop {
	if d.chance(0.5) {
		h.home.consoles = d.whole(1, laptops)
	}
	shared := w.hired(d, h, h.at.zone)
	shared.habits.end = shared.habits.start + d.between(8, 13)
	turns := shared.turns(d, w.shifts(d, shared.habits), laptops)
	alone, jiggles := d.chance(0.6), d.chance(0.4)
	var out []*Laptop
	for i := range laptops {
		l := w.plant(d, h)
		l.senses.hands = sensed && d.chance(0.9)
		usb, display := plug()
		l.stands(w.shelf(d, h, w.bare(d).with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})))
		o, spells := shared, turns[i]
		if alone {
			o = w.hired(d, h, l.person.zone)
			spells = w.shifts(d, o.habits)
		}
		since := w.arrives(d)
		w.driveByConsole(d, l, o, within(spells, span{w.setUp(d, since), w.end.Unix()}))
		w.runs(d, l, since, spells)
		if jiggles {
			l.life.beats = append(l.life.beats, beat{span{since, w.end.Unix()}, pick(d, int64(15), 20, 30, 60)})
		}
		out = append(out, l)
	}
	return out
}

// alone makes a host's network one with nothing else of note on it.
func (h *host) alone(d draw) *host {
	h.home.laptops, h.home.consoles, h.home.others = d.whole(0, 1), 0, d.whole(1, 6)
	return h
}

// byRules has a laptop go by what is known of detection: awake at working hours alone, the
// lid open, and ten minutes of the host's own hands on every day.
func (w *World) byRules(d draw, l *Laptop, days []span) {
	w.rests(l, days)
	l.life.beats, l.camera = nil, true
	l.touched(d, days)
	for i := range l.life.stays {
		l.life.stays[i].shut, l.life.stays[i].mains = false, d.between(0.6, 1)
	}
}

// weekly drives a laptop by one tool after another, each for a week or so.
func (w *World) weekly(d draw, l *Laptop, o *operator, since int64, shifts []span) {
	ids := slices.Clone(w.stock.strange)
	d.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	at := w.setUp(d, since)
	for _, id := range slices.Compact(ids) {
		known := remoteTools[id].systems
		if id == w.company.tool || !slices.Contains(known, l.System.GetOs()) || at >= w.end.Unix() || slices.ContainsFunc(l.life.tools, func(i installed) bool { return i.id == id }) {
			continue
		}
		until := at + int64(d.between(3, 10)*daySeconds)
		t := remote(d, id, d.chance(0.7))
		t.writable, t.renamed = d.chance(0.3), d.chance(0.1)
		l.install(t, at, until+3600)
		m := o.manner
		m.hands = hands{injected: 1}
		o.drive(d, l, o.link(id, l.System.GetOs()), within(shifts, span{at, until}), m)
		at = until
	}
}
