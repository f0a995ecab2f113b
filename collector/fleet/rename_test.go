package fleet

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// rotationDays is how long the laptops of the rotation tests live.
const rotationDays = 42

func ringOf(t testing.TB, ids ...uint32) fleetkey.Ring {
	t.Helper()
	var keys []*farmhoundv1.FleetKey
	for _, id := range ids {
		keys = append(keys, &farmhoundv1.FleetKey{Id: id, Key: bytes.Repeat([]byte{byte(id)}, fleetkey.KeySize)})
	}
	ring, err := fleetkey.NewRing(keys)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// hashing makes reports what an agent with a ring sends: what they carry as hashes is
// the value to hash. Parts that hold hashes are sent again when the ring changes.
type hashing struct {
	said     string // of the ring
	network  *farmhoundv1.Network
	hardware *farmhoundv1.Hardware
}

func (h *hashing) report(r *farmhoundv1.Report, ring fleetkey.Ring) *farmhoundv1.Report {
	r = proto.CloneOf(r)
	if r.GetNetwork() != nil {
		h.network = r.GetNetwork()
	}
	if r.GetHardware() != nil {
		h.hardware = r.GetHardware()
	}
	if fmt.Sprint(ring) != h.said {
		r.Network, r.Hardware = h.network, h.hardware
	}
	h.said = fmt.Sprint(ring)
	if n := proto.CloneOf(r.GetNetwork()); n != nil {
		values := [][]byte{n.GetGatewayHash(), n.GetLanHash(), n.GetAccessPointHash()}
		n.GatewayHash, n.KeyId, _ = ring.Hash(fleetkey.GatewayMAC, values[0])
		n.EarlierGateways = ring.Earlier(fleetkey.GatewayMAC, values[0])
		n.LanHash, n.KeyId, _ = ring.Hash(fleetkey.LANPrefix, values[1])
		n.EarlierLans = ring.Earlier(fleetkey.LANPrefix, values[1])
		n.AccessPointHash, n.KeyId, _ = ring.Hash(fleetkey.AccessPoint, values[2])
		n.EarlierAccessPoints = ring.Earlier(fleetkey.AccessPoint, values[2])
		r.Network = n
	}
	r.Hardware = proto.CloneOf(r.GetHardware())
	for _, d := range r.GetHardware().GetUsb() {
		d.Serial = ring.Serial(fleetkey.PeripheralSerial, string(d.GetSerial().GetHash()))
	}
	for _, d := range r.GetHardware().GetDisplays() {
		d.Serial = ring.Serial(fleetkey.DisplaySerial, string(d.GetSerial().GetHash()))
	}
	for _, s := range r.GetRemoteSessions() {
		account := s.GetAccountHash()
		s.AccountHash, s.KeyId, _ = ring.Hash(fleetkey.RemoteAccount, account)
		s.EarlierAccounts = ring.Earlier(fleetkey.RemoteAccount, account)
	}
	return r
}

// rotationWorld is two months of a farm of five, whose console and screen are handed
// on and whose third laptop is off for some days and reports them late, and of a couple
// who visit a parent and an office.
func rotationWorld() (persons people, all []Observation) {
	persons = people{}
	for _, id := range []string{"f1", "f2", "f3", "f4", "f5", "f6", "h1", "h2"} {
		persons["serial-"+id] = ohioan("p-" + id)
	}
	persons["serial-h1"].Household, persons["serial-h2"].Household = "couple", "couple"
	for serial := range persons {
		l := newLaptop(serial[len("serial-"):])
		for day := range rotationDays {
			if all = append(all, rotationDay(l, day)...); day%9 == 8 {
				l.restart()
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Observation) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), cmp.Compare(a.Device, b.Device))
	})
	return persons, all
}

func rotationDay(l *laptop, day int) []Observation {
	begin := monday.AddDate(0, 0, day).Add(9 * time.Hour)
	farm := l.id[0] == 'f'
	l.seen.Hardware, l.late = &farmhoundv1.Hardware{}, 0
	switch {
	case l.id == "f5" && day < 18 || l.id == "f6" && day < 37:
		return nil // not issued yet
	case farm:
		l.peer = ohio
		l.at("the spare room")
		if l.id == "f4" && day > 3 {
			l.peer = exitOhio
			tunnel(l, "wireguard")
		}
		if l.id == "f3" && day >= 12 && day < 17 {
			l.late = monday.AddDate(0, 0, 17).Sub(begin) // spooled
		}
		if (l.id == "f1" && day < 13) || (l.id == "f2" && day >= 14) {
			l.seen.Hardware.Displays = append(l.seen.Hardware.Displays, monitor("handed on", 0))
			l.seen.Hardware.Usb = append(l.seen.Hardware.Usb, &farmhoundv1.UsbDevice{
				VendorId: 0x1d6b, ProductId: 0x0104, Manufacturer: "PiKVM", Product: "PiKVM Composite Device",
				Serial: &farmhoundv1.PeripheralSerial{Hash: digest("console")},
			})
		}
	case day%7 == 6:
		l.peer = berlin
		l.at("a parent's")
	case day%7 == 2 && l.id == "h2":
		l.peer = california
		l.at("office")
	default:
		l.peer = ohioFriend
		l.at("a home")
		l.seen.Hardware.Displays = append(l.seen.Hardware.Displays, monitor("of "+l.id, 0))
	}
	var all []Observation
	for h := range 4 {
		from := begin.Add(time.Duration(2*h) * time.Hour)
		l.hours = append(l.hours, hour(from, 40))
		var sessions []*farmhoundv1.RemoteSession
		if farm {
			l.hours[len(l.hours)-1] = hour(from, 40, driven("anydesk"))
			s := control(fmt.Sprint(l.id, day, h), "anydesk", shenyang, from, until(from.Add(time.Hour)))
			s.AccountHash = digest("operator")
			sessions = append(sessions, s)
		}
		all = append(all, l.report(from.Add(time.Hour), sessions...))
	}
	return all
}

