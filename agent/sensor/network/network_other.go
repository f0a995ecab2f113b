//go:build windows || darwin

package network

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// detailInterfacesOnly says what this system's sense leaves out.
const detailInterfacesOnly = "sizes of interfaces only: kinds, routes and resolvers are not read on this system yet"

// system is what the sense keeps between observations.
type system struct{}

func newSystem(host.Host) system { return system{} }

// Observe fills Network with the interfaces that are up.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	out := &farmhoundv1.Network{}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
			out.Interfaces = append(out.Interfaces, describe(i))
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look at the network: %w", err)
	}
	slices.SortStableFunc(out.Interfaces, func(a, b *farmhoundv1.Interface) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Mtu, b.Mtu))
	})
	out.Interfaces = out.Interfaces[:min(len(out.Interfaces), maxInterfaces)]
	into.Network = out
	return host.Partial{Detail: detailInterfacesOnly}
}

// describe tells of an interface what the standard library knows: a link between two
// points is a tunnel, the kind of any other is not known.
func describe(i net.Interface) *farmhoundv1.Interface {
	out := &farmhoundv1.Interface{Mtu: uint32(max(i.MTU, 0))}
	if i.Flags&net.FlagPointToPoint != 0 {
		out.Kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL
	}
	addresses, err := i.Addrs()
	if err != nil {
		return out
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok {
			addr, _ := netip.AddrFromSlice(n.IP)
			addr = addr.Unmap()
			out.Ipv4 = out.Ipv4 || addr.Is4()
			out.Ipv6 = out.Ipv6 || addr.Is6() && addr.IsGlobalUnicast() && !addr.IsPrivate()
		}
	}
	return out
}
