package fleet

import (
	"net/netip"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// SweepInterval is the grid, in UTC, on which every device is assessed again.
const SweepInterval = 6 * time.Hour

// Tool is what the catalogue says of one entry.
type Tool struct {
	// Name is the display name.
	Name string
	// Category is remote-control, screen-share-control, rmm, overlay-network, tunnel, consumer-vpn, ...
	Category string
	// MostReported marks the consumer VPN most reported in laptop-farm cases.
	MostReported bool
}

// Recognition is what the catalogue says of a piece of hardware.
type Recognition struct {
	// Name is the display name.
	Name string
	// Level is "named" or "descriptor" for a remote console; empty otherwise.
	Level string
	// DummyDisplay marks a display that is not there: a dummy plug or a virtual
	// driver, those that serve real screens left out.
	DummyDisplay bool
	// Ordinary marks hardware known to be harmless whatever its shape: docks, DisplayLink.
	Ordinary bool
}

// Catalog knows tools and hardware.
type Catalog interface {
	Tool(id string) (Tool, bool)
	USB(d *farmhoundv1.UsbDevice) (Recognition, bool)
	Display(d *farmhoundv1.Display) (Recognition, bool)
}

// Place is what address data says of one address. Empty and zero fields are unknown.
type Place struct {
	// Country is ISO 3166-1 alpha-2, upper case.
	Country string
	// Region is the first subdivision's ISO code without the country.
	Region string
	// Latitude and Longitude are degrees; both zero where unknown.
	Latitude, Longitude float64
	// ASN and ASName are the autonomous system.
	ASN    uint32
	ASName string
	// Hosting, VPN, Proxy, Tor and Anonymous are kinds of network.
	Hosting, VPN, Proxy, Tor, Anonymous bool
}

// Anonymiser says whether the address hides who uses it: a VPN, proxy or Tor exit.
func (p Place) Anonymiser() bool { return p.VPN || p.Proxy || p.Tor || p.Anonymous }

// Places tells where addresses are.
type Places interface {
	Place(addr netip.Addr) (Place, bool)
}

// Roster tells who should have a laptop.
type Roster interface {
	// Person returns the entry for a system serial as it stands at a time.
	Person(serial string, at time.Time) (*fleetv1.Person, bool)
}

// Company is what the company says about itself.
type Company struct {
	// HomeCountries are where its people work unless declared otherwise; empty means any.
	HomeCountries []string
	// HighRiskCountries are countries from which no work is expected.
	HighRiskCountries []string
	// ApprovedTools are catalogue ids of remote tools the company itself uses.
	ApprovedTools []ApprovedTool
	// Offices are the egress networks of its offices.
	Offices []netip.Prefix
	// Networks are its other egress networks: VPN concentrators, proxies.
	Networks []netip.Prefix
	// OfficeGateways are gateway hashes of its offices, as agents report them.
	OfficeGateways [][]byte
	// Latitude and Longitude are where this collector is; both zero where not told.
	Latitude, Longitude float64
}

// ApprovedTool is one tool on the company's list.
type ApprovedTool struct {
	// ID is the catalogue id.
	ID string
	// Until is when the approval ends; zero for never.
	Until time.Time
}

// Config is what a Fleet needs. Every interface may be nil: then there is less to say.
type Config struct {
	Catalog Catalog
	Places  Places
	Roster  Roster
	Company Company
	// Secret keys the hashes that are stored; 32 random bytes, kept as long as the store.
	Secret []byte
}

// Fleet turns observations into pictures and pictures into devices. It may be
// used concurrently for different devices.
type Fleet struct {
	cfg Config
}

// New returns a Fleet with an empty co-location index.
func New(cfg Config) *Fleet { return &Fleet{cfg: cfg} }

// Restore enters a stored picture into the co-location index.
func (f *Fleet) Restore(pic *fleetv1.Picture) {}
