package collector

import (
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/strictyaml"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

// Config is the collector's configuration, as its YAML file has it. Paths are
// relative to the file.
type Config struct {
	// Listen is where agents, analysts and balancers connect.
	Listen Address `yaml:"listen"`
	// Data is the folder of the CA and the store.
	Data string `yaml:"data"`
	// Balancers are networks from which connections carry PROXY protocol v2.
	Balancers []Network `yaml:"balancers"`
	// Egress is how laptops ask under which address they are seen.
	Egress Egress `yaml:"egress"`
	// Geo are MMDB files: Country or City, ASN, Anonymous-IP.
	Geo []string `yaml:"geo"`
	// Roster is a file, CSV or JSON, or a folder of them: who should be where.
	Roster string `yaml:"roster"`
	// Signals is a folder with the company's own signals.
	Signals string `yaml:"signals"`
	// Catalog is a compiled catalogue for agents, with .sig and .pub beside it.
	Catalog string `yaml:"catalog"`
	// Company is what the company says of itself.
	Company Company `yaml:"company"`
	// Agents is what agents are asked to do.
	Agents Agents `yaml:"agents"`
	// Retention is how long what happened is kept.
	Retention Retention `yaml:"retention"`
	// Outputs are where events for the SIEM go.
	Outputs []Output `yaml:"outputs"`
	// LogLevel is the least level that is logged.
	LogLevel slog.Level `yaml:"log_level"`
}

// Company is what the company says of itself; everything may be left out.
type Company struct {
	HomeCountries     []Country      `yaml:"home_countries"`
	HighRiskCountries []Country      `yaml:"high_risk_countries"`
	ApprovedTools     []ApprovedTool `yaml:"approved_tools"`
	Offices           []Network      `yaml:"offices"`
	Networks          []Network      `yaml:"networks"`
	Place             *Place         `yaml:"place"`
}

// ApprovedTool is one remote tool that the company itself uses.
type ApprovedTool struct {
	ID    strictyaml.Text `yaml:"id"`
	Until Date            `yaml:"until"`
}

// Place is where this collector stands, in degrees; round trips are held against it.
// Nil is what was left out.
type Place struct {
	Latitude  *float64 `yaml:"latitude"`
	Longitude *float64 `yaml:"longitude"`
}

// Agents is the schedule that agents are given.
type Agents struct {
	ScanInterval    time.Duration `yaml:"scan_interval"`
	WindowInterval  time.Duration `yaml:"window_interval"`
	CertificateLife time.Duration `yaml:"certificate_life"`
}

// Output is one receiver of events.
type Output struct {
	Name string `yaml:"name"`
	// File appends OCSF Detection Findings as JSON lines.
	File string `yaml:"file"`
}

// Address is where to listen, as host:port or :port.
type Address string

// Network is a range of addresses.
type Network struct{ netip.Prefix }

// Country is an ISO 3166-1 alpha-2 code.
type Country string

// Date is the last day on which something holds, in UTC.
type Date struct{ time.Time }

var (
	_ encoding.TextUnmarshaler = (*Address)(nil)
	_ encoding.TextUnmarshaler = (*Network)(nil)
	_ encoding.TextUnmarshaler = (*Country)(nil)
	_ encoding.TextUnmarshaler = (*Date)(nil)
)

// UnmarshalText reads an address that can be listened on.
func (a *Address) UnmarshalText(text []byte) error {
	_, port, err := net.SplitHostPort(string(text))
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q: expected an address such as :8443 or 192.0.2.1:8443", text)
	}
	*a = Address(text)
	return nil
}

// UnmarshalText reads CIDR notation.
func (n *Network) UnmarshalText(text []byte) error {
	prefix, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is no network, such as 192.0.2.0/24; one address is 192.0.2.7/32", text)
	}
	n.Prefix = prefix.Masked()
	return nil
}

// UnmarshalText reads two capital letters.
func (c *Country) UnmarshalText(text []byte) error {
	if !regexp.MustCompile(`^[A-Z]{2}$`).Match(text) {
		return fmt.Errorf("%q is no ISO 3166-1 country code, such as US", text)
	}
	*c = Country(text)
	return nil
}

// UnmarshalText reads YYYY-MM-DD.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("%q is no date; expected one such as 2026-12-31", text)
	}
	d.Time = t.AddDate(0, 0, 1)
	return nil
}

