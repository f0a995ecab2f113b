package detect

import fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"

// What a signal says of itself is the same for every device: what is kept of a million
// of them leaves it out.

// Lean takes from an assessment what its signals say of themselves.
func Lean(a *fleetv1.Assessment) {
	for _, list := range [][]*fleetv1.Evidence{a.GetEvidence(), a.GetShadow()} {
		for _, e := range list {
			e.Title, e.Benign, e.Attack = "", nil, nil
		}
	}
}

// Dress gives back to an assessment what Lean took, as the rules say it now; of a signal
// that they no longer have, nothing.
func (d *Detector) Dress(a *fleetv1.Assessment) {
	by := make(map[string]*signal, len(d.rules.signals))
	for _, s := range d.rules.signals {
		by[s.id] = s
	}
	for _, list := range [][]*fleetv1.Evidence{a.GetEvidence(), a.GetShadow()} {
		for _, e := range list {
			if s := by[e.GetSignal()]; s != nil && e.GetTitle() == "" {
				e.Title, e.Benign, e.Attack = s.title, s.benign, s.attack
			}
		}
	}
}
