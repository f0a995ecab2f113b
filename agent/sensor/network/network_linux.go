package network

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// resolverFiles hold the resolvers in use: the C library's, and those behind
// systemd's stub.
var resolverFiles = [...]string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

const (
	// lookAgain is after what time everything is looked at anew although the kernel
	// told of no change: who is on the network, proxies and resolvers it does not tell.
	lookAgain = 5 * time.Minute
	// settled is for how long little changes wait.
	settled = time.Minute
	// mostMissing is how many looks in a row do not wait for what is missing.
	mostMissing = 8

	detailDeaf = "announcements on the local network cannot be heard"
)

// system is what the sense keeps between observations on Linux.
type system struct {
	owners  owners
	netlink netlink
	news    *news // nil where the kernel does not tell of changes
	table   []neighbour
	crowd   crowd
	ear     ear
	last    look
}

// look is the latest observation, with what it depended on.
type look struct {
	at     time.Time
	config *config
	out    *farmhoundv1.Network
	err    error
	// missing counts the looks in a row that lacked what may be there soon: a gateway
	// has no hardware address before something was said to it.
	missing int
	// little says that little has changed since.
	little bool
}

func newSystem(h host.Host) system { return system{owners: newOwners(h)} }

// view is what one observation found.
type view struct {
	links      []links.Link
	routes     []links.Route
	neighbours []neighbour
	defaults   map[string]bool   // interfaces through which a default route leaves
	owners     map[string]string // catalogue ids of the tools that own tunnels, by interface
}

// Observe fills Network. Where the kernel tells of changes and told of none, it is what
// was observed before.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	if s.steady() {
		into.Network = s.system.last.out
		return s.system.last.err
	}
	use, now := s.config.Load(), s.host.Time()
	out, again, err := s.look(ctx, use)
	missing := 0
	if again {
		missing = s.system.last.missing + 1
	}
	s.system.last = look{}
	if out == nil {
		return err
	}
	s.system.last = look{at: now, config: use, out: out, err: err, missing: missing}
	into.Network = out
	return err
}

// steady reports whether what was observed last still stands.
func (s *Sensor) steady() bool {
	y := &s.system
	if !s.host.Live() || y.last.out == nil {
		// From before the first look on, so that no change falls between.
		if s.host.Live() && y.news == nil {
			y.news, _ = follow()
		}
		return false
	}
	changed := little // where the kernel does not tell
	if y.news != nil {
		changed = y.news.read()
	}
	age := s.host.Time().Sub(y.last.at).Abs()
	switch {
	case changed == much || y.last.config != s.config.Load() || age >= lookAgain:
		return false
	case y.last.missing > 0 && y.last.missing < mostMissing:
		return false
	case changed == little:
		y.last.little = true
	}
	waits := y.last.little || y.last.missing > 0
	return !(waits && age >= settled) && s.sameWaysOut()
}

// sameWaysOut reports whether the collector's answers are those of the last look.
func (s *Sensor) sameWaysOut() bool {
	var known []*farmhoundv1.EgressPath
	if p := s.prober.Load(); p != nil {
		known = p.Known()
	}
	told := s.system.last.out.GetEgress()
	return len(told) == len(known) && (len(known) == 0 || &told[0] == &known[0])
}

// look observes.
func (s *Sensor) look(ctx context.Context, use *config) (out *farmhoundv1.Network, again bool, err error) {
	v := &view{}
	if v.links, err = links.List(s.host); err != nil {
		return nil, false, err
	}
	if v.routes, err = links.Routes(s.host); err != nil {
		return nil, false, err
	}
	if err := ctx.Err(); err != nil {
		return nil, false, fmt.Errorf("look at the network: %w", err)
	}
	v.findDefaults(ctx, s.host)
	out = &farmhoundv1.Network{Interfaces: v.interfaces(), Resolvers: v.resolvers(s.host), ProxyConfigured: proxies(s.host)}
	details := []string{}
	if out.Tunnels, err = s.tunnels(ctx, use, v); err != nil {
		details = append(details, err.Error())
	}
	v.neighbours, err = s.system.neighbours(s.host)
	told := err == nil
	if use.keys.Empty() {
		details = append(details, detailNoKey)
	} else {
		again = !s.hash(v, use.keys, out)
	}
	if deaf := s.listen(v); deaf != nil {
		details = append(details, detailDeaf)
	}
	if told {
		out.Neighbours = s.around(v)
	}
	if p := s.prober.Load(); p != nil {
		p.Want(v.paths())
		out.Egress = p.Known()
	}
	return out, again, host.Hidden(details...)
}

