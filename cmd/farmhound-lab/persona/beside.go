package persona

import (
	"encoding/hex"
	"slices"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

const (
	// namedSeconds is for how long after a report from a network an acknowledgement names
	// its laptop to the others there, mostNamed how many laptops there may be: more of them
	// are a crowd, of which none is named. Both are the collector's.
	namedSeconds = 7 * daySeconds
	mostNamed    = 64
	// lately is how long ago a neighbour may have gone to rest and still count as there.
	lately = 3600
)

// apart lets a network keep its clients apart with a chance, as public ones do: nobody
// there sees anybody but the gateway.
func (w *World) apart(s *site, chance float64) {
	s.apart = stream(w.opts.Seed, "apart", s.gateway).chance(chance)
}

// footing is how a laptop stands on a network.
type footing struct {
	at    *site
	desk  *desk
	wired bool
}

// known is by what a laptop knows a network, and by what others there know it.
type known struct {
	gateway, lan, point []byte
	own                 []*farmhoundv1.OwnAddress
	// seen is the hash of the address that others see; business is whether that address is
	// one of a maker of business laptops.
	seen     []byte
	business bool
}

// knownAs returns by what the laptop is known where it stands: on a cable by its own
// address or, where the system does not pass that through, by the dock's; by Wi-Fi by its
// own or by one that it made up for the network.
func (a *agent) knownAs(s *stay) *known {
	on := footing{s.at, s.desk, s.wired}
	if k := a.known[on]; k != nil {
		return k
	}
	l, k := a.laptop, a.w.hashes(s)
	apple := l.System.GetOs() == macos
	air := l.hardware("wifi")
	madeUp := l.makesUp()
	if madeUp {
		air = l.hardware("wifi", s.at.gateway)
		air[0] |= 2
	}
	first := air
	if k.business = !apple && !madeUp; s.wired {
		first = l.hardware("wire")
		k.business = strings.HasPrefix(l.System.GetManufacturer(), "Dell") || l.System.GetManufacturer() == "LENOVO"
		if l.System.GetOs() != windows && len(s.desk.displays) > 1 {
			// Docks lend their own address to systems that do not pass the laptop's through.
			dock := digest(a.w.opts.Seed, "dock", hex.EncodeToString(s.desk.displays[len(s.desk.displays)-1].GetEdidSha256()))
			first, k.business = universal(dock[:]), false
		}
	}
	k.seen = a.own(k, first)
	if s.wired && s.at.point != "" && l.System.GetOs() != windows {
		a.own(k, air) // Windows leaves the air while it is on a cable
	}
	slices.SortFunc(k.own, func(x, y *farmhoundv1.OwnAddress) int { return slices.Compare(x.GetHash(), y.GetHash()) })
	a.known[on] = k
	return k
}

// hashes are those of the network itself.
func (w *World) hashes(s *stay) *known {
	k := &known{}
	if value, ok := fleetkey.MAC(s.at.gateway); ok {
		k.gateway, _, _ = w.ring.Hash(fleetkey.GatewayMAC, value)
	}
	if value, ok := fleetkey.Prefix(s.at.lan); ok {
		k.lan, _, _ = w.ring.Hash(fleetkey.LANPrefix, value)
	}
	if value, ok := fleetkey.MAC(s.at.point); ok && !s.wired {
		k.point, _, _ = w.ring.Hash(fleetkey.AccessPoint, value)
	}
	return k
}

func (a *agent) own(k *known, address [6]byte) []byte {
	hash, _, _ := a.w.ring.Hash(fleetkey.NeighbourMAC, address[:])
	k.own = append(k.own, &farmhoundv1.OwnAddress{Hash: hash})
	return hash
}

// hardware draws an address of the laptop's that never changes.
func (l *Laptop) hardware(words ...string) [6]byte {
	sum := digest(l.w.opts.Seed, append([]string{"hardware address", l.Serial}, words...)...)
	return universal(sum[:])
}

func universal(sum []byte) [6]byte {
	address := [6]byte(sum)
	address[0] &^= 3
	return address
}

// makesUp is whether the system uses a made-up address for each Wi-Fi network, as systems
// come: Fedora does, macOS does from version 15 on where nobody switched it off, Ubuntu and
// Windows do where somebody switched it on.
func (l *Laptop) makesUp() bool {
	chance := 0.03
	switch v := l.System.GetOsVersion(); {
	case strings.HasPrefix(v, "Fedora"):
		chance = 1
	case strings.HasPrefix(v, "macOS") && !strings.HasPrefix(v, "macOS 14"):
		chance = 0.8
	}
	return stream(l.w.opts.Seed, "made up", l.Serial).chance(chance)
}

// speak is whether two laptops on one network ever have to do with each other, without
// which neither is in the other's table: Windows shares updates with its like, Macs greet
// Macs, a Linux laptop keeps to itself.
func (w *World) speak(a, b *Laptop) bool {
	x, y := min(a.Serial, b.Serial), max(a.Serial, b.Serial)
	chance := 0.4
	switch one, other := a.System.GetOs(), b.System.GetOs(); {
	case one == linux || other == linux:
		chance = 0.25
	case one == other:
		chance = 0.75
	}
	return stream(w.opts.Seed, "speak", x, y).chance(chance)
}

// acquaint tells agents who else ever stands on their networks and speaks with them.
func acquaint(agents []*agent) {
	at := map[*site][]*agent{}
	for _, a := range agents {
		a.others, a.toldFrom, a.known = map[*site][]*agent{}, map[*site]int64{}, map[footing]*known{}
		for i := range a.life.stays {
			if s := a.life.stays[i].at; !s.apart && !slices.Contains(at[s], a) {
				at[s] = append(at[s], a)
			}
		}
	}
	for s, there := range at {
		if len(there) > mostNamed {
			continue
		}
		for i, a := range there {
			for _, b := range there[i+1:] {
				if a.w.speak(a.laptop, b.laptop) {
					a.others[s], b.others[s] = append(a.others[s], b), append(b.others[s], a)
				}
			}
		}
	}
}

// beside returns the hashes of other laptops around that acknowledgements named so far in
// this run, ordered, and how many of them look like business laptops.
func (a *agent) beside(s *stay, now int64) (members [][]byte, business int) {
	others := a.others[s.at]
	if len(others) == 0 || a.sequence == 0 || now-a.toldFrom[s.at] > namedSeconds || s.locked() {
		return nil, 0
	}
	for _, o := range others {
		there := o.life.stayAt(now)
		if there.at != s.at || there.locked() || now-o.toldFrom[s.at] > namedSeconds || !o.life.isAwake(now) && !o.life.isAwake(now-lately) {
			continue
		}
		k := o.knownAs(there)
		if slices.ContainsFunc(a.knownAs(s).own, func(own *farmhoundv1.OwnAddress) bool { return string(own.GetHash()) == string(k.seen) }) {
			continue // one dock, left and taken within the hour
		}
		members = append(members, k.seen)
		// Who listens to announcements knows MacBooks by them.
		if k.business || o.laptop.System.GetOs() == macos && a.laptop.System.GetOs() == linux {
			business++
		}
	}
	slices.SortFunc(members, slices.Compare[[]byte])
	return slices.CompactFunc(members, slices.Equal[[]byte]), business
}

// locked is whether a tunnel lets nothing past it, neighbours included.
func (s *stay) locked() bool { return s.tunnel != nil && s.tunnel.locked }
