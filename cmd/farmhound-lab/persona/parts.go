package persona

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// made are parts as they were last made: what follows from the same is the same.
type made struct {
	software memo[tools, farmhoundv1.Software]
	hardware memo[plugged, farmhoundv1.Hardware]
	network  memo[around, farmhoundv1.Network]
	place    memo[offsetOf, farmhoundv1.Place]
	marks    []byte
}

// memo is a part and what it was made of.
type memo[K comparable, P any] struct {
	of   K
	part *P
}

func (m *memo[K, P]) get(of K, build func() *P) *P {
	if m.part == nil || m.of != of {
		m.of, m.part = of, build()
	}
	return m.part
}

// tools are those of a run, each there, controlled or neither.
type tools struct {
	started int64
	marks   string
}

func (a *agent) software(now int64) *farmhoundv1.Software {
	marks := a.made.marks[:0]
	for i := range a.life.tools {
		t := &a.life.tools[i]
		switch {
		case !t.there(now):
			marks = append(marks, '-')
		case a.controlled(t.id, now):
			marks = append(marks, 'c')
		default:
			marks = append(marks, 't')
		}
	}
	a.made.marks = marks
	return a.made.software.get(tools{a.started, string(marks)}, func() *farmhoundv1.Software {
		s := &farmhoundv1.Software{}
		for i, mark := range marks {
			if mark != '-' {
				s.Tools = append(s.Tools, a.life.tools[i].state(a.w, a.started, mark == 'c'))
			}
		}
		return s
	})
}

// plugged is what is attached, and how the laptop gets its power.
type plugged struct {
	desk   *desk
	shut   bool
	cycles uint32
	power  farmhoundv1.PowerSource
}

func (a *agent) hardware(s *stay) *farmhoundv1.Hardware {
	if !a.laptop.senses.hardware {
		return nil
	}
	of := plugged{s.desk, s.shut, uint32(a.cycles), farmhoundv1.PowerSource_POWER_SOURCE_AC}
	if a.d.Float64() > s.mains {
		of.power = farmhoundv1.PowerSource_POWER_SOURCE_BATTERY
		a.cycles += 0.12
	}
	return a.made.hardware.get(of, func() *farmhoundv1.Hardware {
		h := &farmhoundv1.Hardware{Usb: s.desk.usb, Displays: s.desk.displays, BatteryCycles: proto.Uint32(of.cycles), Power: of.power}
		if a.laptop.sight.lid {
			h.LidClosed = proto.Bool(s.shut)
		}
		return h
	})
}

// around is where a laptop stands and who is there.
type around struct {
	on                       footing
	tunnel                   *tunnel
	reachable, business, kvm uint32
	members                  string
}

// network looks at the neighbours anew now and then: they come and go. Where clients are
// kept apart, none is seen.
func (a *agent) network(s *stay, now int64) *farmhoundv1.Network {
	if a.neighbours == nil || a.site != s.at || a.d.chance(0.15) {
		others := s.at.others + a.d.whole(-1, 1)
		laptops := s.at.laptops
		if laptops > 2 {
			laptops -= a.d.whole(0, 1)
		}
		a.site = s.at
		a.neighbours = &farmhoundv1.Neighbours{
			Reachable: uint32(max(others+laptops+s.at.consoles, 1)), BusinessLaptops: uint32(laptops), KvmMakers: uint32(s.at.consoles),
		}
	}
	of := around{on: footing{s.at, s.desk, s.wired}, tunnel: s.tunnel}
	var members [][]byte
	if !s.at.apart {
		var business int
		members, business = a.beside(s, now)
		of.reachable, of.kvm = max(a.neighbours.GetReachable(), uint32(len(members))), a.neighbours.GetKvmMakers()
		of.business = max(a.neighbours.GetBusinessLaptops(), uint32(business))
		of.members = string(bytes.Join(members, nil))
	}
	return a.made.network.get(of, func() *farmhoundv1.Network {
		k, n := a.knownAs(s), s.network(a.w.ring.Newest())
		n.GatewayHash, n.LanHash, n.AccessPointHash, n.OwnAddresses = k.gateway, k.lan, k.point, k.own
		if !s.at.apart {
			n.Neighbours = &farmhoundv1.Neighbours{Reachable: of.reachable, BusinessLaptops: of.business, KvmMakers: of.kvm, FleetMembers: members}
		}
		return n
	})
}

// offsetOf is a zone and its minutes from UTC.
type offsetOf struct {
	zone    string
	minutes int
}

func (a *agent) place(now int64) *farmhoundv1.Place {
	name := a.life.zoneAt(now)
	_, seconds := timeAt(now).In(a.w.clocks.load(name)).Zone()
	return a.made.place.get(offsetOf{name, seconds / 60}, func() *farmhoundv1.Place {
		return &farmhoundv1.Place{TimeZone: name, UtcOffsetMinutes: proto.Int32(int32(seconds / 60))}
	})
}
