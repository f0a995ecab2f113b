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
	d.Day1, d.Day3, d.Day5, d.Day20 = activity(1), activity(3), activity(5), activity(20)
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

// spans applies a change to all spans.
func spans(d *fleetv1.Device, change func(*fleetv1.Activity)) {
	for _, a := range []*fleetv1.Activity{d.GetDay1(), d.GetDay3(), d.GetDay5(), d.GetDay20()} {
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
			Peers: []*fleetv1.Peer{{Address: "198.51.100.23", Country: "XA", Foreign: true, Days: 18, Hours: 120, RttMinMs: p(212.0), Tool: "anydesk", LastSeenAt: at(time.March, 17, 16)}},
		}
	})
}

// officeWorker types on the laptop, at home and at the office.
func officeWorker() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Place.Networks_20D, d.Place.Moves, d.Place.OfficeDays = 4, 12, 8
	})
}

// namedConsoleNoHands sits on a shelf with a PiKVM on it; its input is not counted.
func namedConsoleNoHands() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		shelved(d)
		d.Known.Hands = false
		spans(d, func(a *fleetv1.Activity) {
			a.BuiltInShare, a.AttachedShare, a.KvmShare, a.InjectedShare, a.SessionShare, a.LocalShare = nil, nil, nil, nil, nil, nil
			a.InputHours, a.JigglerShare, a.AssistiveShare = nil, nil, nil
		})
		d.Still.RhythmCv = nil
		d.Kvm = &fleetv1.Kvm{Level: "named", Name: "PiKVM", Attached: true, Keyboard: true, FirstSeenAt: at(time.February, 3, 10), LastSeenAt: at(time.March, 17, 17)}
	})
}

// disguisedConsole is driven through a KVM that calls itself a keyboard.
func disguisedConsole() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		shelved(d)
		spans(d, func(a *fleetv1.Activity) { input(a, 0, 0.02, 0.98, 0, 0); a.DrivenDays = a.GetDays() })
		d.Kvm = &fleetv1.Kvm{Level: "shape_storage", Name: "USB Keyboard", Attached: true, Keyboard: true, FirstSeenAt: at(time.February, 3, 10), LastSeenAt: at(time.March, 17, 17)}
	})
}

// shippedAbroad is typed on by real hands, far away, behind a VPN from the first day.
func shippedAbroad() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Egress = &fleetv1.Egress{
			Address: "192.0.2.77", Country: "US", Region: "TX", AsName: "Example Hosting", Hosting: true, HiddenDays: 20,
			ConsumerVpn: "Astrill", MostReportedVpn: true, TimeZone: "America/New_York", PeerMss: p(uint32(1370)),
		}
		d.Distance = &fleetv1.Distance{RttMinMs: p(231.0), Days: 18, Hours: 16, LikelyMaxMs: p(90.0), PossibleMinMs: p(4.0), RttMedianMs: p(240.0)}
		d.Place = &fleetv1.PlaceHistory{Networks_20D: 1, KnownDays: 20, HiddenFromDayOne: p(true), FirstNetworkAt: at(time.February, 2, 9)}
	})
}

// relative hosts one laptop and leaves it to AnyDesk; nobody hides the way it goes.
func laptopAtARelatives() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Tools = []*fleetv1.ToolSighting{anyDesk()}
		controlled(d, 0.6, "AnyDesk")
		spans(d, func(a *fleetv1.Activity) { input(a, 0.04, 0, 0, 0.96, 0) })
	})
}

// mixedFarm is one of three at a place, driven by RMM in turns.
func mixedFarm() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		shelved(d)
		d.Tools = []*fleetv1.ToolSighting{anyDesk()}
		controlled(d, 0.55, "AnyDesk")
		spans(d, func(a *fleetv1.Activity) { input(a, 0.03, 0, 0, 0.97, 0) })
		d.Site = &fleetv1.Site{Id: "site-1", Members: []string{"d0", "d1", "d2"}, People: 3, Days: 20, TurnsDays: 9, JoinedBy: "the same gateway and egress network"}
	})
}

// Those that should not be flagged.

