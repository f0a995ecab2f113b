package fleet

import (
	"net/netip"
	"slices"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// kindExit is the joint of laptops whose traffic leaves by one exit.
	kindExit = "exit"
	// everybodysPeople is how many other people's laptops that have nothing else in common
	// make an exit the company's: people do not come to share one by chance, and who hosts
	// laptops has them in one room, on one line or in one hand.
	everybodysPeople = 5
	// everybodysShare is for how many laptops of the fleet one at least must leave by an exit
	// that is the company's: what a handful of hundreds use is theirs. A crowd is enough.
	everybodysShare = 50
)

// mayBeEverybodys says whether an egress is one that laptops are led to: a hosting
// provider's, or one that none was seen to leave by without a tunnel. VPNs that sell
// their exits to anybody are nobody's in particular.
func mayBeEverybodys(x *fleetv1.EgressState) bool {
	return !x.GetCompany() && !x.GetAnonymiser() && x.GetLastUnix() > 0 && (x.GetHosting() || !x.GetUntunnelled())
}

// leave notes the exits that a laptop left by lately, and where it stood meanwhile.
// Whoever uses a VPN of their own choice speaks for no exit.
func (e *entry) leave(v *view) {
	exits := exitsBy(v.pic)
	if len(exits) == 0 {
		return
	}
	e.stands = standsAt(v.pic)
	if !v.hasConsumerVPN() {
		e.join(exits...)
	}
}

// exitsBy returns the joints of the exits that a laptop left by lately.
func exitsBy(pic *fleetv1.Picture) []joint {
	var joints []joint
	for _, x := range pic.GetEgresses() {
		if !mayBeEverybodys(x) || x.GetLastUnix() < pic.GetLastReceivedUnix()-togetherSeconds {
			continue
		}
		if j, ok := exitJoint(x); ok {
			joints = append(joints, j)
		}
	}
	return joints
}

func exitJoint(x *fleetv1.EgressState) (joint, bool) {
	addr, err := netip.ParseAddr(x.GetAddress())
	if err != nil {
		return joint{}, false
	}
	prefix := egressPrefix(addr)
	return joint{kind: kindExit, prefix: prefix}, prefix != ""
}

// companys returns an egress as the company's own where many people's laptops are led
// to it from networks of their own, though nobody named it: a VPN that all have to use
// says nothing of the one who does. Countries on the list of high risk excuse nobody.
func (v *view) companys(x *fleetv1.EgressState) *fleetv1.EgressState {
	if !mayBeEverybodys(x) || v.f.highRisk[x.GetCountry()] {
		return x
	}
	j, ok := exitJoint(x)
	if !ok || v.hasConsumerVPN() || !v.everybodys(j) {
		return x
	}
	x = proto.CloneOf(x)
	x.Company = true
	return x
}

// hasConsumerVPN says whether the laptop uses a VPN of its person's own choice: then that
// others do, too, makes it no company's.
func (v *view) hasConsumerVPN() bool {
	var e fleetv1.Egress
	v.consumerVPN(&e)
	return e.GetConsumerVpn() != ""
}

// everybodys says whether an exit is used by many others that have nothing else in common,
// neither with the device nor among each other: a router for each laptop makes no homes.
func (v *view) everybodys(j joint) bool {
	group, crowded := v.f.index.group(j)
	if crowded {
		return true
	}
	others := slices.DeleteFunc(group, func(e *entry) bool { return e.id == v.self.id || len(e.stays) == 0 })
	enough := max(everybodysPeople, min(v.f.index.size()/everybodysShare, crowd))
	return len(others) >= enough && v.f.index.hands(v.self, others, v.now.Unix()) >= enough
}

// size is how many devices there are.
func (ix *index) size() int {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return len(ix.slots)
}
