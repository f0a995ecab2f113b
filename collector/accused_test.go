package collector

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/alert"
	"github.com/farmhound-security/farmhound/collector/fleet"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// accused is a laptop at home: of a person who works, or of one who claims to be beside them.
type accused struct {
	id, peer string
	network  farmhoundv1.Network
	displays []*farmhoundv1.Display
	window   func(w *farmhoundv1.Window)
	session  *farmhoundv1.RemoteSession // of every working hour
	told     bool
	sequence uint64
}

func sum(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:16]
}

// hour is what a laptop reports after an hour of work.
func (a *accused) hour(from time.Time) fleet.Observation {
	a.sequence++
	to := from.Add(time.Hour)
	w := &farmhoundv1.Window{
		StartedAt: timestamppb.New(from), Seconds: 3600, ActiveSeconds: proto.Uint32(2700), ControlKnown: true, AsleepSeconds: proto.Uint32(0),
		OnAcSeconds: proto.Uint32(3000), LidClosedSeconds: proto.Uint32(0), AssistiveSeconds: proto.Uint32(0), CallSeconds: proto.Uint32(0),
	}
	a.window(w)
	r := &farmhoundv1.Report{
		BootId: hex.EncodeToString(sum("boot of " + a.id)), Sequence: a.sequence, ObservedAt: timestamppb.New(to), Windows: []*farmhoundv1.Window{w},
		Health: &farmhoundv1.Health{AgentVersion: "1.0"},
	}
	if !a.told {
		a.told = true
		r.System = &farmhoundv1.System{Serial: "S-" + a.id, Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP}
		r.Software, r.Hardware, r.Network = &farmhoundv1.Software{}, &farmhoundv1.Hardware{Displays: a.displays}, &a.network
		r.Place = &farmhoundv1.Place{TimeZone: "America/New_York"}
	}
	if a.session != nil {
		s := proto.CloneOf(a.session)
		s.Id = hex.EncodeToString(sum(fmt.Sprint(a.id, from)))
		s.StartedAt, s.EndedAt = timestamppb.New(from), timestamppb.New(to)
		r.RemoteSessions = append(r.RemoteSessions, s)
	}
	return fleet.Observation{
		Device: a.id, Serial: "S-" + a.id, ReceivedAt: to.Add(time.Second), Report: r, Peer: netip.AddrPortFrom(netip.MustParseAddr(a.peer), 40000),
	}
}

// lastOf lives three weeks and returns the victim's last assessment, and the worst verdict on the way.
func lastOf(t *testing.T, victim *accused, others ...*accused) (last *fleetv1.Assessment, worst string) {
	t.Helper()
	r := rooms(t)
	judge, err := r.judge()
	if err != nil {
		t.Fatal(err)
	}
	l := &lives{judge: judge, devices: make(map[string]*life)}
	worst = "clear"
	for day := range 21 {
		if day%7 >= 5 {
			continue
		}
		for h := range 8 {
			from := time.Date(2026, 3, 2+day, 14+h, 0, 0, 0, time.UTC)
			for _, a := range append(others, victim) {
				if err := l.report(a.hour(from)); err != nil {
					t.Fatal(err)
				}
			}
			last = l.devices[victim.id].device.Judgement.GetAssessment()
			if alert.Rank(last.GetVerdict()) > alert.Rank(worst) {
				worst = last.GetVerdict()
			}
		}
	}
	return last, worst
}

// atHome is a laptop behind one gateway with the others.
func atHome(id string, window func(*farmhoundv1.Window)) *accused {
	return &accused{id: id, peer: "203.0.113.20", window: window, network: farmhoundv1.Network{
		KeyId: 1, GatewayHash: sum("gateway"), AccessPointHash: sum("access point"), OwnAddresses: []*farmhoundv1.OwnAddress{{Hash: sum("address of " + id)}},
		Neighbours: &farmhoundv1.Neighbours{Reachable: 3},
	}}
}

// TestNeighboursAreEvidence: two people's laptops that never showed the same egress, and
// each see the other, are kept together; where one says so alone, nothing is.
func TestNeighboursAreEvidence(t *testing.T) {
	t.Parallel()
	driven := func(w *farmhoundv1.Window) { w.Input = &farmhoundv1.InputSeconds{Injected: 1800} }
	for mutual, want := range map[bool]string{true: "each seeing the other on its network", false: ""} {
		a, b := atHome("victim", driven), atHome("other", driven)
		b.peer = "198.51.100.77"
		for _, l := range []*accused{a, b} {
			l.network.Tunnels = []*farmhoundv1.Tunnel{{Kind: "wireguard", DefaultRoute: true}}
		}
		a.network.Neighbours.FleetMembers = [][]byte{sum("address of other")}
		if mutual {
			b.network.Neighbours.FleetMembers = [][]byte{sum("address of victim")}
		}
		got, _ := lastOf(t, a, b)
		because := ""
		for _, e := range got.GetEvidence() {
			if e.GetSignal() == "people_together" {
				because = e.GetBecause()
			}
		}
		if want == "" && because != "" || !strings.Contains(because, want) {
			t.Errorf("each sees the other %v: %q, want %q", mutual, because, want)
		}
	}
}

