package network

import (
	"context"
	"errors"
	"fmt"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Fixed sentences for what this system did not tell.
const (
	detailNoRoutes     = "routes are not told"
	detailNoNeighbours = "the neighbour table is not told"
)

// system is what the sense keeps between observations.
type system struct {
	latest   latest
	notices  notices
	crowd    crowd
	ear      ear
	firewall firewall
	adapters []uint64 // memory for what Windows tells of interfaces, aligned as it wants it
}

func newSystem(host.Host) system { return system{} }

// look observes.
func (s *Sensor) look(ctx context.Context, use *config) (out *farmhoundv1.Network, again bool, err error) {
	adapters, err := s.system.list()
	if err != nil {
		return nil, false, err
	}
	if err := ctx.Err(); err != nil {
		return nil, false, fmt.Errorf("look at the network: %w", err)
	}
	v, details := &view{}, []string{}
	for i := range adapters {
		v.links = append(v.links, adapters[i].link(use.catalog))
	}
	if v.routes, err = routes(adapters); err != nil {
		details = append(details, detailNoRoutes)
	}
	v.findDefaults(ctx, s.host)
	out = &farmhoundv1.Network{
		Interfaces: v.interfaces(), Resolvers: v.resolverKinds(windowsResolvers(adapters)), ProxyConfigured: windowsProxies(),
	}
	out.Tunnels = v.windowsTunnels(use.catalog, adapters)
	v.neighbours, err = neighbours()
	told := err == nil
	if !told {
		details = append(details, detailNoNeighbours)
	}
	if deaf := s.listen(v); deaf != nil {
		details = append(details, detailDeaf)
	} else if s.system.ear.listener != nil && s.system.firewall.keepsOut(s.host.Time()) {
		details = append(details, detailFirewall)
	}
	if told {
		out.Neighbours = s.around(v, use)
	}
	if use.keys.Empty() {
		details = append(details, detailNoKey)
	} else {
		l, complete := v.hash(use.keys, out)
		hashAccessPoint(l, use.keys, out)
		again = !complete
	}
	if p := s.prober.Load(); p != nil {
		p.Want(v.paths())
		out.Egress = p.Known()
	}
	return out, again, host.Hidden(details...)
}

func hashAccessPoint(l *links.Link, keys fleetkey.Ring, out *farmhoundv1.Network) {
	if l == nil || l.Kind != farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI {
		return
	}
	if point, ok := accessPoint(); ok {
		point.tell(keys, out)
	}
}

// Close ends what goes on between observations.
func (s *Sensor) Close() error {
	return errors.Join(s.system.ear.close(), s.system.notices.close())
}
