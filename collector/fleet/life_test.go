package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// monday is midnight in Ohio of a Monday in winter.
var monday = time.Date(2026, 1, 5, 5, 0, 0, 0, time.UTC)

// Addresses of the tests' little world.
const (
	ohio       = "203.0.113.10"
	ohioFriend = "203.0.113.77" // another customer in the same network
	california = "203.0.114.10"
	shenyang   = "198.51.100.10"
	berlin     = "198.51.101.10"
	exitOhio   = "192.0.2.10" // a VPN's exit
	exitTwo    = "192.0.2.200"
	exitBerlin = "198.51.102.10"
	office     = "198.18.0.10"
	concentr   = "198.18.1.10" // the company's VPN concentrator
)

type places map[string]Place

func (p places) Place(addr netip.Addr) (Place, bool) {
	place, ok := p[egressPrefix(addr)]
	return place, ok
}

var world = places{
	"203.0.113.0/24":  {Country: "US", Region: "OH", ASN: 1, ASName: "Ohio Cable"},
	"203.0.114.0/24":  {Country: "US", Region: "CA", ASN: 2, ASName: "Pacific Cable"},
	"198.51.100.0/24": {Country: "CN", Region: "LN", ASN: 3, ASName: "Liaoning Net"},
	"198.51.101.0/24": {Country: "DE", Region: "BE", ASN: 4, ASName: "Spree Net"},
	"198.51.102.0/24": {Country: "DE", Region: "BE", ASN: 7, ASName: "Exit Hosting", Hosting: true},
	"192.0.2.0/24":    {Country: "US", Region: "OH", ASN: 5, ASName: "Exit Hosting", Hosting: true},
	"198.18.0.0/24":   {Country: "US", Region: "NY", ASN: 6, ASName: "Company"},
	"198.18.1.0/24":   {Country: "US", Region: "NY", ASN: 6, ASName: "Company"},
}

type people map[string]*fleetv1.Person

func (p people) Person(serial string, _ time.Time) (*fleetv1.Person, bool) {
	person, ok := p[serial]
	return person, ok
}

func ohioan(id string) *fleetv1.Person {
	return &fleetv1.Person{Id: id, Country: "US", Region: "Ohio", TimeZone: "America/New_York", ShipTo: "US-OH"}
}

