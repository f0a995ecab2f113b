//go:build linux || windows

package network

import (
	"testing"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestStands(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	use := &config{}
	for _, tt := range []struct {
		name    string
		latest  latest
		changed change
		age     time.Duration
		use     *config
		want    bool
	}{
		{name: "nothing changed", age: 4 * time.Minute, want: true},
		{name: "nothing changed for long", age: lookAgain},
		{name: "a route went", changed: much, age: time.Second},
		{name: "an address was renewed just now", changed: little, age: time.Second, want: true},
		{name: "an address was renewed", changed: little, age: settled},
		{name: "it was before", latest: latest{little: true}, age: settled},
		{name: "the gateway is not known yet", latest: latest{missing: 1}, age: time.Second},
		{name: "the gateway stays unknown", latest: latest{missing: mostMissing}, age: time.Second, want: true},
		{name: "the gateway stays unknown for a minute", latest: latest{missing: mostMissing}, age: settled},
		{name: "another catalogue", use: &config{}, age: time.Second},
		{name: "the clock went back", age: -lookAgain},
	} {
		l := tt.latest
		l.at, l.config, l.out = at, use, &farmhoundv1.Network{}
		if tt.use == nil {
			tt.use = use
		}
		if got := l.stands(tt.changed, at.Add(tt.age), tt.use); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if (&latest{}).stands(nothing, at, use) {
		t.Error("what was never observed stands")
	}
}
