package fieldrules

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/reflect/protoreflect"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// message is the compiled form of one message type. A well-known time type has
// a checkTime and no fields.
type message struct {
	descriptor protoreflect.MessageDescriptor
	fields     []field
	checkTime  func(protoreflect.Message) *Violation
}

// field is one field with the checks that apply to it.
type field struct {
	descriptor protoreflect.FieldDescriptor
	name       string
	required   bool
	repeated   bool
	presence   bool
	maxItems   int
	// check tests one value; nil where any value of the type will do.
	check func(protoreflect.Value) *Violation
	// nested tests a message; nil for scalars.
	nested *message
}

// Compile compiles the rules of a message type and of every type reachable
// from it. A rule that does not fit its field, and a string, bytes or repeated
// field without a bound, is an error that names the field; all of them are
// reported together.
func Compile(md protoreflect.MessageDescriptor) (*Validator, error) {
	c := compiler{done: map[protoreflect.MessageDescriptor]*message{}}
	root := c.message(md)
	if err := errors.Join(c.errs...); err != nil {
		return nil, fmt.Errorf("compile field rules of %s: %w", md.FullName(), err)
	}
	return &Validator{root: root}, nil
}

type compiler struct {
	done map[protoreflect.MessageDescriptor]*message
	errs []error
}

func (c *compiler) message(md protoreflect.MessageDescriptor) *message {
	if known, ok := c.done[md]; ok {
		return known
	}
	m := &message{descriptor: md}
	c.done[md] = m // before the fields: a type may contain itself
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		m.checkTime = checkTimestamp
		return m
	case "google.protobuf.Duration":
		m.checkTime = checkDuration
		return m
	}
	fields := md.Fields()
	for i := range fields.Len() {
		m.fields = append(m.fields, c.field(fields.Get(i)))
	}
	return m
}

func (c *compiler) field(fd protoreflect.FieldDescriptor) field {
	rules := Of(fd)
	for _, misfit := range misfits(fd, rules) {
		c.errs = append(c.errs, fmt.Errorf("%s: %s", fd.FullName(), misfit))
	}
	f := field{
		descriptor: fd,
		name:       string(fd.Name()),
		required:   rules.GetRequired(),
		repeated:   fd.IsList(),
		presence:   fd.HasPresence(),
		maxItems:   int(rules.GetMaxItems()),
	}
	if fd.IsMap() {
		return f // reported as a misfit
	}
	switch {
	case isMessage(fd):
		f.nested = c.message(fd.Message())
	case fd.Kind() == protoreflect.StringKind:
		f.check = stringCheck(rules)
	case fd.Kind() == protoreflect.BytesKind:
		f.check = bytesCheck(rules)
	default:
		f.check = numberCheck(fd.Kind(), rules)
	}
	return f
}

// misfits says which rules do not fit their field.
func misfits(fd protoreflect.FieldDescriptor, rules *farmhoundv1.FieldRules) []string {
	if fd.IsMap() {
		return []string{"map fields cannot be bounded by rules; use a repeated message"}
	}
	var problems []string
	fails := func(condition bool, problem string) {
		if condition {
			problems = append(problems, problem)
		}
	}
	isText := fd.Kind() == protoreflect.StringKind
	isLong := isText || fd.Kind() == protoreflect.BytesKind
	bounded := rules.Minimum != nil || rules.Maximum != nil
	fails(isLong && rules.GetMaxLength() == 0, "a string or bytes field needs max_length")
	fails(!isLong && rules.GetMaxLength() != 0, "max_length fits only strings and bytes")
	fails(!isLong && rules.GetMinLength() != 0, "min_length fits only strings and bytes")
	fails(isLong && rules.GetMinLength() > rules.GetMaxLength(), "min_length is above max_length")
	fails(fd.IsList() && rules.GetMaxItems() == 0, "a repeated field needs max_items")
	fails(!fd.IsList() && rules.GetMaxItems() != 0, "max_items fits only repeated fields")
	fails(!isText && rules.GetCharacters() != farmhoundv1.CharacterClass_CHARACTER_CLASS_UNSPECIFIED, "characters fits only strings")
	fails(isText && !knownClass(rules.GetCharacters()), "characters is a class this version does not know")
	fails(bounded && !isNumber(fd.Kind()), "minimum and maximum fit only numbers")
	fails(bounded && !orderedBounds(rules), "minimum and maximum must be numbers in order")
	fails(rules.GetRequired() && fd.Kind() == protoreflect.BoolKind && !fd.HasPresence() && !fd.IsList(),
		"required on a bool without presence would mean true")
	// An absent value is the empty value here, which min_length leaves alone:
	// whoever writes 1 means that it must be there.
	fails(isLong && rules.GetMinLength() == 1 && !fd.IsList() && !fd.HasPresence() && !rules.GetRequired(),
		"min_length 1 says nothing where empty means absent; use required")
	return problems
}

func isMessage(fd protoreflect.FieldDescriptor) bool {
	return fd.Kind() == protoreflect.MessageKind || fd.Kind() == protoreflect.GroupKind
}

func isNumber(kind protoreflect.Kind) bool {
	switch kind {
	case protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.StringKind, protoreflect.BytesKind,
		protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	default:
		return true
	}
}

func orderedBounds(rules *farmhoundv1.FieldRules) bool {
	low, high := bounds(rules)
	return low <= high // false for NaN as well
}

// bounds returns the inclusive range of a number, infinite where not stated.
func bounds(rules *farmhoundv1.FieldRules) (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if rules.Minimum != nil {
		low = rules.GetMinimum()
	}
	if rules.Maximum != nil {
		high = rules.GetMaximum()
	}
	return low, high
}
