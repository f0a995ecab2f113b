// Package fieldrules enforces the rules that the schema states about its own
// fields: the farmhound.v1.rules option on every field. A message type is
// compiled once into a Validator; both ends run the same one, the agent before
// a report leaves and the collector before it looks at one.
//
// Everything a Validator sees is hostile. Its errors name the field and what is
// wrong with it, and show of a string value only a quoted, bounded beginning.
// Unknown fields and unknown enum numbers are accepted, so that an older
// collector takes a newer agent's report.
//
// The package imports the generated contract and protobuf, nothing else.
package fieldrules

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxDepth bounds how deeply messages may nest. The contract nests five deep;
// only a recursive type and a hostile sender reach this.
const maxDepth = 32

// Of returns the rules that the schema states for a field; empty rules, never
// nil, where it states none.
func Of(fd protoreflect.FieldDescriptor) *farmhoundv1.FieldRules {
	options := fd.Options()
	if options != nil && proto.HasExtension(options, farmhoundv1.E_Rules) {
		if rules, ok := proto.GetExtension(options, farmhoundv1.E_Rules).(*farmhoundv1.FieldRules); ok && rules != nil {
			return rules
		}
	}
	return &farmhoundv1.FieldRules{}
}

// Purpose returns the sentence that says why a field exists and why it is not
// content; empty where the schema states none.
func Purpose(fd protoreflect.FieldDescriptor) string { return Of(fd).GetPurpose() }

// Violation is the first rule that a message was found to break.
type Violation struct {
	// Field is the path from the validated message, for example
	// software.tools[3].id. It is empty for the message itself.
	Field string
	// Problem says what is wrong, without the value's raw content.
	Problem string
}

// Error names the field and the problem.
func (v *Violation) Error() string {
	if v.Field == "" {
		return v.Problem
	}
	return v.Field + ": " + v.Problem
}

// in returns the violation as seen from the message that holds it.
func (v *Violation) in(field string) *Violation {
	if v.Field == "" {
		v.Field = field
	} else {
		v.Field = field + "." + v.Field
	}
	return v
}

// at returns the violation of one element as seen from the message.
func (v *Violation) at(field string, index int) *Violation {
	return v.in(field + "[" + strconv.Itoa(index) + "]")
}

func violation(format string, args ...any) *Violation {
	return &Violation{Problem: fmt.Sprintf(format, args...)}
}

// Validator holds the compiled rules of one message type and of every type
// reachable from it. It is safe for concurrent use.
type Validator struct {
	root *message
}

// Validate returns a *Violation for the first rule that m breaks, or nil. The
// message must be of the type the validator was compiled for.
func (v *Validator) Validate(m proto.Message) error {
	if m == nil {
		return violation("no %s at all", v.root.descriptor.FullName())
	}
	reflected := m.ProtoReflect()
	if reflected.Descriptor() != v.root.descriptor {
		return violation("is a %s, expected a %s", reflected.Descriptor().FullName(), v.root.descriptor.FullName())
	}
	if problem := v.root.check(reflected, 0); problem != nil {
		return problem
	}
	return nil
}
