package persona

import (
	"net/netip"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// stock is what the people of a casting have and where they are.
type stock struct {
	makes []maker
	// made is how common each of makes is.
	made     []float64
	versions map[farmhoundv1.OperatingSystem][]string
	// typed is how common each of keyboards is.
	keyboards    []gear
	typed        []float64
	mice, extras []gear
	screens      []screen
	consoles     []*console
	routers      []string
	lans         []netip.Prefix
	// helpers are the products that a company's help desk may use.
	helpers []string
	// abroad is where contractors work and travellers go, hubs where operators are.
	abroad, hubs []locality
	// vpns are consumer VPNs that people use, jigglers what keeps a laptop from looking idle
	// and beats how often it does, in seconds.
	vpns     []string
	jigglers map[farmhoundv1.OperatingSystem][]string
	beats    []int64
	// strange are the tools of operators, faces what consoles pose as, drives what they then
	// offer and posed the serial that they have.
	strange []string
	faces   []*console
	drives  []string
	posed   func(draw) string
	// claims are all places where anybody may be declared to live.
	claims []locality
}

// firstStock is that of the everyday casting.
var firstStock = &stock{
	makes: makes, made: []float64{0.35, 0.25, 0.2, 0.2}, versions: versions, keyboards: keyboards, typed: []float64{3, 3, 2, 1, 0.3}, mice: mice, extras: extras,
	screens: screens, consoles: consoles, routers: routerMakers, lans: lans, helpers: []string{"screenconnect", "splashtop", "teamviewer"},
	abroad: offshore, hubs: hubs, claims: homeland,
}

// settleHere puts every company and its people in the same land.
func (w *World) settleHere(draw) {
	w.land, w.homeland, w.offshore, w.cloud = "US", homeland, w.stock.abroad, locality{latitude: 39.04, longitude: -77.49}
}
