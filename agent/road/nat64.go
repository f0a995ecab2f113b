package road

import (
	"context"
	"net"
	"net/netip"
)

// translated opens a connection to an IPv4 address where the network has IPv6 only and
// translates (NAT64). Names need no such help: the network's resolver translates those.
// Nil where it does not.
func (r *Road) translated(ctx context.Context, address string) net.Conn {
	target, err := netip.ParseAddrPort(address)
	if err != nil || !target.Addr().Is4() || target.Addr().IsLoopback() || ctx.Err() != nil {
		return nil
	}
	// RFC 7050: this name has no address in IPv6 but one that the network made.
	answers, err := net.DefaultResolver.LookupNetIP(ctx, "ip6", "ipv4only.arpa")
	if err != nil {
		return nil
	}
	for _, answer := range answers[:min(len(answers), 4)] {
		address, ok := translate(answer, target.Addr())
		if !ok {
			continue
		}
		if conn, err := r.dial(ctx, "tcp", netip.AddrPortFrom(address, target.Port()).String()); err == nil {
			return conn
		}
	}
	return nil
}

// wellKnown are the two addresses of ipv4only.arpa in IPv4.
var wellKnown = [...][4]byte{{192, 0, 0, 170}, {192, 0, 0, 171}}

// translate returns the IPv6 address by which a network that translated ipv4only.arpa to
// answer reaches an IPv4 address. Of the prefixes of RFC 6052 it knows that of 96 bits,
// which is the usual one, and those of 64, 56, 48, 40 and 32, around byte 8.
func translate(answer, target netip.Addr) (netip.Addr, bool) {
	bytes := answer.As16()
	for _, length := range [...]int{12, 8, 7, 6, 5, 4} {
		places := embedded(length)
		var found [4]byte
		for i, place := range places {
			found[i] = bytes[place]
		}
		if found != wellKnown[0] && found != wellKnown[1] {
			continue
		}
		for i, b := range target.As4() {
			bytes[places[i]] = b
		}
		return netip.AddrFrom16(bytes), true
	}
	return netip.Addr{}, false
}

// embedded returns where the four bytes of an IPv4 address lie after a prefix of so many
// bytes; byte 8 is always passed over.
func embedded(prefix int) (places [4]int) {
	at := prefix
	for i := range places {
		if at == 8 {
			at++
		}
		places[i] = at
		at++
	}
	return places
}
