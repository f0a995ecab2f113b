package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

const (
	// answered are the states of a neighbour who answered a moment ago.
	answered = unix.NUD_REACHABLE | unix.NUD_DELAY | unix.NUD_PROBE
	// usable are those in which the address was true not long ago.
	usable = answered | unix.NUD_STALE | unix.NUD_PERMANENT
	// ticks are the kernel's in a second, as it tells ages to programs.
	ticks = 100
)

// neighbours reads the neighbour table: the kernel's own, which holds IPv6 and ages
// too, or the file of it in a recorded tree.
func (s *system) neighbours(h host.Host) (list []neighbour, err error) {
	list = s.table[:0]
	if h.Live() {
		const size = 12 // struct ndmsg; zero asks for both families and every interface
		err = s.netlink.ask(unix.NETLINK_ROUTE, unix.RTM_GETNEIGH, unix.NLM_F_DUMP, make([]byte, size), func(kind uint16, body []byte) {
			if n, ok := parseNeighbour(body); ok && kind == unix.RTM_NEWNEIGH && len(list) < mostNeighbours {
				list = append(list, n)
			}
		})
	} else if data, failed := h.ReadFile("/proc/net/arp", 1<<20); failed == nil {
		list = appendARP(list, string(data))
	}
	s.table = list
	if err != nil {
		return nil, fmt.Errorf("read the neighbour table: %w", err)
	}
	return list, nil
}

// parseNeighbour reads one entry of the kernel's table; it is not ok for one that
// holds no address of the link.
func parseNeighbour(body []byte) (n neighbour, ok bool) {
	const header = 12 // struct ndmsg: family, padding, interface, state, flags, type
	if len(body) < header {
		return n, false
	}
	native := binary.NativeEndian
	state := native.Uint16(body[8:])
	n.device = int(int32(native.Uint32(body[4:])))
	n.lately = state&answered != 0
	for b := body[header:]; ; {
		kind, value, rest, more := nextAttribute(b)
		if !more {
			break
		}
		switch {
		case kind == unix.NDA_DST:
			n.addr, _ = netip.AddrFromSlice(value)
		case kind == unix.NDA_LLADDR && len(value) == len(n.mac):
			n.mac, ok = mac(value), true
		case kind == unix.NDA_CACHEINFO && len(value) >= 12 && state&unix.NUD_STALE != 0:
			// Ticks since it was confirmed, used and changed.
			age := min(native.Uint32(value), native.Uint32(value[8:]))
			n.lately = n.lately || age < uint32(lately.Seconds())*ticks
		}
		b = rest
	}
	return n, ok && n.addr.IsValid() && n.mac.names() && state&usable != 0
}

// appendARP parses /proc/net/arp: IP address, hardware type, flags, hardware address,
// mask, device. It knows no ages.
func appendARP(list []neighbour, table string) []neighbour {
	const complete, permanent = "0x2", "0x6" // ATF_COM, and with ATF_PERM
	for line := range strings.Lines(table) {
		field := strings.Fields(line)
		if len(field) != 6 || field[2] != complete && field[2] != permanent || len(list) >= mostNeighbours {
			continue
		}
		addr, err := netip.ParseAddr(field[0])
		value, ok := fleetkey.MAC(field[3])
		if err == nil && ok {
			list = append(list, neighbour{name: field[5], addr: addr.WithZone(""), mac: mac(value), lately: field[2] == complete})
		}
	}
	return list
}
