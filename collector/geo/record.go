package geo

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"

	"github.com/farmhound-security/farmhound/collector/fleet"
)

// record is what one file says about a network, as far as it can be believed:
// what is not of the right form is left out.
type record struct {
	country, region     string
	latitude, longitude float64
	asn                 uint32
	asName              string
	// The kinds of network. anonymous is what is_anonymous says.
	hosting, vpn, proxy, tor, anonymous bool
}

// fill adds to a place what a later file says. Places within a country are taken
// only from files that agree on the country, and a name only with its number.
func fill(p *fleet.Place, r record) {
	if p.Country == "" {
		p.Country = r.country
	}
	if p.Country == r.country {
		if p.Region == "" {
			p.Region = r.region
		}
		// A location in another region than the one believed would contradict it.
		if p.Latitude == 0 && p.Longitude == 0 && (p.Region == r.region || r.region == "") {
			p.Latitude, p.Longitude = r.latitude, r.longitude
		}
	}
	if p.ASN == 0 {
		p.ASN = r.asn
	}
	if p.ASN == r.asn && p.ASName == "" {
		p.ASName = r.asName
	}
	p.Hosting, p.VPN, p.Proxy, p.Tor = p.Hosting || r.hosting, p.VPN || r.vpn, p.Proxy || r.proxy, p.Tor || r.tor
	// MaxMind sets is_anonymous beside every other kind, also for plain hosting, which
	// hides nobody. By itself it counts only where no kind says why it is set.
	p.Anonymous = p.Anonymous || r.anonymous && !r.hosting && !r.vpn && !r.proxy && !r.tor
}

// maxEntries bounds how much of a map or list is read; real ones have a dozen.
const maxEntries = 256

// UnmarshalMaxMindDBCursor reads the layouts that are known, whichever of their
// keys are there. Keys are told apart by the kind of their value too: country is
// a map at MaxMind and a name or code elsewhere.
func (r *record) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	return entries(c, r.entry)
}

func (r *record) entry(key string, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	kind, err := v.Kind()
	if err != nil {
		return v, err
	}
	switch {
	case key == "country" && kind == mmdbdata.KindMap:
		return entries(v, func(key string, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
			return textIf(key == "iso_code", v, func(s string) { r.country = country(s) })
		})
	case key == "country" || key == "country_code":
		return textIf(true, v, func(s string) {
			if code := country(s); code != "" {
				r.country = code
			}
		})
	case key == "subdivisions" && kind == mmdbdata.KindSlice:
		return r.firstSubdivision(v)
	case key == "region_code":
		return textIf(true, v, func(s string) { r.region = region(s) })
	case key == "location" && kind == mmdbdata.KindMap:
		return r.location(v)
	case key == "traits" && kind == mmdbdata.KindMap:
		return entries(v, r.network)
	default:
		return r.network(key, v)
	}
}

// network reads the keys that say what kind of network it is.
func (r *record) network(key string, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch key {
	case "autonomous_system_number":
		return numberIf(v, func(n uint64) { r.asn = asn(n) })
	case "autonomous_system_organization", "as_name":
		return textIf(true, v, func(s string) { r.asName = name(s) })
	case "asn":
		if kind, err := v.Kind(); err != nil || kind != mmdbdata.KindString {
			return numberIf(v, func(n uint64) { r.asn = asn(n) })
		}
		return textIf(true, v, func(s string) {
			n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(s), "AS"), 10, 32)
			if err == nil {
				r.asn = asn(n)
			}
		})
	case "is_hosting_provider":
		return flag(v, &r.hosting)
	case "is_anonymous_vpn":
		return flag(v, &r.vpn)
	case "is_public_proxy", "is_residential_proxy":
		return flag(v, &r.proxy)
	case "is_tor_exit_node":
		return flag(v, &r.tor)
	case "is_anonymous":
		return flag(v, &r.anonymous)
	default:
		return v.Skip()
	}
}

