package persona

import (
	"net/netip"
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// couple is two people of the company who live together and said so (section 4:
// couples; the devices roam apart, hours differ, each has gear of its own).
func couple(w *World, d draw, _ int) []*Laptop {
	both := w.together(d, 2)
	household := "h-" + d.text(digits, 4)
	for _, l := range both {
		l.person.household = household
	}
	return both
}

// flatmates share a flat and a network, and nobody told the company.
func flatmates(w *World, d draw, _ int) []*Laptop { return w.together(d, 2) }

func (w *World) together(d draw, people int) []*Laptop {
	where := w.somewhere(d)
	home := w.home(d, w.atlas.one(d, broadband, where.country, where.region))
	home.laptops = max(home.laptops, 1)
	var out []*Laptop
	for range people {
		l := w.hire(d, where)
		w.ordinaryDesk(d, l, home)
		out = append(out, l)
	}
	return out
}

// developer runs tunnels and an overlay network, has an SSH server and perhaps a
// remote console of the home laboratory on the network or plugged into this very
// laptop, and types at its keyboard all day (section 4: homelab owners, NE6, RA9).
func developer(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d), linux, macos)
	l.person.role = pick(d, "Software Engineer", "Senior Software Engineer", "DevOps Engineer", "Platform Engineer")
	later := func() int64 { return w.start.Unix() + int64(d.between(-3, 12)*daySeconds) }
	for _, id := range pick(d, []string{"vscode-tunnel"}, []string{"cloudflared"}, []string{"ngrok", "vscode-tunnel"}, []string{}) {
		l.install(plain(id, ""), later(), 0)
	}
	overlay := d.chance(0.6)
	if overlay {
		l.install(plain("tailscale", pick(d, "1.76.1", "1.78.3")), later(), 0)
	}
	switch d.weighted(0.4, 0.35, 0.25) {
	case 1:
		l.life.stays[0].at.consoles = 1
	case 2:
		c := pick(d, w.stock.consoles...)
		usb, display := c.plug(d, w.ring)
		l.life.stays[0].at.consoles = 1
		l.senses.hands = true // without it, nobody could tell who types
		for i := range l.life.stays {
			if s := &l.life.stays[i]; s.at == l.life.stays[0].at {
				s.desk = s.desk.with(&desk{usb: []*farmhoundv1.UsbDevice{usb}, displays: []*farmhoundv1.Display{display}})
			}
		}
	}
	if d.chance(0.6) {
		w.ownShell(d, l, overlay)
	}
	return []*Laptop{l}
}

// ownShell is the developer's own SSH into the laptop, from another computer in
// the house or, now and then, through the overlay.
func (w *World) ownShell(d draw, l *Laptop, overlay bool) {
	l.install(remote(d, "sshd", true), 0, 0)
	near := linkOf("sshd", l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	near.class = farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN
	far := linkOf("sshd", l.System.GetOs(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT)
	far.class = farmhoundv1.PeerClass_PEER_CLASS_SHARED
	neighbour := offset(l.life.stays[0].at.lan.Addr(), d.whole(20, 200))
	own := overlayAddress(d)
	for _, s := range l.life.work {
		during := span{s.from + 300, s.from + int64(d.between(10, 60)*60)}
		switch {
		case d.chance(0.12) && l.life.stayAt(s.from).at == l.life.stays[0].at:
			l.life.control = append(l.life.control, control{span: during, link: near, peer: neighbour, rtt: d.between(0.3, 4), near: true})
		case overlay && s.seconds() > 5400 && d.chance(0.06):
			during.to = during.from + int64(d.between(4, 15)*60)
			l.life.control = append(l.life.control, control{span: during, link: far, peer: own, rtt: d.between(15, 60)})
		}
	}
}

// overlayBase is where addresses of overlays begin that take them from private ranges.
var overlayBase = netip.MustParseAddr("10.147.17.0")

func overlayAddress(d draw) netip.Addr {
	return netip.AddrFrom4([4]byte{100, byte(d.whole(64, 127)), byte(d.whole(1, 254)), byte(d.whole(1, 254))})
}

// vpnUser values privacy: a consumer VPN is up for part of the day or always, and
// leaves in the home country (RC25: not inherently malicious).
func vpnUser(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	ids := []string{"nordvpn", "mullvad"}
	if l.System.GetOs() == linux {
		ids = append(ids, "protonvpn")
	}
	id := pick(d, ids...)
	l.install(plain(id, ""), w.start.Unix()+int64(pick(d, -1, d.between(0, 9))*daySeconds), 0)
	always := d.chance(0.3)
	share := d.between(0.15, 0.7)
	var stays []stay
	for _, s := range l.life.stays {
		if always {
			s.tunnel = w.exit(d, id, l.person.country)
		}
		stays = append(stays, s)
	}
	for _, s := range l.life.work {
		if always || !d.chance(share) {
			continue
		}
		on := *l.life.stayAt(s.from)
		off := on
		on.from, on.tunnel, off.from = s.from, w.exit(d, id, l.person.country), s.to
		stays = append(stays, on, off)
	}
	l.life.stays = stays
	return []*Laptop{l}
}

// exit is a consumer VPN's way out in a country, or in the company's where it has none.
func (w *World) exit(d draw, id, country string) *tunnel {
	t := &tunnel{tool: id, kind: "wireguard", mtu: 1420, defaultRoute: true}
	if d.chance(0.3) {
		t.kind, t.mtu = "tun", 1500
	}
	if len(w.atlas.in(vpn, country, "")) == 0 {
		country = w.land
	}
	t.exit = w.atlas.one(d, vpn, country, "").address(d)
	return t
}

// docked is shut on a desk, never sleeps and is driven by the keyboard and mouse on
// the desk alone (HW12's look without anybody far away).
func docked(w *World, d draw, _ int) []*Laptop {
	where := w.somewhere(d)
	l := w.hire(d, where)
	h := regular(d, l.person.zone, w.opts.Days)
	l.declare(h)
	home := w.home(d, w.atlas.one(d, broadband, where.country, where.region))
	l.stands(stay{at: home, desk: w.docked(d, w.bare(d)), shut: true, mains: 1, wired: d.chance(0.7)})
	m := ordinary(d, 1)
	m.off = 0
	l.live(m, w.shifts(d, h))
	if d.chance(0.6) {
		l.neverSleeps(w, w.start.Unix())
	}
	return []*Laptop{l}
}

// accessibility works with assistive technology that makes input by software:
// dictation, a switch, an eye tracker (RA12's first false positive).
func accessibility(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d))
	l.senses.hands = true
	injected := d.between(0.5, 0.93)
	for i := range l.life.work {
		k := &l.life.work[i]
		k.assistive = true
		k.hands.injected = injected
		k.hands.builtIn *= 1 - injected
		k.hands.attached *= 1 - injected
	}
	return []*Laptop{l}
}

// unseen uses the laptop like anybody, but its agent was not allowed to watch
// input, and perhaps not camera and microphone: unknown is no evidence.
func unseen(w *World, d draw, _ int) []*Laptop {
	l := w.atHome(d, w.somewhere(d), macos, windows)
	l.senses.hands, l.senses.media = false, d.chance(0.4)
	l.senses.why = pick(d, "input monitoring is not permitted", "no helper runs in the user's session")
	return []*Laptop{l}
}

// within keeps the spans that begin in a stretch of time.
func within(all []span, s span) []span {
	return slices.DeleteFunc(slices.Clone(all), func(o span) bool { return o.from < s.from || o.from >= s.to })
}