// helpDesk is supported for hours with the company's own tool.
func helpDesk() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		tool := anyDesk()
		tool.Id, tool.Name, tool.Approved = "teamviewer", "TeamViewer", true
		d.Tools = []*fleetv1.ToolSighting{tool}
		spans(d, func(a *fleetv1.Activity) { a.SanctionedShare = p(0.9); input(a, 0.02, 0.01, 0, 0.9, 0.07) })
	})
}

// developerWithConsole owns a PiKVM and tunnels, and types on the laptop himself.
func developerWithConsole() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Tools = []*fleetv1.ToolSighting{
			{Id: "tailscale", Name: "Tailscale", Category: "overlay-network", Present: true, Running: true},
			{Id: "vscode-tunnel", Name: "Visual Studio Code tunnel", Category: "tunnel", Present: true},
			{Id: "sshd", Name: "OpenSSH server", Category: "remote-control", Controls: true, Present: true, Unattended: true, Running: true},
		}
		spans(d, func(a *fleetv1.Activity) { input(a, 0.7, 0.2, 0.1, 0, 0) })
		d.Kvm = &fleetv1.Kvm{Level: "named", Name: "PiKVM", Attached: true, Keyboard: true, OtherInputAttached: true, FirstSeenAt: at(time.February, 20, 10), LastSeenAt: at(time.March, 17, 17)}
		d.Place.KvmNeighbours = p(uint32(1))
	})
}

// unusedConsole is the same developer's laptop, and nobody is at it.
func unusedConsole() *fleetv1.Device {
	d := developerWithConsole()
	spans(d, func(a *fleetv1.Activity) { input(a, 0, 0, 0, 0, 0); a.InputHours = p(0.0) })
	return d
}

// docked works with the lid shut on a keyboard and a screen of his own.
func docked() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Still = &fleetv1.Stillness{SameNetworkDays: p(60.0), AwakeOnAcDays: p(20.0), MediaUnusedDays: p(0.0), RhythmCv: p(1.1)}
		spans(d, func(a *fleetv1.Activity) {
			input(a, 0, 1, 0, 0, 0)
			a.LidClosedShare, a.OnAcShare, a.AsleepShare = p(1.0), p(1.0), p(0.0)
		})
	})
}

// corporateVPN sends everything through the company.
func corporateVPN() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Egress = &fleetv1.Egress{Address: "192.0.2.10", Country: "DE", AsName: "Example Corp", Company: true, TimeZone: "America/New_York", PeerMss: p(uint32(1340))}
		d.Place = &fleetv1.PlaceHistory{Networks_20D: 1, HiddenFromDayOne: p(true), FirstNetworkAt: at(time.February, 2, 9)}
		d.Distance = &fleetv1.Distance{RttMinMs: p(60.0), Days: 18, Hours: 14, LikelyMaxMs: p(90.0)}
	})
}

// traveller is in Poland, as approved, with the clock of home.
func traveller() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Person.TravelCountries = []string{"PL"}
		d.Egress = &fleetv1.Egress{Address: "203.0.113.99", Country: "PL", AsName: "Example Hotel", TimeZone: "America/New_York"}
		d.Place = &fleetv1.PlaceHistory{Networks_20D: 6, Moves: 9, DeclaredDays: 12, KnownDays: 20, EverDeclared: true, FirstNetworkElsewhere: p(false), HiddenFromDayOne: p(false)}
		d.Distance = &fleetv1.Distance{RttMinMs: p(21.0), Days: 18, Hours: 20, LikelyMaxMs: p(90.0), PossibleMinMs: p(60.0)}
	})
}

// couple live together, as declared.
func couple() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Person.Household = "h1"
		d.Site = &fleetv1.Site{Id: "site-2", Members: []string{"d0", "d1"}, People: 1, Days: 40, Household: true, JoinedBy: "the same gateway and egress network"}
	})
}

// flatmates live together, and nobody declared it.
func flatmates() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Site = &fleetv1.Site{Id: "site-3", Members: []string{"d0", "d1"}, People: 2, Days: 40, JoinedBy: "the same gateway and egress network"}
	})
}

