package network

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
)

// usable are the states in which an entry of the neighbour table holds an address
// that was true not long ago.
const usable = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT

// hardwareAddress looks a gateway up in the neighbour table: the kernel's own, which
// holds IPv6 too, or the file of it where the kernel cannot be asked. It is empty
// where the gateway is not in it.
func hardwareAddress(h host.Host, gateway links.Route) string {
	if h.Live() {
		if device, err := net.InterfaceByName(gateway.Interface); err == nil {
			if dump, err := syscall.NetlinkRIB(unix.RTM_GETNEIGH, unix.AF_UNSPEC); err == nil {
				return neighbourInDump(dump, device.Index, gateway.Gateway)
			}
		}
	}
	data, err := h.ReadFile("/proc/net/arp", 1<<20)
	if err != nil {
		return ""
	}
	return neighbourInTable(string(data), gateway.Interface, gateway.Gateway)
}

// neighbourInTable finds an address in /proc/net/arp: IP address, hardware type,
// flags, hardware address, mask, device.
func neighbourInTable(table, device string, wanted netip.Addr) string {
	const complete, permanent = "0x2", "0x6" // ATF_COM, and with ATF_PERM
	for line := range strings.Lines(table) {
		field := strings.Fields(line)
		if len(field) != 6 || field[5] != device || field[2] != complete && field[2] != permanent {
			continue
		}
		if addr, err := netip.ParseAddr(field[0]); err == nil && addr == wanted {
			return field[3]
		}
	}
	return ""
}

// neighbourInDump finds an address in the kernel's answer to RTM_GETNEIGH.
func neighbourInDump(dump []byte, device int, wanted netip.Addr) string {
	const header = 12 // struct ndmsg: family, padding, interface, state, flags, type
	messages, err := syscall.ParseNetlinkMessage(dump)
	if err != nil {
		return ""
	}
	native := binary.NativeEndian
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWNEIGH || len(m.Data) < header ||
			int(int32(native.Uint32(m.Data[4:]))) != device || native.Uint16(m.Data[8:])&usable == 0 {
			continue
		}
		if addr, hardware := neighbourAttributes(m.Data[header:]); addr == wanted && len(hardware) > 0 {
			return hardware.String()
		}
	}
	return ""
}

// neighbourAttributes reads the attributes of one entry.
func neighbourAttributes(b []byte) (addr netip.Addr, hardware net.HardwareAddr) {
	const header = 4 // struct rtattr
	for len(b) >= header {
		size := int(binary.NativeEndian.Uint16(b))
		if size < header || size > len(b) {
			break
		}
		switch binary.NativeEndian.Uint16(b[2:]) {
		case unix.NDA_DST:
			addr, _ = netip.AddrFromSlice(b[header:size])
		case unix.NDA_LLADDR:
			hardware = b[header:size]
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return addr, hardware
}
