package persona

import (
	"net/netip"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// ownDesktop prefers the desktop computer in the same room: the laptop is driven
// from it over the local network with a tool that nobody approved, for part of most
// days (section 4: own-PC habit; the controlling side is near).
func ownDesktop(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d), windows, linux)
	id := w.foreignTool(d, "anydesk", "rustdesk", "parsec", "sunshine")
	l.install(remote(d, id, true), w.start.Unix()+int64(pick(d, -1, d.between(1, 15))*daySeconds), 0)
	installedAt := l.life.tools[len(l.life.tools)-1].from
	via := linkOf(id, l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class, via.established = farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN, farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION
	home := l.life.stays[0].at
	peer := offset(home.lan.Addr(), d.whole(20, 200))
	share := d.between(0.3, 0.8)
	for i := range l.life.work {
		k := &l.life.work[i]
		if k.from < installedAt || l.life.stayAt(k.from).at != home || !d.chance(share) {
			continue
		}
		k.hands = hands{injected: 0.97, builtIn: 0.03}
		l.life.control = append(l.life.control, control{span: k.span, link: via, peer: peer, rtt: d.between(0.4, 6), near: true})
	}
	return []*Laptop{l}
}

// virtualDesktop is no laptop but a company's virtual machine at a hosting provider,
// which everybody reaches through a broker (section 4: VDI and VM guests).
func virtualDesktop(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where, linux)
	l.System = proto.CloneOf(l.System)
	l.System.Manufacturer, l.System.Model = "VMware, Inc.", pick(d, "VMware Virtual Platform", "VMware20,1")
	l.System.Chassis = farmhoundv1.Chassis_CHASSIS_VIRTUAL
	l.senses.hardware, l.senses.media = false, false
	cloud := &site{
		carrier: w.atlas.one(d, hosting, w.land, ""), gateway: mac(d, officeMakers...), mtu: 1500, others: d.whole(1, 4),
		lan: netip.MustParsePrefix("10.40.0.0/20"),
	}
	w.leases(d, cloud, 0)
	l.stands(stay{at: cloud, wired: true, desk: &desk{}, mains: 1})
	h := regular(d, where.zone, w.opts.Days)
	l.declare(h)
	l.install(remote(d, "xrdp", true), 0, 0)
	via := linkOf("xrdp", linux, farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	via.class = farmhoundv1.PeerClass_PEER_CLASS_PRIVATE
	m := ordinary(d, 0)
	m.hands, m.calls = hands{session: 1}, 0
	shifts := w.shifts(d, h)
	l.live(m, shifts)
	for _, s := range shifts {
		l.life.control = append(l.life.control, control{
			span: span{s.from - 20, s.to + 60}, link: via, rtt: d.between(0.5, 4),
			peer: netip.AddrFrom4([4]byte{10, 41, byte(d.whole(0, 7)), byte(d.whole(2, 250))}),
		})
	}
	l.neverSleeps(w, w.start.Unix())
	return []*Laptop{l}
}
