//go:build !linux

package heard

import (
	"fmt"
	"net"
)

// address4 returns an IPv4 address of an interface, by which groups are joined there.
func address4(index int) (own [4]byte, err error) {
	at, err := net.InterfaceByIndex(index)
	if err != nil {
		return own, fmt.Errorf("find the interface: %w", err)
	}
	list, err := at.Addrs()
	if err != nil {
		return own, fmt.Errorf("find addresses of the interface: %w", err)
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if four := n.IP.To4(); four != nil {
				return [4]byte(four), nil
			}
		}
	}
	return own, fmt.Errorf("interface %d has no IPv4 address", index)
}