// judged is what a day ended with.
type judged struct {
	Device *fleetv1.Device
	Events []*fleetv1.Event
}

// liveRotation lives the world with the keys that each laptop has on each day, and
// returns every laptop's days.
func liveRotation(t *testing.T, persons people, all []Observation, ring func(id string, day int) []uint32) map[string][]judged {
	t.Helper()
	officeGateway, _, _ := ringOf(t, 1).Hash(fleetkey.GatewayMAC, digest("gateway office"))
	f := newFleet(persons, func(c *Config) { c.Company.OfficeGateways = [][]byte{officeGateway} })
	agents, pics := map[string]*hashing{}, map[string]*fleetv1.Picture{}
	days := map[string][]judged{}
	events := map[string][]*fleetv1.Event{}
	for i, o := range all {
		if agents[o.Device] == nil {
			agents[o.Device] = &hashing{}
		}
		day := int(o.Report.GetObservedAt().AsTime().Sub(monday) / (24 * time.Hour))
		o.Report = agents[o.Device].report(o.Report, ringOf(t, ring(o.Device, day)...))
		var happened []*fleetv1.Event
		pics[o.Device], happened = f.Apply(pics[o.Device], o)
		events[o.Device] = append(events[o.Device], happened...)
		if i+1 < len(all) && all[i+1].ReceivedAt.Sub(monday)/(24*time.Hour) == o.ReceivedAt.Sub(monday)/(24*time.Hour) {
			continue
		}
		for id, pic := range pics {
			days[id] = append(days[id], judged{f.Device(pic, o.ReceivedAt), events[id]})
		}
		clear(events)
	}
	for id, pic := range pics {
		if size := len(pic.GetRenames()); size > 24 {
			t.Errorf("%s: %d names are kept", id, size)
		}
	}
	return days
}

func same(a, b *fleetv1.Event) bool { return proto.Equal(a, b) }

func place(id string) int { return int(id[1] - '0') }

// phase is from which day on a laptop holds which keys.
type phase struct {
	from int
	keys []uint32
}

func keysOn(phases []phase, day int) (keys []uint32) {
	for _, p := range phases {
		if p.from <= day {
			keys = p.keys
		}
	}
	return keys
}

// TestRotation: whatever laptop gets a new key when, all that is derived is what it
// would be without, as long as no key is retired that somebody needs.
func TestRotation(t *testing.T) {
	t.Parallel()
	persons, all := rotationWorld()
	want := liveRotation(t, persons, all, func(string, int) []uint32 { return []uint32{1} })
	const farmWords = `5 [f1 f2 f3 f4 f5] shared "PiKVM"`
	if got := siteWords(want["f1"][19].Device.GetSite()); got != farmWords {
		t.Fatalf("the farm is no farm: %s", got)
	}
	if want["h2"][20].Device.GetOperator().GetAccountPeople() != 0 || want["f2"][20].Device.GetOperator().GetAccountPeople() < 4 {
		t.Fatal("the operator's account is not seen")
	}
	schedules := map[string]func(id string) []phase{
		"once, all at once":   func(string) []phase { return []phase{{0, []uint32{1}}, {13, []uint32{2, 1}}} },
		"one laptop each day": func(id string) []phase { return []phase{{0, []uint32{1}}, {11 + 2*place(id), []uint32{2, 1}}} },
		"the new key alone after a fortnight": func(string) []phase {
			return []phase{{0, []uint32{1}}, {12, []uint32{2, 1}}, {26, []uint32{2}}}
		},
		"twice, then both retired": func(id string) []phase {
			return []phase{{0, []uint32{1}}, {11, []uint32{2, 1}}, {14 + place(id), []uint32{3, 2, 1}}, {28, []uint32{3, 2}}, {36, []uint32{3}}}
		},
	}
	for seed := range uint64(3) {
		schedules[fmt.Sprint("by chance, ", seed)] = func(id string) []phase {
			chance := rand.New(rand.NewPCG(seed, uint64(id[0])<<8|uint64(id[1])))
			return []phase{{0, []uint32{1}}, {8 + chance.IntN(8), []uint32{2, 1}}, {17 + chance.IntN(4), []uint32{3, 2, 1}}, {30, []uint32{3}}}
		}
	}
	for name, ring := range schedules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := liveRotation(t, persons, all, func(id string, day int) []uint32 { return keysOn(ring(id), day) })
			for id := range want {
				for day := range want[id] {
					if w, g := want[id][day], got[id][day]; !proto.Equal(w.Device, g.Device) || !slices.EqualFunc(w.Events, g.Events, same) {
						t.Fatalf("%s, day %d (-one key +rotated):\n%s", id, day, gocmp.Diff(w, g, protocmp.Transform()))
					}
				}
			}
		})
	}
}

