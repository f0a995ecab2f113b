// Package links lists the network interfaces of a machine, their kind and the
// networks they are attached to. Both the network sense and whoever asks whether an
// address is nearby use it.
//
// On the running machine interfaces and addresses come from the kernel; a recorded
// tree is read from /sys/class/net and /proc/net. The package imports proto/,
// agent/sensor/host and agent/sensor/internal/plist only.
package links

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxLinks bounds what is looked at: container hosts have thousands.
const maxLinks = 1024

// Kind is a kind of interface, as reports name it.
type Kind = farmhoundv1.InterfaceKind

// Link is one interface.
type Link struct {
	// Name is the kernel's, such as eth0.
	Name string
	// Index is the kernel's number for it, zero in a recorded tree.
	Index int
	// Up is whether it is switched on, Loopback whether it leads nowhere else.
	Up, Loopback bool
	// MTU is the largest packet in bytes.
	MTU int
	// Kind is the kind that reports name.
	Kind Kind
	// Tunnel is the kernel's word for the kind of tunnel, empty for other kinds.
	Tunnel string
	// MAC is its hardware address as it uses it now, all zero where it has none.
	MAC [6]byte
	// Prefixes are its addresses with the networks they are in.
	Prefixes []netip.Prefix
}

// Local reports whether the other ends of the link's networks are near: not
// loopback, not a tunnel.
func (l *Link) Local() bool { return l.Up && !l.Loopback && l.Tunnel == "" }

// Holds reports whether an address is in one of the link's networks.
func (l *Link) Holds(addr netip.Addr) bool {
	return slices.ContainsFunc(l.Prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// List returns the interfaces of the host.
func List(h host.Host) ([]Link, error) {
	list := recorded
	if h.Live() {
		list = live
	}
	found, err := list(h)
	for i := range found {
		found[i].classify(h)
	}
	return found, err
}

// live asks the kernel, by the standard library's netlink requests.
func live(host.Host) ([]Link, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	found := make([]Link, 0, len(interfaces))
	for _, i := range interfaces[:min(len(interfaces), maxLinks)] {
		l := Link{Name: i.Name, Index: i.Index, Up: i.Flags&net.FlagUp != 0, Loopback: i.Flags&net.FlagLoopback != 0, MTU: i.MTU}
		if len(i.HardwareAddr) == len(l.MAC) {
			l.MAC = [6]byte(i.HardwareAddr)
		}
		if i.Flags&net.FlagPointToPoint != 0 {
			l.Tunnel = "pointopoint" // the kernel's word for the flag, until classify knows better
		}
		if addresses, err := i.Addrs(); err == nil {
			for _, a := range addresses {
				l.addAddress(a)
			}
		}
		found = append(found, l)
	}
	return found, nil
}

func (l *Link) addAddress(a net.Addr) {
	if n, ok := a.(*net.IPNet); ok {
		addr, _ := netip.AddrFromSlice(n.IP)
		ones, bits := n.Mask.Size()
		if addr = addr.Unmap(); addr.IsValid() && bits == addr.BitLen() {
			l.Prefixes = append(l.Prefixes, netip.PrefixFrom(addr, ones))
		}
	}
}

// recorded reads a tree that was copied from a machine.
func recorded(h host.Host) ([]Link, error) {
	names, err := h.ReadNames("/sys/class/net", maxLinks)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	slices.Sort(names)
	routes, err := Routes(h)
	if err != nil {
		return nil, err
	}
	addresses := inet6(h)
	found := make([]Link, 0, len(names))
	for _, name := range names {
		folder := "/sys/class/net/" + name + "/"
		flags, _ := strconv.ParseUint(strings.TrimPrefix(h.ReadLine(folder+"flags"), "0x"), 16, 32)
		mtu, _ := strconv.Atoi(h.ReadLine(folder + "mtu"))
		l := Link{Name: name, Up: flags&1 != 0, Loopback: flags&8 != 0, MTU: max(mtu, 0)}
		if mac, err := net.ParseMAC(h.ReadLine(folder + "address")); err == nil && len(mac) == len(l.MAC) {
			l.MAC = [6]byte(mac)
		}
		for _, r := range routes {
			// An IPv4 network without a gateway is one that the interface is attached to.
			if r.Interface == name && !r.Gateway.IsValid() && r.To.Addr().Is4() && r.To.Bits() > 0 {
				l.Prefixes = append(l.Prefixes, r.To)
			}
		}
		l.Prefixes = append(l.Prefixes, addresses[name]...)
		found = append(found, l)
	}
	return found, nil
}

// inet6 reads the IPv6 addresses by interface from /proc/net/if_inet6: address,
// index, prefix length, scope, flags, name.
func inet6(h host.Host) map[string][]netip.Prefix {
	found := map[string][]netip.Prefix{}
	data, err := h.ReadFile("/proc/net/if_inet6", 1<<20)
	if err != nil {
		return found
	}
	for line := range strings.Lines(string(data)) {
		field := strings.Fields(line)
		if len(field) != 6 {
			continue
		}
		addr, ok := hexAddress(field[0])
		bits, err := strconv.ParseUint(field[2], 16, 8)
		if ok && err == nil && bits <= 128 {
			found[field[5]] = append(found[field[5]], netip.PrefixFrom(addr, int(bits)))
		}
	}
	return found
}
