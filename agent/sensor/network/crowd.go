package network

import (
	"net/netip"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/network/heard"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// lately is for how long a neighbour that answered or spoke counts as there.
	lately = time.Hour
	// mostNeighbours bounds the crowd: more of them are no home.
	mostNeighbours = 4096
)

// neighbour is one entry of the neighbour table: somebody who answered.
type neighbour struct {
	device int    // index of the interface, or
	name   string // its name in a recorded table
	addr   netip.Addr
	mac    mac
	lately bool // whether he answered within the time that counts
}

// crowd counts who is on the local network, each once however many addresses he has.
type crowd struct {
	macs  map[mac]heard.Kind // what each announced himself as
	addrs map[netip.Addr]mac
	// alone are those who were heard and are in no neighbour table.
	alone map[netip.Addr]heard.Kind
}

// reset makes the crowd empty, and keeps its memory.
func (c *crowd) reset() {
	if c.macs == nil {
		c.macs, c.addrs, c.alone = map[mac]heard.Kind{}, map[netip.Addr]mac{}, map[netip.Addr]heard.Kind{}
	}
	clear(c.macs)
	clear(c.addrs)
	clear(c.alone)
}

// add adds somebody in the neighbour table.
func (c *crowd) add(n neighbour) {
	if !n.lately || !n.mac.names() || len(c.addrs) == mostNeighbours {
		return
	}
	if _, known := c.macs[n.mac]; !known {
		c.macs[n.mac] = 0
	}
	c.addrs[n.addr] = n.mac
}

// hear adds somebody who was heard.
func (c *crowd) hear(s heard.Source, now time.Time) {
	// A KVM speaks seldom, so that what it said is believed for longer.
	if s.Kind != heard.KVM && now.Sub(s.At).Abs() > lately {
		return
	}
	m, known := c.addrs[s.Addr]
	if !known {
		m, known = embedded(s.Addr)
	}
	switch {
	case known:
		c.macs[m] = max(c.macs[m], s.Kind)
	case len(c.alone) < mostNeighbours:
		c.alone[s.Addr] = max(c.alone[s.Addr], s.Kind)
	}
}

// embedded returns the hardware address that an IPv6 address of the old kind was made
// of.
func embedded(addr netip.Addr) (m mac, ok bool) {
	if !addr.Is6() {
		return m, false
	}
	raw := addr.As16()
	if raw[11] != 0xff || raw[12] != 0xfe {
		return m, false
	}
	m = mac{raw[8] ^ 2, raw[9], raw[10], raw[13], raw[14], raw[15]}
	return m, m.names()
}

// describe counts who is around and names those who are other laptops of the fleet; nil
// where nobody is seen.
func (c *crowd) describe(use *config, gateway mac, own []*links.Link) *farmhoundv1.Neighbours {
	out := c.count(gateway)
	if out != nil {
		out.FleetMembers = c.members(use.keys, use.named, gateway, own)
	}
	return out
}

// count fills the counts, without the gateway. They are nil where nobody else is
// seen: a network that keeps its clients apart looks just so.
func (c *crowd) count(gateway mac) *farmhoundv1.Neighbours {
	out := &farmhoundv1.Neighbours{}
	for _, kind := range []heard.Kind{heard.Other, heard.Laptop, heard.KVM} {
		for range c.strangers(kind) {
			tally(out, makerOther, kind)
		}
	}
	for m, kind := range c.macs {
		switch {
		case m != gateway:
			tally(out, m.maker(), kind)
		case kind == heard.KVM || m.maker() == makerKVM:
			out.KvmMakers++ // a gateway too, but not somebody else
		}
	}
	if out.GetReachable() == 0 && out.GetKvmMakers() == 0 {
		return nil
	}
	return out
}

// strangers returns how many at least of a kind were heard and are nobody that the table
// has. Somebody may speak by both families, under addresses that do not tell that they
// are his: so each is taken for one in the table whose address of that family is not
// known, and the larger of the two counts for all.
func (c *crowd) strangers(kind heard.Kind) int {
	var heard4, heard6, open4, open6 int
	for addr, k := range c.alone {
		switch {
		case k != kind:
		case addr.Is4():
			heard4++
		default:
			heard6++
		}
	}
	has4, has6 := map[mac]bool{}, map[mac]bool{}
	for addr, m := range c.addrs {
		if addr.Is4() {
			has4[m] = true
		} else {
			has6[m] = true
		}
	}
	for m, announced := range c.macs {
		// What is known to be something else is not he.
		if k := m.kind(announced); k != kind && kind != heard.Other {
			continue
		}
		if !has4[m] {
			open4++
		}
		if !has6[m] {
			open6++
		}
	}
	return max(heard4-open4, heard6-open6, 0)
}

// kind is what an address of a maker's and an announcement say together.
func (m mac) kind(announced heard.Kind) heard.Kind {
	switch m.maker() {
	case makerKVM:
		return heard.KVM
	case makerLaptop:
		return max(announced, heard.Laptop)
	case makerOther, makerBoard:
	}
	return announced
}

func tally(out *farmhoundv1.Neighbours, made maker, announced heard.Kind) {
	out.Reachable++
	switch {
	case made == makerKVM || announced == heard.KVM:
		out.KvmMakers++
	case made == makerLaptop || announced == heard.Laptop:
		out.BusinessLaptops++
	case made == makerBoard:
		out.Boards++
	}
}