// TestTheAccused: whatever another laptop claims about who is beside it, what is plugged
// into it and who controls it, no honest person's becomes likely by that.
func TestTheAccused(t *testing.T) {
	t.Parallel()
	monitor := &farmhoundv1.Display{Maker: "DEL", ProductCode: 7, Name: "DELL U2720Q", Serial: &farmhoundv1.PeripheralSerial{
		Class: farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY, Hash: sum("monitor"),
	}}
	own := func(w *farmhoundv1.Window) { w.Input = &farmhoundv1.InputSeconds{BuiltIn: 1500, Attached: 300} }
	docked := func(w *farmhoundv1.Window) {
		w.Input, w.LidClosedSeconds = &farmhoundv1.InputSeconds{Attached: 1800}, proto.Uint32(3600)
	}
	support := &farmhoundv1.RemoteSession{
		Tool: "anydesk", Kind: farmhoundv1.SessionKind_SESSION_KIND_DESKTOP, Peer: "198.51.100.9", PeerClass: farmhoundv1.PeerClass_PEER_CLASS_GLOBAL,
		Path: farmhoundv1.SessionPath_SESSION_PATH_DIRECT, AccountHash: sum("the neighbour's son, who helps"), KeyId: 1,
	}
	helped := func(w *farmhoundv1.Window) {
		own(w)
		w.Control = []*farmhoundv1.ControlSeconds{{Tool: "anydesk", Seconds: 200}} // a quarter of an hour a day and more
	}
	home := func(id string) *accused {
		a := atHome(id, own)
		a.displays = []*farmhoundv1.Display{monitor}
		return a
	}
	victims := map[string]func() *accused{
		"at the own keyboard": func() *accused { return home("victim") },
		"docked, lid shut": func() *accused {
			a := home("victim")
			a.window = docked
			return a
		},
		"nothing known of hands": func() *accused {
			a := home("victim")
			a.window = func(*farmhoundv1.Window) {}
			return a
		},
		"helped daily by somebody the company does not know": func() *accused {
			a := home("victim")
			a.window, a.session = helped, support
			return a
		},
	}
	liar := func(id, peer string) *accused {
		// Everything that it can know of the victim: gateway, access point and monitor, and the
		// address of something that the victim's laptop really sees.
		a := home(id)
		a.peer, a.session = peer, support
		a.window = func(w *farmhoundv1.Window) {
			w.Input = &farmhoundv1.InputSeconds{Injected: 1800}
			w.Control = []*farmhoundv1.ControlSeconds{{Tool: "anydesk", Seconds: 3600}}
		}
		a.network.Neighbours.FleetMembers = [][]byte{sum("address of victim")}
		a.network.OwnAddresses = []*farmhoundv1.OwnAddress{{Hash: sum("address of the victim's television")}}
		return a
	}
	for name, victim := range victims {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, before := lastOf(t, victim())
			if alert.Rank(before) > alert.Rank("watch") {
				t.Fatalf("without any liar the verdict was %s", before)
			}
			for from, peer := range map[string]string{"the victim's own egress network": "203.0.113.99", "another": "198.51.100.77"} {
				for _, many := range []int{1, 3} {
					v := victim()
					v.network.Neighbours.FleetMembers = [][]byte{sum("address of the victim's television")}
					var liars []*accused
					for i := range many {
						liars = append(liars, liar(fmt.Sprint("liar", i), peer))
					}
					got, worst := lastOf(t, v, liars...)
					t.Logf("%d from %s: %s at worst, %.1f %%, farm %.1f dB, abroad %.1f dB", many, from, worst, 100*got.GetHostedRisk(),
						got.GetQuestions().GetFarm().GetDb(), got.GetQuestions().GetAbroad().GetDb())
					if alert.Rank(worst) > alert.Rank(before) && alert.Rank(worst) >= alert.Rank("likely") {
						t.Errorf("%d who lie from %s make it %s", many, from, worst)
					}
				}
			}
		})
	}
}
