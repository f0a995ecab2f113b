package network

import (
	"slices"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/network/egress"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// mostAsked bounds the interfaces that are asked over.
const mostAsked = 4

// paths returns the ways out: the default route, and the physical interfaces beside
// it where traffic could leave another way.
func (v *view) paths(tunnels []*farmhoundv1.Tunnel) []egress.Path {
	var byDefault *links.Link
	var physical []egress.Path
	tunnelled := false
	for i := range v.links {
		l := &v.links[i]
		if !l.Up || l.Loopback || !leads(l) {
			continue
		}
		tunnelled = tunnelled || l.Tunnel != ""
		// A tunnel that takes the default route goes before what carries it.
		if v.defaults[l.Name] && (byDefault == nil || byDefault.Tunnel == "" && l.Tunnel != "") {
			byDefault = l
		}
		if isPhysical(l.Kind) && len(physical) < mostAsked {
			physical = append(physical, egress.Path{Interface: l.Name, Kind: l.Kind})
		}
	}
	var list []egress.Path
	if byDefault != nil {
		list = append(list, egress.Path{Kind: byDefault.Kind, Tool: ownerOf(byDefault, tunnels)})
	}
	if tunnelled || len(physical) > 1 {
		list = append(list, physical...)
	}
	return list
}

// ownerOf returns the tool of the one tunnel that takes the default route.
func ownerOf(l *links.Link, tunnels []*farmhoundv1.Tunnel) string {
	if l.Tunnel == "" {
		return ""
	}
	at := slices.IndexFunc(tunnels, func(t *farmhoundv1.Tunnel) bool { return t.GetDefaultRoute() && t.GetKind() == l.Tunnel })
	if at < 0 {
		return ""
	}
	return tunnels[at].GetTool()
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
