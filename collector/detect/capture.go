package detect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Captured is a picture as a test of a signal.
type Captured struct {
	Signal string
	// Tier is the one that holds, -1 for none.
	Tier int
	// YAML is a file that adds the test to the signal.
	YAML []byte
	// Others are the other signals that hold on the picture, each with its tier.
	Others []string
	// Changed are signals that say something else of the captured picture than of the
	// laptop: they look at what was replaced.
	Changed []string
}

// Capture makes a test of a signal out of a picture at a moment. Names, serials,
// addresses, accounts and whatever else could name somebody are replaced, the same by the
// same; times are moved by whole weeks. Without an id it is a test of the heaviest signal
// that holds.
func (r *Rules) Capture(dev *fleetv1.Device, now time.Time, id string) (*Captured, error) {
	replaced, moved := pseudonymous(dev, now)
	was, is := r.observations(dev, now), r.observations(replaced, moved)
	if id == "" {
		if id = r.heaviest(is); id == "" {
			return nil, fmt.Errorf("no signal holds on this laptop; name the one that the test is for")
		}
	}
	at := slices.IndexFunc(r.all, func(s *signal) bool { return s.id == id })
	if at < 0 {
		return nil, fmt.Errorf("there is no signal %q%s", id, hint(id, r.eachSignal))
	}
	if was[at].tier != is[at].tier {
		return nil, fmt.Errorf("%q cannot be captured: it looks at what is replaced, so that tier %s holds on the laptop and %s on the captured picture",
			id, tierName(was[at].tier), tierName(is[at].tier))
	}
	c := &Captured{Signal: id, Tier: is[at].tier}
	for i, s := range r.all {
		switch {
		case was[i].tier != is[i].tier:
			c.Changed = append(c.Changed, s.id)
		case i != at && is[i].tier >= 0:
			c.Others = append(c.Others, fmt.Sprintf("%s (tier %d)", s.id, is[i].tier))
		}
	}
	c.YAML = c.file(replaced, moved, is[at].withdrawn)
	return c, nil
}

// observations are what all signals say of a device, in the order of all. One that
// cannot be evaluated says nothing.
func (r *Rules) observations(dev *fleetv1.Device, now time.Time) []observation {
	at := r.language.scene(dev, now)
	known, around := sensesOf(dev.GetKnown()), circumstancesOf(dev)
	all := make([]observation, len(r.all))
	for i, s := range r.all {
		o, err := s.observe(at, known, around)
		if err != nil {
			o = observation{tier: -1}
		}
		all[i] = o
	}
	return all
}

func (r *Rules) heaviest(of []observation) string {
	id, most := "", 0.0
	for i, s := range r.all {
		if t := of[i].tier; t >= 0 && abs(s.tiers[t].db) > most {
			id, most = s.id, abs(s.tiers[t].db)
		}
	}
	return id
}

func (r *Rules) eachSignal(yield func(string) bool) {
	for _, s := range r.all {
		if !yield(s.id) {
			return
		}
	}
}

func (c *Captured) file(dev *fleetv1.Device, now time.Time, withdrawn bool) []byte {
	var b strings.Builder
	b.WriteString("# A laptop's picture in which whatever could name somebody is replaced, and times are moved by whole weeks.\n")
	if len(c.Others) > 0 {
		b.WriteString("# These hold on it too: " + strings.Join(c.Others, ", ") + ".\n")
	}
	fmt.Fprintf(&b, "id: %s\ntests:\n  - tier: %s\n    now: %s\n", c.Signal, tierName(c.Tier), now.Format(time.RFC3339Nano))
	if withdrawn {
		b.WriteString("    withdrawn: true\n")
	}
	b.WriteString("    picture:\n")
	writeYAML(&b, dev.ProtoReflect(), 6)
	return []byte(b.String())
}

// writeYAML writes the fields of a message that are set, in the schema's order.
func writeYAML(b *strings.Builder, m protoreflect.Message, indent int) {
	margin := strings.Repeat(" ", indent)
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		v := m.Get(f)
		switch {
		case f.IsList() && f.Message() != nil:
			fmt.Fprintf(b, "%s%s:\n", margin, f.Name())
			for j := range v.List().Len() {
				writeElement(b, v.List().Get(j).Message(), indent+2)
			}
		case f.IsList():
			var all []string
			for j := range v.List().Len() {
				all = append(all, plainYAML(f, v.List().Get(j)))
			}
			fmt.Fprintf(b, "%s%s: [%s]\n", margin, f.Name(), strings.Join(all, ", "))
		case f.Message() != nil && !isTime(f.Message()):
			if !anySet(v.Message()) {
				fmt.Fprintf(b, "%s%s: {}\n", margin, f.Name())
				continue
			}
			fmt.Fprintf(b, "%s%s:\n", margin, f.Name())
			writeYAML(b, v.Message(), indent+2)
		default:
			fmt.Fprintf(b, "%s%s: %s\n", margin, f.Name(), plainYAML(f, v))
		}
	}
}

// writeElement writes a message as an element of a list.
func writeElement(b *strings.Builder, m protoreflect.Message, indent int) {
	margin := strings.Repeat(" ", indent)
	if !anySet(m) {
		b.WriteString(margin + "- {}\n")
		return
	}
	var element strings.Builder
	writeYAML(&element, m, indent+2)
	b.WriteString(margin + "- " + strings.TrimPrefix(element.String(), margin+"  "))
}

func anySet(m protoreflect.Message) bool {
	set := false
	m.Range(func(protoreflect.FieldDescriptor, protoreflect.Value) bool { set = true; return false })
	return set
}

// plainYAML writes one value as the JSON form of messages has it.
func plainYAML(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch f.Kind() {
	case protoreflect.StringKind:
		return quotedYAML(v.String())
	case protoreflect.BytesKind:
		text, err := json.Marshal(v.Bytes())
		if err != nil {
			return `""`
		}
		return string(text)
	case protoreflect.EnumKind:
		if named := f.Enum().Values().ByNumber(v.Enum()); named != nil {
			return string(named.Name())
		}
		return strconv.Itoa(int(v.Enum()))
	case protoreflect.MessageKind:
		if at, ok := v.Message().Interface().(*timestamppb.Timestamp); ok {
			return strconv.Quote(at.AsTime().Format(time.RFC3339Nano))
		}
		return "{}"
	case protoreflect.DoubleKind:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	default:
		return v.String()
	}
}

// quotedYAML is a text in double quotes; JSON's escapes are YAML's too.
func quotedYAML(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(quoted)
}
