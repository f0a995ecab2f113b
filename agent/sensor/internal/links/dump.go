package links

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Neighbour is one entry of macOS' table of neighbours.
type Neighbour struct {
	// Index is the interface's number.
	Index int
	Addr  netip.Addr
	MAC   [6]byte
	// Expires is when the entry is forgotten unless the neighbour answers again, in
	// seconds since 1970; zero for one that stays.
	Expires int64
}

// A dump of macOS' routing table is a row of messages, each struct rt_msghdr of
// net/route.h followed by the addresses that it names. Numbers are in the order of the
// processor, which is little-endian for all that run macOS now.
const (
	messageSize    = 92
	messageVersion = 5
	messageGet     = 4 // RTM_GET, which every route in a dump has

	offsetVersion = 2
	offsetKind    = 3
	offsetIndex   = 4
	offsetFlags   = 8
	offsetNamed   = 12
	offsetExpire  = 48 // rmx_expire of the metrics, which begin at 36
)

// Flags of routes.
const (
	bsdUp        = 0x1
	bsdGateway   = 0x2
	bsdHost      = 0x4
	bsdReject    = 0x8
	bsdLink      = 0x400
	bsdBlackhole = 0x1000
	bsdScoped    = 0x1000000
)

// Addresses that a message may name, by bit.
const (
	namedTo = iota
	namedGateway
	namedMask
	namedCount = 8
)

// Families of addresses as macOS numbers them.
const (
	familyIPv4 = 2
	familyLink = 18
	familyIPv6 = 30
)

// bsdRoute is one message.
type bsdRoute struct {
	index         int
	flags         uint32
	expires       int64
	to, via, mask []byte // struct sockaddr; empty where not named
}

// eachRoute calls found for every message of a dump that has the form of a route. What
// follows a message that is cut off or does not say how long it is is left out.
func eachRoute(dump []byte, found func(*bsdRoute)) {
	little := binary.LittleEndian
	for len(dump) >= 4 {
		size := int(little.Uint16(dump))
		if size < 4 || size > len(dump) {
			return
		}
		message := dump[:size]
		dump = dump[size:]
		if size < messageSize || message[offsetVersion] != messageVersion || message[offsetKind] != messageGet {
			continue
		}
		r := bsdRoute{
			index: int(little.Uint16(message[offsetIndex:])), flags: little.Uint32(message[offsetFlags:]),
			expires: int64(int32(little.Uint32(message[offsetExpire:]))),
		}
		r.addresses(message[messageSize:], little.Uint32(message[offsetNamed:]))
		found(&r)
	}
}

// addresses cuts the addresses apart. Each tells its length, and takes that much room
// rounded up to four bytes, at least four.
func (r *bsdRoute) addresses(rest []byte, named uint32) {
	for bit := range namedCount {
		if named&(1<<bit) == 0 {
			continue
		}
		if len(rest) == 0 {
			return
		}
		size := int(rest[0])
		if size > len(rest) {
			return
		}
		address := rest[:size]
		switch bit {
		case namedTo:
			r.to = address
		case namedGateway:
			r.via = address
		case namedMask:
			r.mask = address
		}
		rest = rest[min(max((size+3)&^3, 4), len(rest)):]
	}
}

// addressOf reads a struct sockaddr_in or sockaddr_in6.
func addressOf(raw []byte) (addr netip.Addr, ok bool) {
	if len(raw) < 2 {
		return addr, false
	}
	switch raw[1] {
	case familyIPv4:
		if len(raw) >= 8 {
			return netip.AddrFrom4([4]byte(raw[4:])), true
		}
	case familyIPv6:
		if len(raw) >= 24 {
			bytes := [16]byte(raw[8:])
			if addr = netip.AddrFrom16(bytes); addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast() {
				bytes[2], bytes[3] = 0, 0 // where the kernel keeps the interface's number
			}
			return netip.AddrFrom16(bytes), true
		}
	}
	return addr, false
}

// maskOf reads the length of a netmask, whose zeroes at the end are left out, and with
// them often its family. It is not ok for one with holes.
func maskOf(raw []byte, is4 bool) (length int, ok bool) {
	skip, width := 8, 16
	if is4 {
		skip, width = 4, 4
	}
	if len(raw) <= skip {
		return 0, true
	}
	raw = raw[skip:min(len(raw), skip+width)]
	ended := false
	for _, b := range raw {
		ones := bits.LeadingZeros8(^b)
		if b<<ones != 0 || ended && b != 0 {
			return 0, false
		}
		length += ones
		ended = ended || ones < 8
	}
	return length, true
}

// linkOf reads the hardware address of a struct sockaddr_dl: behind a name, both of
// lengths that it tells.
func linkOf(raw []byte) (mac [6]byte, ok bool) {
	const data = 8
	if len(raw) < data || raw[1] != familyLink || raw[6] != 6 {
		return mac, false
	}
	at := data + int(raw[5])
	if at+6 > len(raw) {
		return mac, false
	}
	return [6]byte(raw[at:]), true
}

// AppendDump appends the usable routes of a dump of macOS' routing table; name gives the
// name of an interface by its number. Those to single neighbours are left out.
func AppendDump(routes []Route, dump []byte, name func(index int) string) []Route {
	eachRoute(dump, func(m *bsdRoute) {
		to, ok := addressOf(m.to)
		if !ok || m.flags&bsdUp == 0 || m.flags&(bsdReject|bsdBlackhole|bsdLink) != 0 || len(routes) >= maxDumped {
			return
		}
		length := to.BitLen()
		if m.flags&bsdHost == 0 {
			if length, ok = maskOf(m.mask, to.Is4()); !ok || length > to.BitLen() {
				return
			}
		}
		r := Route{To: netip.PrefixFrom(to, length).Masked(), Interface: name(m.index), Scoped: m.flags&bsdScoped != 0}
		if via, ok := addressOf(m.via); ok && m.flags&bsdGateway != 0 && !via.IsUnspecified() {
			r.Gateway = via
		}
		if r.Scoped {
			r.Metric = 1 // after one that everything takes
		}
		if r.Interface != "" {
			routes = append(routes, r)
		}
	})
	return routes
}

// Bounds on what is taken of a dump.
const (
	maxDumped     = 100_000
	maxNeighbours = 8192
)

// AppendNeighbours appends the neighbours of such a dump whose hardware address is known.
// Where macOS does not want to tell it, it gives one that nobody has.
func AppendNeighbours(list []Neighbour, dump []byte) []Neighbour {
	eachRoute(dump, func(m *bsdRoute) {
		addr, ok := addressOf(m.to)
		mac, known := linkOf(m.via)
		if !ok || !known || m.flags&bsdLink == 0 || mac == [6]byte{} || mac == [6]byte{2} || mac[0]&1 != 0 || len(list) >= maxNeighbours {
			return
		}
		list = append(list, Neighbour{Index: m.index, Addr: addr, MAC: mac, Expires: m.expires})
	})
	return list
}
