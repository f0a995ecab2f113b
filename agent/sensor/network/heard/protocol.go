package heard

import (
	"net/netip"
	"time"
)

const (
	// mostLinks bounds the interfaces.
	mostLinks = 4
	// longestPacket is what is read of one; the beginning says what it is.
	longestPacket = 4096
	// queueSize is how many bytes wait in the system while nothing is read.
	queueSize = 16 << 10
)

// Ports of the protocols.
const (
	mdnsPort  = 5353
	ssdpPort  = 1900
	llmnrPort = 5355
)

// protocol is one of those that are heard.
type protocol struct {
	parse  func([]byte) (Kind, bool)
	own    func([]byte) netip.Addr // nil where no packet tells
	groups []netip.AddrPort        // all of one port
}

// protocols lists them. SSDP over IPv6 is too rare for sockets of its own.
func protocols() []protocol {
	group := func(addr string, port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr(addr), port)
	}
	return []protocol{
		{parseMDNS, ownAddress, []netip.AddrPort{group("224.0.0.251", mdnsPort), group("ff02::fb", mdnsPort)}},
		{parseSSDP, nil, []netip.AddrPort{group("239.255.255.250", ssdpPort)}},
		{parseLLMNR, nil, []netip.AddrPort{group("224.0.0.252", llmnrPort), group("ff02::1:3", llmnrPort)}},
	}
}

// take notes who sent a packet, where it is an announcement.
func (p *protocol) take(packet []byte, from netip.Addr, into *Memory, now time.Time) {
	kind, ok := p.parse(packet)
	if !ok {
		return
	}
	from = from.Unmap().WithZone("")
	if p.own != nil && from.Is6() {
		if own := p.own(packet); own.IsValid() {
			from = own
		}
	}
	into.add(Source{from, kind, now})
}

// breath is how long what arrives waits after something was read: who speaks says more,
// and to be woken costs more than to read.
const breath = time.Second

// allowance counts the packets of a minute.
type allowance struct {
	packets     int
	until, next time.Time
}

// more reports whether another packet may be read now.
func (a *allowance) more() bool { return a.packets < perMinute }

// took notes that one was.
func (a *allowance) took() { a.packets++ }

// woken notes that something arrived, whatever came of it.
func (a *allowance) woken(now time.Time) { a.next = now.Add(breath) }

// pause returns for how long nothing is to be read, zero if something may be.
func (a *allowance) pause(now time.Time) time.Duration {
	if !now.Before(a.until) {
		a.packets, a.until = 0, now.Add(time.Minute)
	}
	if !a.more() {
		return a.until.Sub(now)
	}
	return max(a.next.Sub(now), 0)
}
