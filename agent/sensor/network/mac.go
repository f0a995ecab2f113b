package network

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/internal/proxies"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/macprogram"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// onMac is the system whose facts the files mac*.go look for. They hold what is decided, on
// every system; network_darwin.go fetches.
const onMac = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

// Fixed details of what is not seen on macOS.
const (
	detailMacPoint   = "macOS tells the access point to programs with the right to the location only"
	detailMacTunnels = "owners of tunnels could not be listed"
	detailMacProxies = "proxies are unknown"
	detailMacRoutes  = "routes could not be read"
	detailMacDisk    = "a recorded disk is on no network"
)

// proxiesInScutil looks at what scutil --proxy prints of the proxies in force. Whether one
// is found automatically is the network's to say.
func proxiesInScutil(text string) proxyState {
	switch d, ok := proxies.ParseScutil(text); {
	case !ok:
		return proxyUnknown
	case d.On("HTTPEnable"), d.On("HTTPSEnable"), d.On("SOCKSEnable"), d.On("ProxyAutoConfigEnable"):
		return proxyFound
	case d.On("ProxyAutoDiscoveryEnable"):
		return proxyUnknown
	}
	return proxyNone
}

// resolversInScutil returns the resolvers that scutil --dns prints before those of single
// interfaces, without those that only answer what is asked of the local network.
func resolversInScutil(text string) (list []netip.Addr) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "DNS configuration (for ") {
			return list
		}
		if !strings.HasPrefix(line, "nameserver[") {
			continue
		}
		_, value, _ := strings.Cut(line, " : ")
		addr, err := netip.ParseAddr(strings.TrimSpace(value))
		if addr = addr.WithZone("").Unmap(); err == nil && !addr.IsMulticast() && !slices.Contains(list, addr) && len(list) < maxNameservers {
			list = append(list, addr)
		}
	}
	return list
}

// macOwners finds the programs that hold the kernel's ends of tunnels.
type macOwners struct {
	host    host.Host
	catalog *catalog.Catalog
	at      time.Time
	names   []string          // of the tunnels that were there
	tools   map[string]string // by interface
	known   bool
}

// macOwnerInterval is how often the owners of the same tunnels are looked for again.
const macOwnerInterval = 5 * time.Minute

// refresh looks for the owners of tunnels where that is due. list asks the system, and
// program tells where a process's program lies. It is false where they are not known.
func (o *macOwners) refresh(c *catalog.Catalog, names []string, list func() ([]sockets.Control, error), program func(int32) string) bool {
	now := o.host.Time()
	if len(names) == 0 || o.catalog == c && slices.Equal(names, o.names) && now.Sub(o.at).Abs() < macOwnerInterval {
		return len(names) == 0 || o.known
	}
	o.catalog, o.at, o.names, o.tools, o.known = c, now, names, map[string]string{}, false
	controls, err := list()
	if err != nil {
		return false
	}
	o.known = true
	for _, control := range controls {
		name := interfaceOf(control)
		if !slices.Contains(names, name) {
			continue
		}
		place := program(int32(control.PID))
		facts := macprogram.Facts(place, "", macprogram.Read(o.host, place))
		if matches := c.Match(onMac, facts); len(matches) > 0 {
			o.tools[name] = matches[0].Entry.GetId()
		}
	}
	return true
}

// interfaceOf is the interface that a program's socket to the kernel made: units are
// counted from one, and interfaces from zero.
func interfaceOf(c sockets.Control) string {
	if c.Unit == 0 {
		return ""
	}
	number := strconv.FormatUint(uint64(c.Unit-1), 10)
	switch c.Name {
	case sockets.TunnelControl:
		return "utun" + number
	case sockets.IPsecControl:
		return "ipsec" + number
	}
	return ""
}

// macTunnels describes the tunnels that are up. The program that holds one, where it is
// known, says more than its name.
func (v *view) macTunnels(c *catalog.Catalog) (list []*farmhoundv1.Tunnel) {
	for i := range v.links {
		l := &v.links[i]
		if !l.Up || l.Tunnel == "" || len(list) == maxTunnels {
			continue
		}
		tool := v.owners[l.Name]
		if tool == "" {
			tool = toolNamed(c, onMac, l.Name)
		}
		list = append(list, &farmhoundv1.Tunnel{Kind: l.Tunnel, Tool: tool, DefaultRoute: v.defaults[l.Name], Mtu: uint32(max(l.MTU, 0))})
	}
	return list
}

// tunnelNames lists the tunnels that are up.
func (v *view) tunnelNames() (names []string) {
	for i := range v.links {
		if l := &v.links[i]; l.Up && l.Tunnel != "" {
			names = append(names, l.Name)
		}
	}
	return names
}

// neighboursOf takes the neighbours that macOS' table has. One that is forgotten at a time
// has answered not long before: macOS keeps them for twenty minutes.
func neighboursOf(table []links.Neighbour, now time.Time) (list []neighbour) {
	for _, n := range table[:min(len(table), mostNeighbours)] {
		list = append(list, neighbour{device: n.Index, addr: n.Addr, mac: n.MAC, lately: n.Expires > now.Unix()})
	}
	return list
}
