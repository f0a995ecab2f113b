package detect

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	contract "github.com/farmhound-security/farmhound/proto"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Field is one value of the picture that conditions can name.
type Field struct {
	// Path is how a condition names it; [] stands for the elements of a list.
	Path string `json:"path"`
	// Type is its type in conditions.
	Type string `json:"type"`
	// Unit is what numbers count, empty for what is no quantity.
	Unit string `json:"unit,omitempty"`
	// Optional says that it can be absent, for which has() asks; it reads as zero then.
	Optional bool `json:"optional,omitempty"`
	// Meaning is the schema's own comment.
	Meaning string `json:"meaning"`
}

// deviceType is what conditions call device.
var deviceType = (*fleetv1.Device)(nil).ProtoReflect().Descriptor()

// Fields lists every value of the picture, in the schema's order, and the time.
func Fields() []Field {
	all := appendFields(nil, "device", deviceType)
	return append(all, Field{Path: "now", Type: "timestamp", Unit: "UTC", Meaning: "The moment at which the device is judged."})
}

func appendFields(all []Field, path string, of protoreflect.MessageDescriptor) []Field {
	for i := range of.Fields().Len() {
		f := of.Fields().Get(i)
		one := Field{
			Path: path + "." + string(f.Name()), Type: typeOf(f), Unit: unitOf(f),
			Optional: f.HasPresence() && !f.IsList(), Meaning: contract.Meaning(f.FullName()),
		}
		all = append(all, one)
		if below := f.Message(); below != nil && !isTime(below) {
			elements := ""
			if f.IsList() {
				elements = "[]"
			}
			all = appendFields(all, one.Path+elements, below)
		}
	}
	return all
}

func isTime(m protoreflect.MessageDescriptor) bool {
	return m.FullName() == "google.protobuf.Timestamp"
}

// typeOf names a field's type as conditions see it.
func typeOf(f protoreflect.FieldDescriptor) string {
	var name string
	switch f.Kind() {
	case protoreflect.BoolKind:
		name = "bool"
	case protoreflect.StringKind:
		name = "string"
	case protoreflect.BytesKind:
		name = "bytes"
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		name = "double"
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		name = "uint"
	case protoreflect.MessageKind, protoreflect.GroupKind:
		name = string(f.Message().Name())
		if isTime(f.Message()) {
			name = "timestamp"
		}
	default: // the signed ones, and enums
		name = "int"
	}
	if f.IsList() {
		return "list(" + name + ")"
	}
	return name
}

// unitEndings say what a number counts by how its name ends; the first that fits holds.
var unitEndings = []struct{ ending, unit string }{
	{"_share", "share, 0 to 1"},
	{"_cv", "standard deviation over mean"},
	{"_ms", "milliseconds"},
	{"_mss", "bytes"},
	{"_seconds", "seconds"},
	{"_minute", "minutes after midnight"},
	{"work_days", "days of the week, 1 Monday to 7 Sunday"},
	{"days", "days"},
	{"hours", "hours"},
	{"networks_20d", "networks in 20 days"},
	{"_neighbours", "machines"},
	{"people", "people"},
	{"moves", "moves in 20 days"},
	{"sessions", "sessions in 20 days"},
	{"_addresses", "addresses in 20 days"},
	{"asn", "number"},
}

func unitOf(f protoreflect.FieldDescriptor) string {
	switch name := string(f.Name()); {
	case f.Kind() == protoreflect.EnumKind:
		return "number of " + string(f.Enum().Name())
	case f.Message() != nil && isTime(f.Message()):
		return "UTC"
	case strings.HasSuffix(name, "country") || strings.HasSuffix(name, "countries"):
		return "ISO 3166-1 alpha-2"
	case name == "time_zone":
		return "IANA zone"
	case f.Kind() == protoreflect.StringKind || f.Kind() == protoreflect.BoolKind || f.Message() != nil:
		return ""
	default:
		for _, u := range unitEndings {
			if strings.HasSuffix(name, u.ending) {
				return u.unit
			}
		}
		return ""
	}
}

// fieldsBelow are the fields of the message at a path, by name; nil where there is none.
func fieldsBelow(path []string) protoreflect.FieldDescriptors {
	if path[0] != "device" {
		return nil
	}
	at := deviceType
	for _, name := range path[1:] {
		f := at.Fields().ByName(protoreflect.Name(name))
		if f == nil || f.Message() == nil {
			return nil
		}
		at = f.Message()
	}
	return at.Fields()
}