// findDefaults finds the interfaces through which traffic leaves. VPNs put two
// halves before the default route, or rules before the main table: for the latter
// the kernel is asked which way it would go.
func (v *view) findDefaults(ctx context.Context, h host.Host) {
	v.defaults = map[string]bool{}
	halves := map[string]int{}
	for _, r := range v.routes {
		switch r.To.Bits() {
		case 0:
			v.defaults[r.Interface] = true
		case 1:
			if halves[r.Interface]++; halves[r.Interface] == 2 {
				v.defaults[r.Interface] = true
			}
		}
	}
	if !h.Live() {
		return
	}
	for _, source := range []netip.Addr{sourceTo(ctx, farPlace4), sourceTo(ctx, farPlace6)} {
		for i := range v.links {
			l := &v.links[i]
			if source.IsValid() && slices.ContainsFunc(l.Prefixes, func(p netip.Prefix) bool { return p.Addr() == source }) {
				v.defaults[l.Name] = true
			}
		}
	}
}

// Far places, which no local network has for its own: a.root-servers.net.
const (
	farPlace4 = "198.41.0.4:9"
	farPlace6 = "[2001:503:ba3e::2:30]:9"
)

// sourceTo returns the address that the kernel would send from to a far place.
// Connecting a datagram socket sends nothing.
func sourceTo(ctx context.Context, far string) netip.Addr {
	network := "udp4"
	if strings.HasPrefix(far, "[") {
		network = "udp6"
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, far)
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}
	}
	return local.AddrPort().Addr().Unmap()
}

// interfaces describes those that are up, the ones that lead somewhere first.
func (v *view) interfaces() (list []*farmhoundv1.Interface) {
	for i := range v.links {
		l := &v.links[i]
		if !l.Up || l.Loopback {
			continue
		}
		out := &farmhoundv1.Interface{Kind: l.Kind, Mtu: uint32(max(l.MTU, 0)), DefaultRoute: v.defaults[l.Name]}
		for _, p := range l.Prefixes {
			addr := p.Addr()
			out.Ipv4 = out.Ipv4 || addr.Is4()
			out.Ipv6 = out.Ipv6 || addr.Is6() && addr.IsGlobalUnicast() && !addr.IsPrivate()
		}
		list = append(list, out)
	}
	slices.SortStableFunc(list, func(a, b *farmhoundv1.Interface) int {
		if a.DefaultRoute != b.DefaultRoute {
			if a.DefaultRoute {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Mtu, b.Mtu))
	})
	return list[:min(len(list), maxInterfaces)]
}

// resolvers returns the kinds of the resolvers in use, without repeats.
func (v *view) resolvers(h host.Host) (kinds []farmhoundv1.ResolverKind) {
	on := func(tunnel bool) func(netip.Addr) bool {
		return func(addr netip.Addr) bool {
			return slices.ContainsFunc(v.links, func(l links.Link) bool {
				return l.Up && !l.Loopback && (l.Tunnel != "") == tunnel && l.Holds(addr)
			})
		}
	}
	routed := func(addr netip.Addr) bool { return on(true)(addr) || v.throughTunnel(addr) }
	for _, file := range resolverFiles {
		data, err := h.ReadFile(file, 64<<10)
		if err != nil {
			continue
		}
		for _, addr := range parseResolvers(string(data)) {
			if kind := resolverKind(addr, on(false), routed); !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	slices.Sort(kinds)
	return kinds[:min(len(kinds), maxResolvers)]
}

// throughTunnel reports whether the most exact route to an address other than a
// default route leaves through a tunnel.
func (v *view) throughTunnel(addr netip.Addr) bool {
	best := links.Route{}
	for _, r := range v.routes {
		if r.To.Bits() > 1 && r.To.Contains(addr) && r.To.Bits() > best.To.Bits() {
			best = r
		}
	}
	l := v.link(best.Interface)
	return l != nil && l.Tunnel != ""
}

func (v *view) link(name string) *links.Link {
	i := slices.IndexFunc(v.links, func(l links.Link) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &v.links[i]
}
