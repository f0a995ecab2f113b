package network

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
)

const (
	// mostAdapters and mostRoutes bound what is looked at.
	mostAdapters = 256
	mostRoutes   = 100_000
	// largestList bounds the memory for what Windows tells of interfaces.
	largestList = 4 << 20
)

// list returns the interfaces.
func (s *system) list() ([]adapter, error) {
	const flags = windows.GAA_FLAG_SKIP_ANYCAST | windows.GAA_FLAG_SKIP_MULTICAST
	if s.adapters == nil {
		s.adapters = make([]uint64, 4<<10)
	}
	for {
		size := uint32(8 * len(s.adapters))
		first := (*windows.IpAdapterAddresses)(unsafe.Pointer(&s.adapters[0]))
		err := windows.GetAdaptersAddresses(windows.AF_UNSPEC, flags, 0, first, &size)
		switch {
		case err == nil && size > 0:
			return describe(first), nil
		case err == nil || errors.Is(err, windows.ERROR_NO_DATA):
			return nil, nil
		case !errors.Is(err, windows.ERROR_BUFFER_OVERFLOW) || size > largestList || int(size) <= 8*len(s.adapters):
			return nil, fmt.Errorf("list interfaces: %w", err)
		}
		s.adapters = make([]uint64, size/8+512)
	}
}

func describe(first *windows.IpAdapterAddresses) (list []adapter) {
	for a := first; a != nil && len(list) < mostAdapters; a = a.Next {
		out := adapter{
			name: windows.UTF16PtrToString(a.FriendlyName), description: windows.UTF16PtrToString(a.Description),
			index: int(a.IfIndex), kind: a.IfType, up: a.OperStatus == windows.IfOperStatusUp, luid: a.Luid,
			metric4: a.Ipv4Metric, metric6: a.Ipv6Metric, hardware: isHardware(a.Luid),
		}
		if out.index == 0 {
			out.index = int(a.Ipv6IfIndex)
		}
		if a.PhysicalAddressLength == uint32(len(out.mac)) {
			out.mac = mac(a.PhysicalAddress[:len(out.mac)])
		}
		if a.Mtu < 1<<31 {
			out.mtu = int(a.Mtu)
		}
		for u := a.FirstUnicastAddress; u != nil; u = u.Next {
			if addr := socketAddress(&u.Address); addr.IsValid() {
				out.prefixes = append(out.prefixes, netip.PrefixFrom(addr.WithZone(""), int(u.OnLinkPrefixLength)))
			}
		}
		for d := a.FirstDnsServerAddress; d != nil && len(out.resolvers) < maxNameservers; d = d.Next {
			if addr := socketAddress(&d.Address); addr.IsValid() {
				out.resolvers = append(out.resolvers, addr)
			}
		}
		list = append(list, out)
	}
	return list
}

func socketAddress(s *windows.SocketAddress) netip.Addr {
	addr, _ := netip.AddrFromSlice(s.IP())
	return addr.Unmap()
}

// isHardware reports whether an interface is a device of its own. Where Windows does not
// say, it is one: an ordinary network card is the likeliest.
func isHardware(luid uint64) bool {
	const hardware = 1 // InterfaceAndOperStatusFlags.HardwareInterface
	row := windows.MibIfRow2{InterfaceLuid: luid}
	if err := windows.GetIfEntry2Ex(windows.MibIfEntryNormalWithoutStatistics, &row); err != nil {
		return true
	}
	return row.InterfaceAndOperStatusFlags&hardware != 0
}

// routes returns the routes through the interfaces of both families.
func routes(adapters []adapter) (list []links.Route, err error) {
	if err := procGetIPForwardTable2.Find(); err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var table *windows.MibIpForwardTable2
	if err := windows.GetIpForwardTable2(windows.AF_UNSPEC, &table); err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	defer windows.FreeMibTable(unsafe.Pointer(table))
	by := map[uint64]*adapter{}
	for i := range adapters {
		by[adapters[i].luid] = &adapters[i]
	}
	rows := table.Rows()
	for i := range rows[:min(len(rows), mostRoutes)] {
		r := &rows[i]
		a := by[r.InterfaceLuid]
		to, next := inetAddress(&r.DestinationPrefix.Prefix), inetAddress(&r.NextHop)
		if a == nil || !a.up || r.Loopback != 0 || !to.IsValid() || int(r.DestinationPrefix.PrefixLength) > to.BitLen() {
			continue
		}
		out := links.Route{To: netip.PrefixFrom(to, int(r.DestinationPrefix.PrefixLength)), Interface: a.name}
		out.Metric = uint64(r.Metric) + uint64(a.metric4)
		if to.Is6() {
			out.Metric = uint64(r.Metric) + uint64(a.metric6)
		}
		if next.IsValid() && !next.IsUnspecified() {
			out.Gateway = next
		}
		list = append(list, out)
	}
	return list, nil
}

// inetAddress reads a SOCKADDR_INET.
func inetAddress(s *windows.RawSockaddrInet) netip.Addr {
	switch s.Family {
	case windows.AF_INET:
		return netip.AddrFrom4((*windows.RawSockaddrInet4)(unsafe.Pointer(s)).Addr)
	case windows.AF_INET6:
		return netip.AddrFrom16((*windows.RawSockaddrInet6)(unsafe.Pointer(s)).Addr).Unmap()
	}
	return netip.Addr{}
}

var (
	iphlpapi               = windows.NewLazySystemDLL("iphlpapi.dll")
	procGetIPForwardTable2 = iphlpapi.NewProc("GetIpForwardTable2")
	procGetIPNetTable2     = iphlpapi.NewProc("GetIpNetTable2")
)

// neighbours returns the neighbour table of both families, each of which may be switched
// off.
func neighbours() (list []neighbour, err error) {
	list, err = appendNeighbours(nil, windows.AF_INET)
	list, err6 := appendNeighbours(list, windows.AF_INET6)
	if err != nil && err6 != nil {
		return nil, fmt.Errorf("read the neighbour table: %w", err)
	}
	return list, nil
}

func appendNeighbours(list []neighbour, family uintptr) ([]neighbour, error) {
	if err := procGetIPNetTable2.Find(); err != nil {
		return list, err
	}
	var table *uint32 // the number of entries, then the entries, aligned to eight bytes
	if code, _, _ := procGetIPNetTable2.Call(family, uintptr(unsafe.Pointer(&table))); code != 0 {
		return list, windows.Errno(code)
	}
	defer windows.FreeMibTable(unsafe.Pointer(table))
	entries := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(table), 8)), min(int(*table), mostNeighbours)*netRow)
	for ; len(entries) > 0; entries = entries[netRow:] {
		if n, ok := parseNetRow(entries); ok {
			list = append(list, n)
		}
	}
	return list, nil
}
