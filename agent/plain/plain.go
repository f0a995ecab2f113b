// Package plain says in plain words what a report carries, so that whoever sits at
// a laptop can read everything that would leave it.
//
// It walks the report by the schema itself: every field that is set is said, with
// the purpose that the schema states for it, and nothing can be forgotten. Values
// come from a hostile world and are escaped for a terminal.
// The package may import proto/ only.
package plain

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// Report writes every field that is set in the report, grouped by part, with why
// it is needed; then what attached hardware was taken for, and the names of the
// parts that the report does not carry.
func Report(w io.Writer, report *farmhoundv1.Report) error {
	p := &printer{w: w, told: map[protoreflect.FullName]bool{}}
	var absent []string
	message := report.ProtoReflect()
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Message() != nil && !message.Has(field) {
			absent = append(absent, words(string(field.Name())))
			continue
		}
		p.field(message, field, 0)
	}
	for i, sentence := range taken(report.GetHardware()) {
		if i == 0 {
			p.line(0, "", "")
		}
		p.line(0, sentence, "")
	}
	if len(absent) > 0 {
		p.line(0, "", "")
		p.line(0, "Not in this report: "+strings.Join(absent, ", ")+".", "")
	}
	return p.err
}

type printer struct {
	w    io.Writer
	told map[protoreflect.FullName]bool
	err  error
}

// field writes one field of a message, if it is set. A yes or no that is not set
// means no to whoever reads the report, and is written as that.
func (p *printer) field(message protoreflect.Message, field protoreflect.FieldDescriptor, depth int) {
	plainNo := field.Kind() == protoreflect.BoolKind && !field.HasPresence() && !field.IsList()
	if !message.Has(field) && !plainNo {
		return
	}
	name := words(string(field.Name()))
	value := message.Get(field)
	switch {
	case field.IsList() && field.Message() != nil && !isTime(field):
		p.messages(field, value.List(), name, depth)
	case field.IsList():
		var all []string
		for i := range value.List().Len() {
			all = append(all, p.value(field, value.List().Get(i)))
		}
		p.line(depth, name+": "+strings.Join(all, ", "), p.why(field))
	case field.Message() != nil && !isTime(field):
		p.heading(depth, name, p.why(field))
		p.fields(value.Message(), depth+1)
	default:
		p.line(depth, name+": "+p.value(field, value), p.why(field))
	}
}

func (p *printer) messages(field protoreflect.FieldDescriptor, list protoreflect.List, name string, depth int) {
	p.heading(depth, name+" ("+strconv.Itoa(list.Len())+")", p.why(field))
	for i := range list.Len() {
		p.line(depth+1, "number "+strconv.Itoa(i+1), "")
		p.fields(list.Get(i).Message(), depth+2)
	}
}

func (p *printer) fields(message protoreflect.Message, depth int) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		p.field(message, fields.Get(i), depth)
	}
}

// why returns a field's purpose the first time that the field is written.
func (p *printer) why(field protoreflect.FieldDescriptor) string {
	if p.told[field.FullName()] {
		return ""
	}
	p.told[field.FullName()] = true
	return fieldrules.Purpose(field)
}

func (p *printer) heading(depth int, text, why string) {
	if depth == 0 {
		p.line(0, "", "")
		text = strings.ToUpper(text)
	}
	p.line(depth, text, why)
}

func (p *printer) line(depth int, text, why string) {
	if p.err != nil {
		return
	}
	line := strings.Repeat("  ", depth) + text
	if why != "" {
		const column = 44
		line += strings.Repeat(" ", max(column-len([]rune(line)), 2)) + "- " + why
	}
	_, p.err = fmt.Fprintln(p.w, line)
}

func (p *printer) value(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch field.Kind() {
	case protoreflect.BoolKind:
		if value.Bool() {
			return "yes"
		}
		return "no"
	case protoreflect.EnumKind:
		return enumWord(field.Enum(), value.Enum())
	case protoreflect.StringKind:
		return quoted(value.String())
	case protoreflect.BytesKind:
		return hex.EncodeToString(value.Bytes()) + fmt.Sprintf(" (%d bytes)", len(value.Bytes()))
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return strconv.FormatFloat(value.Float(), 'f', -1, 64)
	case protoreflect.MessageKind:
		return timeWord(value.Message())
	default:
		return value.String()
	}
}

// quoted leaves plain words as they are and puts the rest in quotes, escaped.
func quoted(text string) string {
	if text != "" && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-:/+@~", r)
	}) < 0 {
		return text
	}
	return strconv.QuoteToGraphic(text)
}

// enumWord is an enum's value without the enum's name before it.
func enumWord(enum protoreflect.EnumDescriptor, number protoreflect.EnumNumber) string {
	value := enum.Values().ByNumber(number)
	if value == nil {
		return "unknown (" + strconv.Itoa(int(number)) + ")"
	}
	prefix := strings.TrimSuffix(string(enum.Values().ByNumber(0).Name()), "UNSPECIFIED")
	return words(strings.ToLower(strings.TrimPrefix(string(value.Name()), prefix)))
}

func isTime(field protoreflect.FieldDescriptor) bool {
	return field.Message().FullName() == "google.protobuf.Timestamp"
}

func timeWord(message protoreflect.Message) string {
	stamp, ok := message.Interface().(*timestamppb.Timestamp)
	if !ok {
		return fmt.Sprint(message.Interface())
	}
	return stamp.AsTime().UTC().Format(time.RFC3339)
}

func words(name string) string { return strings.ReplaceAll(name, "_", " ") }
