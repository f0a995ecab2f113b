// Package network is the sense for how the laptop reaches the network: its
// interfaces and tunnels by kind, where its default route leaves, what kind of
// resolvers it asks, and which network that is, as hashes that only the fleet can
// compare.
//
// Addresses and names are never reported, and without a fleet key there are no
// hashes. The package imports proto/, agent/sensor/host, agent/systemtool and the helpers
// in agent/internal and agent/sensor/internal.
package network

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/network/egress"
	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Name is the sense's name in health facts.
const Name = "network"

// Most of what a report may hold, from the schema.
const (
	maxInterfaces = 64
	maxTunnels    = 32
	maxResolvers  = 8
)

// detailNoKey says why hashes are missing.
const detailNoKey = "no fleet key yet, so networks are not hashed"

// Sensor is the sense. Observe is for one goroutine at a time.
type Sensor struct {
	host     host.Host
	changing sync.Mutex
	config   atomic.Pointer[config]
	prober   atomic.Pointer[egress.Prober] // nil where nobody is asked
	// battery is whether the laptop runs on its battery.
	battery atomic.Bool
	system  system
}

// config is what a policy can change.
type config struct {
	catalog *catalog.Catalog
	keys    fleetkey.Ring
	named   candidates
}

// New returns the sense for a host, with the catalogue that knows tunnels by name
// and the keys to hash with.
func New(h host.Host, c *catalog.Catalog, keys fleetkey.Ring) *Sensor {
	s := &Sensor{host: h, system: newSystem(h)}
	s.Use(c, keys)
	return s
}

// Name returns the sense's name.
func (s *Sensor) Name() string { return Name }

// Use changes catalogue and keys from the next observation on. It may be called
// while an observation is under way.
func (s *Sensor) Use(c *catalog.Catalog, keys fleetkey.Ring) {
	s.change(func(next *config) { next.catalog, next.keys = c, keys })
}

// UseCandidates has neighbours compared with other laptops from the next observation on:
// told is how the hashes of their addresses begin, as an acknowledgement carries it.
func (s *Sensor) UseCandidates(told []byte) {
	named := candidatesIn(told)
	if slices.Equal(named, s.config.Load().named) {
		return // another configuration would be a reason to look again
	}
	s.change(func(next *config) { next.named = named })
}

func (s *Sensor) change(change func(next *config)) {
	s.changing.Lock()
	defer s.changing.Unlock()
	next := config{}
	if now := s.config.Load(); now != nil {
		next = *now
	}
	change(&next)
	s.config.Store(&next)
}

// UseProber has the ways out of this laptop asked by p, which somebody else runs, from
// the next observation on.
func (s *Sensor) UseProber(p *egress.Prober) { s.prober.Store(p) }

// OnBattery says where the laptop gets its power from: on battery the network is not
// listened to.
func (s *Sensor) OnBattery(battery bool) { s.battery.Store(battery) }
