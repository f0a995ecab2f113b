package collector

import (
	"testing"

	"github.com/farmhound-security/farmhound/collector/alert"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestTransitionsAreSaidInWords(t *testing.T) {
	t.Parallel()
	of := func(title string, signals ...string) *fleetv1.Alert {
		a := &fleetv1.Alert{Title: title, Assessment: &fleetv1.Assessment{}}
		for _, s := range signals {
			a.Assessment.Evidence = append(a.Assessment.Evidence, &fleetv1.Evidence{Signal: s, Title: "Title of " + s, Db: 3})
		}
		return a
	}
	tests := []struct {
		transition alert.Transition
		before     *fleetv1.Alert
		next       *fleetv1.Alert
		want       string
	}{
		{alert.Opened, nil, of("Laptop driven", "a"), "opened: Laptop driven"},
		{alert.Escalated, of("Laptop driven", "a"), of("Laptop driven for sure", "a", "b"), "escalated: Laptop driven for sure"},
		{alert.NewEvidence, of("Laptop driven", "a"), of("Laptop driven", "b", "a", "c"), "has new evidence: Title of b; Title of c"},
		{alert.NewEvidence, of("Laptop driven", "a"), of("Laptop elsewhere", "a"), "rests on other evidence now: Laptop elsewhere"},
	}
	for _, tt := range tests {
		if got := transitionWords(tt.transition, tt.before, tt.next); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.transition, got, tt.want)
		}
	}
}
