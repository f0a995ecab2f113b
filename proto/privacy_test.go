// Package proto_test walks the contract: what leaves a laptop must have no field
// that could carry content.
package proto_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	gproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

const (
	// longestText is the longest string that is an identifier rather than content.
	longestText = 128
	// longestBytes is the longest digest or nonce.
	longestBytes = 32
)

// contentWords are parts of names that content fields have.
var contentWords = regexp.MustCompile(`(^|_)(title|url|urls|uri|path|paths|file|files|filename|text|clipboard|keystroke|keystrokes|` +
	`key_press|screenshot|image|picture|command|command_line|cmdline|arguments|argv|content|contents|body|payload|message|` +
	`user|username|user_name|login|email|password|document|window_name|history|cookie)($|_)`)

// justified are fields that a rule above would refuse and that are right all the
// same, each with the reason.
var justified = map[protoreflect.FullName]string{
	"farmhound.v1.UsbDevice.port_path": "bus and port numbers, for example 1-4.2",
	"farmhound.v1.RemoteSession.path":  "an enum: direct, relay or unknown",
	"farmhound.v1.Tool.user_writable":  "a truth value: whether an ordinary user could change the program",
	"farmhound.v1.EnrollRequest.csr":   "a certificate request, made once and of bounded size",
	"farmhound.v1.RenewRequest.csr":    "the same",
}

// freeForm are types that can carry anything.
var freeForm = []protoreflect.FullName{
	"google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue",
	"google.protobuf.StringValue", "google.protobuf.BytesValue", "google.protobuf.FieldMask",
}

// complaints walks every field reachable from a message and says what a reviewer
// would have to justify. used collects the justifications that were needed.
func complaints(md protoreflect.MessageDescriptor, used map[protoreflect.FullName]bool) []string {
	var found []string
	seen := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor)
	walk = func(md protoreflect.MessageDescriptor) {
		if seen[md.FullName()] {
			return
		}
		seen[md.FullName()] = true
		for i := range md.Fields().Len() {
			fd := md.Fields().Get(i)
			about := complaintsOf(fd)
			if _, ok := justified[fd.FullName()]; ok && len(about) > 0 {
				used[fd.FullName()] = true
				about = nil
			}
			for _, what := range about {
				found = append(found, fmt.Sprintf("%s: %s", fd.FullName(), what))
			}
			if next := fd.Message(); next != nil && !strings.HasPrefix(string(next.FullName()), "google.") {
				walk(next)
			}
		}
	}
	walk(md)
	return found
}

func complaintsOf(fd protoreflect.FieldDescriptor) []string {
	var found []string
	rules := fieldrules.Of(fd)
	if len(strings.Fields(rules.GetPurpose())) < 2 {
		found = append(found, "has no purpose")
	}
	if fd.IsMap() {
		found = append(found, "is a map, whose keys are free")
	}
	if contentWords.MatchString(string(fd.Name())) {
		found = append(found, "is named like content")
	}
	switch fd.Kind() {
	case protoreflect.StringKind:
		if rules.GetCharacters() == farmhoundv1.CharacterClass_CHARACTER_CLASS_UNSPECIFIED {
			found = append(found, "is a string without a character class")
		}
		if n := rules.GetMaxLength(); n == 0 || n > longestText {
			found = append(found, fmt.Sprintf("is a string longer than %d bytes", longestText))
		}
	case protoreflect.BytesKind:
		if n := rules.GetMaxLength(); (n == 0 || n > longestBytes) && (n == 0 || rules.GetMinLength() != n) {
			found = append(found, fmt.Sprintf("is bytes, neither fixed in length nor at most %d", longestBytes))
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if slices.Contains(freeForm, fd.Message().FullName()) {
			found = append(found, "is of a free form")
		}
	}
	return found
}

// What leaves a laptop is reports and, once, the request to enrol.
func TestNoContentCanLeaveALaptop(t *testing.T) {
	t.Parallel()
	used := map[protoreflect.FullName]bool{}
	for _, m := range []gproto.Message{
		&farmhoundv1.Report{}, &farmhoundv1.ReportBatch{}, &farmhoundv1.EnrollRequest{}, &farmhoundv1.RenewRequest{},
		&farmhoundv1.CatalogRequest{},
	} {
		for _, complaint := range complaints(m.ProtoReflect().Descriptor(), used) {
			t.Error(complaint)
		}
	}
	for name, why := range justified {
		if !used[name] {
			t.Errorf("%s is justified (%s) and needs no justification any more", name, why)
		}
	}
}

// The walk reaches the parts; a walk that stops early would pass everything.
func TestWalkReachesEveryPart(t *testing.T) {
	t.Parallel()
	batch := (&farmhoundv1.ReportBatch{}).ProtoReflect().Descriptor()
	reached := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor)
	walk = func(md protoreflect.MessageDescriptor) {
		if reached[md.FullName()] {
			return
		}
		reached[md.FullName()] = true
		for i := range md.Fields().Len() {
			if next := md.Fields().Get(i).Message(); next != nil {
				walk(next)
			}
		}
	}
	walk(batch)
	for _, part := range []protoreflect.FullName{
		"farmhound.v1.Tool", "farmhound.v1.RemoteSession", "farmhound.v1.UsbInterface", "farmhound.v1.Display",
		"farmhound.v1.Neighbours", "farmhound.v1.Rhythm", "farmhound.v1.Sense", "farmhound.v1.Logon", "farmhound.v1.Place",
	} {
		if !reached[part] {
			t.Errorf("%s is not reachable from a batch", part)
		}
	}
}

