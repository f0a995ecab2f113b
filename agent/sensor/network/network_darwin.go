package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/macprogram"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/systemtool"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// resolverFiles hold the resolvers in use, one of them in place of the other.
var resolverFiles = [...]string{"/etc/resolv.conf", "/var/run/resolv.conf"}

// proxyInterval is how often proxies are asked for again.
const proxyInterval = 5 * time.Minute

// system is what the sense keeps between observations on macOS.
type system struct {
	owners    macOwners
	crowd     crowd
	ear       ear
	point     macPoint
	proxies   proxyState
	proxiesAt time.Time
}

func newSystem(h host.Host) system {
	ask := func(ctx context.Context) ([]byte, error) { return systemtool.Run(ctx, systemtool.WiFi) }
	return system{owners: macOwners{host: h}, point: macPoint{ask: ask}}
}

// Observe fills Network.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	if !s.host.Live() {
		return host.Partial{Detail: detailMacDisk}
	}
	found, err := links.List(s.host)
	if err != nil {
		return err
	}
	v := &view{links: links.ClassifyMac(s.host, found)}
	var hidden []string
	if err := v.readRoutes(s.host); err != nil {
		hidden = append(hidden, detailMacRoutes)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look at the network: %w", err)
	}
	v.findDefaults(ctx, s.host)
	use := s.config.Load()
	controls := func() ([]sockets.Control, error) {
		text, err := systemtool.Run(ctx, systemtool.KernelControls)
		return sockets.ParseControls(string(text)), err
	}
	if !s.system.owners.refresh(use.catalog, v.tunnelNames(), controls, macprogram.Path) {
		hidden = append(hidden, detailMacTunnels)
	}
	v.owners = s.system.owners.tools
	out := &farmhoundv1.Network{Interfaces: v.interfaces(), Tunnels: v.macTunnels(use.catalog), Resolvers: v.resolverKinds(s.resolvers(ctx))}
	switch s.askProxies(ctx) {
	case proxyFound:
		out.ProxyConfigured = new(true)
	case proxyNone:
		out.ProxyConfigured = new(false)
	case proxyUnknown:
		hidden = append(hidden, detailMacProxies)
	}
	if use.keys.Empty() {
		hidden = append(hidden, detailNoKey)
	} else if l, _ := v.hash(use.keys, out); l != nil && l.Kind == farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI {
		gateway, _ := v.localGateway()
		of, _ := v.gatewayMAC(gateway)
		if point, ok := s.system.point.find(ctx, l.Name, of, s.host.Time()); ok {
			point.tell(use.keys, out)
		} else {
			hidden = append(hidden, detailMacPoint)
		}
	}
	if deaf := s.listen(v); deaf != nil {
		hidden = append(hidden, detailDeaf)
	}
	out.Neighbours = s.around(v, use)
	if p := s.prober.Load(); p != nil {
		p.Want(v.paths())
		out.Egress = p.Known()
	}
	into.Network = out
	return host.Hidden(hidden...)
}

// Close ends what goes on between observations.
func (s *Sensor) Close() error { return s.system.ear.close() }

// readRoutes asks the kernel for its routes and neighbours.
func (v *view) readRoutes(h host.Host) error {
	name := func(index int) string {
		if at := slices.IndexFunc(v.links, func(l links.Link) bool { return l.Index == index }); at >= 0 {
			return v.links[at].Name
		}
		return ""
	}
	dump, err := syscall.RouteRIB(unix.NET_RT_DUMP, 0) //nolint:staticcheck // the dump alone is wanted; golang.org/x/net/route would bring a parser of its own
	if err != nil {
		return fmt.Errorf("read routes: %w", err)
	}
	v.routes = links.AppendDump(nil, dump, name)
	if dump, err = syscall.RouteRIB(unix.NET_RT_FLAGS, unix.RTF_LLINFO); err != nil { //nolint:staticcheck // the dump alone is wanted; golang.org/x/net/route would bring a parser of its own
		return fmt.Errorf("read neighbours: %w", err)
	}
	v.neighbours = neighboursOf(links.AppendNeighbours(nil, dump), h.Time())
	return nil
}

// resolvers are those of the file that macOS keeps for programs that read one, and where
// there is none those that it prints.
func (s *Sensor) resolvers(ctx context.Context) (list []netip.Addr) {
	for _, file := range resolverFiles {
		if data, err := s.host.ReadFile(file, 64<<10); err == nil {
			if list = parseResolvers(string(data)); len(list) > 0 {
				return list
			}
		}
	}
	text, err := systemtool.Run(ctx, systemtool.Resolvers)
	if err != nil {
		return nil
	}
	return resolversInScutil(string(text))
}

// askProxies asks again where that is due.
func (s *Sensor) askProxies(ctx context.Context) proxyState {
	now := s.host.Time()
	if y := &s.system; y.proxiesAt.IsZero() || now.Sub(y.proxiesAt).Abs() >= proxyInterval {
		y.proxies, y.proxiesAt = proxyUnknown, now
		if text, err := systemtool.Run(ctx, systemtool.Proxies); err == nil {
			y.proxies = proxiesInScutil(string(text))
		}
	}
	return s.system.proxies
}
