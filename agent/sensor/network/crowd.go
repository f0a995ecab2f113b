package network

import (
	"net/netip"
	"time"

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
	macs  map[mac]bool // whether he announced himself as a KVM
	addrs map[netip.Addr]mac
	// alone are those who were heard and are in no neighbour table.
	alone map[netip.Addr]bool
}

// reset makes the crowd empty, and keeps its memory.
func (c *crowd) reset() {
	if c.macs == nil {
		c.macs, c.addrs, c.alone = map[mac]bool{}, map[netip.Addr]mac{}, map[netip.Addr]bool{}
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
	c.macs[n.mac] = c.macs[n.mac]
	c.addrs[n.addr] = n.mac
}

// hear adds somebody who was heard.
func (c *crowd) hear(s heard.Source, now time.Time) {
	kvm := s.Kind == heard.KVM
	// A KVM speaks seldom, so that what it said is believed for longer.
	if !kvm && now.Sub(s.At).Abs() > lately {
		return
	}
	m, known := c.addrs[s.Addr]
	if !known {
		m, known = embedded(s.Addr)
	}
	switch {
	case known:
		c.macs[m] = c.macs[m] || kvm
	case len(c.alone) < mostNeighbours:
		c.alone[s.Addr] = c.alone[s.Addr] || kvm
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

// count fills the counts, without the gateway. They are nil where nobody else is
// seen: a network that keeps its clients apart looks just so.
func (c *crowd) count(gateway mac) *farmhoundv1.Neighbours {
	out := &farmhoundv1.Neighbours{Reachable: uint32(len(c.alone))}
	for _, kvm := range c.alone {
		if kvm {
			out.KvmMakers++
		}
	}
	for m, announced := range c.macs {
		made := m.maker()
		if announced || made == makerKVM {
			out.KvmMakers++
		}
		if m == gateway {
			continue
		}
		out.Reachable++
		if made == makerLaptop {
			out.BusinessLaptops++
		}
	}
	if out.GetReachable() == 0 && out.GetKvmMakers() == 0 {
		return nil
	}
	return out
}
