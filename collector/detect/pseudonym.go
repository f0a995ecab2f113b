package detect

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// kept are the texts of a picture that a pseudonym leaves as they are, each with the
// form that it must have for it: words of the catalogue and of the schema, countries and
// zones. Every other text is replaced, also of fields that the schema will have one day.
var kept = map[protoreflect.FullName]func(string) bool{
	"farmhound.fleet.v1.Person.country":          isCountry,
	"farmhound.fleet.v1.Person.travel_countries": isCountry,
	"farmhound.fleet.v1.Person.time_zone":        isZone,
	"farmhound.fleet.v1.Person.approved_tools":   isToken,
	"farmhound.fleet.v1.ToolSighting.id":         isToken,
	"farmhound.fleet.v1.ToolSighting.name":       isCatalogName,
	"farmhound.fleet.v1.ToolSighting.category":   isToken,
	"farmhound.fleet.v1.Activity.control_tools":  isCatalogName,
	"farmhound.fleet.v1.Kvm.level":               isToken,
	"farmhound.fleet.v1.Egress.country":          isCountry,
	"farmhound.fleet.v1.Egress.consumer_vpn":     isCatalogName,
	"farmhound.fleet.v1.Egress.time_zone":        isZone,
	"farmhound.fleet.v1.Egress.slip_country":     isCountry,
	"farmhound.fleet.v1.Egress.physical_country": isCountry,
	"farmhound.fleet.v1.Egress.zone_country":     isCountry,
	"farmhound.fleet.v1.Way.country":             isCountry,
	"farmhound.fleet.v1.Way.kind":                isToken,
	"farmhound.fleet.v1.Way.tool":                isCatalogName,
	"farmhound.fleet.v1.Peer.country":            isCountry,
	"farmhound.fleet.v1.Peer.tool":               isToken,
	"farmhound.fleet.v1.Peer.relay_country":      isCountry,
}

// replacedNumbers are numbers that name somebody's network.
var replacedNumbers = map[protoreflect.FullName]uint32{
	"farmhound.fleet.v1.Egress.asn": 64496, // the first of those for documentation
}

var (
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	tokenForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
)

func isCountry(s string) bool { return countryForm.MatchString(s) }
func isToken(s string) bool   { return tokenForm.MatchString(s) }

// isZone takes what the zone database has: laptops say their zone themselves.
func isZone(s string) bool {
	_, err := time.LoadLocation(s)
	return err == nil && s != "" && s != "Local"
}

// isCatalogName takes what the collector writes from its catalogue.
func isCatalogName(s string) bool { return len(s) <= 64 }

// pseudonyms replaces what names somebody, the same by the same.
type pseudonyms struct {
	of    map[string]string
	count map[string]int // by kind of name
	shift time.Duration  // of all times
}

// pseudonymous returns a picture that names nobody, and the moment it is of, moved like
// all its times by whole weeks to that of the tests in signals.
func pseudonymous(dev *fleetv1.Device, now time.Time) (*fleetv1.Device, time.Time) {
	const week = 7 * day
	p := &pseudonyms{of: make(map[string]string), count: make(map[string]int)}
	monday := time.Date(2026, time.March, 16, 0, 0, 0, 0, time.UTC)
	since := now.UTC().Sub(monday)
	weeks := since / week
	if since%week < 0 {
		weeks--
	}
	p.shift = -weeks * week
	dev = proto.CloneOf(dev)
	p.message(dev.ProtoReflect())
	return dev, now.UTC().Add(p.shift)
}

func (p *pseudonyms) message(m protoreflect.Message) {
	if at, ok := m.Interface().(*timestamppb.Timestamp); ok {
		moved := timestamppb.New(at.AsTime().Add(p.shift))
		at.Seconds, at.Nanos = moved.GetSeconds(), moved.GetNanos()
		return
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			m.Clear(f) // the schema has none; of one it will have nothing is known
		case f.IsList():
			list := v.List()
			for i := range list.Len() {
				if f.Message() != nil {
					p.message(list.Get(i).Message())
				} else {
					list.Set(i, p.value(f, list.Get(i)))
				}
			}
		case f.Message() != nil:
			p.message(v.Message())
		default:
			m.Set(f, p.value(f, v))
		}
		return true
	})
	m.SetUnknown(nil)
}

func (p *pseudonyms) value(f protoreflect.FieldDescriptor, v protoreflect.Value) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(p.text(f, v.String()))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(p.name(string(f.Name()), string(v.Bytes()))))
	}
	if n, ok := replacedNumbers[f.FullName()]; ok && v.Uint() != 0 {
		return protoreflect.ValueOfUint32(n)
	}
	return v
}

func (p *pseudonyms) text(f protoreflect.FieldDescriptor, text string) string {
	if form := kept[f.FullName()]; text == "" || form != nil && form(text) {
		return text
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return p.address(addr)
	}
	return p.name(string(f.Parent().Name())+" "+string(f.Name()), text)
}

// name numbers what is replaced. Something that stands in several fields gets the name
// of the first of them everywhere.
func (p *pseudonyms) name(kind, text string) string {
	if name, ok := p.of[text]; ok {
		return name
	}
	kind = strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(kind))
	p.count[kind]++
	p.of[text] = fmt.Sprintf("%s-%d", kind, p.count[kind])
	return p.of[text]
}

// address numbers addresses out of those for documentation, in their own family.
func (p *pseudonyms) address(addr netip.Addr) string {
	text := addr.String()
	if name, ok := p.of[text]; ok {
		return name
	}
	n := p.count["address"]
	p.count["address"]++
	p.of[text] = fmt.Sprintf("2001:db8::%x", n+1)
	if addr.Unmap().Is4() {
		// Three /24 for documentation; a picture keeps fewer addresses than one has.
		p.of[text] = fmt.Sprintf("192.0.2.%d", n%254+1)
	}
	return p.of[text]
}
