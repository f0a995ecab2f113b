package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// named sets every field that a message can have, each text to one of its own, and
// returns the texts by the field that they are of.
func named(m protoreflect.Message, texts map[string]protoreflect.FieldDescriptor) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		one := func() protoreflect.Value {
			text := fmt.Sprintf("Jane Roe %d", len(texts))
			switch f.Kind() {
			case protoreflect.StringKind:
				texts[text] = f
				return protoreflect.ValueOfString(text)
			case protoreflect.BytesKind:
				texts[text] = f
				return protoreflect.ValueOfBytes([]byte(text))
			case protoreflect.BoolKind:
				return protoreflect.ValueOfBool(true)
			case protoreflect.DoubleKind:
				return protoreflect.ValueOfFloat64(0.5)
			case protoreflect.Uint32Kind:
				return protoreflect.ValueOfUint32(7018)
			case protoreflect.EnumKind:
				return protoreflect.ValueOfEnum(1)
			default:
				panic("the test cannot fill a field of kind " + f.Kind().String())
			}
		}
		switch {
		case f.IsList() && f.Message() != nil:
			for range 2 {
				named(m.Mutable(f).List().AppendMutable().Message(), texts)
			}
		case f.IsList():
			m.Mutable(f).List().Append(one())
			m.Mutable(f).List().Append(one())
		case f.Message() != nil && isTime(f.Message()):
			m.Set(f, protoreflect.ValueOfMessage(timestamppb.New(personaNow.Add(-time.Hour)).ProtoReflect()))
		case f.Message() != nil:
			named(m.Mutable(f).Message(), texts)
		default:
			m.Set(f, one())
		}
	}
}

// Whatever text a picture can have, now or with fields that are added later, does not
// come through.
func TestNoTextOfAPictureIsCaptured(t *testing.T) {
	t.Parallel()
	dev := &fleetv1.Device{}
	texts := make(map[string]protoreflect.FieldDescriptor)
	named(dev.ProtoReflect(), texts)
	if len(texts) < 60 {
		t.Fatalf("%d texts were filled in", len(texts))
	}
	got, err := rules(t).Capture(dev, personaNow, "session_share")
	if err != nil {
		t.Fatal(err)
	}
	for text, f := range texts {
		if strings.Contains(string(got.YAML), `"`+text+`"`) && !catalogNames[f.FullName()] {
			t.Errorf("%s is captured as it is", f.FullName())
		}
	}
	if strings.Contains(string(got.YAML), "asn: 7018") {
		t.Error("the network's number is captured as it is")
	}
}

// catalogNames are the fields that any text passes in: the collector writes them from
// its catalogue and nobody else does. One more here is one more that could name somebody.
var catalogNames = map[protoreflect.FullName]bool{
	"farmhound.fleet.v1.ToolSighting.name":      true,
	"farmhound.fleet.v1.Activity.control_tools": true,
	"farmhound.fleet.v1.Egress.consumer_vpn":    true,
	"farmhound.fleet.v1.Way.tool":               true,
}

func TestKeptFieldsExistAndHaveAForm(t *testing.T) {
	t.Parallel()
	all := make(map[protoreflect.FullName]bool)
	var walk func(m protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			all[f.FullName()] = true
			if f.Message() != nil {
				walk(f.Message())
			}
		}
	}
	walk(deviceType)
	for name, form := range kept {
		if !all[name] {
			t.Errorf("%s is no field of the picture", name)
		}
		if !catalogNames[name] && form("Jane Roe") {
			t.Errorf("%s lets names through", name)
		}
	}
	for name := range replacedNumbers {
		if !all[name] {
			t.Errorf("%s is no field of the picture", name)
		}
	}
}

