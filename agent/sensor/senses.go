package sensor

import (
	"github.com/farmhound-security/farmhound/agent/sensor/hands"
	"github.com/farmhound-security/farmhound/agent/sensor/hardware"
	"github.com/farmhound-security/farmhound/agent/sensor/network"
	"github.com/farmhound-security/farmhound/agent/sensor/network/egress"
	"github.com/farmhound-security/farmhound/agent/sensor/session"
	"github.com/farmhound-security/farmhound/agent/sensor/software"
	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// New returns the senses that this system has, for a host. The catalogue says what
// to look for; without keys in the ring nothing is hashed and the network sense
// says so.
func New(h Host, c *catalog.Catalog, keys fleetkey.Ring) []Sensor {
	tools := software.New(h, c)
	tools.UseKeys(keys)
	return []Sensor{tools, session.New(h), network.New(h, c, keys), hardware.New(h, c, keys), hands.New(h, c)}
}

// UseProber has the ways out of this laptop asked by a prober that the caller runs.
func (r *Runner) UseProber(p *egress.Prober) {
	for _, s := range r.slots {
		if sense, ok := s.sensor.(*network.Sensor); ok {
			sense.UseProber(p)
		}
	}
}

// UseCandidates has neighbours compared with other laptops: told is what an
// acknowledgement says of their addresses.
func (r *Runner) UseCandidates(told []byte) {
	for _, s := range r.slots {
		if sense, ok := s.sensor.(*network.Sensor); ok {
			sense.UseCandidates(told)
		}
	}
}

// Use gives the senses another catalogue and other keys from their next observation
// on. Sessions that are open stay the same.
func (r *Runner) Use(c *catalog.Catalog, keys fleetkey.Ring) {
	defer r.forget()
	for _, s := range r.slots {
		switch sense := s.sensor.(type) {
		case *software.Sensor:
			sense.UseCatalog(c)
			sense.UseKeys(keys)
		case *network.Sensor:
			sense.Use(c, keys)
		case *hardware.Sensor:
			sense.Use(c, keys)
		case *hands.Sensor:
			sense.UseCatalog(c)
		}
	}
}