// newFleet returns a fleet of the tests' world; everybody of persons is in its roster.
func newFleet(persons people, change ...func(*Config)) *Fleet {
	cfg := Config{
		Catalog: catalog.BuiltIn(), Places: world, Roster: persons, Secret: make([]byte, 32),
		Company: Company{
			HighRiskCountries: DefaultHighRiskCountries(),
			Offices:           []netip.Prefix{netip.MustParsePrefix("198.18.0.0/24")},
			Networks:          []netip.Prefix{netip.MustParsePrefix("198.18.1.0/24")},
			Latitude:          40, Longitude: -83,
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	return New(cfg)
}

func digest(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:16]
}

// laptop makes observations as an agent and a collector do: a part is sent when it
// changed since the last report of the run, windows as they end.
type laptop struct {
	id, serial string
	peer       string
	physical   string // of its own interface where a tunnel takes its traffic
	rtt        float64
	late       time.Duration // how long its reports wait in the spool
	ahead      time.Duration // how far its clock is ahead
	// seen is what its senses see now; an absent part is one whose sense does not work.
	seen  farmhoundv1.Report
	told  map[string][]byte
	boot  int
	seq   uint64
	hours []*farmhoundv1.Window
}

func newLaptop(id string) *laptop {
	l := &laptop{id: id, serial: "serial-" + id, peer: ohio, told: map[string][]byte{}}
	l.seen.System = &farmhoundv1.System{Serial: l.serial, Hostname: id, Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP}
	l.seen.Software = &farmhoundv1.Software{}
	l.seen.Hardware = &farmhoundv1.Hardware{}
	l.at("home of " + id)
	l.seen.Place = &farmhoundv1.Place{TimeZone: "America/New_York"}
	l.seen.Presence = &farmhoundv1.Presence{MediaKnown: true}
	l.seen.Health = &farmhoundv1.Health{AgentVersion: "1.0"}
	l.restart()
	return l
}

// at moves the laptop to a network.
func (l *laptop) at(network string) {
	l.seen.Network = &farmhoundv1.Network{
		GatewayHash: digest("gateway " + network), LanHash: digest("192.168.1.0"), AccessPointHash: digest("access point " + network),
	}
}

func (l *laptop) restart() {
	l.boot++
	l.seq, l.told = 0, map[string][]byte{}
}

func (l *laptop) bootID() string {
	return hex.EncodeToString(digest(fmt.Sprint(l.id, l.boot)))
}

// report tells what changed at a moment.
func (l *laptop) report(at time.Time, sessions ...*farmhoundv1.RemoteSession) Observation {
	l.seq++
	r := &farmhoundv1.Report{
		BootId: l.bootID(), Sequence: l.seq, ObservedAt: timestamppb.New(at.Add(l.ahead)), RemoteSessions: sessions, Windows: l.hours,
	}
	l.hours = nil
	to := r.ProtoReflect()
	for _, name := range []string{"system", "software", "hardware", "network", "place", "health", "presence"} {
		field := to.Descriptor().Fields().ByName(protoreflect.Name(name))
		if !l.seen.ProtoReflect().Has(field) {
			continue
		}
		part := proto.Clone(l.seen.ProtoReflect().Get(field).Message().Interface())
		bytes, _ := proto.MarshalOptions{Deterministic: true}.Marshal(part)
		if known, ok := l.told[name]; ok && string(known) == string(bytes) {
			continue
		}
		l.told[name] = bytes
		to.Set(field, protoreflect.ValueOfMessage(part.ProtoReflect()))
	}
	o := Observation{Device: l.id, Serial: l.serial, ReceivedAt: at.Add(l.late + time.Second), PeerRTTMillis: l.rtt, Report: r}
	if l.physical != "" && r.GetNetwork() != nil {
		o.Paths = twoWays(l.peer, l.physical)
	}
	if l.peer != "" {
		o.Peer = netip.AddrPortFrom(netip.MustParseAddr(l.peer), 40000)
	}
	return o
}

// hour returns an hour's window in which the laptop was used for some minutes.
func hour(from time.Time, minutes uint32, change ...func(*farmhoundv1.Window)) *farmhoundv1.Window {
	w := &farmhoundv1.Window{
		StartedAt: timestamppb.New(from), Seconds: 3600, ActiveSeconds: proto.Uint32(minutes * 60), ControlKnown: true,
		AsleepSeconds: proto.Uint32(0), OnAcSeconds: proto.Uint32(3600), LidClosedSeconds: proto.Uint32(0), AssistiveSeconds: proto.Uint32(0),
		CallSeconds: proto.Uint32(0), Input: &farmhoundv1.InputSeconds{BuiltIn: minutes * 30},
	}
	for _, c := range change {
		c(w)
	}
	return w
}

func asleep(w *farmhoundv1.Window) {
	w.ActiveSeconds, w.Input, w.AssistiveSeconds, w.CallSeconds, w.OnAcSeconds, w.LidClosedSeconds = nil, nil, nil, nil, nil, nil
	w.AsleepSeconds = proto.Uint32(w.GetSeconds())
}

// driven makes a window one that was driven from afar through a tool.
func driven(tool string) func(*farmhoundv1.Window) {
	return func(w *farmhoundv1.Window) {
		w.Control = []*farmhoundv1.ControlSeconds{{Tool: tool, Seconds: w.GetSeconds()}}
		w.Input = &farmhoundv1.InputSeconds{Injected: w.GetActiveSeconds() / 2}
	}
}

// workday returns a day's reports: used for eight hours from nine, awake but idle
// until six in the evening, asleep otherwise.
func (l *laptop) workday(midnight time.Time, change ...func(*farmhoundv1.Window)) []Observation {
	var all []Observation
	for h := range 24 {
		from := midnight.Add(time.Duration(h) * time.Hour)
		switch {
		case h >= 9 && h < 17:
			l.hours = append(l.hours, hour(from, 45, change...))
		case h == 17:
			l.hours = append(l.hours, hour(from, 0))
		default:
			l.hours = append(l.hours, hour(from, 0, asleep))
			if h != 8 { // nothing is sent while it sleeps
				continue
			}
		}
		all = append(all, l.report(from.Add(time.Hour)))
	}
	return all
}

// workdays returns the reports of a number of days from one on, weekends left out.
func (l *laptop) workdays(from time.Time, days int, change ...func(*farmhoundv1.Window)) []Observation {
	var all []Observation
	for d := range days {
		midnight := from.AddDate(0, 0, d)
		if w := midnight.Weekday(); w != time.Saturday && w != time.Sunday {
			all = append(all, l.workday(midnight, change...)...)
		}
	}
	return all
}

// control returns a session through a tool from a peer.
func control(id, tool, peer string, started time.Time, change ...func(*farmhoundv1.RemoteSession)) *farmhoundv1.RemoteSession {
	s := &farmhoundv1.RemoteSession{
		Id: hex.EncodeToString(digest(id)), Tool: tool, Kind: farmhoundv1.SessionKind_SESSION_KIND_DESKTOP, StartedAt: timestamppb.New(started),
		Peer: peer, PeerClass: farmhoundv1.PeerClass_PEER_CLASS_GLOBAL, Path: farmhoundv1.SessionPath_SESSION_PATH_DIRECT,
	}
	for _, c := range change {
		c(s)
	}
	return s
}

func until(at time.Time) func(*farmhoundv1.RemoteSession) {
	return func(s *farmhoundv1.RemoteSession) { s.EndedAt = timestamppb.New(at) }
}

// lived applies observations one after another and returns the picture.
func lived(t testing.TB, f *Fleet, all []Observation) *fleetv1.Picture {
	t.Helper()
	var pic *fleetv1.Picture
	for _, o := range all {
		pic, _ = f.Apply(pic, o)
	}
	return pic
}

// after returns when the last observation arrived.
func after(all []Observation) time.Time { return all[len(all)-1].ReceivedAt.Add(time.Minute) }
