package persona

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// geoMMDB writes where the atlas's addresses are, over ranges that nobody on the
// internet has.
func (a *atlas) geoMMDB(built time.Time) ([]byte, error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: "Farmhound-Laboratory-City", BuildEpoch: built.Unix(), IncludeReservedNetworks: true,
		RecordSize: 24, Languages: []string{"en"}, Description: map[string]string{"en": "Places of the laboratory's addresses"},
	})
	if err != nil {
		return nil, fmt.Errorf("make address data: %w", err)
	}
	for _, c := range a.carriers {
		for _, prefix := range []netip.Prefix{c.prefix, c.six} {
			network := &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
			if err := tree.Insert(network, c.record()); err != nil {
				return nil, fmt.Errorf("make address data of %s: %w", prefix, err)
			}
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("make address data: %w", err)
	}
	return out.Bytes(), nil
}

// record holds one carrier in the layout of the City, ASN and Anonymous-IP files.
func (c *carrier) record() mmdbtype.Map {
	record := mmdbtype.Map{
		"country":                        mmdbtype.Map{"iso_code": mmdbtype.String(c.country)},
		"subdivisions":                   mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String(c.region)}},
		"location":                       mmdbtype.Map{"latitude": mmdbtype.Float64(c.latitude), "longitude": mmdbtype.Float64(c.longitude), "time_zone": mmdbtype.String(c.zone)},
		"autonomous_system_number":       mmdbtype.Uint32(c.asn),
		"autonomous_system_organization": mmdbtype.String(c.name),
	}
	if c.trade == hosting || c.trade == rented {
		record["is_hosting_provider"] = mmdbtype.Bool(true)
	}
	if c.trade == vpn {
		record["is_anonymous"], record["is_anonymous_vpn"] = mmdbtype.Bool(true), mmdbtype.Bool(true)
	}
	return record
}
