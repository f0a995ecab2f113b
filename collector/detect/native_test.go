package detect

import (
	"testing"

	"cel.dev/cel-go/cel"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// asCEL is what CEL itself makes of a program.
func asCEL(t *testing.T, at *scene, p cel.Program) any {
	t.Helper()
	v, _, err := p.Eval(at)
	if err != nil {
		return err.Error()
	}
	return v.Value()
}

// TestNativeFormsMeanWhatCELSays tries every program of the shipped signals on devices
// made by chance, on those of the signals' tests, and on one of which nothing is known.
func TestNativeFormsMeanWhatCELSays(t *testing.T) {
	t.Parallel()
	r := rules(t)
	all := []*fleetv1.Device{{}, {Known: &fleetv1.Known{}}}
	for seed := range devices {
		all = append(all, anyDevice(seed))
	}
	for _, s := range r.all {
		for _, example := range s.tests {
			all = append(all, example.picture)
		}
	}
	said := 0
	for _, dev := range all {
		at := r.language.scene(dev, personaNow)
		for _, s := range r.all {
			for _, tier := range s.tiers {
				if v, ok := tier.when.holds.Value(at.frame); ok && any(v) != asCEL(t, at, tier.when.full) {
					t.Fatalf("%s: %v, CEL says %v of %v", s.id, v, asCEL(t, at, tier.when.full), dev)
				}
				v, ok := tier.because.says.Value(at.frame)
				if ok && any(v) != asCEL(t, at, tier.because.full) {
					t.Fatalf("%s: %q, CEL says %q of %v", s.id, v, asCEL(t, at, tier.because.full), dev)
				}
				if ok {
					said++
				}
			}
			if s.withdrawn == nil {
				continue
			}
			if v, ok := s.withdrawn.holds.Value(at.frame); ok && any(v) != asCEL(t, at, s.withdrawn.full) {
				t.Fatalf("%s, withdrawn: %v, CEL says %v of %v", s.id, v, asCEL(t, at, s.withdrawn.full), dev)
			}
		}
	}
	if said < len(all)*len(r.all) {
		t.Errorf("only %d sentences were compared", said)
	}
}

func TestShippedSignalsHaveNativeForms(t *testing.T) {
	t.Parallel()
	for _, s := range rules(t).all {
		for i, tier := range s.tiers {
			if tier.when.holds == nil || tier.because.says == nil {
				t.Errorf("%s, tier %d is left to CEL: condition %t, sentence %t", s.id, i, tier.when.holds == nil, tier.because.says == nil)
			}
		}
		if s.withdrawn != nil && s.withdrawn.holds == nil {
			t.Errorf("%s, withdrawn, is left to CEL", s.id)
		}
	}
}
