package native

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// text compiles what says something.
func (u *unit) text(e ast.Expr) String {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.String); ok {
			return func(*Frame) string { return string(v) }
		}
	case ast.SelectKind:
		if u.kind(e) == types.StringKind {
			return field(u, e, reflect.Value.String, reflect.String)
		}
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.Add:
			return u.joined(e)
		case operators.Conditional:
			return chosen(u, call.Args(), u.text)
		}
		return u.call(call)
	}
	u.beyond = true
	return nil
}

// joined compiles a sum of texts, all at once rather than by twos.
func (u *unit) joined(e ast.Expr) String {
	var parts []String
	var gather func(ast.Expr)
	gather = func(e ast.Expr) {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Add {
			for _, arg := range e.AsCall().Args() {
				gather(arg)
			}
			return
		}
		parts = append(parts, u.text(e))
	}
	gather(e)
	return func(f *Frame) string {
		var words [16]string
		said := words[:0]
		for _, part := range parts {
			said = append(said, part(f))
		}
		return strings.Join(said, "")
	}
}

// call compiles a call of one of the language's own functions.
func (u *unit) call(call ast.CallExpr) String {
	args := call.Args()
	if call.IsMemberFunction() || len(args) == 0 {
		u.beyond = true
		return nil
	}
	switch write := u.functions[call.FunctionName()].(type) {
	case func(float64) string:
		x := u.measure(args[0])
		return func(f *Frame) string { return write(x(f)) }
	case func(float64, ...string) string:
		return u.counted(write, args)
	case func(string) string:
		s := u.text(args[0])
		return func(f *Frame) string { return write(s(f)) }
	case func([]string) string:
		all := u.words(args[0])
		return func(f *Frame) string { return write(all(f)) }
	case func(time.Time) string:
		at := u.instant(args[0])
		return func(f *Frame) string { return write(at(f)) }
	case func(proto.Message) string:
		return u.described(call.FunctionName(), write, args[0])
	}
	u.beyond = true
	return nil
}

func (u *unit) counted(write func(float64, ...string) string, args []ast.Expr) String {
	x := u.measure(args[0])
	nouns := make([]string, 0, len(args)-1)
	for _, arg := range args[1:] {
		if arg.Kind() != ast.LiteralKind || u.kind(arg) != types.StringKind {
			u.beyond = true
			return nil
		}
		nouns = append(nouns, string(arg.AsLiteral().(types.String)))
	}
	return func(f *Frame) string { return write(x(f), nouns...) }
}

// measure compiles a number of any type as one with a fraction, as functions take it.
func (u *unit) measure(e ast.Expr) func(*Frame) float64 {
	switch u.kind(e) {
	case types.DoubleKind:
		return u.double(e)
	case types.UintKind:
		x := u.unsigned(e)
		return func(f *Frame) float64 { return float64(x(f)) }
	case types.IntKind:
		x := u.integer(e)
		return func(f *Frame) float64 { return float64(x(f)) }
	}
	u.beyond = true
	return nil
}

func (u *unit) instant(e ast.Expr) func(*Frame) time.Time {
	if p := u.path(e); p.of != reflect.TypeFor[*timestamppb.Timestamp]() {
		u.beyond = true
		return nil
	}
	at := field(u, e, func(v reflect.Value) *timestamppb.Timestamp {
		return v.Addr().Interface().(*timestamppb.Timestamp)
	}, reflect.Struct)
	return func(f *Frame) time.Time { return at(f).AsTime() } // of nil, the beginning of 1970
}

// described compiles what a function says of a message that every device has or lacks;
// many signals say it, so that it is kept.
func (u *unit) described(name string, write func(proto.Message) string, e ast.Expr) String {
	p := u.path(e)
	if u.beyond || p.from != 0 || len(p.fields) == 0 || !p.of.Implements(reflect.TypeFor[proto.Message]()) {
		u.beyond = true
		return nil
	}
	number := u.texts.of(fmt.Sprint(name, p.fields))
	return func(f *Frame) string {
		if number < len(f.texts) && f.texts[number] != "" {
			return f.texts[number]
		}
		v := p.value(f)
		if !v.IsValid() {
			f.failed = true
			return ""
		}
		said := write(v.Addr().Interface().(proto.Message))
		if number < len(f.texts) {
			f.texts[number] = said
		}
		return said
	}
}
