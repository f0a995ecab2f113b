package detect

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Paper personas: devices as the picture would show them, with every sense that
// such a laptop has. Those that should be noticed come first.

var personaNow = time.Date(2026, time.March, 17, 18, 0, 0, 0, time.UTC)

func at(month time.Month, day, hour int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, month, day, hour, 0, 0, 0, time.UTC))
}

func p[T any](v T) *T { return &v }

// laptop is what all of them start from: somebody in Ohio, reporting since
// 2 February, with every sense but those the persona takes away.
func laptop(change func(*fleetv1.Device)) *fleetv1.Device {
	d := &fleetv1.Device{
		Id: "d0", Serial: "SN0",
		System:        &farmhoundv1.System{Serial: "SN0", Os: farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS, Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP},
		EnrolledAt:    at(time.February, 2, 9),
		FirstReportAt: at(time.February, 2, 9),
		LastReportAt:  at(time.March, 17, 17),
		Known:         &fleetv1.Known{Control: true, Hands: true, Hardware: true, Network: true, Media: true, Geo: true, Roster: true, Distance: true},
		Person:        &fleetv1.Person{Id: "p0", Country: "US", Region: "OH", TimeZone: "America/New_York", ShipTo: "US-OH"},
		Kvm:           &fleetv1.Kvm{},
		Still:         &fleetv1.Stillness{SameNetworkDays: p(2.5), AwakeOnAcDays: p(0.0), MediaUnusedDays: p(1.0), RhythmCv: p(1.2)},
		Egress:        &fleetv1.Egress{Address: "203.0.113.20", Country: "US", Region: "OH", Asn: 64500, AsName: "Example Cable", TimeZone: "America/New_York"},
		Distance:      &fleetv1.Distance{RttMinMs: p(21.0), Days: 18, Hours: 14, LikelyMaxMs: p(90.0), PossibleMinMs: p(2.0), RttMedianMs: p(24.0)},
		Place:         &fleetv1.PlaceHistory{Networks_20D: 1, DeclaredDays: 19, KnownDays: 20, EverDeclared: true, FirstNetworkElsewhere: p(false), HiddenFromDayOne: p(false), BusinessNeighbours: p(uint32(0)), KvmNeighbours: p(uint32(0))},
		Trust:         &fleetv1.Trust{SilentHours: p(0.5), ClockJumpSeconds: p(0.0)},
	}
	d.Day1, d.Day5, d.Day20 = activity(1), activity(5), activity(20)
	change(d)
	return d
}

// activity is a person's: input from the built-in keyboard, control by nobody.
func activity(days uint32) *fleetv1.Activity {
	from := time.Date(2026, time.March, 17-int(days)+1, 0, 0, 0, 0, time.UTC)
	return &fleetv1.Activity{
		Days: days, From: timestamppb.New(from), To: at(time.March, 18, 0),
		ActiveHours: p(7.5 * float64(days)), InputHours: p(4 * float64(days)),
		UnsanctionedHours: p(0.0), UnsanctionedShare: p(0.0), SanctionedShare: p(0.0), NearShare: p(0.0),
		BuiltInShare: p(0.9), AttachedShare: p(0.1), KvmShare: p(0.0), InjectedShare: p(0.0), SessionShare: p(0.0), LocalShare: p(1.0),
		AssistiveShare: p(0.0), JigglerShare: p(0.0), LidClosedShare: p(0.1), OnAcShare: p(0.6), AsleepShare: p(0.5),
	}
}

// spans applies a change to all three spans.
func spans(d *fleetv1.Device, change func(*fleetv1.Activity)) {
	for _, a := range []*fleetv1.Activity{d.GetDay1(), d.GetDay5(), d.GetDay20()} {
		change(a)
	}
}

// input sets where input comes from, in shares.
func input(a *fleetv1.Activity, builtIn, attached, kvm, injected, session float64) {
	a.BuiltInShare, a.AttachedShare, a.KvmShare = p(builtIn), p(attached), p(kvm)
	a.InjectedShare, a.SessionShare, a.LocalShare = p(injected), p(session), p(builtIn+attached)
}

// shelved is how a hosted laptop is kept.
func shelved(d *fleetv1.Device) {
	d.Still = &fleetv1.Stillness{SameNetworkDays: p(40.0), AwakeOnAcDays: p(30.0), MediaUnusedDays: p(40.0), RhythmCv: p(0.9)}
	spans(d, func(a *fleetv1.Activity) { a.LidClosedShare, a.OnAcShare, a.AsleepShare = p(1.0), p(1.0), p(0.0) })
}

func anyDesk() *fleetv1.ToolSighting {
	return &fleetv1.ToolSighting{
		Id: "anydesk", Name: "AnyDesk", Category: "remote-control", Controls: true,
		Present: true, Unattended: true, Running: true, FirstFortnight: true,
		FirstSeenAt: at(time.February, 3, 10), LastSeenAt: at(time.March, 17, 17),
	}
}

func controlled(d *fleetv1.Device, share float64, tool string) {
	spans(d, func(a *fleetv1.Activity) {
		a.UnsanctionedShare, a.UnsanctionedHours = p(share), p(share*a.GetActiveHours())
		a.ControlTools = []string{tool}
		a.DrivenDays = a.GetDays()
	})
}

// rmmFarmLaptop is driven through AnyDesk all day, from an address abroad.
func rmmFarmLaptop() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		shelved(d)
		d.Tools = []*fleetv1.ToolSighting{anyDesk()}
		controlled(d, 0.83, "AnyDesk")
		spans(d, func(a *fleetv1.Activity) { input(a, 0.01, 0, 0, 0.97, 0.02) })
		d.Operator = &fleetv1.Operator{
			Days: 18, Sessions: 40, Foreign: true, RttMinMs: p(212.0), PhaseHours: p(0.5),
			Peers: []*fleetv1.Peer{{Address: "198.51.100.23", Country: "XA", Foreign: true, Days: 18, Hours: 120, RttMinMs: p(212.0), Tool: "anydesk"}},
		}
	})
}

// officeWorker types on the laptop, at home and at the office.
func officeWorker() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Place.Networks_20D, d.Place.Moves, d.Place.OfficeDays = 4, 12, 8
	})
}
