package network

import (
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// hash fills the hashes of the local network, and of the access point where the kernel
// tells it. It reports whether nothing is missing that could be known soon.
func (s *Sensor) hash(v *view, keys fleetkey.Ring, out *farmhoundv1.Network) (complete bool) {
	l, complete := v.hash(keys, out)
	if l == nil || l.Kind != farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI || !s.host.Live() {
		return complete
	}
	if point, ok := s.system.netlink.accessPoint(l.Index); ok {
		point.tell(keys, out)
	}
	return complete
}
