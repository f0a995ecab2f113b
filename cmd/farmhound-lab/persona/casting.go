package persona

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// persona is a way of living with a laptop.
type persona struct {
	name, kind string
	// share is how many laptops of a world of sixty are its.
	share float64
	// draw makes one person, household or farm of it, at best of size laptops.
	draw func(w *World, d draw, size int) []*Laptop
}

// casting is who lives in a world, with what and where, farms last.
type casting struct {
	personas []persona
	stock    *stock
	atlas    func() *atlas
	// settle draws where the company and its people are.
	settle func(*World, draw)
	// atHome draws somebody who works at home.
	atHome func(*World, draw, locality, ...farmhoundv1.OperatingSystem) *Laptop
	// connections is whether the collector knows round trips and ways out, and agents see
	// what their systems show rather than everything.
	connections bool
	// outer draws from the outer parts of ranges rather than evenly.
	outer bool
	// vpnForAll is how many companies have everybody use their VPN, troubled how many
	// agents have trouble of their own.
	vpnForAll, troubled float64
	// offices is how many the company has at most.
	offices int
	// uneven is whether of a persona there are more in some worlds than in others.
	uneven bool
	// policy says what agents may see where companies differ in it; nil where they do not.
	policy func(*World, *Laptop)
	// nearRelays is whether vendors' relays are near one of those whom they connect.
	nearRelays bool
	// reboots is whether laptops are also started anew by updates and after weekends.
	reboots bool
}

var castings = map[string]*casting{
	Everyday: {personas: everyday, stock: firstStock, atlas: firstAtlas, settle: (*World).settleHere, atHome: (*World).dwells, offices: 2},
	Former: {
		personas: former, stock: otherStock, atlas: otherAtlas, settle: (*World).settleAnywhere, atHome: (*World).someone,
		connections: true, outer: true, vpnForAll: 0.15, troubled: 0.2, offices: 2,
	},
	Reserved: {
		personas: reserved, stock: newStock, atlas: newAtlas, settle: (*World).settleApart, atHome: (*World).resident,
		connections: true, vpnForAll: 0.1, troubled: 0.35, offices: 4, uneven: true, policy: (*World).permits, nearRelays: true, reboots: true,
	},
}

var everyday = []persona{
	{"office-worker", Honest, 6, officeWorker},
	{"home-worker", Honest, 7, homeWorker},
	{"traveller", Honest, 2, traveller},
	{"supported", Honest, 3, supported},
	{"developer", Honest, 3, developer},
	{"night-shift", Honest, 2, nightShift},
	{"contractor", Honest, 3, contractor},
	{"couple", Honest, 2, couple},
	{"vpn-user", Honest, 2, vpnUser},
	{"docked", Honest, 2.5, docked},
	{"flatmates", Honest, 2, flatmates},
	{"accessibility", Honest, 2, accessibility},
	{"unseen", Honest, 2, unseen},
	{"own-desktop", Honest, 1.5, ownDesktop},
	{"virtual-desktop", Honest, 1, virtualDesktop},

	{"rmm-farm", Farm, 4.5, rmmFarm},
	{"kvm-farm", Farm, 3, kvmFarm},
	{"disguised-kvm", Farm, 2, disguisedKvm},
	{"mixed-farm", Farm, 2.5, mixedFarm},
	{"single-host", Farm, 2, singleHost},
	{"overlay-farm", Farm, 2, overlayFarm},
	{"displaced", Farm, 1.5, displaced},
	{"slow-starter", Farm, 1.3, slowStarter},
	{"tool-rotator", Farm, 1.2, rotator},
}
