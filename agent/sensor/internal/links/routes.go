package links

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// maxRoutes bounds the bytes read of one routing table: some 100,000 routes.
const maxRoutes = 16 << 20

// Flags of linux/route.h and linux/ipv6_route.h.
const (
	routeUp     = 0x1
	routeReject = 0x200
)

// Route is one usable route.
type Route struct {
	// To is the network it leads to; of length zero for the default route.
	To netip.Prefix
	// Gateway is the next hop; not valid where the network is attached.
	Gateway netip.Addr
	// Interface is the name of the interface it leaves through.
	Interface string
	// Metric is lower for a route that is preferred.
	Metric uint64
	// Scoped is whether only what is bound to the interface takes it: macOS keeps such
	// a default route for every network that it could leave by.
	Scoped bool
}

// Routes returns the usable routes of the host's main tables.
func Routes(h host.Host) ([]Route, error) {
	data, err := h.ReadFile("/proc/net/route", maxRoutes)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	routes := appendRoutes4(nil, string(data))
	if data, err = h.ReadFile("/proc/net/ipv6_route", maxRoutes); err == nil {
		routes = appendRoutes6(routes, string(data))
	}
	return routes, nil
}

// appendRoutes4 parses /proc/net/route: Iface Destination Gateway Flags RefCnt Use
// Metric Mask …, addresses in the machine's byte order.
func appendRoutes4(routes []Route, table string) []Route {
	for line := range strings.Lines(table) {
		field := strings.Fields(line)
		if len(field) < 8 {
			continue
		}
		to, ok1 := hexAddress4(field[1])
		gateway, ok2 := hexAddress4(field[2])
		mask, ok3 := hexAddress4(field[7])
		flags, err1 := strconv.ParseUint(field[3], 16, 32)
		metric, err2 := strconv.ParseUint(field[6], 10, 32)
		if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || flags&routeUp == 0 || flags&routeReject != 0 {
			continue
		}
		raw := mask.As4()
		length := bits.LeadingZeros32(^binary.BigEndian.Uint32(raw[:]))
		r := Route{To: netip.PrefixFrom(to, length), Interface: field[0], Metric: metric}
		if !gateway.IsUnspecified() {
			r.Gateway = gateway
		}
		routes = append(routes, r)
	}
	return routes
}

// appendRoutes6 parses /proc/net/ipv6_route: to length from length gateway metric
// references uses flags interface.
func appendRoutes6(routes []Route, table string) []Route {
	for line := range strings.Lines(table) {
		field := strings.Fields(line)
		if len(field) != 10 {
			continue
		}
		to, ok1 := hexAddress(field[0])
		length, err1 := strconv.ParseUint(field[1], 16, 8)
		gateway, ok2 := hexAddress(field[4])
		metric, err2 := strconv.ParseUint(field[5], 16, 32)
		flags, err3 := strconv.ParseUint(field[8], 16, 32)
		if !ok1 || !ok2 || err1 != nil || err2 != nil || err3 != nil || length > 128 ||
			flags&routeUp == 0 || flags&routeReject != 0 || field[9] == "lo" {
			continue
		}
		r := Route{To: netip.PrefixFrom(to, int(length)), Interface: field[9], Metric: metric}
		if !gateway.IsUnspecified() {
			r.Gateway = gateway
		}
		routes = append(routes, r)
	}
	return routes
}

// hexAddress4 parses an IPv4 address that the kernel printed as a number in the
// machine's byte order; the machines that laptops use are little-endian.
func hexAddress4(text string) (netip.Addr, bool) {
	n, err := strconv.ParseUint(text, 16, 32)
	if err != nil || len(text) != 8 {
		return netip.Addr{}, false
	}
	var raw [4]byte
	binary.LittleEndian.PutUint32(raw[:], uint32(n))
	return netip.AddrFrom4(raw), true
}

// hexAddress parses an IPv6 address of 32 hexadecimal digits.
func hexAddress(text string) (netip.Addr, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 16 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom16([16]byte(raw)), true
}
