package detect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// step is one part of a path: a field, and which element of it where it is a list.
var step = regexp.MustCompile(`^(\w+)(?:\[([^\]]*)\])?$`)

// setField gives a field of the picture another value. It is named as conditions name
// it, with or without "device", an element of a list by its number or by its id, name or
// address: tools[anydesk].approved=true. Without a value the field is cleared. The error
// is a *SuppositionError.
func setField(dev *fleetv1.Device, set string) error {
	path, value, ok := strings.Cut(set, "=")
	if !ok {
		return &SuppositionError{fmt.Sprintf("%q is not FIELD=VALUE, such as day5.built_in_share=0.6", set)}
	}
	path = strings.TrimPrefix(strings.TrimSpace(path), "device.")
	refuse := func(format string, args ...any) error {
		return &SuppositionError{fmt.Sprintf("%s: %s", path, fmt.Sprintf(format, args...))}
	}
	m := dev.ProtoReflect()
	steps := strings.Split(path, ".")
	for i, text := range steps {
		parts := step.FindStringSubmatch(text)
		if parts == nil {
			return refuse("%q is no field", text)
		}
		f := m.Descriptor().Fields().ByName(protoreflect.Name(parts[1]))
		if f == nil {
			return refuse("there is no field %q%s", parts[1], hint(parts[1], namesOf(m.Descriptor())))
		}
		last := i == len(steps)-1
		switch {
		case last && parts[2] == "":
			if err := assign(m, f, strings.TrimSpace(value)); err != nil {
				return refuse("%v", err)
			}
		case last:
			return refuse("an element of a list is changed field by field")
		case f.Message() == nil || isTime(f.Message()):
			return refuse("%q has no fields", parts[1])
		case f.IsList():
			element, err := elementOf(m.Mutable(f).List(), parts[1], parts[2])
			if err != nil {
				return refuse("%v", err)
			}
			m = element
		default:
			m = m.Mutable(f).Message()
		}
	}
	return nil
}

func namesOf(m protoreflect.MessageDescriptor) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i := range m.Fields().Len() {
			if !yield(string(m.Fields().Get(i).Name())) {
				return
			}
		}
	}
}

// elementOf finds an element of a list by its number, or by what it is called.
func elementOf(list protoreflect.List, name, which string) (protoreflect.Message, error) {
	if n, err := strconv.Atoi(which); err == nil {
		if n < 0 || n >= list.Len() {
			return nil, fmt.Errorf("%s has %d elements, counted from 0", name, list.Len())
		}
		return list.Get(n).Message(), nil
	}
	var called []string
	for i := range list.Len() {
		m := list.Get(i).Message()
		for _, key := range []protoreflect.Name{"id", "name", "address"} {
			if f := m.Descriptor().Fields().ByName(key); f != nil && f.Kind() == protoreflect.StringKind && !f.IsList() {
				if m.Get(f).String() == which && which != "" {
					return m, nil
				}
				called = append(called, m.Get(f).String())
				break
			}
		}
	}
	if which == "" {
		return nil, fmt.Errorf("%s is a list: say which, as in %s[0]", name, name)
	}
	return nil, fmt.Errorf("none of %s is called %q%s", name, which, hint(which, slices.Values(called)))
}

// assign gives a field a value that is written as people do, and clears it for none.
func assign(m protoreflect.Message, f protoreflect.FieldDescriptor, value string) error {
	if value == "" {
		m.Clear(f)
		return nil
	}
	if f.IsList() {
		if f.Message() != nil {
			return fmt.Errorf("it is a list: say which, as in %s[0]", f.Name())
		}
		list := m.NewField(f).List()
		for one := range strings.SplitSeq(value, ",") {
			v, err := readScalar(f, strings.TrimSpace(one))
			if err != nil {
				return err
			}
			list.Append(v)
		}
		m.Set(f, protoreflect.ValueOfList(list))
		return nil
	}
	v, err := readScalar(f, value)
	if err != nil {
		return err
	}
	if share := strings.HasSuffix(string(f.Name()), "_share"); share && (v.Float() < 0 || v.Float() > 1) {
		return fmt.Errorf("expected a share from 0 to 1, not %q", value)
	}
	m.Set(f, v)
	return nil
}

// readScalar reads a value of a field's type.
func readScalar(f protoreflect.FieldDescriptor, value string) (protoreflect.Value, error) {
	var none protoreflect.Value
	switch f.Kind() {
	case protoreflect.BoolKind:
		if value != "true" && value != "false" {
			return none, fmt.Errorf("expected true or false, not %q", value)
		}
		return protoreflect.ValueOfBool(value == "true"), nil
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(value), nil
	case protoreflect.DoubleKind:
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || v-v != 0 {
			return none, fmt.Errorf("expected a number, not %q", value)
		}
		return protoreflect.ValueOfFloat64(v), nil
	case protoreflect.Uint32Kind:
		v, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return none, fmt.Errorf("expected a whole number, not %q", value)
		}
		return protoreflect.ValueOfUint32(uint32(v)), nil
	case protoreflect.EnumKind:
		v := f.Enum().Values().ByName(protoreflect.Name(value))
		if v == nil {
			return none, fmt.Errorf("there is no %s %q", f.Enum().Name(), value)
		}
		return protoreflect.ValueOfEnum(v.Number()), nil
	case protoreflect.MessageKind:
		if isTime(f.Message()) {
			at, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return none, fmt.Errorf("expected an RFC 3339 time, not %q", value)
			}
			return protoreflect.ValueOfMessage(timestamppb.New(at).ProtoReflect()), nil
		}
		return none, fmt.Errorf("it has fields: say which, as in %s.%s=…", f.Name(), f.Message().Fields().Get(0).Name())
	default:
		return none, fmt.Errorf("fields of its kind, %s, cannot be set", f.Kind())
	}
}
