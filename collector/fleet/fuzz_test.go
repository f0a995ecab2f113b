package fleet

import (
	"net/netip"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// FuzzApply: whatever a laptop sends, valid or not, nothing panics, nothing that
// was there is changed and every list of the picture stays bounded.
func FuzzApply(f *testing.F) {
	l := newLaptop("d1")
	life := hostedLife(l)
	for _, i := range []int{0, 3, 120, 200, len(life) - 1} {
		f.Add(encoded(f, life[i].Report), int64(i), []byte{203, 0, 113, 10})
	}
	f.Add(encoded(f, flood(400)), int64(1<<40), []byte{})
	f.Add([]byte{}, int64(-1<<40), netip.MustParseAddr("2001:db8::1").AsSlice())
	fleet := newFleet(people{l.serial: ohioan("p1")})
	lived := lived(f, fleet, life[:130])
	f.Fuzz(func(t *testing.T, report []byte, shift int64, peer []byte) {
		rep := &farmhoundv1.Report{}
		if proto.Unmarshal(report, rep) != nil {
			return
		}
		addr, _ := netip.AddrFromSlice(peer)
		pic := lived
		for step := range int64(4) {
			at := life[129].ReceivedAt.Add(time.Duration(step) * time.Duration(shift%(1<<50)))
			rep.Sequence += uint64(step)
			before := proto.CloneOf(pic)
			next, _ := fleet.Apply(pic, Observation{Device: l.id, ReceivedAt: at, Peer: netip.AddrPortFrom(addr, 1), PeerRTTMillis: float64(shift), Report: rep})
			if !proto.Equal(before, pic) {
				t.Fatal("Apply changed the picture it was given")
			}
			bounded(t, next)
			fleet.Device(next, at)
			fleet.Controllers(next)
			fleet.Restore(next)
			pic = next
		}
	})
}

func bounded(t testing.TB, pic *fleetv1.Picture) {
	t.Helper()
	for name, n := range map[string][2]int{
		"boots": {len(pic.GetBoots()), keptRuns}, "days": {len(pic.GetDays()), keptDays + 2}, "tools": {len(pic.GetTools()), keptTools},
		"sessions": {len(pic.GetSessions()), keptSessions}, "contacts": {len(pic.GetContacts()), keptContacts},
		"peripherals": {len(pic.GetPeripherals()), keptPeripherals}, "networks": {len(pic.GetNetworks()), keptNetworks},
		"egresses": {len(pic.GetEgresses()), keptEgresses}, "zones": {len(pic.GetZones()), keptZones}, "senses": {len(pic.GetSenses()), keptSenses},
		"silences": {len(pic.GetSilences()), keptSilences}, "software parts": {len(pic.GetSoftwareParts()), keptParts},
		"hardware parts": {len(pic.GetHardwareParts()), keptParts}, "clean places": {len(pic.GetCleanPlaces()), keptPlaces},
		"runs": {len(pic.GetRuns()), 2 * keptStarts}, "sleeps": {len(pic.GetSleeps()), 2 * keptSleeps},
		"undelivered": {len(pic.GetUndelivered()), 2 * keptOutages},
		"tunnels":     {len(pic.GetNetwork().GetTunnels()), keptTunnels},
		"addresses":   {len(pic.GetAddresses()), keptAddresses}, "neighbours": {len(pic.GetNeighbours()), keptNeighbours},
	} {
		if n[0] > n[1] {
			t.Errorf("%d %s, want at most %d", n[0], name, n[1])
		}
	}
	for i, d := range pic.GetDays() {
		if i > 0 && pic.GetDays()[i-1].GetDay() >= d.GetDay() {
			t.Errorf("day %d after day %d", d.GetDay(), pic.GetDays()[i-1].GetDay())
		}
		if len(d.GetCounted()) > 2*keptSpans || len(d.GetControl()) > keptControls || len(d.GetEgress()) > keptDayEgresses {
			t.Errorf("day with %d spans, %d tools, %d egresses", len(d.GetCounted())/2, len(d.GetControl()), len(d.GetEgress()))
		}
	}
}

// flood is a report with as many of everything as the contract lets through.
func flood(n int) *farmhoundv1.Report {
	r := &farmhoundv1.Report{
		BootId: "0123456789abcdef", Sequence: 1, ObservedAt: timestamppb.New(monday),
		Software: &farmhoundv1.Software{}, Hardware: &farmhoundv1.Hardware{}, Health: &farmhoundv1.Health{},
		Network: &farmhoundv1.Network{Neighbours: &farmhoundv1.Neighbours{}},
	}
	for i := range n {
		id := string(rune('a'+i%26)) + string(rune('a'+i/26))
		at := monday.Add(time.Duration(-i) * 3 * time.Hour)
		r.Software.Tools = append(r.Software.Tools, &farmhoundv1.Tool{Id: id, Running: true})
		r.Hardware.Displays = append(r.Hardware.Displays, monitor(id, i))
		r.RemoteSessions = append(r.RemoteSessions, control(id, id, shenyang, at.AddDate(0, 0, -30)))
		r.Windows = append(r.Windows, hour(at, 30, driven(id)))
		r.Network.Tunnels = append(r.Network.Tunnels, &farmhoundv1.Tunnel{Tool: id, DefaultRoute: i > 20})
		r.Network.OwnAddresses = append(r.Network.OwnAddresses, &farmhoundv1.OwnAddress{Hash: digest("own " + id)})
		r.Network.Neighbours.FleetMembers = append(r.Network.Neighbours.FleetMembers, digest("other "+id))
		r.Health.Senses = append(r.Health.Senses, &farmhoundv1.Sense{Name: id, State: farmhoundv1.SenseState_SENSE_STATE_FAILED})
	}
	return r
}

// TestFlood: a hostile laptop that sends all it may, again and again, each time
// under other names, costs little and fills nothing.
func TestFlood(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	var pic *fleetv1.Picture
	for i := range 30 {
		r := flood(256)
		r.Sequence = uint64(i + 1)
		for _, s := range r.GetRemoteSessions() {
			s.Id = s.GetId()[:16] + string(rune('a'+i))
		}
		peer := netip.AddrFrom4([4]byte{203, 0, byte(i), 1})
		pic, _ = f.Apply(pic, Observation{
			Device: "d1", ReceivedAt: monday.Add(time.Duration(i) * time.Hour), Peer: netip.AddrPortFrom(peer, 1), Report: r,
		})
		bounded(t, pic)
	}
	if !tunnelled(pic.GetNetwork()) {
		t.Error("a tunnel on the default route was lost among many")
	}
	if size := proto.Size(pic); size > 64<<10 {
		t.Errorf("a hostile laptop's picture takes %d bytes", size)
	}
	start := time.Now()
	f.Device(pic, monday.AddDate(0, 0, 2))
	if took := time.Since(start); took > time.Second {
		t.Errorf("Device took %v", took)
	}
}

// TestEveryFieldIsCarried: a draft begins as the picture it is made from.
func TestEveryFieldIsCarried(t *testing.T) {
	t.Parallel()
	l := newLaptop("d1")
	f := newFleet(people{l.serial: ohioan("p1")})
	pic := lived(t, f, hostedLife(l))
	pic.Silences = append(pic.GetSilences(), &fleetv1.Silence{FromUnix: 1, ToUnix: 2})
	pic.Runs, pic.Undelivered = []uint32{1, 2}, []uint32{3, 4}
	pic.ClonedUnix, pic.SpoolDropped, pic.PeerMss, pic.WindowsRefused = 1, 2, 3, 4
	pic.EnrolledAt = timestamppb.New(monday)
	pic.Forks, pic.SupersededBy, pic.SupersededUnix = []*fleetv1.Fork{{AtUnix: 1}}, "d2", 5
	pic.Renames, pic.FleetKey = []*fleetv1.Rename{{KeyId: 2}}, 2
	pic.Addresses, pic.Neighbours = []*fleetv1.AddressState{{KeyId: 2}}, []*fleetv1.NeighbourSighting{{LastUnix: 1}}
	pic.Contacts = append(pic.GetContacts(), &fleetv1.Contact{Tool: "x"})
	pic.Peripherals = append(pic.GetPeripherals(), &fleetv1.PeripheralState{Name: "x"})
	pic.Senses = append(pic.GetSenses(), &fleetv1.SenseCondition{Name: "x"})
	fields := pic.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); !pic.ProtoReflect().Has(field) {
			t.Errorf("the test leaves %s empty", field.Name())
		}
	}
	if d := newDraft(pic); !proto.Equal(d.pic, pic) {
		t.Error("a draft lacks fields of its picture")
	}
}
