package links

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// message is a message as XNU lays it out; addresses are given as they follow it.
func message(index uint16, flags, named uint32, expires int32, addresses ...[]byte) []byte {
	out := make([]byte, messageSize)
	out[offsetVersion], out[offsetKind] = messageVersion, messageGet
	little := binary.LittleEndian
	little.PutUint16(out[offsetIndex:], index)
	little.PutUint32(out[offsetFlags:], flags)
	little.PutUint32(out[offsetNamed:], named)
	little.PutUint32(out[offsetExpire:], uint32(expires))
	for _, a := range addresses {
		out = append(out, a...) //nolint:makezero // behind the header, which is made in place
		for len(out)%4 != 0 {
			out = append(out, 0) //nolint:makezero // the same
		}
	}
	little.PutUint16(out, uint16(len(out)))
	return out
}

func in4(text string) []byte {
	addr := netip.MustParseAddr(text).As4()
	return append(append([]byte{16, familyIPv4, 0, 0}, addr[:]...), make([]byte, 8)...)
}

func in6(text string, scope byte) []byte {
	addr := netip.MustParseAddr(text).As16()
	addr[3] |= scope
	return append(append([]byte{28, familyIPv6, 0, 0, 0, 0, 0, 0}, addr[:]...), make([]byte, 4)...)
}

// mask4 is a netmask without its zeroes at the end, as the kernel gives it.
func mask4(b ...byte) []byte { return append([]byte{byte(4 + len(b)), 0, 0, 0}, b...) }

func mask6(b ...byte) []byte {
	return append([]byte{byte(8 + len(b)), familyIPv6, 0, 0, 0, 0, 0, 0}, b...)
}

// none is a netmask of no length, which takes four bytes.
var none = []byte{0, 0, 0, 0}

func dl(index uint16, name string, mac ...byte) []byte {
	out := []byte{20, familyLink, byte(index), byte(index >> 8), 6, byte(len(name)), byte(len(mac)), 0}
	out = append(append(out, name...), mac...)
	for len(out) < 20 {
		out = append(out, 0)
	}
	out[0] = byte(len(out))
	return out
}

const (
	toViaMask = 1<<namedTo | 1<<namedGateway | 1<<namedMask
	toVia     = 1<<namedTo | 1<<namedGateway
)

func dump() (out []byte) {
	for _, m := range [][]byte{
		message(14, bsdUp|bsdGateway, toViaMask, 0, in4("0.0.0.0"), in4("192.168.7.1"), none),
		message(15, bsdUp|bsdGateway|bsdScoped, toViaMask, 0, in4("0.0.0.0"), in4("10.9.0.1"), none),
		message(22, bsdUp|bsdGateway, toViaMask, 0, in4("10.0.0.0"), in4("100.64.0.1"), mask4(255)),
		message(14, bsdUp, toViaMask, 0, in4("192.168.7.0"), dl(14, ""), mask4(255, 255, 255)),
		message(14, bsdUp|bsdHost|bsdLink, toVia, 1_790_000_900, in4("192.168.7.1"), dl(14, "", 0x02, 0x42, 0xc0, 0xa8, 7, 1)),
		message(14, bsdUp|bsdHost|bsdLink, toVia, 0, in4("192.168.7.9"), dl(14, "")), // is being asked for
		message(14, bsdUp|bsdHost|bsdLink, toVia, 0, in4("192.168.7.8"), dl(14, "", 2, 0, 0, 0, 0, 0)),
		message(14, bsdUp|bsdHost|bsdLink, toVia, 0, in4("192.168.7.255"), dl(14, "", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
		message(14, bsdUp|bsdHost|bsdLink, toVia, 0, in6("fe80::1", 14), dl(14, "en0", 0x02, 0x42, 0xc0, 0xa8, 7, 1)),
		message(14, bsdUp|bsdGateway, toViaMask, 0, in6("::", 0), in6("fe80::1", 14), none),
		message(14, bsdUp, toViaMask, 0, in6("2001:db8:7::", 0), dl(14, "en0"), mask6(255, 255, 255, 255, 255, 255, 255, 255)),
		message(22, bsdUp, toViaMask, 0, in4("128.0.0.0"), in4("100.64.0.1"), mask4(128)),
		message(1, bsdUp|bsdReject, toViaMask, 0, in4("127.0.0.0"), in4("127.0.0.1"), mask4(255)),
		message(99, bsdUp, toViaMask, 0, in4("172.31.0.0"), dl(99, ""), mask4(255, 255)), // an interface that is gone
		message(14, bsdUp, toViaMask, 0, in4("192.168.9.0"), dl(14, ""), mask4(255, 0, 255)),
	} {
		out = append(out, m...)
	}
	return out
}

func nameOf(index int) string {
	return map[int]string{1: "lo0", 14: "en0", 15: "en7", 22: "utun4"}[index]
}

func TestAppendDump(t *testing.T) {
	t.Parallel()
	want := []Route{
		{To: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.168.7.1"), Interface: "en0"},
		{To: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("10.9.0.1"), Interface: "en7", Scoped: true, Metric: 1},
		{To: netip.MustParsePrefix("10.0.0.0/8"), Gateway: netip.MustParseAddr("100.64.0.1"), Interface: "utun4"},
		{To: netip.MustParsePrefix("192.168.7.0/24"), Interface: "en0"},
		{To: netip.MustParsePrefix("::/0"), Gateway: netip.MustParseAddr("fe80::1"), Interface: "en0"},
		{To: netip.MustParsePrefix("2001:db8:7::/64"), Interface: "en0"},
		{To: netip.MustParsePrefix("128.0.0.0/1"), Interface: "utun4"},
	}
	if diff := cmp.Diff(want, AppendDump(nil, dump(), nameOf), compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppendNeighbours(t *testing.T) {
	t.Parallel()
	mac := [6]byte{0x02, 0x42, 0xc0, 0xa8, 7, 1}
	want := []Neighbour{
		{Index: 14, Addr: netip.MustParseAddr("192.168.7.1"), MAC: mac, Expires: 1_790_000_900},
		{Index: 14, Addr: netip.MustParseAddr("fe80::1"), MAC: mac},
	}
	if diff := cmp.Diff(want, AppendNeighbours(nil, dump()), compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzDump(f *testing.F) {
	f.Add(dump())
	f.Add(message(14, bsdUp, toViaMask, 0, []byte{200, familyIPv4}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range AppendDump(nil, data, func(int) string { return "en0" }) {
			if !r.To.IsValid() || r.To.Addr().Zone() != "" || r.To != r.To.Masked() || r.Gateway.IsValid() && r.Gateway.IsUnspecified() {
				t.Errorf("route %+v", r)
			}
		}
		for _, n := range AppendNeighbours(nil, data) {
			if !n.Addr.IsValid() || n.MAC == [6]byte{} {
				t.Errorf("neighbour %+v", n)
			}
		}
	})
}
