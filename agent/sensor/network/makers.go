package network

import (
	"encoding/binary"
	"sort"
)

// mac is a hardware address.
type mac [6]byte

// maker is what a hardware address says about who made the thing behind it.
type maker uint8

const (
	makerOther maker = iota
	// makerLaptop is a maker of business laptops.
	makerLaptop
	// makerKVM is a maker of IP-KVMs that makes little else.
	makerKVM
	// makerBoard is the maker of the boards that many IP-KVMs are built on, and much
	// else is: it is told apart so that it is not taken for a KVM.
	makerBoard
)

// kvmMakers are the beginnings of the addresses of IP-KVMs. GL.iNet is not among them:
// most of what bears its addresses are routers.
var kvmMakers = [...]struct {
	start uint32 // the first four bytes
	bits  int    // how many bits of them were assigned
}{
	{0x30525300, 24}, // BuildJet: JetKVM
	{0x48da356f, 32}, // Sipeed: NanoKVM
	{0x04c98b10, 28}, // TinyPilot
}

// names reports whether an address is that of one thing: groups, broadcast and nobody
// are not.
func (m mac) names() bool { return m[0]&1 == 0 && m != mac{} }

// maker returns who made the thing with an address. One that the thing chose itself,
// as telephones and more and more laptops do, says nothing.
func (m mac) maker() maker {
	const local = 2
	if m[0]&local != 0 || !m.names() {
		return makerOther
	}
	first := binary.BigEndian.Uint32(m[:4])
	for _, k := range kvmMakers {
		if (first^k.start)>>(32-k.bits) == 0 {
			return makerKVM
		}
	}
	var prefix [6]byte
	for i, b := range m[:3] {
		const digits = "0123456789ABCDEF"
		prefix[2*i], prefix[2*i+1] = digits[b>>4], digits[b&15]
	}
	switch {
	case listed(laptopMakers, prefix):
		return makerLaptop
	case listed(boardMakers, prefix):
		return makerBoard
	}
	return makerOther
}

// listed looks a prefix up in a list that is in order.
func listed(list string, prefix [6]byte) bool {
	const size = len(prefix)
	i := sort.Search(len(list)/size, func(i int) bool { return list[i*size:(i+1)*size] >= string(prefix[:]) })
	return i*size < len(list) && list[i*size:(i+1)*size] == string(prefix[:])
}