// Each bad schema draws the complaint it deserves, so the test above can fail.
func TestBadSchemasAreRefused(t *testing.T) {
	t.Parallel()
	const (
		text    = descriptorpb.FieldDescriptorProto_TYPE_STRING
		raw     = descriptorpb.FieldDescriptorProto_TYPE_BYTES
		number  = descriptorpb.FieldDescriptorProto_TYPE_UINT32
		message = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		token   = farmhoundv1.CharacterClass_CHARACTER_CLASS_TOKEN
		why     = "A good reason."
	)
	type rules = farmhoundv1.FieldRules
	cases := []struct {
		name  string
		field string
		kind  descriptorpb.FieldDescriptorProto_Type
		of    string
		rules *rules
		want  string // empty: no complaint
	}{
		{"in order", "version", text, "", &rules{Purpose: why, Characters: token, MaxLength: 64}, ""},
		{"digest", "sum", raw, "", &rules{Purpose: why, MinLength: 64, MaxLength: 64}, ""},
		{"no rules", "seconds", number, "", nil, "has no purpose"},
		{"purpose of one word", "seconds", number, "", &rules{Purpose: "Needed."}, "has no purpose"},
		{"long string", "detail", text, "", &rules{Purpose: why, Characters: token, MaxLength: 129}, "is a string longer than 128 bytes"},
		{"unbounded string", "detail", text, "", &rules{Purpose: why, Characters: token}, "is a string longer than 128 bytes"},
		{"any characters", "detail", text, "", &rules{Purpose: why, MaxLength: 64}, "is a string without a character class"},
		{"long bytes", "blob", raw, "", &rules{Purpose: why, MaxLength: 33}, "is bytes, neither fixed in length nor at most 32"},
		{"any message", "detail", message, ".google.protobuf.Any", &rules{Purpose: why}, "is of a free form"},
		{"struct", "detail", message, ".google.protobuf.Struct", &rules{Purpose: why}, "is of a free form"},
		{"map", "labels", message, ".t.M.LabelsEntry", &rules{Purpose: why}, "is a map, whose keys are free"},
		{"window title", "window_title", text, "", &rules{Purpose: why, Characters: token, MaxLength: 64}, "is named like content"},
		{"command line", "command_line", text, "", &rules{Purpose: why, Characters: token, MaxLength: 64}, "is named like content"},
		{"url", "last_url", text, "", &rules{Purpose: why, Characters: token, MaxLength: 64}, "is named like content"},
		{"file", "file", text, "", &rules{Purpose: why, Characters: token, MaxLength: 64}, "is named like content"},
		{"keystrokes", "keystrokes", number, "", &rules{Purpose: why}, "is named like content"},
		{"path", "program_path", text, "", &rules{Purpose: why, Characters: token, MaxLength: 64}, "is named like content"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := complaints(badSchema(t, c.field, c.kind, c.of, c.rules), map[protoreflect.FullName]bool{})
			var want []string
			if c.want != "" {
				want = []string{"t.M." + c.field + ": " + c.want}
			}
			// A map's entries are complained about as well; the map itself comes first.
			if c.of == ".t.M.LabelsEntry" && len(got) > 1 {
				got = got[:1]
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// badSchema builds a message t.M with one field. It nests the message in another,
// so that what is found was reached, not just looked at.
func badSchema(tb testing.TB, name string, kind descriptorpb.FieldDescriptorProto_Type, of string, rules *farmhoundv1.FieldRules) protoreflect.MessageDescriptor {
	tb.Helper()
	field := &descriptorpb.FieldDescriptorProto{
		Name: gproto.String(name), Number: gproto.Int32(1), Type: kind.Enum(),
		Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Options: withRules(rules),
	}
	inner := &descriptorpb.DescriptorProto{Name: gproto.String("M"), Field: []*descriptorpb.FieldDescriptorProto{field}}
	if of != "" {
		field.TypeName = gproto.String(of)
	}
	if of == ".t.M.LabelsEntry" {
		field.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		inner.NestedType = []*descriptorpb.DescriptorProto{mapEntry()}
	}
	outer := &descriptorpb.DescriptorProto{Name: gproto.String("Outer"), Field: []*descriptorpb.FieldDescriptorProto{{
		Name: gproto.String("part"), Number: gproto.Int32(1), TypeName: gproto.String(".t.M"),
		Type:    descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
		Label:   descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		Options: withRules(&farmhoundv1.FieldRules{Purpose: "Holds the part."}),
	}}}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: gproto.String("t.proto"), Package: gproto.String("t"), Syntax: gproto.String("proto3"),
		Dependency:  []string{anypb.File_google_protobuf_any_proto.Path(), structpb.File_google_protobuf_struct_proto.Path()},
		MessageType: []*descriptorpb.DescriptorProto{inner, outer},
	}, protoregistry.GlobalFiles)
	if err != nil {
		tb.Fatal(err)
	}
	return file.Messages().ByName("Outer")
}

func mapEntry() *descriptorpb.DescriptorProto {
	entry := &descriptorpb.DescriptorProto{
		Name: gproto.String("LabelsEntry"), Options: &descriptorpb.MessageOptions{MapEntry: gproto.Bool(true)},
	}
	for i, name := range []string{"key", "value"} {
		entry.Field = append(entry.Field, &descriptorpb.FieldDescriptorProto{
			Name: gproto.String(name), Number: gproto.Int32(int32(i + 1)),
			Type:  descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		})
	}
	return entry
}

func withRules(rules *farmhoundv1.FieldRules) *descriptorpb.FieldOptions {
	if rules == nil {
		return nil
	}
	options := &descriptorpb.FieldOptions{}
	gproto.SetExtension(options, farmhoundv1.E_Rules, rules)
	return options
}
