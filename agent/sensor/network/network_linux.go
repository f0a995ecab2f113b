package network

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// resolverFiles hold the resolvers in use: the C library's, and those behind
// systemd's stub.
var resolverFiles = [...]string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

const (
	// lookAgain is after what time everything is looked at anew although the kernel
	// told of no change: who is on the network, proxies and resolvers it does not tell.
	lookAgain = 5 * time.Minute
	// settled is for how long little changes wait.
	settled = time.Minute
	// mostMissing is how many looks in a row do not wait for what is missing.
	mostMissing = 8

	detailDeaf = "announcements on the local network cannot be heard"
)

// system is what the sense keeps between observations on Linux.
type system struct {
	owners  owners
	netlink netlink
	news    *news // nil where the kernel does not tell of changes
	table   []neighbour
	crowd   crowd
	ear     ear
	last    look
}

// look is the latest observation, with what it depended on.
type look struct {
	at     time.Time
	config *config
	out    *farmhoundv1.Network
	err    error
	// missing counts the looks in a row that lacked what may be there soon: a gateway
	// has no hardware address before something was said to it.
	missing int
	// little says that little has changed since.
	little bool
}

func newSystem(h host.Host) system { return system{owners: newOwners(h)} }

// Observe fills Network. Where the kernel tells of changes and told of none, it is what
// was observed before.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	if s.steady() {
		into.Network = s.system.last.out
		return s.system.last.err
	}
	use, now := s.config.Load(), s.host.Time()
	out, again, err := s.look(ctx, use)
	missing := 0
	if again {
		missing = s.system.last.missing + 1
	}
	s.system.last = look{}
	if out == nil {
		return err
	}
	s.system.last = look{at: now, config: use, out: out, err: err, missing: missing}
	into.Network = out
	return err
}

// steady reports whether what was observed last still stands.
func (s *Sensor) steady() bool {
	y := &s.system
	if !s.host.Live() || y.last.out == nil {
		// From before the first look on, so that no change falls between.
		if s.host.Live() && y.news == nil {
			y.news, _ = follow()
		}
		return false
	}
	changed := little // where the kernel does not tell
	if y.news != nil {
		changed = y.news.read()
	}
	age := s.host.Time().Sub(y.last.at).Abs()
	switch {
	case changed == much || y.last.config != s.config.Load() || age >= lookAgain:
		return false
	case y.last.missing > 0 && y.last.missing < mostMissing:
		return false
	case changed == little:
		y.last.little = true
	}
	waits := y.last.little || y.last.missing > 0
	return !(waits && age >= settled) && s.sameWaysOut()
}

// sameWaysOut reports whether the collector's answers are those of the last look.
func (s *Sensor) sameWaysOut() bool {
	var known []*farmhoundv1.EgressPath
	if p := s.prober.Load(); p != nil {
		known = p.Known()
	}
	told := s.system.last.out.GetEgress()
	return len(told) == len(known) && (len(known) == 0 || &told[0] == &known[0])
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
	out = &farmhoundv1.Network{Interfaces: v.interfaces(), Resolvers: v.resolvers(s.host), ProxyConfigured: proxies(s.host)}
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
		out.Neighbours = s.around(v)
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
