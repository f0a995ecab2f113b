package links

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/plist"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// macPorts is where macOS keeps which port every interface is, those of long ago as well.
const macPorts = "/Library/Preferences/SystemConfiguration/NetworkInterfaces.plist"

// macTunnels are the names of tunnels on macOS without their numbers, with the kernel's
// words for their kinds.
var macTunnels = map[string]string{
	"utun": "tun", "tun": "tun", "tap": "tap", "ipsec": "ipsec", "ppp": "ppp", "gif": "ipip", "stf": "sit", "wg": "wireguard",
}

// macVirtual are the names of interfaces into which nothing is plugged: bridges, those of
// virtual machines, and macOS' own between its devices.
var macVirtual = [...]string{"bridge", "vmnet", "vmenet", "feth", "vlan", "bond", "awdl", "llw", "ap", "anpi", "p2p", "nan", "pktap", "iptap", "vnic"}

// macKinds are the kinds of ports by macOS' words for them.
var macKinds = map[string]Kind{
	"Ethernet":  farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET,
	"IEEE80211": farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI,
	"WWAN":      farmhoundv1.InterfaceKind_INTERFACE_KIND_CELLULAR,
	"Bridge":    farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL,
	"VLAN":      farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL,
	"Bond":      farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL,
}

// ClassifyMac finds the kinds of the links of a Mac and leaves out tunnels that lead
// nowhere: macOS keeps several of its own up on every computer, without an address.
func ClassifyMac(h host.Host, list []Link) []Link {
	ports := macPortTypes(h)
	for i := range list {
		list[i].classifyMac(ports[list[i].Name])
	}
	return slices.DeleteFunc(list, func(l Link) bool {
		return l.Tunnel != "" && !slices.ContainsFunc(l.Prefixes, func(p netip.Prefix) bool { return p.Addr().IsGlobalUnicast() })
	})
}

func (l *Link) classifyMac(port string) {
	name := strings.TrimRight(l.Name, "0123456789")
	tunnel, isTunnel := macTunnels[name]
	kind, known := macKinds[port]
	switch {
	case l.Loopback:
		l.Kind, l.Tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_UNSPECIFIED, ""
	case isTunnel:
		l.Kind, l.Tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, tunnel
	case slices.Contains(macVirtual[:], name):
		l.Kind, l.Tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL, ""
	case known:
		l.Kind, l.Tunnel = kind, ""
	case l.Tunnel != "":
		l.Kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL // point to point, of a kind not known here
	default:
		l.Kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_UNSPECIFIED
	}
}

// macPortTypes returns macOS' words for the kinds of ports by interface. Names that people
// gave them and addresses are passed over.
func macPortTypes(h host.Host) map[string]string {
	types := map[string]string{}
	d, err := plist.Read(h, macPorts)
	if err != nil {
		return types
	}
	ports := d.List("Interfaces")
	for _, p := range ports[:min(len(ports), maxLinks)] {
		if port, ok := p.(plist.Dict); ok {
			types[port.Text("BSD Name")] = port.Text("SCNetworkInterfaceType")
		}
	}
	return types
}
