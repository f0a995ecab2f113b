package network

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/network/egress"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// mostAsked bounds the interfaces that are asked over.
const mostAsked = 4

// paths returns the ways out: the default route, and where traffic could leave another
// way the physical interfaces and the tunnels beside it.
func (v *view) paths() []egress.Path {
	var byDefault *links.Link
	var physical, tunnelled []egress.Path
	for i := range v.links {
		l := &v.links[i]
		if !l.Up || l.Loopback || !leads(l) {
			continue
		}
		// A tunnel that takes the default route goes before what carries it.
		if v.defaults[l.Name] && (byDefault == nil || byDefault.Tunnel == "" && l.Tunnel != "") {
			byDefault = l
		}
		switch {
		case l.Tunnel != "" && len(tunnelled) < mostAsked:
			tunnelled = append(tunnelled, v.path(l, l.Name))
		case l.Tunnel == "" && (isPhysical(l.Kind) || v.hasDefault(l.Name)) && len(physical) < mostAsked:
			physical = append(physical, v.path(l, l.Name))
		}
	}
	var list []egress.Path
	if byDefault != nil {
		list = append(list, v.path(byDefault, ""))
	}
	if len(physical)+len(tunnelled) > 1 {
		list = append(append(list, physical...), tunnelled...)
	}
	return slices.DeleteFunc(list, func(p egress.Path) bool {
		return byDefault != nil && byDefault.Tunnel != "" && p.Interface == byDefault.Name
	})
}

// path describes the way out over a link, which is that of the default route where
// name is empty.
func (v *view) path(l *links.Link, name string) egress.Path {
	p := egress.Path{Interface: name, Kind: l.Kind, Tool: v.owners[l.Name], Links: networksOf(l)}
	gateway, ok := v.gatewayOn(func(c *links.Link) bool { return c == l })
	if l.Tunnel != "" {
		// A tunnel leads elsewhere from elsewhere: what carries it counts as well.
		if gateway, ok = v.localGateway(); ok {
			p.Links += " over " + networksOf(v.link(gateway.Interface))
		}
	}
	if ok {
		if m, known := v.gatewayMAC(gateway); known {
			p.Gateway = string(m[:])
		}
	}
	return p
}

// networksOf lists the networks that a link is part of, in an order of their own: which
// addresses it has in them comes and goes.
func networksOf(l *links.Link) string {
	var list []string
	for _, p := range l.Prefixes {
		if p.Addr().IsGlobalUnicast() {
			if p.Addr().Is6() {
				p = netip.PrefixFrom(p.Addr(), min(p.Bits(), linkBits))
			}
			list = append(list, p.Masked().String())
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// hasDefault reports whether a default route leads through an interface, preferred or
// not. Bridges of containers have none.
func (v *view) hasDefault(name string) bool {
	return slices.ContainsFunc(v.routes, func(r links.Route) bool { return r.To.Bits() == 0 && r.Interface == name })
}

func isPhysical(k links.Kind) bool {
	return k == farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET || k == farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI ||
		k == farmhoundv1.InterfaceKind_INTERFACE_KIND_CELLULAR
}

// leads reports whether an interface has an address that leads anywhere.
func leads(l *links.Link) bool {
	for _, p := range l.Prefixes {
		if p.Addr().IsGlobalUnicast() {
			return true
		}
	}
	return false
}
