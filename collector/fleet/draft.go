package fleet

import (
	"slices"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// draft is a picture under change. Most of a picture is the same after a report,
// so that only what changes is copied: lists at once, their elements when they
// are edited. Whoever holds the picture before never sees a change.
type draft struct {
	pic *fleetv1.Picture
	own []proto.Message // made or copied for this draft
}

func newDraft(pic *fleetv1.Picture) draft {
	d := draft{own: make([]proto.Message, 0, 16)}
	d.pic = &fleetv1.Picture{
		Id: pic.GetId(), Serial: pic.GetSerial(), EnrolledAt: pic.GetEnrolledAt(), System: pic.GetSystem(),
		FirstReportUnix: pic.GetFirstReportUnix(), LastReportUnix: pic.GetLastReportUnix(), LastReceivedUnix: pic.GetLastReceivedUnix(),
		Boots: slices.Clone(pic.GetBoots()), Days: room(pic.GetDays()), Tools: slices.Clone(pic.GetTools()),
		Sessions: slices.Clone(pic.GetSessions()), Contacts: slices.Clone(pic.GetContacts()),
		Peripherals: slices.Clone(pic.GetPeripherals()), Hardware: pic.GetHardware(), Network: pic.GetNetwork(),
		Networks: slices.Clone(pic.GetNetworks()), Egresses: slices.Clone(pic.GetEgresses()), FirstNetwork: pic.GetFirstNetwork(),
		TimeZone: pic.GetTimeZone(), Zones: slices.Clone(pic.GetZones()), Senses: pic.GetSenses(), Media: pic.GetMedia(),
		Silences: slices.Clone(pic.GetSilences()), Clock: &fleetv1.ClockState{}, ClonedUnix: pic.GetClonedUnix(),
		AgentVersion: pic.GetAgentVersion(), SpoolDropped: pic.GetSpoolDropped(), SoftwareUnix: pic.GetSoftwareUnix(),
		LastEgressId: pic.GetLastEgressId(), PeerMss: pic.GetPeerMss(), WindowsRefused: pic.GetWindowsRefused(),
		SoftwareSeenUnix: pic.GetSoftwareSeenUnix(), HardwareSeenUnix: pic.GetHardwareSeenUnix(),
		SoftwareParts: slices.Clone(pic.GetSoftwareParts()), HardwareParts: slices.Clone(pic.GetHardwareParts()),
		Orders: &fleetv1.PartOrders{}, CleanPlaces: slices.Clone(pic.GetCleanPlaces()),
		Forks: pic.GetForks(), SupersededBy: pic.GetSupersededBy(), SupersededUnix: pic.GetSupersededUnix(),
		Renames: slices.Clip(pic.GetRenames()), FleetKey: pic.GetFleetKey(),
		Addresses: slices.Clone(pic.GetAddresses()), Neighbours: slices.Clone(pic.GetNeighbours()),
		Runs: pic.GetRuns(), Sleeps: pic.GetSleeps(), Undelivered: pic.GetUndelivered(), // made anew where they change
	}
	// Changed by every report, and small.
	proto.Merge(d.pic.GetClock(), pic.GetClock())
	proto.Merge(d.pic.GetOrders(), pic.GetOrders())
	return d
}

// room copies a list with room for one more.
func room[M any](list []M) []M { return append(make([]M, 0, len(list)+1), list...) }

// made notes that a message belongs to the draft.
func (d *draft) made(m proto.Message) { d.own = append(d.own, m) }

// edit returns an element of one of the draft's lists for changing.
func edit[M proto.Message](d *draft, list []M, i int) M {
	m := list[i]
	if slices.Contains(d.own, proto.Message(m)) {
		return m
	}
	m = proto.CloneOf(m)
	list[i] = m
	d.made(m)
	return m
}