// TestNoWordOfTheKeyBefore: an agent that came to a new key without the one before
// cannot say that its networks are the same ones. Nobody says that they are others.
func TestNoWordOfTheKeyBefore(t *testing.T) {
	t.Parallel()
	l, agent := newLaptop("d1"), hashing{}
	f := newFleet(nil)
	var pic *fleetv1.Picture
	changes := func(hour int, network string, keys ...uint32) int {
		l.at(network)
		o := l.report(monday.Add(time.Duration(hour) * time.Hour))
		o.Report = agent.report(o.Report, ringOf(t, keys...))
		var events []*fleetv1.Event
		pic, events = f.Apply(pic, o)
		return len(slices.DeleteFunc(events, func(e *fleetv1.Event) bool { return e.GetKind() != "network_changed" }))
	}
	changes(1, "a home", 1)
	if changes(2, "a home", 2) != 0 {
		t.Error("a new key alone is taken for another network")
	}
	if changes(3, "a café", 2) != 1 || changes(4, "a home", 2, 1) != 1 {
		t.Error("another network under a key in common goes unnoticed")
	}
	if got := pic.GetFleetKey(); got != 2 {
		t.Errorf("the newest key used is %d, want 2", got)
	}
}

// TestOneNamePerKey: a laptop that claims that two things are one, under one key, is
// believed in neither, and one that claims without end fills nothing.
func TestOneNamePerKey(t *testing.T) {
	t.Parallel()
	u := &update{draft: newDraft(&fleetv1.Picture{}), f: newFleet(nil)}
	at := func(b, c byte) key { return key{b, c} }
	thing := func(all ...name) string { return fmt.Sprintf("%x", u.known(all)[:2]) }
	if got := thing(name{2, at(2, 1)}, name{1, at(1, 1)}); got != "0101" {
		t.Errorf("named %s, want the first name", got)
	}
	if got := thing(name{2, at(2, 1)}); got != "0101" {
		t.Errorf("by the newer name alone: %s, want the first", got)
	}
	if got := thing(name{2, at(2, 9)}, name{1, at(1, 1)}); got != "0209" {
		t.Errorf("a second name under one key: %s, want another thing", got)
	}
	if got := thing(name{3, at(3, 1)}, name{2, at(2, 1)}, name{1, at(1, 9)}); got != "0101" {
		t.Errorf("with a second name under the first key: %s, want the thing it was", got)
	}
	if got := len(u.pic.GetRenames()); got != 2 {
		t.Errorf("%d other names, want 2", got)
	}
	for i := range 1000 {
		k := at(byte(i), byte(i>>8)+10)
		k[7] = 1
		other := k
		other[7] = 2
		u.pic.Networks = append(u.pic.Networks, &fleetv1.NetworkSighting{Gateway: u.known([]name{{2, k}, {1, other}})})
	}
	u.pruneRenames()
	if got := len(u.pic.GetRenames()); got != keptRenames {
		t.Errorf("%d names are kept, want %d", got, keptRenames)
	}
}

// TestNamesInOrder: of keys that are not older than the one before none is believed.
func TestNamesInOrder(t *testing.T) {
	t.Parallel()
	earlier := func(ids ...uint32) (all []*farmhoundv1.EarlierHash) {
		for _, id := range ids {
			all = append(all, &farmhoundv1.EarlierHash{KeyId: id, Hash: digest(fmt.Sprint(id))})
		}
		return all
	}
	for _, tt := range []struct {
		earlier []*farmhoundv1.EarlierHash
		want    []uint32
	}{
		{nil, []uint32{5}},
		{earlier(4, 2, 1), []uint32{5, 4, 2, 1}},
		{earlier(5, 6, 4, 4, 3), []uint32{5, 4, 3}},
		{earlier(4, 3, 2, 1), []uint32{5, 4, 3, 2}},
	} {
		var got []uint32
		for _, n := range names(5, digest("now"), tt.earlier, func(hash []byte) key { return key(hash[:8]) }) {
			got = append(got, n.key)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("keys %v, want %v", got, tt.want)
		}
	}
	if names(5, nil, earlier(4), nil) != nil {
		t.Error("earlier hashes of nothing have a name")
	}
}
