package api

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pires/go-proxyproto"
)

// headerTimeout bounds how long a balancer may take to say for whom it connects.
const headerTimeout = 5 * time.Second

// BehindBalancers wraps a listener so that connections from the named balancers
// must begin with a PROXY protocol v2 header, whose source is then the peer. From
// anybody else such a header is not looked for, and breaks the TLS handshake:
// otherwise anybody could choose the address that evidence rests on.
func BehindBalancers(l net.Listener, balancers []netip.Prefix) net.Listener {
	if len(balancers) == 0 {
		return l
	}
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: headerTimeout,
		ValidateHeader:    validateHeader,
		ConnPolicy: func(c proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			from := addressOf(c.Upstream).Addr()
			if slices.ContainsFunc(balancers, func(p netip.Prefix) bool { return p.Contains(from) }) {
				return proxyproto.REQUIRE, nil
			}
			return proxyproto.SKIP, nil
		},
	}
}

func validateHeader(h *proxyproto.Header) error {
	switch {
	case h.Version != 2:
		return errors.New("PROXY protocol v2 is needed")
	case h.Command.IsLocal():
		return nil // the balancer itself: a health check
	case h.TransportProtocol != proxyproto.TCPv4 && h.TransportProtocol != proxyproto.TCPv6 && h.TransportProtocol != proxyproto.UNSPEC:
		return errors.New("the PROXY header is not about a TCP connection")
	}
	return nil
}
