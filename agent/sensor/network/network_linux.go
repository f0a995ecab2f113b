package network

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// resolverFiles hold the resolvers in use: the C library's, and those behind
// systemd's stub.
var resolverFiles = [...]string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// system is what the sense keeps between observations on Linux.
type system struct {
	owners  owners
	netlink netlink
	news    *news // nil where the kernel does not tell of changes
	table   []neighbour
	crowd   crowd
	ear     ear
	latest  latest
}

func newSystem(h host.Host) system { return system{owners: newOwners(h)} }

// changed takes what the kernel told since the last call. It follows it from the first
// call on.
func (s *system) changed(h host.Host) change {
	switch {
	case !h.Live():
		return much
	case s.news == nil:
		s.news, _ = follow()
		return little // and where it does not tell
	}
	return s.news.read()
}

// look observes.
func (s *Sensor) look(ctx context.Context, use *config) (out *farmhoundv1.Network, again bool, err error) {
	v := &view{}
	if v.links, err = links.List(s.host); err != nil {
		return nil, false, err
	}
	if v.routes, err = links.Routes(s.host); err != nil {
		return nil, false, err
	}
	if err := ctx.Err(); err != nil {
		return nil, false, fmt.Errorf("look at the network: %w", err)
	}
	v.findDefaults(ctx, s.host)
	out = &farmhoundv1.Network{Interfaces: v.interfaces(), Resolvers: v.resolvers(s.host), ProxyConfigured: proxyConfigured(s.host)}
	details := []string{}
	if out.Tunnels, err = s.tunnels(ctx, use, v); err != nil {
		details = append(details, err.Error())
	}
	v.neighbours, err = s.system.neighbours(s.host)
	told := err == nil
	if use.keys.Empty() {
		details = append(details, detailNoKey)
	} else {
		again = !s.hash(v, use.keys, out)
	}
	if deaf := s.listen(v); deaf != nil {
		details = append(details, detailDeaf)
	}
	if told {
		out.Neighbours = s.around(v, use)
	}
	if p := s.prober.Load(); p != nil {
		p.Want(v.paths())
		out.Egress = p.Known()
	}
	return out, again, host.Hidden(details...)
}

// resolvers returns the kinds of the resolvers in use, without repeats.
func (v *view) resolvers(h host.Host) []farmhoundv1.ResolverKind {
	var list []netip.Addr
	for _, file := range resolverFiles {
		if data, err := h.ReadFile(file, 64<<10); err == nil {
			list = append(list, parseResolvers(string(data))...)
		}
	}
	return v.resolverKinds(list)
}
