package fleet

import (
	"net/netip"
	"time"

	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// SweepInterval is the grid, in UTC, on which every device is assessed again.
const SweepInterval = 6 * time.Hour

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
	// Person returns the entry for a system serial as it stands at a time. Nobody changes it
	// afterwards.
	Person(serial string, at time.Time) (*fleetv1.Person, bool)
}

// Company is what the company says about itself.
type Company struct {
	// HomeCountries are where its people work unless declared otherwise; empty means any.
	HomeCountries []string
	// HighRiskCountries are countries from which no work is expected.
	HighRiskCountries []string
	// ApprovedTools are the remote tools the company itself uses.
	ApprovedTools []ApprovedTool
	// Offices are the egress networks of its offices.
	Offices []netip.Prefix
	// Networks are its other egress networks: VPN concentrators, proxies.
	Networks []netip.Prefix
	// OfficeGateways are gateway hashes of its offices, as agents report them or as
	// pictures keep them.
	OfficeGateways [][]byte
	// Named are the offices that have a name, in their order.
	Named []NamedOffice
	// Latitude and Longitude are where this collector is; both zero where not told.
	Latitude, Longitude float64
}

// NamedOffice is what one of the offices is called and known by.
type NamedOffice struct {
	Name     string
	Networks []netip.Prefix
	// Gateways are as in Company.OfficeGateways.
	Gateways [][]byte
}

// Config is what a Fleet needs. Everything may be left out: then there is less to say.
type Config struct {
	Catalog *catalog.Catalog
	Places  Places
	Roster  Roster
	Company Company
	// Secret keys the hashes that are stored; 32 random bytes, kept as long as the store.
	Secret []byte
}

// Fleet turns observations into pictures and pictures into devices. It may be
// used concurrently for different devices.
type Fleet struct {
	cfg      Config
	highRisk map[string]bool
	home     map[string]bool
	offices  map[key]bool
	approved map[string][]approval // by catalogue id
	index    *index
	zones    *zoneTable
}

// New returns a Fleet with an empty co-location index.
func New(cfg Config) *Fleet {
	f := &Fleet{cfg: cfg, index: newIndex(), zones: new(zoneTable)}
	f.use(cfg.Company)
	return f
}

// WithCatalog returns a Fleet that goes by another catalogue. Both share what they know
// of where laptops are together, so that one can take the other's place at any time.
func (f *Fleet) WithCatalog(c *catalog.Catalog) *Fleet {
	other := *f
	other.cfg.Catalog = c
	return &other
}

// DefaultHighRiskCountries are the countries that public cases of laptop farms
// name as the operators' places. A company may use its own list instead.
func DefaultHighRiskCountries() []string { return []string{"CN", "KP", "RU"} }

// Restore enters a stored picture into the co-location index.
func (f *Fleet) Restore(pic *fleetv1.Picture) {
	if pic.GetId() != "" {
		f.enter(pic, time.Unix(pic.GetLastReceivedUnix(), 0))
	}
}

// office says whether an address is one of an office's.
func (c *Company) office(addr netip.Addr) bool { return within(c.Offices, addr) }

// owns says whether an address is the company's own: an office's, a VPN's or a proxy's.
func (c *Company) owns(addr netip.Addr) bool {
	return within(c.Offices, addr) || within(c.Networks, addr)
}

func within(prefixes []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func set(words []string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