// virtualDesktop is a machine in a data centre, reached through a broker all day.
func virtualDesktop() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.VirtualChassis = true
		d.System.Chassis = farmhoundv1.Chassis_CHASSIS_VIRTUAL
		shelved(d)
		d.Tools = []*fleetv1.ToolSighting{{Id: "xrdp", Name: "xrdp", Category: "remote-control", Controls: true, Present: true, Unattended: true, Running: true}}
		controlled(d, 1, "xrdp")
		spans(d, func(a *fleetv1.Activity) { input(a, 0, 0, 0, 0, 1) })
		d.Kvm = &fleetv1.Kvm{Level: "shape", Name: "QEMU USB Tablet", Attached: true, Keyboard: true, FirstSeenAt: at(time.February, 2, 9)}
		d.Egress = &fleetv1.Egress{Address: "192.0.2.30", Country: "IE", AsName: "Example Cloud", Hosting: true, Foreign: true, TimeZone: "America/New_York", ZoneMismatch: true}
		d.Place = &fleetv1.PlaceHistory{Networks_20D: 1, KnownDays: 20, HiddenFromDayOne: p(true), FirstNetworkAt: at(time.February, 2, 9), BusinessNeighbours: p(uint32(30))}
		d.Site = &fleetv1.Site{Id: "site-4", Members: []string{"d0"}, People: 30, Days: 40, JoinedBy: "the same gateway and egress network"}
	})
}

// assistive works by voice: software makes nearly all of the input.
func assistive() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		spans(d, func(a *fleetv1.Activity) {
			input(a, 0.02, 0, 0, 0.98, 0)
			a.AssistiveShare, a.CallInjectedShare = p(0.97), p(0.9)
		})
	})
}

// privacyVPN uses a VPN whose exit is abroad.
func privacyVPN() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Egress = &fleetv1.Egress{
			Address: "192.0.2.50", Country: "NL", AsName: "Example VPN", Anonymiser: true, Foreign: true, ForeignDays: 9,
			ConsumerVpn: "Mullvad", TimeZone: "America/New_York", ZoneMismatch: true, PeerMss: p(uint32(1360)),
		}
		d.Place.DeclaredDays = 8
	})
}

// supportedOnce was repaired for a day by a supplier with a tool nobody listed.
func supportedOnce() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		tool := anyDesk()
		tool.FirstFortnight, tool.NewIn_30D = false, true
		d.Tools = []*fleetv1.ToolSighting{tool}
		d.Day1.UnsanctionedShare, d.Day1.ControlTools = p(0.9), []string{"AnyDesk"}
		input(d.Day1, 0.1, 0, 0, 0.9, 0)
		d.Day5.UnsanctionedShare, d.Day5.ControlTools = p(0.18), []string{"AnyDesk"}
		input(d.Day5, 0.74, 0.08, 0, 0.18, 0)
	})
}

// offshoreContractor works from where the roster says.
func offshoreContractor() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Person = &fleetv1.Person{Id: "p0", Country: "IN", TimeZone: "Asia/Kolkata", Offshore: true}
		d.Egress = &fleetv1.Egress{Address: "203.0.113.55", Country: "IN", AsName: "Example Telecom", TimeZone: "Asia/Kolkata"}
		d.Distance = &fleetv1.Distance{RttMinMs: p(250.0), Days: 18, Hours: 14, LikelyMaxMs: p(200.0), PossibleMinMs: p(110.0)}
	})
}

// What stays hard, as the documentation says.

// clonedConsole is driven through a KVM that copies a keyboard in everything.
func clonedConsole() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		shelved(d)
		spans(d, func(a *fleetv1.Activity) { input(a, 0, 1, 0, 0, 0) })
	})
}

// drivesHisOwn is a developer who reaches his own laptop through a relay all day.
func drivesHisOwn() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Tools = []*fleetv1.ToolSighting{anyDesk()}
		controlled(d, 0.9, "AnyDesk")
		spans(d, func(a *fleetv1.Activity) { input(a, 0.01, 0, 0, 0.99, 0) })
	})
}
