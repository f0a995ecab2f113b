package detect

import (
	"math/rand/v2"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// anyDevice fills a device with whatever its schema allows: shares are shares,
// words are now and then ones that signals look for, and the rest is chance.
func anyDevice(seed uint64) *fleetv1.Device {
	d := &fleetv1.Device{}
	fill(rand.New(rand.NewPCG(seed, 1)), d.ProtoReflect(), 0)
	if d.Known == nil {
		d.Known = &fleetv1.Known{}
	}
	if s := d.GetSite(); s != nil {
		s.UnnamedPeople = min(s.GetUnnamedPeople(), max(s.GetPeople(), 1)-1) // some of the others
	}
	return d
}

var anyWords = []string{
	"", "US", "PL", "XA", "named", "descriptor", "shape_storage", "impossible", "shape", "remote-control", "rmm",
	"overlay-network", "tunnel", "jiggler", "Astrill", "AnyDesk", "America/New_York", "bad\x1b[31m\nname", strings.Repeat("long ", 40),
}

func fill(r *rand.Rand, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if r.IntN(4) == 0 || depth > 4 {
			continue
		}
		if f.IsList() {
			list := m.Mutable(f).List()
			for range r.IntN(4) {
				if f.Kind() == protoreflect.MessageKind {
					fill(r, list.AppendMutable().Message(), depth+1)
				} else {
					list.Append(scalar(r, f))
				}
			}
			continue
		}
		if f.Kind() != protoreflect.MessageKind {
			m.Set(f, scalar(r, f))
			continue
		}
		if f.Message().FullName() == "google.protobuf.Timestamp" {
			m.Set(f, protoreflect.ValueOfMessage((&timestamppb.Timestamp{Seconds: personaNow.Unix() - r.Int64N(90*86400)}).ProtoReflect()))
			continue
		}
		fill(r, m.Mutable(f).Message(), depth+1)
	}
}

func scalar(r *rand.Rand, f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(r.Uint32N(25))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(r.Uint64N(1000))
	case protoreflect.DoubleKind:
		if strings.HasSuffix(string(f.Name()), "_share") {
			return protoreflect.ValueOfFloat64([]float64{0, 0.02, 0.07, 0.25, 0.55, 0.85, 1}[r.IntN(7)])
		}
		return protoreflect.ValueOfFloat64(r.Float64() * 300)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(anyWords[r.IntN(len(anyWords))])
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(0)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(nil)
	}
	return f.Default()
}
