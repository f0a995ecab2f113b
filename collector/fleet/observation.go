package fleet

import (
	"net/netip"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Observation is one report with what the collector itself saw of its delivery.
type Observation struct {
	// Device is the id from the certificate the report came under.
	Device string
	// Serial is the system serial known for the device; the report's own may be newer.
	Serial string
	// EnrolledAt is when the identity enrolled; zero where unknown (replays).
	EnrolledAt time.Time
	// SupersededBy is the device under which the same laptop, by its serial, enrolled at
	// SupersededAt; empty for none.
	SupersededBy string
	SupersededAt time.Time
	// ReceivedAt is the collector's clock at arrival.
	ReceivedAt time.Time
	// Peer is the address the collector saw; invalid where unknown.
	Peer netip.AddrPort
	// PeerRTTMillis is the smallest round trip of the connection; zero where unknown.
	PeerRTTMillis float64
	// PeerMSS is the connection's segment size; zero where unknown.
	PeerMSS uint32
	// Paths are the laptop's ways out as a collector saw them, of a report that tells of
	// its network.
	Paths []EgressPath
	// Link is how the delivery follows from the one before; unknown in replays, which
	// have no acknowledgements.
	Link Link
	// Returned is true where two connections of the device are in use by turns.
	Returned bool
	// Report is validated.
	Report *farmhoundv1.Report
}

// EgressPath is one way out of a laptop.
type EgressPath struct {
	// Address is under which a collector saw it.
	Address netip.Addr
	// Kind is the kind of the interface, Tool the tool that owns it if it is a tunnel.
	Kind farmhoundv1.InterfaceKind
	Tool string
	// Default is whether it was the default route rather than a chosen interface.
	Default bool
}

// Link says how a delivery follows from what was acknowledged before it.
type Link uint8

// Links.
const (
	// LinkUnknown is where nothing is known of acknowledgements.
	LinkUnknown Link = iota
	// LinkHeld follows, or comes first in the life of the identity or of the store.
	LinkHeld
	// LinkForked does not follow: an acknowledgement was lost, an image was restored, or
	// another laptop has the same identity.
	LinkForked
)
