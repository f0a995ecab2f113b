package fleet

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// A router on the laptop's own network that passes on others' control is near, and
// they are not: how late they answer tells.
func TestWhoAnswersLateIsNotNear(t *testing.T) {
	t.Parallel()
	local := func(ms float64) func(*farmhoundv1.RemoteSession) {
		return func(s *farmhoundv1.RemoteSession) {
			s.PeerClass, s.RttMinMs = farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN, proto.Float64(ms)
		}
	}
	countedNear := func(w *farmhoundv1.Window) {
		for _, c := range w.GetControl() {
			c.NearSeconds = c.GetSeconds()
		}
	}
	day := func(ms float64) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			all := l.workday(monday, driven("anydesk"), countedNear)
			s := control("s", "anydesk", "192.168.1.1", monday.Add(9*time.Hour), local(ms))
			all[1].Report.RemoteSessions = []*farmhoundv1.RemoteSession{s}
			end := proto.CloneOf(s)
			until(monday.Add(17 * time.Hour))(end)
			all[len(all)-1].Report.RemoteSessions = []*farmhoundv1.RemoteSession{end}
			return all
		}
	}
	shares := func(d *fleetv1.Device) any {
		return sentence("near %.2f, not %.2f", d.GetDay1().GetNearShare(), d.GetDay1().GetUnsanctionedShare())
	}
	check(t, []derived{
		{name: "from the desk", life: day(2), get: shares, want: "near 1.00, not 0.00"},
		{name: "from the other side of the world", life: day(210), get: shares, want: "near 0.00, not 1.00"},
	})
}

// Two tools at once are no more use than there was.
func TestTwoToolsAtOnce(t *testing.T) {
	t.Parallel()
	both := func(w *farmhoundv1.Window) {
		w.Control = []*farmhoundv1.ControlSeconds{{Tool: "anydesk", Seconds: 2700}, {Tool: "rustdesk", Seconds: 900}}
		w.ActiveSeconds = proto.Uint32(2700)
	}
	approved := func(c *Config) { c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk"}} }
	shares := func(d *fleetv1.Device) any {
		return sentence("approved %.2f, not %.2f", d.GetDay1().GetSanctionedShare(), d.GetDay1().GetUnsanctionedShare())
	}
	check(t, []derived{
		{name: "neither approved", life: func(l *laptop) []Observation { return l.workday(monday, both) }, get: shares, want: "approved 0.00, not 1.00"},
		{name: "one approved", life: func(l *laptop) []Observation { return l.workday(monday, both) }, config: approved, get: shares, want: "approved 0.75, not 0.25"},
	})
}

// An hour's window whose timer was late marks its half hours: laptops that are in use at the
// same time are not said to be used in turns.
func TestLongWindowsAreOfTheirHours(t *testing.T) {
	t.Parallel()
	use := func(d *fleetv1.Device) any {
		all := uint32(0)
		for _, n := range d.GetWeeklyUse() {
			all += n
		}
		return all
	}
	late := func(seconds uint32) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			return l.workday(monday, func(w *farmhoundv1.Window) { w.Seconds = seconds })
		}
	}
	check(t, []derived{
		{name: "an hour", life: late(3600), get: use, want: uint32(16)},
		{name: "half a minute more", life: late(3630), get: use, want: uint32(17)},
	})
}