func (r *record) firstSubdivision(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	list, err := c.Slice()
	if err != nil {
		return c, err
	}
	var next mmdbdata.Cursor
	for {
		i, v, ok := list.Next(next)
		if !ok {
			return list.End()
		}
		if i >= maxEntries {
			return v, tooMany()
		}
		if kind, kindErr := v.Kind(); kindErr != nil || i > 0 || kind != mmdbdata.KindMap {
			next, err = v.Skip()
		} else {
			next, err = entries(v, func(key string, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
				return textIf(key == "iso_code", v, func(s string) { r.region = region(s) })
			})
		}
		if err != nil {
			return v, err
		}
	}
}

func (r *record) location(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	var latitude, longitude float64
	next, err := entries(c, func(key string, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch key {
		case "latitude":
			return floatIf(v, &latitude)
		case "longitude":
			return floatIf(v, &longitude)
		default:
			return v.Skip()
		}
	})
	// Written so that not-a-number fails too.
	if latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180 {
		r.latitude, r.longitude = latitude, longitude
	}
	return next, err
}

// entries calls read for every entry of a map; read returns where it stopped.
func entries(c mmdbdata.Cursor, read func(key string, v mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	m, err := c.Map()
	if err != nil {
		return c, err
	}
	if m.Size() > maxEntries {
		return c, tooMany()
	}
	var next mmdbdata.Cursor
	for {
		key, v, ok := m.Next(next)
		if !ok {
			return m.End()
		}
		if next, err = read(string(key), v); err != nil {
			return v, err
		}
	}
}

func tooMany() error {
	return mmdbdata.NewInvalidDatabaseError("a record has more than %d entries in one place", maxEntries)
}

// maxText bounds a text that is read, in bytes.
const maxText = 1024

func textIf(wanted bool, v mmdbdata.Cursor, use func(string)) (mmdbdata.Cursor, error) {
	if kind, err := v.Kind(); err != nil || kind != mmdbdata.KindString || !wanted {
		return v.Skip()
	}
	s, next, err := v.ReadStringMaxSize(maxText)
	if err == nil {
		use(s)
	}
	return next, err
}

func numberIf(v mmdbdata.Cursor, use func(uint64)) (mmdbdata.Cursor, error) {
	switch kind, err := v.Kind(); {
	case err != nil:
		return v, err
	case kind != mmdbdata.KindUint16 && kind != mmdbdata.KindUint32 && kind != mmdbdata.KindUint64:
		return v.Skip()
	}
	n, next, err := v.ReadUint()
	if err == nil {
		use(n)
	}
	return next, err
}

func floatIf(v mmdbdata.Cursor, into *float64) (next mmdbdata.Cursor, err error) {
	if kind, err := v.Kind(); err != nil || kind != mmdbdata.KindFloat64 && kind != mmdbdata.KindFloat32 {
		return v.Skip()
	}
	*into, next, err = v.ReadFloat()
	return next, err
}

func flag(v mmdbdata.Cursor, into *bool) (mmdbdata.Cursor, error) {
	if kind, err := v.Kind(); err != nil || kind != mmdbdata.KindBool {
		return v.Skip()
	}
	set, next, err := v.ReadBool()
	*into = *into || set
	return next, err
}

// country returns a code of ISO 3166-1 alpha-2 in upper case, or nothing.
func country(s string) string {
	if s = strings.ToUpper(s); len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return s
	}
	return ""
}

// region returns the second part of an ISO 3166-2 code in upper case, or nothing.
func region(s string) string {
	s = strings.ToUpper(s)
	if _, after, ok := strings.Cut(s, "-"); ok {
		s = after
	}
	if len(s) <= 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		return s
	}
	return ""
}

func asn(n uint64) uint32 {
	if n > 1<<32-1 {
		return 0
	}
	return uint32(n)
}

// name shortens a name to what fits a row and makes it valid UTF-8.
func name(s string) string {
	const longest = 128
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= longest {
		return s
	}
	end := longest
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
