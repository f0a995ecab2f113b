package fieldrules

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// schema builds a file with one message M that has the given fields.
func schema(tb testing.TB, fields ...*descriptorpb.FieldDescriptorProto) protoreflect.MessageDescriptor {
	tb.Helper()
	for i, f := range fields {
		f.Number = proto.Int32(int32(i + 1))
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("t.proto"), Package: proto.String("t"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M"), Field: fields}},
	}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return file.Messages().Get(0)
}

func newField(kind descriptorpb.FieldDescriptorProto_Type, repeated bool, rules *farmhoundv1.FieldRules) *descriptorpb.FieldDescriptorProto {
	label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
	if repeated {
		label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
	}
	f := &descriptorpb.FieldDescriptorProto{Name: proto.String("f"), Type: kind.Enum(), Label: label.Enum()}
	if kind == descriptorpb.FieldDescriptorProto_TYPE_MESSAGE {
		f.TypeName = proto.String(".t.M")
	}
	if rules != nil {
		f.Options = &descriptorpb.FieldOptions{}
		proto.SetExtension(f.Options, farmhoundv1.E_Rules, rules)
	}
	return f
}

func TestCompileRejectsMisfits(t *testing.T) {
	t.Parallel()
	const (
		text    = descriptorpb.FieldDescriptorProto_TYPE_STRING
		number  = descriptorpb.FieldDescriptorProto_TYPE_UINT32
		boolean = descriptorpb.FieldDescriptorProto_TYPE_BOOL
		raw     = descriptorpb.FieldDescriptorProto_TYPE_BYTES
	)
	type rules = farmhoundv1.FieldRules
	cases := []struct {
		name     string
		kind     descriptorpb.FieldDescriptorProto_Type
		repeated bool
		rules    *rules
		want     string
	}{
		{"fits", text, true, &rules{MaxLength: 3, MaxItems: 2}, ""},
		{"number without rules", number, false, nil, ""},
		{"string without rules", text, false, nil, "needs max_length"},
		{"bytes without length", raw, false, &rules{Purpose: "x"}, "needs max_length"},
		{"list without items", number, true, &rules{Maximum: proto.Float64(3)}, "needs max_items"},
		{"length of a number", number, false, &rules{MaxLength: 3}, "max_length fits only"},
		{"least length of a number", number, false, &rules{MinLength: 3}, "min_length fits only"},
		{"crossed lengths", text, false, &rules{MinLength: 4, MaxLength: 3}, "min_length is above"},
		{"items of one", text, false, &rules{MaxLength: 3, MaxItems: 3}, "max_items fits only"},
		{"characters of bytes", raw, false, &rules{MaxLength: 3, Characters: farmhoundv1.CharacterClass_CHARACTER_CLASS_HEX}, "characters fits only"},
		{"unknown characters", text, false, &rules{MaxLength: 3, Characters: 77}, "does not know"},
		{"range of a bool", boolean, false, &rules{Maximum: proto.Float64(1)}, "fit only numbers"},
		{"crossed range", number, false, &rules{Minimum: proto.Float64(2), Maximum: proto.Float64(1)}, "in order"},
		{"required bool", boolean, false, &rules{Required: true}, "would mean true"},
		{"at least one", text, false, &rules{MinLength: 1, MaxLength: 3}, "use required"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(schema(t, newField(c.kind, c.repeated, c.rules)))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && err == nil:
				t.Errorf("accepted, want an error with %q", c.want)
			case c.want != "" && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "t.M.f")):
				t.Errorf("got %q, want t.M.f and %q", err, c.want)
			}
		})
	}
}

func TestRecursiveTypeIsBounded(t *testing.T) {
	t.Parallel()
	md := schema(t, newField(descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, false, nil))
	validator, err := Compile(md)
	if err != nil {
		t.Fatal(err)
	}
	nest := func(levels int) proto.Message {
		outer := dynamicpb.NewMessage(md)
		for m := protoreflect.Message(outer); levels > 0; levels-- {
			m = m.Mutable(md.Fields().Get(0)).Message()
		}
		return outer
	}
	if err := validator.Validate(nest(maxDepth)); err != nil {
		t.Errorf("%d levels: %v", maxDepth, err)
	}
	if err := validator.Validate(nest(maxDepth + 1)); err == nil {
		t.Errorf("%d levels accepted", maxDepth+1)
	}
}
