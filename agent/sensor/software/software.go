// Package software is the sense for remote-access tools: which of the catalogue's
// are installed, which run, and through which somebody is at the controls now.
//
// Only catalogue matches leave the laptop. What the sense looks at to find them
// (process names, paths, arguments, packages) stays in memory and is dropped with
// the process. The package imports proto/, agent/sensor/host and the helpers in
// agent/sensor/internal.
package software

import (
	"sync/atomic"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Name is the sense's name in health facts.
const Name = "software"

// Most of what a report may hold, from the schema.
const (
	maxTools    = 128
	maxPorts    = 32
	maxSessions = 256
	maxVersion  = 64
)

// Sensor is the sense. New makes one; Observe is for one goroutine at a time.
type Sensor struct {
	host    host.Host
	catalog atomic.Pointer[catalog.Catalog]
	keys    atomic.Pointer[fleetkey.Ring]
	system  system
}

// New returns the sense for a host, looking for what the catalogue holds.
func New(h host.Host, c *catalog.Catalog) *Sensor {
	s := &Sensor{host: h, system: newSystem(h)}
	s.catalog.Store(c)
	s.keys.Store(&fleetkey.Ring{})
	return s
}

// Name returns the sense's name.
func (s *Sensor) Name() string { return Name }

// UseCatalog changes what the sense looks for from the next observation on. It may
// be called while an observation is under way.
func (s *Sensor) UseCatalog(c *catalog.Catalog) { s.catalog.Store(c) }

// UseKeys changes what accounts that tools name are hashed with, from the next
// observation on. Without keys they are not told at all.
func (s *Sensor) UseKeys(keys fleetkey.Ring) { s.keys.Store(&keys) }
