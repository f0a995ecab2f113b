package fleet

import (
	"testing"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Colleagues who left their laptops in a branch reach them over the company's VPN, which
// gives out another address nearly every day; a tunnel that somebody dug has fixed ends.
func TestControlOverAPrivateNetwork(t *testing.T) {
	t.Parallel()
	away := func(ms float64) func(*farmhoundv1.RemoteSession) {
		return func(s *farmhoundv1.RemoteSession) { s.RttMinMs = proto.Float64(ms) }
	}
	days := func(ms float64, addresses ...string) func(*laptop) []Observation {
		return func(l *laptop) []Observation {
			var all []Observation
			for d, a := range addresses {
				all = append(all, visited(l, monday.AddDate(0, 0, d), "windows-remote-desktop", a, away(ms))...)
			}
			return all
		}
	}
	pool := days(25, "10.60.3.7", "10.60.9.12", "10.60.1.4", "10.60.3.7", "10.60.8.8")
	routed := func(d *fleetv1.Device) any {
		return sentence("%d %t", d.GetOperator().GetRoutedAddresses(), d.GetOperator().GetLeased())
	}
	tests := []derived{
		{name: "a pool", life: pool, want: "4 true"},
		{name: "its first day", life: days(25, "10.60.3.7"), want: "1 true"},
		{name: "fixed ends", life: days(25, "10.60.3.7", "10.60.3.7", "10.60.3.7"), want: "1 false"},
		{name: "far away", life: days(160, "10.60.3.7", "10.60.9.12", "10.60.1.4"), want: "0 false"},
		{name: "a bad line on one evening", want: "4 true", life: func(l *laptop) []Observation {
			all := pool(l)
			return append(all, visited(l, monday.AddDate(0, 0, 7), "windows-remote-desktop", "10.60.9.9", away(64))...)
		}},
		{name: "bad lines on most", life: days(64, "10.60.3.7", "10.60.9.12", "10.60.1.4"), want: "0 false"},
		{name: "one from the other side of the world", want: "0 false", life: func(l *laptop) []Observation {
			all := pool(l)
			return append(all, visited(l, monday.AddDate(0, 0, 7), "windows-remote-desktop", "10.60.9.9", away(190))...)
		}},
		{name: "one of them elsewhere", life: days(25, "10.60.3.7", california, "10.60.1.4"), want: "0 false"},
		{name: "an overlay's addresses", life: days(25, "100.70.3.7", "100.70.9.12", "100.70.1.4"), want: "0 false"},
		{name: "an overlay network that has none of these addresses", want: "4 true", life: func(l *laptop) []Observation {
			l.seen.Software = &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "tailscale", Installed: true, Running: true}}}
			return pool(l)
		}},
		{name: "an overlay network nobody approved", want: "0 false", life: func(l *laptop) []Observation {
			l.seen.Software = &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "zerotier", Installed: true, Running: true}}}
			return pool(l)
		}},
	}
	for i := range tests {
		tests[i].get = routed
	}
	check(t, tests)
}
