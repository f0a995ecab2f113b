package agent

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// dropViolation clears what a violation names: an element of a list right in the
// report, or else the whole part. It reports false when the part cannot be spared.
func dropViolation(report *farmhoundv1.Report, err error) bool {
	var violation *fieldrules.Violation
	if !errors.As(err, &violation) {
		return false
	}
	head, _, _ := strings.Cut(violation.Field, ".")
	name, index, listed := strings.Cut(strings.TrimSuffix(head, "]"), "[")
	field := report.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil || field.Message() == nil || field.Name() == "observed_at" {
		return false
	}
	if !listed {
		if field.IsList() {
			// Too many: the first ones are kept.
			list := report.ProtoReflect().Mutable(field).List()
			list.Truncate(min(list.Len(), int(fieldrules.Of(field).GetMaxItems())))
			return true
		}
		report.ProtoReflect().Clear(field)
		return true
	}
	return removeElement(report.ProtoReflect().Mutable(field).List(), index)
}

func removeElement(list protoreflect.List, index string) bool {
	at := 0
	for _, digit := range index {
		at = at*10 + int(digit-'0')
		if at >= list.Len() {
			return false
		}
	}
	for i := at; i < list.Len()-1; i++ {
		list.Set(i, list.Get(i+1))
	}
	list.Truncate(list.Len() - 1)
	return true
}
