package network

import (
	"cmp"
	"slices"

	"github.com/farmhound-security/farmhound/agent/sensor/network/heard"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const detailDeaf = "announcements on the local network cannot be heard"

// ear hears the local network. Joining groups is put off until a second look: who looks
// once would hear nothing.
type ear struct {
	looks    int
	listener *heard.Listener // nil while nothing is listened to
	on       []int           // indices of the interfaces
	of       mac             // the gateway: behind another one all are others
	memory   heard.Memory    // of those behind it
	sources  []heard.Source
}

// listen listens on the interfaces of the local network, and on none on battery.
func (s *Sensor) listen(v *view) (err error) {
	e := &s.system.ear
	if e.looks++; e.looks < 2 || !s.host.Live() {
		return nil
	}
	var on []int
	for _, l := range v.local() {
		if !s.battery.Load() && len(l.Prefixes) > 0 {
			on = append(on, l.Index)
		}
	}
	var of mac
	if gateway, ok := v.localGateway(); ok {
		of, _ = v.gatewayMAC(gateway)
	}
	// A gateway that is not known for a moment is still the same.
	of = cmp.Or(of, e.of)
	moved := of != e.of && e.of != mac{}
	e.of = of
	if !moved && slices.Equal(on, e.on) && (e.listener != nil || len(on) == 0) {
		return nil
	}
	if err := e.close(); err != nil {
		return err
	}
	if moved {
		e.memory.Clear() // now that nothing of before arrives
	}
	if len(on) == 0 {
		return nil
	}
	e.on = on
	e.listener, err = heard.Listen(on, &e.memory, s.host.Time)
	return err
}

func (e *ear) close() error {
	if e.listener == nil {
		return nil
	}
	l := e.listener
	e.listener, e.on = nil, nil
	return l.Close()
}

// around counts who else is on the local network; nil where nobody is seen.
func (s *Sensor) around(v *view, use *config) *farmhoundv1.Neighbours {
	y, local := &s.system, v.local()
	y.crowd.reset()
	for _, n := range v.neighbours {
		if slices.ContainsFunc(local, n.on) {
			y.crowd.add(n)
		}
	}
	now := s.host.Time()
	y.ear.sources = y.ear.memory.AppendTo(y.ear.sources[:0], now)
	for _, source := range y.ear.sources {
		if isNear(local, source.Addr) {
			y.crowd.hear(source, now)
		}
	}
	var of mac
	if gateway, ok := v.localGateway(); ok {
		of, _ = v.gatewayMAC(gateway)
	}
	return y.crowd.describe(use, of, local)
}
