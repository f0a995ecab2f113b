package network

import (
	"slices"

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
			tunnelled = append(tunnelled, egress.Path{Interface: l.Name, Kind: l.Kind, Tool: v.owners[l.Name]})
		case l.Tunnel == "" && (isPhysical(l.Kind) || v.hasDefault(l.Name)) && len(physical) < mostAsked:
			physical = append(physical, egress.Path{Interface: l.Name, Kind: l.Kind})
		}
	}
	var list []egress.Path
	if byDefault != nil {
		list = append(list, egress.Path{Kind: byDefault.Kind, Tool: v.owners[byDefault.Name]})
	}
	if len(physical)+len(tunnelled) > 1 {
		list = append(append(list, physical...), tunnelled...)
	}
	return slices.DeleteFunc(list, func(p egress.Path) bool {
		return byDefault != nil && byDefault.Tunnel != "" && p.Interface == byDefault.Name
	})
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
