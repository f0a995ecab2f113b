package persona

// persona is a way of living with a laptop.
type persona struct {
	name, kind string
	// share is how many laptops of a world of sixty are its.
	share float64
	// draw makes one person, household or farm of it, at best of size laptops.
	draw func(w *World, d draw, size int) []*Laptop
}

// castings are all personas by casting, farms last.
var castings = map[string][]persona{Everyday: everyday, Former: former, Reserved: reserved}

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
