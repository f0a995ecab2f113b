package network

import (
	"net/netip"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Kinds of interfaces as the IANA numbers them (ifType), of which Windows tells.
const (
	ifEthernet = 6
	ifPPP      = 23
	ifLoopback = 24
	ifVirtual  = 53 // what drivers without hardware choose, such as Wintun
	ifWiFi     = 71
	ifTunnel   = 131
	ifWWAN     = 243
	ifWWAN2    = 244
)

// adapter is an interface as Windows describes it.
type adapter struct {
	name        string // as people see it, such as "Ethernet 2"
	description string // as its driver calls it
	index       int
	kind        uint32
	up          bool
	hardware    bool // whether there is something behind it that can be touched
	mtu         int
	mac         mac
	prefixes    []netip.Prefix
	resolvers   []netip.Addr
	luid        uint64
	metric4     uint32
	metric6     uint32
}

// tunnelWords are what the drivers of tunnels call them, in lower case, with the
// technical kind. Others that are not hardware are bridges to virtual machines.
var tunnelWords = [...]struct{ word, kind string }{
	{"wireguard", "wireguard"},
	{"wintun", "tun"},
	{"tap-", "tap"},
	{"tap adapter", "tap"},
	{"openvpn", "tun"},
	{"tunnel", "tun"},
	{"vpn", "tun"},
	{"anyconnect", "tun"},
	{"pangp", "tun"},
	{"zerotier", "tap"},
}

// link describes the adapter as the rest of the sense knows interfaces. The catalogue
// knows by name what the driver's words do not tell.
func (a *adapter) link(c *catalog.Catalog) links.Link {
	l := links.Link{Name: a.name, Index: a.index, Up: a.up, Loopback: a.kind == ifLoopback, MTU: a.mtu, MAC: a.mac, Prefixes: a.prefixes}
	l.Kind, l.Tunnel = a.classify(c)
	return l
}

func (a *adapter) classify(c *catalog.Catalog) (kind links.Kind, tunnelled string) {
	switch a.kind {
	case ifLoopback:
		return farmhoundv1.InterfaceKind_INTERFACE_KIND_UNSPECIFIED, ""
	case ifPPP:
		return farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, "ppp"
	case ifTunnel:
		// Teredo, ISATAP, 6to4: IPv6 in IPv4.
		return farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, "sit"
	case ifWWAN, ifWWAN2:
		return farmhoundv1.InterfaceKind_INTERFACE_KIND_CELLULAR, ""
	case ifWiFi:
		return farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI, ""
	}
	word := a.tunnelWord()
	switch {
	case word != "":
		return farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, word
	case a.kind == ifEthernet && a.hardware:
		return farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET, ""
	case a.kind == ifVirtual || a.owner(c) != "":
		return farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, "tun"
	}
	return farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL, ""
}

func (a *adapter) tunnelWord() string {
	described := strings.ToLower(a.description)
	for _, t := range tunnelWords {
		if strings.Contains(described, t.word) {
			return t.kind
		}
	}
	return ""
}

// owner returns the entry of the catalogue that the adapter's names point to. The name
// that people see is the tool's more often than the driver's, which many share.
func (a *adapter) owner(c *catalog.Catalog) string {
	if id := toolNamed(c, windowsOS, a.name); id != "" {
		return id
	}
	return toolNamed(c, windowsOS, a.description)
}

const windowsOS = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS

// windowsTunnels describes the tunnels that are up, and notes their owners.
func (v *view) windowsTunnels(c *catalog.Catalog, adapters []adapter) (list []*farmhoundv1.Tunnel) {
	v.owners = map[string]string{}
	for i := range v.links {
		l := &v.links[i]
		if !l.Up || l.Tunnel == "" || len(list) == maxTunnels {
			continue
		}
		v.owners[l.Name] = adapters[i].owner(c)
		list = append(list, &farmhoundv1.Tunnel{
			Tool: v.owners[l.Name], Kind: l.Tunnel, DefaultRoute: v.defaults[l.Name], Mtu: uint32(max(l.MTU, 0)),
		})
	}
	return list
}

// windowsResolvers returns the resolvers of the adapters that are up, without the
// site-local ones that Windows names where there is none.
func windowsResolvers(adapters []adapter) (list []netip.Addr) {
	placeholder := netip.MustParsePrefix("fec0:0:0:ffff::/64")
	for i := range adapters {
		if !adapters[i].up {
			continue
		}
		for _, addr := range adapters[i].resolvers {
			if addr = addr.WithZone("").Unmap(); !placeholder.Contains(addr) && len(list) < maxNameservers {
				list = append(list, addr)
			}
		}
	}
	return list
}
