package native

import (
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
)

// path is the way to a field: from the message or a loop's element through messages.
type path struct {
	from   int   // the frame's value that it begins at
	fields []int // of structs; all but the last are messages
	of     reflect.Type
}

// path finds the field that an expression selects.
func (u *unit) path(e ast.Expr) path {
	if e.Kind() == ast.IdentKind {
		return u.root(e.AsIdent())
	}
	if e.Kind() != ast.SelectKind {
		u.beyond = true
		return path{}
	}
	s := e.AsSelect()
	p := u.path(s.Operand())
	if u.beyond {
		return path{}
	}
	if p.of.Kind() == reflect.Pointer {
		p.of = p.of.Elem()
	}
	i, ok := fieldNamed(p.of, s.FieldName())
	if !ok {
		u.beyond = true
		return path{}
	}
	p.fields = append(p.fields, i)
	p.of = p.of.Field(i).Type
	return p
}

func (u *unit) root(name string) path {
	for i := len(u.loops) - 1; i >= 0; i-- {
		if u.loops[i].name == name {
			return path{from: 1 + i, of: u.loops[i].element}
		}
	}
	u.beyond = u.beyond || name != u.name
	return path{of: u.message}
}

// fieldNamed finds a field of a generated message by its name in the schema.
func fieldNamed(message reflect.Type, name string) (int, bool) {
	if message.Kind() != reflect.Struct {
		return 0, false
	}
	for i := range message.NumField() {
		for part := range strings.SplitSeq(message.Field(i).Tag.Get("protobuf"), ",") {
			if part == "name="+name {
				return i, true
			}
		}
	}
	return 0, false
}

// message returns what holds the last field, invalid where that is not there.
func (p *path) message(f *Frame) reflect.Value {
	v := f.values[p.from]
	for _, i := range p.fields[:len(p.fields)-1] {
		v = v.Field(i)
		if v.IsNil() {
			return reflect.Value{}
		}
		v = v.Elem()
	}
	return v
}

// value returns the field itself, invalid where there is none or an optional one is not set.
func (p *path) value(f *Frame) reflect.Value {
	v := p.message(f)
	if !v.IsValid() {
		return v
	}
	v = v.Field(p.fields[len(p.fields)-1])
	if v.Kind() == reflect.Pointer {
		return v.Elem() // invalid for nil
	}
	return v
}

// field compiles the reading of a field; where it is not there it has its type's zero
// value. Kinds are the kinds of Go value that read can read.
func field[T any](u *unit, e ast.Expr, read func(reflect.Value) T, kinds ...reflect.Kind) func(*Frame) T {
	p := u.path(e)
	if u.beyond || len(p.fields) == 0 {
		u.beyond = true
		return nil
	}
	kind := p.of.Kind()
	if kind == reflect.Pointer {
		kind = p.of.Elem().Kind()
	}
	u.beyond = !slices.Contains(kinds, kind)
	return func(f *Frame) T {
		if v := p.value(f); v.IsValid() {
			return read(v)
		}
		var zero T
		return zero
	}
}

// present compiles whether a field is set.
func (u *unit) present(e ast.Expr) Bool {
	p := u.path(e)
	if u.beyond || len(p.fields) == 0 {
		u.beyond = true
		return nil
	}
	last := p.fields[len(p.fields)-1]
	return func(f *Frame) bool {
		v := p.message(f)
		if !v.IsValid() {
			return false
		}
		if v = v.Field(last); v.Kind() == reflect.Slice {
			return v.Len() > 0
		}
		return !v.IsZero()
	}
}