func TestTheSameIsReplacedByTheSame(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 11, 6, 15, 4, 5, 0, time.UTC) // a Thursday
	dev := &fleetv1.Device{
		Id: "d1", Serial: "S1",
		Site:     &fleetv1.Site{Id: "x", Members: []string{"d0", "d1"}},
		Egress:   &fleetv1.Egress{Address: "203.0.113.9", PhysicalAddress: "2001:db9::1", Country: "US", TimeZone: "Europe/Nowhere", AsName: "d1"},
		Operator: &fleetv1.Operator{Peers: []*fleetv1.Peer{{Address: "203.0.113.9", Country: "hr"}, {Address: "203.0.113.10"}}},
		Person:   &fleetv1.Person{TimeZone: "Europe/Zagreb", Country: "US", Region: "OH"},
		Tools:    []*fleetv1.ToolSighting{{Id: "anydesk", Name: "AnyDesk", ApprovedBy: "Jane Roe"}},
	}
	dev.LastReportAt = timestamppb.New(now.Add(-time.Hour))
	got, at := pseudonymous(dev, now)
	want := &fleetv1.Device{
		Id: "device-id-1", Serial: "device-serial-1",
		LastReportAt: timestamppb.New(time.Date(2026, 3, 19, 14, 4, 5, 0, time.UTC)),
		Site:         &fleetv1.Site{Id: "site-id-1", Members: []string{"site-members-1", "device-id-1"}},
		Egress:       &fleetv1.Egress{Address: "192.0.2.1", PhysicalAddress: "2001:db8::2", Country: "US", TimeZone: "egress-time-zone-1", AsName: "device-id-1"},
		Operator:     &fleetv1.Operator{Peers: []*fleetv1.Peer{{Address: "192.0.2.1", Country: "peer-country-1"}, {Address: "192.0.2.3"}}},
		Person:       &fleetv1.Person{TimeZone: "Europe/Zagreb", Country: "US", Region: "person-region-1"},
		Tools:        []*fleetv1.ToolSighting{{Id: "anydesk", Name: "AnyDesk", ApprovedBy: "toolsighting-approved-by-1"}},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !at.Equal(time.Date(2026, 3, 19, 15, 4, 5, 0, time.UTC)) {
		t.Errorf("it is of %v", at)
	}
	for _, now := range []time.Time{now, time.Date(2030, 1, 6, 23, 59, 59, 0, time.UTC), time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 15, 23, 0, 0, 0, time.UTC)} {
		_, at := pseudonymous(dev, now)
		if at.Weekday() != now.Weekday() || at.Before(time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC)) || !at.Before(time.Date(2026, 3, 23, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%v became %v", now, at)
		}
	}
}

// What is captured of personas is a test that its signals pass, of every signal that
// holds on it and of one that does not.
func TestWhatIsCapturedPasses(t *testing.T) {
	t.Parallel()
	for i, who := range personas {
		if i%4 != 0 {
			continue // loading all signals again takes its time
		}
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			dev, r := who.device(), rules(t)
			files := make(fstest.MapFS)
			for _, s := range r.all {
				c, err := r.Capture(dev, personaNow, s.id)
				if err != nil {
					t.Fatal(err)
				}
				if len(c.Changed) > 0 {
					t.Errorf("%v look at what is replaced", c.Changed)
				}
				if c.Tier >= 0 || s.id == "session_share" {
					files[s.id+".yaml"] = &fstest.MapFile{Data: c.YAML}
				}
			}
			again, problems, err := Lint(Shipped(), Source{Name: "own", FS: files})
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			for i, s := range r.all {
				text := files[s.id+".yaml"]
				if text == nil {
					continue
				}
				if n := len(again.all[i].tests); n != len(s.tests)+1 {
					t.Errorf("%s has %d tests, want one more than %d", s.id, n, len(s.tests))
				}
				for _, failure := range again.language.test(again.all[i]) {
					// What the shipped file says of itself is its own test's matter.
					if strings.HasPrefix(failure.File, "own/") && !strings.Contains(failure.Reason, "no test shows") {
						t.Errorf("%v\n%s", failure, text.Data)
					}
				}
			}
		})
	}
}

func TestWhatCannotBeCapturedIsSaid(t *testing.T) {
	t.Parallel()
	looks := strings.NewReplacer("id: test_signal", "id: looks_at_names", "device.kvm.attached", "device.system.hostname == 'lap-1'").Replace(sound)
	looks = looks[:strings.Index(looks, "tests:")]
	r, err := Load(Shipped(), source(looks))
	if err != nil {
		t.Fatal(err)
	}
	dev := rmmFarmLaptop()
	dev.System.Hostname = "lap-1"
	dev.Known.Hardware = true
	if c, err := r.Capture(dev, personaNow, ""); err != nil || c.Signal != "session_share" || !slices.Equal(c.Changed, []string{"looks_at_names"}) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, tt := range []struct {
		dev      *fleetv1.Device
		id, want string
	}{
		{dev, "looks_at_names", "it looks at what is replaced, so that tier 0 holds on the laptop and none on the captured picture"},
		{dev, "sesion_share", `there is no signal "sesion_share"; did you mean "session_share"?`},
		{&fleetv1.Device{}, "", "no signal holds on this laptop; name the one"},
	} {
		if _, err := r.Capture(tt.dev, personaNow, tt.id); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.id, err, tt.want)
		}
	}
}