// DefaultConfig returns what holds where a file says nothing.
func DefaultConfig() Config {
	return Config{
		Listen: ":8443",
		Data:   "data",
		Agents: Agents{ScanInterval: 15 * time.Second, WindowInterval: 5 * time.Minute, CertificateLife: 30 * 24 * time.Hour},
		Retention: Retention{
			Reports: 30 * 24 * time.Hour, Events: 400 * 24 * time.Hour, Verdicts: 180 * 24 * time.Hour, Outbox: 7 * 24 * time.Hour, Audit: 400 * 24 * time.Hour,
		},
	}
}

// ReadConfig reads a configuration file. Errors name file, line and column.
func ReadConfig(path string) (Config, error) {
	c := DefaultConfig()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("read the configuration: %w; farmhound-collector init makes one", err)
	}
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	if err := strictyaml.Decode(path, text, &c); err != nil {
		return c, err
	}
	if c.Catalog == "" { // else whoever judges has it
		if err := c.Company.checkTools(catalog.BuiltIn()); err != nil {
			return c, err
		}
	}
	dir := filepath.Dir(path)
	beside := func(p string) string {
		if p == "" || filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	c.Data, c.Roster, c.Signals, c.Catalog = beside(c.Data), beside(c.Roster), beside(c.Signals), beside(c.Catalog)
	for i := range c.Geo {
		c.Geo[i] = beside(c.Geo[i])
	}
	for i := range c.Outputs {
		c.Outputs[i].File = beside(c.Outputs[i].File)
	}
	return c, nil
}

// Check refuses two outputs of one name: the outbox keeps their places by it.
func (c *Config) Check() error {
	names := make(map[string]bool)
	for _, o := range c.Outputs {
		if names[o.Name] {
			return fmt.Errorf("two outputs are called %q; the outbox keeps the place of each by its name", o.Name)
		}
		names[o.Name] = true
	}
	return nil
}

// Check refuses an output without a name or a file.
func (o *Output) Check() error {
	if o.Name == "" || o.File == "" {
		return errors.New("an output needs a name and a file")
	}
	return nil
}

// checkTools refuses tools that a catalogue does not know: they would approve nothing.
func (c *Company) checkTools(known *catalog.Catalog) error {
	return errors.Join(c.unknownTools(known)...)
}

func (c *Company) unknownTools(known *catalog.Catalog) (problems []error) {
	for _, t := range c.ApprovedTools {
		if _, ok := known.Entry(t.ID.Value); !ok {
			problems = append(problems, t.ID.Problem(fmt.Sprintf("the catalogue has no entry %q; an id is such as anydesk", t.ID.Value)))
		}
	}
	return problems
}

// Check refuses half a place, and places that are not on the globe.
func (p *Place) Check() error {
	if p.Latitude == nil || p.Longitude == nil {
		return errors.New("a place needs latitude and longitude")
	}
	if math.Abs(*p.Latitude) > 90 || math.Abs(*p.Longitude) > 180 {
		return errors.New("latitude is within -90 and 90, longitude within -180 and 180 degrees")
	}
	return nil
}

// Check refuses what agents would not follow.
func (a *Agents) Check() error {
	for _, x := range []struct {
		name        string
		value       time.Duration
		least, most time.Duration
	}{
		{"scan_interval", a.ScanInterval, 5 * time.Second, time.Hour},
		{"window_interval", a.WindowInterval, time.Minute, time.Hour},
		{"certificate_life", a.CertificateLife, time.Hour, 398 * 24 * time.Hour},
	} {
		if x.value < x.least || x.value > x.most {
			return fmt.Errorf("%s is %s; it must be within %s and %s", x.name, x.value, x.least, x.most)
		}
	}
	return nil
}

func (c *Company) fleet() fleet.Company {
	f := fleet.Company{
		HomeCountries: countryCodes(c.HomeCountries), HighRiskCountries: countryCodes(c.HighRiskCountries),
		Offices: prefixes(c.Offices), Networks: prefixes(c.Networks),
	}
	if c.HighRiskCountries == nil {
		f.HighRiskCountries = fleet.DefaultHighRiskCountries()
	}
	for _, t := range c.ApprovedTools {
		f.ApprovedTools = append(f.ApprovedTools, fleet.ApprovedTool{ID: t.ID.Value, Until: t.Until.Time})
	}
	if c.Place != nil {
		f.Latitude, f.Longitude = *c.Place.Latitude, *c.Place.Longitude
	}
	return f
}

func prefixes(networks []Network) []netip.Prefix {
	var all []netip.Prefix
	for _, n := range networks {
		all = append(all, n.Prefix)
	}
	return all
}

func countryCodes(countries []Country) []string {
	var all []string
	for _, c := range countries {
		all = append(all, string(c))
	}
	return all
}
